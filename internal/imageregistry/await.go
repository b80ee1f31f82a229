package imageregistry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

const (
	// freshness is how long after the start of a wait an image that is not found may just not be visible yet (internal/rime/CONTRACT.md §8 item 16).
	freshness = 15 * time.Second
	// settling is how long image and build may disagree, one of them having ended: the two are written one after the other, in no
	// certain order (internal/rime/CONTRACT.md §7.2).
	settling = 10 * time.Second
	// glance is how long the image may go unseen while its build is live, and a build that was not found while the image is looked at. It is a little less than the
	// longest time between two looks: looks that are that rare see both.
	glance = 8 * time.Second
)

// AwaitOptions tune an [Await]. The zero value is a silent wait for a build of unknown length.
type AwaitOptions struct {
	// Observe is given the image and the build when the status of either has changed, and at the first look. Nil observes nothing.
	Observe func(Image, Build)
	// Expected is how long the build is expected to take, from past builds. Zero is unknown.
	Expected time.Duration
}

// Await waits until the image of that name is usable and its build has ended, and returns both as last seen, whatever the error.
//
// The build may be unknown (an empty buildID) or vanish; then the image alone decides. Build states this code does not know count as running, and so do image states.
// A bad end is a [*BuildFailedError]. When ctx ends first, the error wraps [context.Cause]. An error of the registry that has
// a method Transient() bool which says true is tolerated for a while.
//
// While the build is live, this is at most one call a second, and the end is noticed within a second; see [wait.Until].
func Await(ctx context.Context, registry Registry, name, buildID string, options AwaitOptions) (Image, Build, error) {
	w := &watch{registry: registry, name: name, buildID: buildID, began: time.Now(), observer: options.Observe}
	waiting := wait.Options{Expected: options.Expected, Transient: isTransient, Soon: w.soon}
	if notifier, ok := registry.(Notifier); ok && buildID != "" {
		waiting.Wake = notifier.BuildEnded(buildID)
	}
	last, err := wait.Until(ctx, waiting, w.look, w.done, w.observe)
	if expired, ok := errors.AsType[*wait.ExpiredError](err); ok {
		err = fmt.Errorf("image %q is %s: %w", name, last, expired)
	}
	if last.image.Name == "" {
		last.image.Name = name
	}
	if last.build.ID == "" {
		last.build.ID = buildID
	}
	return last.image, last.build, err
}

// isTransient tells errors that say of themselves that they may pass.
func isTransient(err error) bool {
	transient, ok := errors.AsType[interface {
		error
		Transient() bool
	}](err)
	return ok && transient.Transient()
}

// sight is what one look saw.
type sight struct {
	image Image
	// build has no status when there is none to ask for, or when it was not found.
	build Build
}

// String says in words how far things are.
func (s sight) String() string {
	status := "not visible yet"
	if s.image.Status != "" {
		status = string(s.image.Status)
	}
	if s.build.Status != "" {
		status += fmt.Sprintf(", its build %s %s", s.build.ID, s.build.Status)
	}
	return status
}

// watch is one wait for an image.
type watch struct {
	registry Registry
	name     string
	buildID  string
	observer func(Image, Build)
	began    time.Time
	// last is what the look before saw.
	last sight
	// imageRead and buildRead are when the registry last told of either. Zero before it did.
	imageRead, buildRead time.Time
	// ended is when the build was first seen to have ended. Zero before.
	ended time.Time
	// observed tells that last has been given to the observer.
	observed bool
	// building tells that the image was seen being built, so that what it says afterwards is about this build.
	building bool
	// disagreed is when image and build began to contradict each other. Zero while they do not.
	disagreed time.Time
}

// live tells a build that is there and has not ended, as far as it says.
func live(build Build) bool { return build.Status != "" && !build.Status.Ended() }

// failed tells a build that ended badly.
func failed(build Build) bool { return build.Status == BuildFailed || build.Status == BuildCancelled }

