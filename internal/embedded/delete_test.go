package embedded

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/managed-images/terraform-provider-rime/internal/buildkit"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// TestDelete_sparesWhatOthersUse finds that a tag of somebody else keeps what it leads to (G6 of README).
func TestDelete_sparesWhatOthersUse(t *testing.T) {
	t.Parallel()
	flavours := map[string]func(http.RoundTripper) http.RoundTripper{
		"plain":        func(next http.RoundTripper) http.RoundTripper { return next },
		"distribution": likeDistribution,
	}
	for flavour, like := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w, l := newAccountedWorld(t)
				w.wire = like(w.wire)
				p := w.process(t, "a/1")
				p.builder.platforms = 2
				first := p.mustCreate(t, specOf("model-a", "numpy"))
				second := p.mustUpdate(t, specOf("model-a", "scipy"))
				third := p.mustUpdate(t, specOf("model-a", "torch"))
				repo := first.RepoURI
				// Somebody promotes the first; builds an index around one platform of the second; and moves the tag of the third to something of theirs.
				w.tag(t, repo+":"+first.Tag, repo+":production")
				child := w.childOf(t, second.URI())
				w.pushIndexOf(t, repo+":bundle", repo+"@"+child)
				theirs := w.push(t, repo+":"+third.Tag)

				p.mustDelete(t, "model-a")

				if tags := w.tags(t, repo); !slices.Equal(tags, slices.Sorted(slices.Values([]string{third.Tag, "bundle", "production"}))) {
					t.Errorf("tags %q", tags)
				}
				for reference, want := range map[string]bool{
					first.URI(): true, repo + "@" + w.childOf(t, first.URI()): true, repo + ":production": true,
					second.URI(): false, repo + "@" + child: true, repo + ":bundle": true,
					third.URI(): false, repo + "@" + theirs: true,
				} {
					if got := w.exists(t, reference); got != want {
						t.Errorf("%s is there: %t, want %t", reference, got, want)
					}
				}
				for digest, artifact := range l.manifests {
					if artifact != "" {
						t.Errorf("the delete left %s of type %s", digest, artifact)
					}
				}
			})
		})
	}
}

// childOf is the digest of the first image of an index.
func (w *world) childOf(t *testing.T, reference string) string {
	t.Helper()
	index, err := remote.Index(mustParse(t, reference), remote.WithTransport(w.wire), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return manifest.Manifests[0].Digest.String()
}

// pushIndexOf publishes an index of an image that is there.
func (w *world) pushIndexOf(t *testing.T, reference, image string) {
	t.Helper()
	options := []remote.Option{remote.WithTransport(w.wire), remote.WithContext(t.Context())}
	child, err := remote.Image(mustParse(t, image), options...)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(mustParse(t, reference), mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: child}), options...); err != nil {
		t.Fatal(err)
	}
}

func TestDelete_refused(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.wire = keepsAll(w.wire)
		p := w.process(t, "a/1")
		built := p.mustCreate(t, specOf("model-a", "numpy"))
		err := p.Delete(t.Context(), "model-a")
		var refused *DeletesRefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "REGISTRY_STORAGE_DELETE_ENABLED=true") || !strings.Contains(err.Error(), `deletion_policy = "retain"`) {
			t.Fatalf("Delete returns %v", err)
		}
		// Nothing has changed, nobody has to wait, and everything else works.
		if got := p.mustGet(t, "model-a"); got.Status != imageregistry.StatusReady || got.Digest != built.Digest {
			t.Errorf("after the refusal it is %+v", got)
		}
		began := time.Now()
		next := w.process(t, "b/2")
		next.mustUpdate(t, specOf("model-a", "scipy"))
		image, b, err := next.Rebuild(t.Context(), "model-a", imageregistry.Lock{})
		next.mustBuild(t, image, b, err)
		if took := time.Since(began); took > time.Second {
			t.Errorf("claims that cannot be deleted cost %s", took)
		}
	})
}

// A create whose build fails leaves an image that Terraform deletes to create it anew: that must work where nothing can be deleted.
func TestDelete_refusedUnpublished(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.wire = keepsAll(w.wire)
		began := time.Now()
		expectUnpublishedDelete(t, w)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("claims that cannot be deleted cost %s", took)
		}
	})
}

