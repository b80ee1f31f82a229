package awsregistry

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Class says what kind of failure an [Error] is, whatever AWS's code for it.
type Class int

// The classes of failures.
const (
	// ClassOther is a refusal of no other class: a malformed request, most of the time.
	ClassOther Class = iota
	// ClassDenied is a caller without the permission; [Error.Action] is the permission that is missing, where AWS says so.
	ClassDenied
	// ClassThrottled is a quota on requests that was exceeded.
	ClassThrottled
	// ClassNotFound is something that does not exist, by the word of the service that would have it.
	ClassNotFound
	// ClassExists is something that exists already.
	ClassExists
	// ClassConflict is something in the way: it is not empty, still attached, or being changed by somebody else.
	ClassConflict
	// ClassLimit is a quota on things, such as the number of versions of a policy.
	ClassLimit
	// ClassPolicyRefused is a policy document that IAM refused: malformed, or with a principal that it does not know, or not yet.
	ClassPolicyRefused
	// ClassCredentialsMissing is a chain of credentials that has none.
	ClassCredentialsMissing
	// ClassCredentialsExpired is a set of credentials that AWS no longer, or never, accepted.
	ClassCredentialsExpired
	// ClassRegionMissing is a configuration without a region.
	ClassRegionMissing
	// ClassRegionRefused is a region that the endpoint is not in.
	ClassRegionRefused
	// ClassUnreachable is an endpoint that gave no answer, or none that AWS would give.
	ClassUnreachable
	// ClassUnavailable is a service that failed by its own word.
	ClassUnavailable
	// classTorn is a look at several parts of one thing that saw them at different times. It never leaves this package.
	classTorn
)

// What [errors.Is] finds in an [*Error] of that class.
var (
	ErrDenied             = errors.New("AWS denied the request")
	ErrThrottled          = errors.New("AWS throttled the request")
	ErrNotFound           = errors.New("AWS does not have it")
	ErrExists             = errors.New("AWS has it already")
	ErrConflict           = errors.New("something is in the way")
	ErrLimit              = errors.New("a quota of AWS is used up")
	ErrPolicyRefused      = errors.New("AWS refused the policy document")
	ErrCredentialsMissing = errors.New("there are no AWS credentials")
	ErrCredentialsExpired = errors.New("AWS does not accept the credentials")
	ErrRegionMissing      = errors.New("there is no AWS region")
	ErrRegionRefused      = errors.New("AWS does not accept the region")
	ErrUnreachable        = errors.New("the AWS endpoint cannot be reached")
	ErrUnavailable        = errors.New("AWS failed")
)

// sentinels are the errors by class.
var sentinels = map[Class]error{
	ClassDenied: ErrDenied, ClassThrottled: ErrThrottled, ClassNotFound: ErrNotFound, ClassExists: ErrExists,
	ClassConflict: ErrConflict, ClassLimit: ErrLimit, ClassPolicyRefused: ErrPolicyRefused,
	ClassCredentialsMissing: ErrCredentialsMissing, ClassCredentialsExpired: ErrCredentialsExpired,
	ClassRegionMissing: ErrRegionMissing, ClassRegionRefused: ErrRegionRefused, ClassUnreachable: ErrUnreachable, ClassUnavailable: ErrUnavailable,
}

// Error is a request that AWS refused, or that did not reach it.
type Error struct {
	// Service is "ECR", "IAM", "STS" or "codeartifact".
	Service string
	// Operation is AWS's name of what was asked ("CreateRole").
	Operation string
	// Subject is what it was asked about ("role eks_ecr_image_builder_a_b"). Empty where the operation says it all.
	Subject string
	// Class is the kind of failure.
	Class Class
	// Code is AWS's own code ("NoSuchEntity"). Empty when AWS did not answer.
	Code string
	// Message is AWS's own words, or those of the network, in one line.
	Message string
	// StatusCode is the HTTP status, or 0 without an answer.
	StatusCode int
	// RequestID is AWS's number of the request, for its support. Empty when AWS did not answer.
	RequestID string
	// Action is the permission the caller lacks ("iam:CreateRole"), for [ClassDenied].
	Action string
	// Resource is the ARN that the permission is missing on, for [ClassDenied]. Empty: nobody says.
	Resource string
	// Denier is the kind of policy that stands against the request ("service control policy"), for [ClassDenied]. Empty: AWS
	// does not say.
	Denier string
	// Forbidden tells that the denier forbids it; otherwise it only does not allow it.
	Forbidden bool
	// Region is the client's. Empty: it has none yet.
	Region string
	// Err is the SDK's error.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Service + " " + e.Operation
	if e.Subject != "" {
		text += " (" + e.Subject + ")"
	}
	text += ":"
	if e.Code != "" {
		text += " " + e.Code + ":"
	}
	text += " " + e.Message
	if e.RequestID != "" {
		text += " (request id " + e.RequestID + ")"
	}
	return strings.TrimSpace(text)
}

// Unwrap returns the SDK's error.
func (e *Error) Unwrap() error { return e.Err }

// Is finds the error of the class.
func (e *Error) Is(target error) bool { return target == sentinels[e.Class] && target != nil }

// Transient tells whether the same request may well succeed a little later.
func (e *Error) Transient() bool {
	switch e.Class {
	case ClassThrottled, ClassUnavailable, ClassUnreachable:
		return true
	default:
		return false
	}
}

