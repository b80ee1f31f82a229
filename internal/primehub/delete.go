package primehub

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// Delete deletes an image, whether or not it is being built, and returns when it is gone. What was built stays in the registry: nothing in PrimeHub removes that
// (CONTRACT §2.7). Errors of note: [ErrNotFound], [*DeleteStuckError], [*StillThereError].
func (c *Client) Delete(ctx context.Context, name string) error {
	switch there, err := c.exists(ctx, name); {
	case err != nil:
		return err
	case !there:
		return fmt.Errorf("image %q: %w", name, ErrNotFound)
	}
	c.shared.forget()
	defer c.shared.forget()
	_, failure := wire.DeleteImage(ctx, c, wire.ImageWhereUniqueInput{Id: name})
	if failure == nil {
		c.gone(name)
		return c.awaitGone(ctx, name)
	}
	if failed, ok := asAPIError(failure); !ok || failed.Refused() {
		return failure
	}
	look, _, cancel := c.afterwards(ctx)
	defer cancel()
	switch there, err := c.exists(look, name); {
	case err == nil && !there:
		c.gone(name) // only the answer got lost
		return nil
	case err == nil && hasKind(failure, KindKeycloak):
		return &DeleteStuckError{Name: name, Err: failure}
	}
	return failure
}

// gone forgets what was known about an image, but that it was deleted here.
func (c *Client) gone(name string) {
	c.departed.note(name)
	c.written.forget(name)
	c.creations.Drop(c.creationOf(name))
}

// departed remembers which images this process has deleted, and when.
type departed struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (d *departed) note(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at == nil {
		d.at = map[string]time.Time{}
	}
	d.at[name] = time.Now()
}

func (d *departed) when(name string) (at time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok = d.at[name]
	return at, ok
}

// RelapsesUntil tells until when an image has to be looked at that has the name of one which this process has deleted: once more, the platform may delete the role by which groups
// use it (CONTRACT §4.4). It is the zero time for every other image.
func (c *Client) RelapsesUntil(name string) time.Time {
	at, deleted := c.departed.when(name)
	if !deleted {
		return time.Time{}
	}
	return at.Add(c.timing.Relapse)
}

// awaitGone waits until the image is really gone, so that its name is free when Delete returns.
func (c *Client) awaitGone(ctx context.Context, name string) error {
	limited, cancel := context.WithTimeout(ctx, c.timing.Gone)
	defer cancel()
	look := func(ctx context.Context) (bool, error) { return c.exists(ctx, name) }
	gone := func(there bool) (bool, error) { return !there, nil }
	there, err := wait.Until(limited, wait.Options{Transient: isTransient}, look, gone, nil)
	switch {
	case err == nil:
		return nil
	case limited.Err() != nil && ctx.Err() == nil && there:
		return &StillThereError{Name: name, After: c.timing.Gone}
	}
	return fmt.Errorf("image %q was deleted, but not seen to be gone: %w", name, err)
}
