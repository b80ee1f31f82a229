package awsregistry

import (
	"context"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// DeleteRegistry deletes the roles, policies and templates that the specs name, if they are ours, and returns when they are reliably gone. What is somebody else's stays,
// and so do repositories, their images and their lifecycle policies. What is gone already is no error; it may be interrupted and begun again at any point.
func (c *Client) DeleteRegistry(ctx context.Context, specs ...RegistrySpec) (err error) {
	defer func() { c.debris.end(ctx, err) }()
	account, err := c.Account(ctx)
	if err != nil {
		return err
	}
	return c.removeLeftovers(ctx, account, RegistrySpec{}, specs)
}

// leftovers are what earlier specs have and the one that is kept has not, by name.
type leftovers struct {
	roles, policies map[string]identity
	// attachments are policies that a role, which is kept, does not have any more.
	attachments []identity
	// templates are those of these prefixes.
	templates map[string]bool
	ours      ownership
}

// leftovers finds out about them. A name that is kept is no leftover, whatever had it before: names may be swapped.
func (c *Client) leftovers(account Account, kept RegistrySpec, specs []RegistrySpec) leftovers {
	left := leftovers{roles: map[string]identity{}, policies: map[string]identity{}, templates: map[string]bool{}, ours: c.ownership(specs...)}
	names := kept.Names()
	for _, spec := range specs {
		server, builder := c.identities(account, spec)
		for _, id := range []identity{server, builder} {
			id.ownership = left.ours
			if !names.hasRole(id.RoleName) {
				left.roles[id.RoleName] = id
			} else if names.policyOf(id.RoleName) != id.PolicyName {
				left.attachments = append(left.attachments, id)
			}
			if !names.hasPolicy(id.PolicyName) {
				left.policies[id.PolicyName] = id
			}
		}
		if spec.Template != nil && (kept.Template == nil || templatePrefix(kept.Prefix) != templatePrefix(spec.Prefix)) {
			left.templates[templatePrefix(spec.Prefix)] = true
		}
	}
	return left
}

// removeLeftovers deletes what the specs have and kept has not, as far as it is ours. Roles go first, whatever spec they are of, as a policy is deleted only when no
// role has it any more.
func (c *Client) removeLeftovers(ctx context.Context, account Account, kept RegistrySpec, specs []RegistrySpec) error {
	left := c.leftovers(account, kept, specs)
	freed, err := c.removeRoles(ctx, left.roles)
	if err != nil {
		return err
	}
	for _, id := range left.attachments {
		if err := c.detach(ctx, id); err != nil {
			return err
		}
		freed = append(freed, id.RoleName)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, id := range left.policies {
		group.Go(func() error { return c.removePolicy(ctx, id, freed) })
	}
	for prefix := range left.templates {
		group.Go(func() error { return c.removeTemplate(ctx, prefix, left.ours) })
	}
	return group.Wait()
}

// removeRoles deletes roles and returns the names of those that are gone: the others are somebody else's.
func (c *Client) removeRoles(ctx context.Context, roles map[string]identity) (gone []string, err error) {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		group.Go(func() error {
			theirs, err := c.removeRole(ctx, roles[name])
			if err == nil && !theirs {
				mu.Lock()
				defer mu.Unlock()
				gone = append(gone, name)
			}
			return err
		})
	}
	err = group.Wait()
	return gone, err
}
