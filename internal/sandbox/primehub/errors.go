package primehub

import "fmt"

// Codes of errors (internal/primehub/CONTRACT.md §1.4). The wire value of what the server calls NOT_AUTH_ERROR is NOT_AUTH.
const (
	codeInternalServer   = "INTERNAL_SERVER_ERROR"
	codeParseFailed      = "GRAPHQL_PARSE_FAILED"
	codeValidationFailed = "GRAPHQL_VALIDATION_FAILED"
	codeBadUserInput     = "BAD_USER_INPUT"
	codeNotAuth          = "NOT_AUTH"
	codeConflict         = "RESOURCE_CONFLICT"
	codeInternal         = "INTERNAL_ERROR"
	codeNotFound         = "RESOURCE_NOT_FOUND"
	codeUnavailable      = "API_UNAVAILABLE"
)

// refusal is an error as a client gets it.
type refusal struct {
	message, code string
	// unstitched is the error as a community installation tells it. An enterprise installation serves a stitched schema, in which errors of
	// the HTTP layer lose what says which they are; that is what message and code are then.
	unstitched *refusal
}

func (r *refusal) Error() string { return r.message }

func refuse(code, format string, args ...any) *refusal {
	return &refusal{message: fmt.Sprintf(format, args...), code: code}
}

// in is the error as the edition tells it.
func (r *refusal) in(e Edition) *refusal {
	if e == Community && r.unstitched != nil {
		return r.unstitched
	}
	return r
}

// notAuthorised is how the permission layer refuses: with no code of its own.
func notAuthorised() error { return refuse(codeInternalServer, "Not Authorised!") }

// notAuthorise is how a resolver of images refuses.
func notAuthorise() error { return refuse(codeNotAuth, "Not authorise") }

// typeError is what a resolver says that did not expect something: the text of the JavaScript engine.
func typeError(text string) error { return refuse(codeInternalServer, "%s", text) }

// unavailable is how reads fail when the API server of Kubernetes does.
func unavailable() error {
	return &refusal{codeUnavailable, codeInternalServer, refuse(codeUnavailable, "An internal server error occurred")}
}

// requestFailed is how writes fail that Kubernetes refuses.
func requestFailed() error { return refuse(codeInternalServer, "HTTP request failed") }

// notFound is how a missing object is told by the operations that tell it.
func (p *Platform) notFound(resource, name string) error {
	if p.options.OldErrors {
		return refuse(codeInternalServer, "%s %q not found", resource, name)
	}
	return &refusal{"HTTP request failed", codeInternalServer, refuse(codeNotFound, "HTTP request failed")}
}

// keycloakFailed is how Keycloak's answers come through.
func keycloakFailed(status int) error {
	return refuse(codeInternalServer, "Request failed with status code %d", status)
}

// wireError is an error of an answer: message and code, and nothing else ever.
type wireError struct {
	Message    string `json:"message"`
	Extensions struct {
		Code string `json:"code"`
	} `json:"extensions"`
}

func (r *refusal) wire() wireError {
	w := wireError{Message: r.message}
	w.Extensions.Code = r.code
	return w
}
