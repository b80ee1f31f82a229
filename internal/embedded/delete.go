package embedded

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// Delete implements [imageregistry.Registry]. It removes what the image owns and nothing else: a manifest that a tag of somebody else leads to stays, without our
// tags. The record goes last, so that a delete that was interrupted can be finished.
func (r *Registry) Delete(ctx context.Context, image string) error {
	return r.outwait(ctx, image, func() error { return r.tryDelete(ctx, image) })
}

func (r *Registry) tryDelete(ctx context.Context, image string) error {
	repo, err := r.repository(image)
	if err != nil {
		return err
	}
	unlock, err := r.locks.lock(ctx, image)
	if err != nil {
		return err
	}
	defer unlock()
	rec, _, err := r.store.readRecord(ctx, repo)
	if errors.Is(err, errAbsent) {
		return errors.Join(notFound(image), r.removeRepository(ctx, repo))
	}
	if err != nil {
		return err
	}
	if w := r.works.get(rec.Build.ID); w != nil {
		if err := w.stop(ctx); err != nil {
			return err
		}
	}
	l := newLease(r.store, repo)
	defer l.release()
	return r.deleteUnder(ctx, l)
}

// deleteUnder takes the lease and deletes under it.
func (r *Registry) deleteUnder(ctx context.Context, l *lease) error {
	deleting, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	stop, err := r.seize(ctx, l, giveUp)
	if err != nil {
		return err
	}
	err = r.removeImages(deleting, l)
	stop()
	if err == nil {
		err = r.removeRecord(deleting, l)
	}
	if _, refused := errors.AsType[*DeletesRefusedError](err); refused {
		err = r.buryUnpublished(deleting, l, err)
	}
	if err == nil {
		return r.removeRepository(ctx, l.repo)
	}
	// Nobody has to wait for the lease to run out.
	_ = l.write(context.WithoutCancel(ctx), func(rec *record) { rec.Lease = nil })
	if lost, ok := errors.AsType[*lostLeaseError](context.Cause(deleting)); ok {
		return lost
	}
	return err
}

// seize takes the lease for a delete and holds it until stop is called.
func (r *Registry) seize(ctx context.Context, l *lease, lost func(error)) (stop func(), err error) {
	err = r.store.exclusively(ctx, l.repo, func(ctx context.Context) error {
		rec, digest, err := r.store.readRecord(ctx, l.repo)
		switch {
		case errors.Is(err, errAbsent):
			return notFound(path.Base(l.repo.RepositoryStr()))
		case err != nil:
			return err
		case rec.leased(r.store.clock.now()):
			return r.busy(rec)
		}
		if !rec.Build.Status.Ended() {
			// With a lease, a build that was abandoned would look alive.
			rec.Build.Status, rec.Build.Failure = imageregistry.BuildFailed, abandonedFailure(rec)
		}
		if rec.Lease != nil {
			r.store.lifelines().Forget(rec.Lease.ID)
		}
		r.store.lifelines().Forget(rec.Creation)
		rec.Lease = l.terms()
		if err := r.store.writeRecord(ctx, l.repo, rec, digest); err != nil {
			return err
		}
		stop = l.hold(ctx, func(context.Context) {}, lost)
		return nil
	})
	return stop, err
}

// buryUnpublished puts a tombstone in the place of the record in a registry that deletes nothing, where no build of the image has succeeded: there is nothing to pull that
// a delete would have to take away, and Terraform, which replaces a resource whose create failed, could never get on otherwise. Any other image stays, with the refusal.
func (r *Registry) buryUnpublished(ctx context.Context, l *lease, refusal error) error {
	rec, _, err := l.read(ctx)
	if err != nil {
		return err
	}
	if rec.Image != nil {
		return refusal
	}
	tombstone, err := newArtifact(typeTombstone, claimContent{Holder: r.config.Options.Holder})
	if err != nil {
		return err
	}
	return r.store.put(ctx, l.repo.Tag(recordTag), tombstone)
}

