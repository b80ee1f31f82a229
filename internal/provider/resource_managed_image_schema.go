package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// The values of deletion_policy.
const (
	deletionPolicyDelete = "delete"
	deletionPolicyRetain = "retain"
)

// The values of pip_upgrade.
const (
	pipUpgradeOnRebuild = "on_rebuild"
	pipUpgradeAlways    = "always"
)

// Schema implements resource.Resource.
func (r *managedImageResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A container image that holds exactly the dependencies of a model: a Python version, pip packages and packages of the operating system. " +
			"An apply returns when the image can be pulled, or says which requirement failed and why. " +
			"A plan shows when the published image is gone, when its tag was moved and when its last build failed, and how the next apply repairs it.\n\n" +
			"On a RIME platform a change of the inputs replaces the image, because the platform cannot change one; the embedded registry changes it in place.\n\n" +
			"An interrupt (Ctrl-C) stops the build. Where a platform does not stop it, the resource is kept, and the next apply waits for the build.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Optional: true,
				Computed: true,
				MarkdownDescription: "Name of the image, unique in its registry: lower-case letters and digits with single `-` or `_` between them, starting with a letter, at most 128 characters. " +
					"Changing it replaces the image. Exactly one of `name` and `name_prefix` is needed: `name` where images change in place, `name_prefix` on a RIME platform.",
				Validators:    []validator.String{imageNameCheck},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"name_prefix": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Beginning of a name that is completed with 8 hexadecimal digits of a hash over the inputs and `triggers`. Other inputs make another name and so another image: " +
					"with `create_before_destroy`, a change leaves no moment without an image.",
				Validators: []validator.String{imageNamePrefixCheck},
			},
			"registry": computed("Registry that holds the image: host and prefix of its repositories, such as `registry.example.com/ml-images`, or the address of the RIME platform."),
			"adopt_existing": schema.BoolAttribute{
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(false),
				MarkdownDescription: "Whether to take over an image of this name that already exists with the same inputs, instead of failing. One whose build failed is built again, for which a RIME platform deletes it first. " +
					"Not for use with `create_before_destroy` under a fixed `name`: what replaces the image would take over the very same one. Defaults to `false`.",
			},
			"deletion_policy": schema.StringAttribute{
				Optional: true,
				Computed: true,
				Default:  stringdefault.StaticString(deletionPolicyDelete),
				MarkdownDescription: "What destroying the resource does to the image: `delete` removes it with everything that was built for it, `retain` only forgets it. " +
					"Must have been applied before the destroy. One whose first build failed is removed either way, as it would be in the way of its repair. On a RIME platform, deleting takes the API key of an Organization Administrator. Defaults to `delete`.",
				Validators: []validator.String{oneOf(deletionPolicyDelete, deletionPolicyRetain)},
			},
			"rebuild_when_outdated": schema.BoolAttribute{
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(false),
				MarkdownDescription: "Whether an image whose base image has moved on since (status `outdated`) is built anew by the next apply. " +
					"Without effect on a RIME platform, which rebuilds by itself. Defaults to `false`.",
			},
			"pip_upgrade": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "When pip packages move to newer versions that the requirements allow: `on_rebuild` with a rebuild that was asked for (`triggers`, `rebuild_when_outdated`), " +
					"`always` with every plan that finds some. Otherwise what is locked stays while it fits, and a new requirement moves nothing that it need not move. Of the embedded registry only. Defaults to `on_rebuild`.",
				Validators: []validator.String{oneOf(pipUpgradeOnRebuild, pipUpgradeAlways)},
			},
			"triggers": schema.MapAttribute{
				Optional:            true,
				ElementType:         types.StringType,
				MarkdownDescription: "Any values; when one changes, the image is built anew from a fresh base and fresh packages. Not part of the image.",
				Validators:          []validator.Map{triggersCheck{}},
			},
			"rebuild_reason": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "Why the newest build after the first was planned, such as `pip requirements changed: + pandas`. The plan shows it before the build. " +
					"Null after a replacement, which Terraform plans without the old image: a warning of that plan has the reason.",
			},
			"build":    buildAttribute(),
			"timeouts": timeoutsAttribute(),
		},
	}
	maps.Copy(resp.Schema.Attributes, imageInputAttributes())
	maps.Copy(resp.Schema.Attributes, imageFactAttributes())
	guardObjects(resp.Schema.Attributes)
}

