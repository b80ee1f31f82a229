package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/lockfile"
)

// ConfigError is a configuration that cannot work.
type ConfigError struct {
	// Field is the attribute at fault: "url", "repository_prefix" or "base_images".
	Field string
	// Problem says what is wrong with it and what to write instead.
	Problem string
}

// Error implements error.
func (e *ConfigError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Problem) }

// RepositoryLeftError is an image that was deleted whose repository, empty now, could not be removed.
type RepositoryLeftError struct {
	Repository string
	Err        error
}

// Error implements error.
func (e *RepositoryLeftError) Error() string {
	return fmt.Sprintf("the empty repository %s cannot be removed: %v", e.Repository, e.Err)
}

// Unwrap gives the cause.
func (e *RepositoryLeftError) Unwrap() error { return e.Err }

// UnsupportedPythonError is a request for a Python version that no base image is configured for.
type UnsupportedPythonError struct {
	Version    string
	Configured []string
}

// Error implements error.
func (e *UnsupportedPythonError) Error() string {
	return fmt.Sprintf("no base image is configured for Python %s; base_images has %s", e.Version, strings.Join(e.Configured, ", "))
}

// UnusableBaseError is a base image that pip requirements cannot be installed on.
type UnusableBaseError struct {
	// Reference is the base image, as it is configured.
	Reference string
	// Problem says what is wrong with it, as a sentence without a subject.
	Problem string
}

// Error implements error.
func (e *UnusableBaseError) Error() string {
	return fmt.Sprintf("the base image %s %s", e.Reference, e.Problem)
}

// OpenLockError is an image that must be built from a lock, and of which only a build could tell the versions.
type OpenLockError struct{ Reason string }

// Error implements error.
func (e *OpenLockError) Error() string {
	return "an image with a lock file, or with indexes for certain packages, is built from a lock only, and there is none: " + e.Reason
}

// ReplacedFileError is a file of a package index that is not the one of that name which was locked.
type ReplacedFileError struct {
	// File and Index are their names. Locked and Found are the SHA-256 that the file had and has, in hexadecimal digits.
	File, Index, Locked, Found string
}

// Error implements error.
func (e *ReplacedFileError) Error() string {
	return fmt.Sprintf("the file %s on the package index %s is not the one that was locked", e.File, e.Index)
}

// LockFileError is a lock file that cannot be obeyed for the image.
type LockFileError struct{ Err error }

// Error implements error.
func (e *LockFileError) Error() string { return e.Err.Error() }

// Unwrap gives the reasons.
func (e *LockFileError) Unwrap() error { return e.Err }

// Advises tells reasons that say themselves what to do.
func (e *LockFileError) Advises() bool {
	_, ok := errors.AsType[*lockfile.Error](e.Err)
	return ok
}

// NameError is an image name that cannot be a repository.
type NameError struct {
	Name string
}

// Error implements error.
func (e *NameError) Error() string {
	return fmt.Sprintf("%q is not the name of a managed image: it starts with a lower-case letter and holds lower-case letters, digits and single - or _ between them", e.Name)
}

// BusyError is an image that another process is working on. It is [imageregistry.ErrBusy].
type BusyError struct {
	Name string
	// Holder tells who works on it, as "host/process".
	Holder string
	// Until is when that process counts as dead unless it is heard of again.
	Until time.Time
	// Here tells that this very process works on it.
	Here bool
	// lease is the lease that is in the way. Empty where there is none yet.
	lease string
}

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%s is at work on image %q; unless renewed, its lease ends at %s", e.Holder, e.Name, e.Until.UTC().Format(time.RFC3339))
}

// Unwrap makes it [imageregistry.ErrBusy].
func (e *BusyError) Unwrap() error { return imageregistry.ErrBusy }

// RecordError is a record that this version cannot work with. Nothing is known about the image then, so it is never taken for missing.
type RecordError struct {
	// Reference is the record's tag.
	Reference string
	// Problem says what is wrong with it and what to do.
	Problem string
	Err     error
}

// Error implements error.
func (e *RecordError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Reference, e.Problem)
	}
	return fmt.Sprintf("%s: %s: %v", e.Reference, e.Problem, e.Err)
}

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Err }

// DeletesRefusedError is a registry that deletes nothing, and an image in it that has been published. Nothing has been deleted.
type DeletesRefusedError struct {
	// Registry is the registry's host.
	Registry string
	Err      error
}

// Error implements error.
func (e *DeletesRefusedError) Error() string {
	return fmt.Sprintf("the registry %s does not delete manifests: %v. Enable deletes (for the Docker registry: REGISTRY_STORAGE_DELETE_ENABLED=true), "+
		`or set deletion_policy = "retain" and apply that before the destroy, to only forget the image.`, e.Registry, e.Err)
}

// Unwrap returns the registry's answer.
func (e *DeletesRefusedError) Unwrap() error { return e.Err }

