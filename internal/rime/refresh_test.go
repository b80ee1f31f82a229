package rime_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// refreshAll reads images as Terraform does: so many at a time, each waiting for its answer, in an order of its own.
func refreshAll(t *testing.T, registry *rime.Registry, parallel int, names []string) {
	t.Helper()
	work := make(chan string)
	var readers sync.WaitGroup
	for range parallel {
		readers.Go(func() {
			for name := range work {
				image, err := registry.Refresh(t.Context(), name)
				if err != nil || image.Name != name || image.Status != imageregistry.StatusReady || len(image.PipLibraries) == 0 {
					t.Errorf("%s: %+v, %v", name, image, err)
				}
			}
		})
	}
	for i := range names {
		work <- names[i*617%len(names)] // 617 is prime, so every name comes once
	}
	close(work)
	readers.Wait()
}

// TestRefresh_calls holds what a plan without changes costs. A thousand images are what README promises.
func TestRefresh_calls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		images, registered, parallel int
		most                         int
		latency                      time.Duration
	}{
		"one":                             {1, 1, 10, 1, 0},
		"three":                           {3, 3, 10, 3, 0},
		"a few":                           {10, 10, 10, 4, 0},
		"a thousand":                      {1000, 1000, 10, 15, 50 * time.Millisecond},
		"a thousand, one by one":          {1000, 1000, 1, 40, 0},
		"a thousand, a hundred at a time": {1000, 1000, 100, 15, 10 * time.Millisecond},
		"five among two thousand":         {5, 2000, 5, 10, 0},
		"a hundred among two thousand":    {100, 2000, 10, 60, 5 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, sandbox.Options{Preload: sandbox.Preload{Images: test.registered}})
			w.SetLatency(test.latency)
			names := w.ImageNames()
			slices.Reverse(names) // those that come last in the list are read first
			began := time.Now()
			refreshAll(t, w.Registry, test.parallel, names[:test.images])
			t.Logf("%d calls, %s", len(w.Requests()), time.Since(began))
			if n := len(w.Requests()); n > test.most {
				t.Errorf("%d images took %d calls, want at most %d", test.images, n, test.most)
			}
		})
	}
}

// TestRefresh_missing shows that only the platform's own word makes an image missing.
func TestRefresh_missing(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{Preload: sandbox.Preload{Images: 20}})
	names := w.ImageNames()
	refreshAll(t, w.Registry, 5, names)
	w.Forget()
	if _, err := w.Refresh(t.Context(), "nope"); !errors.Is(err, imageregistry.ErrNotFound) || w.count(http.MethodGet, "^/v1/images/nope$") != 1 {
		t.Errorf("%v after %v", err, w.Requests())
	}
}

// TestRefresh_brokenList has reads go on one by one when the list cannot be had.
func TestRefresh_brokenList(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]fault.Rule{
		"refused":      {Status: 403, Body: `{"code":7}`},
		"failing":      {Status: 500},
		"a web page":   html(200, "Robust Intelligence"),
		"cut short":    {Truncate: 1000},
		"fails midway": {Status: 500, Nth: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, sandbox.Options{Preload: sandbox.Preload{Images: 250}})
			rule.Method, rule.Path = http.MethodPost, "^/v1/images/list$"
			w.faults(rule)
			names := w.ImageNames()
			refreshAll(t, w.Registry, 10, names[150:200])
			if lists := w.count(http.MethodPost, "list"); lists > 4 {
				t.Errorf("a list that cannot be had was asked for %d times", lists)
			}
		})
	}
}

// TestRefresh_afterWrite shows that a read that begins after a write of ours never sees what was before.
func TestRefresh_afterWrite(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{Preload: sandbox.Preload{Images: 30}})
	names := w.ImageNames()
	refreshAll(t, w.Registry, 10, names[:20]) // names[20:] are read, and not handed out
	ctx := t.Context()

	if err := w.Delete(ctx, names[25]); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Refresh(ctx, names[25]); !errors.Is(err, imageregistry.ErrNotFound) {
		t.Errorf("after a delete: %v", err)
	}
	build := w.create("new")
	for range rime.FewReads + 1 {
		image, err := w.Refresh(ctx, "new")
		if err != nil || image.Status != imageregistry.StatusBuildingFirstTime || image.BuildID != build.ID {
			t.Errorf("after a create: %+v, %v", image, err)
		}
	}
	// What others change meanwhile may be missed for a while by what is asked for the first time, and by nothing else.
	refreshAll(t, w.Registry, 10, names[:20])
	if err := w.SetImageStatus(names[0], "STATUS_OUTDATED"); err != nil {
		t.Fatal(err)
	}
	if image, err := w.Refresh(ctx, names[0]); err != nil || image.Status != imageregistry.StatusOutdated {
		t.Errorf("an image that was handed out before: %+v, %v", image, err)
	}
	if err := w.SetImageStatus(names[27], "STATUS_OUTDATED"); err != nil {
		t.Fatal(err)
	}
	if image, err := w.Get(ctx, names[27]); err != nil || image.Status != imageregistry.StatusOutdated {
		t.Errorf("Get is not answered from a list: %+v, %v", image, err)
	}
}

