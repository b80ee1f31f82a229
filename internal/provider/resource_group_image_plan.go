package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// groupImageIntent is what an apply has to do with an image that exists.
type groupImageIntent struct {
	// update tells that what the image is, or who may use it, changes.
	update bool
	// task is taskNone, taskAwait, or taskRebuild.
	task task
	// reason is why it is built anew, in words for the plan. Unknown while the inputs are.
	reason types.String
}

// decideGroupImage finds what has to be done to get from the state to the plan. Plan and apply both ask it, so that the apply does what was planned.
func decideGroupImage(ctx context.Context, state, plan groupImageModel) groupImageIntent {
	decided := groupImageIntent{update: !plan.DisplayName.Equal(state.DisplayName) || !plan.Description.Equal(state.Description) ||
		!plan.Group.Equal(state.Group) || !plan.Type.Equal(state.Type) || !plan.Global.Equal(state.Global) || !plan.Groups.Equal(state.Groups) || !plan.Existing.Equal(state.Existing)}
	if plan.Build.IsNull() {
		return decided
	}
	before, _ := recipeOf(ctx, state.Build)
	after, whole := recipeOf(ctx, plan.Build)
	triggers, triggersKnown := changedKeys(state.Triggers, plan.Triggers)
	if !whole || !triggersKnown {
		decided.task, decided.reason = taskRebuild, types.StringUnknown()
		return decided
	}
	reasons := recipeChanges(before, after)
	if len(triggers) > 0 {
		reasons = append(reasons, "triggers changed: "+strings.Join(triggers, ", "))
	}
	switch phase := state.Phase.ValueString(); phase {
	case phaseFailed, phaseCancelled:
		reasons = append(reasons, "the last build "+map[string]string{phaseFailed: "failed", phaseCancelled: "was cancelled"}[phase])
	case phaseSucceeded:
	default:
		decided.task, decided.reason = taskAwait, types.StringValue("a build that was not waited for is under way")
	}
	if len(reasons) > 0 {
		decided.task, decided.reason = taskRebuild, types.StringValue(strings.Join(reasons, "; "))
	}
	return decided
}

// ModifyPlan implements resource.ResourceWithModifyPlan. It finds the group, and gives all computed values at once: kept where nothing is to be done, unknown where
// an apply will tell, and the reason of a build always.
func (r *groupImageResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return // A destroy needs no plan of ours.
	}
	var plan, config groupImageModel
	var state *groupImageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !req.State.Raw.IsNull() {
		state = &groupImageModel{}
		resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.planAccess(ctx, &plan, config, state, req.Private)...)
	resp.Diagnostics.Append(r.checkSecret(ctx, plan, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.checkGroups(ctx, plan, state)...); resp.Diagnostics.HasError() {
		return
	}
	if state == nil {
		plan.groupImageFacts, plan.RebuildReason = unknownGroupImageFacts(), types.StringNull()
		plan.Endpoint = r.endpoint(types.StringUnknown())
	} else {
		plan.Endpoint = r.endpoint(state.Endpoint)
		takeOverTriggers(ctx, req.Private, &state.Triggers, plan.Triggers)
		resp.RequiresReplace.Append(plan.planChange(ctx, *state)...)
	}
	if len(resp.RequiresReplace) == 0 { // what replaces an image is planned once more, as a new one
		resp.Diagnostics.Append(r.checkName(plan.Name, req.Config.Raw, state == nil)...)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// checkName refuses a name that another resource has, where both are planned by one provider.
func (r *groupImageResource) checkName(name types.String, config tftypes.Value, creates bool) diag.Diagnostics {
	if name.ValueString() == "" || r.clients == nil || !r.primehub.planned.twice(name.ValueString(), plannedName{config, creates}) {
		return nil
	}
	return diag.Diagnostics{diags.GroupImageTwice(name.ValueString())}
}

// planChange plans what is to be done with an image that exists. It returns the attributes that force a replacement, because the platform cannot change them.
func (m *groupImageModel) planChange(ctx context.Context, state groupImageModel) path.Paths {
	var replace path.Paths
	if !m.Name.Equal(state.Name) {
		replace.Append(pathName)
	}
	if m.Existing.IsNull() != state.Existing.IsNull() || m.Build.IsNull() != state.Build.IsNull() {
		replace.Append(pathExisting, path.Root("build"))
	}
	if len(replace) > 0 {
		m.groupImageFacts, m.RebuildReason = unknownGroupImageFacts(), types.StringNull()
		return replace
	}
	intended := decideGroupImage(ctx, state, *m)
	m.keepComputed(state)
	switch {
	case intended.task != taskNone:
		m.groupImageFacts, m.RebuildReason = unknownGroupImageFacts(), intended.reason
		m.LogURL = state.LogURL
	case m.Build.IsNull() && (!m.Existing.Equal(state.Existing) || !m.Type.Equal(state.Type)):
		m.expectAddress(ctx)
	}
	return nil
}

// expectAddress plans the facts that follow from where an existing image is.
func (m *groupImageModel) expectAddress(ctx context.Context) {
	m.IsReady = types.BoolUnknown()
	m.URL, m.URLForGPU, m.ImagePullSecret = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	if existing, ok := asModel[existingModel](ctx, m.Existing); ok && !existing.URL.IsUnknown() {
		m.URL, m.IsReady = existing.URL, types.BoolValue(true)
	}
}

// changedKeys are the names of the values that differ, sorted, and whether that can be told.
func changedKeys(before, after types.Map) (changed []string, known bool) {
	known = !after.IsUnknown()
	old, values := before.Elements(), after.Elements()
	for key, value := range values {
		if value.IsUnknown() {
			known = false
		}
		if prior, found := old[key]; !found || !prior.Equal(value) {
			changed = append(changed, key)
		}
	}
	for key := range old {
		if _, found := values[key]; !found {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	return changed, known
}
