package embedded

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// jittery delays every request at random, before and after it takes effect, so that requests of several processes interleave in every way.
func jittery(next http.RoundTripper, seed uint64, most time.Duration) http.RoundTripper {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	delay := func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(3) == 0 {
			return 0
		}
		return time.Duration(random.Int64N(int64(most)))
	}
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if err := httpx.Sleep(req.Context(), delay()); err != nil {
			return nil, err
		}
		resp, err := next.RoundTrip(req)
		pass(delay())
		return resp, err
	})
}

// TestCreate_atOnce lets many creates of one name loose at once, of several processes (G5 of README).
func TestCreate_atOnce(t *testing.T) {
	t.Parallel()
	const rounds, processes, goroutines = 16, 4, 2
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				seed := uint64(round)
				var all []*process
				for i := range processes {
					p := w.process(t, fmt.Sprintf("p%d/1", i), func(c *Config) {
						c.Transport = jittery(w.wire, seed*processes+uint64(i), 80*time.Millisecond)
					})
					p.builder.takes = time.Duration(1+round*5/2) * time.Second
					all = append(all, p)
				}
				var (
					group sync.WaitGroup
					won   atomic.Int32
				)
				for _, p := range all {
					for range goroutines {
						group.Go(func() {
							_, _, err := p.Create(t.Context(), specOf("model-a", "numpy"))
							switch {
							case err == nil:
								won.Add(1)
							case !errors.Is(err, imageregistry.ErrAlreadyExists) && !errors.Is(err, imageregistry.ErrBusy):
								t.Errorf("Create returns %v", err)
							}
						})
					}
				}
				group.Wait()
				for _, p := range all {
					p.wait()
				}
				if won.Load() != 1 || w.builds.Load() != 1 {
					t.Errorf("%d creates succeeded, %d builds", won.Load(), w.builds.Load())
				}
				image := w.process(t, "later/1").mustGet(t, "model-a")
				if image.Status != imageregistry.StatusReady {
					t.Errorf("in the end it is %q: %s", image.Status, image.StatusReason)
				}
				if tags := w.tags(t, image.RepoURI); !slices.Equal(tags, []string{image.Tag, recordTag}) {
					t.Errorf("in the end the tags are %q", tags)
				}
			})
		})
	}
}

// TestUpdate_atOnce lets updates, rebuilds and deletes of one image loose at once. Whatever wins, builds never overlap, and in the end the
// registry holds what the record says.
func TestUpdate_atOnce(t *testing.T) {
	t.Parallel()
	for round := range 10 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				w.process(t, "first/1").mustCreate(t, specOf("model-a", "numpy"))
				var (
					all   []*process
					group sync.WaitGroup
				)
				for i := range 5 {
					p := w.process(t, fmt.Sprintf("p%d/1", i), func(c *Config) {
						c.Transport = jittery(w.wire, uint64(round*5+i), 60*time.Millisecond)
					})
					p.builder.takes = time.Duration(round*3) * time.Second
					all = append(all, p)
					group.Go(func() {
						var err error
						switch {
						case i == 4 && round%2 == 0:
							err = p.Delete(t.Context(), "model-a")
						case i%2 == 0:
							_, _, err = p.Rebuild(t.Context(), "model-a", imageregistry.Lock{})
						default:
							_, _, err = p.Update(t.Context(), specOf("model-a", fmt.Sprintf("scipy==%d", i)))
						}
						if err != nil && !errors.Is(err, imageregistry.ErrBusy) && !errors.Is(err, imageregistry.ErrNotFound) {
							t.Errorf("process %d: %v", i, err)
						}
					})
				}
				group.Wait()
				for _, p := range all {
					p.wait()
				}
				if w.most.Load() != 1 {
					t.Errorf("%d builds ran at one time", w.most.Load())
				}
				later := w.process(t, "later/1")
				if image, err := later.Get(t.Context(), "model-a"); err == nil && image.Status != imageregistry.StatusReady {
					t.Errorf("in the end it is %q: %s", image.Status, image.StatusReason)
				} else if err == nil {
					later.mustDelete(t, "model-a")
				} else if !errors.Is(err, imageregistry.ErrNotFound) {
					t.Error(err)
				}
				if tags := w.tags(t, testHost+"/ml/model-a"); len(tags) != 0 {
					t.Errorf("in the end the tags are %q", tags)
				}
			})
		})
	}
}

