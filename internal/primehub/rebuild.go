package primehub

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// BuildRef is a build that was asked for, as [Client.AwaitBuild] needs to know it.
type BuildRef struct {
	// Name is that of the image.
	Name string
	// Recipe is what is built.
	Recipe Recipe
	// RequestedAt is when it was asked for, by the platform's clock.
	RequestedAt time.Time
	// SameHash tells that the image had been built from the same before, or may have been: then its address does not prove that the build has ended.
	SameHash bool
	// Begun tells that the build has been seen at work.
	Begun bool
}

// Ref is the build of an image that has just been created.
func (i Image) Ref() BuildRef {
	if i.Build == nil {
		return BuildRef{Name: i.Name}
	}
	return BuildRef{Name: i.Name, Recipe: i.Build.Recipe, RequestedAt: i.Build.RequestedAt}
}

// Resume is the build of an image that was read while it was being built, by somebody who comes back to it.
func (i Image) Resume() BuildRef {
	ref := i.Ref()
	ref.SameHash, ref.Begun = true, i.Build != nil && !i.Build.Phase.Ended()
	return ref
}

// rebuildAttempts is how often a rebuild is asked for that falls into the same second as the build before.
const rebuildAttempts = 3

// Rebuild changes what an image is built from, and builds it anew. The platform notices a rebuild only by a later second than that of the build before
// (contracts/primehub-api.md §4.4), so it is not asked for in the same second, and once more if it was all the same. Of an image that is not built it would make one that is, for good;
// that is a [*NotBuiltError].
func (c *Client) Rebuild(ctx context.Context, name string, recipe Recipe) (BuildRef, error) {
	before, err := c.quiet(ctx, name, c.patience.Write)
	switch {
	case err != nil:
		return BuildRef{}, err
	case before.Build == nil:
		return BuildRef{}, &NotBuiltError{Name: name}
	}
	ref := BuildRef{Name: name, Recipe: recipe, SameHash: builtFrom(before.URL, recipe.Hash())}
	c.shared.forget()
	defer c.shared.forget()
	if err := httpx.Sleep(ctx, c.patience.Tick-c.written.age(name)); err != nil {
		return BuildRef{}, err
	}
	for range rebuildAttempts {
		answer, err := c.requestRebuild(ctx, before, recipe)
		switch {
		case err != nil:
			return BuildRef{}, err
		case answer.Build == nil:
			return BuildRef{}, c.broken("RebuildImage", "the answer has no imageSpec")
		}
		c.written.note(answer)
		if ref.RequestedAt = answer.Build.RequestedAt; ref.RequestedAt.After(before.Build.RequestedAt) {
			return ref, nil
		}
		if err := httpx.Sleep(ctx, c.patience.Tick); err != nil {
			return ref, err
		}
	}
	return ref, c.broken("RebuildImage", fmt.Sprintf("the platform's clock stands still at %s", ref.RequestedAt.Format(time.RFC3339)))
}

// requestRebuild asks for a rebuild once. An answer that got lost is settled by looking for a later build of the same recipe.
func (c *Client) requestRebuild(ctx context.Context, before Image, recipe Recipe) (Image, error) {
	answer, err := wire.RebuildImage(ctx, c, wire.ImageWhereUniqueInput{Id: before.Name}, recipe.input())
	if err == nil && answer.RebuildImage != nil {
		return decodeState(answer.RebuildImage), nil
	}
	if err == nil {
		return Image{}, c.broken("RebuildImage", "the answer is null")
	}
	failed, ok := asAPIError(err)
	if !ok || failed.Refused() {
		return Image{}, err
	}
	window := c.patience.Interrupted
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), window)
	defer cancel()
	for attempt := 0; ; attempt++ {
		now, lookErr := c.peek(look, before.Name)
		switch {
		case errors.Is(lookErr, ErrNotFound):
			return Image{}, lookErr
		case lookErr == nil && now.Build != nil && now.Build.RequestedAt.After(before.Build.RequestedAt) && now.Build.Same(recipe):
			return now, nil
		case httpx.Sleep(look, httpx.Backoff(window/20, attempt)) != nil:
			return Image{}, err
		}
	}
}

