package awsregistry

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// CreateRegistry makes what the spec asks for and returns it when AWS shows it reliably. What exists already is continued if it carries the spec's owner, if it is what a run left that
// died here, see [Client.NewOwner], or if the spec says that it was adopted; anything else is a [*ForeignError], which is found before anything is made.
func (c *Client) CreateRegistry(ctx context.Context, spec RegistrySpec) (registry Registry, err error) {
	defer func() { c.debris.end(ctx, err) }()
	if err := c.refuseForeign(ctx, spec); err != nil {
		return Registry{}, err
	}
	return c.applyRegistry(ctx, spec, nil)
}

// refuseForeign looks for what has a name of ours and is somebody else's.
func (c *Client) refuseForeign(ctx context.Context, spec RegistrySpec) error {
	account, err := c.Account(ctx)
	if err != nil {
		return err
	}
	server, builder := c.identities(account, spec)
	group, ctx := errgroup.WithContext(ctx)
	for _, id := range []identity{server, builder} {
		group.Go(func() error {
			found, err := find(ctx, c, 1, func(ctx context.Context) (*Policy, error) { return c.getPolicy(ctx, id.policyARN()) })
			if err == nil && found != nil {
				_, err = c.ourPolicy(ctx, id, found)
			}
			return err
		})
		group.Go(func() error {
			found, err := find(ctx, c, 1, func(ctx context.Context) (*Role, error) { return c.getRole(ctx, id.RoleName) })
			if err == nil && found != nil {
				_, err = c.ourRole(ctx, id, found)
			}
			return err
		})
	}
	if spec.Template != nil {
		group.Go(func() error {
			prefix := templatePrefix(spec.Prefix)
			found, err := find(ctx, c, 1, func(ctx context.Context) (*Template, error) { return c.getTemplate(ctx, prefix) })
			if err == nil && found != nil {
				err = found.refuseUnless(c.ownership(spec))
			}
			return err
		})
	}
	return group.Wait()
}

// UpdateRegistry makes what there is what the spec asks for, in place, whatever has happened to it meanwhile. prior is what was asked for before: what the spec
// leaves out of it is released. Roles and policies with other names than before are new ones; the old ones are deleted last. It may be
// interrupted and begun again at any point.
func (c *Client) UpdateRegistry(ctx context.Context, spec, prior RegistrySpec) (registry Registry, err error) {
	defer func() { c.debris.end(ctx, err) }()
	return c.applyRegistry(ctx, spec, &prior)
}

func (c *Client) applyRegistry(ctx context.Context, spec RegistrySpec, prior *RegistrySpec) (Registry, error) {
	account, err := c.Account(ctx)
	if err != nil {
		return Registry{}, err
	}
	registry := Registry{Account: account}
	server, builder := c.identities(account, spec)
	group, within := errgroup.WithContext(ctx)
	apply := func(id identity, result *Identity) {
		group.Go(func() (err error) {
			if err = c.ensureIdentity(within, id); err == nil {
				*result, err = c.confirmIdentity(within, id)
			}
			return err
		})
	}
	apply(server, &registry.Server)
	apply(builder, &registry.Builder)
	group.Go(func() (err error) {
		registry.Template, err = c.applyTemplate(within, spec)
		return err
	})
	group.Go(func() (err error) {
		registry.Repositories, err = c.applyRepositories(within, spec.Prefix, spec.Repositories, released(spec, prior))
		return err
	})
	if err := group.Wait(); err != nil {
		return Registry{}, err
	}
	return registry, c.removeLeftovers(ctx, account, spec, prior)
}

// released is the lifecycle policy that was managed before and is no longer.
func released(spec RegistrySpec, prior *RegistrySpec) string {
	if prior == nil || spec.Repositories.LifecyclePolicy != "" || prior.Prefix != spec.Prefix {
		return ""
	}
	return prior.Repositories.LifecyclePolicy
}

// applyTemplate makes the creation template what it is to be and returns it when AWS shows it reliably.
func (c *Client) applyTemplate(ctx context.Context, spec RegistrySpec) (*Template, error) {
	if spec.Template == nil {
		return nil, nil //nolint:nilnil // Nil is no template, as in Registry.
	}
	if err := c.ensureTemplate(ctx, spec); err != nil {
		return nil, err
	}
	var seen *Template
	want := c.wantedTemplate(spec)
	err := c.confirm(ctx, "template "+want.Prefix, func(ctx context.Context) (wrong string, err error) {
		seen, err = find(ctx, c, 1, func(ctx context.Context) (*Template, error) { return c.getTemplate(ctx, want.Prefix) })
		if err == nil && (seen == nil || !seen.same(want)) {
			wrong = "creation template"
		}
		return wrong, err
	}, func(ctx context.Context) error { return c.ensureTemplate(ctx, spec) })
	return seen, err
}

// removeLeftovers deletes what the spec before had and this one has not.
func (c *Client) removeLeftovers(ctx context.Context, account Account, spec RegistrySpec, prior *RegistrySpec) error {
	if prior == nil {
		return nil
	}
	server, builder := c.identities(account, spec)
	priorServer, priorBuilder := c.identities(account, *prior)
	for _, id := range []struct{ now, before identity }{{server, priorServer}, {builder, priorBuilder}} {
		if id.before.RoleName != id.now.RoleName {
			if _, err := c.removeRole(ctx, id.before); err != nil {
				return err
			}
		}
		if id.before.PolicyName != id.now.PolicyName {
			if err := c.detachOld(ctx, id.now, id.before); err != nil {
				return err
			}
			if err := c.removePolicy(ctx, id.before); err != nil {
				return err
			}
		}
	}
	if prior.Template != nil && (spec.Template == nil || templatePrefix(prior.Prefix) != templatePrefix(spec.Prefix)) {
		return c.removeTemplate(ctx, *prior)
	}
	return nil
}

// DeleteRegistry deletes roles, policies and the template that the spec names, if they are ours, and returns when they are reliably gone. What is somebody else's stays, and so do
// repositories, their images and their lifecycle policies. What is gone already is no error; it may be interrupted and begun again at any point.
func (c *Client) DeleteRegistry(ctx context.Context, spec RegistrySpec) (err error) {
	defer func() { c.debris.end(ctx, err) }()
	account, err := c.Account(ctx)
	if err != nil {
		return err
	}
	server, builder := c.identities(account, spec)
	group, within := errgroup.WithContext(ctx)
	group.Go(func() error { return c.removeIdentity(within, server) })
	group.Go(func() error { return c.removeIdentity(within, builder) })
	if spec.Template != nil {
		group.Go(func() error { return c.removeTemplate(within, spec) })
	}
	return group.Wait()
}
