package buildkit

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// pulled is what a build published, taken apart.
type pulled struct {
	t            *testing.T
	digest       v1.Hash
	images       []v1.Image
	attestations []v1.Image
}

// pull reads an index of images and attestations.
func (b *bench) pull(ref string) *pulled {
	b.t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		b.t.Fatal(err)
	}
	d, err := remote.Get(parsed, remote.WithContext(b.t.Context()))
	if err != nil {
		b.t.Fatal(err)
	}
	index, err := d.ImageIndex()
	if err != nil {
		b.t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		b.t.Fatal(err)
	}
	p := &pulled{t: b.t, digest: d.Digest}
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			b.t.Fatal(err)
		}
		if m.Annotations[attestationAnnotation] != "" {
			p.attestations = append(p.attestations, image)
		} else {
			p.images = append(p.images, image)
		}
	}
	return p
}

// statement returns the predicate of that type of the first image.
func (p *pulled) statement(predicateType string) json.RawMessage {
	p.t.Helper()
	for _, layer := range layersOf(p.t, p.attestations[0]) {
		var s struct {
			PredicateType string          `json:"predicateType"`
			Predicate     json.RawMessage `json:"predicate"`
		}
		if err := json.Unmarshal(contentOf(p.t, layer), &s); err != nil {
			p.t.Fatal(err)
		}
		if s.PredicateType == predicateType {
			return s.Predicate
		}
	}
	p.t.Fatalf("there is no attestation of type %s", predicateType)
	return nil
}

func layersOf(t *testing.T, image v1.Image) []v1.Layer {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return layers
}

// digestsOf are the digests of layers as they lie in the registry, compressed.
func digestsOf(t *testing.T, layers []v1.Layer) []string {
	t.Helper()
	digests := make([]string, 0, len(layers))
	for _, layer := range layers {
		d, err := layer.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, d.String())
	}
	return digests
}

func configOf(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func digestOfImage(t *testing.T, image v1.Image) string {
	t.Helper()
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// blobsOf are the sizes of an image's layers and configuration by digest.
func blobsOf(t *testing.T, image v1.Image) map[string]int64 {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	blobs := map[string]int64{manifest.Config.Digest.String(): manifest.Config.Size}
	for _, layer := range manifest.Layers {
		blobs[layer.Digest.String()] = layer.Size
	}
	return blobs
}

func sizeOf(t *testing.T, image v1.Image) (size int64) {
	t.Helper()
	for _, n := range blobsOf(t, image) {
		size += n
	}
	return size
}

// contentOf is a layer as it is stored.
func contentOf(t *testing.T, layer v1.Layer) []byte {
	t.Helper()
	r, err := layer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// filesOf are the names of the files of a layer, without directories.
func filesOf(t *testing.T, layer v1.Layer) []string {
	t.Helper()
	var files []string
	eachFile(t, layer, func(h *tar.Header, _ io.Reader) {
		if h.Typeflag != tar.TypeDir {
			files = append(files, strings.TrimPrefix(h.Name, "./"))
		}
	})
	return files
}

func eachFile(t *testing.T, layer v1.Layer, see func(*tar.Header, io.Reader)) {
	t.Helper()
	r, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		see(h, archive)
	}
}

// versionOf is the version of a library that pip lists.
func versionOf(result Result, library string) string {
	for _, l := range result.PipLibraries {
		if l.Name == library {
			return l.Version
		}
	}
	return ""
}
