package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

var (
	pathName     = path.Root("name")
	pathExisting = path.Root("existing")
)

// groupImageModel is the state of a rime_group_image.
type groupImageModel struct {
	Endpoint      types.String  `tfsdk:"endpoint"`
	Name          types.String  `tfsdk:"name"`
	Groups        types.Set     `tfsdk:"groups"`
	Existing      types.Object  `tfsdk:"existing"`
	Triggers      types.Map     `tfsdk:"triggers"`
	RebuildReason types.String  `tfsdk:"rebuild_reason"`
	Timeouts      timeoutsValue `tfsdk:"timeouts"`
	groupImageInputs
	groupImageFacts
}

// setImage takes over the image as it is now. owner is the group that it belongs to for Terraform, which somebody may have changed.
func (m *groupImageModel) setImage(ctx context.Context, image primehub.Image, owner string) diag.Diagnostics {
	var d diag.Diagnostics
	m.setInputs(ctx, image, &d)
	m.setFacts(ctx, image, &d)
	m.Groups = groupSet(ctx, accessOf(image, owner), &d)
	if image.Build == nil {
		m.Existing = existingObject(ctx, m.Existing, image, &d)
	} else {
		m.Existing = types.ObjectNull(existingType.AttrTypes)
	}
	m.Existing, m.Build = slipped(ctx, "existing", m.Existing), slipped(ctx, "build", m.Build)
	return d
}

func groupSet(ctx context.Context, names []string, d *diag.Diagnostics) types.Set {
	set, more := types.SetValueFrom(ctx, types.StringType, append([]string{}, names...))
	d.Append(more...)
	return set
}

// foresee gives what the platform tells about an image that was just changed, before it is asked: as it was, but for what follows from the change. Nothing is unknown then,
// whatever comes of the question.
func (m *groupImageModel) foresee(ctx context.Context, state groupImageModel, t task, ref primehub.BuildRef) {
	elsewhere := m.URLForGPU.IsUnknown()
	m.groupImageFacts = state.groupImageFacts
	switch existing := m.existing(ctx); {
	case t == taskRebuild:
		m.Phase, m.UpdatedAt = types.StringValue(phaseWaiting), timeValue(ref.RequestedAt)
	case elsewhere && existing != nil:
		m.URL, m.URLForGPU, m.ImagePullSecret = textValue(existing.URL), textValue(existing.URL), textValue(existing.PullSecret)
		if m.Type.ValueString() == string(primehub.TypeUniversal) {
			m.URLForGPU = textValue(cmp.Or(existing.URLForGPU, existing.URL))
		}
		m.IsReady = types.BoolValue(existing.URL != "")
	}
	if t == taskNone {
		m.RebuildReason = state.RebuildReason
	}
}

// keepComputed keeps what the platform told the last time.
func (m *groupImageModel) keepComputed(state groupImageModel) {
	m.groupImageFacts, m.RebuildReason = state.groupImageFacts, state.RebuildReason
}

// groupNames are the names of the groups that may use the image, sorted.
func (m *groupImageModel) groupNames() []string {
	var names []string
	for _, element := range m.Groups.Elements() {
		if text, ok := element.(types.String); ok && text.ValueString() != "" {
			names = append(names, text.ValueString())
		}
	}
	slices.Sort(names)
	return names
}

// existing is the address of an image that is not built, or nil.
func (m *groupImageModel) existing(ctx context.Context) *primehub.Existing {
	model, ok := asModel[existingModel](ctx, m.Existing)
	if !ok {
		return nil
	}
	return &primehub.Existing{URL: model.URL.ValueString(), URLForGPU: model.URLForGPU.ValueString(), PullSecret: model.PullSecret.ValueString()}
}

// spec is the request for the image. Its groups are still to be found.
func (m *groupImageModel) spec(ctx context.Context) primehub.Spec {
	spec := primehub.Spec{
		Name:        m.Name.ValueString(),
		DisplayName: m.DisplayName.ValueString(),
		Description: m.Description.ValueString(),
		Type:        primehub.Type(m.Type.ValueString()),
		Global:      m.Global.ValueBool(),
		Existing:    m.existing(ctx),
	}
	if !m.Build.IsNull() {
		recipe, _ := recipeOf(ctx, m.Build)
		spec.Recipe = &recipe
	}
	return spec
}

// update is what the image is to be from now on. Who may use it is still to be found out.
func (m *groupImageModel) update(ctx context.Context) primehub.Update {
	return primehub.Update{
		DisplayName: m.DisplayName.ValueString(),
		Description: m.Description.ValueString(),
		Type:        primehub.Type(m.Type.ValueString()),
		Group:       m.Group.ValueString(),
		Existing:    m.existing(ctx),
	}
}

// recipeChanges says in words how the second recipe differs from the first, one phrase for each part.
func recipeChanges(before, after primehub.Recipe) []string {
	var changes []string
	if before.BaseImage != after.BaseImage {
		changes = append(changes, fmt.Sprintf("base image changed: %s -> %s", before.BaseImage, after.BaseImage))
	}
	if before.PullSecret != after.PullSecret {
		changes = append(changes, "pull secret of the base image changed")
	}
	for _, list := range []struct {
		name          string
		before, after []string
	}{
		{"apt", before.Packages.Apt, after.Packages.Apt},
		{"conda", before.Packages.Conda, after.Packages.Conda},
		{"pip", before.Packages.Pip, after.Packages.Pip},
	} {
		if !slices.Equal(list.before, list.after) {
			changes = append(changes, list.name+" packages changed: "+listChanges(list.before, list.after))
		}
	}
	return changes
}

// listChanges is like "+ pandas, - scipy", or says that only the order is another one.
func listChanges(before, after []string) string {
	missing := func(from, in []string) []string {
		rest := slices.Clone(in)
		var missing []string
		for _, token := range from {
			if i := slices.Index(rest, token); i >= 0 {
				rest = slices.Delete(rest, i, i+1)
				continue
			}
			missing = append(missing, token)
		}
		return missing
	}
	var all []string
	for _, token := range missing(after, before) {
		all = append(all, "+ "+token)
	}
	for _, token := range missing(before, after) {
		all = append(all, "- "+token)
	}
	if hidden := len(all) - maxChangesShown; hidden > 0 {
		all = append(all[:maxChangesShown], fmt.Sprintf("and %d more", hidden))
	}
	if len(all) == 0 {
		return "another order"
	}
	return strings.Join(all, ", ")
}
