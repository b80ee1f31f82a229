package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// repositorySettingsAttributes are the settings of everything under the prefix.
func repositorySettingsAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"lifecycle_rules": schema.ListNestedAttribute{
			Optional: true,
			MarkdownDescription: "Rules of the lifecycle policy of every repository under the prefix, at most 50. They are checked by all of ECR's own rules while planning. " +
				"Without `lifecycle_rules` and `lifecycle_policy_json`, lifecycle policies are not managed. Removing them removes the policy wherever it is still this one.",
			NestedObject: schema.NestedAttributeObject{Attributes: lifecycleRuleAttributes()},
		},
		"lifecycle_policy_json": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "The lifecycle policy as ECR's own JSON, instead of `lifecycle_rules`. It is checked and sent in its shortest form: without white space and nulls, " +
				"with the unit `days` and the target `archive` where they are left out. ECR allows 30,720 characters of that form. Another spelling of the same rules is no change.",
			PlanModifiers: []planmodifier.String{keepMeaning{awsregistry.SameLifecyclePolicy}},
			Validators:    []validator.String{lifecyclePolicyCheck{}},
		},
		"tag_mutability": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Whether tags may be moved, in every repository under the prefix: `MUTABLE`, `IMMUTABLE`, `MUTABLE_WITH_EXCLUSION` or `IMMUTABLE_WITH_EXCLUSION`. " +
				"The platform rebuilds images under the tag of its version, and the embedded registry moves the tag of its record (`rime-record`): exclude such tags. Not managed if left out.",
			Validators: []validator.String{oneOf("MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION")},
		},
		"tag_mutability_exclusions": schema.SetAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Patterns of the tags to which `tag_mutability` does not apply, with `*` for any characters, at most 5. Only with a mutability that ends with `_WITH_EXCLUSION`.",
			Validators:          []validator.Set{setvalidator.SizeBetween(1, 5), setvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 128))},
		},
		"scan_on_push": schema.BoolAttribute{
			Optional:            true,
			MarkdownDescription: "Whether ECR scans images for vulnerabilities when they arrive, in every repository under the prefix. Not managed if left out.",
		},
		"encryption": schema.SingleNestedAttribute{
			Optional:            true,
			MarkdownDescription: "Encryption of repositories that `creation_template` makes. ECR cannot change that of a repository that exists.",
			Attributes: map[string]schema.Attribute{
				"type": schema.StringAttribute{
					Required: true, MarkdownDescription: "Kind of encryption: `AES256`, `KMS` or `KMS_DSSE`.",
					Validators: []validator.String{oneOf("AES256", "KMS", "KMS_DSSE")},
				},
				"kms_key": schema.StringAttribute{
					Optional: true, MarkdownDescription: "ARN of the key of AWS KMS. Defaults to AWS's own key for ECR.",
					Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
				},
			},
		},
		"creation_template": schema.SingleNestedAttribute{
			Optional:            true,
			MarkdownDescription: "A repository creation template of ECR for the effective prefix: repositories that ECR makes by itself, when something is pushed, get the settings and the lifecycle policy from the beginning. `{}` will do.",
			Attributes: map[string]schema.Attribute{
				"applied_for": schema.SetAttribute{
					Optional: true, ElementType: types.StringType,
					MarkdownDescription: "What ECR makes repositories for: `CREATE_ON_PUSH`, `PULL_THROUGH_CACHE` or `REPLICATION`. Defaults to the first of them.",
					Validators: []validator.Set{
						setvalidator.SizeAtLeast(1),
						setvalidator.ValueStringsAre(oneOf("CREATE_ON_PUSH", "PULL_THROUGH_CACHE", "REPLICATION")),
					},
				},
				"description": schema.StringAttribute{Optional: true, MarkdownDescription: "What the template is for, in words, at most 185 characters."},
				"custom_role_arn": schema.StringAttribute{
					Optional: true, MarkdownDescription: "ARN of a role that ECR takes on, which it needs to put tags on repositories and to encrypt them with a key of AWS KMS. Without it, repositories that ECR makes have no tags.",
				},
			},
		},
	}
}

