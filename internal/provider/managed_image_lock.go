package provider

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// planLock finds out which versions the image will hold, where something is to be built, or where versions may move. What
// cannot be found out from here is left to the apply, with a warning.
func (r *managedImageResource) planLock(
	ctx context.Context, registry imageregistry.Registry, plan *managedImageModel, config, state managedImageModel, t task, keep string,
	note func(private []byte),
) (d diag.Diagnostics) {
	locker, locks := registry.(imageregistry.Locker)
	creating, builds := t == taskCreate, t >= taskRepair
	always := plan.PipUpgrade.ValueString() == pipUpgradeAlways
	switch {
	case registry != nil && !locks:
		if builds {
			plan.Pylock = types.StringNull()
		}
		return nil
	case !locks, !builds && (t != taskNone || !always):
		return nil
	}
	spec, whole := plan.spec()
	if !whole || config.PythonVersion.IsUnknown() || plan.leavesLockOpen(creating) {
		return nil
	}
	spec.Lock = imageregistry.Lock{}
	request := imageregistry.LockRequest{Spec: spec, Keep: keep}
	if always {
		request.Keep = ""
	}
	lock, ok, err := r.findLock(ctx, registry, locker, request, creating && plan.AdoptExisting.ValueBool(), note)
	switch {
	case err == nil && !ok:
		return nil
	case err != nil && !builds: // the image is as it should be
		return diag.Diagnostics{diags.UpgradesNotChecked(plan.Name.ValueString(), err)}
	case err != nil && outOfReach(err):
		return diag.Diagnostics{diags.LockNotPlanned(plan.Name.ValueString(), err)}
	case err != nil:
		return diag.Diagnostics{diags.LockFailed(spec, err)}
	case lock.Open != "" && !builds: // it was said when the image was built
		return nil
	case lock.Open != "":
		return diag.Diagnostics{diags.LockOpen(plan.Name.ValueString(), lock.Open)}
	case !builds && lock.Pylock == state.Pylock.ValueString():
		return nil
	case !builds:
		plan.expectBuild(state, types.StringNull())
	}
	plan.setLock(ctx, lock, &d)
	if len(lock.Sources) > 0 {
		d.Append(diags.BuiltFromSource(plan.Name.ValueString(), lock.Sources))
	}
	return d
}

// outOfReach tells errors that say of themselves that this machine has no way to what was asked.
func outOfReach(err error) bool {
	type unreached interface {
		error
		OutOfReach() bool
	}
	found, ok := errors.AsType[unreached](err)
	return ok && found.OutOfReach()
}

// findLock asks for the lock, or finds it where the plan left it that is carried out now: what was planned holds, although an
// image may have come since then that is to be adopted. It is not ok where one that is there tells its own versions.
func (r *managedImageResource) findLock(
	ctx context.Context, registry imageregistry.Registry, locker imageregistry.Locker, request imageregistry.LockRequest, adopts bool,
	note func(private []byte),
) (lock imageregistry.Lock, ok bool, err error) {
	question := lockQuestion(registry, request.Spec)
	if r.memory.Recall(question, &lock) {
		note(r.memory.Remember(question, lock))
		return lock, true, nil
	}
	if adopts && mayFind(ctx, registry, request.Spec.Name) {
		return lock, false, nil
	}
	if lock, err = locker.Lock(ctx, request); err == nil && lock.Base.Digest != "" {
		note(r.memory.Remember(question, lock))
	}
	return lock, true, err
}

// lockQuestion is what a plan remembers the lock by.
func lockQuestion(registry imageregistry.Registry, spec imageregistry.Spec) string {
	question := spec.Name + " " + spec.Hash()
	if locator, ok := registry.(imageregistry.Locator); ok {
		question = locator.Location() + " " + question
	}
	return question
}

// leavesLockOpen tells a plan that could not keep what it promised: one whose name is unknown could not be told from others when
// it is carried out, and one whose triggers are may have to move everything or nothing.
func (m *managedImageModel) leavesLockOpen(creating bool) bool {
	_, known := m.triggerValues()
	return m.Name.IsUnknown() || !creating && !known
}

// mayFind tells that there may be an image of that name, which has versions of its own.
func mayFind(ctx context.Context, registry imageregistry.Registry, name string) bool {
	_, err := registry.Get(ctx, name)
	return !errors.Is(err, imageregistry.ErrNotFound)
}

// setLock puts what the image will hold into the plan.
func (m *managedImageModel) setLock(ctx context.Context, lock imageregistry.Lock, d *diag.Diagnostics) {
	m.Pylock = textValue(lock.Pylock)
	if lock.Base.Digest == "" { // nothing is installed
		return
	}
	if lock.Libraries != nil {
		versions, more := types.MapValueFrom(ctx, types.StringType, versionsByName(lock.Libraries))
		d.Append(more...)
		m.PipLibraries = versions
	}
	base, more := types.ObjectValueFrom(ctx, imageReferenceType.AttrTypes, newImageReferenceModel(lock.Base))
	d.Append(more...)
	m.BaseImage = base
}

// lock is what the plan says that the image will hold; zero where it leaves that to the apply.
func (m *managedImageModel) lock() imageregistry.Lock {
	reference, ok := imageReference(m.BaseImage)
	if m.Pylock.IsUnknown() || !ok {
		return imageregistry.Lock{}
	}
	lock := imageregistry.Lock{Pylock: m.Pylock.ValueString(), Base: reference}
	for name, version := range m.PipLibraries.Elements() {
		if text, ok := version.(types.String); ok {
			lock.Libraries = append(lock.Libraries, imageregistry.PipLibrary{Name: name, Version: text.ValueString()})
		}
	}
	return lock
}

// imageReference is the reference that the object holds. It is not ok where the object is unknown, or none with a digest.
func imageReference(object types.Object) (reference imageregistry.ImageReference, ok bool) {
	text := func(name string) string {
		value, _ := object.Attributes()[name].(types.String)
		return value.ValueString()
	}
	reference = imageregistry.ImageReference{
		Name: text("name"), ReferenceType: imageregistry.ReferenceType(text("reference_type")), Digest: text("digest"),
	}
	return reference, reference.Digest != ""
}

// versionChanges says which versions move from the state to the plan, empty where none do or the plan does not know.
func versionChanges(state, plan managedImageModel) string {
	if plan.Pylock.IsUnknown() || plan.Pylock.Equal(state.Pylock) {
		return ""
	}
	if plan.PipLibraries.IsUnknown() {
		return "the lock changed"
	}
	changes := setChanges(textsByName(state.PipLibraries), textsByName(plan.PipLibraries))
	switch {
	case changes != "":
		return "pip libraries change: " + changes
	case state.Pylock.IsNull():
		return "the image was built without a lock"
	}
	return "other files of the same versions"
}

func textsByName(m types.Map) map[string]string {
	texts := map[string]string{}
	for name, value := range m.Elements() {
		if text, ok := value.(types.String); ok {
			texts[name] = strings.TrimSpace(text.ValueString())
		}
	}
	return texts
}

// reasonOr is the reason, or the other one where the task has none.
func (i intent) reasonOr(other types.String) types.String {
	if i.task == taskNone {
		return other
	}
	return i.reason
}
