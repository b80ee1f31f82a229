package imageregistry_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// step is what a scripted registry answers from a point in time on.
type step struct {
	at time.Duration
	// image is the status of the image, or empty for what imageErr says.
	image    imageregistry.Status
	imageErr error
	// build is the status of the build, or empty for what buildErr says.
	build    imageregistry.BuildStatus
	buildErr error
}

// scripted is a registry that plays a script and counts the calls. What Await has no business to call is left nil by the embedded interface.
type scripted struct {
	imageregistry.Registry
	began                 time.Time
	script                []step
	imageReads, buildRead int
}

// now is the step of the script that counts at present.
func (r *scripted) now() step {
	current := r.script[0]
	for _, s := range r.script {
		if time.Since(r.began) >= s.at {
			current = s
		}
	}
	return current
}

func (r *scripted) Get(_ context.Context, name string) (imageregistry.Image, error) {
	r.imageReads++
	s := r.now()
	if s.image == "" {
		return imageregistry.Image{}, cmpErr(s.imageErr)
	}
	return imageregistry.Image{Name: name, Status: s.image, StatusReason: "so it is"}, nil
}

func (r *scripted) Build(_ context.Context, id string) (imageregistry.Build, error) {
	r.buildRead++
	s := r.now()
	if s.build == "" {
		return imageregistry.Build{}, cmpErr(s.buildErr)
	}
	build := imageregistry.Build{ID: id, Status: s.build}
	if s.build == imageregistry.BuildFailed {
		build.Failure = &imageregistry.BuildFailure{Class: imageregistry.FailureUserInput, Message: "no such package"}
	}
	return build, nil
}

// cmpErr is the error, or that nothing is there.
func cmpErr(err error) error {
	if err == nil {
		return fmt.Errorf("scripted: %w", imageregistry.ErrNotFound)
	}
	return err
}

// passingError says of itself that it may pass.
type passingError struct{ passes bool }

func (e *passingError) Error() string   { return "the server is busy" }
func (e *passingError) Transient() bool { return e.passes }

var errForbidden = errors.New("forbidden")

// Short names for what the scripts are full of.
const (
	first      = imageregistry.StatusBuildingFirstTime
	rebuilding = imageregistry.StatusRebuilding
	ready      = imageregistry.StatusReady
	failed     = imageregistry.StatusFailed
	running    = imageregistry.BuildRunning
	succeeded  = imageregistry.BuildSucceeded
)

