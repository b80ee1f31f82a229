package aws

import (
	"cmp"
	"encoding/json"
	"strings"
)

type imageResult struct {
	Image imageJSON `json:"image"`
}

// putImage adds a manifest whose layers are there, as a push does, or a tag to one.
func (c *Cloud) putImage(in struct {
	inRepository
	ImageManifest          string `json:"imageManifest"`
	ImageManifestMediaType string `json:"imageManifestMediaType"`
	ImageTag               string `json:"imageTag"`
	ImageDigest            string `json:"imageDigest"`
},
) (*imageResult, error) {
	r, err := c.find(in.inRepository)
	if err != nil {
		return nil, err
	}
	content := []byte(in.ImageManifest)
	var parts manifestParts
	if json.Unmarshal(content, &parts) != nil {
		return nil, invalid("ImageManifest", "Invalid JSON syntax")
	}
	in.ImageManifestMediaType = cmp.Or(in.ImageManifestMediaType, parts.MediaType)
	digest := digestOf(content)
	if in.ImageDigest != "" && in.ImageDigest != digest {
		return nil, refuse("ImageDigestDoesNotMatchException", "Image digest '%s' does not match the digest '%s' of the manifest", in.ImageDigest, digest)
	}
	if err := checkImageIDs([]imageID{{ImageTag: in.ImageTag}}, 1); err != nil {
		return nil, err
	}
	if err := c.takesImage(r, content, parts, in.ImageTag); err != nil {
		return nil, err
	}
	if r.images.images[digest] != nil && (in.ImageTag == "" || r.images.tags[in.ImageTag] == digest) {
		return nil, refuse("ImageAlreadyExistsException", "Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'",
			digest, in.ImageTag, r.name, c.options.Account)
	}
	i := c.keep(r.images, content, in.ImageManifestMediaType, in.ImageTag)
	return &imageResult{c.imageJSON(r, i, in.ImageTag)}, nil
}

// takesImage tells whether a repository takes a manifest under a tag: what it refers to is there, and the tag may be written.
func (c *Cloud) takesImage(r *repository, content []byte, parts manifestParts, tag string) error {
	var layers, images []string
	for _, d := range parts.Manifests {
		if r.images.images[d.Digest] == nil {
			images = append(images, d.Digest)
		}
	}
	if parts.Config != nil {
		parts.Layers = append(parts.Layers, *parts.Config)
	}
	for _, d := range parts.Layers {
		if !r.images.blobs[d.Digest] {
			layers = append(layers, d.Digest)
		}
	}
	switch {
	case len(layers) > 0:
		return refuse("LayersNotFoundException", "Layers with digests '[%s]' do not exist in the repository with name '%s' in the registry with id '%s'",
			strings.Join(layers, ", "), r.name, c.options.Account)
	case len(images) > 0:
		return refuse("ReferencedImagesNotFoundException",
			"Images with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist",
			strings.Join(images, ", "), r.name, c.options.Account)
	case r.images.tags[tag] != "" && r.mutability.immutable(tag): // also of the same digest
		return refuse("ImageTagAlreadyExistsException",
			"The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the repository is immutable.", tag, r.name)
	case len(content) > maxManifest:
		return refuse("LimitExceededException", "The manifest is longer than %d bytes", maxManifest)
	}
	return nil
}
