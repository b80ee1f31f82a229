package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/managed-images/terraform-provider-rime/internal/buildkit"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// Labels of images, besides the standard ones.
const (
	labelName            = "io.github.managed-images.rime.name"
	labelInputHash       = "io.github.managed-images.rime.input-hash"
	labelBaseDigest      = "io.github.managed-images.rime.base-digest"
	labelProviderVersion = "io.github.managed-images.rime.provider-version"
)

// errCancelled is the cause of a build's end that somebody asked for.
var errCancelled = errors.New("the build was cancelled")

// stageError is a failure outside the builder proper, with what it means.
type stageError struct {
	class imageregistry.FailureClass
	step  string
	err   error
}

func (e *stageError) Error() string { return e.err.Error() }
func (e *stageError) Unwrap() error { return e.err }

// run does the work from the accepted request to the last write of the record. The lease is held to the very end, however long a cancelled build takes to stop.
func (r *Registry) run(ctx context.Context, w *work) {
	stop := w.lease.hold(ctx, w.heedCancelRequest, w.cancel)
	defer stop()
	image, err := r.produce(ctx, w)
	r.finish(context.WithoutCancel(ctx), w, image, err)
}

// produce builds and publishes the image.
func (r *Registry) produce(ctx context.Context, w *work) (published, error) {
	tag, err := r.chooseTag(ctx, w, w.base.Digest)
	if err != nil {
		return published{}, &stageError{imageregistry.FailurePush, "look at the registry", err}
	}
	w.update(func(b *build) { b.Status = imageregistry.BuildPending })
	install, err := locked(w.spec.Lock.Pylock)
	if err != nil {
		return published{}, &stageError{imageregistry.FailurePlatform, "read the lock", err}
	}
	if w.spec.Lock.Pylock != "" { // then somebody has read the base image
		writing, end := context.WithCancelCause(context.WithoutCancel(ctx))
		r.background.run(end, func() { r.facts.write(writing, w.base) })
	}
	result, err := r.config.Builder.Build(ctx, buildkit.Request{
		Base:          pinned(w.base.Reference, w.base.Digest),
		PythonVersion: w.spec.PythonVersion,
		Pip:           w.spec.PipRequirements,
		Constraints:   w.spec.PipConstraints,
		Locked:        install,
		Packages:      w.spec.PackageRequirements,
		Target:        tag.Name(),
		Labels:        r.labels(w.spec, w.base, tag.TagStr()),
		Fresh:         w.fresh,
		Begin:         func() error { return r.noteBegin(ctx, w, tag) },
	})
	if _, ok := errors.AsType[*stageError](err); ok {
		return published{}, err
	}
	if err != nil {
		return published{}, &stageError{imageregistry.FailurePlatform, "build the image", err}
	}
	children, err := r.confirm(ctx, tag, result.Digest)
	if err != nil {
		return published{}, &stageError{imageregistry.FailurePush, "confirm what was published", err}
	}
	installed := result.PipLibraries
	if w.spec.Lock.Libraries != nil {
		installed = w.spec.Lock.Libraries
	}
	return published{
		leftover:      leftover{Tag: tag.TagStr(), Digest: result.Digest, Children: children},
		Base:          w.base,
		PythonVersion: w.spec.PythonVersion,
		PipLibraries:  recordedLibraries(installed),
		Pylock:        w.spec.Lock.Pylock,
		Size:          result.Size,
		InputHash:     w.spec.Hash(),
		PublishedAt:   r.store.clock.now().UTC(),
	}, nil
}

// noteBegin notes that the builder has turned to the build. From here on, something may be published: the record says so first.
func (r *Registry) noteBegin(ctx context.Context, w *work, tag name.Tag) error {
	begun := w.update(func(b *build) {
		b.Status, b.StartedAt, b.Tag = imageregistry.BuildRunning, r.store.clock.now().UTC(), tag.TagStr()
	})
	if err := w.lease.write(ctx, func(rec *record) { rec.Build = begun }); err != nil {
		return &stageError{imageregistry.FailurePush, "write the record", err}
	}
	return nil
}

// chooseTag returns the tag to publish under: that of the inputs and the base, unless another build of the same has been published under it. That one may be
// in use, and tags may be immutable, so it is never overwritten; but our own tag, moved elsewhere by somebody, is put back.
func (r *Registry) chooseTag(ctx context.Context, w *work, baseDigest string) (name.Tag, error) {
	plain := w.lease.repo.Tag(imageTag(w.spec.PythonVersion, w.contents(baseDigest)...))
	found, err := r.store.resolve(ctx, plain)
	switch {
	case errors.Is(err, errAbsent):
		return plain, nil
	case err != nil:
		return name.Tag{}, err
	case w.current != nil && w.current.Tag == plain.TagStr() && w.current.Digest != found:
		return plain, nil
	default:
		return w.lease.repo.Tag(imageTag(w.spec.PythonVersion, append(w.contents(baseDigest), w.lease.id)...)), nil
	}
}

