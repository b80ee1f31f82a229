package buildkit

import (
	"context"
	"encoding/json"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/content/proxy"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// attestationAnnotation marks the manifests of an index that describe another one and that nobody pulls with it.
const attestationAnnotation = "vnd.docker.reference.type"

// pulledSize adds up the blobs of the images that were pushed. It reads the manifests from the daemon, which has just
// written them, and so costs the registry nothing. It is worth no failed build: zero means that the daemon did not tell.
func pulledSize(ctx context.Context, c *client.Client, descriptor string) int64 {
	root, err := decodeDescriptor(descriptor)
	if err != nil {
		return 0
	}
	blobs := map[digest.Digest]int64{} // platforms may share layers
	if err := addBlobs(ctx, proxy.NewContentStore(c.ContentClient()), root, blobs); err != nil {
		return 0
	}
	var size int64
	for _, n := range blobs {
		size += n
	}
	return size
}

func addBlobs(ctx context.Context, store content.Provider, d ocispecs.Descriptor, blobs map[digest.Digest]int64) error {
	raw, err := content.ReadBlob(ctx, store, d)
	if err != nil {
		return err
	}
	if images.IsIndexType(d.MediaType) {
		var index ocispecs.Index
		if err := json.Unmarshal(raw, &index); err != nil {
			return err
		}
		for _, m := range index.Manifests {
			if m.Annotations[attestationAnnotation] != "" {
				continue
			}
			if err := addBlobs(ctx, store, m, blobs); err != nil {
				return err
			}
		}
		return nil
	}
	var manifest ocispecs.Manifest
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return err
	}
	blobs[manifest.Config.Digest] = manifest.Config.Size
	for _, layer := range manifest.Layers {
		blobs[layer.Digest] = layer.Size
	}
	return nil
}
