package pythonindex

import (
	"fmt"
	"net/http"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// Error is an index that did not answer as it should have.
type Error struct {
	// Index is the index by its name, Project the distribution that was asked for, and What what of it: "page", "metadata
	// of x-1.0-py3-none-any.whl".
	Index, Project, What string
	// Status is the status of the answer, 0 where there was none.
	Status int
	// Words are the server's, in one line.
	Words string
	// Wait is for how long the server asks not to be asked again, 0 where it does not say.
	Wait time.Duration
	// Err is what went wrong. Nil where the status says it all.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("the %s of %q on the package index %s could not be read", e.What, e.Project, e.Index) + said(e.Status, e.Words)
	switch {
	case e.Wait > httpx.MaxRetryAfter: // how much more is not told
		text += "; it asks for a pause of more than a minute"
	case e.Wait > 0:
		text += fmt.Sprintf("; it asks for a pause of %s", e.Wait.Round(time.Second))
	}
	if e.Err != nil {
		text += ": " + httpx.OneLine(e.Err.Error())
	}
	return text
}

// said is what an answer said, for the end of a sentence.
func said(status int, words string) (text string) {
	if status != 0 {
		text = fmt.Sprintf(": %d %s", status, http.StatusText(status))
	}
	if words != "" {
		text += fmt.Sprintf(" (%s)", words)
	}
	return text
}

// Unwrap implements errors' interface.
func (e *Error) Unwrap() error { return e.Err }

// answered takes what an answer says.
func (e *Error) answered(answer *statusError) {
	e.Status, e.Words, e.Wait = answer.status, answer.words, answer.wait
}

// CredentialsError is that the credentials for an index could not be had. It says what to do.
type CredentialsError struct{ Err error }

// Error implements error.
func (e *CredentialsError) Error() string { return "there are no credentials for it: " + e.Err.Error() }

// Unwrap implements errors' interface.
func (e *CredentialsError) Unwrap() error { return e.Err }
