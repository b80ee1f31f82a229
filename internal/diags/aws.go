package diags

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// The operations on AWS.
var (
	CreateRegistryConfig = Operation{"Unable to Create Image Registry Configuration", "create"}
	ReadRegistryConfig   = Operation{"Unable to Read Image Registry Configuration", "read"}
	UpdateRegistryConfig = Operation{"Unable to Update Image Registry Configuration", "update"}
	DeleteRegistryConfig = Operation{"Unable to Delete Image Registry Configuration", "delete"}
	PlanRegistryConfig   = Operation{"Unable to Plan Image Registry Configuration", "plan"}
	ListRepositories     = Operation{"Unable to Read Image Registry", "read"}
	PreviewLifecycle     = Operation{"Unable to Preview Lifecycle Policy", "preview"}
	GetCredentials       = Operation{"Unable to Get Registry Credentials", "get"}

	findRegistry = Operation{"Unable to Find ECR Registry", "find"}
)

// RegistryNotFoundError is an error of AWS that kept the provider from finding the ECR registry of the managed images.
type RegistryNotFoundError struct{ Err error }

// Error implements error.
func (e *RegistryNotFoundError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *RegistryNotFoundError) Unwrap() error { return e.Err }

// fromECR describes what AWS answered about the ECR registry of managed images or one of its repositories. It reports whether the error is such.
func fromECR(op Operation, subject string, err error) (diag.Diagnostic, bool) {
	if unfound, ok := errors.AsType[*RegistryNotFoundError](err); ok {
		return FromAWS(findRegistry, "the ECR registry of the managed images, which is that of the AWS account unless the provider's `embedded_registry.url` names another", unfound.Err), true
	}
	if immutable, ok := errors.AsType[*awsregistry.ImmutableError](err); ok {
		return diag.NewErrorDiagnostic("Repository Has Immutable Tags", text(
			fmt.Sprintf("Tried to %s %s.", op.verb, subject), "The reason it did not work:\n"+immutable.Error(), facts(fact{"Repository", immutable.Repository}),
		)), true
	}
	var (
		answer   *awsregistry.Error
		unstable *awsregistry.UnstableError
	)
	if errors.As(err, &answer) || errors.As(err, &unstable) {
		return FromAWS(op, subject, err), true
	}
	return nil, false
}

// FromAWS describes an error of an operation on AWS. subject says on what, as the rest of a sentence that begins with the verb.
func FromAWS(op Operation, subject string, err error) diag.Diagnostic {
	if d, ok := fromAWSConfiguration(err); ok {
		return d
	}
	tried := fmt.Sprintf("Tried to %s %s.", op.verb, subject)
	if d, ok := fromOwnership(op, tried, err); ok {
		return d
	}
	answer, ok := errors.AsType[*awsregistry.Error](err)
	if !ok {
		return diag.NewErrorDiagnostic(op.summary, text(tried, "The reason it did not work:\n"+err.Error(), adviceForAWSWait(err)))
	}
	kind, known := awsKinds[answer.Class]
	next := kind.next
	if answer.Class == awsregistry.ClassDenied {
		next = adviceForDenied(answer)
	}
	if answer.Class == awsregistry.ClassUnreachable {
		next = fmt.Sprintf(next, strings.ToLower(cmp.Or(answer.Service, "ecr")))
	}
	if !known {
		next = "Correct what the answer names and apply again."
	}
	return diag.NewErrorDiagnostic(cmp.Or(kind.summary, op.summary), text(tried, "The answer was:\n"+answer.Error(), next, awsFacts(answer)))
}

// awsKind is how a class of failures is shown.
type awsKind struct{ summary, next string }

// awsKinds are the classes that need another next step than the answer itself names.
var awsKinds = map[awsregistry.Class]awsKind{
	awsregistry.ClassDenied: {summary: "AWS Permission Missing"},
	awsregistry.ClassThrottled: {
		"AWS Requests Throttled",
		"Apply again later, give the resource longer `timeouts`, or lower Terraform's `-parallelism`. Something else may use the same quotas of this account.",
	},
	awsregistry.ClassExists:   {"AWS Object Exists Already", "Import what is there, or choose another `resource_name_suffix`, `namespace` or name."},
	awsregistry.ClassNotFound: {"AWS Object Not Found", "Check the name, the region and the account; plan again to see what else is gone."},
	awsregistry.ClassConflict: {"AWS Object Is in Use", "Take away what the answer names, or wait until whoever is changing it has finished, and apply again."},
	awsregistry.ClassLimit:    {"AWS Quota Used Up", "Delete what is no longer needed, or ask AWS for a higher quota (Service Quotas in its console), and apply again."},
	awsregistry.ClassPolicyRefused: {
		"IAM Policy Document Refused",
		"Check that what the trust names exists in this account: the cluster's IAM identity provider above all. Then apply again.",
	},
	awsregistry.ClassCredentialsMissing: {
		"AWS Credentials Missing",
		"Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, log in with `aws sso login`, or give `aws.profile` in the provider's configuration.",
	},
	awsregistry.ClassCredentialsExpired: {
		"AWS Credentials Not Accepted",
		"Renew them: `aws sso login`, a new session of the role, or a new access key. Where they are new, check this machine's clock.",
	},
	awsregistry.ClassRegionMissing: {
		"AWS Region Missing",
		"Give `aws.region` in the provider's configuration, or set AWS_REGION or the region of the profile.",
	},
	awsregistry.ClassRegionRefused: {
		"AWS Region Not Accepted",
		"Check `aws.region` in the provider's configuration, or AWS_REGION: write a region such as \"eu-central-1\", and the one that the endpoint is in, where `aws.endpoints` or AWS_ENDPOINT_URL is set. " +
			"The credentials are probably fine.",
	},
	awsregistry.ClassUnreachable: {
		"AWS Endpoint Cannot Be Reached",
		"Check the region, the network and its proxy, and, where `aws.endpoints.%s` or AWS_ENDPOINT_URL is set, that it is AWS or a stand-in that answers there.",
	},
	awsregistry.ClassUnavailable: {"AWS Is Not Available", "Apply again; if it happens regularly, look at AWS's health dashboard."},
}

