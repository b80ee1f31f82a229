package buildkit

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

const (
	defaultParallel = 2
	// pushAttempts and pushPause bound how long a registry may refuse a push for a passing reason: 1+2+4+8+16+16 s and jitter.
	pushAttempts = 7
	pushPause    = time.Second
	maxPushPause = 16 * time.Second
)

// Builder builds and publishes images on one BuildKit daemon. It is safe for concurrent use.
type Builder struct {
	options Options
	slots   chan struct{} // holds a token for each build that runs
	dialing chan struct{} // guards client and address
	client  *client.Client
	address string // where client is connected to
}

// New returns a Builder. It contacts nothing; an option that cannot be right is an [*OptionError].
func New(options Options) (*Builder, error) {
	if err := options.validate(); err != nil {
		return nil, err
	}
	parallel := options.MaxParallel
	if parallel <= 0 {
		parallel = defaultParallel
	}
	return &Builder{
		options: options,
		slots:   make(chan struct{}, parallel),
		dialing: make(chan struct{}, 1),
	}, nil
}

// Request is an image to build.
type Request struct {
	// Base is the base image by digest ("python:3.11-slim@sha256:…").
	Base string
	// PythonVersion is the "X.Y" that the base image must have. Empty takes what it has.
	PythonVersion string
	// Pip and Packages are what to install, Constraints bound the versions of what pip takes. Order means nothing.
	Pip, Constraints []requirement.Pip
	Packages         []requirement.Package
	// Locked are, where there are any, just the distributions to install, and Pip is not looked at.
	Locked []Locked
	// Target is the repository and tag to publish the image under.
	Target string
	// Labels are added to the image's configuration.
	Labels map[string]string
	// Fresh installs everything anew instead of reusing the daemon's results of earlier builds. Later builds on the same
	// base image start from what it installed. Downloads are reused all the same where the package managers allow it.
	Fresh bool
	// Begin is called once, when the build has its turn and nothing has been done yet. An error of it is the build's. May be nil.
	Begin func() error
	// Observe is told what goes on: each line of the log, secrets removed, with the step that it comes from; and the
	// begin and end of steps. It is called from one goroutine at a time and should return soon. May be nil.
	Observe func(step, line string)
}

// Locked is a distribution to install.
type Locked struct {
	// Name is normalised.
	Name, Version string
	// Address is where the file is: that of an archive, with "#subdirectory=" where the distribution is in a part of it. Empty is
	// a package index.
	Address string
	// Hashes are the SHA-256 of the files that will do, in hexadecimal digits.
	Hashes []string
	// Marker tells the machines it is for.
	Marker pep508.Marker
}

// Result is an image that was built and published.
type Result struct {
	// Digest is the digest of what Target now refers to: an index of the images of all platforms and their attestations.
	Digest string
	// Size is how many bytes a client that has nothing yet pulls: the compressed layers and configurations of all
	// platforms. Zero where the daemon does not tell.
	Size int64
	// PipLibraries is what pip lists in the image of the first platform.
	PipLibraries []imageregistry.PipLibrary
	// PythonVersion is the "X.Y" of the image.
	PythonVersion string
}

// Build builds the image and publishes it. It waits for its turn when too many builds run already. A registry that refuses the push
// because of its rate, or because the credentials expired meanwhile, is asked again. Every error is an [*Error], but that of the request's Begin.
func (b *Builder) Build(ctx context.Context, req Request) (Result, error) {
	if _, digest, ok := strings.Cut(req.Base, "@"); !ok || digest == "" {
		return Result{}, &Error{
			Failure: imageregistry.BuildFailure{
				Class: imageregistry.FailureBaseImage, Step: stepPull,
				Message: fmt.Sprintf("the base image %q is not given by digest", req.Base),
			},
		}
	}
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-ctx.Done():
		return Result{}, cancelled(ctx, "wait for a free builder")
	}
	if req.Begin != nil {
		if err := req.Begin(); err != nil {
			return Result{}, err
		}
	}
	c, err := b.connect(ctx)
	if err != nil {
		return Result{}, err
	}
	return b.buildUntilPushed(ctx, c, req)
}

// buildUntilPushed solves again while the registry answers that it is asked too often, or that the credentials expired. BuildKit's own push gives up
// on a 429 after a few immediate repetitions, and asks for credentials once. The repeated solve finds everything in the daemon's cache.
func (b *Builder) buildUntilPushed(ctx context.Context, c *client.Client, req Request) (Result, error) {
	pause := cmp.Or(b.options.PushPause, pushPause)
	for attempt := 1; ; attempt++ {
		result, err := b.solve(ctx, c, req)
		reason, passes := passing(err)
		if err == nil || attempt == pushAttempts || !passes {
			return result, err
		}
		if req.Observe != nil {
			req.Observe(stepPush, fmt.Sprintf("%s; trying again in about %s", reason, pause))
		}
		select {
		case <-time.After(pause + rand.N(pause/2+1)): // jitter: a fleet of builds was refused at the same moment
		case <-ctx.Done():
			return Result{}, cancelled(ctx, stepPush)
		}
		pause = min(2*pause, maxPushPause)
		req.Fresh = false // what this very build has just installed is fresh
	}
}
