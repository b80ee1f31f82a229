package rime

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

const (
	// keyHeader carries the API key.
	keyHeader = "rime-api-key"
	// maxAnswer bounds what is read of one answer: a page of a hundred images with hundreds of libraries each is a few MiB.
	maxAnswer = 64 << 20
)

// client speaks with the platform.
type client struct {
	endpoint string
	base     *url.URL // the endpoint
	key      string
	timeout  time.Duration
	http     *http.Client
	// keyRefused is set once an error has told that the key was refused.
	keyRefused *atomic.Bool
}

// newClient contacts nothing.
func newClient(c Config) (*client, error) {
	endpoint, err := ParseEndpoint(c.Endpoint)
	if err != nil {
		return nil, err
	}
	key, err := httpx.ParseToken("api_key", c.APIKey, "make a token under Settings, API Access Tokens of the platform")
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	made := &client{endpoint: endpoint, base: base, key: key, timeout: c.RequestTimeout, keyRefused: new(atomic.Bool)}
	made.http = httpx.NewClient(chain(c, made.show))
	return made, nil
}

// show is what a request asked for, and where.
func (c *client) show(u *url.URL) string { return redact.Request(u, c.base.EscapedPath()) }

// chain is what every request goes through.
func chain(c Config, show func(*url.URL) string) http.RoundTripper {
	named := &httpx.UserAgent{Next: c.Transport, Name: c.UserAgent}
	whole := &httpx.WholeAnswers{Next: named, Max: maxAnswer}
	observed := &httpx.Observer{Next: whole, Report: c.Observe, Show: show}
	limited := &httpx.AttemptTimeout{Next: observed, After: c.RequestTimeout / 2}
	return &httpx.Retry{Next: limited, Retries: c.Retries, Delay: c.RetryDelay}
}

// call is one request.
type call struct {
	method string
	// path follows the endpoint. It is escaped already.
	path  string
	query url.Values
	// body is sent as JSON, unless it is nil.
	body any
	// asks tells that a POST only asks, so that it may be repeated.
	asks bool
}

// answer is what came back.
type answer struct {
	object
	// at is when the platform sent it, by its own clock where it says so.
	at time.Time
}

// do makes one request, repeated where that is safe, within the configured time. Its errors are [*APIError].
func (c *client) do(ctx context.Context, what call) (answer, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.request(limited, what)
	if err != nil {
		return answer{}, err
	}
	failed := &APIError{Method: what.method, URL: c.show(req.URL), told: c.keyRefused}
	resp, err := c.http.Do(req)
	if err != nil {
		failed.Err = httpx.NoAnswer(ctx, limited, c.timeout, err)
		failed.Message = c.words(failed.Err.Error())
		return answer{}, failed
	}
	defer func() { _ = resp.Body.Close() }() // it is in memory
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		failed.Err, failed.Message = err, c.words(err.Error())
		return answer{}, failed
	}
	failed.StatusCode = resp.StatusCode
	if resp.StatusCode >= http.StatusMultipleChoices || httpx.IsWebPage(resp.Header, body) {
		c.describe(failed, resp, body)
		return answer{}, failed
	}
	fields, err := parseObject(body)
	if err != nil {
		failed.Broken, failed.Message = true, c.words("the answer is cut short or not what the API sends: "+err.Error())
		return answer{}, failed
	}
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		at = time.Now()
	}
	return answer{object: fields, at: at}, nil
}

// request makes the HTTP request.
func (c *client) request(ctx context.Context, what call) (*http.Request, error) {
	address := c.endpoint + what.path
	if len(what.query) > 0 {
		address += "?" + what.query.Encode()
	}
	var body io.Reader
	if what.body != nil {
		text, err := marshal(what.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, what.method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set(keyHeader, c.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if what.asks {
		httpx.Idempotent(req)
	}
	return req, nil
}

// marshal writes "<" and ">" as they are: the API's own description warns of escaping them in version specifiers (CONTRACT §2.12).
func marshal(body any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(body)
	return text.Bytes(), err
}

// describe takes over what was answered in place of success.
func (c *client) describe(e *APIError, resp *http.Response, body []byte) {
	e.RetryAfter = c.words(resp.Header.Get("Retry-After"))
	switch {
	case resp.StatusCode >= http.StatusMultipleChoices && resp.StatusCode < http.StatusBadRequest:
		e.Message = "redirects elsewhere"
		if target, err := resp.Location(); err == nil {
			e.Message = c.words("redirects to " + target.String())
		}
	case httpx.IsWebPage(resp.Header, body):
		e.HTML, e.Message = true, c.words(httpx.PageWords(body))
	default:
		status, err := parseObject(body)
		if err != nil {
			e.Message = c.words(string(body))
			return
		}
		e.Code = codes.Code(min(max(status.integer("code"), 0), 1<<16)) //nolint:gosec // bounded
		e.Message = c.words(status.text("message"))
	}
}

// words are somebody else's words as an error may show them: in one line, and without the API key, should it be quoted.
func (c *client) words(text string) string {
	return httpx.OneLine(strings.ReplaceAll(text, c.key, "[API key]"))
}

// nonsense is an answer that was sent with success, but cannot be one of the API.
func (c *client) nonsense(method, path string, err error) *APIError {
	return &APIError{
		Method: method, URL: path + " at " + redact.Origin(c.base), StatusCode: http.StatusOK, Broken: true,
		Message: c.words("the answer is not what the API sends: " + err.Error()), Err: err,
	}
}
