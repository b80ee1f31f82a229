package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// defaultRepositoryPrefix is the platform's module's.
const defaultRepositoryPrefix = "rime-managed-images"

// Schema implements resource.Resource.
func (r *imageRegistryConfigResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The AWS side of a Managed Image Registry: the role of the platform's registry server and the role of its image builders, each with exactly the permissions that are documented, " +
			"on the ECR repositories under one prefix, and the settings and lifecycle policy of those repositories. It is what `image_registry_config` of the platform's own Terraform module makes, " +
			"under the same names, so that an existing installation is imported and not recreated.\n\n" +
			"Every change is made in place: policies get a new version, and no repository is without its lifecycle policy at any time. Policies are compared by meaning. " +
			"A plan shows what was changed outside of Terraform: see `drift`. Repositories without the prefix, and roles and policies that this resource did not make, are never touched: policies of others on its roles only with `force_detach_policies`. " +
			"Destroying it, like `enable = false`, removes the roles, their policies and the creation template, and leaves repositories and images alone.\n\n" +
			"The permissions that this takes are listed as a policy on the provider's page (\"Permissions on AWS\").",
		Attributes: map[string]schema.Attribute{},
	}
	for _, some := range []map[string]schema.Attribute{
		scopeAttributes(), trustAttributes(), roleAttributes(), repositorySettingsAttributes(), registryFactAttributes(),
	} {
		maps.Copy(resp.Schema.Attributes, some)
	}
	resp.Schema.Attributes["timeouts"] = timeLimits{create: "15m", read: "5m", update: "15m", delete: "15m"}.attribute(
		"How long operations may take until AWS shows their result reliably. When time is up, the next apply continues.")
	guardObjects(resp.Schema.Attributes)
}

// scopeAttributes say what the registry covers.
func scopeAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"enable": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether there are to be roles and policies at all. Without, they are removed, and repositories and images are left alone. Defaults to `true`.",
		},
		"allow_external_custom_images": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether models may use images from outside the registry. Version 2 of the platform's chart always allows it; older ones take it as `modelTesting.allowExternalCustomImages`. " +
				"With `false`, base images of this provider's own embedded registry in ECR must be in the registry, too; where that is another configuration, say so there (`embedded_registry.allow_external_custom_images`). Defaults to `true`.",
		},
		"repository_prefix": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(defaultRepositoryPrefix),
			MarkdownDescription: "Base of the prefix of all repositories of the registry: one or more words of lower-case letters and digits with single `-`, `_` or `/` between them, starting with a letter, at most 192 characters. " +
				"`resource_name_suffix` and `namespace` follow it: see `effective_repository_prefix`. Of registries whose prefixes overlap, the one with the longest prefix has a repository's settings; a plan warns of such registries. " +
				" Defaults to `" + defaultRepositoryPrefix + "`.",
			Validators: []validator.String{managedPrefixCheck},
		},
		"allow_empty_prefix": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Whether the effective prefix may be empty: then the roles can use, and settings apply to, every repository of the account in its region. Defaults to `false`.",
		},
		"namespace": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Kubernetes namespace of the platform. It is part of the effective prefix and of the names of roles and policies, and service accounts are looked for in it. " +
				"Changing it makes new roles before the old ones go.",
			Validators: []validator.String{namespaceCheck},
		},
		"resource_name_suffix": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "What tells this installation from others of the account, at most 25 lower-case letters, digits, `.` and `-`. It is part of the effective prefix and of the names of roles and policies. " +
				"Changing it makes new roles before the old ones go.",
			Validators: []validator.String{nameSuffixCheck},
		},
	}
}

