package provider

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// accessInterval is the time between two looks at who may use an image: each costs the platform a question to Keycloak for every group.
const accessInterval = 2 * time.Second

// createGroupImage creates the image. The platform writes who may use it last, and does not take the image back when that fails: then the error comes together with the image,
// unless a second attempt repairs it.
func createGroupImage(ctx context.Context, client *primehub.Client, plan groupImageModel, generated bool) (primehub.Image, error) {
	spec := plan.spec(ctx)
	spec.Generated = generated
	groups, err := findGroups(ctx, client, plan.groupNames())
	if err != nil {
		return primehub.Image{}, err
	}
	owner := plan.Group.ValueString()
	for _, group := range groups {
		if group.Name == owner {
			spec.Owner = group
			continue
		}
		spec.Groups = append(spec.Groups, group)
	}
	image, err := client.Create(ctx, spec)
	if _, incomplete := errors.AsType[*primehub.IncompleteError](err); incomplete && image.Name != "" && ctx.Err() == nil {
		tflog.Warn(ctx, "who may use the image was not written: writing it again", map[string]any{"image": spec.Name, "error": redact.Text(err.Error())})
		err = plan.verifyAccess(ctx, client)
	}
	return image, err
}

// findGroups finds groups by their names, before anything is changed.
func findGroups(ctx context.Context, client *primehub.Client, names []string) ([]primehub.GroupRef, error) {
	found := make([]primehub.GroupRef, 0, len(names))
	for _, name := range names {
		group, err := client.Group(ctx, name)
		if err != nil {
			return nil, err
		}
		found = append(found, group.GroupRef)
	}
	return found, nil
}

// change makes the image what the plan says, and gives it to those that the plan names instead of those of the state.
func (m *groupImageModel) change(ctx context.Context, client *primehub.Client, state groupImageModel) error {
	update, err := m.difference(ctx, client, state.groupNames())
	if err != nil {
		return err
	}
	return client.Update(ctx, m.Name.ValueString(), update)
}

// verifyAccess gives the image to those that the plan names, where they do not have it.
func (m *groupImageModel) verifyAccess(ctx context.Context, client *primehub.Client) error {
	update, err := m.difference(ctx, client, nil)
	if err != nil || update.Global == nil && len(update.Connect)+len(update.Disconnect) == 0 {
		return err
	}
	return client.Update(ctx, m.Name.ValueString(), update)
}

// ensureAccess is verifyAccess for an image that was just made. After a replacement under the same name the platform may take the image from everybody once more, some time later
// (internal/primehub/CONTRACT.md §4.4), so that it is looked at until then, or until the caller wants to be gone.
func (m *groupImageModel) ensureAccess(ctx context.Context, client *primehub.Client) error {
	until := client.RelapsesUntil(m.Name.ValueString())
	if len(m.Groups.Elements()) == 0 && !m.Global.ValueBool() {
		until = time.Time{} // nobody has anything to lose
	}
	for {
		err := m.verifyAccess(ctx, client)
		left := time.Until(until)
		if left <= 0 || httpx.Sleep(ctx, min(left, accessInterval)) != nil {
			return err
		}
	}
}

// difference is the update that makes the image what the plan says: everything of it that is always sent, and who may use
// it from now on or no longer. before are those who might use it by the state.
func (m *groupImageModel) difference(ctx context.Context, client *primehub.Client, before []string) (primehub.Update, error) {
	update := m.update(ctx)
	image, err := client.Get(ctx, m.Name.ValueString())
	if err != nil {
		return update, err
	}
	if global := m.Global.ValueBool(); global != image.Global {
		update.Global = &global
	}
	wanted, has := m.groupNames(), accessOf(image, "")
	groups, err := findGroups(ctx, client, slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return slices.Contains(has, name) }))
	if err != nil {
		return update, err
	}
	for _, group := range groups {
		update.Connect = append(update.Connect, group.ID)
	}
	for _, group := range image.Groups {
		// A group image leaves alone whom an administrator has let in besides its group.
		leaves := update.Group == "" || group.Name == image.Group || slices.Contains(before, group.Name)
		if leaves && !slices.Contains(wanted, group.Name) {
			update.Disconnect = append(update.Disconnect, group.ID)
		}
	}
	return update, nil
}

// startGroupImage sets a build going, or finds the one that is under way.
func startGroupImage(ctx context.Context, client *primehub.Client, t task, plan groupImageModel) (primehub.BuildRef, error) {
	name := plan.Name.ValueString()
	if t == taskAwait {
		image, err := client.Peek(ctx, name)
		return image.Resume(), err
	}
	recipe, _ := recipeOf(ctx, plan.Build)
	return client.Rebuild(ctx, name, recipe)
}