func expectUnpublishedDelete(t *testing.T, w *world) {
	t.Helper()
	failing := func(buildkit.Request) error { return errors.New("no such distribution") }
	p := w.process(t, "a/1")
	p.builder.fails = failing
	for range 2 { // it fails, and fails again
		if _, _, err := p.Create(t.Context(), specOf("model-a", "nunpy")); err != nil {
			t.Fatal(err)
		}
		p.wait()
		if got := p.mustGet(t, "model-a"); got.Status != imageregistry.StatusFailed {
			t.Fatalf("after a build that failed it is %q", got.Status)
		}
		p = w.process(t, "b/2") // the next apply
		p.builder.fails = failing
		p.mustDelete(t, "model-a")
		if err := p.Delete(t.Context(), "model-a"); !errors.Is(err, imageregistry.ErrNotFound) {
			t.Errorf("deleted once more, it is %v", err)
		}
		for image, err := range p.List(t.Context(), imageregistry.Filter{}) {
			t.Errorf("List yields %+v, %v", image, err)
		}
		if n, err := p.Kept(t.Context(), "model-a"); n != 0 || err != nil {
			t.Errorf("Kept returns %d, %v", n, err)
		}
	}
	p.builder.fails = nil
	built := p.mustCreate(t, specOf("model-a", "numpy"))
	if built.Status != imageregistry.StatusReady {
		t.Errorf("created in its place, it is %q: %s", built.Status, built.StatusReason)
	}
	// What was published is not given up, not even after a build that failed.
	p.builder.fails = failing
	if _, _, err := p.Update(t.Context(), specOf("model-a", "nunpy")); err != nil {
		t.Fatal(err)
	}
	p.wait()
	var refused *DeletesRefusedError
	if err := p.Delete(t.Context(), "model-a"); !errors.As(err, &refused) {
		t.Errorf("Delete of what was published returns %v", err)
	}
	if got := p.mustGet(t, "model-a"); got.Digest != built.Digest {
		t.Errorf("after the refusal it is %+v", got)
	}
}

func TestDelete_ownBuild(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		p.builder.takes = time.Hour
		_, b, err := p.Create(t.Context(), specOf("model-a", "numpy"))
		if err != nil {
			t.Fatal(err)
		}
		pass(25 * time.Second)
		began := time.Now()
		p.mustDelete(t, "model-a")
		if took := time.Since(began); took > time.Second {
			t.Errorf("the delete took %s", took)
		}
		if ended, err := p.Build(t.Context(), b.ID); err != nil || ended.Status != imageregistry.BuildCancelled {
			t.Errorf("its build is %+v, %v", ended, err)
		}
		if err := p.Delete(t.Context(), "model-a"); !errors.Is(err, imageregistry.ErrNotFound) {
			t.Errorf("a second Delete returns %v", err)
		}
	})
}

// TestDelete_abandoned finds that a delete waits for the lease of a dead build to run out, and no longer.
func TestDelete_abandoned(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		victim, m := w.mortalProcess(t, "a/1", 1000)
		if _, _, err := victim.Create(t.Context(), specOf("model-a", "numpy")); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		m.leave(0)
		began := time.Now()
		w.process(t, "b/2").mustDelete(t, "model-a")
		if took := time.Since(began); took < 20*time.Second || took > 31*time.Second {
			t.Errorf("the delete took %s", took)
		}
		victim.wait()
		if tags := w.tags(t, testHost+"/ml/model-a"); len(tags) != 0 {
			t.Errorf("tags %q", tags)
		}
	})
}

// TestDelete_long finds that the lease of a delete is renewed as long as it takes.
func TestDelete_long(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		for _, pip := range []string{"a", "b", "c", "d"} {
			if pip == "a" {
				p.mustCreate(t, specOf("model-a", pip))
			} else {
				p.mustUpdate(t, specOf("model-a", pip))
			}
		}
		slow := w.process(t, "b/2", func(c *Config) {
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if req.Method == http.MethodDelete && !strings.Contains(req.URL.Path, recordTag) {
					pass(12 * time.Second)
				}
				return w.wire.RoundTrip(req)
			})
		})
		var group sync.WaitGroup
		group.Go(func() { slow.mustDelete(t, "model-a") })
		for range 4 {
			pass(20 * time.Second)
			if _, _, err := p.Update(t.Context(), specOf("model-a", "e")); !errors.Is(err, imageregistry.ErrBusy) {
				t.Errorf("during the delete, Update returns %v", err)
			}
			if image, err := p.Get(t.Context(), "model-a"); err != nil || image.Status.Building() {
				t.Errorf("during the delete, Get returns %q, %v", image.Status, err)
			}
		}
		group.Wait()
		if w.builds.Load() != 4 {
			t.Errorf("%d builds", w.builds.Load())
		}
	})
}

// TestDelete_lateRenewal finds that a renewal that is under way when a delete comes to its end does not bring the record back, however late it arrives.
func TestDelete_lateRenewal(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		built := w.process(t, "a/1").mustCreate(t, specOf("model-a", "numpy"))
		var underWay atomic.Bool
		p := w.process(t, "b/2", func(c *Config) {
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				switch {
				case req.Method == http.MethodDelete && strings.HasSuffix(req.URL.Path, built.Digest):
					pass(12 * time.Second) // longer than a renewal is away
				case req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, recordTag) && underWay.Swap(true):
					// The registry takes its time, whether or not the client still waits.
					arrived := make(chan struct{})
					late := req.Clone(context.WithoutCancel(req.Context()))
					go func() {
						defer close(arrived)
						pass(5 * time.Second)
						if _, err := statusOf(w.wire, late); err != nil {
							t.Error(err)
						}
					}()
					select {
					case <-arrived:
						return answer(req, http.StatusCreated, "", ""), nil
					case <-req.Context().Done():
						return nil, req.Context().Err()
					}
				}
				return w.wire.RoundTrip(req)
			})
		})
		p.mustDelete(t, "model-a")
		pass(time.Minute)
		if tags := w.tags(t, built.RepoURI); len(tags) != 0 {
			t.Errorf("back again: %q", tags)
		}
	})
}
