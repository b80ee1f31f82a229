package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// sighting is what the registries say about an image that has been published.
type sighting struct {
	// tagDigest is what the tag stands for. Empty: the tag is gone.
	tagDigest string
	// manifestGone tells that what was published is gone as well. Known only when the tag is not as it should be.
	manifestGone bool
	// base is the base image that a build would start from today. Its digest is empty when it cannot be told.
	base base
}

// inspect looks at what the record says is published. A check of the base that cannot be made says nothing; any other is an error.
func (r *Registry) inspect(ctx context.Context, repo name.Repository, rec *record) (sighting, error) {
	var seen sighting
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		seen.tagDigest, err = r.resolveOrGone(ctx, repo.Tag(rec.Image.Tag))
		if err != nil || seen.tagDigest == rec.Image.Digest {
			return err
		}
		digest, err := r.resolveOrGone(ctx, repo.Digest(rec.Image.Digest))
		seen.manifestGone = digest == ""
		return err
	})
	group.Go(func() error {
		seen.base.Reference = r.config.BaseImages[rec.Image.PythonVersion]
		if seen.base.Reference == "" {
			return nil // this configuration would build nothing with that Python version
		}
		seen.base.Digest, _ = r.bases.digest(ctx, seen.base.Reference)
		return nil
	})
	return seen, group.Wait()
}

// resolveOrGone returns the digest that the reference stands for, or nothing when the registry says that it is gone.
func (r *Registry) resolveOrGone(ctx context.Context, ref name.Reference) (string, error) {
	digest, err := r.store.resolve(ctx, ref)
	if errors.Is(err, errAbsent) {
		return "", nil
	}
	return digest, err
}

// status tells how the image is and, where it is not ready, why: words that end a sentence ("it has to be rebuilt because …").
func status(rec *record, seen sighting, now time.Time) (imageregistry.Status, string) {
	switch {
	case rec.building(now) && rec.Image == nil:
		return imageregistry.StatusBuildingFirstTime, "its first build is under way on " + rec.Lease.Holder
	case rec.building(now):
		return imageregistry.StatusRebuilding, "a new build is under way on " + rec.Lease.Holder
	case rec.Build.Status != imageregistry.BuildSucceeded:
		return imageregistry.StatusFailed, failureReason(rec)
	case rec.Image == nil:
		return imageregistry.StatusFailed, "nothing has been published"
	case seen.tagDigest == "" && seen.manifestGone:
		return imageregistry.StatusMissing, fmt.Sprintf("the tag %s and its manifest are gone from the registry", rec.Image.Tag)
	case seen.tagDigest == "":
		return imageregistry.StatusMissing, fmt.Sprintf("the tag %s is gone from the registry", rec.Image.Tag)
	case seen.tagDigest != rec.Image.Digest:
		return imageregistry.StatusMoved, fmt.Sprintf("the tag %s refers to %s instead of %s, which was built", rec.Image.Tag, seen.tagDigest, rec.Image.Digest)
	case rec.Image.Base.changed(seen.base):
		return imageregistry.StatusOutdated, outdatedReason(rec.Image.Base, seen.base)
	default:
		return imageregistry.StatusReady, ""
	}
}

// changed tells whether a build would start from something else today, as far as can be told. A base image that the builder's mirror did not have yet is no reason
// to build again: that would get no newer one, and so on with every apply.
func (b base) changed(today base) bool {
	lagged := b.Shown == today.Digest && b.Reference == today.Reference
	return today.Digest != "" && today.Digest != b.Digest && !lagged
}

func outdatedReason(built, today base) string {
	if built.Reference != today.Reference {
		return fmt.Sprintf("the base image is now %s instead of %s", today.Reference, built.Reference)
	}
	return fmt.Sprintf("the base image %s is now %s", today.Reference, today.Digest)
}

// failureReason tells why the newest build did not succeed.
func failureReason(rec *record) string {
	if !rec.Build.Status.Ended() {
		return "its build was abandoned: " + abandonment(rec)
	}
	if rec.Build.Status == imageregistry.BuildCancelled {
		return "its last build was cancelled"
	}
	what := "its last build failed"
	f := rec.Build.Failure
	if f == nil || f.Message == "" {
		return what
	}
	if f.Step != "" {
		what += fmt.Sprintf(" in the step %q", f.Step)
	}
	return what + ": " + f.Message
}

func abandonedFailure(rec *record) *failure {
	return &failure{Class: imageregistry.FailureAbandoned, Message: "the build was abandoned: " + abandonment(rec)}
}

// abandonment says in words who left a build behind.
func abandonment(rec *record) string {
	if rec.Lease == nil {
		return "the process that ran it has ended"
	}
	if rec.Lease.died {
		return fmt.Sprintf("the process %s that ran it died", rec.Lease.Holder)
	}
	return fmt.Sprintf("the process %s that ran it was last heard of before %s", rec.Lease.Holder, rec.Lease.Expires.UTC().Format(time.RFC3339))
}
