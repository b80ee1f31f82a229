package rime_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/agenda"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// world is a platform of its own for one test, and our registry on it.
type world struct {
	*sandbox.Server
	*rime.Registry
	t     *testing.T
	clock *agenda.Clock
	// network is where the platform is.
	network *fault.Network
}

// config is that of a registry on a platform.
func config(url, key string) rime.Config {
	return rime.Config{Endpoint: url, APIKey: key, UserAgent: "test", RequestTimeout: time.Minute, Retries: 2, RetryDelay: time.Millisecond}
}

// within makes a registry wait only that long for what the platform does in its own time.
func within(d time.Duration) func(*rime.Config) {
	return func(c *rime.Config) { c.Timing = rime.Timing{Settle: d, Interrupted: d, Outage: d, Cancel: d, Gone: d} }
}

// start starts a platform whose clock stands still, at a time near ours, and whose builds take 100 seconds: requested until 5, pending until 20, running until 100, the
// image ready at 110.
func start(t *testing.T, o sandbox.Options, edits ...func(*rime.Config)) *world {
	t.Helper()
	w := &world{t: t, network: fault.NewNetwork(), clock: agenda.NewClock(time.Now().UTC().Truncate(time.Second))}
	if o.Clock == nil {
		o.Clock = w.clock.Now
	}
	if o.BuildTime == 0 {
		o.BuildTime = 100 * time.Second
	}
	platform, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	gate := &fault.Gate{}
	w.Server = &sandbox.Server{Server: fault.Serve(w.network, gate, fault.Beside(gate, sandbox.Service, platform)), Platform: platform}
	t.Cleanup(func() { _ = w.Close() })
	w.Registry = w.registry(edits...)
	return w
}

// registry is another registry on the same platform, with nothing in common with the others.
func (w *world) registry(edits ...func(*rime.Config)) *rime.Registry {
	w.t.Helper()
	c := config(w.URL, sandbox.KeyOrgAdmin)
	wire := w.network.Transport()
	w.t.Cleanup(wire.CloseIdleConnections)
	c.Transport = wire
	within(3 * time.Second)(&c)
	for _, edit := range edits {
		edit(&c)
	}
	registry, err := rime.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return registry
}

// simulated runs a test in a bubble, where waiting takes no time, however busy the machine is.
func simulated(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func as(key string) func(*rime.Config) { return func(c *rime.Config) { c.APIKey = key } }

// spec is a request that every platform takes.
func spec(name string) imageregistry.Spec {
	return imageregistry.Spec{
		Name: name, PythonVersion: "3.9",
		PipRequirements:     []requirement.Pip{{Name: "xgboost", VersionSpecifier: ">=1,<2"}, {Name: "pandas", VersionSpecifier: "1.5.3"}},
		PackageRequirements: []requirement.Package{{Name: "vim", Type: requirement.PackageTypeRockyLinux}},
	}
}

// create creates an image and returns its build.
func (w *world) create(name string) imageregistry.Build {
	w.t.Helper()
	_, build, err := w.Create(w.t.Context(), spec(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return build
}

// ready creates an image and builds it.
func (w *world) ready(name string) imageregistry.Build {
	w.t.Helper()
	build := w.create(name)
	w.clock.Advance(2 * time.Minute)
	return build
}

func (w *world) faults(rules ...fault.Rule) {
	w.t.Helper()
	if err := w.SetFaults(rules...); err != nil {
		w.t.Fatal(err)
	}
}

// count counts the requests since the last time that requests were forgotten.
func (w *world) count(method, path string) int { return w.Count(method, path) }

// unauthorized is what nginx answers to a bad key.
const unauthorized = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n<center><h1>401 Authorization Required</h1></center>\r\n</body></html>\r\n"

// html makes a rule answer with nginx's page.
func html(status int, title string) fault.Rule {
	return fault.Rule{
		Status: status, Headers: map[string]string{"Content-Type": "text/html"},
		Body: "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n",
	}
}

// apiError finds the platform's answer in an error, or fails.
func apiError(t *testing.T, err error) *rime.APIError {
	t.Helper()
	answer, ok := errors.AsType[*rime.APIError](err)
	if !ok {
		t.Fatalf("no APIError: %v", err)
	}
	return answer
}

// never fails if the error is what it must not be taken for.
func never(t *testing.T, err, wrong error) {
	t.Helper()
	if errors.Is(err, wrong) {
		t.Errorf("%v is taken for %q", err, wrong)
	}
}

// silent fails if the error shows the API key.
func silent(t *testing.T, err error, key string) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), key) {
		t.Errorf("the error shows the API key: %v", err)
	}
}

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// serve has a handler answer a request without a network.
func serve(handler http.Handler, req *http.Request) *http.Response {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, req)
	return recorder.Result()
}
