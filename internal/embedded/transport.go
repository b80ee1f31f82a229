package embedded

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxAnswer bounds what is read of one answer. Manifests are at most 4 MiB by the distribution specification, and lists come in pages.
	maxAnswer = 8 << 20
	// maxRetryAfter is the longest wait a registry may ask for; one that asks for more is reported to the user at once.
	maxRetryAfter = time.Minute
	// maxBackoff is the longest wait between attempts where the registry does not ask for one.
	maxBackoff = 10 * time.Second
	// pingLifetime is how long the answer to GET /v2/ is remembered.
	pingLifetime = 5 * time.Minute
)

// errAnswerTooLarge is an answer that no registry gives to what is asked here.
var errAnswerTooLarge = errors.New("the answer is too large for a registry's")

// newTransport is what every request to a registry goes through; uncached is the same without the memory of GET /v2/.
func newTransport(next http.RoundTripper, c Config, clock *clock, host string) (cached, uncached http.RoundTripper) {
	answers := &answerTransport{next: next, clock: clock, host: host}
	retrying := &retryTransport{next: answers, clock: clock, retries: c.Options.Retries, delay: c.Options.RetryDelay}
	guarded := &schemeTransport{next: retrying, insecureHost: ""}
	if c.Insecure {
		guarded.insecureHost = host
	}
	return &pingTransport{next: guarded, pings: map[string]ping{}}, guarded
}

// answerTransport reads whole answers, so that one that is cut short is an error where it can be retried, and tells a registry's answers
// from those of whoever else sits at the address.
type answerTransport struct {
	next  http.RoundTripper
	clock *clock
	host  string
}

// webPageError is an HTML page where a registry's answer was expected.
type webPageError struct{ status int }

func (e *webPageError) Error() string {
	return fmt.Sprintf("answered %d with an HTML page, so it is no registry that answered: check the address, and whether a proxy or a login page is in between", e.status)
}

// RoundTrip implements http.RoundTripper.
func (t *answerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.answer(req)
	if notTLS, mismatch := errors.AsType[tls.RecordHeaderError](err); mismatch {
		return nil, notTLS // as it is, for http.Client to recognise; go-containerregistry then tries plain http where that is allowed
	}
	if err != nil {
		return nil, &unansweredError{method: req.Method, url: req.URL, err: err}
	}
	return resp, nil
}

func (t *answerTransport) answer(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close() // everything wanted of it has been read
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case len(body) > maxAnswer:
		return nil, errAnswerTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if req.URL.Host == t.host && resp.Header.Get("Age") == "" {
		t.clock.observe(resp.Header.Get("Date"))
	}
	// Refusals and failures count whoever sent them; success and absence only from a registry.
	if believed := resp.StatusCode < 300 || resp.StatusCode == http.StatusNotFound; believed && isWebPage(resp.Header, body) {
		return nil, &webPageError{status: resp.StatusCode}
	}
	return resp, nil
}

func isWebPage(header http.Header, body []byte) bool {
	start := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 512)]))
	return strings.HasPrefix(header.Get("Content-Type"), "text/html") ||
		bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// retryTransport repeats what may be repeated: requests that mean the same when they arrive twice, and those that a registry refused for their rate.
type retryTransport struct {
	next    http.RoundTripper
	clock   *clock
	retries int
	delay   time.Duration
}

// RoundTrip implements http.RoundTripper.
func (t *retryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		resp, err := t.next.RoundTrip(req)
		if attempt >= t.retries || !repeatable(req, resp, err) {
			return resp, err
		}
		delay := backoff(t.delay, attempt)
		if resp != nil {
			delay = max(delay, t.retryAfter(resp))
		}
		if deadline, ok := req.Context().Deadline(); delay > maxRetryAfter || (ok && time.Until(deadline) <= delay) {
			return resp, err
		}
		again, rewindErr := rewound(req)
		if rewindErr != nil {
			return resp, err
		}
		if resp != nil {
			_ = resp.Body.Close() // the answer is in memory: see answerTransport
		}
		if err := sleep(req.Context(), delay); err != nil {
			return nil, err
		}
		req = again
	}
}

// repeatable tells whether the request deserves another attempt after that outcome. Starting an upload (POST) and sending a piece of it (PATCH)
// are not repeated after a failure, because the first attempt may have counted; whoever uploads starts anew instead.
func repeatable(req *http.Request, resp *http.Response, err error) bool {
	var idempotent bool
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		idempotent = true
	}
	if err != nil {
		return idempotent && temporary(err)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return idempotent
	}
	return false
}

// rewound is the request once more, with its body from the start.
func rewound(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return again, nil
	}
	if req.GetBody == nil {
		return nil, errors.New("the body cannot be sent twice")
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err
}

// retryAfter is how long the registry asks to wait: seconds or a date, by RFC 9110.
func (t *retryTransport) retryAfter(resp *http.Response) time.Duration {
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return date.Sub(t.clock.now())
	}
	return 0
}

// backoff is the wait after that attempt: twice as long each time, with jitter so that many clients do not come back at once.
func backoff(first time.Duration, attempt int) time.Duration {
	delay := min(first<<min(attempt, 20), maxBackoff)
	return delay/2 + rand.N(delay/2+1)
}

// sleep waits, or returns the context's cause if it ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// schemeTransport keeps credentials and images off the plain wire: go-containerregistry falls back to http for private networks by itself.
type schemeTransport struct {
	next         http.RoundTripper
	insecureHost string
}

// plainHTTPError is an attempt to speak plain http with a registry that it was not allowed for.
type plainHTTPError struct{ host string }

func (e *plainHTTPError) Error() string {
	return fmt.Sprintf("plain http to %s is not allowed; if that registry has no TLS, set insecure = true", e.host)
}

// RoundTrip implements http.RoundTripper.
func (t *schemeTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" && req.URL.Host != t.insecureHost && !isLoopback(req.URL.Hostname()) {
		if req.Body != nil {
			_ = req.Body.Close() // by the contract of http.RoundTripper
		}
		return nil, &plainHTTPError{host: req.URL.Host}
	}
	return t.next.RoundTrip(req)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// pingTransport remembers what registries answered to GET /v2/. go-containerregistry asks that before the first request to each repository, and
// asks over https and http where it must find out; for a thousand images that would be most of the requests.
type pingTransport struct {
	next  http.RoundTripper
	mu    sync.Mutex
	pings map[string]ping // by host
}

type ping struct {
	scheme string
	status int
	header http.Header
	until  time.Time
}

// RoundTrip implements http.RoundTripper.
func (t *pingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet || req.URL.Path != "/v2/" {
		return t.next.RoundTrip(req)
	}
	t.mu.Lock()
	known, ok := t.pings[req.URL.Host]
	t.mu.Unlock()
	if ok && time.Now().Before(known.until) {
		if known.scheme != req.URL.Scheme {
			return nil, fmt.Errorf("%s speaks %s: %w", req.URL.Host, known.scheme, http.ErrSchemeMismatch)
		}
		return &http.Response{
			Status: http.StatusText(known.status), StatusCode: known.status, Header: known.header.Clone(), Body: http.NoBody, Request: req,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		}, nil
	}
	resp, err := t.next.RoundTrip(req)
	if err == nil && (resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusUnauthorized) {
		t.mu.Lock()
		t.pings[req.URL.Host] = ping{req.URL.Scheme, resp.StatusCode, resp.Header.Clone(), time.Now().Add(pingLifetime)}
		t.mu.Unlock()
	}
	return resp, err
}
