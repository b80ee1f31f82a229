package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/managed-images/terraform-provider-rime/internal/compose"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// catalogue is the repository of what images share. No image can have its name.
const catalogue = "rime.layers"

// baseFacts knows what base images have. Their layers are read once: for this process, and for all others once an apply has
// written down what it read.
type baseFacts struct {
	registry *Registry
	// layers are the options of a client for blobs of any size.
	layers []remote.Option
	chosen wait.Memory[[]name.Digest]
	known  wait.Memory[*compose.Base]
}

// readBases reads what the base image has, for each platform that images are built for.
func (r *Registry) readBases(ctx context.Context, from base) ([]*compose.Base, error) {
	digests, err := r.facts.manifests(ctx, from)
	if err != nil {
		return nil, err
	}
	bases := make([]*compose.Base, len(digests))
	for i, digest := range digests {
		if bases[i], err = r.facts.of(ctx, digest); err != nil {
			return nil, err
		}
	}
	for i, platform := range r.config.Platforms {
		// A reference that leads to a single image leads to it for every platform.
		base := bases[min(i, len(bases)-1)]
		if wanted, err := platforms.Parse(platform); err == nil && !base.Is(wanted.Architecture, wanted.Variant) {
			return nil, &compose.BaseError{Problem: fmt.Sprintf("is for %s, and not there for %s", base.Target.Platform.Machine, platform)}
		}
	}
	return bases, nil
}

// manifests are the images of the base for the platforms that are built for, by digest.
func (f *baseFacts) manifests(ctx context.Context, from base) ([]name.Digest, error) {
	reference := pinned(from.Reference, from.Digest)
	return f.chosen.Get(ctx, reference, func(ctx context.Context) ([]name.Digest, error) { return f.find(ctx, reference) })
}

// find asks the registry for them.
func (f *baseFacts) find(ctx context.Context, reference string) ([]name.Digest, error) {
	ref, err := f.reference(reference)
	if err != nil {
		return nil, err
	}
	manifest, err := f.registry.store.get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if !manifest.MediaType.IsIndex() {
		return []name.Digest{ref}, nil
	}
	index, err := v1.ParseIndexManifest(strings.NewReader(string(manifest.Manifest)))
	if err != nil {
		return nil, err
	}
	wanted, err := f.registry.platforms(ctx)
	if err != nil {
		return nil, err
	}
	digests := make([]name.Digest, len(wanted))
	for i, platform := range wanted {
		digest, ok := choose(index.Manifests, platform)
		if !ok {
			return nil, &compose.BaseError{Problem: "is not there for " + platform}
		}
		digests[i] = ref.Context().Digest(digest)
	}
	return digests, nil
}

// choose is the image for the platform among those of an index.
func choose(manifests []v1.Descriptor, platform string) (digest string, ok bool) {
	wanted, err := platforms.Parse(platform)
	if err != nil {
		return "", false
	}
	matcher := platforms.Only(wanted)
	var best *v1.Platform
	for _, m := range manifests {
		if m.Platform == nil || m.Platform.OS != "linux" || !matcher.Match(ociPlatform(m.Platform)) {
			continue
		}
		if best == nil || matcher.Less(ociPlatform(m.Platform), ociPlatform(best)) {
			best, digest = m.Platform, m.Digest.String()
		}
	}
	return digest, best != nil
}

func ociPlatform(p *v1.Platform) platforms.Platform {
	return platforms.Normalize(platforms.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant})
}

// platforms are those that images are built for: the configured ones, or the builder's.
func (r *Registry) platforms(ctx context.Context) ([]string, error) {
	if len(r.config.Platforms) > 0 {
		return r.config.Platforms, nil
	}
	return r.config.Builder.Platforms(ctx)
}

// reference is the reference of a base image.
func (f *baseFacts) reference(text string) (name.Digest, error) {
	ref, err := name.NewDigest(text)
	if err == nil && f.registry.config.Insecure && ref.RegistryStr() == f.registry.store.registry.RegistryStr() {
		ref, err = name.NewDigest(text, name.Insecure)
	}
	return ref, err
}

// of is what the image has.
func (f *baseFacts) of(ctx context.Context, image name.Digest) (*compose.Base, error) {
	return f.known.Get(ctx, image.DigestStr(), func(ctx context.Context) (*compose.Base, error) {
		if written, err := f.written(ctx, image.DigestStr()); err == nil {
			return written, nil
		}
		return f.read(ctx, image)
	})
}

// read reads the layers.
func (f *baseFacts) read(ctx context.Context, image name.Digest) (*compose.Base, error) {
	for attempt := 0; ; attempt++ {
		base, err := f.tryRead(ctx, image)
		if err == nil || attempt >= f.registry.config.Options.Retries || !httpx.Temporary(err) {
			return base, err
		}
		if _, unusable := errors.AsType[*compose.BaseError](err); unusable {
			return nil, err
		}
		if err := httpx.Sleep(ctx, httpx.Backoff(f.registry.config.Options.RetryDelay, attempt)); err != nil {
			return nil, err
		}
	}
}

func (f *baseFacts) tryRead(ctx context.Context, image name.Digest) (*compose.Base, error) {
	found, err := remote.Image(image, append([]remote.Option{remote.WithContext(ctx)}, f.layers...)...)
	if err != nil {
		return nil, apiError("GET", image.Name(), err)
	}
	return compose.ReadBase(ctx, found)
}

// tag is where it is written down what an image has.
func (f *baseFacts) tag(digest string) name.Tag {
	r := f.registry
	return r.store.registry.Repo(r.directory, catalogue).Tag("base-" + strings.TrimPrefix(digest, "sha256:"))
}

// written is what an apply has written down.
func (f *baseFacts) written(ctx context.Context, digest string) (*compose.Base, error) {
	manifest, err := f.registry.store.get(ctx, f.tag(digest))
	if err != nil {
		return nil, err
	}
	text, ok := contentOf(manifest, typeBase)
	if !ok {
		return nil, fmt.Errorf("%s is none of ours", f.tag(digest))
	}
	base := &compose.Base{}
	return base, json.Unmarshal([]byte(text), base)
}

// write writes down what the images have, so that nobody reads their layers again. Whoever needs it can do without: that
// it cannot be written is no reason to fail.
func (f *baseFacts) write(ctx context.Context, from base) {
	digests, err := f.manifests(ctx, from)
	if err != nil {
		return
	}
	for _, digest := range digests {
		if _, err := f.written(ctx, digest.DigestStr()); !errors.Is(err, errAbsent) {
			continue
		}
		base, err := f.known.Get(ctx, digest.DigestStr(), func(ctx context.Context) (*compose.Base, error) { return f.read(ctx, digest) })
		if err != nil {
			return
		}
		a, err := newArtifact(typeBase, base)
		if err != nil || f.registry.prepare(ctx, f.tag(digest.DigestStr()).Repository) != nil {
			return
		}
		_ = f.registry.store.put(ctx, f.tag(digest.DigestStr()), a)
	}
}