func TestAwait(t *testing.T) {
	t.Parallel()
	busy := fmt.Errorf("get image: %w", &passingError{passes: true})
	tests := map[string]struct {
		script []step
		// noBuild awaits the image alone.
		noBuild bool
		// within is when the wait has to be over, and no more than twelve seconds before: the longest pause, and jitter.
		within time.Duration
		// image and build are the statuses at the end.
		image imageregistry.Status
		build imageregistry.BuildStatus
		// wantErr is the whole error, or empty.
		wantErr string
		// bad tells that the error has to be a BuildFailedError.
		bad bool
	}{
		"ready at once": {
			script: []step{{image: ready, build: succeeded}},
			image:  ready, build: succeeded,
		},
		"builds for an hour": {
			script: []step{{image: first, build: running}, {at: time.Hour, image: ready, build: succeeded}},
			within: time.Hour + 11*time.Second, image: ready, build: succeeded,
		},
		"outdated is usable": {
			script: []step{{image: imageregistry.StatusOutdated, build: succeeded}},
			image:  imageregistry.StatusOutdated, build: succeeded,
		},
		"image alone": {
			script:  []step{{image: first}, {at: time.Minute, image: ready}},
			noBuild: true, within: 62 * time.Second, image: ready,
		},
		"image alone, failed": {
			script:  []step{{image: first}, {at: time.Minute, image: failed}},
			noBuild: true, within: 62 * time.Second, image: failed, bad: true,
			wantErr: `image "churn" is failed: so it is`,
		},
		"build vanished, image goes on": {
			script: []step{{image: first, build: running}, {at: 20 * time.Second, image: first}, {at: time.Minute, image: ready}},
			within: 62 * time.Second, image: ready,
		},
		"build vanished, image failed": {
			script: []step{{image: first, build: running}, {at: 20 * time.Second, image: failed}},
			within: 22 * time.Second, image: failed, bad: true,
			wantErr: `image "churn" is failed: so it is`,
		},
		"build never found": {
			script: []step{{image: ready}},
			image:  ready,
		},
		"build not found at first": {
			script: []step{{image: first}, {at: 5 * time.Second, image: first, build: running}, {at: time.Minute, image: first, build: imageregistry.BuildFailed}},
			within: 62 * time.Second, image: first, build: imageregistry.BuildFailed, bad: true,
			wantErr: `build b-1 of image "churn" failed: no such package`,
		},
		"build succeeded, image ready later": {
			script: []step{{image: first, build: running}, {at: 30 * time.Second, image: first, build: succeeded}, {at: 40 * time.Second, image: ready, build: succeeded}},
			within: 42 * time.Second, image: ready, build: succeeded,
		},
		"image ready, build succeeded later": {
			script: []step{{image: first, build: running}, {at: 30 * time.Second, image: ready, build: running}, {at: 35 * time.Second, image: ready, build: succeeded}},
			within: 37 * time.Second, image: ready, build: succeeded,
		},
		"image ready after building, build never ends": {
			script: []step{{image: first, build: running}, {at: 30 * time.Second, image: ready, build: running}},
			within: 50 * time.Second, image: ready, build: running,
		},
		"update: the ready image is the old one": {
			script: []step{{image: ready, build: imageregistry.BuildRequested}, {at: 5 * time.Minute, image: ready, build: succeeded}},
			within: 302 * time.Second, image: ready, build: succeeded,
		},
		"update fails, the old image stays": {
			script: []step{{image: rebuilding, build: running}, {at: time.Minute, image: ready, build: imageregistry.BuildFailed}},
			within: 62 * time.Second, image: ready, build: imageregistry.BuildFailed, bad: true,
			wantErr: `build b-1 of image "churn" failed: no such package`,
		},
		"repair: the failed image is the old one": {
			script: []step{{image: failed, build: running}, {at: 5 * time.Second, image: rebuilding, build: running}, {at: time.Minute, image: ready, build: succeeded}},
			within: 62 * time.Second, image: ready, build: succeeded,
		},
		"two short disagreements are not one long": {
			script: []step{
				{image: failed, build: running},
				{at: 5 * time.Second, image: rebuilding, build: running},
				{at: 60 * time.Second, image: failed, build: running},
				{at: 63 * time.Second, image: failed, build: imageregistry.BuildFailed},
			},
			within: 65 * time.Second, image: failed, build: imageregistry.BuildFailed, bad: true,
			wantErr: `build b-1 of image "churn" failed: no such package`,
		},
		"unknown build state counts as running": {
			script: []step{{image: first, build: "reconciling"}, {at: time.Minute, image: ready, build: succeeded}},
			within: 62 * time.Second, image: ready, build: succeeded,
		},
		"unknown image state counts as building": {
			script: []step{{image: "verifying", build: succeeded}, {at: time.Minute, image: ready, build: succeeded}},
			within: 62 * time.Second, image: ready, build: succeeded,
		},
		"build failed": {
			script: []step{{image: first, build: running}, {at: time.Minute, image: first, build: imageregistry.BuildFailed}},
			within: 62 * time.Second, image: first, build: imageregistry.BuildFailed, bad: true,
			wantErr: `build b-1 of image "churn" failed: no such package`,
		},
		"build cancelled": {
			script: []step{{image: first, build: imageregistry.BuildCancelled}},
			image:  first, build: imageregistry.BuildCancelled, bad: true,
			wantErr: `build b-1 of image "churn" cancelled: so it is`,
		},
		"image failed, build tells why a moment later": {
			script: []step{{image: first, build: running}, {at: 20 * time.Second, image: failed, build: running}, {at: 23 * time.Second, image: failed, build: imageregistry.BuildFailed}},
			within: 25 * time.Second, image: failed, build: imageregistry.BuildFailed, bad: true,
			wantErr: `build b-1 of image "churn" failed: no such package`,
		},
		"image failed, build never says": {
			script: []step{{image: first, build: running}, {at: 20 * time.Second, image: failed, build: running}},
			within: 40 * time.Second, image: failed, build: running, bad: true,
			wantErr: `image "churn" is failed: so it is`,
		},
		"build succeeded, image missing for a moment": {
			script: []step{{image: imageregistry.StatusMissing, build: succeeded}, {at: 5 * time.Second, image: ready, build: succeeded}},
			within: 7 * time.Second, image: ready, build: succeeded,
		},
		"build succeeded, image missing": {
			script: []step{{image: imageregistry.StatusMissing, build: succeeded}},
			within: 12 * time.Second, image: imageregistry.StatusMissing, build: succeeded, bad: true,
			wantErr: `image "churn" is missing: so it is`,
		},
		"fresh image not visible yet": {
			script: []step{{build: imageregistry.BuildRequested}, {at: 6 * time.Second, image: first, build: running}, {at: time.Minute, image: ready, build: succeeded}},
			within: 62 * time.Second, image: ready, build: succeeded,
		},
		"build failed before the image was visible": {
			script: []step{{build: running}, {at: 5 * time.Second, build: imageregistry.BuildFailed}},
			within: 7 * time.Second, build: imageregistry.BuildFailed, bad: true,
			wantErr: `build b-1 of image "churn" failed: no such package`,
		},
		"image gone with its failed build": {
			script: []step{{image: first, build: running}, {at: time.Minute, build: imageregistry.BuildFailed}},
			within: 62 * time.Second, build: imageregistry.BuildFailed, bad: true,
			wantErr: `build b-1 of image "churn" failed: no such package`,
		},
		"image never visible": {
			script:  []step{{build: running}},
			within:  17 * time.Second,
			build:   running,
			wantErr: `image "churn" disappeared while its build was awaited: scripted: not found`,
		},
		"image deleted while building": {
			script: []step{{image: first, build: running}, {at: time.Minute, build: running}},
			within: 70 * time.Second, image: first, build: running,
			wantErr: `image "churn" disappeared while its build was awaited: scripted: not found`,
		},
		"transient errors are sat out": {
			script: []step{{image: first, build: running}, {at: 10 * time.Second, imageErr: busy, build: running}, {at: 40 * time.Second, image: ready, build: succeeded}},
			within: 52 * time.Second, image: ready, build: succeeded,
		},
		"transient errors without end": {
			script: []step{{image: first, build: running}, {at: 10 * time.Second, image: first, buildErr: busy}},
			within: 95 * time.Second, image: first, build: running,
			wantErr: "get image: the server is busy",
		},
		"an error that says it will not pass": {
			script:  []step{{imageErr: &passingError{passes: false}, build: running}},
			wantErr: "the server is busy",
		},
		"refused": {
			script: []step{{image: first, build: running}, {at: 10 * time.Second, image: first, buildErr: errForbidden}},
			within: 12 * time.Second, image: first, build: running,
			wantErr: "forbidden",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				registry := &scripted{began: time.Now(), script: test.script}
				id := "b-1"
				if test.noBuild {
					id = ""
				}
				image, build, err := imageregistry.Await(t.Context(), registry, "churn", id, imageregistry.AwaitOptions{})
				if elapsed := time.Since(registry.began); elapsed > test.within || elapsed < test.within-12*time.Second {
					t.Errorf("returned after %v, want %v", elapsed, test.within)
				}
				if image.Name != "churn" || image.Status != test.image || build.ID != id || build.Status != test.build {
					t.Errorf("returned image %q %q and build %q %q, want %q and %q",
						image.Name, image.Status, build.ID, build.Status, test.image, test.build)
				}
				checkError(t, err, test.wantErr, test.bad)
				if test.noBuild && registry.buildRead > 0 {
					t.Errorf("asked %d times for a build without an id", registry.buildRead)
				}
			})
		})
	}
}

