package embedded

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/buildkit"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

func TestBuild_fails(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		failure := imageregistry.BuildFailure{
			Class: imageregistry.FailureUserInput, Step: "install pip requirements", Requirement: "no-such-lib", RequirementKind: "pip",
			Message: "No matching distribution found for no-such-lib", LogTail: []string{"one", "two"},
		}
		p.builder.fails = func(buildkit.Request) error { return &buildkit.Error{Failure: failure} }
		_, b, err := p.Create(t.Context(), specOf("model-a", "no-such-lib"))
		if err != nil {
			t.Fatal(err)
		}
		p.wait()
		for _, who := range []*process{p, w.process(t, "b/2")} {
			ended, err := who.Build(t.Context(), b.ID)
			if err != nil || ended.Status != imageregistry.BuildFailed || !cmp.Equal(ended.Failure, &failure) {
				t.Errorf("the build is %+v with %+v, %v", ended, ended.Failure, err)
			}
			image := who.mustGet(t, "model-a")
			want := `its last build failed in the step "install pip requirements": No matching distribution found for no-such-lib`
			if image.Status != imageregistry.StatusFailed || image.StatusReason != want || image.Digest != "" || image.PipRequirements[0].Name != "no-such-lib" {
				t.Errorf("the image is %+v", image)
			}
		}
		// The repair, and a failed update after it: what was published stays.
		p.builder.fails = nil
		good := p.mustUpdate(t, specOf("model-a", "numpy"))
		p.builder.fails = func(buildkit.Request) error { return errors.New("out of luck") }
		if _, _, err = p.Update(t.Context(), specOf("model-a", "scipy")); err != nil {
			t.Fatal(err)
		}
		p.wait()
		image := p.mustGet(t, "model-a")
		if image.Status != imageregistry.StatusFailed || image.Digest != good.Digest || image.PipRequirements[0].Name != "scipy" || !w.exists(t, image.URI()) {
			t.Errorf("after a failed update: %+v", image)
		}
		if image.StatusReason != `its last build failed in the step "build the image": out of luck` {
			t.Errorf("the reason is %q", image.StatusReason)
		}
	})
}

func TestBuild_unknown(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p, other := w.process(t, "a/1"), w.process(t, "b/2")
		old := p.mustCreate(t, specOf("model-a", "numpy")).BuildID
		p.mustUpdate(t, specOf("model-a", "scipy"))
		for _, id := range []string{old, "model-a/nonsense", "model-b/x", "nonsense", "", "../x"} {
			if _, err := other.Build(t.Context(), id); !errors.Is(err, imageregistry.ErrNotFound) {
				t.Errorf("Build(%q) returns %v", id, err)
			}
			if err := other.CancelBuild(t.Context(), id); !errors.Is(err, imageregistry.ErrNotFound) {
				t.Errorf("CancelBuild(%q) returns %v", id, err)
			}
		}
	})
}

func TestCancelBuild_own(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		p.builder.takes = time.Hour
		// The request's own cancellation does not end the build: Terraform cancels all contexts at once, and the provider decides then.
		ctx, cancel := context.WithCancel(t.Context())
		_, b, err := p.Create(ctx, specOf("model-a", "numpy"))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		pass(time.Minute)
		if running, err := p.Build(t.Context(), b.ID); err != nil || running.Status != imageregistry.BuildRunning {
			t.Errorf("after the request was cancelled, the build is %+v, %v", running, err)
		}
		began := time.Now()
		if err := p.CancelBuild(t.Context(), b.ID); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the cancel took %s", took)
		}
		got, err := w.process(t, "b/2").Build(t.Context(), b.ID)
		if err != nil || got.Status != imageregistry.BuildCancelled || got.Failure == nil || got.Failure.Class != imageregistry.FailureCancelled {
			t.Errorf("others see %+v, %v", got, err)
		}
		if image := p.mustGet(t, "model-a"); image.Status != imageregistry.StatusFailed || image.StatusReason != "its last build was cancelled" {
			t.Errorf("the image is %q: %q", image.Status, image.StatusReason)
		}
		if err := p.CancelBuild(t.Context(), b.ID); err != nil {
			t.Errorf("cancelling it again returns %v", err)
		}
	})
}