// adviceForDenied names the permission that is missing, as a statement to add, and where to add it. What a policy forbids no
// other one can allow.
func adviceForDenied(answer *awsregistry.Error) string {
	if answer.Forbidden {
		return fmt.Sprintf("A %s forbids it, and no other policy can allow it. Have that policy changed by whoever is in charge of it, or use credentials that it does not apply to.", answer.Denier)
	}
	if answer.Action == "" {
		return "Ask for the permission that the answer names, or use credentials that have it."
	}
	where := "one of the caller's policies"
	switch {
	case answer.Denier == "" || answer.Denier == "identity-based policy":
	case strings.HasPrefix(answer.Denier, "service control") || strings.HasPrefix(answer.Denier, "resource control"):
		where = fmt.Sprintf("the %s of the organisation, as well as in one of the caller's own", answer.Denier)
	default:
		where = fmt.Sprintf("the %s, as well as in one of the caller's own policies", answer.Denier)
	}
	resource := answer.Resource
	if resource == "" {
		if resource = "*"; strings.HasPrefix(answer.Action, "iam:") {
			resource = "<ARN of what the answer names>"
		}
	}
	return fmt.Sprintf("Allow it with this statement in %s:\n"+
		"  { \"Effect\": \"Allow\", \"Action\": %q, \"Resource\": %q }\n"+
		"The whole policy that the provider needs is on its page (\"Permissions on AWS\").", where, answer.Action, resource)
}

func awsFacts(answer *awsregistry.Error) string {
	status := ""
	if answer.StatusCode != 0 {
		status = strconv.Itoa(answer.StatusCode) + " " + http.StatusText(answer.StatusCode)
	}
	return facts(
		fact{"AWS operation", strings.TrimSpace(answer.Service + " " + answer.Operation)}, fact{"AWS error code", answer.Code},
		fact{"Missing permission", answer.Action}, fact{"Region", answer.Region}, fact{"HTTP status", status}, fact{"Request id", answer.RequestID},
	)
}

// adviceForAWSWait is the next step for what is no answer of AWS: an interrupt or a time-out.
func adviceForAWSWait(err error) string {
	if timeout, ok := errors.AsType[*TimeoutError](err); ok {
		return fmt.Sprintf("Apply again: what was begun is continued. Set a longer `%s` if it happens regularly.", timeout.Setting)
	}
	return "Apply again: what was begun is continued."
}

// fromOwnership describes what is particular to the roles, policies and templates of a registry. It reports whether the error is such.
func fromOwnership(op Operation, tried string, err error) (diag.Diagnostic, bool) {
	var (
		foreign  *awsregistry.ForeignError
		others   *awsregistry.OtherPoliciesError
		inUse    *awsregistry.InUseError
		unstable *awsregistry.UnstableError
		failed   *awsregistry.PreviewFailedError
	)
	switch {
	case errors.As(err, &foreign):
		return foreignObjects(op, tried, foreign.Objects), true
	case errors.As(err, &others):
		return rolesWithOtherPolicies(tried, others.Roles), true
	case errors.As(err, &inUse):
		return diag.NewErrorDiagnostic("IAM Policy Is Still in Use", text(
			fmt.Sprintf("%s But others use the policy %q, too.", tried, inUse.Policy),
			"The answer was:\n"+inUse.Err.Error(),
			"Detach it from them and apply again.",
			facts(fact{"Policy", inUse.Policy}, fact{"Attached to", strings.Join(inUse.Holders, ", ")}),
		)), true
	case errors.As(err, &unstable):
		return diag.NewErrorDiagnostic("AWS Change Not Visible", text(
			fmt.Sprintf("%s AWS confirmed the change of %s but does not show it reliably yet.", tried, unstable.Subject),
			"What the last look showed:\n"+unstable.Missing,
			"Apply again in a few minutes. If it happens again, somebody or something else keeps changing it back.",
			facts(fact{"Changed", unstable.Subject}),
		)), true
	case errors.As(err, &failed):
		return diag.NewErrorDiagnostic("Lifecycle Policy Preview Failed", text(
			tried+" ECR began it and did not bring it to its end.",
			"Plan again; if it happens again, look at the repository in ECR's console.",
			facts(fact{"Repository", failed.Repository}, fact{"Preview status", failed.Status}),
		)), true
	}
	return nil, false
}

