package provider

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

var (
	_ resource.ResourceWithConfigure        = (*imageRegistryConfigResource)(nil)
	_ resource.ResourceWithConfigValidators = (*imageRegistryConfigResource)(nil)
	_ resource.ResourceWithIdentity         = (*imageRegistryConfigResource)(nil)
	_ resource.ResourceWithImportState      = (*imageRegistryConfigResource)(nil)
	_ resource.ResourceWithModifyPlan       = (*imageRegistryConfigResource)(nil)
	_ resource.ResourceWithValidateConfig   = (*imageRegistryConfigResource)(nil)
)

// defaultRegistryTimeout is how long a change may take unless the configuration says otherwise: AWS is quick, but may take minutes to show a change everywhere.
const defaultRegistryTimeout = 15 * time.Minute

func newImageRegistryConfigResource() resource.Resource { return &imageRegistryConfigResource{} }

// imageRegistryConfigResource is rime_image_registry_config.
type imageRegistryConfigResource struct{ resourceBase }

// Metadata implements resource.Resource.
func (r *imageRegistryConfigResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image_registry_config"
	resp.ResourceBehavior.MutableIdentity = true // A prefix and what names are made of can be changed in place.
}

// ConfigValidators implements resource.ResourceWithConfigValidators.
func (r *imageRegistryConfigResource) ConfigValidators(context.Context) []resource.ConfigValidator {
	return []resource.ConfigValidator{
		resourcevalidator.Conflicting(path.MatchRoot("lifecycle_rules"), path.MatchRoot("lifecycle_policy_json")),
	}
}

// Create implements resource.Resource.
func (r *imageRegistryConfigResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan imageRegistryConfigModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !plan.Enable.ValueBool() {
		plan.complete(nil)
		plan.registryFacts = disabledRegistryFacts(plan.prefix())
		resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
		return
	}
	ctx, cancel := withTimeout(ctx, "create", plan.Timeouts.Create, defaultRegistryTimeout, &resp.Diagnostics)
	defer cancel()
	client, account, err := r.open(ctx, imageRegistryConfigModel{})
	if err != nil {
		resp.Diagnostics.Append(registryFailed(diags.CreateRegistryConfig, plan, err))
		return
	}
	plan.complete(&account)
	spec := plan.spec(ctx)
	spec.Owner = client.NewOwner()
	registry, err := client.CreateRegistry(ctx, spec)
	if err != nil {
		resp.Diagnostics.Append(registryFailed(diags.CreateRegistryConfig, plan, err))
		if registry, exists := remains(ctx, client, spec); exists {
			// Something was made: the state must know it. The next apply takes it away, or continues, if Terraform did not see this end.
			resp.Diagnostics.Append(plan.observe(ctx, spec, registry, client.Drift(spec, registry), true)...)
			resp.Diagnostics.Append(keepKnown(ctx, resp.Private, registry.Known(spec, false))...)
			resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
		}
		return
	}
	resp.Diagnostics.Append(plan.observe(ctx, spec, registry, nil, false)...)
	resp.Diagnostics.Append(keepKnown(ctx, resp.Private, registry.Known(spec, false))...)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
}

// remains looks at what a create that failed has left, and whether any of it is ours. Where nobody can tell, it is taken for ours: what is not will not be touched.
func remains(ctx context.Context, client *awsregistry.Client, spec awsregistry.RegistrySpec) (awsregistry.Registry, bool) {
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	account, err := client.Account(look)
	if err != nil {
		return awsregistry.Registry{}, false // Without an account nothing was made.
	}
	registry, err := client.ReadRegistry(look, spec)
	if err != nil {
		return awsregistry.Registry{Account: account}, true
	}
	for _, id := range []awsregistry.Identity{registry.Server, registry.Builder} {
		if id.Role != nil && id.Role.Owner == spec.Owner || id.Policy != nil && id.Policy.Owner == spec.Owner {
			return registry, true
		}
	}
	return registry, registry.Template != nil && registry.Template.Owner == spec.Owner
}

// Read implements resource.Resource. Only a confirmed absence removes the resource; any other error leaves the state as it is.
func (r *imageRegistryConfigResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state imageRegistryConfigModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	if !state.Enable.ValueBool() {
		return // There is nothing of ours to look at.
	}
	ctx, cancel := withTimeout(ctx, "read", state.Timeouts.Read, defaultReadTimeout, &resp.Diagnostics)
	defer cancel()
	client, _, err := r.open(ctx, state)
	if errors.Is(err, diags.ErrNotKnownYet) {
		resp.Diagnostics.Append(diags.NotRefreshed())
		return
	}
	if err != nil {
		resp.Diagnostics.Append(registryFailed(diags.ReadRegistryConfig, state, err))
		return
	}
	spec, unfinished := specs(ctx, req.Private, state)
	for _, claimed := range append(unfinished, spec) {
		client.Claim(claimed)
	}
	registry, err := client.ReadRegistry(ctx, spec)
	if err != nil {
		resp.Diagnostics.Append(registryFailed(diags.ReadRegistryConfig, state, err))
		return
	}
	if nothingLeft(spec, registry) && len(unfinished) == 0 {
		tflog.Info(ctx, "image registry configuration is gone: removing it from the state", map[string]any{"prefix": spec.Prefix})
		resp.State.RemoveResource(ctx)
		return
	}
	imported := state.RegistryServer.IsNull()
	if imported {
		resp.Diagnostics.Append(state.takeOver(registry, client.MergedTags(nil))...)
		resp.Diagnostics.Append(state.takeOverTemplate(ctx, client)...)
		spec, _ = specs(ctx, req.Private, state)
		if spec.Template != nil { // it was not looked for before
			registry, err = client.ReadRegistry(ctx, spec)
		}
		if err != nil {
			resp.Diagnostics.Append(registryFailed(diags.ReadRegistryConfig, state, err))
			return
		}
	}
	state.RolePath = rolePath(registry, state.RolePath)
	known := registry.Known(spec, imported)
	resp.Diagnostics.Append(keepKnown(ctx, resp.Private, known)...)
	spec.Known = known
	client.Claim(spec)
	resp.Diagnostics.Append(state.observe(ctx, spec, registry, client.Drift(spec, registry), len(unfinished) > 0)...)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, state)...)
}

