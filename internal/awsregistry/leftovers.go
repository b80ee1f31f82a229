package awsregistry

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// DeleteRegistry deletes the roles, policies and templates that the specs name and returns when they are reliably gone. Repositories, their images and their lifecycle
// policies stay. What is gone already is no error; it may be interrupted and begun again at any point. What is somebody else's is a [*ForeignError], and a role with
// policies of others an [*OtherPoliciesError] unless a spec says [RegistrySpec.ForceDetach]; both are found before anything is deleted.
func (c *Client) DeleteRegistry(ctx context.Context, specs ...RegistrySpec) (err error) {
	defer func() { c.debris.end(ctx, err) }()
	account, err := c.Account(ctx)
	if err != nil {
		return err
	}
	left := c.leftovers(account, RegistrySpec{}, specs)
	left.force = slices.ContainsFunc(specs, func(spec RegistrySpec) bool { return spec.ForceDetach })
	if err := c.surveyLeftovers(ctx, left); err != nil {
		return err
	}
	if len(left.foreign.objects) > 0 {
		return &ForeignError{Objects: left.foreign.sorted()}
	}
	return c.remove(ctx, left)
}

// leftovers are what earlier specs have and the one that is kept has not, by name.
type leftovers struct {
	roles, policies map[string]identity
	// attachments are policies that a role, which is kept, does not have any more.
	attachments []identity
	// templates are those of these prefixes, and whether they were surely made.
	templates map[string]bool
	// policyARNs are those of all policies of the specs.
	policyARNs []string
	ours       ownership
	// force deletes roles with the policies of others that are on them.
	force bool
	// foreign is what is somebody else's and was surely ours before.
	foreign finds
	mu      sync.Mutex
	// held are roles with policies of others.
	held []RolePolicies
}

// leftovers finds out about them. A name that is kept is no leftover, whatever had it before: names may be swapped.
func (c *Client) leftovers(account Account, kept RegistrySpec, specs []RegistrySpec) *leftovers {
	left := &leftovers{
		roles: map[string]identity{}, policies: map[string]identity{}, templates: map[string]bool{}, ours: c.ownership(specs...),
		policyARNs: c.policyARNs(account, append(slices.Clone(specs), kept)), force: kept.ForceDetach,
	}
	names := kept.Names()
	for _, spec := range specs {
		server, builder := c.identities(account, spec)
		for _, id := range []identity{server, builder} {
			id.ownership = left.ours
			if !names.hasRole(id.RoleName) {
				left.roles[id.RoleName] = surest(left.roles[id.RoleName], id)
			} else if names.policyOf(id.RoleName) != id.PolicyName {
				left.attachments = append(left.attachments, id)
			}
			if !names.hasPolicy(id.PolicyName) {
				left.policies[id.PolicyName] = surest(left.policies[id.PolicyName], id)
			}
		}
		if prefix := templatePrefix(spec.Prefix); spec.Template != nil && (kept.Template == nil || templatePrefix(kept.Prefix) != prefix) {
			left.templates[prefix] = left.templates[prefix] || !spec.Unfinished
		}
	}
	return left
}

// surest is the one of two that was surely made, if one was.
func surest(a, b identity) identity {
	if a.RoleName == "" || a.spec.Unfinished {
		return b
	}
	return a
}

// surveyLeftovers leaves of them what is there and ours. What is somebody else's is noted where it was surely ours before, as are roles with policies of others.
func (c *Client) surveyLeftovers(ctx context.Context, left *leftovers) error {
	group, within := errgroup.WithContext(ctx)
	looks := c.options.Confirmations
	survey := func(surely bool, look func() (there bool, err error), gone func()) {
		group.Go(func() error {
			there, err := look()
			if _, theirs := asForeign(err); theirs && !surely {
				err = nil
			}
			if err = left.foreign.take(err); err == nil && !there {
				left.mu.Lock()
				defer left.mu.Unlock()
				gone()
			}
			return err
		})
	}
	for name, id := range maps.Clone(left.roles) {
		survey(!id.spec.Unfinished, func() (bool, error) {
			role, err := c.findRole(within, id, looks)
			if err != nil || role == nil {
				return false, err
			}
			return true, c.noteHeld(within, left, id, role)
		}, func() { delete(left.roles, name) })
	}
	for name, id := range maps.Clone(left.policies) {
		survey(!id.spec.Unfinished, func() (bool, error) {
			policy, err := c.findPolicy(within, id, looks)
			return policy != nil, err
		}, func() { delete(left.policies, name) })
	}
	for prefix, surely := range maps.Clone(left.templates) {
		survey(surely, func() (bool, error) {
			template, err := c.findTemplate(within, prefix, left.ours, looks)
			return template != nil, err
		}, func() { delete(left.templates, prefix) })
	}
	return group.Wait()
}

// noteHeld notes the policies of others on a role that is to go.
func (c *Client) noteHeld(ctx context.Context, left *leftovers, id identity, role *Role) error {
	held, err := find(ctx, c, c.options.Confirmations, func(ctx context.Context) (*rolePolicies, error) { return c.listRolePolicies(ctx, id.RoleName) })
	if err != nil || held == nil {
		return err
	}
	if others := held.others(left.policyARNs); len(others) > 0 {
		left.mu.Lock()
		defer left.mu.Unlock()
		left.held = append(left.held, RolePolicies{Role: role.Name, ARN: role.ARN, Policies: others})
	}
	return nil
}

// removeLeftovers deletes what the specs have and kept has not. What is somebody else's stays, and is returned.
func (c *Client) removeLeftovers(ctx context.Context, account Account, kept RegistrySpec, specs []RegistrySpec) ([]ForeignObject, error) {
	left := c.leftovers(account, kept, specs)
	if err := c.surveyLeftovers(ctx, left); err != nil {
		return nil, err
	}
	return left.foreign.sorted(), c.remove(ctx, left)
}

// remove deletes the leftovers. Roles go first, whatever spec they are of, as a policy is deleted only when no role has it any more.
func (c *Client) remove(ctx context.Context, left *leftovers) error {
	if len(left.held) > 0 && !left.force {
		slices.SortFunc(left.held, func(a, b RolePolicies) int { return strings.Compare(a.Role, b.Role) })
		return &OtherPoliciesError{Roles: left.held}
	}
	freed := slices.Sorted(maps.Keys(left.roles))
	roles, within := errgroup.WithContext(ctx)
	for _, id := range left.roles {
		roles.Go(func() error { return c.removeRole(within, id) })
	}
	if err := roles.Wait(); err != nil {
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
		group.Go(func() error { return c.removeTemplate(ctx, prefix) })
	}
	return group.Wait()
}
