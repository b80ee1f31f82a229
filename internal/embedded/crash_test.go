package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

var errDead = errors.New("this process is dead")

// mortal lets a process make so many changes, and from the next one on no request at all: what a SIGKILL looks like from the registry, which is the same
// whatever was only read before it, and whether or not the last answer arrived.
type mortal struct {
	next http.RoundTripper
	mu   sync.Mutex
	left int
	died bool
}

func (m *mortal) RoundTrip(req *http.Request) (*http.Response, error) {
	m.mu.Lock()
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		m.left--
	}
	m.died = m.died || m.left < 0
	died := m.died
	m.mu.Unlock()
	if !died {
		return m.next.RoundTrip(req)
	}
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, errDead
}

func (m *mortal) dead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.died
}

// ledger keeps account of the manifests in a registry.
type ledger struct {
	next http.RoundTripper
	mu   sync.Mutex
	// manifests holds the artifact type of each manifest, empty for an image, by digest.
	manifests map[string]string
	// published are the manifests that a tag has led to. What a builder pushed without living to tag it is known to nobody: it is
	// what a registry's garbage collection is for.
	published map[string]bool
}

func (l *ledger) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	_, reference, manifest := strings.Cut(req.URL.Path, "/manifests/")
	if manifest && req.Method == http.MethodPut {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := l.next.RoundTrip(req)
	if err != nil || !manifest || resp.StatusCode >= 300 || !strings.HasPrefix(req.URL.Path, "/v2/ml/") {
		return resp, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch req.Method {
	case http.MethodPut:
		digest, _, err := v1.SHA256(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		parsed, _ := v1.ParseManifest(bytes.NewReader(body))
		l.manifests[digest.String()] = parsed.ArtifactType
		if strings.Contains(reference, ":") {
			break
		}
		l.published[digest.String()] = true
		index, _ := v1.ParseIndexManifest(bytes.NewReader(body))
		for _, child := range index.Manifests {
			l.published[child.Digest.String()] = true
		}
	case http.MethodDelete:
		delete(l.manifests, reference)
	}
	return resp, nil
}

// images are the digests of the manifests that are no artifacts of ours.
func (l *ledger) images() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for digest, artifact := range l.manifests {
		if artifact == "" && l.published[digest] {
			all = append(all, digest)
		}
	}
	return all
}

// newAccountedWorld is a registry whose manifests are accounted for.
func newAccountedWorld(t *testing.T) (*world, *ledger) {
	t.Helper()
	w := newWorld(t)
	l := &ledger{next: w.wire, manifests: map[string]string{}, published: map[string]bool{}}
	w.wire = l
	return w, l
}

// crashes runs scenario with a process that dies after each number of changes in turn, until it does not need that many.
func crashes(t *testing.T, scenario func(t *testing.T, w *world, l *ledger, mayMake int) (survived bool)) {
	t.Helper()
	for flavour, like := range map[string]func(http.RoundTripper) http.RoundTripper{
		"plain":        func(next http.RoundTripper) http.RoundTripper { return next },
		"distribution": likeDistribution,
	} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			runs, survived := 0, false
			for ; !survived && runs < 500 && !t.Failed(); runs++ {
				t.Run(fmt.Sprint(runs), func(t *testing.T) { // one after the other, as each tells whether there is a next one
					bubble(t, func(t *testing.T) {
						w, l := newAccountedWorld(t)
						w.wire = like(w.wire)
						survived = scenario(t, w, l, runs)
					})
				})
			}
			if !t.Failed() && (!survived || runs < 10) {
				t.Errorf("survived: %t, after %d runs", survived, runs)
			}
		})
	}
}

// buildTakes is long enough for a lease to be renewed, and short enough for it to be renewed once: each renewal looks the same.
const buildTakes = 15 * time.Second

// mortalProcess makes a process that dies after so many changes.
func (w *world) mortalProcess(t *testing.T, holder string, mayMake int) (*process, *mortal) {
	t.Helper()
	m := &mortal{next: w.wire, left: mayMake}
	p := w.process(t, holder, func(c *Config) { c.Transport, c.Options.Workspace = m, "here" })
	p.builder.takes, p.builder.platforms = buildTakes, 2
	return p, m
}

