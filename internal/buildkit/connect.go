package buildkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer" // docker-container://
	_ "github.com/moby/buildkit/client/connhelper/kubepod"         // kube-pod://
	_ "github.com/moby/buildkit/client/connhelper/ssh"             // ssh://

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// connectTimeout bounds the first word with a daemon. It is long because kubectl and ssh may have to log in.
const connectTimeout = 30 * time.Second

// ConnectError is a daemon that did not answer.
type ConnectError struct {
	// Attempts are the addresses that were tried, in order.
	Attempts []ConnectAttempt
}

// ConnectAttempt is one address that was tried and what came of it.
type ConnectAttempt struct {
	Address string
	Err     error
}

// Error implements error. It says which addresses were tried and how to start a daemon.
func (e *ConnectError) Error() string {
	return fmt.Sprintf("no BuildKit daemon answered at %s. %s", e.tried(), howToStart)
}

// Unwrap gives the errors of all attempts.
func (e *ConnectError) Unwrap() []error {
	errs := make([]error, len(e.Attempts))
	for i, a := range e.Attempts {
		errs[i] = a.Err
	}
	return errs
}

func (e *ConnectError) tried() string {
	tried := make([]string, len(e.Attempts))
	for i, a := range e.Attempts {
		tried[i] = fmt.Sprintf("%s (%s)", a.Address, plainly(a.Err))
	}
	return strings.Join(tried, ", ")
}

// plainly leaves out the wrapping of gRPC around the reason why a dial failed.
func plainly(err error) string {
	text := oneLine(err.Error())
	if i := strings.LastIndex(text, "desc = "); i >= 0 {
		text = strings.Trim(text[i+len("desc = "):], `"\`)
	}
	return strings.TrimPrefix(text, "transport: Error while dialing: ")
}

const howToStart = "Start one with `docker run --detach --privileged --name buildkitd moby/buildkit` and use the address " +
	"docker-container://buildkitd, or run `buildkitd` as root on Linux, whose address is unix:///run/buildkit/buildkitd.sock."

// addresses are the addresses to try, in order.
func (o Options) addresses() []string {
	if o.Address != "" {
		return []string{o.Address}
	}
	return []string{
		"unix:///run/buildkit/buildkitd.sock",
		fmt.Sprintf("unix:///run/user/%d/buildkit/buildkitd.sock", os.Getuid()), // rootless
	}
}

// connect returns the one client of this Builder, and dials when there is none yet. A failure is not remembered.
func (b *Builder) connect(ctx context.Context) (*client.Client, error) {
	select { // a mutex whose holder may dial for long, so waiting for it heeds ctx
	case b.dialing <- struct{}{}:
		defer func() { <-b.dialing }()
	case <-ctx.Done():
		return nil, cancelled(ctx, stepConnect)
	}
	if b.client != nil {
		return b.client, nil
	}
	failed := &ConnectError{}
	for _, address := range b.options.addresses() {
		c, err := b.dial(ctx, address)
		if err == nil {
			b.client, b.address = c, address
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, cancelled(ctx, stepConnect)
		}
		failed.Attempts = append(failed.Attempts, ConnectAttempt{address, err})
	}
	return nil, failed.explained()
}

// explained is the failure of a build for want of a daemon.
func (e *ConnectError) explained() *Error {
	return &Error{
		Failure: imageregistry.BuildFailure{Class: imageregistry.FailurePlatform, Step: stepConnect, Message: oneLine(e.Error())},
		Err:     e,
	}
}

// dial connects and makes sure that a daemon answers: BuildKit's client itself would only find out in the midst of a build.
func (b *Builder) dial(ctx context.Context, address string) (*client.Client, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, fmt.Errorf("no answer within %s", connectTimeout))
	defer cancel()
	c, err := client.New(ctx, address, b.options.TLS.clientOptions()...)
	if err != nil {
		return nil, err
	}
	if _, err := c.ListWorkers(ctx); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (t TLSOptions) clientOptions() []client.ClientOpt {
	if !t.enabled() {
		return nil
	}
	options := []client.ClientOpt{client.WithServerConfigSystem(t.ServerName)}
	if t.CACert != "" {
		options = []client.ClientOpt{client.WithServerConfig(t.ServerName, t.CACert)}
	}
	if t.Cert != "" {
		options = append(options, client.WithCredentials(t.Cert, t.Key))
	}
	return options
}

// Close ends the connection. Builds that still run fail.
func (b *Builder) Close() error {
	b.dialing <- struct{}{}
	defer func() { <-b.dialing }()
	if b.client == nil {
		return nil
	}
	c := b.client
	b.client = nil
	return c.Close()
}
