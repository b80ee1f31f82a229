package aws

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// refusal is an error that AWS answers with.
type refusal struct {
	status  int
	code    string
	message string
}

// Error implements error.
func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(code, format string, args ...any) *refusal {
	return &refusal{statusOf(code), code, fmt.Sprintf(format, args...)}
}

// statusOf is the status of an error code in the Query protocol. In JSON 1.1 nearly everything is 400.
func statusOf(code string) int {
	switch code {
	case "NoSuchEntity":
		return http.StatusNotFound
	case "EntityAlreadyExists", "DeleteConflict", "LimitExceeded", "EntityTemporarilyUnmodifiable", "ConcurrentModification":
		return http.StatusConflict
	case "AccessDenied", "InvalidClientTokenId", "MissingAuthenticationToken", "ExpiredToken", "SignatureDoesNotMatch":
		return http.StatusForbidden
	case "ServiceFailure", "InternalFailure", "ServerException":
		return http.StatusInternalServerError
	case "ServiceUnavailable":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// jsonBody is an error in JSON 1.1.
func (r *refusal) jsonBody() []byte {
	body, _ := json.Marshal(struct { // strings are always encoded
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{r.code, r.message})
	return body
}

// queryBody is an error in the Query protocol.
func (r *refusal) queryBody(namespace, requestID string) []byte {
	type failure struct {
		Type    string
		Code    string
		Message string
	}
	kind := "Sender"
	if r.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	body, _ := xml.Marshal(struct { // strings are always encoded
		XMLName   xml.Name
		Error     failure
		RequestID string `xml:"RequestId"`
	}{xml.Name{Space: namespace, Local: "ErrorResponse"}, failure{kind, r.code, r.message}, requestID})
	return body
}

// Failure is a fault rule: an operation, such as "ecr:CreateRepository", answers with an AWS error in its service's format, and does
// nothing. Set Times and Nth of the rule to limit it. An operation that there is not is a panic: its fault would never happen, and a test
// would pass without it. Faults of ECR's registry are of its paths and have no such form.
func Failure(operation, code, message string) fault.Rule {
	service, name, _ := strings.Cut(operation, ":")
	if _, exists := new(Cloud).allOperations()["/"+service+"/"+name]; !exists {
		panic("rime-sandbox does not simulate the operation " + operation)
	}
	failure := refuse(code, "%s", message)
	rule := fault.Rule{Service: Service, Path: "^/" + service + "/" + name + "$", Status: failure.status}
	if service == ecrService {
		rule.Headers = map[string]string{"Content-Type": jsonType}
		rule.Body = string(failure.jsonBody())
		return rule
	}
	if service == codeArtifactService {
		rule.Status = restStatus(code)
		rule.Headers = map[string]string{"Content-Type": "application/json", "X-Amzn-Errortype": code}
		rule.Body = string(failure.restBody())
		return rule
	}
	rule.Headers = map[string]string{"Content-Type": queryType}
	rule.Body = string(failure.queryBody(namespaces[service], "00000000-0000-4000-8000-000000000000"))
	return rule
}