// ConfigError is a configuration that cannot work.
type ConfigError struct {
	// Field is the attribute at fault, as the provider's schema spells it.
	Field string
	// Problem is what is wrong with it, as the rest of a sentence that begins with the attribute.
	Problem string
}

// Error implements error.
func (e *ConfigError) Error() string { return e.Field + " " + e.Problem }

// InputError is an input that was refused before anything was asked of AWS, with what is wrong about it and how to put it right.
type InputError struct {
	// Rule is the index of the lifecycle rule at fault in the order given, from zero. It is -1 when the error is about no single rule.
	Rule int
	// Field is the attribute at fault, as the schema spells it.
	Field Field
	// Text is the value at fault.
	Text string
	// Problem is what is wrong, as the rest of a sentence that starts with the value.
	Problem string
	// Suggestion is what to do, in the imperative. Empty when there is nothing better to say.
	Suggestion string
}

// Error implements error.
func (e *InputError) Error() string {
	message := fmt.Sprintf("%s %s %s", e.Field, quote(e.Text), e.Problem)
	if e.Rule >= 0 {
		message = fmt.Sprintf("rule %d: %s", e.Rule+1, message)
	}
	if e.Suggestion != "" {
		message += "; " + e.Suggestion
	}
	return message
}

// maxQuoted is how much of a text an error quotes, in characters.
const maxQuoted = 120

// quote shows a text so that nothing in it stays invisible, cut to a length that still fits a message.
func quote(text string) string {
	if runes := []rune(text); len(runes) > maxQuoted {
		return fmt.Sprintf("%q… (%d characters)", string(runes[:maxQuoted]), len(runes))
	}
	return fmt.Sprintf("%q", text)
}

// Field names an input that an [InputError] is about, as the schema spells it.
type Field string

// The fields of inputs.
const (
	FieldRepositoryPrefix    Field = "repository_prefix"
	FieldNamespace           Field = "namespace"
	FieldNameSuffix          Field = "resource_name_suffix"
	FieldRoleName            Field = "role_name"
	FieldPolicyName          Field = "policy_name"
	FieldRolePath            Field = "role_path"
	FieldPermissionsBoundary Field = "permissions_boundary_arn"
	FieldOIDCProviderARN     Field = "oidc_provider_arn"
	FieldOIDCProviderURL     Field = "oidc_provider_url"
	FieldOIDCAudience        Field = "oidc_audience"
	FieldServiceAccounts     Field = "service_accounts"
	FieldTags                Field = "tags"
	FieldTagMutability       Field = "tag_mutability"
	FieldExclusions          Field = "tag_mutability_exclusions"
	FieldEncryption          Field = "encryption"
	FieldAppliedFor          Field = "applied_for"
	FieldDescription         Field = "description"
	FieldCustomRole          Field = "custom_role_arn"
	FieldLifecyclePolicy     Field = "lifecycle_policy_json"
	FieldLifecycleRules      Field = "lifecycle_rules"
	FieldPriority            Field = "priority"
	FieldTagStatus           Field = "tag_status"
	FieldTagPrefixes         Field = "tag_prefixes"
	FieldTagPatterns         Field = "tag_patterns"
	FieldStorageClass        Field = "storage_class"
	FieldCountType           Field = "count_type"
	FieldCountUnit           Field = "count_unit"
	FieldCountNumber         Field = "count_number"
	FieldAction              Field = "action"
	FieldTargetStorageClass  Field = "target_storage_class"
)

// jsonKeys are the fields of lifecycle rules as ECR spells them.
var jsonKeys = map[Field]string{
	FieldLifecycleRules: "rules", FieldPriority: "rulePriority", FieldTagStatus: "tagStatus", FieldTagPrefixes: "tagPrefixList",
	FieldTagPatterns: "tagPatternList", FieldStorageClass: "storageClass", FieldCountType: "countType", FieldCountUnit: "countUnit",
	FieldCountNumber: "countNumber", FieldAction: "type", FieldTargetStorageClass: "targetStorageClass",
}

// JSONKey is the field of a lifecycle rule as ECR's JSON spells it.
func (f Field) JSONKey() string { return cmp.Or(jsonKeys[f], string(f)) }

// inJSON turns what messages say of fields into ECR's JSON.
var inJSON = func() *strings.Replacer {
	var words []string
	for _, field := range slices.Sorted(maps.Keys(jsonKeys)) {
		words = append(words, string(field)+" = ", fmt.Sprintf("%q: ", jsonKeys[field]))
		if strings.Contains(string(field), "_") {
			words = append(words, string(field), jsonKeys[field])
		}
	}
	return strings.NewReplacer(words...)
}()

// UnstableError is a change that AWS confirmed but did not show in time.
type UnstableError struct {
	// Subject is what was changed.
	Subject string
	// Missing is what the last look did not show, or showed differently.
	Missing string
	Err     error
}

// Error implements error.
func (e *UnstableError) Error() string {
	return fmt.Sprintf("AWS accepted the change of %s, but does not show it reliably (%s): %v", e.Subject, e.Missing, e.Err)
}

// Unwrap returns why the wait ended.
func (e *UnstableError) Unwrap() error { return e.Err }
