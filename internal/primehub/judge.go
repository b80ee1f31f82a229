package primehub

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// judge turns answers that carry an error of the API into [*APIError], so that what may be repeated is decided by what the platform says: it refuses a bad token
// with 500, and tells with 200 that Kubernetes is down (CONTRACT §1.4). Other answers pass, for HTTP's own rules about repetition.
type judge struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper. The answer must have been read before: see [httpx.WholeAnswers].
func (j *judge) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := j.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it was in memory
	if err != nil {
		return nil, err
	}
	if failed := spoken(resp.StatusCode, body); failed != nil {
		return nil, failed
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// isTemporary tells the errors that another attempt may not meet.
func isTemporary(err error) bool {
	if failed, ok := asAPIError(err); ok {
		return failed.Transient()
	}
	return httpx.Temporary(err)
}

// spoken is the error that the platform itself speaks of in an answer, or nil. It has two forms: GraphQL's, and that of what comes before GraphQL.
func spoken(status int, body []byte) *APIError {
	var answer struct {
		Errors []struct {
			Message    string `json:"message"`
			Extensions struct {
				Code string `json:"code"`
			} `json:"extensions"`
		} `json:"errors"`
		Code    any    `json:"code"` // a text, or the number of a status of Kubernetes that was passed through
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &answer) // what is no such JSON speaks of no error
	failed := &APIError{StatusCode: status}
	code, _ := answer.Code.(string)
	switch {
	case len(answer.Errors) > 0:
		failed.Message, failed.Code = answer.Errors[0].Message, answer.Errors[0].Extensions.Code
	case status >= http.StatusMultipleChoices && answer.Message != "":
		failed.Message, failed.Code = answer.Message, code
	default:
		return nil
	}
	failed.Kind = kindOf(status, failed.Code, failed.Message)
	return failed
}

// verdict is the error in an answer that the judge let pass, or nil for one that may be a success.
func verdict(resp *http.Response, body []byte) *APIError {
	failed := &APIError{StatusCode: resp.StatusCode, RetryAfter: httpx.OneLine(resp.Header.Get("Retry-After"))}
	switch {
	case resp.StatusCode >= http.StatusMultipleChoices && resp.StatusCode < http.StatusBadRequest:
		failed.Kind, failed.Message = KindNotPrimeHub, "redirects elsewhere"
		if target, err := resp.Location(); err == nil {
			failed.Message = "redirects to " + target.String()
		}
	case httpx.IsWebPage(resp.Header, body):
		failed.Kind, failed.Message = KindWebPage, httpx.PageWords(body)
	case resp.StatusCode >= http.StatusBadRequest:
		failed.Message = string(body)
		failed.Kind = kindOf(resp.StatusCode, "", failed.Message)
	default:
		return nil
	}
	return failed
}
