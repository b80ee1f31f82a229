package provider

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// The keys of the private state.
const (
	// adoptedKey marks a registry that was imported and not changed since, so that nothing of it need carry our tag.
	adoptedKey = "adopted"
	// unfinishedKey holds what was asked for by a change that failed: it may have made something that no state names.
	unfinishedKey = "unfinished"
)

// specs are what the state has, and what an unfinished change may have made besides. Nil: there is none.
func specs(ctx context.Context, private privateState, state imageRegistryConfigModel) (prior awsregistry.RegistrySpec, unfinished *awsregistry.RegistrySpec) {
	prior = state.spec(ctx)
	adopted, _ := private.GetKey(ctx, adoptedKey)
	prior.Adopted = adopted != nil
	if text, _ := private.GetKey(ctx, unfinishedKey); text != nil {
		unfinished = new(awsregistry.RegistrySpec)
		if json.Unmarshal(text, unfinished) != nil {
			return prior, nil
		}
	}
	return prior, unfinished
}

// registryChange is a change of a registry.
type registryChange struct {
	plan *imageRegistryConfigModel
	// enabled tells whether the registry was before; prior is what it had then.
	enabled bool
	prior   awsregistry.RegistrySpec
	// unfinished is what a change before may have made besides.
	unfinished *awsregistry.RegistrySpec
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
	// What was imported under these names is ours; what has other names is not ours for that.
	c.spec.Adopted = c.prior.Adopted && c.spec.Names() == c.prior.Names()
	if c.spec.Owner = c.prior.Owner; c.spec.Owner == "" {
		c.spec.Owner = client.NewOwner()
	}
	var registry awsregistry.Registry
	if c.enabled {
		registry, c.err = client.UpdateRegistry(ctx, c.spec, c.prior)
	} else {
		registry, c.err = client.CreateRegistry(ctx, c.spec)
	}
	if c.err == nil && c.unfinished != nil {
		registry, c.err = client.UpdateRegistry(ctx, c.spec, *c.unfinished)
	}
	if c.err != nil {
		return nil
	}
	return c.plan.observe(ctx, c.spec, registry, nil, false)
}

// remove removes everything.
func (c *registryChange) remove(ctx context.Context, client *awsregistry.Client) error {
	if c.enabled {
		if err := client.DeleteRegistry(ctx, c.prior); err != nil {
			return err
		}
	}
	if c.unfinished == nil {
		return nil
	}
	return client.DeleteRegistry(ctx, *c.unfinished)
}