// CancelBuild tells the platform to end the build of an image, and returns when that is written. A build that has not begun yet will not begin then, without ever becoming
// Cancelled (contracts/primehub-api.md §4.4). For an image that is not built it is a [*NotBuiltError]; for a build that has ended it does nothing.
func (c *Client) CancelBuild(ctx context.Context, name string) error {
	now, err := c.quiet(ctx, name, c.patience.Interrupted/2) // a cancel is urgent
	switch {
	case err != nil:
		return err
	case now.Build == nil:
		return &NotBuiltError{Name: name}
	}
	// Right after a rebuild, the platform goes on showing the end of the build before.
	stale := c.written.pending(name, now) || c.written.age(name) < c.patience.Believe
	if now.Build.CancelRequested && !c.written.pending(name, now) || now.Build.Phase.Ended() && !stale {
		return nil
	}
	c.shared.forget()
	defer c.shared.forget()
	_, failure := wire.CancelImageBuild(ctx, c, wire.ImageWhereUniqueInput{Id: name})
	if failed, ok := asAPIError(failure); failure != nil && (!ok || failed.Refused()) {
		return failure
	}
	limited, cancel := context.WithTimeout(ctx, c.patience.Write)
	defer cancel()
	told := func(image Image) (bool, error) {
		return image.Build != nil && (image.Build.CancelRequested || image.Build.Phase == PhaseCancelled), nil
	}
	if failure != nil { // the answer may have got lost, but most likely nothing comes of waiting
		limited, cancel = context.WithTimeout(ctx, c.patience.Interrupted)
		defer cancel()
	}
	last, err := c.watch(limited, name, told)
	switch {
	case err == nil, errors.Is(err, ErrNotFound):
		return err
	case failure != nil:
		return failure
	case limited.Err() != nil && ctx.Err() == nil && last.Build != nil:
		return &LostWriteError{Name: name, What: "cancel the build", After: c.patience.Write}
	}
	return err
}

// watch looks at an image until it is as it should be.
func (c *Client) watch(ctx context.Context, name string, done func(Image) (bool, error)) (Image, error) {
	look := func(ctx context.Context) (Image, error) { return c.peek(ctx, name) }
	return wait.Until(ctx, wait.Options{Transient: isTransient}, look, done, nil)
}

// isTransient tells the errors of a look that may pass by themselves. A token that worked a moment ago counts among them: the platform says that it is invalid, too, while
// Keycloak is restarting.
func isTransient(err error) bool {
	failed, ok := asAPIError(err)
	return ok && (failed.Transient() || failed.Kind == KindUnauthenticated)
}

// written remembers what this process has had the platform write that does so later.
type written struct {
	mu    sync.Mutex
	notes map[string]note
}

// note is a build that was asked for: by the platform's clock, and by ours.
type note struct{ requested, heard time.Time }

// note remembers the build of an answer that came from memory.
func (w *written) note(image Image) {
	if image.Build == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.notes == nil {
		w.notes = map[string]note{}
	}
	w.notes[image.Name] = note{requested: image.Build.RequestedAt, heard: time.Now()}
}

// pending tells whether something is still to be written that the image, as it was read, does not show.
func (w *written) pending(name string, read Image) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	noted, ok := w.notes[name]
	return ok && read.Build != nil && read.Build.RequestedAt.Before(noted.requested)
}

// age is how long ago the last build of an image was asked for, as far as this process knows.
func (w *written) age(name string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.notes[name].heard)
}

// forget is for an image that is gone.
func (w *written) forget(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.notes, name)
}

// quiet reads an image once nothing of this process is about to be written to it any more. Everything that changes an image does so by writing all of it, as it was
// read before (contracts/primehub-api.md §2.8), so what overlaps is lost. It gives up waiting after a while, as such a write may itself be lost.
func (c *Client) quiet(ctx context.Context, name string, patience time.Duration) (Image, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	image, err := c.peek(ctx, name)
	for attempt := 0; err == nil && c.written.pending(name, image); attempt++ {
		if httpx.Sleep(limited, httpx.Backoff(patience/100, attempt)) != nil {
			break
		}
		image, err = c.peek(ctx, name)
	}
	return image, err
}
