package rime

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// statusClientClosedRequest is nginx's status for a caller who went away, and grpc-gateway's for CANCELLED.
const statusClientClosedRequest = 499

// APIError is a platform that refused, failed, could not be reached or gave an answer that makes no sense.
type APIError struct {
	Method string
	// URL is what was asked and where, as [redact.Request] shows it.
	URL string
	// StatusCode is the HTTP status, or 0 when there was no answer.
	StatusCode int
	// Code is the platform's own error code. It is [codes.OK] when the answer has none: then something else answered, such as a proxy.
	Code codes.Code
	// Message is the platform's own words, or what was wrong with the answer, in one line and without the API key.
	Message string
	// HTML tells that the answer was a web page, so that it was not the API that answered.
	HTML bool
	// Broken tells that the answer was cut short or was not JSON.
	Broken bool
	// RetryAfter is what the answer said about when to come back. Empty when nothing.
	RetryAfter string
	// Err is why there was no answer. Nil otherwise.
	Err error
	// told is set once a refusal of the API key was told; all errors of a client share it.
	told *atomic.Bool
}

// ToldBefore tells whether a refusal of the same API key was told before, and takes note that this one is told.
func (e *APIError) ToldBefore() bool {
	return e.StatusCode == http.StatusUnauthorized && e.told != nil && e.told.Swap(true)
}

// Error implements error.
func (e *APIError) Error() string {
	text := e.Method + " " + e.URL + ":"
	if e.StatusCode != 0 {
		text += " " + strings.TrimSpace(fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode)))
		if e.Message != "" {
			text += ":"
		}
	}
	if e.HTML {
		text += " a web page answered, not the API:"
	}
	if e.Message != "" {
		text += " " + e.Message
	}
	if e.RetryAfter != "" {
		text += " (Retry-After: " + e.RetryAfter + ")"
	}
	return strings.TrimSuffix(text, ":")
}

// Unwrap returns why there was no answer.
func (e *APIError) Unwrap() error { return e.Err }

// Transient tells whether the same request may well succeed a little later.
func (e *APIError) Transient() bool {
	switch {
	case e.StatusCode == 0:
		return httpx.Temporary(e.Err)
	case e.Broken:
		return true
	}
	switch e.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, statusClientClosedRequest:
		return true
	case http.StatusNotImplemented:
		return false
	default:
		return e.StatusCode >= http.StatusInternalServerError
	}
}

// ambiguous tells that the platform may have done what it was asked, though it did not say so.
func (e *APIError) ambiguous() bool {
	refusedAtOnce := e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusTooEarly
	return (e.Transient() && !refusedAtOnce) || e.StatusCode == 0 || (e.HTML && e.StatusCode < http.StatusMultipleChoices)
}

// asAPIError finds the platform's answer in an error.
func asAPIError(err error) (*APIError, bool) { return errors.AsType[*APIError](err) }

// hasStatus tells whether the error is an answer with one of these statuses.
func hasStatus(err error, statuses ...int) bool {
	answer, ok := asAPIError(err)
	return ok && slices.Contains(statuses, answer.StatusCode)
}

// saysNotFound tells whether it was the API that said that something is not there, and not a proxy or a web server.
func saysNotFound(err error) bool {
	answer, ok := asAPIError(err)
	return ok && answer.StatusCode == http.StatusNotFound && answer.Code == codes.NotFound
}

// saysExists tells whether a create was refused because the name is taken. The status of that is not documented: 409 is what the code maps to, and
// 400 has been allowed for (CONTRACT §8 item 8), for which the code, or the words where there is no other code, must say so.
func saysExists(err error) bool {
	answer, ok := asAPIError(err)
	switch {
	case !ok:
		return false
	case answer.StatusCode == http.StatusConflict:
		return answer.Code != codes.Aborted
	case answer.StatusCode == http.StatusBadRequest:
		return answer.Code == codes.AlreadyExists || strings.Contains(strings.ToLower(answer.Message), "already exist")
	}
	return false
}

// NotEnabledError is a platform without a registry of managed images, as far as can be told.
type NotEnabledError struct {
	// Endpoint is the platform's address.
	Endpoint string
	Err      error
}

// Error implements error.
func (e *NotEnabledError) Error() string {
	return fmt.Sprintf("there is no Managed Image Registry at %s: %v", e.Endpoint, e.Err)
}

// Unwrap returns the platform's answer.
func (e *NotEnabledError) Unwrap() error { return e.Err }

// NameError is a text that cannot be the name of an image (CONTRACT §2.12).
type NameError struct{ Name string }

// Error implements error.
func (e *NameError) Error() string {
	return fmt.Sprintf("%q is not the name of a managed image: it starts with a lower-case letter and holds lower-case letters, digits and single - or _ between them", e.Name)
}

// SystemImageError is an image that the platform made for itself, and that nobody else may change.
type SystemImageError struct{ Name string }

// Error implements error.
func (e *SystemImageError) Error() string {
	return fmt.Sprintf("image %q belongs to the platform, which builds other images on it; it cannot be deleted", e.Name)
}

// UnsettledError is a create whose answer was lost, and of which the platform could not be asked whether it did what it was asked.
type UnsettledError struct {
	// Lost is what became of the request, Look of the last question about it.
	Lost, Look error
}

// Error implements error.
func (e *UnsettledError) Error() string {
	return fmt.Sprintf("%v; whether the image was created all the same could not be found out: %v", e.Lost, e.Look)
}

// Unwrap returns what became of the request.
func (e *UnsettledError) Unwrap() error { return e.Lost }

// DeleteRefusedError is an API key that may not delete images.
type DeleteRefusedError struct {
	Name string
	Err  error
}

// Error implements error.
func (e *DeleteRefusedError) Error() string {
	return fmt.Sprintf("image %q was not deleted, because only an Organization Administrator may do that: %v", e.Name, e.Err)
}

// Unwrap returns the platform's answer.
func (e *DeleteRefusedError) Unwrap() error { return e.Err }

// ChildrenError is an image that cannot be deleted because others are built on it.
type ChildrenError struct {
	Name     string
	Children []string
	Err      error
}

// Error implements error.
func (e *ChildrenError) Error() string {
	return fmt.Sprintf("image %q was not deleted, because other images are built on it (%s): %v", e.Name, strings.Join(e.Children, ", "), e.Err)
}

// Unwrap returns the platform's answer.
func (e *ChildrenError) Unwrap() error { return e.Err }

// BuildingError is an image that cannot be deleted while it is being built. It is [imageregistry.ErrBusy].
type BuildingError struct {
	Name   string
	Status imageregistry.Status
	Err    error
}

// Error implements error.
func (e *BuildingError) Error() string {
	return fmt.Sprintf("image %q was not deleted, because it is being built (%s): %v", e.Name, e.Status, e.Err)
}

// Unwrap returns the platform's answer, and makes it [imageregistry.ErrBusy].
func (e *BuildingError) Unwrap() []error { return []error{imageregistry.ErrBusy, e.Err} }

// StillThereError is an image that did not go away though the platform agreed to delete it.
type StillThereError struct {
	Name   string
	After  time.Duration
	Status imageregistry.Status
}

// Error implements error.
func (e *StillThereError) Error() string {
	return fmt.Sprintf("the platform agreed to delete image %q, but %s later it was still there, %s", e.Name, e.After, e.Status)
}

// NotABuildError is a job that builds no image.
type NotABuildError struct {
	ID string
	// Type is what the job does instead, in the platform's word.
	Type string
}

// Error implements error.
func (e *NotABuildError) Error() string {
	return fmt.Sprintf("job %s builds no image: its type is %s", e.ID, e.Type)
}