// nothingLeft tells whether neither roles nor policies are there, nor a template of ours, which AWS has confirmed.
func nothingLeft(spec awsregistry.RegistrySpec, registry awsregistry.Registry) bool {
	return registry.Server == awsregistry.Identity{} && registry.Builder == awsregistry.Identity{} && (registry.Template == nil || registry.Template.Owner != spec.Owner)
}

// rolePath is the path of the role that is elsewhere than it should be, if there is one: IAM cannot move it, so that the plan has to replace it.
func rolePath(registry awsregistry.Registry, want types.String) types.String {
	for _, id := range []awsregistry.Identity{registry.Server, registry.Builder} {
		if id.Role != nil && id.Role.Path != want.ValueString() {
			return types.StringValue(id.Role.Path)
		}
	}
	return want
}

// observe takes over what AWS shows.
func (m *imageRegistryConfigModel) observe(
	ctx context.Context, spec awsregistry.RegistrySpec, registry awsregistry.Registry, drift []awsregistry.Drift, unfinished bool,
) diag.Diagnostics {
	d := m.set(ctx, spec, registry, m.registryFacts)
	m.Repositories = repositoryCounts(registry.Repositories)
	m.Drift = driftList(drift, unfinished)
	return d
}

// Update implements resource.Resource.
func (r *imageRegistryConfigResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state imageRegistryConfigModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, "update", plan.Timeouts.Update, defaultRegistryTimeout, &resp.Diagnostics)
	defer cancel()
	change := registryChange{plan: &plan, enabled: state.Enable.ValueBool()}
	change.prior, change.unfinished = specs(ctx, req.Private, state)
	if !plan.Enable.ValueBool() && !change.enabled && len(change.unfinished) == 0 {
		plan.complete(nil)
		plan.registryFacts = disabledRegistryFacts(plan.prefix())
		resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
		return
	}
	client, account, err := r.open(ctx, state)
	if err != nil {
		resp.Diagnostics.Append(registryFailed(diags.UpdateRegistryConfig, plan, err))
		return
	}
	if plan.Enable.ValueBool() {
		plan.complete(&account)
	} else {
		plan.complete(nil)
	}
	resp.Diagnostics.Append(change.make(ctx, client)...)
	if change.err != nil {
		resp.Diagnostics.Append(registryFailed(diags.UpdateRegistryConfig, plan, change.err))
		// The state stays what it was, so that the next apply makes the same change; what this one may have made is noted.
		resp.Diagnostics.Append(change.note(ctx, client, resp.Private)...)
		if change.enabled {
			state.Drift = driftList(nil, true)
		}
		if change.spec.Owner != "" {
			state.OwnershipTag = types.StringValue(change.spec.Owner)
		}
		resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, state)...)
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, unfinishedKey, nil)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, adoptedKey, nil)...)
	resp.Diagnostics.Append(keepKnown(ctx, resp.Private, change.known)...)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
}

// Delete implements resource.Resource.
func (r *imageRegistryConfigResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state imageRegistryConfigModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	change := registryChange{enabled: state.Enable.ValueBool()}
	change.prior, change.unfinished = specs(ctx, req.Private, state)
	if !change.enabled && len(change.unfinished) == 0 {
		return
	}
	ctx, cancel := withTimeout(ctx, "delete", state.Timeouts.Delete, defaultRegistryTimeout, &resp.Diagnostics)
	defer cancel()
	client, _, err := r.open(ctx, state)
	if err == nil {
		err = change.remove(ctx, client)
	}
	if err != nil {
		resp.Diagnostics.Append(registryFailed(diags.DeleteRegistryConfig, state, err))
	}
}

// open returns the client, and where it is, which has to be where the state's registry is.
func (r *imageRegistryConfigResource) open(ctx context.Context, state imageRegistryConfigModel) (*awsregistry.Client, awsregistry.Account, error) {
	client, err := r.account()
	if err != nil {
		return nil, awsregistry.Account{}, err
	}
	account, err := accountOf(ctx, client, state)
	return client, account, err
}

// registryFailed describes an error of an operation on a registry.
func registryFailed(op diags.Operation, m imageRegistryConfigModel, err error) diag.Diagnostic {
	return diags.FromAWS(op, "the image registry configuration of the repositories under \""+m.prefix()+"\"", err)
}

// save is the only place that writes the state of a registry, and its identity with it.
func (r *imageRegistryConfigResource) save(ctx context.Context, state *tfsdk.State, identity *tfsdk.ResourceIdentity, model imageRegistryConfigModel) diag.Diagnostics {
	d := state.Set(ctx, model)
	d.Append(identity.Set(ctx, model.identity())...)
	return d
}
