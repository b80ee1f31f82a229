package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// order is what to build.
type order struct {
	spec  imageregistry.Spec
	fresh bool
	// creation tells that no Terraform state has the image yet.
	creation bool
	// base is what to build on.
	base base
}

// resolveBase finds out what an image of that Python version is built on. It comes before anything is written: a builder that cannot be
// reached or a base image that cannot be had leaves no trace in the registry.
//
// The builder may go to a mirror, which may be behind. The base's own registry is asked first: what it shows is then never newer than what the
// builder could have got, and an image is not outdated until it shows something else.
func (r *Registry) resolveBase(ctx context.Context, python string) (base, error) {
	from := base{Reference: r.config.BaseImages[python]}
	shown, _ := r.bases.digest(ctx, from.Reference) // a check that cannot be made says nothing
	var err error
	if from.Digest, err = r.config.Builder.ResolveBase(ctx, from.Reference); shown != from.Digest {
		from.Shown = shown
	}
	return from, err
}

// beginPrepared begins a build in a repository that is ready for it; again where another process took the empty repository away in between. Once something of ours is
// in it, it stays.
func (r *Registry) beginPrepared(ctx context.Context, repo name.Repository, decide func(*record) (order, error)) (image imageregistry.Image, build imageregistry.Build, err error) {
	for attempt := 0; ; attempt++ {
		if err := r.prepare(ctx, repo); err != nil {
			return image, build, err
		}
		image, build, err = r.begin(ctx, repo, decide)
		answer, ok := errors.AsType[*APIError](err)
		if r.config.Repositories == nil || !ok || !answer.has(transport.NameUnknownErrorCode) || attempt >= max(1, r.config.Options.Retries) {
			return image, build, err
		}
		if err := httpx.Sleep(ctx, httpx.Backoff(r.config.Options.RetryDelay, attempt)); err != nil {
			return image, build, err
		}
	}
}

// prepare gets the repository ready for its first push.
func (r *Registry) prepare(ctx context.Context, repo name.Repository) error {
	if r.config.Repositories == nil {
		return nil
	}
	return r.config.Repositories.Prepare(ctx, repo)
}

// begin accepts a build: with no other process changing the record, decide is asked what to build (the record is nil where there is none), the record
// is written with a lease of ours, and the build starts in the background.
func (r *Registry) begin(ctx context.Context, repo name.Repository, decide func(*record) (order, error)) (imageregistry.Image, imageregistry.Build, error) {
	var rec *record
	err := r.store.exclusively(ctx, repo, func(ctx context.Context) error {
		found, digest, err := r.store.readRecord(ctx, repo)
		if err != nil && !errors.Is(err, errAbsent) {
			return err
		}
		if found != nil {
			r.overlay(found)
		}
		o, err := decide(found)
		if err != nil {
			return err
		}
		rec = found
		if rec == nil {
			rec = &record{Name: o.spec.Name, CreatedAt: r.store.clock.now().UTC()}
		}
		w := r.take(repo, rec, o)
		if err := r.store.writeRecord(ctx, repo, rec, digest); err != nil {
			w.lease.release()
			r.creations.Fail(rec.Creation)
			return err
		}
		// At once, for the lease runs from now on.
		r.start(ctx, w)
		return nil
	})
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	return r.describe(repo, rec, sighting{}), rec.Build.domain(r.store.clock.now()), nil
}

// take makes the record one of a build of ours.
func (r *Registry) take(repo name.Repository, rec *record, o order) *work {
	l := newLease(r.store, repo)
	if rec.Lease != nil {
		r.store.lifelines().Forget(rec.Lease.ID)
	}
	rec.noteAttempt()
	rec.Request = requestOf(o.spec)
	rec.Build = build{ID: l.id, Status: imageregistry.BuildRequested, CreatedAt: r.store.clock.now().UTC()}
	rec.Lease = l.terms()
	r.store.lifelines().Forget(rec.Creation)
	rec.Workspace, rec.Creation = "", ""
	if o.creation {
		rec.Workspace, rec.Creation = r.config.Options.Workspace, newBuildID(rec.Name)
		r.creations.Begin(rec.Creation)
	}
	return &work{lease: l, spec: o.spec, fresh: o.fresh, base: o.base, current: rec.Image, state: rec.Build, done: make(chan struct{})}
}

