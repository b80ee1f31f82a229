package buildkit

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/moby/buildkit/client/connhelper"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

func TestBuild_noDaemon(t *testing.T) {
	t.Parallel()
	address := "unix://" + t.TempDir() + "/nobody.sock"
	b, err := New(Options{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	for what, attempt := range map[string]func() error{
		"Build":       func() error { _, err := b.Build(t.Context(), testRequest(t)); return err },
		"ResolveBase": func() error { _, err := b.ResolveBase(t.Context(), "python:3.11"); return err },
	} {
		err := attempt()
		failed, ok := errors.AsType[*Error](err)
		if !ok || failed.Failure.Class != imageregistry.FailurePlatform || failed.Failure.Step != stepConnect {
			t.Fatalf("%s: %v", what, err)
		}
		connect, ok := errors.AsType[*ConnectError](err)
		if !ok || len(connect.Attempts) != 1 || connect.Attempts[0].Address != address {
			t.Fatalf("%s: %v", what, err)
		}
		for _, part := range []string{address, "no such file or directory", "docker run", "docker-container://buildkitd", "buildkitd"} {
			if !strings.Contains(failed.Failure.Message, part) {
				t.Errorf("%s: the message says nothing of %q: %s", what, part, failed.Failure.Message)
			}
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestOptions_addresses(t *testing.T) {
	t.Parallel()
	if got := (Options{Address: "tcp://h:1"}).addresses(); len(got) != 1 || got[0] != "tcp://h:1" {
		t.Errorf("got %q", got)
	}
	if got := (Options{}).addresses(); len(got) != 2 || got[0] != "unix:///run/buildkit/buildkitd.sock" {
		t.Errorf("got %q", got)
	}
}

// TestConnect_silent meets a listener that accepts and never answers, with a user who gives up.
func TestConnect_silent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	b, err := New(Options{Address: "tcp://" + listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("the user gave up")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
	defer cancel()
	_, err = b.Build(ctx, testRequest(t))
	if failed, ok := errors.AsType[*Error](err); !ok || failed.Failure.Class != imageregistry.FailureCancelled || !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

func TestConnectionHelpers(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"docker-container://buildkitd", "kube-pod://buildkitd-0", "ssh://me@host"} {
		helper, err := connhelper.GetConnectionHelper(address)
		if err != nil || helper == nil {
			t.Errorf("%s: %v, %v", address, helper, err)
		}
	}
}

func TestBuild_waitsForItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{MaxParallel: 1})
		if err != nil {
			t.Fatal(err)
		}
		b.slots <- struct{}{} // a build that runs
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		begin := time.Now()
		req := testRequest(t)
		req.Begin = func() error {
			t.Error("a build that waits has begun")
			return nil
		}
		_, err = b.Build(ctx, req)
		failed, ok := errors.AsType[*Error](err)
		if !ok || failed.Failure.Class != imageregistry.FailureCancelled || time.Since(begin) != time.Hour {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		begin = time.Now()
		time.AfterFunc(time.Minute, func() { <-b.slots })
		began := errors.New("begun")
		req.Begin = func() error { return began }
		if _, err := b.Build(t.Context(), req); !errors.Is(err, began) || time.Since(begin) != time.Minute {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		if len(b.slots) != 0 {
			t.Error("a build that did not begin keeps its slot")
		}
	})
}

func TestBuild_baseWithoutDigest(t *testing.T) {
	t.Parallel()
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	req := testRequest(t)
	req.Base = "python:3.11-slim"
	_, err = b.Build(t.Context(), req)
	if failed, ok := errors.AsType[*Error](err); !ok || failed.Failure.Class != imageregistry.FailureBaseImage {
		t.Errorf("got %v", err)
	}
}

func TestResolveBase_digestIsKnown(t *testing.T) {
	t.Parallel()
	b, err := New(Options{Address: "unix:///nobody"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.ResolveBase(t.Context(), "python:3.11@"+testDigest); got != testDigest || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// keychain answers with what it has for a host, and counts.
type keychain struct {
	mu      sync.Mutex
	configs map[string]authn.AuthConfig
	asked   []string
	err     error
}

func (k *keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, r.RegistryStr())
	return authn.FromConfig(k.configs[r.RegistryStr()]), k.err
}

func (k *keychain) set(host string, config authn.AuthConfig) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.configs[host] = config
}

func TestAuthProvider(t *testing.T) {
	t.Parallel()
	keys := &keychain{configs: map[string]authn.AuthConfig{
		"basic.example.com": {Username: "AWS", Password: "a-password"},
		"token.example.com": {IdentityToken: "a-refresh-token"},
		"odd.example.com":   {RegistryToken: "a-bearer-token"},
		"index.docker.io":   {Username: "hub", Password: "hub-password"},
	}}
	p := &authProvider{keychain: keys, redactor: newRedactor()}
	for host, want := range map[string]*auth.CredentialsResponse{
		"basic.example.com":    {Username: "AWS", Secret: "a-password"},
		"token.example.com":    {Secret: "a-refresh-token"},
		"registry-1.docker.io": {Username: "hub", Secret: "hub-password"},
		"unknown.example.com":  {},
	} {
		for range 2 { // asked anew each time
			got, err := p.Credentials(t.Context(), &auth.CredentialsRequest{Host: host})
			if err != nil || got.Username != want.Username || got.Secret != want.Secret {
				t.Errorf("%s: got %v, %v", host, got, err)
			}
		}
	}
	if len(keys.asked) != 8 {
		t.Errorf("asked %q", keys.asked)
	}
	if _, err := p.Credentials(t.Context(), &auth.CredentialsRequest{Host: "odd.example.com"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a bearer token gives %v", err)
	}
	keys.err = errors.New("the helper is broken")
	if _, err := p.Credentials(t.Context(), &auth.CredentialsRequest{Host: "basic.example.com"}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a broken keychain gives %v", err)
	}
	if got := p.redactor.clean("a-password, a-refresh-token, hub-password"); got != "***, ***, ***" {
		t.Errorf("not hidden: %q", got)
	}
	if got, err := (&authProvider{redactor: newRedactor()}).Credentials(t.Context(), &auth.CredentialsRequest{Host: "h"}); err != nil || got.Username != "" {
		t.Errorf("no keychain gives %v, %v", got, err)
	}
}
