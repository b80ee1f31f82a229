package diags

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/managed-images/terraform-provider-rime/internal/buildkit"
	"github.com/managed-images/terraform-provider-rime/internal/embedded"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
)

// Operation is what the provider was doing when an error came up.
type Operation struct{ summary, verb string }

// The operations on managed images.
var (
	ReadImage   = Operation{"Unable to Read Managed Image", "read"}
	CreateImage = Operation{"Unable to Create Managed Image", "create"}
	UpdateImage = Operation{"Unable to Update Managed Image", "update"}
	DeleteImage = Operation{"Unable to Delete Managed Image", "delete"}

	listImages = Operation{"Unable to List Managed Images", "list"}
)

// FromError describes an error of an operation on the managed image of that name.
func FromError(op Operation, name string, err error) diag.Diagnostic {
	if d, ok := fromConfiguration(err); ok {
		return d
	}
	if failed, ok := errors.AsType[*imageregistry.BuildFailedError](err); ok {
		return buildFailed(failed)
	}
	if other, ok := errors.AsType[*OtherInputsError](err); ok {
		return otherInputs(name, other)
	}
	if other, ok := errors.AsType[*OtherRegistryError](err); ok {
		return otherRegistry(op, name, other)
	}
	if d, ok := keyRefusedAgain(op, name, err); ok {
		return d
	}
	if d, ok := fromPlatform(op, name, err); ok {
		return d
	}
	if d, ok := fromECR(op, fmt.Sprintf("managed image %q", name), err); ok {
		return d
	}
	switch {
	case errors.Is(err, imageregistry.ErrBusy):
		return busy(op, name, err)
	case errors.Is(err, imageregistry.ErrAlreadyExists):
		return alreadyExists(name)
	case errors.Is(err, ErrCannotChange):
		return cannotChange(name)
	}
	return diag.NewErrorDiagnostic(op.summary, text(
		fmt.Sprintf("Tried to %s managed image %q.", op.verb, name),
		"The answer was:\n"+err.Error(),
		advice(op, err),
		facts(fact{"Managed image", name}, fact{"HTTP status", httpStatus(err)}),
	))
}

// ListFailed describes an error of listing managed images.
func ListFailed(err error) diag.Diagnostic {
	if d, ok := fromConfiguration(err); ok {
		return d
	}
	if d, ok := fromPlatform(listImages, "", err); ok {
		return d
	}
	if d, ok := fromECR(listImages, "the managed images of the registry", err); ok {
		return d
	}
	return diag.NewErrorDiagnostic(listImages.summary, text(
		"Tried to list the managed images of the registry.",
		"The answer was:\n"+err.Error(),
		advice(listImages, err),
		facts(fact{"HTTP status", httpStatus(err)}),
	))
}

// busy describes an image that somebody else is building, changing or deleting.
func busy(op Operation, name string, err error) diag.Diagnostic {
	who, next := "another process is", "Wait until that has ended and apply again."
	if op == CreateImage {
		next = "Choose another name, or set `adopt_existing = true` to wait for that build and take its image over, if it has the same inputs."
	}
	if found, ok := errors.AsType[*embedded.BusyError](err); ok {
		err = found // without the words of those who passed it on
		if found.Here {
			who, next = "another resource of this configuration is", "Give each resource a name of its own."
		}
	}
	return diag.NewErrorDiagnostic("Managed Image Is Busy", text(
		fmt.Sprintf("Tried to %s managed image %q, but %s at work on it right now.", op.verb, name, who),
		"The answer was:\n"+err.Error(),
		next,
		facts(fact{"Managed image", name}),
	))
}

// advice is the next step for an error that is not particular to managed images. Errors that already say what to do get none.
func advice(op Operation, err error) string {
	if saysWhatToDo(err) {
		return ""
	}
	if next := adviceForPlatform(op, err); next != "" {
		return next
	}
	if status := statusOf(err); status != 0 {
		return adviceForStatus(status)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "Give the certificate authority that signed the server's certificate in `http.ca_file` of the provider."
	}
	if timeout, ok := errors.AsType[*TimeoutError](err); ok {
		return fmt.Sprintf("Apply again; set a longer `%s` if it happens regularly.", timeout.Setting)
	}
	if errors.Is(err, context.Canceled) {
		return "Apply again to finish the job."
	}
	if failed, ok := errors.AsType[*buildkit.Error](err); ok {
		return adviceForClass(failed.Failure.Class)
	}
	if failed, ok := errors.AsType[net.Error](err); ok {
		next := "Check that the address in the provider's configuration is right and can be reached from this machine"
		if failed.Timeout() {
			next += "; if the server is only slow, give it more time in `http.request_timeout`"
		}
		return next + "."
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "Apply again; if it happens regularly, check whether a proxy in between ends connections too early."
	}
	if _, ok := errors.AsType[*embedded.APIError](err); ok {
		return "Check that the address in the provider's configuration is that of a container registry and that no proxy in between changes its answers, then apply again."
	}
	return "Correct what the answer names and apply again."
}

// saysWhatToDo tells errors whose own words end with the next step.
func saysWhatToDo(err error) bool {
	var (
		daemon  *buildkit.ConnectError
		record  *embedded.RecordError
		deletes *embedded.DeletesRefusedError
		catalog *embedded.CatalogError
	)
	return errors.As(err, &daemon) || errors.As(err, &record) || errors.As(err, &deletes) || errors.As(err, &catalog)
}

// adviceForStatus is the next step for a server that refused or failed.
func adviceForStatus(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "Log in: the provider uses what `docker login` stored and Docker's credential helpers, and for ECR the credentials of AWS's chain."
	case status == http.StatusForbidden:
		return "Ask for the right to pull, push and delete in this repository: the credentials are known but may not do this."
	case status == http.StatusTooManyRequests:
		return "Apply again later, with a lower `-parallelism`, or with a higher `http.max_retries` of the provider."
	case status >= http.StatusInternalServerError:
		return "Apply again; if it happens regularly, ask those who run the server."
	default:
		return "Check that the address in the provider's configuration is that of a container registry."
	}
}

// statusOf is the HTTP status a registry answered with, or zero.
func statusOf(err error) int {
	if answer, ok := errors.AsType[*embedded.APIError](err); ok {
		return answer.StatusCode
	}
	if answer, ok := errors.AsType[*rime.APIError](err); ok {
		return answer.StatusCode
	}
	return 0
}

func httpStatus(err error) string {
	status := statusOf(err)
	if status == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", status, http.StatusText(status))
}

// TimeoutError is the cause of a context whose time is up: which setting it was.
type TimeoutError struct {
	// Setting is the attribute: "timeouts.create", "http.request_timeout".
	Setting string
	// After is its value.
	After time.Duration
}

// Error implements error.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("no end within %s (%s)", short(e.After), e.Setting)
}

// Timeout makes it a timeout in the sense of [net.Error].
func (e *TimeoutError) Timeout() bool { return true }

// short writes a duration as a user would: "90m" is "1h30m", not "1h30m0s".
func short(d time.Duration) string {
	text := d.String()
	if d != 0 && d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d != 0 && d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
