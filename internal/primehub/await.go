package primehub

import (
	"context"
	"errors"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// Progress is how far a build has come.
type Progress struct {
	Phase Phase
	// Hint says why it may hang. Empty when that is not to be feared.
	Hint string
}

// slowAfter is how long a build may be pending before something is said about it: pulling the builder's own image takes minutes.
const slowAfter = 5 * time.Minute

// AwaitBuild waits until a build has ended, and returns the image as it was seen last, without who may use it, whatever the error. observe, where it is not nil, is told what every look sees.
//
// What it looks at may be older than the build: the platform writes a rebuild later, and goes on showing the end and the address of the build before. So nothing is believed that is older
// than the request; an address must carry the hash of what was asked for; and where it carried that before, the end counts only when the build was seen at work, or after
// [Timing].Believe (CONTRACT §4.5).
//
// Errors of note: [*BuildFailedError] with the end of the log, [*BuildCancelledError], [*BuildUnfinishedError] when ctx ends or a build cannot begin,
// [*BuildSupersededError] when the other build has ended, [*LostWriteError], [*UnexpectedImageError], [ErrNotFound].
func (c *Client) AwaitBuild(ctx context.Context, ref BuildRef, observe func(Progress)) (Image, error) {
	if ref.Recipe.BaseImage == "" {
		return Image{}, &NotBuiltError{Name: ref.Name}
	}
	if _, deleted := c.departed.when(ref.Name); deleted {
		ref.SameHash = true // the job of the image before may still be there, and lend its end and address to this one (CONTRACT §4.4)
	}
	image, err := c.await(ctx, ref, observe)
	var superseded *BuildSupersededError
	for errors.As(err, &superseded) {
		// What the image will be is what somebody else has it built from: that build is waited for.
		image, err = c.await(ctx, image.Resume(), observe)
	}
	if superseded != nil {
		superseded.Err = err
		return image, superseded
	}
	return image, err
}

// await waits for one build.
func (c *Client) await(ctx context.Context, ref BuildRef, observe func(Progress)) (Image, error) {
	w := &watcher{client: c, ref: ref, hash: ref.Recipe.Hash(), began: time.Now(), since: time.Now()}
	look := func(ctx context.Context) (Image, error) { return c.Peek(ctx, ref.Name) }
	done := func(image Image) (bool, error) {
		finished, err := w.judge(ctx, image)
		if observe != nil && !finished && err == nil {
			observe(Progress{Phase: w.phase, Hint: w.hint()})
		}
		return finished, err
	}
	image, err := wait.Until(ctx, wait.Options{Transient: isTransient}, look, done, nil)
	if ctx.Err() != nil && err != nil {
		return image, w.unfinished(ctx, image, err)
	}
	return image, err
}

// watcher judges what the looks at a build see.
type watcher struct {
	client *Client
	ref    BuildRef
	hash   string
	began  time.Time
	// phase is the last one believed, since when.
	phase Phase
	since time.Time
	// checked is set once the pull secret has been looked for.
	checked bool
}

// judge tells whether the build has ended, and how.
func (w *watcher) judge(ctx context.Context, image Image) (finished bool, err error) {
	build, timing := image.Build, w.client.timing
	waited := time.Since(w.began)
	unwritten := build == nil || build.RequestedAt.Before(w.ref.RequestedAt)
	switch {
	case unwritten && build != nil && build.RequestedAt.IsZero() && waited > timing.Write:
		// A create whose time was never written is built all the same (CONTRACT §2.5).
	case unwritten && waited > timing.Write:
		return false, &LostWriteError{Name: w.ref.Name, What: "build the recipe", After: timing.Write}
	case unwritten:
		return false, nil
	}
	if !build.Same(w.ref.Recipe) {
		return false, &BuildSupersededError{Name: w.ref.Name, At: build.RequestedAt}
	}
	w.see(build.Phase)
	believed := w.ref.Begun || waited > timing.Believe
	switch {
	case w.phase == PhaseSucceeded:
		return w.succeeded(image, believed)
	case build.CancelRequested && (w.phase == PhaseCancelled || waited > timing.Write):
		// Before its job exists, a build that is cancelled never says so.
		return false, &BuildCancelledError{Name: w.ref.Name}
	case w.phase == PhaseFailed && believed:
		return false, w.client.failure(ctx, image)
	case w.phase == PhaseWaiting:
		return false, w.checkSecret(ctx, build.PullSecret)
	}
	return false, nil
}

// see notes a phase. A build that is seen at work has begun; what follows is its own.
func (w *watcher) see(phase Phase) {
	if phase != w.phase {
		w.phase, w.since = phase, time.Now()
	}
	if !phase.Ended() {
		w.ref.Begun = true
	}
}

// succeeded tells whether a success is that of the build waited for.
func (w *watcher) succeeded(image Image, believed bool) (bool, error) {
	switch {
	case builtFrom(image.URL, image.Build.hash) && (believed || !w.ref.SameHash):
		return true, nil
	case w.ref.Begun && time.Since(w.since) > w.client.timing.Stuck:
		return false, &UnexpectedImageError{Name: w.ref.Name, URL: image.URL, Hash: w.hash}
	}
	return false, nil
}

// checkSecret looks, once, whether a build that shows no sign of life waits for a pull secret that does not exist. It would do so for ever
// (CONTRACT §4.3).
func (w *watcher) checkSecret(ctx context.Context, id string) error {
	if w.checked || time.Since(w.since) < w.client.timing.Stuck {
		return nil
	}
	missing, hint, err := w.client.secretMissing(ctx, id)
	if w.checked = err == nil; !missing {
		return nil // When it could not be found out, the next look tries again.
	}
	return &BuildUnfinishedError{Name: w.ref.Name, Phase: w.phase, MissingSecret: id, Hint: hint}
}

// unfinished describes a wait that was cut short. A build that has not begun may wait for a secret that does not exist, however short the wait was.
func (w *watcher) unfinished(ctx context.Context, image Image, cause error) error {
	if w.phase == PhaseWaiting && image.Build != nil {
		look, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.client.timing.Interrupted)
		defer cancel()
		if missing, hint, err := w.client.secretMissing(look, image.Build.PullSecret); err == nil && missing {
			return &BuildUnfinishedError{Name: w.ref.Name, Phase: w.phase, MissingSecret: image.Build.PullSecret, Hint: hint, Err: cause}
		}
	}
	return &BuildUnfinishedError{Name: w.ref.Name, Phase: w.phase, Hint: w.hint(), Err: cause}
}

// hint says why a build may hang (CONTRACT §4.3). Empty when that is not to be feared yet.
func (w *watcher) hint() string {
	if time.Since(w.since) < min(slowAfter, 2*w.client.timing.Stuck) {
		return ""
	}
	switch w.phase {
	case PhaseWaiting:
		return "The build shows no sign of life. Known causes: its image pull secret does not exist; PrimeHub's controller is not running. Those who run PrimeHub see more in the log of the primehub-controller."
	case PhasePending:
		return "The build's pod cannot start. Known causes: PrimeHub's image builder is not configured (customImage in the Helm chart: registry and push secret), or no node has room for it. " +
			"Those who run PrimeHub see more with: kubectl describe pod, on the pod image-" + w.ref.Name + "-…"
	case PhaseUnknown:
		return "The node of the build's pod does not answer. Cancel the build or apply again with another trigger, once those who run PrimeHub have looked at the node."
	default:
		return ""
	}
}

// isTransient tells the errors of a look that may pass by themselves. A token that worked a moment ago counts among them: the platform says that it is invalid, too, while
// Keycloak is restarting.
func isTransient(err error) bool {
	failed, ok := asAPIError(err)
	return ok && (failed.Transient() || failed.Kind == KindUnauthenticated)
}
