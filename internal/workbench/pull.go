package workbench

import (
	"context"
	"errors"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Pull reads every byte that a reference stands for: the manifests, configurations and layers that a container runtime reads, and the attestations.
// go-containerregistry checks each of them against its digest. It returns the registry's errors.
func Pull(ctx context.Context, reference string) error {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return err
	}
	descriptor, err := remote.Get(ref, remote.WithContext(ctx))
	if err != nil {
		return err
	}
	if !descriptor.MediaType.IsIndex() {
		image, err := descriptor.Image()
		if err != nil {
			return err
		}
		return pullImage(ctx, ref.Context(), image)
	}
	index, err := descriptor.ImageIndex()
	if err != nil {
		return err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, child := range manifest.Manifests {
		image, err := index.Image(child.Digest)
		if err != nil {
			return err
		}
		if err := pullImage(ctx, ref.Context(), image); err != nil {
			return err
		}
	}
	return nil
}

func pullImage(ctx context.Context, repository name.Repository, image v1.Image) error {
	manifest, err := image.Manifest()
	if err != nil {
		return err
	}
	for _, blob := range append(manifest.Layers, manifest.Config) {
		layer, err := remote.Layer(repository.Digest(blob.Digest.String()), remote.WithContext(ctx))
		if err != nil {
			return err
		}
		content, err := layer.Compressed()
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, content)
		if err := errors.Join(err, content.Close()); err != nil {
			return err
		}
	}
	return nil
}