// TestRefresh_writesMeanwhile has reads and writes go on at the same time; it is for the race detector, and for the rule that after a write nobody sees what was before.
func TestRefresh_writesMeanwhile(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{Preload: sandbox.Preload{Images: 150}, DeleteWhileBuilding: true}, within(time.Minute))
	names := w.ImageNames()
	var everybody sync.WaitGroup
	for reader := range 8 {
		everybody.Go(func() {
			for i := range 40 {
				name := names[(reader*40+i)%100]
				if image, err := w.Refresh(t.Context(), name); err != nil || image.Name != name {
					t.Errorf("%s: %+v, %v", name, image, err)
				}
			}
		})
	}
	for writer := range 3 {
		everybody.Go(func() {
			for i := range 8 {
				name := fmt.Sprintf("new-%d-%d", writer, i)
				if _, _, err := w.Create(t.Context(), spec(name)); err != nil {
					t.Error(err)
				}
				if _, err := w.Refresh(t.Context(), name); err != nil {
					t.Errorf("created, but not there: %v", err)
				}
				if err := w.Delete(t.Context(), name); err != nil {
					t.Error(err)
				}
				if _, err := w.Refresh(t.Context(), name); !errors.Is(err, imageregistry.ErrNotFound) {
					t.Errorf("deleted, but still there: %v", err)
				}
			}
		})
	}
	everybody.Wait()
}

// TestRefresh_interrupted has the caller who reads a page give up; the others must not suffer from it.
func TestRefresh_interrupted(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T) {
		w := start(t, sandbox.Options{Preload: sandbox.Preload{Images: 120}})
		names := w.ImageNames()
		refreshAll(t, w.Registry, 1, names[:rime.FewReads])
		w.Forget()
		w.faults(fault.Rule{Method: http.MethodPost, Path: "list", Times: 1, Delay: fault.Duration(time.Minute)})

		why := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		var everybody sync.WaitGroup
		everybody.Go(func() {
			if _, err := w.Refresh(ctx, names[50]); !errors.Is(err, why) {
				t.Errorf("the one who gave up: %v", err)
			}
		})
		for w.count(http.MethodPost, "list") == 0 {
			time.Sleep(time.Millisecond)
		}
		waiting, stop := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, why)
		defer stop()
		began := time.Now()
		if _, err := w.Refresh(waiting, names[51]); !errors.Is(err, why) || time.Since(began) > 30*time.Second {
			t.Errorf("one who waits for the page and gives up: %v after %s", err, time.Since(began))
		}
		for i := range 5 {
			everybody.Go(func() {
				if _, err := w.Refresh(t.Context(), names[60+i]); err != nil {
					t.Error(err)
				}
			})
		}
		cancel(why)
		everybody.Wait()
		if lists, gets := w.count(http.MethodPost, "list"), w.count(http.MethodGet, ""); lists != 2 || gets != 0 {
			t.Errorf("the page was read %d times, and %d images by themselves", lists, gets)
		}
	})
}

// TestRefresh_lifetime shows that a list is good for a minute, by a platform without a network, so that a minute takes no time.
func TestRefresh_lifetime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		platform, registry := bubble(t, sandbox.Options{Preload: sandbox.Preload{Images: 20}}, func(*http.Request) { calls.Add(1) })
		names := platform.ImageNames()
		read := func(name string) (cost int32) {
			before := calls.Load()
			if _, err := registry.Refresh(t.Context(), name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return calls.Load() - before
		}
		for i, want := range []int32{1, 1, 1, 1, 0, 0} { // the fourth reads the list
			if cost := read(names[i]); cost != want {
				t.Errorf("read %d took %d calls, want %d", i+1, cost, want)
			}
		}
		time.Sleep(rime.WalkLifetime)
		if cost := read(names[10]); cost != 0 {
			t.Errorf("at the end of its lifetime the list is not used: %d calls", cost)
		}
		time.Sleep(time.Millisecond)
		if cost := read(names[11]); cost != 1 {
			t.Errorf("after its lifetime the list is used: %d calls", cost)
		}
	})
}
