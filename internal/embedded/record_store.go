package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
)

// recordTag is the tag of the record in an image's repository.
const recordTag = "rime-record"

// readRecord returns the record and the digest of the manifest that holds it. It is errAbsent only when a registry that answers as
// such says that there is none.
func (s *store) readRecord(ctx context.Context, repo name.Repository) (*record, string, error) {
	tag := repo.Tag(recordTag)
	manifest, err := s.get(ctx, tag)
	if errors.Is(err, errAbsent) {
		if err := s.confirmRegistry(ctx); err != nil {
			return nil, "", err
		}
	}
	if err != nil {
		return nil, "", err
	}
	if _, buried := contentOf(manifest, typeTombstone); buried {
		return nil, "", errAbsent // a delete died between its last two requests, or the registry deletes nothing
	}
	content, ok := contentOf(manifest, typeRecord)
	switch {
	case !ok:
		return nil, "", &RecordError{Reference: tag.Name(), Problem: "the tag is reserved for the record of a managed image, but holds something else; remove it, or choose another name"}
	case len(content) > maxContent:
		return nil, "", &RecordError{Reference: tag.Name(), Problem: fmt.Sprintf("the record of a managed image has %d bytes, more than any this provider writes", len(content))}
	}
	rec := &record{}
	if err := json.Unmarshal([]byte(content), rec); err != nil {
		return nil, "", &RecordError{Reference: tag.Name(), Problem: "the record of a managed image cannot be read", Err: err}
	}
	if rec.Lease != nil {
		rec.Lease.died = s.lifelines().Cut(rec.Lease.ID)
	}
	return rec, manifest.Digest.String(), nil
}

// writeRecord publishes the record in place of the one with the digest superseded, if any.
func (s *store) writeRecord(ctx context.Context, repo name.Repository, rec *record, superseded string) error {
	rec.Schema, rec.UpdatedAt, rec.WrittenBy = recordSchema, s.clock.now().UTC(), s.version
	a, err := newArtifact(typeRecord, rec)
	if err != nil {
		return err
	}
	tag := repo.Tag(recordTag)
	if len(a.raw) > maxContent {
		return &RecordError{Reference: tag.Name(), Problem: "the record of the image would be larger than registries take; delete the image and create it anew"}
	}
	if err := s.put(ctx, tag, a); err != nil {
		return err
	}
	if superseded != "" && !s.keepsAll.Load() {
		// A renewed lease must not leave a manifest behind every few seconds. Where this fails, the registry's own
		// garbage collection has something to do; nothing depends on it.
		limited, cancel := context.WithTimeout(ctx, s.timing.LeaseRenewal)
		defer cancel()
		_ = s.removeManifest(limited, repo, superseded)
	}
	return nil
}
