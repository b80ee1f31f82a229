package provider

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// The keys of the private state.
const (
	// adoptedKey marks a registry that was imported and not changed since, so that nothing of it need carry our tag.
	adoptedKey = "adopted"
	// knownKey holds the ids of the roles, policies and templates that the state has.
	knownKey = "known"
	// unfinishedKey holds a list of what was asked for by the changes that failed since the last one that did not: they may have made something that no state names.
	unfinishedKey = "unfinished"
)

// specs are what the state has, and what unfinished changes may have made besides.
func specs(ctx context.Context, private privateState, state imageRegistryConfigModel) (prior awsregistry.RegistrySpec, unfinished []awsregistry.RegistrySpec) {
	prior = state.spec(ctx)
	if adopted, _ := private.GetKey(ctx, adoptedKey); adopted != nil {
		prior.Adopted = true
	}
	if text, _ := private.GetKey(ctx, knownKey); text != nil && json.Unmarshal(text, &prior.Known) != nil {
		prior.Known = awsregistry.Known{} // It cannot be: we wrote it.
	}
	if text, _ := private.GetKey(ctx, unfinishedKey); text != nil && json.Unmarshal(text, &unfinished) != nil {
		return prior, nil
	}
	return prior, unfinished
}

// keepKnown notes the ids of what there is.
func keepKnown(ctx context.Context, private privateWriter, known awsregistry.Known) diag.Diagnostics {
	text, err := json.Marshal(known)
	if err != nil {
		return nil // It is text.
	}
	return private.SetKey(ctx, knownKey, text)
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
	// known are the ids of what there is afterwards.
	known awsregistry.Known
	err   error
}

// make makes the change, and brings the plan up to date with what AWS shows then.
func (c *registryChange) make(ctx context.Context, client *awsregistry.Client) diag.Diagnostics {
	c.spec = c.plan.spec(ctx)
	if !c.plan.Enable.ValueBool() {
		c.err = c.remove(ctx, client)
		c.plan.registryFacts = disabledRegistryFacts(c.plan.prefix())
		return nil
	}
	// What was imported is ours by its ids; what has other names is not ours for that.
	c.spec.Adopted, c.spec.Known = c.prior.Adopted, c.prior.Known
	c.spec.Server.Trust = c.spec.Server.Trust.Keeping(trustJSON(c.plan.RegistryServer))
	c.spec.Builder.Trust = c.spec.Builder.Trust.Keeping(trustJSON(c.plan.ImageBuilder))
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
	c.known = registry.Known(c.spec, false)
	d := c.plan.observe(ctx, c.spec, registry, nil, false)
	if len(registry.Left) > 0 {
		d.Append(diags.ObjectsLeft(registry.Left))
	}
	if unwanted := registry.Unwanted(c.spec); len(unwanted) > 0 {
		c.plan.Drift = driftList(client.Drift(c.spec, registry), false)
		d.Append(diags.OtherPoliciesStay(unwanted))
	}
	return d
}

// remove removes everything.
func (c *registryChange) remove(ctx context.Context, client *awsregistry.Client) error {
	all := c.all()
	if c.plan != nil { // Whoever switches it off may say at the same time what becomes of others' policies.
		for i := range all {
			all[i].ForceDetach = c.plan.ForceDetachPolicies.ValueBool()
		}
	}
	return client.DeleteRegistry(ctx, all...)
}

// all are the specs of everything that there may be.
func (c *registryChange) all() []awsregistry.RegistrySpec {
	if c.enabled {
		return append([]awsregistry.RegistrySpec{c.prior}, c.unfinished...)
	}
	return c.unfinished
}

// note notes in the private state what a change that failed may have made, besides what others before it may have. A removal makes nothing.
func (c *registryChange) note(ctx context.Context, client *awsregistry.Client, private privateWriter) diag.Diagnostics {
	if !c.plan.Enable.ValueBool() {
		return nil
	}
	made := c.spec
	made.Unfinished = true
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if registry, err := client.ReadRegistry(look, c.spec); err == nil { // Otherwise its tags are all there is to know it by.
		made.Known = registry.Known(c.spec, false)
	}
	all := slices.DeleteFunc(c.unfinished, func(noted awsregistry.RegistrySpec) bool {
		noted.Known = made.Known
		return reflect.DeepEqual(noted, made)
	})
	text, err := json.Marshal(append(all, made))
	if err != nil {
		return nil // It is text and numbers.
	}
	return private.SetKey(ctx, unfinishedKey, text)
}
