package pythonindex

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// maxWords bounds how much is read of an answer that is an error, in bytes.
const maxWords = 16 << 10

// statusError is an answer with a status that was not asked for.
type statusError struct {
	status int
	words  string
	// wait is for how long the server asks not to be asked again.
	wait time.Duration
}

// Error implements error.
func (e *statusError) Error() string { return http.StatusText(e.status) }

// passing tells an error that another attempt may not meet.
func passing(err error) bool {
	if _, ok := errors.AsType[*MetadataError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*CredentialsError](err); ok {
		return false
	}
	answer, ok := errors.AsType[*statusError](err)
	if !ok {
		return httpx.Temporary(err) && !errors.Is(err, errUnusable)
	}
	switch answer.status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// errUnusable is an answer that came whole, and is none to what was asked.
var errUnusable = errors.New("the answer cannot be used")

// request is one GET.
type request struct {
	url *url.URL
	// index is what the request has to do with. Nil is not known.
	index  *index
	header map[string]string
	// patience is how long the answer may take. Zero is what the client's options say.
	patience time.Duration
	// read reads an answer with the status 200, or 206 where the header asks for a part.
	read func(*http.Response) error
}

// get sends a request until it is answered, and gives up where another attempt does not help.
func (c *Client) get(ctx context.Context, r request) error {
	if err := c.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer c.slots.Release(1)
	for attempt := 0; ; attempt++ {
		err := c.attempt(ctx, r)
		if err == nil || attempt >= c.options.Retries || !passing(err) || ctx.Err() != nil {
			return err
		}
		delay := httpx.Backoff(c.options.Pause, attempt)
		if answer, ok := errors.AsType[*statusError](err); ok {
			if answer.wait > httpx.MaxRetryAfter {
				return err
			}
			delay = max(delay, answer.wait)
		}
		if err := httpx.Sleep(ctx, delay); err != nil {
			return err
		}
	}
}

func (c *Client) attempt(ctx context.Context, r request) error {
	patience := cmp.Or(r.patience, c.options.Patience)
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, r.url.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", c.options.UserAgent)
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	if err := c.authorize(req, r); err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return httpx.NoAnswer(ctx, limited, patience, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if asked := req.Header.Get("Range") != ""; resp.StatusCode != http.StatusOK && (!asked || resp.StatusCode != http.StatusPartialContent) {
		return &statusError{resp.StatusCode, words(resp), httpx.RetryAfter(resp.Header, time.Now())}
	}
	if err := r.read(resp); err != nil {
		if limited.Err() != nil {
			return httpx.NoAnswer(ctx, limited, patience, err)
		}
		return err
	}
	return nil
}

// authorize adds credentials to a request to the origin that they are for, and to none other.
func (c *Client) authorize(req *http.Request, r request) error {
	if r.index != nil && r.index.user != nil && sameOrigin(req.URL, r.index.url) {
		password, _ := r.index.user.Password()
		req.SetBasicAuth(r.index.user.Username(), password)
		return nil
	}
	if c.options.Credentials == nil {
		return nil
	}
	user, password, ok, err := c.options.Credentials(req.Context(), req.URL)
	if err != nil {
		return &CredentialsError{err}
	}
	if ok {
		req.SetBasicAuth(user, password)
	}
	return nil
}

// checkRedirect follows a redirect that leads to no less secure a place, and takes along to no other origin what is for this one:
// credentials, and the address of the index, which may hold some.
func checkRedirect(req *http.Request, via []*http.Request) error {
	switch scheme := req.URL.Scheme; {
	case len(via) > maxRedirects:
		return fmt.Errorf("%d redirects lead nowhere: %w", maxRedirects, errUnusable)
	case scheme != "https" && scheme != "http":
		return fmt.Errorf("a redirect leads to an address that begins with %s: %w", scheme, errUnusable)
	case scheme != "https" && via[0].URL.Scheme == "https":
		return fmt.Errorf("a redirect leads away from https, to %s: %w", redact.Origin(req.URL), errUnusable)
	}
	req.Header.Del("Referer")
	req.URL.User = nil
	if !sameOrigin(req.URL, via[0].URL) {
		req.Header.Del("Authorization")
	}
	return nil
}

// sameOrigin tells addresses of one server (RFC 6454).
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if u.Port() == "" {
		return map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Port()
}

// words are what a server said to explain itself.
func words(resp *http.Response) string {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxWords))
	if err != nil && len(body) == 0 {
		return ""
	}
	if httpx.IsWebPage(resp.Header, body) {
		return httpx.PageWords(body)
	}
	return httpx.OneLine(string(body))
}
