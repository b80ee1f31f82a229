package primehub

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// What callers ask about. Errors of this package wrap them.
var (
	// ErrNotFound is something that the platform, when it was asked twice in different ways, says it does not have.
	ErrNotFound = errors.New("not found")
	// ErrAlreadyExists is an image that somebody else has created.
	ErrAlreadyExists = errors.New("already exists")
)

// APIError is a platform that refused, failed, could not be reached or gave an answer that makes no sense.
type APIError struct {
	// Operation is what was asked: the name of a GraphQL operation ("CreateImage"), or "Log".
	Operation string
	// URL is where: scheme and host.
	URL string
	// StatusCode is the HTTP status, or 0 when there was no answer. The API refuses most things with 200 and an error in the answer.
	StatusCode int
	// Code is the platform's own error code, such as "NOT_AUTH". Empty when something else answered, such as a proxy.
	Code string
	// Kind is what the answer means.
	Kind Kind
	// Message is the platform's own words, or what was wrong with the answer, in one line and without the API token.
	Message string
	// RetryAfter is what the answer said about when to come back. Empty when nothing.
	RetryAfter string
	// Err is why there was no answer. Nil otherwise.
	Err error
}

// Error implements error.
func (e *APIError) Error() string {
	text := e.Operation + " at " + e.URL + ":"
	if e.StatusCode != 0 && e.StatusCode != http.StatusOK && e.Kind != KindUnauthenticated { // that comes with 500, which is no fault of the server
		text += " " + strings.TrimSpace(fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))) + ":"
	}
	if e.Kind == KindWebPage {
		text += " a web page answered, not the API:"
	}
	text += " " + e.Message
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.RetryAfter != "" {
		text += " (Retry-After: " + e.RetryAfter + ")"
	}
	return strings.TrimRight(text, ": ")
}

// Unwrap returns why there was no answer.
func (e *APIError) Unwrap() error { return e.Err }

// Transient tells whether the same request may well succeed a little later.
func (e *APIError) Transient() bool {
	switch e.Kind {
	case KindNoAnswer:
		return httpx.Temporary(e.Err)
	case KindUnavailable, KindBroken:
		return true
	case KindWebPage, KindOther:
		return slices.Contains([]int{
			http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		}, e.StatusCode)
	default:
		return false
	}
}

// Refused tells that the platform, or whoever answered in its place, did nothing of what it was asked. After any other error of a mutation only looking tells: errors
// of later steps come after the earlier ones have been done (CONTRACT §2.5, §2.6).
func (e *APIError) Refused() bool {
	switch e.Kind {
	case KindUnauthenticated, KindForbidden, KindInvalid, KindNotPrimeHub:
		return true
	case KindWebPage, KindOther:
		return e.StatusCode == http.StatusTooManyRequests || e.StatusCode >= http.StatusMultipleChoices && e.StatusCode < http.StatusInternalServerError
	case KindUnavailable:
		// What fails while the platform is at it, fails with 200; this is a caller who could not be made out.
		return e.StatusCode == http.StatusInternalServerError
	default:
		return false
	}
}

// TokenRefused tells that the platform does not accept the API token.
func TokenRefused(err error) bool { return hasKind(err, KindUnauthenticated) }

// lost tells that nobody knows what became of the request. After other errors the platform has said what it thinks, and is done with it.
func (e *APIError) lost() bool {
	return e.Kind == KindNoAnswer || e.Kind == KindBroken || e.Kind == KindWebPage || e.Kind == KindOther && e.Code == ""
}

// asAPIError finds the platform's answer in an error.
func asAPIError(err error) (*APIError, bool) { return errors.AsType[*APIError](err) }

// hasKind tells whether the error is an answer of one of these kinds.
func hasKind(err error, kinds ...Kind) bool {
	answer, ok := asAPIError(err)
	return ok && slices.Contains(kinds, answer.Kind)
}

// OrphanedRoleError is a name that cannot be used: there is no such image, but its role is left in Keycloak, where a create that failed has left it
// (CONTRACT §2.5). Nothing in the API removes it.
type OrphanedRoleError struct {
	Name string
	Err  error
}

// Role is the name of the role of an image in Keycloak, unless the installation puts a prefix before it.
func Role(image string) string { return "img:" + image }

// Error implements error.
func (e *OrphanedRoleError) Error() string {
	return fmt.Sprintf("there is no image %q, but the role %q that a failed attempt left in Keycloak keeps its name: %v", e.Name, Role(e.Name), e.Err)
}

// Unwrap returns the platform's answer.
func (e *OrphanedRoleError) Unwrap() error { return e.Err }

// FailedCreateError is a create after which there is no image, but perhaps a role in Keycloak that keeps the name.
type FailedCreateError struct {
	Name string
	Err  error
}

// Error implements error.
func (e *FailedCreateError) Error() string {
	return fmt.Sprintf("image %q was not created: %v", e.Name, e.Err)
}

// Unwrap returns the platform's answer.
func (e *FailedCreateError) Unwrap() error { return e.Err }

// IncompleteError is an image that was created or changed, but not all of who may use it: the platform failed at Global or at the groups, which come last
// (CONTRACT §2.5, §2.6). Another update repairs it.
type IncompleteError struct {
	Name string
	// RoleMissing tells that the image's role is gone in Keycloak, without which nobody can be let in.
	RoleMissing bool
	Err         error
}

// Error implements error.
func (e *IncompleteError) Error() string {
	return fmt.Sprintf("image %q is there, but who may use it was not, or not all, written: %v", e.Name, e.Err)
}

// Unwrap returns the platform's answer.
func (e *IncompleteError) Unwrap() error { return e.Err }

// DeleteStuckError is an image that cannot be deleted, most likely because its role in Keycloak is gone already (CONTRACT §2.7).
type DeleteStuckError struct {
	Name string
	Err  error
}

// Error implements error.
func (e *DeleteStuckError) Error() string {
	return fmt.Sprintf("image %q was not deleted, because its role %q is missing in Keycloak: %v", e.Name, Role(e.Name), e.Err)
}

// Unwrap returns the platform's answer.
func (e *DeleteStuckError) Unwrap() error { return e.Err }

// StillThereError is an image that did not go away though the platform agreed to delete it.
type StillThereError struct {
	Name  string
	After time.Duration
}

// Error implements error.
func (e *StillThereError) Error() string {
	return fmt.Sprintf("the platform agreed to delete image %q, but %s later it was still there", e.Name, e.After)
}
