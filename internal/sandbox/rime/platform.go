// Package rime is a stand-in for a RIME platform's Managed Image Registry: its REST API over a store in memory, with the behaviour,
// the oddities and the errors that internal/rime/CONTRACT.md gathered from the official clients. Builds are simulated, and their
// logs say so; everything else a client can see is kept as close to the platform as is known. What is not known is an option.
//
// The wire format is its own: it shares no type with our client, so that a wrong name cannot be wrong on both sides.
package rime

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/agenda"
)

// Platform is the handler of a simulated platform. It is safe for concurrent use.
//
// It runs no goroutine: whatever has become due by the clock happens when the next request, or the next call, comes in.
type Platform struct {
	options Options
	keys    map[string]Key
	handler http.Handler
	secret  []byte // signs page tokens and the addresses of logs

	mu       sync.Mutex
	agenda   *agenda.Agenda
	version  string
	images   map[string]*image
	ordered  []*image             // in the order of creation, the order of lists
	released map[string]time.Time // names of deleted images, and when they can be had again
	jobs     map[string]*job
	failures map[string]Failure // by the normal name of the package that triggers them
	sequence int
}

// New returns a platform with its system images.
func New(o Options) (*Platform, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Platform{
		options:  o,
		agenda:   agenda.New(o.Clock),
		keys:     map[string]Key{},
		secret:   []byte(rand.Text()),
		version:  o.Version,
		images:   map[string]*image{},
		released: map[string]time.Time{},
		jobs:     map[string]*job{},
		failures: map[string]Failure{},
	}
	for _, key := range o.Keys {
		p.keys[key.Value] = key
	}
	for name, failure := range o.Failures {
		p.failures[normalName(name)] = failure
	}
	p.handler = p.routes()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agenda.CatchUp()
	if o.Deployment == SelfHosted {
		p.addSystemImages()
	}
	return p, p.preload(o.Preload)
}

// ServeHTTP implements [http.Handler].
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// routes is the ingress of the platform: the API needs a key, the web front end serves everything that is not the API.
func (p *Platform) routes() http.Handler {
	api := http.NewServeMux()
	p.routeImages(api)
	p.routeJobs(api)
	api.Handle("GET /v1/feature-flags/{customer}/limits/{limit}", p.rpc(p.limitStatus))
	api.Handle("/", p.rpc(unknownRoute))

	front := http.NewServeMux()
	for _, prefix := range []string{"/v1", "/v1-beta", "/internal"} {
		front.Handle(prefix, p.authenticated(api))
		front.Handle(prefix+"/", p.authenticated(api))
	}
	front.Handle("GET /v1/rime-info", p.rpc(p.info))
	front.Handle("GET "+logPath+"{id}", http.HandlerFunc(p.serveLog))
	front.HandleFunc("/", serveFrontEnd)
	return front
}

// call is one call of the API.
type call struct {
	*http.Request
	body []byte
	key  Key
	// now is the time of the call.
	now time.Time
}

// maxBody is more than any request of the API, and less than what would hurt.
const maxBody = 8 << 20

// rpc serves a call: one at a time, so that each sees the whole effect of those before it.
func (p *Platform) rpc(do func(*call) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			nginxError(w, http.StatusRequestEntityTooLarge)
			return
		}
		key, _ := r.Context().Value(keyOfCall{}).(Key)
		status, answer := p.answer(do, &call{Request: r, body: body, key: key})
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(answer) // an error means that the client has gone
	})
}

// answer makes the call and encodes its result while nothing can change.
func (p *Platform) answer(do func(*call) (any, error), c *call) (status int, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.now = p.agenda.CatchUp()
	result, err := do(c)
	if err != nil {
		return encodeError(err)
	}
	return http.StatusOK, p.options.Output.encode(result)
}

func unknownRoute(*call) (any, error) { return nil, refuse(codeNotFound, "Not Found") }

// wrongMethod is how grpc-gateway refuses a method that a known path does not have.
func wrongMethod(*call) (any, error) { return nil, refuse(codeUnimplemented, "Method Not Allowed") }

// encodeError is the body of an error: status codes of gRPC, mapped as grpc-gateway does.
func encodeError(err error) (status int, body []byte) {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		refused = refuse(codeInternal, "%v", err)
	}
	return refused.code.httpStatus(), encodeJSON(struct {
		Code    code   `json:"code"`
		Message string `json:"message"`
		Details []any  `json:"details"`
	}{refused.code, refused.message, []any{}})
}
