package embedded

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

const (
	// maxAnswer bounds what is read of one answer. Manifests are at most 4 MiB by the distribution specification, and lists come in pages.
	maxAnswer = 8 << 20
	// pingLifetime is how long the answer to GET /v2/ is remembered.
	pingLifetime = 5 * time.Minute
)

// newTransport is what every request to a registry goes through; uncached is the same without the memory of GET /v2/.
func newTransport(next http.RoundTripper, c Config, clock *clock, host string) (cached, uncached http.RoundTripper) {
	answers := newAnswerTransport(next, clock, host)
	guarded := &schemeTransport{next: newRetry(answers, clock, c.Options.Retries, c.Options.RetryDelay), insecureHost: ""}
	if c.Insecure {
		guarded.insecureHost = host
	}
	return &pingTransport{next: guarded, pings: map[string]ping{}}, guarded
}

// newRetry repeats what may be repeated. Starting an upload (POST) and sending a piece of it (PATCH) are not, after a failure, because the first attempt may have
// counted; whoever uploads starts anew instead.
func newRetry(next http.RoundTripper, clock *clock, retries int, delay time.Duration) *httpx.Retry {
	return &httpx.Retry{Next: next, Retries: retries, Delay: delay, Temporary: temporary, Now: clock.now}
}

// answerTransport tells a registry's answers from those of whoever else sits at the address. It is given whole answers.
type answerTransport struct {
	next  http.RoundTripper
	clock *clock
	host  string
}

func newAnswerTransport(next http.RoundTripper, clock *clock, host string) *answerTransport {
	return &answerTransport{next: &httpx.WholeAnswers{Next: next, Max: maxAnswer}, clock: clock, host: host}
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
	if req.URL.Host == t.host && resp.Header.Get("Age") == "" {
		t.clock.observe(resp.Header.Get("Date"))
	}
	// Refusals and failures count whoever sent them; success and absence only from a registry.
	if believed := resp.StatusCode < 300 || resp.StatusCode == http.StatusNotFound; !believed {
		return resp, nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if httpx.IsWebPage(resp.Header, body) {
		return nil, &webPageError{status: resp.StatusCode}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
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
