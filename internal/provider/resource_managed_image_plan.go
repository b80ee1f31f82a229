package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/planmemory"
)

// task is what an apply has to do with an image that exists.
type task int

const (
	// taskNone leaves the image alone; settings that only the state knows may change.
	taskNone task = iota
	// taskAwait waits for a build that is under way.
	taskAwait
	// taskRepair builds from the inputs that the image has; what the builder has cached will do.
	taskRepair
	// taskRebuild builds from the inputs that the image has, from a fresh base and fresh packages.
	taskRebuild
	// taskUpdate builds from other inputs.
	taskUpdate
	// taskCreate builds an image that does not exist.
	taskCreate
)

// intent is a task with its reason, in words for the plan. The reason is unknown while the inputs are.
type intent struct {
	task   task
	reason types.String
	// fresh tells that packages may move to newer versions.
	fresh bool
}

// decide finds what has to be done to get from the state to the plan. Plan and apply both ask it, so that the apply does what was planned. A registry that cannot
// build an image anew sees to outdated images by itself, as a RIME platform does; a nil one is not known yet.
func decide(registry imageregistry.Registry, state, plan managedImageModel) intent {
	before, _ := state.spec()
	after, whole := plan.spec()
	triggers, triggersKnown := changedTriggers(state, plan)
	if !whole || !triggersKnown || plan.PythonVersion.IsUnknown() {
		return intent{taskUpdate, types.StringUnknown(), false}
	}
	reasons := inputChanges(before, after)
	decided := taskNone
	if len(reasons) > 0 {
		decided = taskUpdate
	}
	moves := versionChanges(state, plan)
	if len(triggers) > 0 {
		reasons = append(reasons, "triggers changed: "+strings.Join(triggers, ", "))
		decided = max(decided, taskRebuild)
	}
	status := imageregistry.Status(state.Status.ValueString())
	outdated := status == imageregistry.StatusOutdated && plan.RebuildWhenOutdated.ValueBool() && (registry == nil || canDo(registry, taskRebuild))
	if status.Broken() || outdated {
		reasons = append(reasons, statusReason(status, state.StatusReason.ValueString()))
		decided = max(decided, taskRepair)
	}
	if outdated {
		decided = max(decided, taskRebuild)
	}
	// Otherwise nobody asked for other versions, and what moves with new inputs, or a repair, is seen in pip_libraries.
	fresh := len(triggers) > 0 || outdated
	if moves != "" && (decided == taskNone || fresh) {
		reasons = append(reasons, moves)
		decided = cmp.Or(decided, taskUpdate)
	}
	if decided == taskNone && unfinished(status, state.knownBuild()) {
		return intent{taskAwait, types.StringValue("a build that was not waited for is under way"), false}
	}
	return intent{decided, textValue(strings.Join(reasons, "; ")), fresh}
}

// unfinished tells that a build is under way which an apply has to wait for. A registry that rebuilds images by itself and names no build
// (a RIME platform does, when its own version changes) keeps a usable image meanwhile: that is no drift.
func unfinished(status imageregistry.Status, build imageregistry.Build) bool {
	return status == imageregistry.StatusBuildingFirstTime ||
		(status == imageregistry.StatusRebuilding && build.ID != "" && !build.Status.Ended())
}

// statusReason says why an image in that state is built anew: in the registry's own words, where it has some.
func statusReason(status imageregistry.Status, told string) string {
	switch {
	case told != "":
		return strings.TrimSuffix(told, ".")
	case status == imageregistry.StatusFailed:
		return "the last build failed"
	case status == imageregistry.StatusMissing:
		return "the published image is gone"
	case status == imageregistry.StatusMoved:
		return "the tag of the image refers to something else"
	default:
		return "the base image has moved on"
	}
}

