package embedded

import (
	"bytes"
	"crypto/rand"
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The artifacts of our own in an image's repository, by artifact type.
const (
	typeRecord    = "application/vnd.managed-images.rime.record.v1+json"
	typeClaim     = "application/vnd.managed-images.rime.claim.v1+json"
	typeCancel    = "application/vnd.managed-images.rime.cancel.v1+json"
	typeTombstone = "application/vnd.managed-images.rime.tombstone.v1+json"
	typeBase      = "application/vnd.managed-images.rime.base.v1+json"
)

const (
	// annotationContent holds what the artifact says. It is part of the manifest, so that writing it is one request that happens or
	// does not, reading it is one too, and no blobs are left behind when a record is overwritten.
	annotationContent = "io.github.managed-images.rime.content"
	// annotationNonce makes every manifest one of a kind: deleting it by its digest can never hit another.
	annotationNonce = "io.github.managed-images.rime.nonce"
	// maxContent bounds what an artifact says; registries take manifests of up to 4 MiB.
	maxContent = 2 << 20
)

// emptyLayer is the blob that an OCI artifact without blobs refers to, by the image specification's guidance.
var emptyLayer = static.NewLayer([]byte("{}"), "application/vnd.oci.empty.v1+json")

// artifact is a manifest of ours, ready to be pushed.
type artifact struct {
	raw    []byte
	digest string
}

// RawManifest implements remote.Taggable.
func (a artifact) RawManifest() ([]byte, error) { return a.raw, nil }

// MediaType tells go-containerregistry the type to push it with.
func (a artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// newArtifact makes a manifest of that artifact type that says content, as JSON.
func newArtifact(artifactType string, content any) (artifact, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return artifact{}, err
	}
	digest, err := emptyLayer.Digest()
	if err != nil {
		return artifact{}, err
	}
	empty := v1.Descriptor{MediaType: "application/vnd.oci.empty.v1+json", Digest: digest, Size: 2}
	raw, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		ArtifactType:  artifactType,
		Config:        empty,
		Layers:        []v1.Descriptor{empty},
		Annotations:   map[string]string{annotationContent: string(text), annotationNonce: rand.Text()},
	})
	if err != nil {
		return artifact{}, err
	}
	hash, _, err := v1.SHA256(bytes.NewReader(raw))
	return artifact{raw: raw, digest: hash.String()}, err
}

// contentOf is what an artifact of that type says. ok is false for any other manifest.
func contentOf(manifest *remote.Descriptor, artifactType string) (content string, ok bool) {
	if manifest.MediaType != types.OCIManifestSchema1 {
		return "", false
	}
	parsed, err := v1.ParseManifest(bytes.NewReader(manifest.Manifest))
	if err != nil || parsed.ArtifactType != artifactType {
		return "", false
	}
	content, ok = parsed.Annotations[annotationContent]
	return content, ok
}
