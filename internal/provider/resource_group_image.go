package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

var (
	_ resource.ResourceWithConfigure        = (*groupImageResource)(nil)
	_ resource.ResourceWithConfigValidators = (*groupImageResource)(nil)
	_ resource.ResourceWithValidateConfig   = (*groupImageResource)(nil)
	_ resource.ResourceWithIdentity         = (*groupImageResource)(nil)
	_ resource.ResourceWithImportState      = (*groupImageResource)(nil)
	_ resource.ResourceWithModifyPlan       = (*groupImageResource)(nil)
)

func newGroupImageResource() resource.Resource { return &groupImageResource{} }

// groupImageResource is rime_group_image.
type groupImageResource struct{ resourceBase }

// Metadata implements resource.Resource.
func (r *groupImageResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_group_image"
	resp.ResourceBehavior.MutableIdentity = true // a platform may move to another address
}

// ConfigValidators implements resource.ResourceWithConfigValidators.
func (r *groupImageResource) ConfigValidators(context.Context) []resource.ConfigValidator {
	return []resource.ConfigValidator{
		resourcevalidator.ExactlyOneOf(path.MatchRoot("existing"), path.MatchRoot("build")),
		resourcevalidator.Conflicting(path.MatchRoot("existing"), path.MatchRoot("triggers")),
	}
}

// Create implements resource.Resource.
func (r *groupImageResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan groupImageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	generated := plan.Name.IsUnknown()
	if generated {
		plan.Name = types.StringValue(primehub.GenerateName(plan.DisplayName.ValueString()))
	}
	plan.RebuildReason = types.StringNull()
	ctx, cancel := withTimeout(ctx, "create", plan.Timeouts.Create, defaultCreateTimeout, &resp.Diagnostics)
	defer cancel()
	name := plan.Name.ValueString()
	client, err := r.hub()
	if err != nil {
		resp.Diagnostics.Append(diags.FromPrimeHub(diags.CreateGroupImage, name, err))
		return
	}
	if resp.Diagnostics.Append(r.checkSecret(ctx, plan, nil)...); resp.Diagnostics.HasError() {
		return
	}
	image, err := createGroupImage(ctx, client, plan, generated)
	if image.Name == "" {
		resp.Diagnostics.Append(diags.FromPrimeHub(diags.CreateGroupImage, name, err))
		return
	}
	// From here on something exists: whatever happens now, the state must know it.
	plan.Name = types.StringValue(image.Name) // a run that died may have generated it
	plan.setFacts(ctx, image, &resp.Diagnostics)
	resp.Diagnostics.Append(rememberOwner(ctx, resp.Private, plan.Group.ValueString())...)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
	resp.Diagnostics.Append(plan.finish(ctx, client, image.Ref(), err)...)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
}

// Read implements resource.Resource. Only a confirmed absence removes the resource; any other error leaves the state as it is.
func (r *groupImageResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state groupImageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	// The framework wants an identity after every read without an error, even one that removes the resource; a CLI before 1.12 keeps none.
	resp.Diagnostics.Append(r.identify(ctx, resp.Identity, state.Name)...)
	name := state.Name.ValueString()
	ctx, cancel := withTimeout(ctx, "read", state.Timeouts.Read, defaultReadTimeout, &resp.Diagnostics)
	defer cancel()
	client, err := r.hub()
	if errors.Is(err, diags.ErrNotKnownYet) {
		resp.Diagnostics.Append(diags.GroupImageNotRefreshed(name))
		return
	}
	var image primehub.Image
	if err == nil {
		image, err = client.Refresh(ctx, name, true)
	}
	switch {
	case errors.Is(err, primehub.ErrNotFound):
		tflog.Info(ctx, "PrimeHub image is gone: removing it from the state", map[string]any{"image": name})
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		resp.Diagnostics.Append(diags.FromPrimeHub(diags.ReadGroupImage, name, err))
		return
	}
	client.Claim(name)
	owner, found := rememberedOwner(ctx, req.Private)
	if !found { // it was just imported
		owner = image.Group
		resp.Diagnostics.Append(rememberOwner(ctx, resp.Private, owner)...)
	}
	resp.Diagnostics.Append(state.setImage(ctx, image, owner)...)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, state)...)
}

// Update implements resource.Resource: first what the image is and who may use it, then what it is built from (internal/primehub/CONTRACT.md §8.4).
func (r *groupImageResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state groupImageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	takeOverTriggers(ctx, req.Private, &state.Triggers, plan.Triggers)
	intended := decideGroupImage(ctx, state, plan)
	name := plan.Name.ValueString()
	ctx, cancel := withTimeout(ctx, "update", plan.Timeouts.Update, defaultUpdateTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.Append(r.checkSecret(ctx, plan, &state)...); resp.Diagnostics.HasError() {
		return
	}
	client, err := r.hub()
	if err == nil && intended.update {
		err = plan.change(ctx, client, state)
	}
	var ref primehub.BuildRef
	if err == nil && intended.task != taskNone {
		plan.RebuildReason = intended.reason
		ref, err = startGroupImage(ctx, client, intended.task, plan)
	}
	if err != nil {
		resp.Diagnostics.Append(diags.FromPrimeHub(diags.UpdateGroupImage, name, err))
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importedKey, nil)...)
	resp.Diagnostics.Append(rememberOwner(ctx, resp.Private, plan.Group.ValueString())...)
	// From here on the image is another one: whatever happens now, the state must know it.
	changed := intended.task != taskNone || plan.URLForGPU.IsUnknown()
	plan.foresee(ctx, state, intended.task, ref)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
	if !changed {
		return
	}
	if intended.task != taskNone {
		resp.Diagnostics.Append(plan.await(ctx, client, diags.UpdateGroupImage, ref, intended.task == taskRebuild)...)
	} else {
		resp.Diagnostics.Append(plan.look(ctx, client)...)
	}
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
}

// Delete implements resource.Resource. An image that is being built can be deleted as well.
func (r *groupImageResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state groupImageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	name := state.Name.ValueString()
	ctx, cancel := withTimeout(ctx, "delete", state.Timeouts.Delete, defaultDeleteTimeout, &resp.Diagnostics)
	defer cancel()
	client, err := r.hub()
	if err == nil {
		err = client.Delete(ctx, name)
	}
	if err != nil && !errors.Is(err, primehub.ErrNotFound) {
		resp.Diagnostics.Append(diags.FromPrimeHub(diags.DeleteGroupImage, name, err))
	}
}

// save is the only place that writes the state of an image, and its identity with it.
func (r *groupImageResource) save(ctx context.Context, state *tfsdk.State, identity *tfsdk.ResourceIdentity, model groupImageModel) diag.Diagnostics {
	model.Endpoint = r.endpoint(model.Endpoint)
	d := state.Set(ctx, model)
	d.Append(r.identify(ctx, identity, model.Name)...)
	return d
}
