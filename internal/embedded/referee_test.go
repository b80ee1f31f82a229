package embedded

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// onDocker is a world on Docker's registry, from Debian.
func onDocker(t *testing.T, host string) *world {
	t.Helper()
	w := &world{host: host, wire: remote.DefaultTransport.(*http.Transport).Clone()}
	w.pushBases(t)
	return w
}

// TestReferee_life takes an image through its life on Docker's registry.
func TestReferee_life(t *testing.T) {
	t.Parallel()
	w := onDocker(t, workbenchtest.DockerRegistry(t))
	p := w.process(t, "a/1")
	p.builder.platforms = 2
	if _, err := p.Get(t.Context(), "model-a"); !errors.Is(err, imageregistry.ErrNotFound) {
		t.Fatalf("before the create, Get returns %v", err)
	}
	first := p.mustCreate(t, specOf("model-a", "numpy"))
	if tags := w.tags(t, first.RepoURI); !slices.Equal(tags, []string{first.Tag, recordTag}) {
		t.Errorf("after the create, the tags are %q", tags)
	}
	second := p.mustUpdate(t, specOf("model-a", "scipy"))
	w.tag(t, first.URI(), first.RepoURI+":production")
	if other := w.process(t, "b/2"); other.mustGet(t, "model-a").Status != imageregistry.StatusReady {
		t.Error("another process sees no ready image")
	}
	n := 0
	for image, err := range p.List(t.Context(), imageregistry.Filter{}) {
		if err != nil || image.Name != "model-a" {
			t.Errorf("List yields %+v, %v", image, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("List yields %d images", n)
	}
	// Drift: the tag is moved, and then all is gone.
	w.tag(t, first.URI(), second.RepoURI+":"+second.Tag)
	if got := p.mustGet(t, "model-a"); got.Status != imageregistry.StatusMoved {
		t.Errorf("with its tag moved it is %q: %s", got.Status, got.StatusReason)
	}
	image, b, err := p.Rebuild(t.Context(), "model-a", imageregistry.Lock{})
	third := p.mustBuild(t, image, b, err)
	w.remove(t, third.URI())
	if got := p.mustGet(t, "model-a"); got.Status != imageregistry.StatusMissing || !strings.Contains(got.StatusReason, "and its manifest") {
		t.Errorf("deleted, it is %q: %s", got.Status, got.StatusReason)
	}
	fourth := p.mustUpdate(t, specOf("model-a", "scipy"))
	p.mustDelete(t, "model-a")
	if tags := w.tags(t, first.RepoURI); !slices.Equal(tags, []string{"production"}) {
		t.Errorf("after the delete, the tags are %q", tags)
	}
	for _, gone := range []imageregistry.Image{second, third, fourth} {
		if w.exists(t, gone.URI()) {
			t.Errorf("%s is still there", gone.URI())
		}
	}
	if !w.exists(t, first.URI()) {
		t.Error("what somebody promoted is gone")
	}
	// The same name once more.
	if got := p.mustCreate(t, specOf("model-a", "numpy")); got.Status != imageregistry.StatusReady {
		t.Errorf("created again, it is %q: %s", got.Status, got.StatusReason)
	}
}

func TestReferee_keepsAll(t *testing.T) {
	t.Parallel()
	w := onDocker(t, workbenchtest.DockerRegistryWithoutDeletes(t))
	p := w.process(t, "a/1")
	p.mustCreate(t, specOf("model-a", "numpy"))
	next := w.process(t, "b/2")
	updated := next.mustUpdate(t, specOf("model-a", "scipy"))
	err := next.Delete(t.Context(), "model-a")
	var refused *DeletesRefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "REGISTRY_STORAGE_DELETE_ENABLED=true") {
		t.Errorf("Delete returns %v", err)
	}
	if got := p.mustGet(t, "model-a"); got.Status != imageregistry.StatusReady || got.Digest != updated.Digest {
		t.Errorf("after it, it is %+v", got)
	}
}

func TestReferee_keepsAllUnpublished(t *testing.T) {
	t.Parallel()
	expectUnpublishedDelete(t, onDocker(t, workbenchtest.DockerRegistryWithoutDeletes(t)))
}

// TestReferee_atOnce lets several processes create the same names at once, on a real registry and with real time.
func TestReferee_atOnce(t *testing.T) {
	t.Parallel()
	w := onDocker(t, workbenchtest.DockerRegistry(t))
	const rounds, processes = 5, 4
	for round := range rounds {
		image := fmt.Sprintf("model-%d", round)
		var (
			group sync.WaitGroup
			mu    sync.Mutex
			won   []*process
		)
		before := w.builds.Load()
		for i := range processes {
			p := w.process(t, fmt.Sprintf("p%d/1", i), func(c *Config) {
				// A lease must be seen to be renewed before its holder counts as alive: that is what a create that lost waits for.
				c.Timing.LeaseTTL, c.Timing.LeaseRenewal = time.Minute, 200*time.Millisecond
			})
			p.builder.takes = 500 * time.Millisecond
			group.Go(func() {
				_, _, err := p.Create(t.Context(), specOf(image, "numpy"))
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					won = append(won, p)
				} else if !errors.Is(err, imageregistry.ErrAlreadyExists) && !errors.Is(err, imageregistry.ErrBusy) {
					t.Errorf("Create returns %v", err)
				}
			})
		}
		group.Wait()
		if len(won) != 1 || w.builds.Load() != before+1 {
			t.Fatalf("round %d: %d creates succeeded, %d builds", round, len(won), w.builds.Load()-before)
		}
		won[0].wait()
		got := won[0].mustGet(t, image)
		if tags := w.tags(t, got.RepoURI); got.Status != imageregistry.StatusReady || !slices.Equal(tags, []string{got.Tag, recordTag}) {
			t.Errorf("round %d: it is %q (%s), with the tags %q", round, got.Status, got.StatusReason, tags)
		}
	}
}

// TestReferee_skopeo lets an independent client read what is in the repository: the image, and the record as an OCI artifact.
func TestReferee_skopeo(t *testing.T) {
	t.Parallel()
	skopeo := workbenchtest.Tool(t, "skopeo")
	w := onDocker(t, workbenchtest.DockerRegistry(t))
	built := w.process(t, "a/1").mustCreate(t, specOf("model-a", "numpy"))
	inspect := func(arguments ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), skopeo, append([]string{"inspect", "--tls-verify=false"}, arguments...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("skopeo %q: %v\n%s", arguments, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if digest := inspect("--format", "{{.Digest}}", "docker://"+built.RepoURI+":"+built.Tag); digest != built.Digest {
		t.Errorf("skopeo sees %s, the record says %s", digest, built.Digest)
	}
	if raw := inspect("--raw", "docker://"+built.RepoURI+":"+recordTag); !strings.Contains(raw, typeRecord) || !strings.Contains(raw, "numpy") {
		t.Errorf("the record is %s", raw)
	}
}
