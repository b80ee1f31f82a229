package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"
)

// owned are the images that were published from here, all with their digest. A tag that is gone, or that somebody has moved elsewhere, is not in them.
func (r *Registry) owned(ctx context.Context, l *lease) ([]leftover, error) {
	if err := r.settleAttempts(ctx, l); err != nil {
		return nil, err
	}
	rec, _, err := l.read(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(rec.Older)
	if rec.Image != nil {
		all = slices.Insert(all, 0, rec.Image.leftover)
	}
	for i, image := range all {
		ours, err := r.leadsTo(ctx, l.repo.Tag(image.Tag), image.Digest)
		if err != nil {
			return nil, err
		}
		if !ours {
			all[i].Tag = ""
		}
	}
	return all, nil
}

// leadsTo tells whether the tag is as we left it: it leads to the manifest, or to the tombstone of a delete that was interrupted.
func (r *Registry) leadsTo(ctx context.Context, tag name.Tag, digest string) (bool, error) {
	manifest, err := r.store.get(ctx, tag)
	switch {
	case errors.Is(err, errAbsent):
		return false, nil
	case err != nil:
		return false, err
	}
	_, tombstone := contentOf(manifest, typeTombstone)
	return tombstone || manifest.Digest.String() == digest, nil
}

// settleAttempts finds out what builds that died have published and writes it into the record, before anything is deleted.
func (r *Registry) settleAttempts(ctx context.Context, l *lease) error {
	rec, _, err := l.read(ctx)
	if err != nil {
		return err
	}
	if !rec.noteAttempt() && !slices.ContainsFunc(rec.Older, leftover.unsettled) {
		return nil
	}
	for i, attempt := range rec.Older {
		if !attempt.unsettled() {
			continue
		}
		rec.Older[i].Digest, rec.Older[i].Children, err = r.contents(ctx, l.repo.Tag(attempt.Tag))
		if err != nil && !errors.Is(err, errAbsent) {
			return err
		}
	}
	older := slices.DeleteFunc(rec.Older, leftover.unsettled)
	return l.write(ctx, func(rec *record) { rec.Build.Tag, rec.Older = "", older })
}

// contents returns the digest of what the reference stands for and those of the manifests it holds.
func (r *Registry) contents(ctx context.Context, ref name.Reference) (string, []string, error) {
	manifest, err := r.store.get(ctx, ref)
	if err != nil {
		return "", nil, err
	}
	held, err := children(manifest)
	return manifest.Digest.String(), held, err
}

// isOurs tells whether the tag was put up by this package.
func isOurs(tag string, owned []leftover) bool {
	_, claim := claimExpiry(tag)
	return claim || strings.HasPrefix(tag, cancelPrefix) ||
		slices.ContainsFunc(owned, func(l leftover) bool { return l.Tag == tag })
}

// tagsBesides lists the tags of a repository besides that of the record. A list without it is not to be believed.
func (r *Registry) tagsBesides(ctx context.Context, repo name.Repository) ([]string, error) {
	tags, err := r.store.tags(ctx, repo)
	if err != nil {
		return nil, err
	}
	i := slices.Index(tags, recordTag)
	if i < 0 {
		return nil, fmt.Errorf("%s has the tag %s, but its list of tags does not show it", repo.Name(), recordTag)
	}
	return slices.Delete(tags, i, i+1), nil
}

// reachable are the digests that the tags lead to.
func (r *Registry) reachable(ctx context.Context, repo name.Repository, tags []string) (map[string]bool, error) {
	var mu sync.Mutex
	all := map[string]bool{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.config.Options.Concurrency)
	for _, tag := range tags {
		group.Go(func() error {
			digest, held, err := r.contents(ctx, repo.Tag(tag))
			if errors.Is(err, errAbsent) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			for _, d := range append(held, digest) {
				all[d] = true
			}
			return err
		})
	}
	return all, group.Wait()
}