// fromAWSConfiguration describes what stands between a resource and AWS.
func fromAWSConfiguration(err error) (diag.Diagnostic, bool) {
	if broken, ok := errors.AsType[*awsregistry.ConfigError](err); ok {
		return diag.NewErrorDiagnostic("AWS Configuration Cannot Be Used", text(
			fmt.Sprintf("The provider's attribute `%s` %s.", broken.Field, broken.Problem),
			"Correct the provider's configuration.",
		)), true
	}
	if other, ok := errors.AsType[*OtherAccountError](err); ok {
		return otherAccount(other), true
	}
	return fromConfiguration(err)
}

// InvalidInput describes a setting of a registry that AWS would refuse, at its attribute.
func InvalidInput(at path.Path, err *awsregistry.InputError) diag.Diagnostic {
	summary := "Invalid Image Registry Setting"
	if err.Rule >= 0 {
		summary = "Invalid Lifecycle Rule"
	}
	subject := at.String()
	if err.Text != "" && len(err.Text) <= maxShown {
		subject = fmt.Sprintf("%s = %q", at, err.Text)
	}
	return diag.NewAttributeErrorDiagnostic(at, summary, text(subject+" "+strings.TrimSuffix(err.Problem, ".")+".", sentence(err.Suggestion)))
}

// maxShown is the longest value that a message repeats, in bytes.
const maxShown = 200

// EmptyPrefix refuses a prefix that covers every repository unless that was asked for.
func EmptyPrefix(at path.Path) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Repository Prefix Covers Every Repository", text(
		"The effective prefix is empty, so that the two roles could use every repository of the account in its region, and every one would get the lifecycle policy.",
		"Give a `repository_prefix`, such as \"rime-managed-images\", or a `resource_name_suffix` or `namespace`, which are part of the effective prefix. "+
			"If every repository is meant, set `allow_empty_prefix = true`.",
	))
}

// EmptyPrefixAllowed warns of a prefix that covers every repository, as was asked for.
func EmptyPrefixAllowed(at path.Path) diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(at, "Registry Covers Every Repository", text(
		"The effective prefix is empty: the registry server may create and delete, and image builders may push to, every repository of the account in its region. "+
			"Repository settings and the lifecycle policy apply to all of them as well.",
		"Give a `repository_prefix` to hold them to the registry's own repositories.",
	))
}

// otherAccount describes credentials that lead to another account or region than the state's.
func otherAccount(err *OtherAccountError) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Another AWS Account Than Before", text(
		fmt.Sprintf("The state's image registry is %s, but the provider's configuration leads to %s. Nothing was read or changed.", err.Want, err.Got),
		"Use the credentials and the region of before. To move the registry, destroy it there first, or forget it with `terraform state rm`.",
		facts(fact{"State", err.Want}, fact{"Provider", err.Got}),
	))
}

// NotRefreshed warns that a refresh left something on AWS as the state has it.
func NotRefreshed() diag.Diagnostic {
	return diag.NewWarningDiagnostic("Image Registry Configuration Not Refreshed", text(
		"The image registry configuration is shown as the state has it: where it is will be known only after an apply.",
		"Plan again after the apply to see whether it has changed.",
	))
}

// InvalidImportID describes an id that cannot be imported.
func InvalidImportID(id, form string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Invalid Import ID", text(
		fmt.Sprintf("Tried to import %q, which does not say what to import.", id),
		"Write "+form+".",
	))
}

// TrustNotUnderstood warns of an imported trust policy that no configuration of this resource would make.
func TrustNotUnderstood(subject, document string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Trust Policy Not Understood", text(
		fmt.Sprintf("The trust policy of %s is of another kind than this resource makes, so that `oidc_provider_arn` and its kin could not be taken over from it.", subject),
		"The policy is:\n"+document,
		"The plan shows what it is going to be.",
	))
}

// InvalidInputWithin describes a lifecycle rule in a JSON text that ECR would refuse.
func InvalidInputWithin(at path.Path, err *awsregistry.InputError) diag.Diagnostic {
	where := "The policy"
	if err.Rule >= 0 {
		where = fmt.Sprintf("Rule %d of the policy", err.Rule+1)
	}
	subject := err.Field.JSONKey()
	if err.Text != "" {
		subject = fmt.Sprintf("%s %q", subject, err.Text)
	}
	return diag.NewAttributeErrorDiagnostic(at, "Invalid Lifecycle Policy", text(
		fmt.Sprintf("%s cannot be used: %s %s.", where, subject, strings.TrimSuffix(err.Problem, ".")), sentence(err.Suggestion),
	))
}

// OtherAccountError is a provider that leads to another account or region than the state's.
type OtherAccountError struct{ Want, Got string }

// Error implements error.
func (e *OtherAccountError) Error() string {
	return fmt.Sprintf("the state's registry is %s, the provider's is %s", e.Want, e.Got)
}
