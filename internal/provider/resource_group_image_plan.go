package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

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
		!plan.Type.Equal(state.Type) || !plan.Global.Equal(state.Global) || !plan.Groups.Equal(state.Groups) || !plan.Existing.Equal(state.Existing)}
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
	if lost, _ := entriesOf(state.DroppedPackages); len(lost) > 0 && len(reasons) == 0 {
		reasons = append(reasons, "PrimeHub has dropped packages: "+strings.Join(lost, ", "))
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
	resp.Diagnostics.Append(r.planAccess(ctx, &plan, config, state)...)
	resp.Diagnostics.Append(r.checkSecret(ctx, plan, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if state == nil {
		plan.groupImageFacts, plan.RebuildReason = unknownGroupImageFacts(), types.StringNull()
	} else {
		takeOverTriggers(ctx, req.Private, &state.Triggers, plan.Triggers)
		resp.RequiresReplace.Append(plan.planChange(ctx, *state)...)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// planAccess plans whose the image is, and who may use it. state is nil for an image that is to be created.
func (r *groupImageResource) planAccess(ctx context.Context, plan *groupImageModel, config groupImageModel, state *groupImageModel) diag.Diagnostics {
	var d diag.Diagnostics
	plan.Group = config.Group
	if config.Group.IsNull() {
		plan.Group = r.defaultGroup()
		if plan.Group.IsUnknown() && state != nil {
			plan.Group = state.Group
		}
	}
	group := plan.Group.ValueString()
	if config.Global.IsNull() {
		plan.Global = types.BoolValue(false)
		if group != "" && state != nil {
			plan.Global = state.Global // whom an administrator has let in besides the group is none of its business
		}
	}
	if group != "" && config.Global.ValueBool() {
		d.Append(diags.GroupImageAccess("global", group))
	}
	d.Append(plan.planGroups(ctx, config.Groups)...)
	return d
}

// planGroups plans who may use the image. That of a group is for its group alone; Terraform itself configures just that for one that it imports.
func (m *groupImageModel) planGroups(ctx context.Context, configured types.Set) diag.Diagnostics {
	var d diag.Diagnostics
	group := m.Group.ValueString()
	own := groupSet(ctx, []string{group}, &d)
	known := !configured.IsUnknown() && !slices.ContainsFunc(configured.Elements(), attr.Value.IsUnknown)
	switch {
	case m.Group.IsUnknown() && configured.IsNull():
		m.Groups = types.SetUnknown(types.StringType)
	case group == "" && configured.IsNull():
		m.Groups = groupSet(ctx, nil, &d)
	case group != "" && configured.IsNull():
		m.Groups = own
	case group != "" && known && !configured.Equal(own):
		d.Append(diags.GroupImageAccess("groups", group))
	}
	return d
}

// defaultGroup is the group that is meant where a resource names none.
func (r *groupImageResource) defaultGroup() types.String {
	if r.clients == nil {
		return types.StringUnknown()
	}
	return r.primehub.group
}

// planChange plans what is to be done with an image that exists. It returns the attributes that force a replacement, because the platform cannot change them.
func (m *groupImageModel) planChange(ctx context.Context, state groupImageModel) path.Paths {
	var replace path.Paths
	if !m.Name.Equal(state.Name) {
		replace.Append(pathName)
	}
	if !m.Group.Equal(state.Group) {
		replace.Append(path.Root("group"))
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