// contents are what makes up the image.
func (w *work) contents(baseDigest string) []string {
	contents := []string{w.spec.Hash(), baseDigest}
	if w.spec.Lock.Pylock != "" {
		contents = append(contents, w.spec.Lock.Pylock)
	}
	return contents
}

// imageTag is the content-addressed tag of an image.
func imageTag(python string, inputs ...string) string {
	h := sha256.New()
	for _, input := range inputs {
		_, _ = fmt.Fprintf(h, "%d:%s,", len(input), input) // a hash never fails to be written to
	}
	return python + "-" + hex.EncodeToString(h.Sum(nil))[:12]
}

func (r *Registry) labels(spec imageregistry.Spec, from base, tag string) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       spec.Name,
		"org.opencontainers.image.version":     tag,
		"org.opencontainers.image.base.name":   from.Reference,
		"org.opencontainers.image.base.digest": from.Digest,
		labelName:                              spec.Name,
		labelInputHash:                         spec.Hash(),
		labelBaseDigest:                        from.Digest,
		labelProviderVersion:                   r.config.Version,
	}
}

// confirm makes sure that the registry has what was built under the tag, and returns the manifests that belong to it.
func (r *Registry) confirm(ctx context.Context, tag name.Tag, digest string) ([]string, error) {
	found, err := r.store.resolve(ctx, tag)
	if err != nil {
		return nil, err
	}
	if found != digest {
		return nil, fmt.Errorf("%s refers to %s instead of %s, which was just built", tag.Name(), found, digest)
	}
	manifest, err := r.store.get(ctx, tag.Digest(digest))
	if err != nil {
		return nil, err
	}
	return children(manifest)
}

// finish writes the end of a build down, in the record and for this process.
func (r *Registry) finish(ctx context.Context, w *work, image published, err error) {
	ended := w.ended(r.store.clock.now().UTC(), err)
	if writeErr := r.writeEnd(ctx, w, ended, image); writeErr != nil {
		// What the record does not say did not happen, for everybody else and after this process.
		if ended.Status == imageregistry.BuildSucceeded {
			ended.Failure = recorded(imageregistry.BuildFailure{
				Class: imageregistry.FailurePlatform, Step: "write the record",
				Message: fmt.Sprintf("the image was built and published, but the record of it could not be written: %v", writeErr),
			})
			if _, lost := errors.AsType[*lostLeaseError](writeErr); lost {
				ended.Failure.Class = imageregistry.FailureAbandoned
			}
			ended.Status = imageregistry.BuildFailed
		}
	}
	w.update(func(b *build) { *b = ended })
	if w.cancelSeen.Load() {
		_ = w.removeCancelRequest(ctx)
	}
}

// writeEnd writes the end of a build into the record and gives up the lease. It tries for a long time, as nobody would know otherwise.
func (r *Registry) writeEnd(ctx context.Context, w *work, ended build, image published) error {
	deadline := time.Now().Add(r.config.Timing.FinishTimeout)
	for attempt := 0; ; attempt++ {
		err := w.lease.write(ctx, func(rec *record) {
			rec.Build, rec.Lease = ended, nil
			if ended.Status == imageregistry.BuildSucceeded {
				rec.publish(image)
			}
		})
		if _, lost := errors.AsType[*lostLeaseError](err); lost {
			// An attempt whose answer got lost may have been the one that gave the lease up.
			rec, _, readErr := r.store.readRecord(ctx, w.lease.repo)
			if readErr == nil && rec.Lease == nil && rec.Build.ID == ended.ID && rec.Build.Status == ended.Status {
				return nil
			}
			return err
		}
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if err := httpx.Sleep(ctx, httpx.Backoff(time.Second, attempt)); err != nil {
			return err
		}
	}
}

// failureOf tells what went wrong, in the words of whoever knows best.
func failureOf(err error) imageregistry.BuildFailure {
	if failed, ok := errors.AsType[*buildkit.Error](err); ok {
		return failed.Failure
	}
	f := imageregistry.BuildFailure{Class: imageregistry.FailurePlatform, Message: err.Error()}
	if stage, ok := errors.AsType[*stageError](err); ok {
		f.Class, f.Step = stage.class, stage.step
	}
	return f
}
