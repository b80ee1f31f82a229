package provider

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// Schema implements resource.Resource.
func (r *groupImageResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An image on a PrimeHub platform: one of a group, or a system image; one that exists already, or one that PrimeHub builds from a base image and " +
			"apt, conda and pip packages. An apply returns when the image can be used, or says which package failed and why. " +
			"A plan shows what somebody has changed in a portal, who may use the image, and a build that failed or was cancelled, and how the next apply repairs it.\n\n" +
			"An interrupt (Ctrl-C) cancels the build. An apply that ends without an image that can be used is an error. Terraform then marks an image that was just created as tainted: " +
			"the next apply replaces it, unless you run `terraform untaint` before; then it waits for the build that still runs, or builds the image. Destroying an image leaves what was built in the registry: nothing in PrimeHub removes that.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Optional: true,
				Computed: true,
				MarkdownDescription: "Name of the image, unique in the installation: lower-case letters, digits, `-` and `.`, at most 253 characters, 63 with `build`. " +
					"Defaults to the display name with something random behind it, as PrimeHub's portal generates it, once. Changing it replaces the image.",
				Validators:    []validator.String{groupImageNameCheck},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"endpoint": computed("Address of the API of the PrimeHub platform that has the image. With `name`, it tells the image from all others."),
			"existing": existingAttribute(),
			"groups":   groupsAttribute(),
			"triggers": schema.MapAttribute{
				Optional:            true,
				ElementType:         types.StringType,
				MarkdownDescription: "Any values; when one changes, the image is built anew. Only with `build`. Not part of the image.",
				Validators:          []validator.Map{triggersCheck{}},
			},
			"rebuild_reason": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Why the newest build after the first was planned, such as `pip packages changed: + pandas`. The plan shows it before the build.",
			},
			"timeouts": timeoutsAttribute(),
		},
	}
	maps.Copy(resp.Schema.Attributes, groupImageInputAttributes())
	maps.Copy(resp.Schema.Attributes, groupImageFactAttributes())
	guardObjects(resp.Schema.Attributes)
}

// ValidateConfig implements resource.ResourceWithValidateConfig.
func (r *groupImageResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config groupImageModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if name := config.Name.ValueString(); name != "" && !config.Build.IsNull() {
		if problem := nameProblem(name, true); problem != nil {
			resp.Diagnostics.Append(diags.InvalidValue(groupImageNameCheck.summary, pathName, name, problem))
		}
	}
	if existing, ok := asModel[existingModel](ctx, config.Existing); ok && !config.Type.IsUnknown() {
		image := primehub.Type(config.Type.ValueString())
		if forGPU := existing.URLForGPU.ValueString(); forGPU != "" && image != "" && image != primehub.TypeUniversal {
			resp.Diagnostics.Append(diags.InvalidValue("Address Without Effect", pathExisting.AtName("url_for_gpu"), forGPU, &diags.Problem{
				Text:       "has no effect: PrimeHub uses it for images of the type \"universal\" only, and this one is of the type \"" + string(image) + "\"",
				Suggestion: "leave it out, or write type = \"universal\"",
			}))
		}
	}
}

var displayNameCheck = check{
	summary: "Invalid Display Name",
	rule:    "must be text that is not blank, without white space at its ends",
	find: func(value string) *diags.Problem {
		trimmed := strings.TrimSpace(value)
		switch {
		case trimmed == "":
			return &diags.Problem{Text: "is blank, which PrimeHub would show as the name of the image", Suggestion: "write a name for users"}
		case trimmed != value:
			return &diags.Problem{Text: "has white space at an end, which PrimeHub's portals remove", Suggestion: write(trimmed)}
		}
		return nil
	},
}

var groupImageNameCheck = check{
	summary: "Invalid PrimeHub Image Name",
	rule:    "must be lower-case letters, digits, `-` and `.`, with a letter or digit at both ends and around each `.`",
	find:    func(value string) *diags.Problem { return nameProblem(value, false) },
}

// nameProblem is [primehub.CheckName]'s judgement.
func nameProblem(name string, built bool) *diags.Problem {
	refused, ok := errors.AsType[*primehub.NameError](primehub.CheckName(name, built))
	if !ok {
		return nil
	}
	return &diags.Problem{Text: refused.Problem, Suggestion: "leave it out to have one generated"}
}
