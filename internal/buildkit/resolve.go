package buildkit

import (
	"context"
	"errors"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/session"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// ResolveBase returns the digest ("sha256:…") that a reference to a base image means now. The daemon asks the registry,
// because it is the daemon that will pull: its mirrors and its network count. A reference that holds a digest is not asked for.
func (b *Builder) ResolveBase(ctx context.Context, reference string) (string, error) {
	if _, digest, ok := strings.Cut(reference, "@"); ok {
		return digest, nil
	}
	c, err := b.connect(ctx)
	if err != nil {
		return "", err
	}
	var digest string
	var failure error
	redactor := newRedactor()
	log := newBuildLog(redactor, nil)
	resolve := func(ctx context.Context, g gateway.Client) (*gateway.Result, error) {
		_, resolved, _, err := sourceresolver.NewImageMetaResolver(g).ResolveImageConfig(ctx, reference, sourceresolver.Opt{
			LogName:  "look up the base image",
			ImageOpt: &sourceresolver.ResolveImageOpt{ResolveMode: llb.ResolveModeForcePull.String()},
		})
		if err != nil {
			failure = &baseError{err}
			return nil, failure
		}
		digest = resolved.String()
		return gateway.NewResult(), nil
	}
	_, err = c.Build(ctx, client.SolveOpt{
		FrontendAttrs: map[string]string{},
		Internal:      true, // nobody wants to find it in the daemon's history of builds
		Session:       []session.Attachable{&authProvider{keychain: b.options.Keychain, redactor: redactor}},
	}, product, resolve, nil)
	switch {
	case failure != nil:
		return "", explain(ctx, failure, false, log, Request{})
	case err != nil:
		return "", explain(ctx, err, false, log, Request{})
	case digest == "":
		return "", &Error{Failure: imageregistry.BuildFailure{
			Class: imageregistry.FailurePlatform, Step: stepPull, Message: "the BuildKit daemon named no digest for " + reference,
		}}
	}
	return digest, nil
}

// Platforms are the platforms of every image: the configured ones, or the daemon's own.
func (b *Builder) Platforms(ctx context.Context) ([]string, error) {
	if len(b.options.Platforms) > 0 {
		return b.options.Platforms, nil
	}
	c, err := b.connect(ctx)
	if err != nil {
		return nil, err
	}
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return nil, err
	}
	if len(workers) == 0 || len(workers[0].Platforms) == 0 {
		return nil, errors.New("the BuildKit daemon has no worker")
	}
	return []string{platforms.Format(platforms.Normalize(workers[0].Platforms[0]))}, nil
}