// start runs the build, whatever becomes of the request that asked for it.
func (r *Registry) start(ctx context.Context, w *work) {
	ctx, w.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	w.cause = func() error { return context.Cause(ctx) }
	r.works.add(w)
	r.background.run(w.cancel, func() {
		defer close(w.done)
		defer w.lease.release()
		r.run(ctx, w)
	})
}

// BuildEnded implements imageregistry.Notifier. Only builds of this process are noticed.
func (r *Registry) BuildEnded(id string) <-chan struct{} {
	if w := r.works.get(id); w != nil {
		return w.done
	}
	return nil
}

// Build implements [imageregistry.Registry]. What this process builds itself is known to the moment.
func (r *Registry) Build(ctx context.Context, id string) (imageregistry.Build, error) {
	now := r.store.clock.now()
	if w := r.works.get(id); w != nil {
		return w.snapshot().domain(now), nil
	}
	rec, err := r.recordOf(ctx, id)
	if err != nil {
		return imageregistry.Build{}, err
	}
	b := rec.Build
	if rec.abandoned(now) {
		b.Status, b.Failure = imageregistry.BuildFailed, abandonedFailure(rec)
	}
	return b.domain(now), nil
}

// recordOf returns the record that has the build of that id as its newest.
func (r *Registry) recordOf(ctx context.Context, id string) (*record, error) {
	missing := fmt.Errorf("build %q: %w", id, imageregistry.ErrNotFound)
	repo, err := r.repository(ofBuild(id))
	if err != nil {
		return nil, missing
	}
	rec, _, err := r.store.readRecord(ctx, repo)
	switch {
	case errors.Is(err, errAbsent):
		return nil, missing
	case err != nil:
		return nil, err
	case rec.Build.ID != id:
		return nil, missing
	}
	return rec, nil
}

// CancelBuild implements [imageregistry.Registry]. A build of another process is cancelled by a request that it reads when it next renews its lease.
func (r *Registry) CancelBuild(ctx context.Context, id string) error {
	if w := r.works.get(id); w != nil {
		return w.stop(ctx)
	}
	rec, err := r.recordOf(ctx, id)
	if err != nil || !rec.building(r.store.clock.now()) {
		return err
	}
	repo, err := r.repository(rec.Name)
	if err != nil {
		return err
	}
	request, err := newArtifact(typeCancel, claimContent{Holder: r.config.Options.Holder})
	if err != nil {
		return err
	}
	if err := r.store.put(ctx, cancelTag(repo, id), request); err != nil {
		return err
	}
	return r.awaitEnd(ctx, rec, id)
}

// awaitEnd waits until the build of another process has ended, as long as it may take that process to notice.
func (r *Registry) awaitEnd(ctx context.Context, rec *record, id string) error {
	limit := 2*r.config.Timing.LeaseRenewal + r.config.Timing.LeaseTTL
	deadline := time.Now().Add(limit)
	for attempt := 0; time.Now().Before(deadline); attempt++ {
		if err := httpx.Sleep(ctx, min(httpx.Backoff(claimPause, attempt), r.config.Timing.LeaseRenewal)); err != nil {
			return err
		}
		b, err := r.Build(ctx, id)
		if errors.Is(err, imageregistry.ErrNotFound) || (err == nil && b.Status.Ended()) {
			return nil
		}
		if answer, ok := errors.AsType[*APIError](err); err != nil && (!ok || !answer.Transient()) {
			return err
		}
	}
	return fmt.Errorf("%w: %s did not end it within %s of being asked to", imageregistry.ErrCannotCancel, rec.Lease.Holder, limit)
}