// ModifyPlan implements resource.ResourceWithModifyPlan. It gives all computed values at once: kept where nothing is to be done, unknown where
// a build will tell, and the reason of the build always.
func (r *managedImageResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		resp.Diagnostics.Append(r.planDestroy(ctx, req.State)...)
		return
	}
	var plan, config, state managedImageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	creating := req.State.Raw.IsNull()
	if !creating {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	keep := state.Pylock.ValueString()
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, planmemory.Key, nil)...)
	if resp.Diagnostics.HasError() {
		return
	}
	registry, err := r.registry(ctx)
	if err != nil && !errors.Is(err, diags.ErrNotKnownYet) {
		resp.Diagnostics.Append(diags.FromError(diags.ReadImage, plan.Name.ValueString(), err))
		return
	}
	resp.Diagnostics.Append(r.checkPythonVersion(config.PythonVersion)...)
	resp.Diagnostics.Append(r.checkPackageKind(config.AptPackages)...)
	resp.Diagnostics.Append(r.checkPlatformPips(config)...)
	if !config.NamePrefix.IsNull() {
		plan.Name = config.generatedName()
	}
	plan.Registry = state.Registry
	var intended intent
	switch {
	case creating:
		intended.task, keep = taskCreate, replacedLock(ctx, req.Private)
		plan.Registry = types.StringUnknown()
		if registry != nil {
			plan.locate(registry)
		}
		plan.RebuildReason = types.StringNull()
	case !plan.Name.Equal(state.Name):
		plan.expectBuild(state, types.StringNull())
		resp.RequiresReplace.Append(pathName)
		// Terraform plans what replaces it without the state, but with this.
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, replacedKey, quoted(lockToKeep(state, plan)))...)
		resp.RequiresReplace.Append(plan.changedInputs(state)...)
	default:
		takeOverTriggers(ctx, req.Private, &state.Triggers, plan.Triggers)
		intended = decide(registry, state, plan)
		if intended.fresh {
			keep = ""
		}
		resp.RequiresReplace.Append(plan.planChange(registry, state, intended)...)
	}
	if len(resp.RequiresReplace) == 0 {
		note := func(private []byte) { resp.Diagnostics.Append(resp.Private.SetKey(ctx, planmemory.Key, private)...) }
		resp.Diagnostics.Append(r.planLock(ctx, registry, &plan, config, state, intended.task, keep, note)...)
		if !creating && !resp.Diagnostics.HasError() {
			plan.RebuildReason = decide(registry, state, plan).reasonOr(plan.RebuildReason)
		}
	}
	resp.Diagnostics.Append(r.judge(registry, plan, state, req.Config.Raw, creating, len(resp.RequiresReplace) > 0)...)
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// judge says what there is to say about a plan as a whole. What replaces an image is planned once more, as a new one.
func (r *managedImageResource) judge(
	registry imageregistry.Registry, plan, state managedImageModel, config tftypes.Value, creating, replacing bool,
) (d diag.Diagnostics) {
	if !replacing {
		return r.checkName(plan.Name, config, creating)
	}
	if plan.Name.Equal(state.Name) && state.retained() && !plan.repairsItself(state) {
		d.Append(diags.RetainedInTheWay(state.Name.ValueString()))
		return d
	}
	d.Append(plan.replacement(registry, state))
	return d
}

// planDestroy tells what will be left of the repository. What cannot be found out now is no reason not to plan.
func (r *managedImageResource) planDestroy(ctx context.Context, state tfsdk.State) diag.Diagnostics {
	var m managedImageModel
	if d := state.Get(ctx, &m); d.HasError() {
		return d
	}
	registry, err := r.registry(ctx)
	keeper, shared := registry.(imageregistry.Keeper)
	if err != nil || !shared || m.DeletionPolicy.ValueString() == deletionPolicyRetain {
		return nil
	}
	kept, err := keeper.Kept(ctx, m.Name.ValueString())
	if err != nil || kept == 0 {
		return nil
	}
	return diag.Diagnostics{diags.RepositoryKept(m.Name.ValueString(), m.RepoURI.ValueString(), kept)}
}

// planChange plans what is to be done with an image that keeps its name. It returns the attributes that force a replacement, because the
// registry can only create and delete. A nil registry is one that is not known yet.
func (m *managedImageModel) planChange(registry imageregistry.Registry, state managedImageModel, intended intent) path.Paths {
	if intended.task == taskNone {
		m.keepComputed(state)
		return nil
	}
	m.expectBuild(state, intended.reason)
	if registry == nil || canDo(registry, intended.task) {
		return nil
	}
	if changed := m.changedInputs(state); len(changed) > 0 {
		return changed
	}
	return path.Paths{path.Root("status")} // it is what the image is like that has to change
}

// repairsItself tells a replacement that needs nothing deleted before: its create takes the failed image over and builds it again.
func (m *managedImageModel) repairsItself(state managedImageModel) bool {
	status := imageregistry.Status(state.Status.ValueString())
	return status == imageregistry.StatusFailed && len(m.changedInputs(state)) == 0 && m.mayAdopt(imageregistry.Image{Status: status})
}