// checkError holds an error against its text and its type, and a BuildFailedError against being about the right image.
func checkError(t *testing.T, err error, text string, bad bool) {
	t.Helper()
	if got := fmt.Sprint(err); got != cmp.Or(text, "<nil>") {
		t.Errorf("error %q, want %q", got, text)
	}
	failedError, ok := errors.AsType[*imageregistry.BuildFailedError](err)
	if ok != bad {
		t.Errorf("BuildFailedError: %v, want %v", ok, bad)
	}
	if ok && failedError.Image.Name != "churn" {
		t.Errorf("BuildFailedError is about image %q", failedError.Image.Name)
	}
}

func TestAwait_observesChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &scripted{began: time.Now(), script: []step{
			{build: imageregistry.BuildRequested},
			{at: 3 * time.Second, image: first, build: imageregistry.BuildPending},
			{at: 30 * time.Second, image: first, build: running},
			{at: 20 * time.Minute, image: first, build: succeeded},
			{at: 20*time.Minute + 3*time.Second, image: ready, build: succeeded},
		}}
		var observed []string
		_, _, err := imageregistry.Await(t.Context(), registry, "churn", "b-1", imageregistry.AwaitOptions{
			Observe: func(image imageregistry.Image, build imageregistry.Build) {
				observed = append(observed, fmt.Sprintf("%s %s %s", image.Name, image.Status, build.Status))
			},
		})
		want := []string{
			"churn  requested", "churn  pending", "churn building_first_time pending", "churn building_first_time running",
			"churn building_first_time succeeded", "churn ready succeeded",
		}
		if err != nil || !slices.Equal(observed, want) {
			t.Errorf("error %v, observed:\n%s\nwant:\n%s", err, strings.Join(observed, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestAwait_expectedSparesCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reads := map[time.Duration]int{}
		for _, expected := range []time.Duration{0, 20 * time.Minute} {
			registry := &scripted{began: time.Now(), script: []step{
				{image: first, build: running}, {at: 20 * time.Minute, image: ready, build: succeeded},
			}}
			options := imageregistry.AwaitOptions{Expected: expected}
			if _, _, err := imageregistry.Await(t.Context(), registry, "churn", "b-1", options); err != nil {
				t.Fatal(err)
			}
			if late := time.Since(registry.began) - 20*time.Minute; late > 1050*time.Millisecond {
				t.Errorf("expected %v: noticed %v late", expected, late)
			}
			reads[expected] = registry.imageReads + registry.buildRead
		}
		if reads[20*time.Minute] > reads[0]*2/3 {
			t.Errorf("%d reads with an expected length, %d without", reads[20*time.Minute], reads[0])
		}
	})
}

