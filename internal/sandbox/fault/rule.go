// Package fault is the door of every stand-in: a [Gate] records the requests that pass, adds latency, and breaks the ones that its
// rules say. Rules have a JSON form, for files and for the control endpoint that a Gate offers.
package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"
)

// Rule says which requests go wrong, and how. The first rule that applies to a request wins.
//
// At most one of Status, Reset, Truncate and DropAnswer may be set; with none of them, Delay only delays.
type Rule struct {
	// Service is the stand-in, by the name that it was given in [Gate.Wrap]. Empty matches all.
	Service string `json:"service,omitempty"`
	// Method is an HTTP method. Empty matches all.
	Method string `json:"method,omitempty"`
	// Path is a regular expression that is looked for in the path of the request. Empty matches all.
	Path string `json:"path,omitempty"`
	// Nth is the first of the matching requests to go wrong, counted from 1. Zero means 1.
	Nth int `json:"nth,omitempty"`
	// Times is how many of them go wrong in a row. Zero means all that follow.
	Times int `json:"times,omitempty"`

	// Delay holds the request back before anything else happens to it.
	Delay Duration `json:"delay,omitempty"`
	// Status answers with this status, the headers, and either Body or JSON, in place of the stand-in, which never sees the request.
	Status     int               `json:"status,omitempty"`
	RetryAfter string            `json:"retry_after,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	Body       string            `json:"body,omitempty"`
	JSON       json.RawMessage   `json:"json,omitempty"`
	// Reset resets the connection in place of an answer; the stand-in never sees the request.
	Reset bool `json:"reset,omitempty"`
	// Truncate lets the stand-in answer, and cuts the connection after so many bytes of the body. Negative cuts after the headers.
	Truncate int `json:"truncate,omitempty"`
	// DropAnswer lets the stand-in do its work, and cuts the connection in place of the answer.
	DropAnswer bool `json:"drop_answer,omitempty"`
}

// Duration is a [time.Duration] whose JSON form is a string like "250ms".
type Duration time.Duration

// MarshalJSON implements [json.Marshaler].
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON implements [json.Unmarshaler].
func (d *Duration) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return errors.New(`a duration is a string like "250ms"`)
	}
	parsed, err := time.ParseDuration(s)
	*d = Duration(parsed)
	return err
}

// Parse reads a JSON array of rules. A field that no rule has is an error: a fault that is silently not set makes a test pass.
func Parse(r io.Reader) ([]Rule, error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var rules []Rule
	if err := decoder.Decode(&rules); err != nil {
		return nil, fmt.Errorf("fault rules: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("fault rules: something follows the array")
	}
	for i, rule := range rules {
		if _, err := arm(rule); err != nil {
			return nil, fmt.Errorf("fault rule %d: %w", i+1, err)
		}
	}
	return rules, nil
}

// armedRule is a checked rule and the number of requests that matched it so far.
type armedRule struct {
	Rule
	path *regexp.Regexp
	seen int
}

func arm(r Rule) (*armedRule, error) {
	path, err := regexp.Compile(r.Path)
	if err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	endings := 0
	for _, set := range []bool{r.Status != 0, r.Reset, r.Truncate != 0, r.DropAnswer} {
		if set {
			endings++
		}
	}
	switch {
	case endings > 1:
		return nil, errors.New("only one of status, reset, truncate and drop_answer can happen to a request")
	case endings == 0 && r.Delay == 0:
		return nil, errors.New("it does nothing: set delay, status, reset, truncate or drop_answer")
	case r.Status == 0 && (r.RetryAfter != "" || len(r.Headers) > 0 || r.Body != "" || r.JSON != nil):
		return nil, errors.New("retry_after, headers, body and json belong to a status")
	case r.Body != "" && r.JSON != nil:
		return nil, errors.New("an answer has a body or a json, not both")
	case r.Status != 0 && (r.Status < 200 || r.Status > 599):
		return nil, fmt.Errorf("status %d is none of an answer", r.Status)
	case r.Nth < 0 || r.Times < 0 || r.Delay < 0:
		return nil, errors.New("nth, times and delay cannot be negative")
	case r.Method != "" && !methods[r.Method]:
		return nil, fmt.Errorf("%q is no method", r.Method)
	}
	return &armedRule{Rule: r, path: path}, nil
}

var methods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true, http.MethodDelete: true,
}

// applies counts the request if it matches, and tells whether it is one of those that go wrong.
func (a *armedRule) applies(service, method, path string) bool {
	if a.Service != "" && a.Service != service || a.Method != "" && a.Method != method || !a.path.MatchString(path) {
		return false
	}
	a.seen++
	first := max(1, a.Nth)
	return a.seen >= first && (a.Times == 0 || a.seen < first+a.Times)
}