func TestCancelBuild_ofAnotherProcess(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p, other := w.process(t, "a/1"), w.process(t, "b/2")
		p.builder.takes = time.Hour
		_, b, err := p.Create(t.Context(), specOf("model-a", "numpy"))
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		began := time.Now()
		if err := other.CancelBuild(t.Context(), b.ID); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("the cancel took %s", took)
		}
		p.wait()
		if got, err := p.Build(t.Context(), b.ID); err != nil || got.Status != imageregistry.BuildCancelled {
			t.Errorf("its own process sees %+v, %v", got, err)
		}
		if tags := w.tags(t, testHost+"/ml/model-a"); !slices.Equal(tags, []string{recordTag}) {
			t.Errorf("tags %q", tags)
		}
		if err := other.CancelBuild(t.Context(), b.ID); err != nil {
			t.Errorf("cancelling it again returns %v", err)
		}
	})
}

// TestCancelBuild_deaf finds that a build whose process does not listen cannot be cancelled, and that this is said in bounded time.
func TestCancelBuild_deaf(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1", func(c *Config) {
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if strings.Contains(req.URL.Path, cancelPrefix) {
					return answer(req, http.StatusForbidden, "application/json", `{}`), nil
				}
				return w.wire.RoundTrip(req)
			})
		})
		p.builder.takes = time.Hour
		_, b, err := p.Create(t.Context(), specOf("model-a", "numpy"))
		if err != nil {
			t.Fatal(err)
		}
		err = w.process(t, "b/2").CancelBuild(t.Context(), b.ID)
		if !errors.Is(err, imageregistry.ErrCannotCancel) || !strings.Contains(err.Error(), "a/1") {
			t.Errorf("CancelBuild returns %v", err)
		}
		p.wait()
	})
}

// TestLease_renewed finds that a long build stays alive to others, and that its record is not written more often than needed.
func TestLease_renewed(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		var puts atomic.Int32
		p := w.process(t, "a/1", func(c *Config) {
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, recordTag) {
					puts.Add(1)
				}
				return w.wire.RoundTrip(req)
			})
		})
		p.builder.takes = 30 * time.Minute
		if _, _, err := p.Create(t.Context(), specOf("model-a", "numpy")); err != nil {
			t.Fatal(err)
		}
		other := w.process(t, "b/2")
		for range 100 {
			pass(17 * time.Second)
			if image := other.mustGet(t, "model-a"); image.Status != imageregistry.StatusBuildingFirstTime || image.Unclaimed {
				t.Fatalf("it is %q: %s", image.Status, image.StatusReason)
			}
		}
		p.wait()
		if n := puts.Load(); n < 180 || n > 190 {
			t.Errorf("%d writes in 30 minutes", n)
		}
	})
}

// TestLease_lost lets a process sleep through its lease, as a laptop does: another takes the image over, and the first gives up its build.
func TestLease_lost(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		var asleep atomic.Bool
		p := w.process(t, "a/1", func(c *Config) {
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				for asleep.Load() {
					pass(time.Second)
				}
				return w.wire.RoundTrip(req)
			})
		})
		p.builder.takes = 10 * time.Minute
		_, b, err := p.Create(t.Context(), specOf("model-a", "numpy"))
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		asleep.Store(true)
		pass(time.Minute)
		other := w.process(t, "b/2")
		other.builder.takes = 2 * time.Minute
		image, b2, err := other.Create(t.Context(), specOf("model-a", "scipy"))
		if err != nil || b2.ID == b.ID {
			t.Fatalf("Create returns %+v, %+v, %v", image, b2, err)
		}
		pass(time.Second)
		asleep.Store(false)
		p.wait()
		lost, err := p.Build(t.Context(), b.ID)
		if err != nil || lost.Status != imageregistry.BuildFailed || lost.Failure.Class != imageregistry.FailureAbandoned ||
			lost.Failure.Message != "the image was taken over by b/2" {
			t.Errorf("the first build is %+v with %+v, %v", lost, lost.Failure, err)
		}
		if took := lost.CompletedAt.Sub(lost.StartedAt); took > 3*time.Minute {
			t.Errorf("it gave up only after %s", took)
		}
		other.wait()
		got := p.mustGet(t, "model-a")
		if got.Status != imageregistry.StatusReady || got.BuildID != b2.ID || got.PipRequirements[0].Name != "scipy" {
			t.Errorf("in the end it is %+v", got)
		}
	})
}

