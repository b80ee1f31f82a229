package primehub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Khan/genqlient/graphql"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/lifeline"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// maxAnswer bounds what is read of one answer, in bytes: ten thousand images are some 20 MiB.
const maxAnswer = 64 << 20

// Config is what a [Client] needs. Zero values take the defaults.
type Config struct {
	// Endpoint is the address of the platform's API, in any spelling that [ParseEndpoint] takes. Required.
	Endpoint string
	// APIToken says who asks. Required. It is sent to the endpoint and nowhere else.
	APIToken string
	// Transport makes the requests. Nil: one with the system's certificate authorities and the proxies of the environment.
	Transport http.RoundTripper
	// UserAgent says who we are. Default "terraform-provider-rime".
	UserAgent string
	// RequestTimeout bounds each question to the platform, repetitions included. A request that can be repeated may take half of it. Default 60 s.
	RequestTimeout time.Duration
	// Retries is how often a question is repeated that failed in passing. Default 4; negative: never. What changes something is never repeated.
	Retries int
	// RetryDelay is the wait before the first repetition; see [httpx.Retry]. Default 250 ms.
	RetryDelay time.Duration
	// Timing is how long things are waited for that the platform does in its own time. Zero fields take the defaults.
	Timing Timing
	// Workspace identifies the machine and directory of this run of Terraform. Default: [lifeline.Workspace].
	Workspace string
	// Lifelines is a directory where the processes of this machine show each other that they live, so that an image whose creator died can be taken
	// over. Empty: they do not.
	Lifelines string
	// Observe is told of every request. Nil: nobody is.
	Observe func(context.Context, httpx.Exchange)
}

func (c Config) withDefaults() (Config, error) {
	if c.Transport == nil {
		transport, err := httpx.NewTransport(httpx.Trust{})
		if err != nil {
			return c, err
		}
		c.Transport = transport
	}
	c.UserAgent = cmp.Or(c.UserAgent, "terraform-provider-rime")
	c.RequestTimeout = cmp.Or(c.RequestTimeout, time.Minute)
	c.Retries = cmp.Or(c.Retries, 4)
	c.RetryDelay = cmp.Or(c.RetryDelay, 250*time.Millisecond)
	c.Timing = c.Timing.withDefaults()
	c.Workspace = cmp.Or(c.Workspace, lifeline.Workspace())
	return c, nil
}

// Client speaks with a PrimeHub platform. It is safe for concurrent use.
type Client struct {
	endpoint string
	origin   string // of the endpoint, as errors show it
	token    string
	timeout  time.Duration
	timing   Timing
	http     *http.Client
	shared   shared
	written  written
	departed departed
	account  remembered[Account]
	secrets  remembered[[]Secret]
	groups   shelf[groupsSeen]
	// creations are the images that this process has created, and workspace is where.
	creations lifeline.Creations
	workspace string
	// interrupted is set when a build was told to end.
	interrupted atomic.Bool
}

// New returns a Client. It contacts nothing; a configuration that cannot work is a [*ConfigError].
func New(config Config) (*Client, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	endpoint, err := ParseEndpoint(config.Endpoint)
	if err != nil {
		return nil, err
	}
	token, err := httpx.ParseToken("api_token", config.APIToken, "request one in PrimeHub's User Portal, under API Token")
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	return &Client{
		endpoint: endpoint, origin: redact.Origin(base), token: token, timeout: config.RequestTimeout, timing: config.Timing,
		http:      httpx.NewClient(chain(config)),
		creations: lifeline.Creations{Lines: lifeline.Lines{Directory: config.Lifelines}}, workspace: config.Workspace,
	}, nil
}

// Endpoint is the address of the platform's API, in its one spelling.
func (c *Client) Endpoint() string { return c.endpoint }

// chain is what every request goes through. The judge stands before the repetition: the API says with 500 what is for good, and with 200 what may pass.
func chain(c Config) http.RoundTripper {
	named := &httpx.UserAgent{Next: c.Transport, Name: c.UserAgent}
	whole := &httpx.WholeAnswers{Next: named, Max: maxAnswer}
	observed := &httpx.Observer{Next: whole, Report: c.Observe}
	limited := &httpx.AttemptTimeout{Next: observed, After: c.RequestTimeout / 2}
	return &httpx.Retry{Next: &judge{next: limited}, Retries: c.Retries, Delay: c.RetryDelay, Temporary: isTemporary}
}

// MakeRequest implements [graphql.Client] for the generated operations. Queries are repeated where that may help, mutations never. Its errors are [*APIError].
func (c *Client) MakeRequest(ctx context.Context, asked *graphql.Request, answer *graphql.Response) error {
	body, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	data, err := c.send(ctx, call{
		operation: asked.OpName, method: http.MethodPost, url: c.endpoint, body: body,
		asks: strings.HasPrefix(strings.TrimSpace(asked.Query), "query"), accept: "application/json",
	})
	if err != nil {
		return err
	}
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	if err = json.Unmarshal(data, &envelope); err == nil {
		err = json.Unmarshal(envelope.Data, answer.Data)
	}
	if err != nil {
		return c.broken(asked.OpName, "the answer is not what the API sends: "+err.Error())
	}
	return nil
}

// call is one request.
type call struct {
	operation, method, url, accept string
	// body is JSON, or nil.
	body []byte
	// asks tells that a POST only asks, so that it may be repeated.
	asks bool
}

// send makes one request, repeated where that is safe, within the configured time, and returns what was answered with success.
func (c *Client) send(ctx context.Context, what call) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, what.method, what.url, bytes.NewReader(what.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", what.accept)
	req.Header.Set("Authorization", "Bearer "+c.token)
	if what.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if what.asks {
		httpx.Idempotent(req)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if failed, ok := asAPIError(err); ok {
			return nil, c.complete(failed, what, req.URL)
		}
		cause := httpx.NoAnswer(ctx, limited, c.timeout, err)
		return nil, c.complete(&APIError{Kind: KindNoAnswer, Message: cause.Error(), Err: cause}, what, req.URL)
	}
	defer func() { _ = resp.Body.Close() }() // it is in memory
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, c.complete(&APIError{Kind: KindNoAnswer, Message: err.Error(), Err: err}, what, req.URL)
	}
	if failed := verdict(resp, body); failed != nil {
		return nil, c.complete(failed, what, req.URL)
	}
	return body, nil
}

// complete adds to an error what was asked, and takes the API token out of it, should it be quoted.
func (c *Client) complete(e *APIError, what call, address *url.URL) *APIError {
	e.Operation, e.URL = what.operation, redact.Origin(address)
	e.Message = httpx.OneLine(strings.ReplaceAll(e.Message, c.token, "[API token]"))
	return e
}

// broken is an answer that was sent with success, but cannot be one of the API.
func (c *Client) broken(operation, problem string) *APIError {
	return &APIError{Operation: operation, URL: c.origin, StatusCode: http.StatusOK, Kind: KindBroken, Message: httpx.OneLine(strings.ReplaceAll(problem, c.token, "[API token]"))}
}

// remembered is something that is asked for once, and again only when it could not be had, or not for certain.
type remembered[T any] struct {
	mu    sync.Mutex
	value *T
}

func (r *remembered[T]) get(certain func(T) bool, ask func() (T, error)) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.value != nil {
		return *r.value, nil
	}
	value, err := ask()
	if err == nil && certain(value) {
		r.value = &value
	}
	return value, err
}

func (r *remembered[T]) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.value = nil
}