// TestExclusively_flagsOfTheDead finds that a claim whose process died keeps others out for as long as it may have been at work, and no longer.
func TestExclusively_flagsOfTheDead(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		dead, p := w.process(t, "dead/1"), w.process(t, "a/1")
		repo, err := dead.repository("model-a")
		if err != nil {
			t.Fatal(err)
		}
		c, err := dead.store.raise(t.Context(), repo)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		p.mustCreate(t, specOf("model-a", "numpy"))
		if took := time.Since(began); took < 20*time.Second || took > 25*time.Second {
			t.Errorf("the create took %s; the claim lives 20 s", took)
		}
		// It is swept once it cannot have been anybody's for a while.
		pass(time.Minute)
		p.mustUpdate(t, specOf("model-a", "scipy"))
		if tags := w.tags(t, repo.Name()); slices.Contains(tags, c.tag.TagStr()) {
			t.Errorf("the dead claim is still among %q", tags)
		}
	})
}

// TestExclusively_cancelled finds that a caller who gives up while others are at work leaves no claim up.
func TestExclusively_cancelled(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		dead, p := w.process(t, "dead/1"), w.process(t, "a/1")
		repo, err := dead.repository("model-a")
		if err != nil {
			t.Fatal(err)
		}
		c, err := dead.store.raise(t.Context(), repo)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if _, _, err := p.Create(ctx, specOf("model-a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Create returns %v", err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %s to give up", took)
		}
		if tags := w.tags(t, repo.Name()); !slices.Equal(tags, []string{c.tag.TagStr()}) {
			t.Errorf("tags %q", tags)
		}
	})
}

// TestExclusively_listBehind finds that a registry whose list of tags does not show what was just pushed cannot be worked with, and says so.
func TestExclusively_listBehind(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1", func(c *Config) {
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if strings.HasSuffix(req.URL.Path, "/tags/list") {
					return answer(req, http.StatusOK, "application/json", `{"name":"ml/model-a","tags":[]}`), nil
				}
				return w.wire.RoundTrip(req)
			})
		})
		_, _, err := p.Create(t.Context(), specOf("model-a"))
		if err == nil || !strings.Contains(err.Error(), "does not list the tag rime-claim-") {
			t.Errorf("Create returns %v", err)
		}
		if w.builds.Load() != 0 {
			t.Error("it builds nevertheless")
		}
	})
}

// TestExclusively_noTwo watches the principle itself: nobody is ever inside together, whatever the delays.
func TestExclusively_noTwo(t *testing.T) {
	t.Parallel()
	for round := range 10 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				var (
					group  sync.WaitGroup
					inside atomic.Int32
					served atomic.Int32
				)
				for i := range 6 {
					p := w.process(t, fmt.Sprintf("p%d/1", i), func(c *Config) {
						c.Transport = jittery(w.wire, uint64(round*6+i), 50*time.Millisecond)
					})
					repo, err := p.repository("model-a")
					if err != nil {
						t.Fatal(err)
					}
					group.Go(func() {
						err := p.store.exclusively(t.Context(), repo, func(ctx context.Context) error {
							if inside.Add(1) != 1 {
								t.Error("two are inside")
							}
							defer inside.Add(-1)
							served.Add(1)
							return httpx.Sleep(ctx, 100*time.Millisecond)
						})
						if err != nil {
							t.Errorf("process %d: %v", i, err)
						}
					})
				}
				group.Wait()
				synctest.Wait()
				if served.Load() != 6 {
					t.Errorf("%d of 6 got their turn", served.Load())
				}
			})
		})
	}
}
