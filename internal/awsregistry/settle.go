package awsregistry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// The replicas of IAM and ECR learn of a change one after the other, so that a look may show what was before, even after one that showed what is. What is as it should
// be after a change is therefore believed only when several looks in a row show it, and more of them once a look has shown that AWS lags behind; what is not as it
// should be, and what is not there, is believed only when several looks in a row agree.

// repairAfter is how many wrong looks in a row show that it is no lag: then the change is made again, as it may have been decided by an old look.
const repairAfter = 15

// unsettled is the end of the patience with AWS, unless it still lasts. A call that waits for its turn is not cut short by it.
func (c *Client) unsettled(began time.Time, subject, missing string, cause error) error {
	if time.Since(began) < c.options.SettleTimeout {
		return nil
	}
	if cause == nil {
		cause = fmt.Errorf("it did not settle within %s", c.options.SettleTimeout)
	}
	return &UnstableError{Subject: subject, Missing: missing, Err: cause}
}

// believe looks until a look is good, and takes what is not good as true only after that many looks in a row. Looks that do not find anything return nil or
// nothing of their type. Torn looks say nothing, up to a point.
func believe[T any](ctx context.Context, c *Client, looks int, look func(context.Context) (T, error), good func(T) bool) (T, error) {
	bad, all, whole := 0, 0, true
	return wait.Until(ctx, wait.Options{}, func(ctx context.Context) (T, error) {
		seen, err := look(ctx)
		if whole = !is(err, classTorn); !whole {
			err = nil
		}
		return seen, err
	}, func(seen T) (bool, error) {
		if whole && good(seen) {
			return true, nil
		}
		if all++; whole {
			bad++
		}
		return bad >= looks || all >= laggingFactor*max(looks, c.options.Confirmations), nil
	}, nil)
}

// find looks for something, and takes it as absent, which is nil, only after that many looks in a row have not found it.
func find[T any](ctx context.Context, c *Client, looks int, look func(context.Context) (*T, error)) (*T, error) {
	return believe(ctx, c, looks, func(ctx context.Context) (*T, error) {
		found, err := look(ctx)
		if is(err, ClassNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return found, nil
	}, func(found *T) bool { return found != nil })
}

// patiently repeats what fails in one of the classes for a while, because something just made is not known everywhere yet, or something just removed still is.
func (c *Client) patiently(ctx context.Context, subject string, act func(context.Context) error, classes ...Class) error {
	began := time.Now()
	_, err := wait.Until(ctx, wait.Options{}, func(ctx context.Context) (error, error) {
		err := act(ctx)
		if answer, ok := errors.AsType[*Error](err); ok && slices.Contains(classes, answer.Class) {
			return err, nil
		}
		return nil, err
	}, func(last error) (bool, error) {
		if last == nil {
			return true, nil
		}
		return false, c.unsettled(began, subject, last.Error(), last)
	}, nil)
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

// confirm looks until enough looks in a row are right. look returns what is not right yet, in words, or nothing. repair, where it is not nil, makes the change
// again after many that are wrong.
func (c *Client) confirm(ctx context.Context, subject string, look func(context.Context) (string, error), repair func(context.Context) error) error {
	began := time.Now()
	good, bad, enough := 0, 0, c.options.Confirmations
	_, err := wait.Until(ctx, wait.Options{}, func(ctx context.Context) (string, error) {
		wrong, err := look(ctx)
		if is(err, classTorn) {
			return err.Error(), nil
		}
		return wrong, err
	}, func(wrong string) (bool, error) {
		if wrong == "" {
			good, bad = good+1, 0
			return good >= enough, nil
		}
		good, bad, enough = 0, bad+1, laggingFactor*c.options.Confirmations
		if repair != nil && bad%repairAfter == 0 {
			if err := repair(ctx); err != nil {
				return false, err
			}
		}
		return false, c.unsettled(began, subject, wrong, nil)
	}, nil)
	return err
}

// laggingFactor is how many times more looks are needed once one has shown that AWS lags behind.
const laggingFactor = 3

// confirmGone looks until enough looks in a row find nothing.
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
	}, nil)
}
