package provider

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// The keys of the private state.
const (
	// adoptedKey marks a registry that was imported and not changed since, so that nothing of it need carry our tag.
	adoptedKey = "adopted"
	// unfinishedKey holds a list of what was asked for by the changes that failed since the last one that did not: they may have made something that no state names.
	unfinishedKey = "unfinished"
)

// specs are what the state has, and what unfinished changes may have made besides.
func specs(ctx context.Context, private privateState, state imageRegistryConfigModel) (prior awsregistry.RegistrySpec, unfinished []awsregistry.RegistrySpec) {
	prior = state.spec(ctx)
	if adopted, _ := private.GetKey(ctx, adoptedKey); adopted != nil {
		prior.Adopted = prior.Names()
	}
	if text, _ := private.GetKey(ctx, unfinishedKey); text != nil && json.Unmarshal(text, &unfinished) != nil {
		return prior, nil
	}
	return prior, unfinished
}

// registryChange is a change of a registry.
type registryChange struct {
	plan *imageRegistryConfigModel
	// enabled tells whether the registry was before; prior is what it had then.
	enabled bool
	prior   awsregistry.RegistrySpec
	// unfinished is what changes before may have made besides.
	unfinished []awsregistry.RegistrySpec
	// spec is what the registry is to have.
	spec awsregistry.RegistrySpec
	err  error
}

// make makes the change, and brings the plan up to date with what AWS shows then.
func (c *registryChange) make(ctx context.Context, client *awsregistry.Client) diag.Diagnostics {
	c.spec = c.plan.spec(ctx)
	if !c.plan.Enable.ValueBool() {
		c.err = c.remove(ctx, client)
		c.plan.registryFacts = disabledRegistryFacts(c.plan.prefix())
		return nil
	}
	// What was imported is ours by its names; what has other names is not ours for that.
	c.spec.Adopted = c.prior.Adopted
	if c.spec.Owner = c.prior.Owner; c.spec.Owner == "" {
		c.spec.Owner = client.NewOwner()
	}
	var registry awsregistry.Registry
	if c.enabled {
		registry, c.err = client.UpdateRegistry(ctx, c.spec, c.all()...)
	} else if registry, c.err = client.CreateRegistry(ctx, c.spec); c.err == nil && len(c.unfinished) > 0 {
		registry, c.err = client.UpdateRegistry(ctx, c.spec, c.unfinished...)
	}
	if c.err != nil {
		return nil
	}
	return c.plan.observe(ctx, c.spec, registry, nil, false)
}

// remove removes everything.
func (c *registryChange) remove(ctx context.Context, client *awsregistry.Client) error {
	return client.DeleteRegistry(ctx, c.all()...)
}

// all are the specs of everything that there may be.
func (c *registryChange) all() []awsregistry.RegistrySpec {
	if c.enabled {
		return append([]awsregistry.RegistrySpec{c.prior}, c.unfinished...)
	}
	return c.unfinished
}

// note notes in the private state what a change that failed may have made, besides what others before it may have. A removal makes nothing.
func (c *registryChange) note(ctx context.Context, private interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
},
) diag.Diagnostics {
	if !c.plan.Enable.ValueBool() {
		return nil
	}
	all := c.unfinished
	if !slices.ContainsFunc(all, func(noted awsregistry.RegistrySpec) bool { return reflect.DeepEqual(noted, c.spec) }) {
		all = append(all, c.spec)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil // It is text and numbers.
	}
	return private.SetKey(ctx, unfinishedKey, text)
}
