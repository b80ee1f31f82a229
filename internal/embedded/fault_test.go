package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// fault answers in place of a registry; next is the registry, for faults that only spoil the answer.
type fault func(next http.RoundTripper, req *http.Request) (*http.Response, error)

func refusal(status int, code string, headers ...string) fault {
	return func(_ http.RoundTripper, req *http.Request) (*http.Response, error) {
		resp := answer(req, status, "application/json", fmt.Sprintf(`{"errors":[{"code":%q,"message":"made up by the test"}]}`, code))
		for i := 0; i < len(headers); i += 2 {
			resp.Header.Set(headers[i], headers[i+1])
		}
		return resp, nil
	}
}

func webPage(status int) fault {
	return func(_ http.RoundTripper, req *http.Request) (*http.Response, error) {
		return answer(req, status, "text/html; charset=utf-8", "<!DOCTYPE html><html><body>hello</body></html>"), nil
	}
}

// spoiled passes the request on and cuts the answer short: half of it and then the end of the connection, or half of it as if that were all.
func spoiled(abrupt bool) fault {
	return func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(body[:len(body)/2]))
		if abrupt && len(body) > 0 {
			resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
		}
		return resp, nil
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// faults is what registries and networks do to their clients.
var faults = map[string]fault{
	"401":                 refusal(http.StatusUnauthorized, "UNAUTHORIZED"),
	"403":                 refusal(http.StatusForbidden, "DENIED"),
	"404 of a web server": webPage(http.StatusNotFound),
	"404 of a proxy": func(_ http.RoundTripper, req *http.Request) (*http.Response, error) {
		return answer(req, 404, "text/plain", "404 page not found"), nil
	},
	"404 of another API":  refusal(http.StatusNotFound, "ROUTE_UNKNOWN"),
	"404 of a gateway":    refusal(http.StatusNotFound, "NOT_FOUND"), // the words of a registry, but no registry behind them
	"200 of a web server": webPage(http.StatusOK),
	"200 with null": func(_ http.RoundTripper, req *http.Request) (*http.Response, error) {
		return answer(req, 200, "application/json", "null"), nil
	},
	"429":               refusal(http.StatusTooManyRequests, "TOOMANYREQUESTS"),
	"429 for 2 seconds": refusal(http.StatusTooManyRequests, "TOOMANYREQUESTS", "Retry-After", "2"),
	"429 for an hour":   refusal(http.StatusTooManyRequests, "TOOMANYREQUESTS", "Retry-After", "3600"),
	"500":               refusal(http.StatusInternalServerError, "UNKNOWN"),
	"502":               webPage(http.StatusBadGateway),
	"503":               refusal(http.StatusServiceUnavailable, "UNAVAILABLE", "Retry-After", "1"),
	"504":               webPage(http.StatusGatewayTimeout),
	"truncated":         spoiled(true),
	"truncated quietly": spoiled(false),
	"reset": func(_ http.RoundTripper, req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, errReset
	},
	"reset, but done": func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		if _, err := next.RoundTrip(req); err != nil {
			return nil, err
		}
		return nil, errReset
	},
	"time-out": func(_ http.RoundTripper, req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, req.Context().Err()
	},
}

// faulty is a way to the registry that can be spoiled.
type faulty struct {
	next  http.RoundTripper
	mu    sync.Mutex
	fault fault
	// from and to are the requests it is spoiled for, counted from when the fault was set.
	from, to, made int
}

func (f *faulty) RoundTrip(req *http.Request) (*http.Response, error) {
	f.mu.Lock()
	spoil := f.fault
	if f.made < f.from || f.made >= f.to {
		spoil = nil
	}
	f.made++
	f.mu.Unlock()
	if spoil != nil {
		return spoil(f.next, req)
	}
	return f.next.RoundTrip(req)
}

// spoil sets the fault for the requests from … to, and returns how many were made since it was last set.
func (f *faulty) spoil(fault fault, from, to int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := f.made
	f.fault, f.from, f.to, f.made = fault, from, to, 0
	return made
}

const always = 1 << 30

