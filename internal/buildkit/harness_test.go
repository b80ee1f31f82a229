package buildkit

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

func TestMain(m *testing.M) { workbenchtest.Main(m) }

// stock is what the tests of this process share: the content of a registry, with the base image in it. Every bench
// serves it under an address of its own, so that a test can disturb its registry without disturbing others.
var stock struct {
	once    sync.Once
	handler http.Handler
	base    v1.Image
}

// bench is a daemon, a registry, a package index and a base image for one test.
type bench struct {
	t       *testing.T
	address string
	// registry is host and port. Requests go through intercept first, which tells whether it has answered.
	registry  string
	intercept func(w http.ResponseWriter, r *http.Request) bool
	// index is the address of the simple index.
	index string
	// base is the base image by digest.
	base string
	// options are what builder uses.
	options Options

	mu       sync.Mutex
	observed []string
}

func newBench(t *testing.T, packages ...pypi.Package) *bench {
	t.Helper()
	b := &bench{t: t, address: workbenchtest.BuildKit(t)}
	stock.once.Do(func() { stock.handler = registry.New(registry.Logger(log.New(io.Discard, "", 0))) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.intercept == nil || !b.intercept(w, r) {
			stock.handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	b.registry = strings.TrimPrefix(server.URL, "http://")
	index := httptest.NewServer(pypi.New(packages...))
	t.Cleanup(index.Close)
	b.index = index.URL + "/simple/"
	b.base = pinned(t, workbenchtest.BaseImage(t, b.registry))
	b.options = Options{Address: b.address, Pip: PipOptions{IndexURL: b.index}, Version: "1.2.3"}
	return b
}

// pinned adds the digest that a reference means now.
func pinned(t *testing.T, ref string) string {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	d, err := remote.Head(parsed, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return ref + "@" + d.Digest.String()
}

// builder returns a Builder with the bench's options.
func (b *bench) builder() *Builder {
	b.t.Helper()
	builder, err := New(b.options)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := builder.Close(); err != nil {
			b.t.Errorf("Close: %v", err)
		}
	})
	return builder
}

// request asks for pip requirements ("name==1.0") under a tag of the test's own.
func (b *bench) request(pips ...string) Request {
	b.t.Helper()
	repository := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			return r
		}
		return '-'
	}, b.t.Name())
	return Request{
		Base:          b.base,
		PythonVersion: "3.11",
		Pip:           parsePips(b.t, pips...),
		Target:        b.registry + "/" + repository + ":tag",
		Observe: func(step, line string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.observed = append(b.observed, step+": "+line)
		},
	}
}

// log is everything that was observed so far.
func (b *bench) log() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.observed, "\n")
}

func parsePips(t *testing.T, texts ...string) []requirement.Pip {
	t.Helper()
	var pips []requirement.Pip
	for _, text := range texts {
		i := strings.IndexAny(text, "<>=!~")
		if i < 0 {
			i = len(text)
		}
		p, err := requirement.ParsePip(text[:i], text[i:])
		if err != nil {
			t.Fatal(err)
		}
		pips = append(pips, p)
	}
	return pips
}

// failureOf builds and wants it to fail.
func (b *bench) failureOf(ctx context.Context, req Request) *Error {
	b.t.Helper()
	result, err := b.builder().Build(ctx, req)
	if err == nil {
		b.t.Fatalf("the build succeeded: %+v", result)
	}
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		b.t.Fatalf("%T is no *Error: %v", err, err)
	}
	return failed
}

// variant pushes the base image with more files and returns it by digest.
func (b *bench) variant(repository string, change func(v1.Image) (v1.Image, error)) string {
	b.t.Helper()
	base, err := name.ParseReference(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	image, err := remote.Image(base, remote.WithContext(b.t.Context()))
	if err != nil {
		b.t.Fatal(err)
	}
	if image, err = change(image); err != nil {
		b.t.Fatal(err)
	}
	target, err := name.NewTag(b.registry + "/" + repository + ":tag")
	if err != nil {
		b.t.Fatal(err)
	}
	if err := remote.Write(target, image, remote.WithContext(b.t.Context()), remote.WithAuth(authn.Anonymous)); err != nil {
		b.t.Fatal(err)
	}
	return pinned(b.t, target.String())
}

// withFiles adds a layer of files to an image; a path that ends in "/" is a directory.
func withFiles(files map[string]string) func(v1.Image) (v1.Image, error) {
	return func(image v1.Image) (v1.Image, error) {
		archive := tarOf(files)
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(archive)), nil })
		if err != nil {
			return nil, err
		}
		return mutate.AppendLayers(image, layer)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
