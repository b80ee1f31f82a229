package fault

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// Request is one request that came to a stand-in.
type Request struct {
	// Service is the stand-in it came to.
	Service string `json:"service"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Query   string `json:"query,omitempty"`
	// Status is that of the answer. Zero means none: the request still runs, or the connection was cut.
	Status int `json:"status"`
	// Fault tells that a rule applied.
	Fault     bool      `json:"fault,omitempty"`
	At        time.Time `json:"at"`
	UserAgent string    `json:"user_agent,omitempty"`
}

// Gate records requests and makes some go wrong. The zero value lets everything pass. It is safe for concurrent use.
//
// Every request is kept until [Gate.Forget].
type Gate struct {
	mu       sync.Mutex
	rules    []*armedRule
	requests []*Request
	latency  time.Duration
}

// SetFaults replaces the rules; their counts begin anew. An invalid rule is an error, and the old rules stay.
func (g *Gate) SetFaults(rules ...Rule) error {
	armed := make([]*armedRule, 0, len(rules))
	for i, r := range rules {
		a, err := arm(r)
		if err != nil {
			return fmt.Errorf("fault rule %d: %w", i+1, err)
		}
		armed = append(armed, a)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rules = armed
	return nil
}

// Faults returns the rules.
func (g *Gate) Faults() []Rule {
	g.mu.Lock()
	defer g.mu.Unlock()
	rules := make([]Rule, 0, len(g.rules))
	for _, a := range g.rules {
		rules = append(rules, a.Rule)
	}
	return rules
}

// SetLatency delays every request by that much.
func (g *Gate) SetLatency(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.latency = d
}

// Requests returns the requests so far, in the order of their arrival.
func (g *Gate) Requests() []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	requests := make([]Request, 0, len(g.requests))
	for _, r := range g.requests {
		requests = append(requests, *r)
	}
	return requests
}

// Count counts the requests so far of a method, empty for all, whose path matches the regular expression.
func (g *Gate) Count(method, path string) int {
	pattern := regexp.MustCompile(path)
	count := 0
	for _, r := range g.Requests() {
		if (method == "" || r.Method == method) && pattern.MatchString(r.Path) {
			count++
		}
	}
	return count
}

// Forget forgets the requests so far.
func (g *Gate) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = nil
}

// Wrap puts the gate before a stand-in of that name.
func (g *Gate) Wrap(service string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		record, rule, latency := g.arrive(service, r)
		answer := &answer{ResponseWriter: w, left: unlimited}
		// Deferred, because a cut connection is a panic to net/http.
		defer func() { g.leave(record, answer) }()
		if !pause(r.Context(), latency) {
			return
		}
		if rule == nil {
			next.ServeHTTP(answer, r)
			return
		}
		if pause(r.Context(), time.Duration(rule.Delay)) {
			rule.happen(answer, r, next)
		}
	})
}

func (g *Gate) arrive(service string, r *http.Request) (*Request, *Rule, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	record := &Request{
		Service: service, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, At: time.Now(), UserAgent: r.UserAgent(),
	}
	g.requests = append(g.requests, record)
	// Every rule counts the requests that match it; the first one whose turn it is applies.
	var first *Rule
	for _, a := range g.rules {
		if a.applies(service, r.Method, r.URL.Path) && first == nil {
			first = &a.Rule
		}
	}
	record.Fault = first != nil
	return record, first, g.latency
}

func (g *Gate) leave(record *Request, a *answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	record.Status = a.status
}

// happen does to the request what the rule says.
func (r *Rule) happen(a *answer, req *http.Request, next http.Handler) {
	switch {
	case r.Status != 0:
		r.answerWithStatus(a, req)
	case r.Reset:
		reset(a)
	case r.Truncate != 0:
		a.left = max(0, r.Truncate)
		next.ServeHTTP(a, req)
		cut()
	case r.DropAnswer:
		next.ServeHTTP(&discarded{header: http.Header{}}, req)
		cut()
	default: // it was only delayed
		next.ServeHTTP(a, req)
	}
}

func (r *Rule) answerWithStatus(w http.ResponseWriter, req *http.Request) {
	// A server that does not read the body closes the connection, and a client in the midst of sending may never see the answer.
	_, _ = io.Copy(io.Discard, req.Body)
	if r.RetryAfter != "" {
		w.Header().Set("Retry-After", r.RetryAfter)
	}
	body := []byte(r.Body)
	if r.JSON != nil {
		body = r.JSON
		w.Header().Set("Content-Type", "application/json")
	}
	for name, value := range r.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(body) // an error means that the client has gone
}

// reset closes the connection with a TCP reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		cut()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it, it is only a close
	}
	_ = conn.Close()
}

// cut ends the request without completing its answer.
func cut() { panic(http.ErrAbortHandler) }

// pause waits and tells whether the client is still there.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

const unlimited = -1

// answer is a ResponseWriter that knows its status and, for a truncated body, when to stop.
type answer struct {
	http.ResponseWriter
	status int
	left   int
}

// Unwrap lets [http.ResponseController] find what the server's own ResponseWriter can do.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.left == unlimited {
		return a.ResponseWriter.Write(b)
	}
	written, err := a.ResponseWriter.Write(b[:min(len(b), a.left)])
	a.left -= written
	if err == nil && a.left == 0 {
		_ = http.NewResponseController(a.ResponseWriter).Flush() // what the client may see must reach it before the cut
		cut()
	}
	return written, err
}

// discarded is an answer that nobody gets.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(int)             {}