// verbs are the operations of a registry, on an image model-a that exists; Create is for a model-b that does not.
var verbs = map[string]func(t *testing.T, p *process) error{
	"Get": func(t *testing.T, p *process) error {
		image, err := p.Get(t.Context(), "model-a")
		if err == nil && image.Status != imageregistry.StatusReady {
			err = fmt.Errorf("it is %q: %s", image.Status, image.StatusReason)
		}
		return err
	},
	"Create": func(t *testing.T, p *process) error {
		_, _, err := p.Create(t.Context(), specOf("model-b", "numpy"))
		return err
	},
	"Update": func(t *testing.T, p *process) error {
		_, _, err := p.Update(t.Context(), specOf("model-a", "scipy"))
		return err
	},
	"Rebuild": func(t *testing.T, p *process) error {
		_, _, err := p.Rebuild(t.Context(), "model-a", imageregistry.Lock{})
		return err
	},
	"Delete": func(t *testing.T, p *process) error { return p.Delete(t.Context(), "model-a") },
	"List": func(t *testing.T, p *process) error {
		n := 0
		for image, err := range p.List(t.Context(), imageregistry.Filter{}) {
			if err != nil {
				return err
			}
			if image.Status != imageregistry.StatusReady {
				return fmt.Errorf("%s is %q", image.Name, image.Status)
			}
			n++
		}
		if n != 1 {
			return fmt.Errorf("%d images", n)
		}
		return nil
	},
}

// faultyProcess is a process on a registry that has model-a.
func faultyProcess(t *testing.T) (*world, *process, *faulty, imageregistry.Image) {
	t.Helper()
	w := newWorld(t)
	before := w.process(t, "first/1").mustCreate(t, specOf("model-a", "numpy"))
	f := &faulty{next: w.wire}
	p := w.process(t, "a/1", func(c *Config) { c.Transport = f })
	p.builder.transport = w.wire // what the builder makes of faults is its own affair
	return w, p, f, before
}

// TestFaults_lasting spoils every request of an operation: it ends in time, with an error that is not "not found", and nothing has changed.
func TestFaults_lasting(t *testing.T) {
	t.Parallel()
	for verb, run := range verbs {
		for kind, fault := range faults {
			if kind == "reset, but done" {
				continue // this one changes things: see TestFaults_passing
			}
			for _, warm := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/warm=%t", verb, kind, warm), func(t *testing.T) {
					t.Parallel()
					bubble(t, func(t *testing.T) { lastingFault(t, run, fault, warm) })
				})
			}
		}
	}
}

// lastingFault spoils all that an operation asks for. A process that is warm has spoken with the registry before.
func lastingFault(t *testing.T, run func(*testing.T, *process) error, fault fault, warm bool) {
	w, p, f, before := faultyProcess(t)
	if warm {
		p.mustGet(t, "model-a")
	}
	builds := w.builds.Load()
	f.spoil(fault, 0, always)
	began := time.Now()
	err := run(t, p)
	switch {
	case err == nil:
		t.Error("no error")
	case errors.Is(err, imageregistry.ErrNotFound), errors.Is(err, imageregistry.ErrAlreadyExists), errors.Is(err, imageregistry.ErrBusy):
		t.Errorf("the fault is taken for knowledge: %v", err)
	}
	if took := time.Since(began); took > 4*time.Minute {
		t.Errorf("it took %s to tell", took)
	}
	f.spoil(nil, 0, 0)
	p.wait()
	if got := p.mustGet(t, "model-a"); !cmp.Equal(before, got) {
		t.Errorf("model-a has changed:\n%s", cmp.Diff(before, got))
	}
	if _, err := p.Get(t.Context(), "model-b"); !errors.Is(err, imageregistry.ErrNotFound) {
		t.Errorf("of model-b, Get returns %v", err)
	}
	if w.builds.Load() != builds {
		t.Error("something was built")
	}
}

// TestFaults_passing spoils one request after the other, once each, with an eighth of the faults in turn; those that leave it open whether the request was done
// spoil all of them. Whatever the operation makes of it, nothing is taken for missing or for
// somebody else's, and doing it again converges, with no more than one build at a time.
func TestFaults_passing(t *testing.T) {
	t.Parallel()
	for _, verb := range slices.Sorted(maps.Keys(verbs)) {
		for turn, kind := range slices.Sorted(maps.Keys(faults)) {
			from, step := turn%8, 8
			if kind == "reset, but done" || kind == "truncated" {
				from, step = 0, 1
			}
			if kind == "404 of a gateway" {
				continue // one such answer from what is otherwise a registry is the truth, for all that can be known
			}
			t.Run(verb+"/"+kind, func(t *testing.T) {
				t.Parallel()
				made := from + 1
				for at := from; at < made && !t.Failed(); at += step {
					t.Run(fmt.Sprint(at), func(t *testing.T) { // one after the other, as each tells whether there is a next one
						bubble(t, func(t *testing.T) { made = max(made, passingFault(t, verb, faults[kind], at)) })
					})
				}
			})
		}
	}
}