// TestLease_outage finds that a build survives a registry that is away for longer than the lease, when nobody else took the image meanwhile.
func TestLease_outage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		f := &faulty{next: w.wire}
		p := w.process(t, "a/1", func(c *Config) { c.Transport = f })
		p.builder.takes, p.builder.transport = 10*time.Minute, w.wire
		_, b, err := p.Create(t.Context(), specOf("model-a", "numpy"))
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		f.spoil(faults["reset"], 0, always)
		pass(3 * time.Minute)
		other := w.process(t, "b/2")
		if image := other.mustGet(t, "model-a"); image.Status != imageregistry.StatusFailed || !image.Unclaimed {
			t.Errorf("during the outage, others see %q", image.Status)
		}
		f.spoil(nil, 0, 0)
		pass(time.Minute)
		if image := other.mustGet(t, "model-a"); image.Status != imageregistry.StatusBuildingFirstTime {
			t.Errorf("after the outage, others see %q: %s", image.Status, image.StatusReason)
		}
		p.wait()
		if image := other.mustGet(t, "model-a"); image.Status != imageregistry.StatusReady || image.BuildID != b.ID {
			t.Errorf("in the end it is %+v", image)
		}
	})
}

// TestFinish_registryAway finds that the end of a build that cannot be written down is not lost to the process that waits for it.
func TestFinish_registryAway(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]error{"success": nil, "failure": errors.New("out of luck")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				f := &faulty{next: w.wire}
				p := w.process(t, "a/1", func(c *Config) { c.Transport = f })
				p.builder.takes, p.builder.transport = time.Minute, w.wire
				p.builder.fails = func(buildkit.Request) error { return fails }
				_, b, err := p.Create(t.Context(), specOf("model-a", "numpy"))
				if err != nil {
					t.Fatal(err)
				}
				pass(30 * time.Second)
				// The confirmation of a success still passes; the record cannot be written.
				f.spoil(func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
					if req.Method == http.MethodPut {
						return faults["503"](next, req)
					}
					return next.RoundTrip(req)
				}, 0, always)
				p.wait()
				ended, err := p.Build(t.Context(), b.ID)
				if err != nil || ended.Status != imageregistry.BuildFailed || ended.Failure == nil {
					t.Fatalf("the build is %+v, %v", ended, err)
				}
				want := "out of luck"
				if fails == nil {
					want = "the image was built and published, but the record of it could not be written"
				}
				if !strings.HasPrefix(ended.Failure.Message, want) {
					t.Errorf("it failed with %q", ended.Failure.Message)
				}
				if image := p.mustGet(t, "model-a"); image.Status != imageregistry.StatusFailed || !strings.Contains(image.StatusReason, want) {
					t.Errorf("its own process sees %q: %s", image.Status, image.StatusReason)
				}
				f.spoil(nil, 0, 0)
				p.builder.fails = nil
				if image := p.mustUpdate(t, specOf("model-a", "numpy")); image.Status != imageregistry.StatusReady {
					t.Errorf("the repair ends with %q", image.Status)
				}
				p.mustDelete(t, "model-a")
				if tags := w.tags(t, testHost+"/ml/model-a"); len(tags) != 0 {
					t.Errorf("the delete left %q", tags)
				}
			})
		})
	}
}

// TestConfirm finds that a builder is not believed that says it published what the registry does not have, or what another tag leads to.
func TestConfirm(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		liar := &lyingBuilder{fakeBuilder: &fakeBuilder{world: w, transport: w.wire}}
		p := w.process(t, "a/1", func(c *Config) { c.Builder = liar })
		first := p.mustCreate(t, specOf("model-a", "numpy"))
		for _, lie := range []string{first.Digest, "sha256:" + strings.Repeat("0", 64)} {
			liar.says = lie
			_, b, err := p.Update(t.Context(), specOf("model-a", "scipy"))
			if err != nil {
				t.Fatal(err)
			}
			p.wait()
			ended, err := p.Build(t.Context(), b.ID)
			if err != nil || ended.Status != imageregistry.BuildFailed || ended.Failure.Class != imageregistry.FailurePush || ended.Failure.Step != "confirm what was published" {
				t.Errorf("the build is %+v with %+v, %v", ended, ended.Failure, err)
			}
		}
	})
}