// trustAttributes say who may take on the roles.
func trustAttributes() map[string]schema.Attribute {
	accounts := func(who string) schema.SetAttribute {
		return schema.SetAttribute{
			Optional: true, Computed: true, ElementType: types.StringType,
			MarkdownDescription: "Kubernetes service accounts that may be " + who + ", each as `namespace:name`. Defaults to the one that the platform's chart makes in `namespace` for a release named " +
				"`rime-<namespace>` (in the namespace `default`: `rime-<resource_name_suffix>`), or named `release_name`.",
			Validators: []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(serviceAccountCheck)},
		}
	}
	return map[string]schema.Attribute{
		"oidc_provider_arn": schema.StringAttribute{
			Optional: true, Computed: true,
			MarkdownDescription: "ARN of the cluster's IAM identity provider, for roles for service accounts (IRSA). Exactly one of `oidc_provider_arn`, `oidc_provider_url` and `pod_identity = true` is needed; " +
				"of the first two, the other one follows.",
			Validators: []validator.String{oidcProviderARNCheck},
		},
		"oidc_provider_url": schema.StringAttribute{
			Optional: true, Computed: true,
			MarkdownDescription: "Address of the cluster's OIDC issuer, with or without `https://`. The identity provider of that address has to be in the same account.",
			Validators:          []validator.String{oidcProviderURLCheck},
			PlanModifiers:       []planmodifier.String{keepMeaning{sameIssuer}},
		},
		"oidc_audience": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Audience that the tokens of service accounts must have (IRSA), such as `sts.amazonaws.com`, which is the one of tokens that EKS mounts: recommended. " +
				"`\"\"` asks for none. If left out, a role that asks for `sts.amazonaws.com` keeps doing so, and no other one does.",
			Validators: []validator.String{stringvalidator.LengthAtMost(255)},
		},
		"pod_identity": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Whether EKS Pod Identity hands out the roles. Its associations are made elsewhere, with the `role_arn` of each role. Defaults to `false`.",
		},
		"release_name": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Name of the Helm release of the platform, where it is not the one that its own module expects. The chart names its service accounts after it, " +
				"and if the trust policy names other service accounts, image builds fail.",
			Validators: []validator.String{stringvalidator.LengthBetween(1, 53)},
		},
		"registry_server_service_accounts": accounts("the registry server"),
		"image_builder_service_accounts":   accounts("the image builder"),
	}
}

// roleAttributes are about the roles and policies themselves.
func roleAttributes() map[string]schema.Attribute {
	name := func(what, fallback string, limit int) schema.StringAttribute {
		return schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "Name of " + what + ". Changing it makes a new one before the old one goes. Defaults to the module's, `" + fallback + "_<resource_name_suffix>_<namespace>`.",
			Validators:          []validator.String{stringvalidator.LengthBetween(1, limit)},
		}
	}
	names := awsregistry.ModuleNames("", "")
	return map[string]schema.Attribute{
		"registry_server_role_name":   name("the role of the registry server", names.ServerRole, 64),
		"registry_server_policy_name": name("the policy of the registry server", names.ServerPolicy, 128),
		"image_builder_role_name":     name("the role of the image builders", names.BuilderRole, 64),
		"image_builder_policy_name":   name("the policy of the image builders", names.BuilderPolicy, 128),
		"role_path": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString("/"),
			MarkdownDescription: "Path of the two roles in IAM, such as `/platform/`. Changing it replaces them, as IAM cannot move a role. Defaults to `/`.",
			Validators:          []validator.String{rolePathCheck},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"permissions_boundary_arn": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "ARN of a policy that bounds what the two roles may do, whatever their own policies say.",
			Validators:          []validator.String{policyARNCheck},
		},
		"allowed_policies": schema.SetAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Policies of others that may be on the two roles, such as one for a key of AWS KMS: the ARNs of attached policies, and the names of inline policies with `inline:` before them. " +
				"Every other one shows in `drift`.",
			Validators: []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(allowedPolicyCheck)},
		},
		"force_detach_policies": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Whether policies of others are taken off the two roles: by an apply, those that are not in `allowed_policies`, and all of them before a role is deleted. Inline policies are deleted, attached ones detached. " +
				"Without, an apply that finds some is an error, and a role that has some is not deleted. The value is taken from the state when the resource is destroyed: apply it first. Defaults to `false`.",
		},
		"tags": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Tags of the roles and policies, by name, besides the provider's `aws.default_tags`, at most 49; with `creation_template.custom_role_arn`, of the repositories that ECR makes, too. The tag `" + awsregistry.OwnershipTag + "` is always there: it tells what is whose.",
			Validators:          []validator.Map{mapvalidator.NoNullValues(), tagsCheck{}},
		},
	}
}
