package buildkit

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/content/proxy"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

func TestMain(m *testing.M) { workbenchtest.Main(stocked{m}) }

// stock is what the tests of this process share: the content of a registry, with the base image in it. Every bench
// serves it under an address of its own, so that a test can disturb its registry without disturbing others. It is on
// disk: the race detector would watch every byte of it in memory.
var stock *oci.Registry

// stocked has stock while it runs.
type stocked struct{ *testing.M }

func (s stocked) Run() int {
	dir, err := os.MkdirTemp("", "rime-stock-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if stock, err = oci.New(oci.Options{DataDir: dir}); err != nil {
		panic(err)
	}
	return s.M.Run()
}

// interceptor may answer a request to the registry, and tells whether it has.
type interceptor func(w http.ResponseWriter, r *http.Request) bool

// bench is a daemon, a registry, a package index and a base image for one test.
type bench struct {
	t       *testing.T
	address string
	// registry is host and port. Requests go through interceptor first, if there is one.
	registry    string
	interceptor atomic.Pointer[interceptor]
	// index is the address of the simple index, which packages answers at.
	index    string
	packages atomic.Pointer[pypi.Index]
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
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if intercept := b.interceptor.Load(); intercept == nil || !(*intercept)(w, r) {
			stock.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	b.registry = strings.TrimPrefix(server.URL, "http://")
	b.packages.Store(pypi.New(packages...))
	b.index = serve(t, func(w http.ResponseWriter, r *http.Request) { b.packages.Load().ServeHTTP(w, r) }) + "/simple/"
	b.base = pinned(t, workbenchtest.BaseImage(t, b.registry))
	b.options = Options{Address: b.address, Pip: PipOptions{IndexURL: b.index}, Version: "1.2.3"}
	return b
}

// intercept lets requests to the registry go through this first, from now on.
func (b *bench) intercept(i interceptor) { b.interceptor.Store(&i) }

// replaceIndex serves other packages from now on.
func (b *bench) replaceIndex(packages ...pypi.Package) *atomic.Pointer[pypi.Index] {
	b.packages.Store(pypi.New(packages...))
	return &b.packages
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
	return Request{
		Base:          b.base,
		PythonVersion: "3.11",
		Pip:           parsePips(b.t, pips...),
		Target:        b.registry + "/" + repositoryOf(b.t) + ":tag",
		Observe: func(step, line string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.observed = append(b.observed, step+": "+line)
		},
	}
}

// repositoryOf is a repository of the test's own: all benches share one registry.
func repositoryOf(t *testing.T) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			return r
		}
		return '-'
	}, t.Name())
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
		p, err := requirement.ParsePip(text)
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

// image pulls a single image.
func (b *bench) image(ref string) v1.Image {
	b.t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		b.t.Fatal(err)
	}
	image, err := remote.Image(parsed, remote.WithContext(b.t.Context()))
	if err != nil {
		b.t.Fatal(err)
	}
	return image
}

// push pushes an image or an index and returns it by digest.
func (b *bench) push(repository string, what remote.Taggable) string {
	b.t.Helper()
	target, err := name.NewTag(b.registry + "/" + repository + ":tag")
	if err != nil {
		b.t.Fatal(err)
	}
	switch what := what.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(target, what, remote.WithContext(b.t.Context()))
	case v1.Image:
		err = remote.Write(target, what, remote.WithContext(b.t.Context()))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return pinned(b.t, target.String())
}

// variant pushes the base image with a change and returns it by digest.
func (b *bench) variant(repository string, change func(v1.Image) (v1.Image, error)) string {
	b.t.Helper()
	image, err := change(b.image(b.base))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.push(repository, image)
}

// ownBase is a base image that no other test builds on. A fresh build is fresh for all that are built on its base, also by
// other packages at the same daemon.
func (b *bench) ownBase() string {
	b.t.Helper()
	return b.variant("base/"+repositoryOf(b.t), withFiles(map[string]string{"etc/own": b.index}))
}

// multiPlatform pushes the base image as one for several architectures.
func (b *bench) multiPlatform(repository string, architectures ...string) string {
	b.t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, architecture := range architectures {
		image := b.image(b.base)
		config, err := image.ConfigFile()
		if err != nil {
			b.t.Fatal(err)
		}
		config = config.DeepCopy()
		config.Architecture = architecture
		if image, err = mutate.ConfigFile(image, config); err != nil {
			b.t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}},
		})
	}
	return b.push(repository, index)
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

// serve starts a server and returns its address.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	address, stop := workbenchtest.Serve(handler)
	t.Cleanup(stop)
	return address
}

// forward copies until one side is closed, then closes both.
func forward(to io.WriteCloser, from io.ReadCloser) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}

// fakeConfig is an image of this machine's platform, to derive others from.
func fakeConfig(t *testing.T) v1.Image {
	t.Helper()
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// forwardRequest answers with what another server answers, without credentials.
func forwardRequest(w http.ResponseWriter, r *http.Request, server string) {
	target, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	r.Header.Del("Authorization")
	httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%T is no *Error: %v", err, err)
	}
	return failed
}

// buildHistory is what the daemon remembers: a record of each build, and every blob that records refer to (logs, errors, provenance).
func buildHistory(t *testing.T, c *client.Client) [][]byte {
	t.Helper()
	stream, err := c.ControlClient().ListenBuildHistory(t.Context(), &controlapi.BuildHistoryRequest{EarlyExit: true})
	if err != nil {
		t.Fatal(err)
	}
	store := proxy.NewContentStore(c.ContentClient())
	var found [][]byte
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		record, err := event.Record.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, record)
		for _, d := range []*controlapi.Descriptor{event.Record.Logs, event.Record.ExternalError, event.Record.Trace} {
			if d == nil {
				continue
			}
			blob, err := content.ReadBlob(t.Context(), store, ocispecs.Descriptor{Digest: digest.Digest(d.Digest), Size: d.Size, MediaType: d.MediaType})
			if err == nil { // an older record may be pruned meanwhile
				found = append(found, blob)
			}
		}
		for _, result := range append(slices.Collect(maps.Values(event.Record.Results)), event.Record.Result) {
			for _, d := range result.GetAttestations() {
				blob, err := content.ReadBlob(t.Context(), store, ocispecs.Descriptor{Digest: digest.Digest(d.Digest), Size: d.Size, MediaType: d.MediaType})
				if err == nil {
					found = append(found, blob)
				}
			}
		}
	}
}
