package primehub

import (
	"context"
	"fmt"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// Delete deletes an image, whether or not it is being built, and returns when it is gone. What was built stays in the registry: nothing in PrimeHub removes that
// (contracts/primehub-api.md §2.7). Errors of note: [ErrNotFound], [*DeleteStuckError], [*StillThereError].
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

// gone forgets what was known about an image.
func (c *Client) gone(name string) {
	c.written.forget(name)
	c.creations.Drop(c.creationOf(name))
}

// awaitGone waits until the image is really gone, so that its name is free when Delete returns.
func (c *Client) awaitGone(ctx context.Context, name string) error {
	limited, cancel := context.WithTimeout(ctx, c.patience.Gone)
	defer cancel()
	look := func(ctx context.Context) (bool, error) { return c.exists(ctx, name) }
	gone := func(there bool) (bool, error) { return !there, nil }
	there, err := wait.Until(limited, wait.Options{Transient: isTransient}, look, gone, nil)
	switch {
	case err == nil:
		return nil
	case limited.Err() != nil && ctx.Err() == nil && there:
		return &StillThereError{Name: name, After: c.patience.Gone}
	}
	return fmt.Errorf("image %q was deleted, but not seen to be gone: %w", name, err)
}
