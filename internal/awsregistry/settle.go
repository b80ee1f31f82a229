package awsregistry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// The replicas of IAM and ECR learn of a change one after the other, so that a look may show what was before, even after one that showed what is. What was
// changed is therefore believed only when several looks in a row show it, and what AWS has confirmed is not taken back because one look does not show it.

// settling bounds a wait for AWS to show what it confirmed.
func (c *Client) settling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.options.SettleTimeout, fmt.Errorf("AWS did not settle within %s", c.options.SettleTimeout))
}

// patiently repeats what fails in one of the classes for a while, because something just made is not known everywhere yet, or something just removed still is.
func (c *Client) patiently(ctx context.Context, subject string, act func(context.Context) error, classes ...Class) error {
	settling, cancel := c.settling(ctx)
	defer cancel()
	last, err := wait.Until(settling, wait.Options{}, func(ctx context.Context) (error, error) {
		err := act(ctx)
		if answer, ok := errors.AsType[*Error](err); ok && slices.Contains(classes, answer.Class) {
			return err, nil
		}
		return nil, err
	}, func(last error) (bool, error) { return last == nil, nil }, nil)
	if last != nil && err != nil {
		if ctx.Err() != nil {
			return err
		}
		return &UnstableError{Subject: subject, Missing: last.Error(), Err: err}
	}
	return err
}

// await looks for something that AWS says exists until it shows.
func await[T any](ctx context.Context, c *Client, subject string, look func(context.Context) (*T, error)) (*T, error) {
	var found *T
	err := c.patiently(ctx, subject, func(ctx context.Context) (err error) {
		found, err = look(ctx)
		return err
	}, ClassNotFound, classTorn)
	return found, err
}

// confirm looks until that many looks in a row are right. look returns what is not right yet, in words, or nothing.
func (c *Client) confirm(ctx context.Context, subject string, look func(context.Context) (string, error)) error {
	settling, cancel := c.settling(ctx)
	defer cancel()
	good := 0
	wrong, err := wait.Until(settling, wait.Options{}, func(ctx context.Context) (string, error) {
		wrong, err := look(ctx)
		if is(err, classTorn) {
			return err.Error(), nil
		}
		return wrong, err
	}, func(wrong string) (bool, error) {
		if good++; wrong != "" {
			good = 0
		}
		return good >= c.options.Confirmations, nil
	}, nil)
	if expired, ok := errors.AsType[*wait.ExpiredError](err); ok && ctx.Err() == nil {
		return &UnstableError{Subject: subject, Missing: wrong, Err: expired}
	}
	return err
}

// confirmGone looks until that many looks in a row find nothing.
func (c *Client) confirmGone(ctx context.Context, subject string, look func(context.Context) error) error {
	return c.confirm(ctx, subject, func(ctx context.Context) (string, error) {
		err := look(ctx)
		switch {
		case err == nil:
			return "it is still there", nil
		case is(err, ClassNotFound):
			return "", nil
		}
		return "", err
	})
}