// finish does what is left to do for an image that was just made and is in the state: it waits for the build, and sees to it that those may use the image who are to. incomplete
// is what of that went wrong in the create already. What goes wrong with an image that can be used is a warning, as a later apply makes it good; see [diags.Warnings].
func (m *groupImageModel) finish(ctx context.Context, client *primehub.Client, ref primehub.BuildRef, incomplete error) diag.Diagnostics {
	var d diag.Diagnostics
	if m.Build.IsNull() {
		d.Append(diags.Warnings(m.look(ctx, client))...)
	} else {
		d.Append(m.await(ctx, client, diags.AwaitGroupImage, ref, true)...)
	}
	if ctx.Err() == nil && !d.HasError() { // one who was interrupted wants to be gone; the next plan shows what is missing
		incomplete = m.ensureAccess(ctx, client)
	}
	if incomplete != nil {
		d.Append(diags.Warnings(diag.Diagnostics{diags.FromPrimeHub(diags.FinishGroupImage, m.Name.ValueString(), incomplete)})...)
	}
	return d
}

// await waits for a build, and takes over what the platform tells about the image then. When the wait is cut short, it cancels a build of ours first.
//
// An error leaves an image that was changed in the state, and so is everything that has gone wrong. An error has Terraform
// replace an image that was just created: of that, only what leaves it without an address is one.
func (m *groupImageModel) await(ctx context.Context, client *primehub.Client, op diags.PrimeHubOperation, ref primehub.BuildRef, ours bool) diag.Diagnostics {
	image, err := client.AwaitBuild(ctx, ref, groupImageProgress(ctx, ref.Name))
	var d diag.Diagnostics
	if err == nil {
		m.setFacts(ctx, image, &d)
		return d
	}
	d.Append(m.unbuilt(ctx, client, op, ref, ours, err)...)
	if errors.Is(err, primehub.ErrNotFound) {
		return d
	}
	looked := m.look(ctx, client)
	if !d.HasError() { // else it is the same trouble once more
		d.Append(looked...)
	}
	if op == diags.AwaitGroupImage && m.IsReady.ValueBool() {
		return diags.Warnings(d)
	}
	return d
}

// unbuilt describes a wait that ended with an error, and cancels a build of ours that nobody waits for any more.
func (m *groupImageModel) unbuilt(ctx context.Context, client *primehub.Client, op diags.PrimeHubOperation, ref primehub.BuildRef, ours bool, failure error) diag.Diagnostics {
	_, superseded := errors.AsType[*primehub.BuildSupersededError](failure)
	stuck, _ := errors.AsType[*primehub.BuildUnfinishedError](failure)
	if ctx.Err() == nil || stuck == nil || superseded {
		return diag.Diagnostics{diags.FromPrimeHub(op, ref.Name, failure)}
	}
	unfinished := diags.UnfinishedPrimeHubBuild{
		Name: ref.Name, Cause: context.Cause(ctx), Wait: failure, Cancel: diags.ErrBuildNotOurs, Created: op == diags.AwaitGroupImage,
	}
	if ours {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		unfinished.Cancel = client.CancelBuild(stop, ref.Name)
		if image, err := client.Peek(stop, ref.Name); err == nil && image.Build != nil && phaseName(*image.Build) == phaseSucceeded {
			return nil // it ended just in time
		}
	}
	if stuck.MissingSecret != "" {
		return diag.Diagnostics{diags.FromPrimeHub(op, ref.Name, failure)}
	}
	return diag.Diagnostics{unfinished.Diagnostic()}
}

// look takes over what the platform tells about the image now, even for a caller who was interrupted. What the image is asked to be stays as it was planned; if
// somebody has changed that meanwhile, the next plan shows it.
func (m *groupImageModel) look(ctx context.Context, client *primehub.Client) diag.Diagnostics {
	var d diag.Diagnostics
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	image, err := client.Peek(detached, m.Name.ValueString())
	if err != nil {
		d.Append(diags.FromPrimeHub(diags.ReadGroupImage, m.Name.ValueString(), err))
		return d
	}
	m.setFacts(detached, image, &d)
	return d
}

// groupImageProgress logs each change of the build, with the time since the wait began.
func groupImageProgress(ctx context.Context, name string) func(primehub.Progress) {
	began := time.Now()
	var last primehub.Progress
	return func(now primehub.Progress) {
		if now == last && now != (primehub.Progress{}) {
			return
		}
		last = now
		tflog.Info(ctx, "waiting for PrimeHub image", map[string]any{
			"image": name, "phase": string(now.Phase), "hint": now.Hint, "elapsed": time.Since(began).Round(time.Second).String(),
		})
	}
}
