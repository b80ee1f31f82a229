package imageregistry_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// counted remembers when each call was made, and what was asked for.
type counted struct {
	imageregistry.Registry
	began time.Time
	calls []call
}

type call struct {
	at    time.Duration
	build bool
}

func (r *counted) Get(ctx context.Context, name string) (imageregistry.Image, error) {
	r.calls = append(r.calls, call{at: time.Since(r.began)})
	return r.Registry.Get(ctx, name)
}

func (r *counted) Build(ctx context.Context, id string) (imageregistry.Build, error) {
	r.calls = append(r.calls, call{at: time.Since(r.began), build: true})
	return r.Registry.Build(ctx, id)
}

// asked is how often the image and the build were asked for in a part of the wait.
func (r *counted) asked(from, to time.Duration) (images, builds int) {
	for _, c := range r.calls {
		switch {
		case c.at < from || c.at > to:
		case c.build:
			builds++
		default:
			images++
		}
	}
	return images, builds
}

// play awaits an image while that script is played, in a bubble.
func play(t *testing.T, script ...step) (*counted, imageregistry.Image, imageregistry.Build, error) {
	t.Helper()
	began := time.Now()
	registry := &counted{Registry: &scripted{began: began, script: script}, began: began}
	image, build, err := imageregistry.Await(t.Context(), registry, "churn", "b-1", imageregistry.AwaitOptions{})
	return registry, image, build, err
}

// TestAwait_lateness holds, over builds of random lengths, how late the end is noticed, and what that costs. The image hears of its build's end a moment
// after it, as on a RIME platform.
func TestAwait_lateness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const builds = 200
		chance := rand.New(rand.NewPCG(3, 1)) //nolint:gosec // lengths of builds
		var late []time.Duration
		for range builds {
			takes := 5*time.Second + time.Duration(chance.Int64N(int64(3*time.Minute)))
			lag := time.Duration(chance.Int64N(int64(500 * time.Millisecond)))
			registry, image, build, err := play(t,
				step{image: first, build: imageregistry.BuildRequested}, step{at: takes / 20, image: first, build: imageregistry.BuildPending},
				step{at: takes / 5, image: first, build: running}, step{at: takes, image: first, build: succeeded}, step{at: takes + lag, image: ready, build: succeeded})
			if err != nil || image.Status != ready || build.Status != succeeded {
				t.Fatalf("%v, %v, %v", image, build, err)
			}
			late = append(late, time.Since(registry.began)-takes-lag)
			checkCalls(t, registry, takes)
		}
		slices.Sort(late)
		if p95 := late[builds*95/100]; late[0] < 0 || p95 > time.Second {
			t.Errorf("of 100 ends, 95 were noticed within %s", p95)
		}
	})
}

// checkCalls holds that a wait for a build that took so long cost no more than a call a second: both are asked for at the start, then in no second
// is there a second call until the build has ended, and then there are few.
func checkCalls(t *testing.T, r *counted, takes time.Duration) {
	t.Helper()
	for i, c := range r.calls {
		if i > 1 && c.at <= takes && c.at-r.calls[i-1].at < time.Second {
			t.Errorf("a build of %s: calls at %s and %s", takes, r.calls[i-1].at, c.at)
		}
	}
	if images, builds := r.asked(takes, time.Hour); images > 6 || builds > 1 {
		t.Errorf("a build of %s: after its end, %d calls for the image and %d for the build", takes, images, builds)
	}
	if most := int(takes.Seconds()) + 8; len(r.calls) > most {
		t.Errorf("a build of %s: %d calls, want %d at most", takes, len(r.calls), most)
	}
}

// TestAwait_whoLeads holds what is asked for: the build while it is live, the image when it has ended or is not known, and the other now and then.
func TestAwait_whoLeads(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script []step
		// from and to are the part of the wait to look at; images and builds how often each is asked for in it, give or take one.
		from, to       time.Duration
		images, builds int
	}{
		"a live build": {
			script: []step{{image: first, build: running}, {at: 102 * time.Second, image: ready, build: succeeded}},
			from:   time.Second, to: 100 * time.Second, images: 11, builds: 86,
		},
		"a build that vanished": {
			script: []step{{image: first, build: running}, {at: 20 * time.Second, image: first}, {at: 125 * time.Second, image: ready}},
			from:   22 * time.Second, to: 122 * time.Second, images: 98, builds: 11,
		},
		"a build that ended": {
			script: []step{{image: first, build: running}, {at: 20 * time.Second, image: first, build: succeeded}, {at: 125 * time.Second, image: ready, build: succeeded}},
			from:   24 * time.Second, to: 124 * time.Second, images: 97, builds: 0,
		},
		"a state that is not known": {
			script: []step{{image: "verifying", build: "reconciling"}, {at: 102 * time.Second, image: ready, build: succeeded}},
			from:   time.Second, to: 100 * time.Second, images: 11, builds: 86,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				registry, image, _, err := play(t, test.script...)
				images, builds := registry.asked(test.from, test.to)
				near := func(got, want int) bool { return got >= want-2 && got <= want+2 }
				if err != nil || image.Status != ready || !near(images, test.images) || !near(builds, test.builds) || (test.builds == 0 && builds > 0) {
					t.Errorf("%s: %v; asked %d times for the image and %d for the build, want %d and %d", image.Status, err, images, builds, test.images, test.builds)
				}
			})
		})
	}
}

// notified is a registry that tells when a build ends.
type notified struct {
	*counted
	ended chan struct{}
}

func (r *notified) BuildEnded(string) <-chan struct{} { return r.ended }

// TestAwait_notified holds that a registry that tells when a build ends is looked at rarely, both the image and the build, and at once when it tells.
func TestAwait_notified(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		const takes = 5*time.Minute + 3*time.Second
		registry := &notified{ended: make(chan struct{}), counted: &counted{began: began, Registry: &scripted{began: began, script: []step{
			{image: first, build: running}, {at: takes, image: ready, build: succeeded},
		}}}}
		time.AfterFunc(takes, func() { close(registry.ended) })
		_, _, err := imageregistry.Await(t.Context(), registry, "churn", "b-1", imageregistry.AwaitOptions{})
		if images, builds := registry.asked(0, takes); err != nil || time.Since(began) != takes || images != builds || images < 29 || images > 32 {
			t.Errorf("%v after %s: %d calls for the image, %d for the build", err, time.Since(began), images, builds)
		}
	})
}

// TestAwait_transientErrors has one of the two be out of order for a while: neither is taken for the end of the other.
func TestAwait_transientErrors(t *testing.T) {
	t.Parallel()
	busy := &passingError{passes: true}
	for name, broken := range map[string]step{
		"no build": {image: first, buildErr: busy},
		"no image": {imageErr: busy, build: running},
		"neither":  {imageErr: busy, buildErr: busy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				broken.at = 30 * time.Second
				registry, image, build, err := play(t, step{image: first, build: running}, broken,
					step{at: time.Minute, image: first, build: running}, step{at: 2 * time.Minute, image: ready, build: succeeded})
				if took := time.Since(registry.began); err != nil || image.Status != ready || build.Status != succeeded || took > 2*time.Minute+1050*time.Millisecond {
					t.Errorf("%v, %v, %v after %s", image.Status, build.Status, err, took)
				}
				if images, builds := registry.asked(31*time.Second, time.Minute); images+builds > 29 {
					t.Errorf("%d calls for the image and %d for the build in trouble", images, builds)
				}
			})
		})
	}
}