// conclusive tells an image that is not being built, as far as it says.
func conclusive(image Image) bool { return image.Status.Usable() || image.Status.Broken() }

// unseen tells that what was read at that time has to be read again, whoever leads.
func unseen(read time.Time) bool { return time.Since(read) >= glance }

// look makes one call, as a rule: it asks for the build while that is live, and for the image when the build has ended or is not known. The other of the two is asked for
// now and then, in case they do not agree; and as soon as they do not, or have come to an end, both are.
func (w *watch) look(ctx context.Context) (sight, error) {
	seen := w.last
	if live(seen.build) && unseen(w.imageRead) && !unseen(w.buildRead) && w.disagreed.IsZero() {
		if err := w.readImage(ctx, &seen); err != nil || !conclusive(seen.image) {
			return seen, err
		}
	}
	// In this order, the image is never older than the build's end.
	if w.asksBuild(seen.build) {
		if err := w.readBuild(ctx, &seen); err != nil {
			return sight{}, err
		}
	}
	if live(seen.build) && !unseen(w.imageRead) && w.disagreed.IsZero() {
		return seen, nil
	}
	err := w.readImage(ctx, &seen)
	return seen, err
}

// asksBuild tells whether there is something to learn from asking for the build: one that has ended stays as it is, and one that was not found may only
// not be visible yet.
func (w *watch) asksBuild(known Build) bool {
	return w.buildID != "" && !known.Status.Ended() && (live(known) || unseen(w.buildRead))
}

func (w *watch) readBuild(ctx context.Context, seen *sight) error {
	build, err := w.registry.Build(ctx, w.buildID)
	if errors.Is(err, ErrNotFound) {
		build, err = Build{ID: w.buildID}, nil
	}
	if err != nil {
		return err
	}
	seen.build, w.buildRead = build, time.Now()
	if build.Status.Ended() {
		w.ended = w.buildRead
	}
	return nil
}

func (w *watch) readImage(ctx context.Context, seen *sight) error {
	image, err := w.registry.Get(ctx, w.name)
	switch {
	case err == nil:
	case !errors.Is(err, ErrNotFound):
		return err
	case time.Since(w.began) < freshness || failed(seen.build):
		// Not there yet; or never to be there, and the build tells why.
		image = Image{Name: w.name}
	default:
		return fmt.Errorf("image %q disappeared while its build was awaited: %w", w.name, err)
	}
	seen.image, w.imageRead = image, time.Now()
	return nil
}

// soon tells that the image is about to hear of its build's end. It is given a second for that.
func (w *watch) soon() bool { return !w.ended.IsZero() && time.Since(w.ended) < time.Second }

// observe reports changes and remembers what was seen.
func (w *watch) observe(seen sight) {
	changed := !w.observed || seen.image.Status != w.last.image.Status || seen.build.Status != w.last.build.Status
	w.last, w.observed = seen, true
	w.building = w.building || seen.image.Status.Building()
	if changed && w.observer != nil {
		w.observer(seen.image, seen.build)
	}
}

// done tells whether the wait is over, and with which error.
func (w *watch) done(seen sight) (bool, error) {
	bad := &BuildFailedError{Image: seen.image, Build: seen.build}
	switch {
	case failed(seen.build):
		return true, bad
	case seen.image.Status.Usable() && !live(seen.build):
		return true, nil
	case seen.image.Status.Broken() && seen.build.Status == "":
		return true, bad
	case seen.image.Status.Broken():
		// The build's own end, due in a moment, tells why; or the image has yet to hear of the build's success.
		if w.unsettled() {
			return false, nil
		}
		return true, bad
	case seen.image.Status.Usable() && w.building:
		// Only the build's record lags. Had the image not been seen building, it would be the one from before.
		return !w.unsettled(), nil
	}
	w.disagreed = time.Time{}
	return false, nil
}

// unsettled tells that image and build may still come to agree.
func (w *watch) unsettled() bool {
	if w.disagreed.IsZero() {
		w.disagreed = time.Now()
	}
	return time.Since(w.disagreed) < settling
}
