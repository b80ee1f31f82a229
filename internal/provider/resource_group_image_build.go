package provider

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

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
		tflog.Warn(ctx, "who may use the image was not written: writing it again", map[string]any{"image": spec.Name, "error": err.Error()})
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

// change makes the image what the plan says, and gives it to those that the plan names.
func (m *groupImageModel) change(ctx context.Context, client *primehub.Client) error {
	update, err := m.difference(ctx, client)
	if err != nil {
		return err
	}
	return client.Update(ctx, m.Name.ValueString(), update)
}

// verifyAccess gives the image to those that the plan names, where they do not have it. After a replacement under the same name the platform may take it from them once
// more (contracts/primehub-api.md §4.4).
func (m *groupImageModel) verifyAccess(ctx context.Context, client *primehub.Client) error {
	update, err := m.difference(ctx, client)
	if err != nil || update.Global == nil && len(update.Connect)+len(update.Disconnect) == 0 {
		return err
	}
	return client.Update(ctx, m.Name.ValueString(), update)
}

// difference is the update that makes the image what the plan says: everything of it that is always sent, and who may use it from now on or no longer.
func (m *groupImageModel) difference(ctx context.Context, client *primehub.Client) (primehub.Update, error) {
	update := m.update(ctx)
	image, err := client.Get(ctx, m.Name.ValueString())
	if err != nil {
		return update, err
	}
	if global := m.Global.ValueBool(); global != image.Global {
		update.Global = &global
	}
	wanted, has := m.groupNames(), accessOf(image)
	groups, err := findGroups(ctx, client, slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return slices.Contains(has, name) }))
	if err != nil {
		return update, err
	}
	for _, group := range groups {
		update.Connect = append(update.Connect, group.ID)
	}
	for _, group := range image.Groups {
		if slices.Contains(has, group.Name) && !slices.Contains(wanted, group.Name) {
			update.Disconnect = append(update.Disconnect, group.ID)
		}
	}
	return update, nil
}

// startGroupImage sets a build going, or finds the one that is under way.
func startGroupImage(ctx context.Context, client *primehub.Client, t task, plan groupImageModel) (primehub.BuildRef, error) {
	name := plan.Name.ValueString()
	if t == taskAwait {
		image, err := client.Get(ctx, name)
		return image.Resume(), err
	}
	recipe, _ := recipeOf(ctx, plan.Build)
	return client.Rebuild(ctx, name, recipe)
}

// await waits for a build. When the wait is cut short, it cancels a build of ours first.
func (m *groupImageModel) await(ctx context.Context, client *primehub.Client, op diags.PrimeHubOperation, ref primehub.BuildRef, ours bool) diag.Diagnostics {
	if m.Build.IsNull() {
		return nil
	}
	_, err := client.AwaitBuild(ctx, ref, groupImageProgress(ctx, ref.Name))
	stuck, _ := errors.AsType[*primehub.BuildUnfinishedError](err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil || stuck == nil || stuck.MissingSecret != "":
		return diag.Diagnostics{diags.FromPrimeHub(op, ref.Name, err)}
	}
	unfinished := diags.UnfinishedPrimeHubBuild{Name: ref.Name, Cause: context.Cause(ctx), Wait: err, Cancel: diags.ErrBuildNotOurs}
	if ours {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		unfinished.Cancel = client.CancelBuild(stop, ref.Name)
		if image, err := client.Get(stop, ref.Name); err == nil && image.Build != nil && phaseName(*image.Build) == phaseSucceeded {
			return nil // it ended just in time
		}
	}
	return diag.Diagnostics{unfinished.Diagnostic()}
}

// look takes over what the platform tells about the image now, even for a caller who was interrupted. What the image is asked to be stays as it was planned; if
// somebody has changed that meanwhile, the next plan shows it.
func (m *groupImageModel) look(ctx context.Context, client *primehub.Client) diag.Diagnostics {
	var d diag.Diagnostics
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	image, err := client.Get(detached, m.Name.ValueString())
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
