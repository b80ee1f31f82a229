package provider

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// inputCheck is the judgement of package awsregistry on one value.
func inputCheck(summary, rule string, judge func(string) *awsregistry.InputError) check {
	return check{summary: summary, rule: rule, find: func(value string) *diags.Problem {
		refused := judge(value)
		if refused == nil {
			return nil
		}
		return &diags.Problem{Text: refused.Problem, Suggestion: refused.Suggestion}
	}}
}

// formCheck holds a value to a form.
func formCheck(summary, rule, example string, form *regexp.Regexp) check {
	return check{summary: summary, rule: rule, find: func(value string) *diags.Problem {
		if form.MatchString(value) {
			return nil
		}
		return &diags.Problem{Text: rule, Suggestion: `write it like "` + example + `"`}
	}}
}

var (
	managedPrefixCheck = inputCheck("Invalid Managed Repository Prefix",
		"must be empty, or words of lower-case letters and digits with single `-`, `_` or `/` between them", awsregistry.CheckPrefix)
	namespaceCheck = inputCheck("Invalid Kubernetes Namespace", "must be the name of a Kubernetes namespace",
		func(value string) *awsregistry.InputError { return awsregistry.CheckNaming("", value) })
	nameSuffixCheck = inputCheck("Invalid Resource Name Suffix", "must be at most 25 lower-case letters, digits, `.` and `-`",
		func(value string) *awsregistry.InputError { return awsregistry.CheckNaming(value, "") })
	allowedPolicyCheck = formCheck("Invalid Policy", "must be the ARN of a policy, or `inline:` and the name of an inline policy", "inline:use-the-key",
		regexp.MustCompile(`\A(?:arn:aws[a-z-]*:iam::(?:[0-9]{12}|aws):policy/[\w+=,.@/-]+|inline:[\w+=,.@-]{1,128})\z`))
	rolePathCheck        = inputCheck("Invalid Role Path", "must be a path in IAM, with `/` at both ends", awsregistry.CheckRolePath)
	oidcProviderARNCheck = inputCheck("Invalid OIDC Provider ARN", "must be the ARN of an IAM identity provider", awsregistry.CheckOIDCProviderARN)
	oidcProviderURLCheck = inputCheck("Invalid OIDC Provider URL", "must be the address of an OIDC issuer", awsregistry.CheckOIDCProviderURL)
	policyARNCheck       = inputCheck("Invalid Policy ARN", "must be the ARN of an IAM policy", awsregistry.CheckPermissionsBoundary)

	serviceAccountCheck = formCheck("Invalid Service Account", "must be a namespace and the name of a service account in it, with a colon between them",
		"rime:rime-rime-image-registry-server", regexp.MustCompile(`\A[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\z`))
	accountIDCheck = formCheck("Invalid AWS Account", "must be the number of an AWS account, of twelve digits", "123456789012", regexp.MustCompile(`\A[0-9]{12}\z`))
)

// tagsCheck judges the tags that are known.
type tagsCheck struct{}

var _ validator.Map = tagsCheck{}

// Description implements validator.Describer.
func (tagsCheck) Description(context.Context) string { return "must be tags that AWS accepts" }

// MarkdownDescription implements validator.Describer.
func (c tagsCheck) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateMap implements validator.Map.
func (tagsCheck) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	if refused := awsregistry.CheckTags(textMap(req.ConfigValue)); refused != nil {
		resp.Diagnostics.Append(diags.InvalidInput(req.Path, refused))
	}
}

// lifecyclePolicyCheck judges a lifecycle policy in JSON; one may have several problems.
type lifecyclePolicyCheck struct{}

var _ validator.String = lifecyclePolicyCheck{}

// Description implements validator.Describer.
func (lifecyclePolicyCheck) Description(context.Context) string {
	return "must be a lifecycle policy that ECR accepts"
}

// MarkdownDescription implements validator.Describer.
func (c lifecyclePolicyCheck) MarkdownDescription(ctx context.Context) string {
	return c.Description(ctx)
}

// ValidateString implements validator.String.
func (lifecyclePolicyCheck) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	policy, err := awsregistry.ParseLifecyclePolicy(req.ConfigValue.ValueString())
	if refused, ok := errors.AsType[*awsregistry.InputError](err); ok {
		resp.Diagnostics.Append(diags.InvalidInput(req.Path, refused))
		return
	}
	for _, refused := range policy.Check() {
		resp.Diagnostics.Append(diags.InvalidInputWithin(req.Path, refused))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	for _, useless := range policy.Useless() {
		resp.Diagnostics.Append(diags.UselessRuleWithin(req.Path, useless))
	}
}

// harmlessPolicyCheck refuses a lifecycle policy that could take away what the embedded registry needs. One that is no policy at all is left to [lifecyclePolicyCheck].
var harmlessPolicyCheck = check{
	summary: "Lifecycle Policy Endangers Managed Images", rule: "must not be able to expire managed images that are in use, nor their records",
	find: func(value string) *diags.Problem {
		policy, err := awsregistry.ParseLifecyclePolicy(value)
		if err != nil || len(policy.Check()) > 0 {
			return nil
		}
		for _, hazard := range policy.Hazards() {
			return &diags.Problem{Text: "endangers managed images: " + strings.TrimSuffix(hazard.Reason, "."), Suggestion: hazard.Suggestion}
		}
		return nil
	},
}

// keepMeaning keeps the prior value in the plan where the configuration only spells the same differently. Core accepts the prior value for a configured one.
type keepMeaning struct{ same func(a, b string) bool }

var _ planmodifier.String = keepMeaning{}

// Description implements planmodifier.Describer.
func (keepMeaning) Description(context.Context) string { return "Another spelling is no change." }

// MarkdownDescription implements planmodifier.Describer.
func (m keepMeaning) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

// PlanModifyString implements planmodifier.String.
func (m keepMeaning) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	known := !req.StateValue.IsNull() && !req.PlanValue.IsNull() && !req.PlanValue.IsUnknown()
	if known && m.same(req.StateValue.ValueString(), req.PlanValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}

// sameIssuer compares addresses of OIDC issuers: their scheme is left out by some.
func sameIssuer(a, b string) bool {
	bare := func(url string) string { return strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/") }
	return bare(a) == bare(b)
}

// inputPath is the attribute that a refusal of package awsregistry is about.
func inputPath(refused *awsregistry.InputError) path.Path {
	field := string(refused.Field)
	if refused.Rule < 0 {
		return path.Root(field)
	}
	return path.Root(string(awsregistry.FieldLifecycleRules)).AtListIndex(refused.Rule).AtName(field)
}
