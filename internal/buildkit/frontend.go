package buildkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/result"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// frontend is our half of a solve: BuildKit calls build, which asks it for the pieces and returns the image to export.
type frontend struct {
	options Options
	request Request
	secrets *secretSet
	// cacheImports are the caches to look for results in, besides the daemon's own.
	cacheImports []gateway.CacheOptionsEntry

	// What is known after the solve. The mutex guards it against the platforms, which are built side by side.
	mu       sync.Mutex
	err      error
	result   Result
	begun    bool // the daemon let us build
	returned bool // the image was built; what fails afterwards is its export
}

// failure is the error to explain a failed solve by: our own error when there is one, for it still has its types,
// while the solve's is what the daemon made of it.
func (f *frontend) failure(solve error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	return solve
}

// build is a gateway.BuildFunc.
func (f *frontend) build(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	out, err := f.buildAll(ctx, c)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun, f.err, f.returned = true, err, err == nil
	return out, err
}

func (f *frontend) buildAll(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	targets, err := f.platforms(c.BuildOpts().Workers)
	if err != nil {
		return nil, err
	}
	out := gateway.NewResult()
	var exported exptypes.Platforms
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range targets {
		platform := exptypes.Platform{ID: platforms.Format(p), Platform: p}
		exported.Platforms = append(exported.Platforms, platform)
		prefix := ""
		if len(targets) > 1 {
			prefix = "[" + platform.ID + "] "
		}
		group.Go(func() error { return f.buildPlatform(ctx, c, out, platform, prefix, i == 0) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	mapping, err := json.Marshal(exported)
	if err != nil {
		return nil, err
	}
	out.AddMeta(exptypes.ExporterPlatformsKey, mapping)
	return out, nil
}

// platforms are the platforms to build: those asked for, all of which the daemon must be able to run, or the daemon's own.
func (f *frontend) platforms(workers []gateway.WorkerInfo) ([]ocispecs.Platform, error) {
	if len(workers) == 0 || len(workers[0].Platforms) == 0 {
		return nil, errors.New("the BuildKit daemon has no worker")
	}
	runnable := workers[0].Platforms
	if len(f.options.Platforms) == 0 {
		return []ocispecs.Platform{platforms.Normalize(runnable[0])}, nil
	}
	targets, err := parsePlatforms(f.options.Platforms)
	if err != nil {
		return nil, err
	}
	for _, target := range targets {
		if !slices.ContainsFunc(runnable, platforms.NewMatcher(target).Match) {
			return nil, &platformError{wanted: target, runnable: runnable}
		}
	}
	return targets, nil
}

// platformError is a platform that the daemon cannot run.
type platformError struct {
	wanted   ocispecs.Platform
	runnable []ocispecs.Platform
}

// Error implements error.
func (e *platformError) Error() string {
	names := make([]string, len(e.runnable))
	for i, p := range e.runnable {
		names[i] = platforms.Format(p)
	}
	return fmt.Sprintf("the BuildKit daemon cannot run %s, only %s; use a daemon on such a machine, or install an emulator on "+
		"its host (docker run --privileged --rm tonistiigi/binfmt --install %s)",
		platforms.Format(e.wanted), strings.Join(names, ", "), e.wanted.Architecture)
}

// baseError is a base image whose manifest or configuration cannot be had.
type baseError struct{ err error }

// Error implements error.
func (e *baseError) Error() string { return e.err.Error() }

// Unwrap implements errors' interface.
func (e *baseError) Unwrap() error { return e.err }

// buildPlatform adds the image of one platform and its SBOM to the result.
func (f *frontend) buildPlatform(ctx context.Context, c gateway.Client, out *gateway.Result, platform exptypes.Platform, prefix string, first bool) error {
	_, _, raw, err := sourceresolver.NewImageMetaResolver(c).ResolveImageConfig(ctx, f.request.Base, sourceresolver.Opt{
		LogName:  prefix + "look up the base image",
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &platform.Platform},
	})
	if err != nil {
		return &baseError{err}
	}
	base, err := parseImageConfig(raw)
	if err != nil {
		return &baseError{err}
	}
	recipe := recipe{request: f.request, platform: platform.Platform, env: base.env(), secrets: f.secrets, prefix: prefix}
	imageState, reportState := recipe.states()
	imageRef, err := f.reference(ctx, c, imageState, platform.Platform, false)
	if err != nil {
		return err
	}
	report, err := f.readReport(ctx, c, reportState, platform.Platform)
	if err != nil {
		return err
	}
	if err := report.check(recipe.locked()); err != nil {
		return err
	}
	config, err := base.derive(f.request, f.options.Version)
	if err != nil {
		return err
	}
	sbom, err := f.attachment(ctx, c, report, platform.Platform)
	if err != nil {
		return err
	}
	out.AddRef(platform.ID, imageRef)
	out.AddMeta(exptypes.ExporterImageConfigKey+"/"+platform.ID, config)
	out.AddAttestation(platform.ID, sbom)
	if first {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.result = Result{PipLibraries: report.libraries(), PythonVersion: report.python}
	}
	return nil
}

// attachment makes the SBOM an attestation. The gateway takes its content only as a file of a reference.
func (f *frontend) attachment(ctx context.Context, c gateway.Client, r *report, p ocispecs.Platform) (gateway.Attestation, error) {
	document, err := newSBOM(f.request, r, f.options.Version)
	if err != nil {
		return gateway.Attestation{}, err
	}
	state := llb.Scratch().File(llb.Mkfile("/"+sbomFile, 0o644, document), llb.WithCustomName("prepare: "+sbomFile))
	ref, err := f.reference(ctx, c, state, p, false)
	if err != nil {
		return gateway.Attestation{}, err
	}
	return gateway.Attestation{
		Kind:   gatewaypb.AttestationKind_InToto,
		Ref:    ref,
		Path:   "/" + sbomFile,
		InToto: result.InTotoAttestation{PredicateType: spdxPredicate},
	}, nil
}

// reference hands a state to BuildKit. Without evaluate nothing is run yet.
func (f *frontend) reference(ctx context.Context, c gateway.Client, state llb.State, p ocispecs.Platform, evaluate bool) (gateway.Reference, error) {
	definition, err := state.Marshal(ctx, llb.Platform(p), llb.WithCaps(c.BuildOpts().LLBCaps))
	if err != nil {
		return nil, err
	}
	solved, err := c.Solve(ctx, gateway.SolveRequest{Definition: definition.ToPB(), Evaluate: evaluate, CacheImports: f.cacheImports})
	if err != nil {
		return nil, err
	}
	return solved.SingleRef()
}

// readReport runs the build up to its report and reads that.
func (f *frontend) readReport(ctx context.Context, c gateway.Client, state llb.State, p ocispecs.Platform) (*report, error) {
	ref, err := f.reference(ctx, c, state, p, true)
	if err != nil {
		return nil, err
	}
	raw, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: "/report"})
	if err != nil {
		return nil, err
	}
	return parseReport(raw)
}
