package diags_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/embedded"
)

const registrySubject = `the image registry configuration of the repositories under "ml/prod/rime"`

// onAWS is an answer of AWS to a create.
func onAWS(answer *awsregistry.Error) diag.Diagnostics { return awsFailed(answer) }

func awsFailed(err error) diag.Diagnostics {
	return diag.Diagnostics{diags.FromAWS(diags.CreateRegistryConfig, registrySubject, err)}
}

// refusedByAWS is AWS's answer of that class.
func refusedByAWS(class awsregistry.Class, operation, code, message string) *awsregistry.Error {
	return &awsregistry.Error{
		Service: "IAM", Operation: operation, Subject: "role eks_ecr_image_builder_prod_rime", Class: class, Code: code, Message: message,
		StatusCode: 400, RequestID: "0b6f1c2d-0000",
	}
}

func denied() *awsregistry.Error {
	e := refusedByAWS(awsregistry.ClassDenied, "CreateRole", "AccessDenied", "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:CreateRole on resource: "+
		"arn:aws:iam::123456789012:role/eks_ecr_image_builder_prod_rime because no identity-based policy allows the iam:CreateRole action")
	e.StatusCode = 403
	awsregistry.ExplainDenial(e)
	return e
}

func deniedByECR(operation, resource string) *awsregistry.Error {
	e := &awsregistry.Error{
		Service: "ECR", Operation: operation, Class: awsregistry.ClassDenied, Code: "AccessDeniedException", StatusCode: 400, RequestID: "0b6f1c2d-0000",
		Message: "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecr:" + operation + " on resource: arn:aws:ecr:us-east-1:123456789012:" + resource + " because no identity-based policy allows the ecr:" + operation + " action",
	}
	awsregistry.ExplainDenial(e)
	return e
}

// imageInECR is what became of the creation of a managed image in ECR.
func imageInECR(err error) diag.Diagnostics {
	return diag.Diagnostics{diags.FromError(diags.CreateImage, "sklearn", err)}
}

// deniedBy is a refusal of IAM for that reason, as it is understood.
func deniedBy(reason string) *awsregistry.Error {
	e := refusedByAWS(awsregistry.ClassDenied, "AttachRolePolicy", "AccessDenied", "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:AttachRolePolicy on resource: "+
		"role eks_ecr_image_builder_prod_rime "+reason)
	e.StatusCode = 403
	awsregistry.ExplainDenial(e)
	return e
}

var (
	foreignRole = awsregistry.ForeignObject{
		Kind: "role", Name: "eks_ecr_image_builder_prod_rime", ARN: "arn:aws:iam::123456789012:role/eks_ecr_image_builder_prod_rime", Owner: "0e6f732176e46a0d",
		Reason: `its tag rime:managed-image-registry names the owner "0e6f732176e46a0d", which is another resource, or one whose state is lost`,
	}
	foreignPolicy = awsregistry.ForeignObject{
		Kind: "policy", Name: "eks_ecr_image_builder_policy_prod_rime", ARN: "arn:aws:iam::123456789012:policy/eks_ecr_image_builder_policy_prod_rime",
		Reason: "its tag rime:managed-image-registry does not name an owner, so that it was made by something else",
	}
	foreignTemplate = awsregistry.ForeignObject{
		Kind: "repository creation template", Name: "ml/prod/rime", Reason: "its description does not name an owner, so that it was made by something else",
	}
	otherPolicies = awsregistry.RolePolicies{
		Role: "eks_ecr_image_builder_prod_rime", ARN: "arn:aws:iam::123456789012:role/eks_ecr_image_builder_prod_rime",
		Policies: []string{"arn:aws:iam::aws:policy/AdministratorAccess", "inline:more"},
	}
)

