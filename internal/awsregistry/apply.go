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

// UpdateRegistry makes what there is what the spec asks for, in place, whatever has happened to it meanwhile. priors are what was asked for before, by changes that were
// made and by changes that failed: what the spec leaves out of them is released. Roles and policies with other names than before are new ones; the old ones are deleted
// last. It may be interrupted and begun again at any point.
func (c *Client) UpdateRegistry(ctx context.Context, spec RegistrySpec, priors ...RegistrySpec) (registry Registry, err error) {
	defer func() { c.debris.end(ctx, err) }()
	return c.applyRegistry(ctx, spec, priors)
}

func (c *Client) applyRegistry(ctx context.Context, spec RegistrySpec, priors []RegistrySpec) (Registry, error) {
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
		registry.Repositories, err = c.applyRepositories(within, spec.Prefix, spec.Repositories, released(spec, priors))
		return err
	})
	if err := group.Wait(); err != nil {
		return Registry{}, err
	}
	return registry, c.removeLeftovers(ctx, account, spec, priors)
}

// released are the lifecycle policies that were managed before and are no longer.
func released(spec RegistrySpec, priors []RegistrySpec) []string {
	var policies []string
	for _, prior := range priors {
		if policy := prior.Repositories.LifecyclePolicy; policy != "" && spec.Repositories.LifecyclePolicy == "" && prior.Prefix == spec.Prefix {
			policies = append(policies, policy)
		}
	}
	return policies
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
