package provider

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// groupImageInputs is what an image is asked to be. Embedded in the models of the resource and of the data sources.
type groupImageInputs struct {
	DisplayName types.String `tfsdk:"display_name"`
	Description types.String `tfsdk:"description"`
	Type        types.String `tfsdk:"type"`
	Group       types.String `tfsdk:"group"`
	Global      types.Bool   `tfsdk:"global"`
	Build       types.Object `tfsdk:"build"`
}

// groupImageFacts is what the platform tells about an image. Embedded in the models of the resource and of the data sources.
type groupImageFacts struct {
	IsReady         types.Bool   `tfsdk:"is_ready"`
	Phase           types.String `tfsdk:"phase"`
	URL             types.String `tfsdk:"url"`
	URLForGPU       types.String `tfsdk:"url_for_gpu"`
	ImagePullSecret types.String `tfsdk:"image_pull_secret"`
	BuiltImage      types.String `tfsdk:"built_image"`
	LogURL          types.String `tfsdk:"log_url"`
	UpdatedAt       types.String `tfsdk:"updated_at"`
	DroppedPackages types.List   `tfsdk:"dropped_packages"`
}

// unknownGroupImageFacts are the facts of an image that is about to be built.
func unknownGroupImageFacts() groupImageFacts {
	return groupImageFacts{
		IsReady:         types.BoolUnknown(),
		Phase:           types.StringUnknown(),
		URL:             types.StringUnknown(),
		URLForGPU:       types.StringUnknown(),
		ImagePullSecret: types.StringUnknown(),
		BuiltImage:      types.StringUnknown(),
		LogURL:          types.StringUnknown(),
		UpdatedAt:       types.StringUnknown(),
		DroppedPackages: types.ListUnknown(types.StringType),
	}
}

// setInputs takes over what the image is asked to be.
func (m *groupImageInputs) setInputs(ctx context.Context, image primehub.Image, d *diag.Diagnostics) {
	m.DisplayName = types.StringValue(cmp.Or(strings.TrimSpace(image.DisplayName), image.Name))
	m.Description = types.StringValue(image.Description)
	m.Type = types.StringValue(string(image.Type))
	m.Group = types.StringValue(image.Group)
	m.Global = types.BoolValue(image.Global)
	if image.Build == nil {
		m.Build = types.ObjectNull(groupBuildType.AttrTypes)
		return
	}
	m.Build = buildObject(ctx, m.Build, image.Build.Recipe, d)
}

// setFacts takes over what the platform tells about the image.
func (m *groupImageFacts) setFacts(ctx context.Context, image primehub.Image, d *diag.Diagnostics) {
	var entries []string
	*m = groupImageFacts{
		IsReady:         types.BoolValue(image.Ready),
		URL:             textValue(image.URL),
		URLForGPU:       textValue(image.URLForGPU),
		ImagePullSecret: textValue(image.PullSecret),
		LogURL:          textValue(image.LogURL),
	}
	if build := image.Build; build != nil {
		m.Phase = types.StringValue(phaseName(*build))
		m.BuiltImage = textValue(build.BuiltImage)
		m.UpdatedAt = timeValue(build.RequestedAt)
		_, entries = sift(build.Packages)
	}
	var more diag.Diagnostics
	m.DroppedPackages, more = types.ListValueFrom(ctx, types.StringType, append([]string{}, entries...))
	d.Append(more...)
}

// The values of phase that decide what an apply has to do.
const (
	phaseWaiting   = "waiting"
	phaseSucceeded = "succeeded"
	phaseFailed    = "failed"
	phaseCancelled = "cancelled"
)

// phaseName is a build's phase as users see it. A build that was cancelled before its job existed never says so (internal/primehub/CONTRACT.md §4.4).
func phaseName(build primehub.Build) string {
	switch {
	case build.CancelRequested:
		return phaseCancelled
	case build.Phase == primehub.PhaseWaiting:
		return phaseWaiting
	default:
		return strings.ToLower(string(build.Phase))
	}
}

// accessOf are the names of the groups that may use an image, as `groups` has them. An image that belongs to a group, its
// owner, has only that, and the one that somebody else has given it to: what others an administrator has let in besides is
// none of its business.
func accessOf(image primehub.Image, owner string) []string {
	names := make([]string, 0, len(image.Groups))
	for _, group := range image.Groups {
		if owner == "" || group.Name == owner || group.Name == image.Group {
			names = append(names, group.Name)
		}
	}
	slices.Sort(names)
	return names
}