// leases is long enough for every lease and claim to have run out.
const leases = 2 * time.Minute

// nothingLeft deletes the image and checks that nothing of it is left, untagged or not.
func nothingLeft(t *testing.T, w *world, l *ledger, p *process) {
	t.Helper()
	p.mustDelete(t, "model-a")
	if tags := w.tags(t, testHost+"/ml/model-a"); len(tags) != 0 {
		t.Errorf("after the delete, the tags are %q", tags)
	}
	if images := l.images(); len(images) != 0 {
		t.Errorf("after the delete, there are %d manifests of images", len(images))
	}
}

// checkSense checks what anybody may see at any time: an image that is said to be usable is there.
func checkSense(t *testing.T, w *world, image imageregistry.Image) {
	t.Helper()
	if image.Status.Usable() && (!w.exists(t, image.URI()) || !w.exists(t, image.RepoURI+":"+image.Tag)) {
		t.Errorf("it is %q, but %s is not there", image.Status, image.URI())
	}
	if image.Status.Broken() && image.StatusReason == "" {
		t.Errorf("it is %q without a reason", image.Status)
	}
}

func TestCrash_create(t *testing.T) {
	t.Parallel()
	crashes(t, func(t *testing.T, w *world, l *ledger, mayMake int) bool {
		victim, m := w.mortalProcess(t, "a/1", mayMake)
		_, _, _ = victim.Create(t.Context(), specOf("model-a", "numpy"))
		pass(time.Second)
		next := w.process(t, "a/2", func(c *Config) { c.Options.Workspace = "here" })
		next.builder.platforms = 2
		image, err := next.Get(t.Context(), "model-a")
		if err != nil && !errors.Is(err, imageregistry.ErrNotFound) {
			t.Errorf("right after the crash, Get returns %v", err)
		}
		checkSense(t, w, image)
		victim.wait()
		survived := !m.dead()
		pass(leases)
		w.cutLifelines(t)

		image, err = next.Get(t.Context(), "model-a")
		switch {
		case err == nil && !image.Unclaimed:
			t.Errorf("the next apply may not take over what is %q: %s", image.Status, image.StatusReason)
		case err == nil && image.Status == imageregistry.StatusFailed:
			if !strings.Contains(image.StatusReason, "abandoned") || !strings.Contains(image.StatusReason, "a/1") {
				t.Errorf("the reason is %q", image.StatusReason)
			}
			b, err := next.Build(t.Context(), image.BuildID)
			if err != nil || b.Failure == nil || b.Failure.Class != imageregistry.FailureAbandoned {
				t.Errorf("the abandoned build is %+v, %v", b, err)
			}
		case err == nil && image.Status != imageregistry.StatusReady:
			t.Errorf("it is %q: %s", image.Status, image.StatusReason)
		case err != nil && !errors.Is(err, imageregistry.ErrNotFound):
			t.Error(err)
		}
		checkSense(t, w, image)
		if image = next.mustCreate(t, specOf("model-a", "numpy")); image.Status != imageregistry.StatusReady {
			t.Errorf("the next create ends with %q: %s", image.Status, image.StatusReason)
		}
		checkSense(t, w, image)
		if most := w.most.Load(); most != 1 {
			t.Errorf("%d builds ran at one time", most)
		}
		nothingLeft(t, w, l, next)
		return survived
	})
}

func TestCrash_update(t *testing.T) {
	t.Parallel()
	crashes(t, func(t *testing.T, w *world, l *ledger, mayMake int) bool {
		first := w.process(t, "a/0")
		first.builder.platforms = 2
		before := first.mustCreate(t, specOf("model-a", "numpy"))
		victim, m := w.mortalProcess(t, "a/1", mayMake)
		_, _, _ = victim.Update(t.Context(), specOf("model-a", "scipy"))
		victim.wait()
		survived := !m.dead()
		next := w.process(t, "a/2")
		next.builder.platforms = 2
		for _, wait := range []time.Duration{time.Second, leases} {
			pass(wait)
			image := next.mustGet(t, "model-a")
			checkSense(t, w, image)
			if image.Digest == "" || !w.exists(t, image.URI()) || !w.exists(t, before.URI()) {
				t.Errorf("%s after the crash, it is %q and the image in use is %q", wait, image.Status, image.Digest)
			}
		}
		if image := next.mustUpdate(t, specOf("model-a", "scipy")); image.Status != imageregistry.StatusReady {
			t.Errorf("the next update ends with %q: %s", image.Status, image.StatusReason)
		}
		nothingLeft(t, w, l, next)
		return survived
	})
}

