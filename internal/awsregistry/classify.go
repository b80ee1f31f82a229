package awsregistry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// classes are AWS's codes by class. IAM's and STS's codes have no "Exception" at their end, ECR's have one; here it is left out.
var classes = map[string]Class{
	"AccessDenied": ClassDenied, "UnauthorizedOperation": ClassDenied, "NotAuthorized": ClassDenied, "KmsException": ClassOther,
	"Throttling": ClassThrottled, "Throttled": ClassThrottled, "TooManyRequests": ClassThrottled, "RequestLimitExceeded": ClassThrottled,
	"RequestThrottled": ClassThrottled, "SlowDown": ClassThrottled, "PriorRequestNotComplete": ClassThrottled,
	"NoSuchEntity": ClassNotFound, "RepositoryNotFound": ClassNotFound, "LifecyclePolicyNotFound": ClassNotFound, "TemplateNotFound": ClassNotFound,
	"ImageNotFound": ClassNotFound, "ResourceNotFound": ClassNotFound, "LifecyclePolicyPreviewNotFound": ClassNotFound,
	"EntityAlreadyExists": ClassExists, "RepositoryAlreadyExists": ClassExists, "TemplateAlreadyExists": ClassExists,
	"DeleteConflict": ClassConflict, "RepositoryNotEmpty": ClassConflict, "ConcurrentModification": ClassConflict,
	"EntityTemporarilyUnmodifiable": ClassConflict, "UnmodifiableEntity": ClassConflict, "LifecyclePolicyPreviewInProgress": ClassConflict,
	"LimitExceeded": ClassLimit, "TooManyTags": ClassLimit,
	"MalformedPolicyDocument": ClassPolicyRefused,
	"ExpiredToken":            ClassCredentialsExpired, "InvalidClientTokenId": ClassCredentialsExpired, "UnrecognizedClient": ClassCredentialsExpired,
	"SignatureDoesNotMatch": ClassCredentialsExpired, "InvalidSignature": ClassCredentialsExpired, "RequestExpired": ClassCredentialsExpired,
	"IncompleteSignature": ClassCredentialsExpired, "MissingAuthenticationToken": ClassCredentialsExpired,
	"ServiceFailure": ClassUnavailable, "Server": ClassUnavailable, "InternalFailure": ClassUnavailable, "InternalError": ClassUnavailable,
	"ServiceUnavailable": ClassUnavailable,
}

// apiAnswer is what an answer of AWS with a code is to the SDK.
type apiAnswer interface {
	error
	ErrorCode() string
	ErrorMessage() string
}

// operation is the SDK's note of what was asked.
type operation interface {
	error
	Service() string
	Operation() string
}

// What AWS says about a caller who lacks a permission. It is only shown: what class the refusal is has been told by its code.
var (
	permission = regexp.MustCompile(`not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9*]+)`)
	resource   = regexp.MustCompile(`on resource: (arn:\S+)`)
	caller     = regexp.MustCompile(`arn:(aws[a-z-]*):(?:iam|sts)::([0-9]{12}):`)
	denier     = regexp.MustCompile(`(with an explicit deny in|because no) (?:an? )?([A-Za-z -]*?(?:policy|boundary))`)
)

// otherRegion is all that AWS says about a region that the endpoint is not in: its code is that of a wrong signature.
var otherRegion = regexp.MustCompile(`(?i)credential should be scoped to a valid region`)

// ExplainDenial fills in what AWS's message says about a missing permission.
func ExplainDenial(e *Error) {
	if words := permission.FindStringSubmatch(e.Message); words != nil {
		e.Action = words[1]
	}
	if words := resource.FindStringSubmatch(e.Message); words != nil {
		e.Resource = words[1]
	} else if who := caller.FindStringSubmatch(e.Message); who != nil {
		e.Resource = arnOf(e.Subject, Account{ID: who[2], Partition: Partition(who[1])})
	}
	if words := denier.FindStringSubmatch(e.Message); words != nil {
		e.Denier, e.Forbidden = words[2], strings.HasPrefix(words[1], "with")
	}
}

// arnOf is the ARN of the subject of a request, as far as it is one of IAM.
func arnOf(subject string, account Account) string {
	kind, name, _ := strings.Cut(subject, " ")
	switch {
	case strings.HasPrefix(name, "arn:"):
		return name
	case kind == "role":
		return account.RoleARN("/", name)
	case kind == "policy":
		return account.PolicyARN("/", name)
	}
	return ""
}

// newError gives the SDK's error a type. An interrupted call is the context's cause, wrapped, and no [*Error].
func newError(ctx context.Context, subject string, err error) error {
	if known, ok := errors.AsType[*Error](err); ok {
		named := *known // others may be reading it: the first error of a group is why its context ended
		named.Subject = cmp.Or(known.Subject, subject)
		return &named
	}
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	e := &Error{Subject: subject, Class: ClassUnreachable, Err: err, Message: httpx.OneLine(err.Error())}
	if asked, ok := errors.AsType[operation](err); ok {
		e.Service, e.Operation = asked.Service(), asked.Operation()
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		e.StatusCode, e.RequestID = response.HTTPStatusCode(), response.ServiceRequestID()
	}
	answer, ok := errors.AsType[apiAnswer](err)
	if !ok {
		return e
	}
	e.Code, e.Message = answer.ErrorCode(), httpx.OneLine(answer.ErrorMessage())
	e.Class = classOf(e.Code, e.StatusCode)
	switch e.Class { //nolint:exhaustive // The others need no more.
	case ClassDenied:
		ExplainDenial(e)
	case ClassCredentialsExpired:
		if otherRegion.MatchString(e.Message) {
			e.Class = ClassRegionRefused
		}
	}
	return e
}

// classOf is the class of an answer. What has no code of AWS was answered by somebody else, such as a proxy.
func classOf(code string, status int) Class {
	class, known := classes[strings.TrimSuffix(code, "Exception")]
	switch {
	case known:
		return class
	case status == http.StatusTooManyRequests:
		return ClassThrottled
	case status >= http.StatusInternalServerError:
		return ClassUnavailable
	case code == "" || code == "UnknownError":
		return ClassUnreachable
	}
	return ClassOther
}

// busy tells whether somebody else is changing the same thing at this moment, so that the same request may succeed at once.
func busy(code string) bool {
	code = strings.TrimSuffix(code, "Exception")
	return code == "ConcurrentModification" || code == "EntityTemporarilyUnmodifiable"
}

// is tells whether the error is AWS's answer of that class.
func is(err error, class Class) bool {
	answer, ok := errors.AsType[*Error](err)
	return ok && answer.Class == class
}

// torn is the error of a look whose second half did not find what the first had seen.
func torn(err error) error {
	answer, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	half := *answer
	half.Class = classTorn
	return &half
}