func lifecycleRuleAttributes() map[string]schema.Attribute {
	// What may be written in them, checkLifecycle checks for the whole of the rules: a fault is told once.
	word := func(required bool, description string) schema.StringAttribute {
		return schema.StringAttribute{Required: required, Optional: !required, MarkdownDescription: description}
	}
	tags := func(description string) schema.SetAttribute {
		return schema.SetAttribute{
			Optional: true, ElementType: types.StringType, MarkdownDescription: description, Validators: []validator.Set{setvalidator.NoNullValues()},
		}
	}
	return withElementSlips("lifecycle_rules", map[string]schema.Attribute{
		"priority": schema.Int64Attribute{
			CustomType: wholeNumberType{},
			Required:   true, MarkdownDescription: "Place of the rule, from 1; lower ones come first, and an image is left to the first rule that selects it. Each rule has its own.",
		},
		"description":  schema.StringAttribute{Optional: true, MarkdownDescription: "What the rule is for, in words."},
		"tag_status":   word(true, "Which images the rule selects: `tagged`, `untagged` or `any`. A rule for `any` comes last, and there is one at most."),
		"tag_prefixes": tags("Beginnings of tags; an image needs a tag for each. For `tagged` only, and not with `tag_patterns`."),
		"tag_patterns": tags("Patterns of tags with up to four `*`; an image needs a tag for each. `[\"*\"]` is every tagged image. For `tagged` only."),
		"count_type": word(true, "What is counted: `imageCountMoreThan` is a number of images to keep; `sinceImagePushed`, `sinceImagePulled` and `sinceImageTransitioned` (since it was archived) are ages. "+
			"ECR does not delete images for not being pulled: `sinceImagePulled` goes with the action `transition` only, and `sinceImageTransitioned` with `storage_class = \"archive\"` and `expire` only."),
		"count_number": schema.Int64Attribute{
			CustomType: wholeNumberType{}, Required: true,
			MarkdownDescription: "Number of images to keep, or age in `count_unit`, at least 1, and at least 90 for `sinceImageTransitioned`.",
		},
		"count_unit":           word(false, "Unit of an age: `days`, which is the default. Must be left out for `imageCountMoreThan`."),
		"storage_class":        word(false, "Where the images are: `standard` or `archive`. `archive` goes with `sinceImageTransitioned`. Defaults to `standard`."),
		"action":               word(false, "What is done: `expire` deletes, `transition` archives, after which the image cannot be pulled. Defaults to `expire`."),
		"target_storage_class": word(false, "Where `transition` moves images: `archive`."),
	})
}

// registryFactAttributes are what there is.
func registryFactAttributes() map[string]schema.Attribute {
	role := func(description string) schema.SingleNestedAttribute {
		return schema.SingleNestedAttribute{Computed: true, MarkdownDescription: description, Attributes: map[string]schema.Attribute{
			"role_name":         computed("Name of the role."),
			"role_arn":          computed("ARN of the role, null while there is none."),
			"policy_name":       computed("Name of the policy."),
			"policy_arn":        computed("ARN of the policy, null while there is none."),
			"policy_json":       computed("What the role may do, as the policy's JSON."),
			"trust_policy_json": computed("Who may take on the role, as its trust policy's JSON."),
			"service_account_annotation": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Annotation that the service account needs to get the role through IRSA, name and value. Null with `pod_identity`.",
			},
		}}
	}
	count := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"registry_id":                 computed("Number of the AWS account that has the repositories. Null if not enabled."),
		"registry_url":                computed("Host name of the account's ECR registry in its region, which image references begin with. Null if not enabled."),
		"effective_repository_prefix": computed("Prefix of all repositories: `repository_prefix`, `resource_name_suffix` and `namespace` with `/` between them, without those that are empty."),
		"repository_arn_pattern":      computed("Pattern of the ARNs of all repositories under the prefix, for policies of your own. Null if not enabled."),
		"registry_server":             role("The role of the platform's registry server, which makes and deletes repositories. Null if not enabled."),
		"image_builder":               role("The role of the platform's image builder jobs, which pull and push images. Null if not enabled."),
		"helm_values_yaml":            computed("Values for the platform's Helm chart (version 2), as YAML: the registry and the annotations of the service accounts."),
		"ownership_tag": computed("Value of the tag `" + awsregistry.OwnershipTag + "` on roles and policies, by which this resource knows them for its own: another configuration with the same names does not touch them. Where the tag was taken off, the resource knows them by the ids that IAM gave them, and puts it back. " +
			"Null if not enabled, and for what was imported and made by something else, until the first change of it."),
		"repositories": schema.SingleNestedAttribute{
			Computed: true, MarkdownDescription: "Repositories under the prefix, counted. Null if not enabled.",
			Attributes: map[string]schema.Attribute{
				"total":            count("Number of repositories."),
				"without_policy":   count("Number of those without a lifecycle policy, where it is managed."),
				"policy_drifted":   count("Number of those with another lifecycle policy than configured, where it is managed."),
				"settings_drifted": count("Number of those with another tag mutability or scanning than configured."),
			},
		},
		"drift": schema.ListAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "What differs on AWS from what is configured, in words. The next apply repairs it; the plan shows this list becoming empty. Policies of others on the roles are a difference, too, unless `allowed_policies` has them.",
		},
	}
}

var (
	roleFactsType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"role_name": types.StringType, "role_arn": types.StringType, "policy_name": types.StringType, "policy_arn": types.StringType,
		"policy_json": types.StringType, "trust_policy_json": types.StringType, "service_account_annotation": types.MapType{ElemType: types.StringType},
	}}
	repositoriesType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"total": types.Int64Type, "without_policy": types.Int64Type, "policy_drifted": types.Int64Type, "settings_drifted": types.Int64Type,
	}}
)
