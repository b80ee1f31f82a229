package provider

import (
	"context"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// passes is what PrimeHub's controller lets through (internal/primehub/CONTRACT.md §4.6).
var passes = regexp.MustCompile(`^[a-zA-Z0-9_:=.-]+$`)

type existingModel struct {
	URL        types.String `tfsdk:"url"`
	URLForGPU  types.String `tfsdk:"url_for_gpu"`
	PullSecret types.String `tfsdk:"image_pull_secret"`
}

type groupBuildModel struct {
	BaseImageURL types.String `tfsdk:"base_image_url"`
	PullSecret   types.String `tfsdk:"image_pull_secret"`
	Apt          types.List   `tfsdk:"apt_packages"`
	Conda        types.List   `tfsdk:"conda_packages"`
	Pip          types.List   `tfsdk:"pip_packages"`
}

// entriesOf are the texts of a list, and whether all of them are known.
func entriesOf(list types.List) (entries []string, whole bool) {
	whole = !list.IsUnknown()
	for _, element := range list.Elements() {
		text, ok := element.(types.String)
		if !ok || text.IsNull() || text.IsUnknown() {
			whole = false
			continue
		}
		entries = append(entries, text.ValueString())
	}
	return entries, whole
}

// tokensOf are the words of a list, as the platform's portal splits them (internal/primehub/CONTRACT.md §5.4), and whether all of them are known.
func tokensOf(list types.List) (tokens []string, whole bool) {
	entries, whole := entriesOf(list)
	for _, entry := range entries {
		tokens = append(tokens, requirement.SplitEntry(entry)...)
	}
	return tokens, whole
}

// recipeOf is what an object `build` asks for, and whether all of it is known.
func recipeOf(ctx context.Context, object types.Object) (recipe primehub.Recipe, whole bool) {
	build, ok := asModel[groupBuildModel](ctx, object)
	if !ok {
		return recipe, object.IsNull()
	}
	recipe.BaseImage, recipe.PullSecret = build.BaseImageURL.ValueString(), build.PullSecret.ValueString()
	var aptWhole, condaWhole, pipWhole bool
	recipe.Packages.Apt, aptWhole = tokensOf(build.Apt)
	recipe.Packages.Conda, condaWhole = tokensOf(build.Conda)
	recipe.Packages.Pip, pipWhole = tokensOf(build.Pip)
	whole = !build.BaseImageURL.IsUnknown() && !build.PullSecret.IsUnknown() && aptWhole && condaWhole && pipWhole
	return recipe, whole
}

// buildObject is an image's recipe as an object `build`: what is really installed. A prior one that says the same keeps its spelling.
func buildObject(ctx context.Context, prior types.Object, recipe primehub.Recipe, d *diag.Diagnostics) types.Object {
	before, _ := asModel[groupBuildModel](ctx, prior)
	list := func(prior types.List, installed []string) types.List {
		if tokens, _ := tokensOf(prior); !prior.IsNull() && slices.Equal(tokens, installed) {
			return prior
		}
		value, more := types.ListValueFrom(ctx, types.StringType, append([]string{}, installed...))
		d.Append(more...)
		return value
	}
	installed, _ := sift(recipe.Packages)
	object, more := types.ObjectValueFrom(ctx, groupBuildType.AttrTypes, groupBuildModel{
		BaseImageURL: types.StringValue(recipe.BaseImage), PullSecret: types.StringValue(recipe.PullSecret),
		Apt: list(before.Apt, installed.Apt), Conda: list(before.Conda, installed.Conda), Pip: list(before.Pip, installed.Pip),
	})
	d.Append(more...)
	return object
}

// existingObject is an image's address as an object `existing`. An address for GPUs that is no other one is shown only where it was configured.
func existingObject(ctx context.Context, prior types.Object, image primehub.Image, d *diag.Diagnostics) types.Object {
	before, _ := asModel[existingModel](ctx, prior)
	forGPU := image.URLForGPU
	if forGPU == image.URL && before.URLForGPU.ValueString() != forGPU {
		forGPU = ""
	}
	object, more := types.ObjectValueFrom(ctx, existingType.AttrTypes, existingModel{
		URL: types.StringValue(image.URL), URLForGPU: types.StringValue(forGPU), PullSecret: types.StringValue(image.PullSecret),
	})
	d.Append(more...)
	return object
}

// sift parts the words that the platform has stored into those that get installed, which a configuration may have, and the others.
func sift(stored primehub.Packages) (installed primehub.Packages, dropped []string) {
	for _, list := range []struct {
		installer requirement.Installer
		stored    []string
		installed *[]string
	}{
		{requirement.InstallerApt, stored.Apt, &installed.Apt},
		{requirement.InstallerConda, stored.Conda, &installed.Conda},
		{requirement.InstallerPip, stored.Pip, &installed.Pip},
	} {
		kept, lost := siftList(list.installer, list.stored)
		*list.installed, dropped = kept, append(dropped, lost...)
	}
	return installed, dropped
}

// siftList sifts one list. PrimeHub's filter comes first, as what stands before a dropped word, such as "-c", then meets the next one.
func siftList(installer requirement.Installer, stored []string) (installed, dropped []string) {
	for _, word := range stored {
		if passes.MatchString(word) {
			installed = append(installed, word)
		} else {
			dropped = append(dropped, word)
		}
	}
	for {
		_, refused := requirement.CheckEntries(installer, installed)
		if len(refused) == 0 {
			return installed, dropped
		}
		at := refused[0].Index
		dropped = append(dropped, installed[at])
		installed = slices.Delete(installed, at, at+1)
	}
}

// keepTokens keeps the prior value of a list of packages in the plan where the configuration only spells the same words otherwise: "-c", "pytorch" is "-c pytorch".
type keepTokens struct{}

var _ planmodifier.List = keepTokens{}

// Description implements planmodifier.Describer.
func (keepTokens) Description(context.Context) string {
	return "The same words in other entries are no change."
}

// MarkdownDescription implements planmodifier.Describer.
func (m keepTokens) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

// PlanModifyList implements planmodifier.List.
func (keepTokens) PlanModifyList(_ context.Context, req planmodifier.ListRequest, resp *planmodifier.ListResponse) {
	if req.StateValue.IsNull() || req.ConfigValue.IsNull() {
		return
	}
	before, _ := tokensOf(req.StateValue)
	if after, whole := tokensOf(req.PlanValue); whole && slices.Equal(before, after) {
		resp.PlanValue = req.StateValue
	}
}

// entriesCheck validates the entries of a list of packages, together: what one begins, the next may end.
type entriesCheck struct{ installer requirement.Installer }

var _ validator.List = entriesCheck{}

// Description implements validator.Describer.
func (c entriesCheck) Description(context.Context) string {
	return "must be words that PrimeHub passes on to " + string(c.installer)
}

// MarkdownDescription implements validator.Describer.
func (c entriesCheck) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateList implements validator.List. A list that is not known as a whole is checked when it is.
func (c entriesCheck) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	if entries, whole := entriesOf(req.ConfigValue); whole {
		_, refused := requirement.CheckEntries(c.installer, entries)
		resp.Diagnostics.Append(diags.InvalidEntries(req.Path, refused)...)
	}
}