// canDo tells whether the registry can do that to an image that exists.
func canDo(registry imageregistry.Registry, t task) bool {
	if _, ok := registry.(imageregistry.Updater); ok || t == taskAwait {
		return true
	}
	_, ok := registry.(imageregistry.Rebuilder)
	return ok && (t == taskRepair || t == taskRebuild)
}

// expectBuild makes unknown what a build will tell, and keeps what it cannot change.
func (m *managedImageModel) expectBuild(state managedImageModel, reason types.String) {
	m.imageFacts = unknownFacts()
	m.Build = types.ObjectUnknown(buildType.AttrTypes)
	m.RebuildReason = reason
	if !m.Name.Equal(state.Name) {
		return
	}
	if !state.RepoURI.IsNull() {
		m.RepoURI = state.RepoURI
	}
	if !state.RoleType.IsNull() {
		m.RoleType = state.RoleType
	}
}

// changedInputs are the paths of what is configured of an image's content and differs, or is not known.
func (m *managedImageModel) changedInputs(state managedImageModel) path.Paths {
	var changed path.Paths
	if !m.PythonVersion.Equal(state.PythonVersion) {
		changed.Append(path.Root("python_version"))
	}
	if !samePips(m.PipRequirements, state.PipRequirements) {
		changed.Append(path.Root("pip_requirements"))
	}
	if !samePips(m.PipConstraints, state.PipConstraints) {
		changed.Append(path.Root("pip_constraints"))
	}
	if !m.PipLockFile.Equal(state.PipLockFile) {
		changed.Append(path.Root("pip_lock_file"))
	}
	if !sameAptPackages(m.AptPackages, state.AptPackages) {
		changed.Append(path.Root("apt_packages"))
	}
	if !sameRockyPackages(m.RockyLinuxPackages, state.RockyLinuxPackages) {
		changed.Append(path.Root("rocky_linux_packages"))
	}
	if names, known := changedTriggers(state, *m); len(names) > 0 || !known {
		changed.Append(path.Root("triggers"))
	}
	return changed
}

// checkPythonVersion refuses a configured Python version that no base image has. One that only the state has is left in peace: an image that needs
// no build needs no base image.
func (r *managedImageResource) checkPythonVersion(asked types.String) diag.Diagnostics {
	var d diag.Diagnostics
	if version := asked.ValueString(); version != "" && len(r.pythonVersions) > 0 && !slices.Contains(r.pythonVersions, version) {
		d.Append(diags.UnsupportedPythonVersion(path.Root("python_version"), version, r.pythonVersions))
	}
	return d
}

// checkPackageKind refuses packages of Debian where only those of Rocky Linux can be installed. A plan that does not know its registry leaves it to the apply.
func (r *managedImageResource) checkPackageKind(apt types.Set) diag.Diagnostics {
	var d diag.Diagnostics
	if names, _ := texts(apt); r.clients != nil && r.rockyLinuxOnly && len(names) > 0 {
		d.Append(diags.AptPackagesOnPlatform(path.Root("apt_packages"), names))
	}
	return d
}

// replacedKey holds, in the private state of a plan, the lock of the image that is replaced by one of another name.
const replacedKey = "replaced_lock"

// lockToKeep is the lock of which an image of another name keeps what fits. Triggers ask for fresh packages.
func lockToKeep(state, plan managedImageModel) string {
	if names, known := changedTriggers(state, plan); len(names) > 0 || !known {
		return ""
	}
	return state.Pylock.ValueString()
}

// replacedLock is the lock of the image that this one replaces, empty for none.
func replacedLock(ctx context.Context, private privateState) (lock string) {
	if text, _ := private.GetKey(ctx, replacedKey); text != nil {
		_ = json.Unmarshal(text, &lock) // we wrote it
	}
	return lock
}

// quoted is the text as JSON, which private states hold.
func quoted(text string) []byte {
	raw, _ := json.Marshal(text) // a string always can be
	return raw
}

// importedKey marks, in the private state, an image that was imported and not applied since.
const importedKey = "imported"

// privateState is what the framework hands to plan and update.
type privateState interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

// takeOverTriggers makes the configured triggers those of an imported image: no registry and no platform keeps them, and an import is no
// reason to build anew.
func takeOverTriggers(ctx context.Context, private privateState, state *types.Map, plan types.Map) {
	if mark, _ := private.GetKey(ctx, importedKey); mark != nil && state.IsNull() {
		*state = plan
	}
}
