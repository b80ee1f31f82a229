package primehub

import (
	"context"
	"errors"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// CancelBuild tells the platform to end the build of an image, and returns when that is written. A build that has not begun yet will not begin then, without ever becoming
// Cancelled (CONTRACT §4.4). For an image that is not built it is a [*NotBuiltError]; for a build that has ended it does nothing.
func (c *Client) CancelBuild(ctx context.Context, name string) error {
	c.interrupted.Store(true)
	now, err := c.quiet(ctx, name, c.timing.Interrupted/2) // a cancel is urgent
	switch {
	case err != nil:
		return err
	case now.Build == nil:
		return &NotBuiltError{Name: name}
	}
	pending := c.written.pending(name, now)
	// Right after a rebuild, the platform goes on showing the end of the build before.
	stale := pending || c.written.age(name) < c.timing.Believe
	if now.Build.CancelRequested && !pending || now.Build.Phase.Ended() && !stale {
		return nil
	}
	c.shared.forget()
	defer c.shared.forget()
	if _, err = wire.CancelImageBuild(ctx, c, wire.ImageWhereUniqueInput{Id: name}); err != nil {
		return c.afterFailedCancel(ctx, name, err)
	}
	limited, cancel := context.WithTimeout(ctx, c.timing.Write)
	defer cancel()
	err = c.awaitCancelled(limited, name)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return &LostWriteError{Name: name, What: "cancel the build", After: c.timing.Write}
	}
	return err
}

// afterFailedCancel finds out what became of a cancel that ended in an error.
func (c *Client) afterFailedCancel(ctx context.Context, name string, failure error) error {
	failed, ok := asAPIError(failure)
	if !ok || failed.Refused() {
		return failure
	}
	look, _, cancel := c.afterwards(ctx)
	defer cancel()
	var err error
	if failed.lost() {
		err = c.awaitCancelled(look, name)
	} else if _, err = c.Peek(look, name); err == nil {
		err = failure
	}
	if err == nil || errors.Is(err, ErrNotFound) {
		return err
	}
	return failure
}

// awaitCancelled waits until it is written that the build is to end.
func (c *Client) awaitCancelled(ctx context.Context, name string) error {
	look := func(ctx context.Context) (Image, error) { return c.Peek(ctx, name) }
	told := func(image Image) (bool, error) { return image.Build != nil && image.Build.CancelRequested, nil }
	_, err := wait.Until(ctx, wait.Options{Transient: isTransient}, look, told, nil)
	return err
}