var awsMessages = map[string]diag.Diagnostics{
	"aws_denied":           onAWS(denied()),
	"aws_denied_unnamed":   onAWS(refusedByAWS(awsregistry.ClassDenied, "CreateRole", "AccessDenied", "Access Denied")),
	"aws_throttled":        onAWS(refusedByAWS(awsregistry.ClassThrottled, "GetRole", "Throttling", "Rate exceeded")),
	"aws_exists":           onAWS(refusedByAWS(awsregistry.ClassExists, "CreateRole", "EntityAlreadyExists", "Role with name x already exists.")),
	"aws_not_found":        {diags.FromAWS(diags.PreviewLifecycle, `the lifecycle policy of the repository "ml/x"`, refusedByAWS(awsregistry.ClassNotFound, "StartLifecyclePolicyPreview", "RepositoryNotFoundException", "The repository does not exist"))},
	"aws_conflict":         onAWS(refusedByAWS(awsregistry.ClassConflict, "DeleteRepository", "RepositoryNotEmptyException", "The repository with name 'ml/x' in registry with id '123456789012' cannot be deleted because it still contains images")),
	"aws_limit":            onAWS(refusedByAWS(awsregistry.ClassLimit, "CreateRole", "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000")),
	"aws_policy_refused":   onAWS(refusedByAWS(awsregistry.ClassPolicyRefused, "CreateRole", "MalformedPolicyDocument", "Invalid principal in policy")),
	"aws_credentials_none": onAWS(&awsregistry.Error{Service: "credentials", Operation: "chain", Class: awsregistry.ClassCredentialsMissing, Message: "the chain has none"}),
	"aws_credentials_old":  onAWS(refusedByAWS(awsregistry.ClassCredentialsExpired, "GetCallerIdentity", "ExpiredToken", "The security token included in the request is expired")),
	"aws_region_missing":   onAWS(&awsregistry.Error{Service: "ECR", Operation: "DescribeRepositories", Class: awsregistry.ClassRegionMissing, Message: "no region"}),
	"aws_unreachable":      onAWS(&awsregistry.Error{Service: "STS", Operation: "GetCallerIdentity", Class: awsregistry.ClassUnreachable, Message: "dial tcp 127.0.0.1:1: connect: connection refused"}),
	"aws_unavailable":      onAWS(refusedByAWS(awsregistry.ClassUnavailable, "CreateRole", "ServiceFailure", "try later")),
	"aws_other":            onAWS(refusedByAWS(awsregistry.ClassOther, "CreateRole", "ValidationError", "1 validation error detected")),
	"aws_timeout":          awsFailed(fmt.Errorf("%w: %w", context.DeadlineExceeded, &diags.TimeoutError{Setting: "timeouts.create", After: 15 * time.Minute})),
	"aws_interrupted":      awsFailed(context.Canceled),
	"aws_config":           awsFailed(&diags.ConfigurationError{Err: &awsregistry.ConfigError{Field: "aws.region", Problem: `"mars-1" is no AWS region, as in "eu-central-1"`}}),
	"aws_not_known_yet":    awsFailed(diags.ErrNotKnownYet),
	"aws_foreign_template": awsFailed(&awsregistry.ForeignError{Objects: []awsregistry.ForeignObject{foreignTemplate}}),
	"aws_foreign":          awsFailed(&awsregistry.ForeignError{Objects: []awsregistry.ForeignObject{foreignRole, foreignPolicy}}),
	"aws_foreign_all":      awsFailed(&awsregistry.ForeignError{Objects: []awsregistry.ForeignObject{foreignPolicy, foreignTemplate}}),
	"aws_foreign_delete":   {diags.FromAWS(diags.DeleteRegistryConfig, registrySubject, &awsregistry.ForeignError{Objects: []awsregistry.ForeignObject{foreignRole, foreignPolicy}})},
	"aws_taken_names":      diags.TakenNames([]awsregistry.ForeignObject{foreignRole, foreignPolicy}),
	"aws_left":             {diags.ObjectsLeft([]awsregistry.ForeignObject{foreignPolicy})},
	"aws_held":             {diags.FromAWS(diags.DeleteRegistryConfig, registrySubject, &awsregistry.OtherPoliciesError{Roles: []awsregistry.RolePolicies{otherPolicies}})},
	"aws_denied_scp":       onAWS(deniedBy("with an explicit deny in a service control policy: arn:aws:organizations::210987654321:policy/o-a/service_control_policy/p-b")),
	"aws_denied_boundary":  onAWS(deniedBy("because no permissions boundary allows the iam:AttachRolePolicy action")),
	"aws_denied_own":       onAWS(deniedBy("because no identity-based policy allows the iam:AttachRolePolicy action")),
	"aws_region_refused":   onAWS(&awsregistry.Error{Service: "STS", Operation: "GetCallerIdentity", Class: awsregistry.ClassRegionRefused, Code: "SignatureDoesNotMatch", StatusCode: 403, Region: "eu-central-9", Message: "Credential should be scoped to a valid region, not 'eu-central-9'."}),
	"aws_in_use": awsFailed(&awsregistry.InUseError{
		Policy: "eks_ecr_image_builder_policy_prod_rime", Holders: []string{"role ci", "user ada"}, Err: refusedByAWS(awsregistry.ClassConflict, "DeletePolicy", "DeleteConflict", "Cannot delete a policy attached to entities."),
	}),
	"aws_unstable":       awsFailed(&awsregistry.UnstableError{Subject: "role eks_ecr_image_builder_prod_rime", Missing: "attachment", Err: errors.New("AWS did not settle within 3m0s")}),
	"aws_preview_failed": {diags.FromAWS(diags.PreviewLifecycle, `the lifecycle policy of the repository "ml/x"`, &awsregistry.PreviewFailedError{Repository: "ml/x", Status: "failed"})},
	"aws_other_account":  awsFailed(&diags.OtherAccountError{Want: "123456789012.dkr.ecr.us-east-1.amazonaws.com", Got: "210987654321.dkr.ecr.us-east-1.amazonaws.com"}),

	"ecr_not_found": imageInECR(&diags.RegistryNotFoundError{Err: &awsregistry.Error{Service: "credentials", Operation: "chain", Class: awsregistry.ClassCredentialsMissing, Message: "the chain has none"}}),
	"ecr_denied":    imageInECR(deniedByECR("CreateRepository", "repository/ml/sklearn")),
	"ecr_immutable": imageInECR(&awsregistry.ImmutableError{Repository: "ml/sklearn"}),
	"ecr_unstable":  imageInECR(&awsregistry.UnstableError{Subject: "repository ml/sklearn", Missing: "lifecycle policy", Err: errors.New("AWS did not settle within 3m0s")}),
	"ecr_list":      {diags.ListFailed(deniedByECR("DescribeRepositories", "repository/*"))},
	"ecr_left":      {diags.RepositoryLeft("sklearn", &embedded.RepositoryLeftError{Repository: "123456789012.dkr.ecr.us-east-1.amazonaws.com/ml/sklearn", Err: deniedByECR("DeleteRepository", "repository/ml/sklearn")})},
	"ecr_kept":      {diags.RepositoryKept("sklearn", "123456789012.dkr.ecr.us-east-1.amazonaws.com/ml/sklearn", 2)},

	"ecr_external_bases": {diags.ExternalBaseImages(path.Root("allow_external_custom_images"), "123456789012.dkr.ecr.us-east-1.amazonaws.com", []string{`"3.11" = "python:3.11-slim"`, `"3.12" = "python:3.12-slim"`})},

	"aws_invalid_rule": {diags.InvalidInput(path.Root("lifecycle_rules").AtListIndex(1).AtName("priority"), &awsregistry.InputError{
		Rule: 1, Field: awsregistry.FieldPriority, Text: "1", Problem: "is the priority of rule 1, too", Suggestion: "give each rule its own; 2 is free",
	})},
	"aws_invalid_setting":   {diags.InvalidInput(path.Root("tag_mutability_exclusions"), &awsregistry.InputError{Rule: -1, Field: awsregistry.FieldExclusions, Problem: "are missing", Suggestion: "give a pattern"})},
	"aws_invalid_policy":    {diags.InvalidInputWithin(path.Root("lifecycle_policy_json"), &awsregistry.InputError{Rule: 0, Field: awsregistry.FieldCountNumber, Text: "0", Problem: "is not accepted by ECR", Suggestion: "give 1 at least"})},
	"aws_useless_rule":      {diags.UselessRule(path.Root("lifecycle_rules").AtListIndex(1), &awsregistry.InputError{Rule: 1, Problem: "never selects an image, as rule 1 selects all of them before"})},
	"aws_useless_rule_json": {diags.UselessRuleWithin(path.Root("lifecycle_policy_json"), &awsregistry.InputError{Rule: 1, Problem: "never has an effect: the rule of priority 1 comes first and selects all of these images", Suggestion: "give it a lower priority number, or remove it"})},
	"aws_hazardous_rule": {diags.HazardousRule(path.Root("lifecycle_rules").AtListIndex(1), awsregistry.Hazard{
		Rule: 1, Record: true, Reason: `The rule of priority 2 can expire the record "rime-record" of an image of the embedded registry.`,
		Suggestion: `put a rule before it with tag_patterns = ["rime-record"], count_type = "imageCountMoreThan" and count_number = 1, which never fires and keeps the record from later rules`,
	})},
	"aws_repositories": {
		diags.RepositoriesExist(path.Root("repository_prefix"), "ml/prod/rime", []string{"ml/prod/rime/a", "ml/prod/rime/b", "ml/prod/rime/c", "ml/prod/rime/d", "ml/prod/rime/e", "ml/prod/rime/f", "ml/prod/rime/g"}, []string{"lifecycle_rules", "scan_on_push"}),
		diags.RepositoriesExist(path.Root("repository_prefix"), "", []string{"churn"}, nil),
	},
	"aws_overlap":           {diags.OverlappingPrefixes(path.Root("repository_prefix"), "rime", []awsregistry.Neighbour{{Prefix: "rime/a", Name: "policy arn:aws:iam::123456789012:policy/eks_ecr_repo_management_policy_a"}})},
	"aws_template_tags":     {diags.TemplateWithoutTags(path.Root("creation_template").AtName("custom_role_arn"), []string{"owner", "team"})},
	"aws_empty_prefix":      {diags.EmptyPrefix(path.Root("repository_prefix"))},
	"aws_empty_prefix_warn": {diags.EmptyPrefixAllowed(path.Root("repository_prefix"))},
	"aws_not_refreshed":     {diags.NotRefreshed()},
	"aws_import_id":         {diags.InvalidImportID("a,b,c,d", "`<a>,<b>`")},
	"aws_trust":             {diags.TrustNotUnderstood("the role x", `{"Version":"2012-10-17","Statement":[]}`)},
	"aws_other_policies": {
		diags.OtherPolicies(path.Root("force_detach_policies"), otherPolicies, false), diags.OtherPolicies(path.Root("force_detach_policies"), otherPolicies, true),
		diags.OtherPoliciesStay([]awsregistry.RolePolicies{otherPolicies}), diags.OtherPoliciesGo(otherPolicies, false), diags.OtherPoliciesGo(otherPolicies, true),
	},
}

func init() {
	maps.Copy(messages, awsMessages)
}
