package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// The types of objects in the models of group images.
var (
	existingType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"url":               types.StringType,
		"url_for_gpu":       types.StringType,
		"image_pull_secret": types.StringType,
	}}
	groupBuildType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"base_image_url":    types.StringType,
		"image_pull_secret": types.StringType,
		"apt_packages":      types.ListType{ElemType: types.StringType},
		"conda_packages":    types.ListType{ElemType: types.StringType},
		"pip_packages":      types.ListType{ElemType: types.StringType},
	}}
)

// optionalText is an attribute that is empty where it is not configured, so that removing it from the configuration clears it.
func optionalText(description string, validators ...validator.String) schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Computed: true, Default: stringdefault.StaticString(""),
		MarkdownDescription: description, Validators: validators,
	}
}

const pullSecretHelp = "id of an image pull secret (`image-…`), as the data source `rime_image_pull_secrets` shows it. Defaults to none."

// groupImageInputAttributes are the attributes of [groupImageInputs].
func groupImageInputAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"display_name": schema.StringAttribute{
			Required: true,
			MarkdownDescription: "Name that users see. PrimeHub's documents ask for lower-case letters, digits, `-` and `.`; the platform takes any text, " +
				"and its group portal edits only names of letters, digits, blanks, `-` and `_`.",
			Validators: []validator.String{displayNameCheck},
		},
		"description": optionalText("Description that users see. Defaults to none."),
		"type": schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString(string(primehub.TypeUniversal)),
			MarkdownDescription: "For which machines the image is: `cpu`, `gpu` or `universal`. Defaults to `universal`.",
			Validators:          []validator.String{oneOf(string(primehub.TypeCPU), string(primehub.TypeGPU), string(primehub.TypeUniversal))},
		},
		"group": schema.StringAttribute{
			Optional: true,
			Computed: true,
			MarkdownDescription: "Name of the group that the image belongs to; its members may use it, and its administrators may manage it. `\"\"` makes a system image, " +
				"which only platform administrators may manage. A new image without `group` gets the `group` of the provider, else it is a system image; " +
				"after that, an image without `group` keeps what it has. Changing it moves the image in place, without a build.",
		},
		"global": schema.BoolAttribute{
			Optional:            true,
			Computed:            true,
			MarkdownDescription: "Whether every group may use the image. For system images only. Defaults to `false`.",
		},
		"build": groupBuildAttribute(),
	}
}

func groupsAttribute() schema.SetAttribute {
	return schema.SetAttribute{
		Optional:    true,
		Computed:    true,
		ElementType: types.StringType,
		MarkdownDescription: "Names of the groups that may use the image: PrimeHub's *Edit Groups*. For system images only. Groups that are not listed lose access. " +
			"Defaults to none. For a group image it is its group.",
		Validators: []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
	}
}

func existingAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "An image that exists already: PrimeHub's *Use existing image*. Exactly one of `existing` and `build` is needed; " +
			"changing from one to the other replaces the image.",
		Attributes: map[string]schema.Attribute{
			"url": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Where the image is, as `docker pull` takes it: PrimeHub's *Container image url*.",
				Validators:          []validator.String{imageReferenceCheck},
			},
			"url_for_gpu": optionalText("Where the image for machines with a GPU is, for images of the type `universal`: PrimeHub's *Specific container image url for GPU*. Defaults to `url`.",
				stringvalidator.Any(oneOf(""), imageReferenceCheck)),
			"image_pull_secret": optionalText("How the image is pulled: the " + pullSecretHelp),
		},
	}
}

func groupBuildAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "What PrimeHub builds the image from: its *Build custom image*. A change rebuilds the image in place; while it is being rebuilt, and when that fails, " +
			"the image of the build before can be used. PrimeHub installs the packages in the order apt, conda, pip. Each list is one command: its order counts, and an option such as `-c` stands before what it belongs to. " +
			"Entries are split at white space, as PrimeHub's portal does. PrimeHub drops every word that does not match `" + requirement.TokenRule + "` without a trace; " +
			"here that is an error of the plan, with a spelling that passes.",
		Attributes: map[string]schema.Attribute{
			"base_image_url": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "The image to build on, as `docker pull` takes it: PrimeHub's *Base image url*. " +
					"It must contain conda or pip if you install packages with them.",
				Validators: []validator.String{imageReferenceCheck},
			},
			"image_pull_secret": optionalText("How the base image is pulled: the " + pullSecretHelp),
			"apt_packages": packagesAttribute(requirement.InstallerApt,
				"Debian packages for `apt-get install`, such as `curl` or `curl=7.68.0-1ubuntu2`."),
			"conda_packages": packagesAttribute(requirement.InstallerConda,
				"Match specifications for `conda install`, such as `numpy=1.17`, `conda-forge::numpy=1.17` or `-c conda-forge numpy`."),
			"pip_packages": packagesAttribute(requirement.InstallerPip,
				"Requirements for `pip install`, such as `xgboost` or `xgboost==1.7.6`; ranges and extras do not pass."),
		},
	}
}

// packagesAttribute is the list of one installer.
func packagesAttribute(installer requirement.Installer, description string) schema.ListAttribute {
	return schema.ListAttribute{
		Optional: true, Computed: true, ElementType: types.StringType,
		Default:             listdefault.StaticValue(types.ListValueMust(types.StringType, nil)),
		MarkdownDescription: description + " Defaults to none.",
		Validators:          []validator.List{listvalidator.NoNullValues(), entriesCheck{installer}},
		PlanModifiers:       []planmodifier.List{keepTokens{}},
	}
}

// groupImageFactAttributes are the attributes of [groupImageFacts].
func groupImageFactAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"is_ready": schema.BoolAttribute{
			Computed:            true,
			MarkdownDescription: "Whether the image can be used: it has an address. Where not, PrimeHub's portals show an exclamation mark. It stays `true` while an image is rebuilt.",
		},
		"phase": computed("How far the newest build is: `waiting`, `pending`, `running`, `succeeded`, `failed`, `cancelled`, `unknown` (its node is lost) " +
			"or one that a newer PrimeHub has. Null for an existing image."),
		"url":               computed("Where the image is. That of an image that is built is known after its build, and changes with each other `build`."),
		"url_for_gpu":       computed("Where the image for machines with a GPU is; the same as `url` unless the type is `universal`."),
		"image_pull_secret": computed("Id of the secret that pulls the image. For an image that was built it is PrimeHub's own."),
		"built_image":       computed("What the newest build that succeeded made. Null for an existing image."),
		"log_url":           computed("Where the log of the newest build can be read, with the API token. It is gone with the pod of the build."),
		"updated_at":        computed("When the newest build was asked for, as RFC 3339 in UTC. Null for an existing image."),
		"dropped_packages": schema.ListAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "Words of the lists of packages that the platform has stored, as somebody has written them in a portal, and that nothing installs: " +
				"PrimeHub's builds drop them without a trace, or their installer takes no such word. The lists in `build` are without them, and so is the next build.",
		},
	}
}
