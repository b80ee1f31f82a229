package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/managed-images/terraform-provider-rime/internal/buildkit"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

const (
	testHost   = "registry.test"
	basePython = testHost + "/base/python:3.12"
)

// world is one registry that all processes of a test share.
type world struct {
	host    string
	wire    http.RoundTripper
	builds  atomic.Int32 // builds begun, over all processes
	running atomic.Int32 // builds running right now
	most    atomic.Int32 // most builds that ran at one time
	// lifelines is where the processes show that they live.
	lifelines string
}

// newWorld makes a registry in memory. It has base images for Python 3.11 and 3.12.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{host: testHost, wire: inMemory(registry.New(registry.Logger(log.New(io.Discard, "", 0)))), lifelines: t.TempDir()}
	w.pushBases(t)
	return w
}

func (w *world) pushBases(t *testing.T) {
	t.Helper()
	w.push(t, w.host+"/base/python:3.11")
	w.push(t, w.host+"/base/python:3.12")
}

// newImage makes an image that is like no other. Its layer is not compressed, which would take most of the time of these tests.
func newImage() (v1.Image, error) {
	oci := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	return mutate.AppendLayers(oci, static.NewLayer([]byte(rand.Text()), types.OCIUncompressedLayer))
}

// push publishes a random image and returns its digest.
func (w *world) push(t *testing.T, reference string) string {
	t.Helper()
	image, err := newImage()
	if err != nil {
		t.Fatal(err)
	}
	ref := mustParse(t, reference)
	if err := remote.Write(ref, image, remote.WithTransport(w.wire), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// tag makes a tag lead to what another reference leads to.
func (w *world) tag(t *testing.T, from, to string) {
	t.Helper()
	manifest, err := remote.Get(mustParse(t, from), remote.WithTransport(w.wire), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	tag, ok := mustParse(t, to).(name.Tag)
	if !ok {
		t.Fatalf("%s is no tag", to)
	}
	if err := remote.Tag(tag, manifest, remote.WithTransport(w.wire), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// exists tells whether the registry has the reference.
func (w *world) exists(t *testing.T, reference string) bool {
	t.Helper()
	_, err := remote.Get(mustParse(t, reference), remote.WithTransport(w.wire), remote.WithContext(t.Context()))
	return err == nil
}

// remove deletes the reference behind everybody's back.
func (w *world) remove(t *testing.T, reference string) {
	t.Helper()
	if err := remote.Delete(mustParse(t, reference), remote.WithTransport(w.wire), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// tags lists the tags of a repository.
func (w *world) tags(t *testing.T, repository string) []string {
	t.Helper()
	repo, err := name.NewRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	tags, err := remote.List(repo, remote.WithTransport(w.wire), remote.WithContext(t.Context()))
	if err != nil && !strings.Contains(err.Error(), "NAME_UNKNOWN") {
		t.Fatal(err)
	}
	slices.Sort(tags) // not every registry does
	return tags
}

func mustParse(t *testing.T, reference string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// process is a provider process: a Registry with its own builder and its own way to the registry.
type process struct {
	*Registry
	builder *fakeBuilder
	world   *world
}

// process starts a process. change may alter its configuration.
func (w *world) process(t *testing.T, holder string, change ...func(*Config)) *process {
	t.Helper()
	b := &fakeBuilder{world: w}
	config := Config{
		URL:              w.host,
		RepositoryPrefix: "ml",
		BaseImages:       map[string]string{"3.11": w.host + "/base/python:3.11", "3.12": w.host + "/base/python:3.12"},
		Transport:        w.wire,
		Builder:          b,
		Version:          "1.2.3",
		Options:          Options{Holder: holder, Workspace: "workspace of " + holder, Lifelines: w.lifelines},
		Timing:           Timing{BaseCheckTTL: -1},
	}
	for _, c := range change {
		c(&config)
	}
	r, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	b.transport = config.Transport
	return &process{Registry: r, builder: b, world: w}
}

// cutLifelines makes every process so far look as if it had died.
func (w *world) cutLifelines(t *testing.T) {
	t.Helper()
	held, err := filepath.Glob(filepath.Join(w.lifelines, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range held {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil { // as the system leaves it: there, and not locked
			t.Fatal(err)
		}
	}
}

// wait returns when all builds of the process have ended.
func (p *process) wait() {
	p.works.mu.Lock()
	var all []*work
	for _, w := range p.works.byID {
		all = append(all, w)
	}
	p.works.mu.Unlock()
	for _, w := range all {
		<-w.done
	}
}

// mustBuild runs a create, an update or a rebuild to its end and returns the image as it is then.
func (p *process) mustBuild(t *testing.T, _ imageregistry.Image, b imageregistry.Build, err error) imageregistry.Image {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	p.wait()
	ended, err := p.Build(t.Context(), b.ID)
	if err != nil || ended.Status != imageregistry.BuildSucceeded {
		t.Fatalf("build %s is %q (%+v), error %v", b.ID, ended.Status, ended.Failure, err)
	}
	return p.mustGet(t, strings.Split(b.ID, "/")[0])
}

func (p *process) mustCreate(t *testing.T, spec imageregistry.Spec) imageregistry.Image {
	t.Helper()
	image, b, err := p.Create(t.Context(), spec)
	return p.mustBuild(t, image, b, err)
}

func (p *process) mustUpdate(t *testing.T, spec imageregistry.Spec) imageregistry.Image {
	t.Helper()
	image, b, err := p.Update(t.Context(), spec)
	return p.mustBuild(t, image, b, err)
}

func (p *process) mustGet(t *testing.T, image string) imageregistry.Image {
	t.Helper()
	got, err := p.Get(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (p *process) mustDelete(t *testing.T, image string) {
	t.Helper()
	if err := p.Delete(t.Context(), image); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Get(t.Context(), image); !errors.Is(err, imageregistry.ErrNotFound) {
		t.Fatalf("after its delete, Get(%q) returns %v", image, err)
	}
}

// specOf is a spec with these pip requirements, as "name" or "name==version".
func specOf(image string, requirements ...string) imageregistry.Spec {
	spec := imageregistry.Spec{Name: image, PythonVersion: "3.12"}
	for _, text := range requirements {
		distribution, version, pinned := strings.Cut(text, "==")
		p := requirement.Pip{Name: distribution}
		if pinned {
			p.VersionSpecifier = "==" + version
		}
		spec.PipRequirements = append(spec.PipRequirements, p)
	}
	return spec
}

// fakeBuilder builds images of random contents, and really publishes them.
type fakeBuilder struct {
	world     *world
	transport http.RoundTripper
	// waits is how long a build waits for its turn.
	waits time.Duration
	// takes is how long a build takes.
	takes time.Duration
	// fails is asked first what the build ends with.
	fails func(buildkit.Request) error
	// mirror is the digest that a mirror has of every base image. Empty: there is no mirror.
	mirror string
	// platforms is how many images go into an index; zero makes a plain image.
	platforms int

	mu       sync.Mutex
	requests []buildkit.Request
}

func (b *fakeBuilder) Platforms(context.Context) ([]string, error) {
	return []string{"linux/amd64"}, nil
}

func (b *fakeBuilder) ResolveBase(ctx context.Context, ref string) (string, error) {
	if b.mirror != "" {
		return b.mirror, nil
	}
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return "", err
	}
	descriptor, err := remote.Head(parsed, remote.WithTransport(b.transport), remote.WithContext(ctx))
	if err != nil {
		return "", err
	}
	return descriptor.Digest.String(), nil
}

func (b *fakeBuilder) Build(ctx context.Context, r buildkit.Request) (buildkit.Result, error) {
	if b.waits > 0 {
		if err := httpx.Sleep(ctx, b.waits); err != nil {
			return buildkit.Result{}, err
		}
	}
	if err := r.Begin(); err != nil {
		return buildkit.Result{}, err
	}
	b.world.builds.Add(1)
	now := b.world.running.Add(1)
	defer b.world.running.Add(-1)
	for most := b.world.most.Load(); now > most && !b.world.most.CompareAndSwap(most, now); most = b.world.most.Load() {
	}
	b.mu.Lock()
	b.requests = append(b.requests, r)
	b.mu.Unlock()
	if b.takes > 0 {
		if err := httpx.Sleep(ctx, b.takes); err != nil {
			return buildkit.Result{}, err
		}
	}
	if b.fails != nil {
		if err := b.fails(r); err != nil {
			return buildkit.Result{}, err
		}
	}
	digest, err := b.publish(ctx, r.Target)
	if err != nil {
		return buildkit.Result{}, err
	}
	result := buildkit.Result{Digest: digest, Size: 4242, PythonVersion: r.PythonVersion}
	for _, p := range r.Pip {
		result.PipLibraries = append(result.PipLibraries, imageregistry.PipLibrary{Name: p.Name, Version: "1.0"})
	}
	return result, nil
}

func (b *fakeBuilder) publish(ctx context.Context, target string) (string, error) {
	ref, err := name.ParseReference(target)
	if err != nil {
		return "", err
	}
	options := []remote.Option{remote.WithTransport(b.transport), remote.WithContext(ctx)}
	if b.platforms > 0 {
		var index v1.ImageIndex = empty.Index
		for range b.platforms {
			image, err := newImage()
			if err != nil {
				return "", err
			}
			index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image})
		}
		digest, err := index.Digest()
		if err != nil {
			return "", err
		}
		return digest.String(), remote.WriteIndex(ref, index, options...)
	}
	image, err := newImage()
	if err != nil {
		return "", err
	}
	digest, err := image.Digest()
	if err != nil {
		return "", err
	}
	return digest.String(), remote.Write(ref, image, options...)
}

// roundTripper is a function as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// inMemory hands requests to a handler, without a network: so that a registry can live in a synctest bubble.
func inMemory(h http.Handler) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
		served := req.Clone(req.Context())
		served.RequestURI, served.Host = req.URL.RequestURI(), req.URL.Host
		if served.Body == nil {
			served.Body = http.NoBody
		}
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, served)
		resp := recorder.Result()
		resp.Request = req
		return resp, nil
	})
}

// likeDistribution makes a registry behave as Docker's does: a manifest takes its tags along, and tags cannot be deleted by name.
func likeDistribution(next http.RoundTripper) http.RoundTripper {
	ask := func(ctx context.Context, method, url string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
		if err != nil {
			return nil, err
		}
		return next.RoundTrip(req)
	}
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		repository, reference, manifest := strings.Cut(req.URL.String(), "/manifests/")
		if !manifest || req.Method != http.MethodDelete {
			return next.RoundTrip(req)
		}
		if !strings.HasPrefix(reference, "sha256:") {
			return answer(req, http.StatusBadRequest, "application/json", `{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}`), nil
		}
		listed, err := ask(req.Context(), http.MethodGet, repository+"/tags/list")
		if err != nil {
			return nil, err
		}
		var list struct{ Tags []string }
		if err := json.NewDecoder(listed.Body).Decode(&list); err != nil {
			return nil, err
		}
		for _, tag := range list.Tags {
			head, err := ask(req.Context(), http.MethodHead, repository+"/manifests/"+tag)
			if err != nil {
				return nil, err
			}
			if head.Header.Get("Docker-Content-Digest") == reference {
				if _, err := ask(req.Context(), http.MethodDelete, repository+"/manifests/"+tag); err != nil {
					return nil, err
				}
			}
		}
		return next.RoundTrip(req)
	})
}

// keepsAll makes a registry refuse deletes, as Docker's does unless it is told otherwise.
func keepsAll(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodDelete {
			return answer(req, http.StatusMethodNotAllowed, "application/json", `{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}`), nil
		}
		return next.RoundTrip(req)
	})
}

// answer is a response made up by a test.
func answer(req *http.Request, status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(bytes.NewBufferString(body)), ContentLength: int64(len(body)),
	}
}

// bubble runs a test in a synctest bubble, where hours pass in no time.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// pass lets time pass.
func pass(d time.Duration) { <-time.After(d) }