// TestBuild_pending has a build that waits an hour for its turn at the builder: that is no part of how long it ran, and it is as alive as any other.
func TestBuild_pending(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p, other := w.process(t, "a/1"), w.process(t, "b/2")
		p.builder.waits, p.builder.takes = time.Hour, time.Minute
		begun := time.Now()
		_, b, err := p.Create(t.Context(), specOf("model-a", "numpy"))
		if err != nil {
			t.Fatal(err)
		}
		expect := func(status, elsewhere imageregistry.BuildStatus, running time.Duration) {
			t.Helper()
			got, err := p.Build(t.Context(), b.ID)
			if err != nil || got.Status != status || got.RunningTime.Round(time.Second) != running || got.StartedAt.IsZero() != (running == 0) {
				t.Errorf("the build is %+v, %v", got, err)
			}
			if got, err := other.Build(t.Context(), b.ID); err != nil || got.Status != elsewhere {
				t.Errorf("seen from elsewhere, the build is %+v, %v", got, err)
			}
			if got := other.mustGet(t, "model-a"); status != imageregistry.BuildSucceeded && got.Status != imageregistry.StatusBuildingFirstTime {
				t.Errorf("the image is %q: %s", got.Status, got.StatusReason)
			}
		}
		pass(59 * time.Minute)
		expect(imageregistry.BuildPending, imageregistry.BuildRequested, 0)
		if err := other.Delete(t.Context(), "model-a"); !errors.Is(err, imageregistry.ErrBusy) {
			t.Errorf("another process may delete what waits to be built: %v", err)
		}
		pass(time.Until(begun.Add(time.Hour + 30*time.Second)))
		expect(imageregistry.BuildRunning, imageregistry.BuildRunning, 30*time.Second)
		p.wait()
		expect(imageregistry.BuildSucceeded, imageregistry.BuildSucceeded, time.Minute)

		// One that is cancelled before its turn has never run.
		_, b, err = p.Update(t.Context(), specOf("model-a", "scipy"))
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if err := p.CancelBuild(t.Context(), b.ID); err != nil {
			t.Fatal(err)
		}
		if got, err := other.Build(t.Context(), b.ID); err != nil || got.Status != imageregistry.BuildCancelled || !got.StartedAt.IsZero() || got.RunningTime != 0 {
			t.Errorf("cancelled, the build is %+v, %v", got, err)
		}
	})
}

// lyingBuilder says that it published something else than it did.
type lyingBuilder struct {
	*fakeBuilder
	says string
}

func (b *lyingBuilder) Build(ctx context.Context, r buildkit.Request) (buildkit.Result, error) {
	result, err := b.fakeBuilder.Build(ctx, r)
	if b.says != "" {
		result.Digest = b.says
	}
	return result, err
}

// TestLease_ranOut finds that a lease that ran out is renewed only with no other process about to take the image over.
func TestLease_ranOut(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p, other := w.process(t, "a/1"), w.process(t, "b/2")
		p.mustCreate(t, specOf("model-a", "numpy"))
		repo, err := p.repository("model-a")
		if err != nil {
			t.Fatal(err)
		}
		l := newLease(p.store, repo)
		stop, err := p.seize(t.Context(), l, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		stop()
		began := time.Now()
		if err := l.write(t.Context(), func(*record) {}); err != nil || time.Since(began) != 0 {
			t.Errorf("a lease that runs is renewed after %s: %v", time.Since(began), err)
		}
		pass(31 * time.Second)
		c, err := other.store.raise(t.Context(), repo)
		if err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		time.AfterFunc(5*time.Second, func() { other.store.lower(t.Context(), c) })
		if err := l.write(t.Context(), func(*record) {}); err != nil || time.Since(began) < 5*time.Second {
			t.Errorf("a lease that ran out is renewed after %s, with another's claim up: %v", time.Since(began), err)
		}
		pass(31 * time.Second)
		taken, _, err := p.store.readRecord(t.Context(), repo)
		if err != nil {
			t.Fatal(err)
		}
		taken.Lease = newLease(other.store, repo).terms()
		if err := other.store.writeRecord(t.Context(), repo, taken, ""); err != nil {
			t.Fatal(err)
		}
		if _, lost := errors.AsType[*lostLeaseError](l.write(t.Context(), func(*record) {})); !lost {
			t.Error("a lease that another has now can be renewed")
		}
	})
}
