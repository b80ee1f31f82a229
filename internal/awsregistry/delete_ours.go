package awsregistry

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// DeleteOurs is [Client.DeleteRegistry] for whoever is done with the registry and has no use for a [*ForeignError]: what has one of its names and is somebody
// else's stays, as of ours there is nothing left under that name, and the rest goes.
func (c *Client) DeleteOurs(ctx context.Context, spec RegistrySpec) error {
	account, err := c.Account(ctx)
	if err != nil {
		return err
	}
	server, builder := c.identities(account, spec, nil)
	group, ctx := errgroup.WithContext(ctx)
	for _, id := range []identity{server, builder} {
		group.Go(func() error {
			if err := leaveForeign(c.removeRole(ctx, id)); err != nil {
				return err
			}
			return leaveForeign(c.removePolicy(ctx, id))
		})
	}
	if spec.Template != nil {
		group.Go(func() error { return leaveForeign(c.removeTemplate(ctx, spec)) })
	}
	return group.Wait()
}

// leaveForeign takes what is somebody else's for gone.
func leaveForeign(err error) error {
	if _, foreign := errors.AsType[*ForeignError](err); foreign {
		return nil
	}
	return err
}
