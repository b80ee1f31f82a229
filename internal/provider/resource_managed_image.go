package provider

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/planmemory"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

var (
	_ resource.ResourceWithConfigure        = (*managedImageResource)(nil)
	_ resource.ResourceWithConfigValidators = (*managedImageResource)(nil)
	_ resource.ResourceWithIdentity         = (*managedImageResource)(nil)
	_ resource.ResourceWithImportState      = (*managedImageResource)(nil)
	_ resource.ResourceWithModifyPlan       = (*managedImageResource)(nil)
)

// How long operations may take unless the configuration says otherwise.
const (
	defaultCreateTimeout = 90 * time.Minute
	defaultUpdateTimeout = 90 * time.Minute
	defaultDeleteTimeout = 15 * time.Minute
	defaultReadTimeout   = 5 * time.Minute
)

func newManagedImageResource() resource.Resource { return &managedImageResource{} }

// managedImageResource is rime_managed_image.
type managedImageResource struct{ resourceBase }

// Metadata implements resource.Resource.
func (r *managedImageResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_managed_image"
	// A platform that gets another address is the same platform.
	resp.ResourceBehavior.MutableIdentity = true
}

// ConfigValidators implements resource.ResourceWithConfigValidators.
func (r *managedImageResource) ConfigValidators(context.Context) []resource.ConfigValidator {
	return []resource.ConfigValidator{
		namingCheck{}, packageManagerCheck{}, lockFileCheck{},
	}
}

// Create implements resource.Resource.
func (r *managedImageResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config managedImageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(r.checkPackageKind(config.AptPackages)...)
	resp.Diagnostics.Append(r.checkPlatformPips(config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.Name.IsUnknown() {
		plan.Name = config.generatedName()
	}
	plan.RebuildReason = types.StringNull()
	ctx, cancel := withTimeout(ctx, "create", plan.Timeouts.Create, defaultCreateTimeout, &resp.Diagnostics)
	defer cancel()
	registry, err := r.registry(ctx)
	if err != nil {
		resp.Diagnostics.Append(diags.FromError(diags.CreateImage, plan.Name.ValueString(), err))
		return
	}
	spec, _ := plan.spec()
	w, err := obtain(ctx, registry, spec, plan.mayAdopt)
	if err != nil {
		resp.Diagnostics.Append(diags.FromError(diags.CreateImage, spec.Name, err))
		return
	}
	// From here on something exists: whatever happens now, the state must know it.
	plan.locate(registry)
	r.created.note(spec.Name)
	plan.setFacts(ctx, w.image, &resp.Diagnostics)
	plan.setInputs(w.image)
	plan.Build = newBuildObject(ctx, w.build, &resp.Diagnostics)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
	resp.Diagnostics.Append(plan.finish(ctx, registry, diags.CreateImage, w)...)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
}

// Read implements resource.Resource. Only a confirmed absence removes the resource; any other error leaves the state as it is.
func (r *managedImageResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state managedImageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	// The framework wants an identity after every read without an error, even one that removes the resource; a CLI before 1.12 keeps none.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	name := state.Name.ValueString()
	ctx, cancel := withTimeout(ctx, "read", state.Timeouts.Read, defaultReadTimeout, &resp.Diagnostics)
	defer cancel()
	registry, err := r.registry(ctx)
	if errors.Is(err, diags.ErrNotKnownYet) {
		resp.Diagnostics.Append(diags.DriftNotChecked(name))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(diags.FromError(diags.ReadImage, name, err))
		return
	}
	image, err := imageregistry.Refresh(ctx, registry, name)
	if err = state.confirmAbsence(registry, err); errors.Is(err, imageregistry.ErrNotFound) {
		tflog.Info(ctx, "managed image is gone: removing it from the state", map[string]any{"image": name})
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.Append(diags.FromError(diags.ReadImage, name, err))
		return
	}
	claim(ctx, registry, image)
	state.locate(registry)
	resp.Diagnostics.Append(state.setImage(ctx, registry, image)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, state)...)
	}
}

// claim tells the registry that a state has the image, where that is in doubt. Where telling fails, it stays in doubt.
func claim(ctx context.Context, registry imageregistry.Registry, image imageregistry.Image) {
	claimer, ok := registry.(imageregistry.Claimer)
	if !ok || !image.Unclaimed {
		return
	}
	if err := claimer.Claim(ctx, image.Name); err != nil {
		tflog.Info(ctx, "managed image could not be claimed", map[string]any{"image": image.Name, "error": redact.Text(err.Error())})
	}
}

// Update implements resource.Resource.
func (r *managedImageResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state managedImageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	takeOverTriggers(ctx, req.Private, &state.Triggers, plan.Triggers)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, planmemory.Key, nil)...) // it was for this apply
	registry, err := r.registry(ctx)
	intended := decide(registry, state, plan)
	if intended.task == taskNone {
		plan.keepComputed(state)
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, importedKey, nil)...)
		resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
		return
	}
	if err != nil {
		resp.Diagnostics.Append(diags.FromError(diags.UpdateImage, plan.Name.ValueString(), err))
		return
	}
	if resp.Diagnostics.Append(r.checkPackageKind(plan.AptPackages)...); resp.Diagnostics.HasError() {
		return
	}
	plan.RebuildReason = intended.reason
	ctx, cancel := withTimeout(ctx, "update", plan.Timeouts.Update, defaultUpdateTimeout, &resp.Diagnostics)
	defer cancel()
	w, err := start(ctx, registry, intended.task, plan, state)
	if err != nil {
		resp.Diagnostics.Append(diags.FromError(diags.UpdateImage, plan.Name.ValueString(), err))
		return
	}
	// From here on the image has the new inputs: whatever happens now, the state must know it.
	plan.setFacts(ctx, w.image, &resp.Diagnostics)
	plan.Build = newBuildObject(ctx, w.build, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importedKey, nil)...)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
	resp.Diagnostics.Append(plan.finish(ctx, registry, diags.UpdateImage, w)...)
	resp.Diagnostics.Append(r.save(ctx, &resp.State, resp.Identity, plan)...)
}

// start sets the task going.
func start(ctx context.Context, registry imageregistry.Registry, t task, plan, state managedImageModel) (wanted, error) {
	spec, _ := plan.spec()
	switch t {
	case taskUpdate:
		return update(ctx, registry, spec)
	case taskRepair:
		return repair(ctx, registry, spec)
	case taskRebuild:
		return rebuild(ctx, registry, spec)
	default:
		image, err := registry.Get(ctx, spec.Name)
		return wanted{image: image, build: imageregistry.Build{ID: cmp.Or(image.BuildID, state.knownBuild().ID)}}, err
	}
}

// save is the only place that writes the state of an image, and its identity with it.
func (r *managedImageResource) save(ctx context.Context, state *tfsdk.State, identity *tfsdk.ResourceIdentity, model managedImageModel) diag.Diagnostics {
	d := state.Set(ctx, model)
	d.Append(identity.Set(ctx, model.identity())...)
	return d
}

// withTimeout bounds an operation by the resource's own timeout for it; the cause of the context's end says which that was.
func withTimeout(
	ctx context.Context, operation string, configured func(context.Context, time.Duration) (time.Duration, diag.Diagnostics),
	fallback time.Duration, d *diag.Diagnostics,
) (context.Context, context.CancelFunc) {
	after, more := configured(ctx, fallback)
	d.Append(more...)
	return context.WithTimeoutCause(ctx, after, &diags.TimeoutError{Setting: "timeouts." + operation, After: after})
}
