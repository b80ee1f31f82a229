package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// ErrAnswerTooLarge is an answer that is larger than any that was to be expected.
var ErrAnswerTooLarge = errors.New("the answer is too large to be one to this request")

// TimeoutError is a request that was not answered in time. It is a net.Error.
type TimeoutError struct{ After time.Duration }

// Error implements error.
func (e *TimeoutError) Error() string { return fmt.Sprintf("no answer within %s", e.After) }

// Timeout implements net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *TimeoutError) Temporary() bool { return true }

// Temporary tells whether an error of the network is worth another attempt: all but those that say the address or the
// certificate is wrong, or that the caller gave up.
func Temporary(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		notTLS      tls.RecordHeaderError
		resolution  *net.DNSError
	)
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &notTLS), errors.As(err, &certificate):
		return false
	case errors.Is(err, ErrAnswerTooLarge):
		return false
	case errors.As(err, &resolution):
		return !resolution.IsNotFound
	}
	return true
}

// NoAnswer is why a request got none: the end of the caller's context, the end of the patience with the platform (limited, which lasted that long), or what the network
// says.
func NoAnswer(ctx, limited context.Context, patience time.Duration, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, ctx.Err()) {
			return cause
		}
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	if limited.Err() != nil {
		return &TimeoutError{After: patience}
	}
	// The client puts the whole address in front, with the query.
	if requested, ok := errors.AsType[*url.Error](err); ok {
		return requested.Err
	}
	return err
}

// NewClient makes a client of these links that follows no redirect: it would take along, to wherever it leads, what says who asks, and the APIs have none of their own.
func NewClient(links http.RoundTripper) *http.Client {
	return &http.Client{Transport: links, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// neverSent tells that no connection came about, so that no server has seen the request.
func neverSent(err error) bool {
	failed, ok := errors.AsType[*net.OpError](err)
	return ok && (failed.Op == "dial" || failed.Op == "proxyconnect")
}