// imageInputAttributes are the attributes of [imageInputs].
func imageInputAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"python_version": schema.StringAttribute{
			Optional: true,
			Computed: true,
			MarkdownDescription: "Python version `X.Y` of the image, as a string: `\"3.10\"`, because the number `3.10` is `3.1`. " +
				"Defaults to the registry's choice at the first build, and stays what it was when it is removed from the configuration.",
			Validators:    []validator.String{pythonVersionCheck},
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		},
		"pip_requirements": requirementsAttribute(pipCheck, keepSpelling{samePips},
			"Python packages to install with pip, with what they depend on, as people write them: `[\"scikit-learn>=1.5,<2\", \"uvicorn[standard]\"]`. "+
				"Order and spelling mean nothing: `NumPy >= 1, < 2` is `numpy<2,>=1.0`. What is said of one package in several entries holds together. "+
				"The functions `parse_pip_requirements` and `read_pip_file` read them from a `requirements.txt`. Defaults to none."),
		"pip_constraints": schema.SetAttribute{
			Optional:    true,
			ElementType: types.StringType,
			MarkdownDescription: "Bounds for the versions of Python packages that are installed because others need them, as `pip install --constraint` takes them: `[\"urllib3<2\"]`. They install nothing. " +
				"Of the embedded registry only. Defaults to none.",
			Validators:    []validator.Set{constraintsCheck},
			PlanModifiers: []planmodifier.Set{keepSpelling{samePips}},
		},
		"pip_lock_file": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "In place of `pip_requirements` and `pip_constraints`, the text of a lock that another tool made: a `pylock.toml` (PEP 751), or a requirements file in which every line has an exact version and a hash, " +
				"as `pip-compile --generate-hashes`, `uv export` and `poetry export` write it. It is obeyed and not resolved anew. Of the embedded registry only. Defaults to none.",
			Validators: []validator.String{notEmpty(""), lockFileText{}},
		},
		"apt_packages": requirementsAttribute(aptCheck, keepSpelling{sameAptPackages},
			"Packages of Debian and its relatives to install before the Python packages: `name` or `name=version`, such as `[\"libgomp1\", \"git=1:2.39.5-0+deb12u2\"]`. "+
				"For base images with apt, as the default ones of the embedded registry are. Defaults to none."),
		"rocky_linux_packages": requirementsAttribute(rockyCheck, keepSpelling{sameRockyPackages},
			"Packages of Rocky Linux and its relatives to install before the Python packages: `name` or `name=version`, such as `[\"libgomp\", \"vim-enhanced=8.0.1763\"]`. "+
				"For base images with dnf or yum, and for RIME platforms. Defaults to none."),
	}
}

// requirementsAttribute is a set of requirements, as people write them.
func requirementsAttribute(check validator.Set, keep planmodifier.Set, description string) schema.Attribute {
	return schema.SetAttribute{
		Optional:            true,
		Computed:            true,
		ElementType:         types.StringType,
		Default:             setdefault.StaticValue(types.SetValueMust(types.StringType, nil)),
		MarkdownDescription: description,
		Validators:          []validator.Set{check},
		PlanModifiers:       []planmodifier.Set{keep},
	}
}

func timeoutsAttribute() schema.Attribute {
	return timeLimits{create: "90m", read: "5m", update: "90m", delete: "15m"}.attribute(
		"How long operations may take, creating and changing with the build. When time is up, the build is cancelled.")
}
