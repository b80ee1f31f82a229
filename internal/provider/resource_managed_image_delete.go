package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/embedded"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// errMadeAnew is an image that another than the state's has taken the name of.
var errMadeAnew = errors.New("the image was created anew")

// Delete implements resource.Resource.
func (r *managedImageResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state managedImageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	name := state.Name.ValueString()
	if state.retained() {
		tflog.Info(ctx, "managed image is kept, as its deletion_policy says", map[string]any{"image": name})
		return
	}
	if r.created.has(name) {
		tflog.Info(ctx, "managed image was created anew under its name before the old one was to go: leaving it", map[string]any{"image": name})
		return
	}
	ctx, cancel := withTimeout(ctx, "delete", state.Timeouts.Delete, defaultDeleteTimeout, &resp.Diagnostics)
	defer cancel()
	registry, err := r.registry(ctx)
	if err == nil {
		err = state.remove(ctx, registry)
	}
	left, emptied := errors.AsType[*embedded.RepositoryLeftError](err)
	switch {
	case errors.Is(err, errMadeAnew):
		resp.Diagnostics.Append(diags.ImageMadeAnew(name))
	case err != nil && state.DeletionPolicy.ValueString() == deletionPolicyRetain:
		resp.Diagnostics.Append(diags.Warnings(diag.Diagnostics{diags.FromError(diags.DeleteImage, name, err)})...)
	case emptied: // The image is gone, and no state would lead anybody back to the repository.
		resp.Diagnostics.Append(diags.RepositoryLeft(name, left))
	case err != nil && !errors.Is(err, imageregistry.ErrNotFound):
		resp.Diagnostics.Append(diags.FromError(diags.DeleteImage, name, err))
	}
}

// retained tells whether the image is only to be forgotten. Of one that never was anything but a failed build, there is nothing to keep, and it would be in the way of its repair.
func (m *managedImageModel) retained() bool {
	nothing := m.Status.ValueString() == string(imageregistry.StatusFailed) && m.neverBuilt()
	return m.DeletionPolicy.ValueString() == deletionPolicyRetain && !nothing
}

// neverBuilt tells a state whose image had one build, which ended badly: nothing was ever published of it.
func (m *managedImageModel) neverBuilt() bool {
	build := m.knownBuild()
	return build.ID != "" && build.Status.Ended() && build.Status != imageregistry.BuildSucceeded && m.ImageDigest.ValueString() == ""
}

// remove deletes the image, unless it is another: then it is errMadeAnew.
func (m *managedImageModel) remove(ctx context.Context, registry imageregistry.Registry) error {
	name := m.Name.ValueString()
	if m.mayBeMadeAnew() {
		image, err := registry.Get(ctx, name)
		if err != nil {
			return m.confirmAbsence(registry, err)
		}
		if m.madeAnew(image) {
			return errMadeAnew
		}
	}
	return m.confirmAbsence(registry, registry.Delete(ctx, name))
}

// confirmAbsence makes an error of "not found" in another place than the state's: there, nobody has looked.
func (m *managedImageModel) confirmAbsence(registry imageregistry.Registry, err error) error {
	was := m.Registry.ValueString()
	locator, ok := registry.(imageregistry.Locator)
	if !ok || was == "" || !errors.Is(err, imageregistry.ErrNotFound) {
		return err
	}
	if here := locator.Location(); here != was {
		return &diags.OtherRegistryError{Want: was, Got: here}
	}
	return err
}

// mayBeMadeAnew tells a state whose image may not be the one that the registry has under its name: a first build that ended badly is repaired, with
// create_before_destroy, by an image of the same generated name, and Terraform may stop before it has destroyed what was there before.
func (m *managedImageModel) mayBeMadeAnew() bool { return !m.NamePrefix.IsNull() && m.neverBuilt() }

// madeAnew tells whether that happened. A registry that names no builds has made another image of a failed one only if it was created anew.
func (m *managedImageModel) madeAnew(image imageregistry.Image) bool {
	switch {
	case !m.mayBeMadeAnew():
		return false
	case image.BuildID != "":
		return image.BuildID != m.knownBuild().ID
	default:
		return !image.Status.Broken()
	}
}