// removeRecord removes the record and makes sure that it is gone.
func (r *Registry) removeRecord(ctx context.Context, l *lease) error {
	_, digest, err := l.read(ctx)
	if err != nil {
		return err
	}
	tag := l.repo.Tag(recordTag)
	if err := r.store.remove(ctx, tag, digest); err != nil {
		return err
	}
	switch _, err := r.store.resolve(ctx, tag); {
	case err == nil:
		return fmt.Errorf("%s is still there after it was deleted", tag.Name())
	case !errors.Is(err, errAbsent):
		return err
	}
	return nil
}

// removeImages removes what was published: for each image its index, what the index holds, and the tag.
func (r *Registry) removeImages(ctx context.Context, l *lease) error {
	owned, err := r.owned(ctx, l)
	if err != nil {
		return err
	}
	tags, err := r.tagsBesides(ctx, l.repo)
	if err != nil {
		return err
	}
	kept, err := r.reachable(ctx, l.repo, slices.DeleteFunc(tags, func(tag string) bool { return isOurs(tag, owned) }))
	if err != nil {
		return err
	}
	for _, image := range owned {
		if err := r.removeImage(ctx, l.repo, image, kept); err != nil {
			return err
		}
	}
	return r.removeTags(ctx, l.repo, owned)
}

// removeImage removes what nobody else's tag leads to. The tag goes first: in a registry that keeps it after its manifest was
// deleted, an image would look usable that is half deleted.
func (r *Registry) removeImage(ctx context.Context, repo name.Repository, image leftover, kept map[string]bool) error {
	if image.Tag != "" && !kept[image.Digest] && !r.store.keepsAll.Load() {
		if _, err := r.store.dropTag(ctx, repo.Tag(image.Tag)); err != nil {
			return err
		}
	}
	for _, digest := range append([]string{image.Digest}, image.Children...) {
		if kept[digest] {
			continue
		}
		if err := r.store.removeManifest(ctx, repo, digest); err != nil {
			return err
		}
	}
	return nil
}

// removeTags takes down the tags that are left: all of them in a registry that does not drop them with their manifest, else those of manifests that
// stay. It looks again until none is to be seen, as that is what a delete promises.
func (r *Registry) removeTags(ctx context.Context, repo name.Repository, owned []leftover) error {
	for pass := 0; ; pass++ {
		tags, err := r.tagsBesides(ctx, repo)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(tags, func(tag string) bool { return !isOurs(tag, owned) || r.inUse(tag) })
		switch {
		case len(left) == 0:
			return nil
		case pass == 3:
			return fmt.Errorf("%s still has the tags %s after they were deleted", repo.Name(), strings.Join(left, ", "))
		}
		for _, tag := range left {
			if err := r.store.untag(ctx, repo.Tag(tag)); err != nil {
				return err
			}
		}
	}
}

// inUse tells whether the tag is a claim that is still up.
func (r *Registry) inUse(tag string) bool {
	expires, claim := claimExpiry(tag)
	return claim && r.store.clock.now().Before(expires) && !r.store.isLowered(tag)
}

// Kept implements [imageregistry.Keeper]. An image that is gone keeps nothing from being deleted.
func (r *Registry) Kept(ctx context.Context, image string) (int, error) {
	repo, err := r.repository(image)
	if err != nil {
		return 0, err
	}
	rec, _, err := r.store.readRecord(ctx, repo)
	if errors.Is(err, errAbsent) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	rec.noteAttempt()
	if rec.Image != nil {
		rec.Older = append(rec.Older, rec.Image.leftover)
	}
	tags, err := r.tagsBesides(ctx, repo)
	return len(slices.DeleteFunc(tags, func(tag string) bool { return isOurs(tag, rec.Older) })), err
}

// removeRepository hands the repository back when nothing is in it any more.
func (r *Registry) removeRepository(ctx context.Context, repo name.Repository) error {
	if r.config.Repositories == nil {
		return nil
	}
	tags, err := r.store.tags(ctx, repo)
	if err != nil || len(tags) > 0 {
		return err
	}
	if err := r.config.Repositories.Remove(ctx, repo); err != nil {
		return &RepositoryLeftError{Repository: repo.Name(), Err: err}
	}
	return nil
}
