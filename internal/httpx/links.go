package httpx

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// UserAgent says who asks.
type UserAgent struct {
	Next http.RoundTripper
	// Name is the value of the header.
	Name string
}

// RoundTrip implements http.RoundTripper.
func (t *UserAgent) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", t.Name)
	return t.Next.RoundTrip(req)
}

// WholeAnswers reads every answer to its end, so that one that is cut short is an error where it can still be repeated.
type WholeAnswers struct {
	Next http.RoundTripper
	// Max bounds the body in bytes; a longer one is [ErrAnswerTooLarge].
	Max int64
}

// RoundTrip implements http.RoundTripper.
func (t *WholeAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.Next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, t.Max+1))
	_ = resp.Body.Close() // everything wanted of it has been read
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case int64(len(body)) > t.Max:
		return nil, ErrAnswerTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// Exchange is one request with what came of it, without anything secret: neither header nor body nor query.
type Exchange struct {
	Method string
	// URL is where, and what if that is known to be harmless: see [Observer.Show].
	URL string
	// Status is the HTTP status, or 0 without an answer.
	Status int
	// Err is why there was no answer. Nil otherwise.
	Err     error
	Elapsed time.Duration
}

// Observer reports every exchange, those that are repeated as well.
type Observer struct {
	Next http.RoundTripper
	// Report is given the request's context. Nil reports nothing.
	Report func(context.Context, Exchange)
	// Show is what may be seen of a request's address. Nil is [redact.Origin].
	Show func(*url.URL) string
}

// RoundTrip implements http.RoundTripper.
func (t *Observer) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.Report == nil {
		return t.Next.RoundTrip(req)
	}
	began := time.Now()
	resp, err := t.Next.RoundTrip(req)
	show := t.Show
	if show == nil {
		show = redact.Origin
	}
	exchange := Exchange{Method: req.Method, URL: show(req.URL), Err: err, Elapsed: time.Since(began)}
	if resp != nil {
		exchange.Status = resp.StatusCode
	}
	t.Report(req.Context(), exchange)
	return resp, err
}

// AttemptTimeout bounds each single attempt of a request that may be repeated, so that one that hangs leaves time for another. A request that may not be
// repeated has all the time that its own context gives.
//
// The answer must have been read when this link returns: see [WholeAnswers].
type AttemptTimeout struct {
	Next  http.RoundTripper
	After time.Duration
}

// RoundTrip implements http.RoundTripper.
func (t *AttemptTimeout) RoundTrip(req *http.Request) (*http.Response, error) {
	if !isIdempotent(req) {
		return t.Next.RoundTrip(req)
	}
	limited, cancel := context.WithTimeout(req.Context(), t.After)
	defer cancel()
	resp, err := t.Next.RoundTrip(req.WithContext(limited))
	if err != nil && limited.Err() != nil && req.Context().Err() == nil {
		err = &TimeoutError{After: t.After}
	}
	return resp, err
}