// TestCrash_delete begins with an image that is ready, and with one whose last build died right after it published: what that left
// belongs to the image as well.
func TestCrash_delete(t *testing.T) {
	t.Parallel()
	for before, buildDies := range map[string]bool{"ready": false, "a build died": true} {
		t.Run(before, func(t *testing.T) {
			t.Parallel()
			crashes(t, func(t *testing.T, w *world, l *ledger, mayMake int) bool {
				first := w.process(t, "a/0")
				first.builder.platforms = 2
				first.mustCreate(t, specOf("model-a", "numpy"))
				first.mustUpdate(t, specOf("model-a", "scipy"))
				if buildDies {
					dieAfterPublishing(t, w)
				}
				return crashInDelete(t, w, l, mayMake)
			})
		})
	}
}

func dieAfterPublishing(t *testing.T, w *world) {
	t.Helper()
	victim, m := w.mortalProcess(t, "a/1", 1000)
	if _, _, err := victim.Update(t.Context(), specOf("model-a", "torch")); err != nil {
		t.Fatal(err)
	}
	pass(buildTakes - time.Second)
	m.leave(15) // two manifests with a layer and a configuration each, and the index
	victim.wait()
	pass(leases)
}

// crashInDelete deletes with a process that dies after so many changes, and then with one that lives.
func crashInDelete(t *testing.T, w *world, l *ledger, mayMake int) (survived bool) {
	t.Helper()
	victim, m := w.mortalProcess(t, "a/2", mayMake)
	err := victim.Delete(t.Context(), "model-a")
	survived = !m.dead()
	if survived && err != nil {
		t.Errorf("an undisturbed delete returns %v", err)
	}
	pass(leases)
	next := w.process(t, "a/3")
	next.builder.platforms = 2
	image, err := next.Get(t.Context(), "model-a")
	if err != nil && !errors.Is(err, imageregistry.ErrNotFound) {
		t.Errorf("after the crash, Get returns %v", err)
	}
	checkSense(t, w, image)
	if err := next.Delete(t.Context(), "model-a"); err != nil && !errors.Is(err, imageregistry.ErrNotFound) {
		t.Errorf("the next delete returns %v", err)
	}
	if tags := w.tags(t, testHost+"/ml/model-a"); slices.ContainsFunc(tags, func(tag string) bool { return !strings.HasPrefix(tag, claimPrefix) }) {
		t.Errorf("after the next delete, the tags are %q", tags)
	}
	if images := l.images(); len(images) != 0 {
		t.Errorf("after the next delete, there are %d manifests of images", len(images))
	}
	if image := next.mustCreate(t, specOf("model-a", "numpy")); image.Status != imageregistry.StatusReady {
		t.Errorf("a create after it ends with %q", image.Status)
	}
	nothingLeft(t, w, l, next)
	return survived
}

// leave lets the process make so many changes from now on.
func (m *mortal) leave(requests int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = requests
}

// TestLifecycle_leavesNothing accounts for every manifest of an undisturbed life, renewed leases and superseded records included.
func TestLifecycle_leavesNothing(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w, l := newAccountedWorld(t)
		p := w.process(t, "a/1")
		p.builder.takes, p.builder.platforms = 10*time.Minute, 2
		p.mustCreate(t, specOf("model-a", "numpy"))
		p.mustUpdate(t, specOf("model-a", "scipy"))
		if n := len(l.manifests); n != 2*3+1 { // two indexes of two images each, and the record
			t.Errorf("with two images of two platforms there are %d manifests", n)
		}
		p.mustDelete(t, "model-a")
		if len(l.manifests) != 0 {
			t.Errorf("left: %v", l.manifests)
		}
	})
}
