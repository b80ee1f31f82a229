package primehub_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

const baseImage = "jupyter/base-notebook"

// world is a platform of its own for one test, in a bubble of time of its own, and our client on it, without a network between them.
type world struct {
	*sandbox.Platform
	*primehub.Client
	t    *testing.T
	gate *fault.Gate
	// hooked is an administrator's client, too; see hook.
	hooked *primehub.Client
}

// inWorld runs a test on a platform whose builds take five minutes, as those of a real one, and where all the time there is passes at once.
func inWorld(t *testing.T, o sandbox.Options, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if o.BuildTime == 0 {
			o.BuildTime = 5 * time.Minute
		}
		platform, err := sandbox.New(o)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Platform: platform, t: t, gate: &fault.Gate{}}
		w.Client = w.as(sandbox.TokenAdmin)
		test(t, w)
	})
}

// inWorldOf is inWorld for one of several editions.
func inWorldOf(t *testing.T, edition sandbox.Edition, test func(*testing.T, *world)) {
	t.Helper()
	t.Run(map[sandbox.Edition]string{sandbox.Enterprise: "EE", sandbox.Community: "CE"}[edition], func(t *testing.T) {
		t.Parallel()
		inWorld(t, sandbox.Options{Edition: edition}, test)
	})
}

// hook lets something happen just before the first operation of that name that the hooked client asks for.
func (w *world) hook(operation string, happens func()) {
	w.intercept(operation, func(next func() *http.Response) (*http.Response, error) {
		happens()
		return next(), nil
	})
}

// lose loses the answer of the first operation of that name that the hooked client asks for, and the request, too, unless it is done. Then something happens.
func (w *world) lose(operation string, done bool, happens func(), edits ...func(*primehub.Config)) {
	w.intercept(operation, func(next func() *http.Response) (*http.Response, error) {
		if done {
			_ = next().Body.Close() // it is in memory
		}
		happens()
		return nil, io.ErrUnexpectedEOF
	}, edits...)
}

// intercept makes a hooked client, whose first operation of that name is done by instead.
func (w *world) intercept(operation string, instead func(next func() *http.Response) (*http.Response, error), edits ...func(*primehub.Config)) {
	handler, intercepted := w.Behind(w.gate), false
	w.hooked = w.as(sandbox.TokenAdmin, append(edits, func(c *primehub.Config) {
		c.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			req = req.Clone(req.Context())
			req.Body = io.NopCloser(bytes.NewReader(body))
			next := func() *http.Response { return serve(handler, req) }
			if intercepted || !strings.Contains(string(body), operation+"(") {
				return next(), nil
			}
			intercepted = true
			return instead(next)
		})
	})...)
}

// as is another client on the same platform, with nothing in common with the others.
func (w *world) as(token string, edits ...func(*primehub.Config)) *primehub.Client {
	w.t.Helper()
	handler := w.Behind(w.gate)
	config := primehub.Config{
		Endpoint: "http://primehub.test", APIToken: token, Retries: 2, RetryDelay: time.Second,
		Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			if err := req.Context().Err(); err != nil {
				return nil, err
			}
			if req.URL.Host != "primehub.test" {
				w.t.Errorf("%s is asked, with the token", req.URL.Host)
			}
			return serve(handler, req), nil
		}),
	}
	for _, edit := range edits {
		edit(&config)
	}
	client, err := primehub.New(config)
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// serve has a handler answer a request without a network.
func serve(handler http.Handler, req *http.Request) *http.Response {
	req = req.Clone(req.Context())
	if req.Body == nil {
		req.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, req)
	return recorder.Result()
}

// answering is a client of a platform that gives one answer to everything.
func answering(t *testing.T, handler http.HandlerFunc, edits ...func(*primehub.Config)) *primehub.Client {
	t.Helper()
	config := primehub.Config{
		Endpoint: "https://primehub.test", APIToken: "s3cret", Retries: -1,
		Transport: roundTrip(func(req *http.Request) (*http.Response, error) { return serve(handler, req), nil }),
	}
	for _, edit := range edits {
		edit(&config)
	}
	client, err := primehub.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func say(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// group finds a group as the client sees it.
func (w *world) group(name string) primehub.GroupRef {
	w.t.Helper()
	group, err := w.Group(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return group.GroupRef
}

// existing is a system image that is only added.
func existing(name string) primehub.Spec {
	return primehub.Spec{
		Name: name, DisplayName: "An image", Description: "For tests", Type: primehub.TypeCPU,
		Existing: &primehub.Existing{URL: "registry.test/image:1"},
	}
}

// built is a system image that is built.
func built(name string, pip ...string) primehub.Spec {
	spec := existing(name)
	spec.Existing, spec.Recipe = nil, recipe(pip...)
	return spec
}

func recipe(pip ...string) *primehub.Recipe {
	return &primehub.Recipe{BaseImage: baseImage, Packages: primehub.Packages{Apt: []string{"curl"}, Pip: pip}}
}

// create creates an image or ends the test.
func (w *world) create(spec primehub.Spec) primehub.Image {
	w.t.Helper()
	image, err := w.Create(w.t.Context(), spec)
	if err != nil {
		w.t.Fatal(err)
	}
	return image
}

// ready creates an image and builds it.
func (w *world) ready(spec primehub.Spec) primehub.Image {
	w.t.Helper()
	image, err := w.AwaitBuild(w.t.Context(), w.create(spec).Ref(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return image
}

// get reads an image or ends the test.
func (w *world) get(name string) primehub.Image {
	w.t.Helper()
	image, err := w.Get(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return image
}

func (w *world) faults(rules ...fault.Rule) {
	w.t.Helper()
	if err := w.gate.SetFaults(rules...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) outages(outages ...sandbox.Outage) {
	w.t.Helper()
	if err := w.SetOutages(outages...); err != nil {
		w.t.Fatal(err)
	}
}

// must ends the test on an error of what it does behind the client's back.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// groupNames are the names of the groups that may use an image.
func groupNames(image primehub.Image) []string {
	names := []string{}
	for _, group := range image.Groups {
		names = append(names, group.Name)
	}
	return names
}

// failed finds an error of that type, or ends the test.
func failed[T error](t *testing.T, err error) T {
	t.Helper()
	found, ok := errors.AsType[T](err)
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	return found
}

// wants fails unless there is an error of that type.
func wants[T error](t *testing.T, err error) {
	t.Helper()
	_ = failed[T](t, err)
}

// never fails if the error is what it must not be taken for.
func never(t *testing.T, err error, wrong ...error) {
	t.Helper()
	for _, w := range wrong {
		if errors.Is(err, w) {
			t.Errorf("%v is taken for %q", err, w)
		}
	}
}

// silent fails if the error shows the API token.
func silent(t *testing.T, err error, token string) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), token) {
		t.Errorf("the error shows the API token: %v", err)
	}
}

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
