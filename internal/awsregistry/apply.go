package awsregistry

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// CreateRegistry makes what the spec asks for and returns it when AWS shows it reliably. What exists already is continued if it carries the spec's owner, if it is what a run left that
// died here, see [Client.NewOwner], or if the spec knows it; anything else is a [*ForeignError], which is found before anything is made.
func (c *Client) CreateRegistry(ctx context.Context, spec RegistrySpec) (registry Registry, err error) {
	defer func() { c.debris.end(ctx, err) }()
	theirs, err := c.findForeign(ctx, spec, c.ownership(spec))
	if err != nil {
		return Registry{}, err
	}
	if len(theirs) > 0 {
		return Registry{}, &ForeignError{Objects: theirs}
	}
	return c.applyRegistry(ctx, spec, nil)
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
			if err != nil {
				return err
			}
			result.Role.OtherPolicies = without(result.Role.OtherPolicies, c.formerPolicies(account, priors, id.RoleName))
			return c.detachOthers(within, id, result.Role)
		})
	}
	apply(server, &registry.Server)
	apply(builder, &registry.Builder)
	group.Go(func() (err error) {
		registry.Template, err = c.applyTemplate(within, spec)
		return err
	})
	group.Go(func() (err error) {
		registry.Repositories, err = c.applyRepositories(within, spec.Prefix, spec.Repositories, c.inner(within, spec, priors...), released(spec, priors))
		return err
	})
	if err := group.Wait(); err != nil {
		return Registry{}, err
	}
	registry.Left, err = c.removeLeftovers(ctx, account, spec, priors)
	return registry, err
}

// formerPolicies are the policies that a role had for this provider before. They are detached at the end.
func (c *Client) formerPolicies(account Account, priors []RegistrySpec, role string) []string {
	var arns []string
	for _, spec := range priors {
		server, builder := c.identities(account, spec)
		for _, id := range []identity{server, builder} {
			if id.RoleName == role {
				arns = append(arns, id.policyARN())
			}
		}
	}
	return arns
}

// policyARNs are those of all policies of the specs.
func (c *Client) policyARNs(account Account, specs []RegistrySpec) []string {
	var arns []string
	for _, spec := range specs {
		server, builder := c.identities(account, spec)
		arns = append(arns, server.policyARN(), builder.policyARN())
	}
	return arns
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