// passingFault spoils the request with that number and returns how many were made.
func passingFault(t *testing.T, verb string, fault fault, at int) int {
	w, p, f, _ := faultyProcess(t)
	f.spoil(fault, at, at+1)
	err := verbs[verb](t, p)
	p.wait()
	made := f.spoil(nil, 0, 0)
	switch {
	case errors.Is(err, imageregistry.ErrNotFound), errors.Is(err, imageregistry.ErrAlreadyExists):
		t.Errorf("the fault is taken for knowledge: %v", err)
	case err != nil && verb == "Get" && strings.HasPrefix(err.Error(), "it is"):
		t.Errorf("the fault is taken for drift: %v", err)
	}
	pass(leases)
	if err == nil {
		w.cutLifelines(t) // with Terraform, before it saved anything
	} else {
		p.Settle()
	}
	// The next apply, of the same directory.
	next := w.process(t, "a/2", func(c *Config) { c.Options.Workspace = p.config.Options.Workspace })
	switch verb {
	case "Create":
		if got := next.mustCreate(t, specOf("model-b", "numpy")); got.Status != imageregistry.StatusReady {
			t.Errorf("it is %q: %s", got.Status, got.StatusReason)
		}
		next.mustDelete(t, "model-b")
	case "Update", "Rebuild":
		if got := next.mustUpdate(t, specOf("model-a", "scipy")); got.Status != imageregistry.StatusReady {
			t.Errorf("it is %q: %s", got.Status, got.StatusReason)
		}
	}
	if err := next.Delete(t.Context(), "model-a"); err != nil && (verb != "Delete" || !errors.Is(err, imageregistry.ErrNotFound)) {
		t.Errorf("the delete that follows: %v", err)
	}
	for _, image := range []string{"model-a", "model-b"} {
		if tags := w.tags(t, testHost+"/ml/"+image); len(tags) != 0 {
			t.Errorf("in the end, %s has %q", image, tags)
		}
	}
	if most := w.most.Load(); most > 1 {
		t.Errorf("%d builds ran at one time", most)
	}
	return made
}

// TestFaults_rateLimit finds that a registry that asks for patience gets it.
func TestFaults_rateLimit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		_, p, f, before := faultyProcess(t)
		f.spoil(refusal(http.StatusTooManyRequests, "TOOMANYREQUESTS", "Retry-After", "7"), 0, 1)
		began := time.Now()
		if got := p.mustGet(t, "model-a"); got.Digest != before.Digest {
			t.Errorf("Get returns %+v", got)
		}
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("it waited %s", took)
		}
		f.spoil(refusal(http.StatusTooManyRequests, "TOOMANYREQUESTS"), 0, always)
		_, err := p.Get(t.Context(), "model-a")
		var answer *APIError
		if !errors.As(err, &answer) || !answer.Transient() || answer.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("Get returns %v", err)
		}
		want := "GET /v2/ml/model-a/manifests/rime-record at https://registry.test: 429 Too Many Requests: TOOMANYREQUESTS: made up by the test"
		if err.Error() != want {
			t.Errorf("the error is\n%s, want\n%s", err, want)
		}
	})
}

// TestFaults_words finds that errors say what was asked, what was answered and, where it is not a registry that answers, that.
func TestFaults_words(t *testing.T) {
	t.Parallel()
	const url = "GET /v2/ml/model-a/manifests/rime-record at https://registry.test: "
	for kind, want := range map[string]string{
		"403":                 url + "403 Forbidden: DENIED: made up by the test",
		"404 of a web server": url + "answered 404 with an HTML page, so it is no registry that answered: check the address, and whether a proxy or a login page is in between",
		"404 of a proxy":      url + "404 Not Found: 404 page not found",
		"404 of another API":  url + "404 Not Found: ROUTE_UNKNOWN: made up by the test",
		"404 of a gateway":    "GET /v2/ at https://registry.test: 404 Not Found: NOT_FOUND: made up by the test",
		"200 with null":       `answer of type "application/json" is no manifest, or cut short`,
		"reset":               url + "read tcp: connection reset by peer",
		"time-out":            "no answer within 1m0s",
		"truncated":           url + "reading the answer: unexpected EOF",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				_, p, f, _ := faultyProcess(t)
				p.mustGet(t, "model-a")
				f.spoil(faults[kind], 0, always)
				_, err := p.Get(t.Context(), "model-a")
				var typed *APIError
				if !errors.As(err, &typed) || !strings.Contains(err.Error(), want) {
					t.Errorf("the error is\n%v, want\n%s", err, want)
				}
			})
		})
	}
}