// CatalogError is a registry that does not list its repositories, or not to these credentials.
type CatalogError struct {
	// Registry is the registry's host.
	Registry string
	Err      error
}

// Error implements error.
func (e *CatalogError) Error() string {
	return fmt.Sprintf("the registry %s does not list its repositories: %v. Look images up by name; or, where the registry has a catalog, "+
		"use the credentials of an administrator.", e.Registry, e.Err)
}

// Unwrap returns the registry's answer.
func (e *CatalogError) Unwrap() error { return e.Err }

// APIError is a registry that refused, failed, could not be reached or gave an answer that makes no sense.
type APIError struct {
	Method string
	// URL is what was asked and where, as [redact.Request] shows it, or an image's reference.
	URL string
	// StatusCode is the HTTP status, or 0 when there was no answer that makes sense.
	StatusCode int
	// Codes are the registry's own error codes ("TOOMANYREQUESTS").
	Codes []string
	// Message is the registry's own words, or what was wrong with the answer, in one line.
	Message string
	Err     error
	// path is that of the request which was answered.
	path string
}

// Error implements error.
func (e *APIError) Error() string {
	if e.StatusCode == 0 {
		return fmt.Sprintf("%s %s: %s", e.Method, e.URL, e.Message)
	}
	text := fmt.Sprintf("%s %s: %d %s", e.Method, e.URL, e.StatusCode, http.StatusText(e.StatusCode))
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Unwrap returns the cause.
func (e *APIError) Unwrap() error { return e.Err }

// Transient tells whether the same request may well succeed a little later.
func (e *APIError) Transient() bool {
	switch e.StatusCode {
	case 0:
		return temporary(e.Err)
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return e.StatusCode >= http.StatusInternalServerError
	}
}

// has tells whether the registry gave that error code.
func (e *APIError) has(codes ...transport.ErrorCode) bool {
	return slices.ContainsFunc(codes, func(code transport.ErrorCode) bool { return slices.Contains(e.Codes, string(code)) })
}

// unansweredError is a request without an answer that makes sense. Where go-containerregistry tries TLS first and plain http then, it
// joins the errors of both; this is how the one that matters is found.
type unansweredError struct {
	method string
	url    *url.URL
	err    error
}

func (e *unansweredError) Error() string { return e.err.Error() }
func (e *unansweredError) Unwrap() error { return e.err }

// temporary tells whether an error is worth another attempt.
func temporary(err error) bool {
	var (
		page    *webPageError
		refused *plainHTTPError
	)
	if failed, ok := errors.AsType[*unansweredError](err); ok {
		err = failed.err
	}
	return httpx.Temporary(err) && !errors.As(err, &page) && !errors.As(err, &refused)
}

// apiError gives any error of go-containerregistry its type. method and reference say what was tried, for errors that do not say it themselves.
func apiError(method, reference string, err error) error {
	if err == nil {
		return nil
	}
	if _, done := errors.AsType[*APIError](err); done {
		return err
	}
	e := &APIError{Method: method, URL: reference, Err: err}
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		e.describeAnswer(answer)
		return e
	}
	if failed, ok := errors.AsType[*unansweredError](err); ok {
		e.Method, e.URL, e.Message = failed.method, shown(failed.url), httpx.OneLine(failed.Error())
		return e
	}
	e.Message = httpx.OneLine(err.Error())
	var syntax *json.SyntaxError
	if requested, ok := errors.AsType[*url.Error](err); ok {
		e.Method, e.Message = strings.ToUpper(requested.Op), httpx.OneLine(requested.Err.Error())
		if u, parseErr := url.Parse(requested.URL); parseErr == nil {
			e.URL = shown(u)
		}
	} else if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Message = "the answer is cut short or no JSON: " + e.Message
	}
	return e
}

// shown is what a request asked for, and where. Registries lead elsewhere for layers and tokens, with addresses of their own making.
func shown(u *url.URL) string {
	if strings.HasPrefix(u.Path, "/v2/") {
		return redact.Request(u, "")
	}
	return redact.Text(u.String())
}

// describeAnswer takes over what a registry answered.
func (e *APIError) describeAnswer(answer *transport.Error) {
	e.StatusCode = answer.StatusCode
	if answer.Request != nil {
		e.Method, e.URL, e.path = answer.Request.Method, shown(answer.Request.URL), answer.Request.URL.Path
	}
	words := make([]string, 0, len(answer.Errors))
	for _, d := range answer.Errors {
		e.Codes = append(e.Codes, string(d.Code))
		words = append(words, d.String())
	}
	e.Message = httpx.OneLine(strings.Join(words, "; "))
	if len(words) == 0 {
		_, body, _ := strings.Cut(answer.Error(), http.StatusText(answer.StatusCode)+": ")
		e.Message = httpx.OneLine(body)
	}
}