func TestAwait_expires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		errTimeout := errors.New("the create time-out of 10m0s ran out")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Minute, errTimeout)
		defer cancel()
		registry := &scripted{began: time.Now(), script: []step{{image: first, build: running}}}
		image, build, err := imageregistry.Await(ctx, registry, "churn", "b-1", imageregistry.AwaitOptions{})
		if elapsed := time.Since(registry.began); elapsed != 10*time.Minute {
			t.Errorf("returned after %v", elapsed)
		}
		if image.Status != first || build.Status != running {
			t.Errorf("returned image %q and build %q", image.Status, build.Status)
		}
		if !errors.Is(err, errTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v wraps not both the cause and the context's error", err)
		}
		checkError(t, err, `image "churn" is building_first_time, its build b-1 running: `+
			"gave up waiting after 10m0s: the create time-out of 10m0s ran out", false)
	})
}

func TestAwait_interruptedBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	image, build, err := imageregistry.Await(ctx, &scripted{script: []step{{}}}, "churn", "b-1", imageregistry.AwaitOptions{})
	if image.Name != "churn" || build.ID != "b-1" {
		t.Errorf("returned image %q and build %q", image.Name, build.ID)
	}
	checkError(t, err, `image "churn" is not visible yet: gave up waiting after 0s: context canceled`, false)
}

// The shape of a caller: what a resource does after Create.
func ExampleAwait() {
	ctx, cancel := context.WithTimeoutCause(context.Background(), time.Hour, errors.New("the create time-out of 1h ran out"))
	defer cancel()
	var registry imageregistry.Registry = &scripted{script: []step{{image: ready, build: succeeded}}}

	image, build, err := imageregistry.Await(ctx, registry, "churn", "b-1", imageregistry.AwaitOptions{
		Observe: func(image imageregistry.Image, build imageregistry.Build) {
			fmt.Printf("%s is %s, its build %s\n", image.Name, image.Status, build.Status)
		},
	})
	if badEnd, ok := errors.AsType[*imageregistry.BuildFailedError](err); ok {
		fmt.Println(badEnd.Build.Failure)
	}
	fmt.Println(image.Status.Usable(), build.Status.Ended(), err)
	// Output:
	// churn is ready, its build succeeded
	// true true <nil>
}
