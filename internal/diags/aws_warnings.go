package diags

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// UselessRule warns of a lifecycle rule that can never do anything.
func UselessRule(at path.Path, err *awsregistry.InputError) diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(at, "Lifecycle Rule Without Effect", text(
		fmt.Sprintf("%s %s.", at, strings.TrimSuffix(err.Problem, ".")), sentence(err.Suggestion),
	))
}

// UselessRuleWithin is [UselessRule] for a rule in a JSON text.
func UselessRuleWithin(at path.Path, err *awsregistry.InputError) diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(at, "Lifecycle Rule Without Effect", text(
		fmt.Sprintf("Rule %d of the policy %s.", err.Rule+1, strings.TrimSuffix(err.Problem, ".")), sentence(err.Suggestion),
	))
}

// HazardousRule warns of a lifecycle rule that can take away what the embedded registry needs.
func HazardousRule(at path.Path, hazard awsregistry.Hazard) diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(at, "Lifecycle Rule May Take Images in Use", text(
		hazard.Reason,
		"ECR does not know which images are in use. An image that is gone is built anew by the next apply, and until then nothing new can start from it.",
		"If the embedded registry keeps images under this prefix, "+hazard.Suggestion+".",
	))
}

// maxListed is how many repositories a message names.
const maxListed = 5

// RepositoriesExist warns of repositories that are already there where a registry is going to be. settings are the attributes that are going to replace their own settings.
func RepositoriesExist(at path.Path, prefix string, repositories, settings []string) diag.Diagnostic {
	named := repositories[:min(len(repositories), maxListed)]
	list := strings.Join(named, ", ")
	if more := len(repositories) - len(named); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	fate := "Their settings and lifecycle policies stay as they are."
	if len(settings) > 0 {
		fate = fmt.Sprintf("This apply also gives them `%s` in place of their own.", strings.Join(settings, "`, `"))
	}
	exist := "repositories exist"
	if len(repositories) == 1 {
		exist = "repository exists"
	}
	return diag.NewAttributeWarningDiagnostic(at, "Repositories Under the Prefix Exist Already", text(
		fmt.Sprintf("%d %s under %q already: %s.", len(repositories), exist, prefix, list),
		"The registry server will be allowed to delete them, and image builders to push to them. "+fate+" This resource itself deletes no repository and no image, not even when it is destroyed.",
		"If they are not this installation's, give another `repository_prefix`, `resource_name_suffix` or `namespace`.",
	))
}

// OverlappingPrefixes warns of other registries that have repositories in common with one.
func OverlappingPrefixes(at path.Path, prefix string, others []awsregistry.Neighbour) diag.Diagnostic {
	lines := make([]string, 0, len(others))
	for _, other := range others {
		lines = append(lines, fmt.Sprintf("  %q: %s", other.Prefix, other.Name))
	}
	return diag.NewAttributeWarningDiagnostic(at, "Registry Prefixes Overlap", text(
		fmt.Sprintf("Other image registries have repositories in common with the one under %q:\n%s", prefix, strings.Join(lines, "\n")),
		"The roles of each may use the repositories of both. The settings and the lifecycle policy of a repository are those of the registry with the longest prefix; two with the same prefix change each other's back.",
		"Give prefixes of which none is within another one, such as \"rime/a\" and \"rime/b\".",
	))
}

// TemplateWithoutTags warns of default tags that repositories do not get.
func TemplateWithoutTags(at path.Path, keys []string) diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(at, "Repositories Get No Default Tags", text(
		fmt.Sprintf("The repositories that ECR makes by this template do not get the tags of the provider's `aws.default_tags` (%s): ECR puts tags on them only in the name of a role.", strings.Join(keys, ", ")),
		"Give in `custom_role_arn` a role that `ecr.amazonaws.com` may take on and that may `ecr:CreateRepository` and `ecr:TagResource`, or put the tags on the repositories by other means.",
	))
}
