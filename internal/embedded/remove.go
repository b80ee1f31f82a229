package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// remove takes a manifest of ours and its tag out of the registry.
func (s *store) remove(ctx context.Context, tag name.Tag, digest string) error {
	if err := s.removeManifest(ctx, tag.Repository, digest); err != nil {
		return err
	}
	return s.removeTag(ctx, tag)
}

// removeManifest deletes a manifest by its digest. One that is gone already is no error.
func (s *store) removeManifest(ctx context.Context, repo name.Repository, digest string) error {
	err := s.delete(ctx, repo.Digest(digest))
	if answer, ok := errors.AsType[*APIError](err); ok && (answer.StatusCode == http.StatusMethodNotAllowed || answer.has(transport.UnsupportedErrorCode)) {
		s.keepsAll.Store(true)
		return &DeletesRefusedError{Registry: s.registry.RegistryStr(), Err: err}
	}
	return err
}

// removeTag deletes what is left of a tag whose manifest has been deleted. Some registries drop tags with their manifest, some delete them by
// name. Docker's does the former, but may leave one behind that leads nowhere when others are written at the same moment; such a
// tag is made to lead somewhere first.
func (s *store) removeTag(ctx context.Context, tag name.Tag) error {
	if dropped, err := s.dropTag(ctx, tag); dropped || err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		tags, err := s.tags(ctx, tag.Repository)
		switch {
		case err != nil || !slices.Contains(tags, tag.TagStr()):
			return err
		case attempt >= max(1, s.options.Retries):
			return fmt.Errorf("%s cannot be removed", tag.Name())
		}
		if err := s.bury(ctx, tag); err != nil {
			return err
		}
	}
}

// dropTag deletes a tag by its name, in a registry that can. It tells whether this one does.
func (s *store) dropTag(ctx context.Context, tag name.Tag) (bool, error) {
	if s.keepsNames.Load() {
		return false, nil
	}
	err := s.delete(ctx, tag)
	answer, ok := errors.AsType[*APIError](err)
	if ok && (answer.StatusCode == http.StatusMethodNotAllowed || answer.StatusCode == http.StatusBadRequest) {
		s.keepsNames.Store(true)
		return false, nil
	}
	return err == nil, err
}

// untag removes a tag and not what it leads to. Some registries would take the manifest along if they were asked to delete the tag, so it is first made
// to lead to a manifest of its own. A tag that cannot be moved is one of ECR's, which takes tags away by their name.
func (s *store) untag(ctx context.Context, tag name.Tag) error {
	err := s.bury(ctx, tag)
	if answer, ok := errors.AsType[*APIError](err); ok && answer.has(transport.TagInvalidErrorCode) {
		return s.delete(ctx, tag)
	}
	if err != nil {
		return err
	}
	return s.removeTag(ctx, tag)
}

// bury overwrites the tag with a tombstone and deletes that.
func (s *store) bury(ctx context.Context, tag name.Tag) error {
	tombstone, err := newArtifact(typeTombstone, claimContent{Holder: s.options.Holder})
	if err != nil {
		return err
	}
	if err := s.put(ctx, tag, tombstone); err != nil {
		return err
	}
	return s.removeManifest(ctx, tag.Repository, tombstone.digest)
}

// delete asks the registry to delete what the reference stands for. What is gone already is no error.
func (s *store) delete(ctx context.Context, ref name.Reference) error {
	err := s.call(ctx, http.MethodDelete, ref.Name(), func(ctx context.Context) error {
		return s.pusher.Load().Delete(ctx, ref)
	})
	if errors.Is(err, errAbsent) {
		return nil
	}
	return err
}
