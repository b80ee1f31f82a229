package buildkit

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// cacheEntries import and export the build cache of an image in a registry: under a tag of the image's own, as an export replaces what was there. It starts from
// what somebody may have put under the configured reference itself. A cache that cannot be read or written fails no build: the image is what was asked for.
func (o Options) cacheEntries(target string) (imports []gateway.CacheOptionsEntry, exports []client.CacheOptionsEntry) {
	if o.Cache.Ref == "" {
		return nil, nil
	}
	own := cacheReference(o.Cache.Ref, target)
	attributes := func(reference string) map[string]string {
		common := map[string]string{"ref": reference}
		if o.insecure(reference) {
			common["registry.insecure"] = "true"
		}
		return common
	}
	imports = []gateway.CacheOptionsEntry{{Type: "registry", Attrs: attributes(own)}}
	if own != o.Cache.Ref {
		imports = append(imports, gateway.CacheOptionsEntry{Type: "registry", Attrs: attributes(o.Cache.Ref)})
	}
	export := attributes(own)
	export["image-manifest"] = "true" // what registries like ECR take
	export["oci-mediatypes"] = "true"
	export["ignore-error"] = "true"
	if o.Cache.Mode != "" {
		export["mode"] = o.Cache.Mode
	}
	if o.Compression != "" {
		export["compression"] = o.Compression
	}
	return imports, []client.CacheOptionsEntry{{Type: "registry", Attrs: export}}
}

// maxTag is how long a tag may be, by the OCI distribution specification.
const maxTag = 128

// cacheReference is where the cache of one image is: under the tag of the configured reference with the path of the image's repository added.
func cacheReference(configured, target string) string {
	parsed, err := name.ParseReference(configured)
	image, targetErr := name.ParseReference(target)
	tag, ok := parsed.(name.Tag)
	if err != nil || targetErr != nil || !ok { // a digest has no tag to add to
		return configured
	}
	repository := image.Context().RepositoryStr()
	suffix := "-" + strings.ReplaceAll(repository, "/", "-")
	prefix := tag.TagStr()
	if len(prefix)+len(suffix) > maxTag {
		sum := sha256.Sum256([]byte(repository))
		suffix = "-" + hex.EncodeToString(sum[:8])
		prefix = prefix[:min(len(prefix), maxTag-len(suffix))]
	}
	return strings.TrimSuffix(configured, ":"+tag.TagStr()) + ":" + prefix + suffix
}
