package rime_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// recorded is one request as a server got it.
type recorded struct {
	method, uri, body string
	header            http.Header
}

// absent makes a server answer that an image is not there.
func absent(w http.ResponseWriter) {
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, `{"code":5,"message":"no such image"}`)
}

// recordCreate is record for a create, which looks first: the image is not there.
func recordCreate(t *testing.T, answer string) (*rime.Registry, <-chan recorded) {
	t.Helper()
	requests := make(chan recorded, 1)
	return recordWith(t, func(w http.ResponseWriter, r recorded) {
		if r.method == http.MethodGet {
			absent(w)
			return
		}
		if !strings.HasSuffix(r.uri, "/list") {
			requests <- r
		}
		_, _ = io.WriteString(w, answer)
	}), requests
}

// record starts a server that answers every request with the same body, and a registry that asks it.
func record(t *testing.T, answer string) (*rime.Registry, <-chan recorded) {
	t.Helper()
	requests := make(chan recorded, 10)
	return recordWith(t, func(w http.ResponseWriter, r recorded) {
		requests <- r
		_, _ = io.WriteString(w, answer)
	}), requests
}

func recordWith(t *testing.T, answer func(http.ResponseWriter, recorded)) *rime.Registry {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		answer(w, recorded{r.Method, r.RequestURI, string(body), r.Header})
	}))
	t.Cleanup(server.Close)
	registry, err := rime.New(config(server.URL+"/prefix/", "hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

func TestCreate_wire(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spec imageregistry.Spec
		want string
	}{
		"all": {
			imageregistry.Spec{
				Name: "churn", PythonVersion: "3.10",
				PipRequirements: []requirement.Pip{
					{Name: "xgboost", VersionSpecifier: ">=1,<2"},
					{Name: "pandas"},
					{Name: "tomli", Marker: `python_version < "3.11"`},
					{Name: "pywin32", Marker: `sys_platform == "win32"`},
				},
				PackageRequirements: []requirement.Package{
					{Name: "vim", Type: requirement.PackageTypeRockyLinux}, {Name: "git", VersionSpecifier: "2.1", Type: requirement.PackageTypeApt}, {Name: "gcc"},
				},
			},
			`{"name":"churn","pipRequirements":[{"name":"pandas"},{"name":"tomli"},{"name":"xgboost","versionSpecifier":">=1,<2"}],` +
				`"packageRequirements":[{"name":"vim","packageType":"PACKAGE_TYPE_ROCKYLINUX"},{"name":"git","versionSpecifier":"2.1","packageType":"PACKAGE_TYPE_APT"},` +
				`{"name":"gcc","packageType":"PACKAGE_TYPE_ROCKYLINUX"}],"pythonVersion":"3.10"}` + "\n",
		},
		"nothing": {imageregistry.Spec{Name: "churn"}, `{"name":"churn","pipRequirements":[]}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry, requests := recordCreate(t, `{"image":{"name":"churn","status":"STATUS_BUILDING_FIRST_TIME"},"job":{"jobId":"7","status":"JOB_STATUS_REQUESTED"}}`)
			if _, build, err := registry.Create(t.Context(), test.spec); err != nil || build.ID != "7" {
				t.Fatal(build, err)
			}
			got := <-requests
			if got.method != http.MethodPost || got.uri != "/prefix/v1/images" {
				t.Errorf("%s %s", got.method, got.uri)
			}
			if diff := cmp.Diff(test.want, got.body); diff != "" {
				t.Error(diff)
			}
			delete(got.header, "Content-Length")
			delete(got.header, "Accept-Encoding")
			if diff := cmp.Diff(http.Header{
				"Accept": {"application/json"}, "Content-Type": {"application/json"}, "Rime-Api-Key": {"hunter2"}, "User-Agent": {"test"},
			}, got.header); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWire holds how the other requests look: without a body, and without a type for it.
func TestWire(t *testing.T) {
	t.Parallel()
	const both = `{"image":{"name":"churn"},"job":{"jobId":"7","status":"JOB_STATUS_CANCELLED"}}`
	for want, ask := range map[string]func(*rime.Registry) error{
		"GET /prefix/v1/images/churn":              func(r *rime.Registry) error { return second(r.Get(t.Context(), "churn")) },
		"GET /prefix/v1/jobs/7?view=JOB_VIEW_FULL": func(r *rime.Registry) error { return second(r.Build(t.Context(), "7")) },
		"POST /prefix/v1/jobs/cancel/7":            func(r *rime.Registry) error { return r.CancelBuild(t.Context(), "7") },
	} {
		registry, requests := record(t, both)
		if err := ask(registry); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		got := <-requests
		if got.method+" "+got.uri != want || got.body != "" || got.header.Get("Content-Type") != "" || got.header.Get("Accept") != "application/json" {
			t.Errorf("%s: %+v", want, got)
		}
		if _, sent := got.header["Idempotency-Key"]; sent {
			t.Errorf("%s: our own mark was sent", want)
		}
	}
}

func TestCreate_answers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		build  imageregistry.Build
	}{
		"no job":       {`{"image":{"name":"churn"}}`, imageregistry.Build{}},
		"a null job":   {`{"image":{"name":"churn"},"job":null}`, imageregistry.Build{}},
		"an empty job": {`{"image":{"name":"churn"},"job":{}}`, imageregistry.Build{Status: "unspecified"}},
		"snake case":   {`{"image":{"name":"churn"},"job":{"job_id":"7","status":5}}`, imageregistry.Build{ID: "7", Status: imageregistry.BuildRequested}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry, _ := recordCreate(t, test.answer)
			image, build, err := registry.Create(t.Context(), imageregistry.Spec{Name: "churn"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.build, build); diff != "" || image.BuildID != test.build.ID {
				t.Errorf("%s (image: %q)", diff, image.BuildID)
			}
		})
	}
}

func TestCreate_exists(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		exists bool
	}{
		"409, code 6":               {409, `{"code":6,"message":"taken"}`, true},
		"409 without a code":        {409, `{"message":"taken"}`, true},
		"409, but only aborted":     {409, `{"code":10,"message":"try again"}`, false},
		"400, code 6":               {400, `{"code":6,"message":"taken"}`, true},
		"400, in words":             {400, `{"code":3,"message":"an image of that name Already Exists"}`, true},
		"400, for something else":   {400, `{"code":3,"message":"no such Python version"}`, false},
		"400, for a missing parent": {400, `{"code":3,"message":"the base image does not exist"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulated(t, func(t *testing.T) {
				w := start(t, sandbox.Options{})
				w.faults(fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", Status: test.status, JSON: json.RawMessage(test.body)})
				_, _, err := w.Create(t.Context(), spec("churn"))
				if errors.Is(err, imageregistry.ErrAlreadyExists) != test.exists || apiError(t, err).StatusCode != test.status {
					t.Errorf("%v", err)
				}
			})
		})
	}
	t.Run("for real, by an image that failed", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			failing := spec("churn")
			failing.PipRequirements = append(failing.PipRequirements, requirement.Pip{Name: "sandbox-not-found"})
			if _, _, err := w.Create(t.Context(), failing); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(time.Hour)
			if _, _, err := w.Create(t.Context(), spec("churn")); !errors.Is(err, imageregistry.ErrAlreadyExists) {
				t.Error(err)
			}
		})
	})
}

// TestCreate_lost loses the answer, or the request, in every way there is. Whatever happens, the image is created at most once, the caller learns of it
// if it is, and nobody else's image is taken for theirs.
func TestCreate_lost(t *testing.T) {
	t.Parallel()
	lostAnswer := fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", DropAnswer: true}
	for name, test := range map[string]struct {
		rule   fault.Rule
		posts  int
		exists bool
	}{
		"the answer":               {lostAnswer, 1, true},
		"half of the answer":       {fault.Rule{Truncate: 40}, 1, true},
		"all but the headers":      {fault.Rule{Truncate: -1}, 1, true},
		"the request":              {fault.Rule{Reset: true}, 1, false},
		"a gateway's patience":     {fault.Rule{Status: 504, Body: "upstream"}, 1, false},
		"a page in between":        {html(200, "Maintenance"), 1, false},
		"the platform's own fault": {fault.Rule{Status: 500, JSON: json.RawMessage(`{"code":13,"message":"oops"}`)}, 1, false},
		"too many, three times":    {fault.Rule{Status: 429, RetryAfter: "0"}, 3, false},
		"too many, once":           {fault.Rule{Status: 429, Times: 1}, 2, true},
		"not available, just then": {fault.Rule{Status: 503, Times: 1}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulated(t, func(t *testing.T) {
				w := start(t, sandbox.Options{})
				test.rule.Method, test.rule.Path = http.MethodPost, "^/v1/images$"
				w.faults(test.rule)
				image, build, err := w.Create(t.Context(), spec("churn"))
				if n := w.count(http.MethodPost, "^/v1/images$"); n != test.posts {
					t.Errorf("the request was sent %d times, want %d", n, test.posts)
				}
				if existing := w.ImageNames(); (len(existing) == 1) != test.exists {
					t.Fatalf("on the platform: %v", existing)
				}
				if !test.exists {
					_ = apiError(t, err)
					never(t, err, imageregistry.ErrNotFound)
					return
				}
				if err != nil || image.Name != "churn" || image.Status != imageregistry.StatusBuildingFirstTime {
					t.Errorf("%+v, %+v, %v", image, build, err)
				}
			})
		})
	}
}

// TestCreate_lostToAnother shows that an image of the name which asks for something else is not ours.
func TestCreate_lostToAnother(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T) {
		w := start(t, sandbox.Options{})
		w.faults(fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", Delay: fault.Duration(100 * time.Millisecond), Reset: true})
		var meanwhile sync.WaitGroup
		meanwhile.Go(func() {
			for w.count(http.MethodPost, "^/v1/images$") == 0 {
				time.Sleep(time.Millisecond)
			}
			if err := w.Add("churn", sandbox.Inputs{PythonVersion: "3.9"}); err != nil {
				t.Error(err)
			}
		})
		_, _, err := w.Create(t.Context(), spec("churn"))
		meanwhile.Wait()
		if !errors.Is(err, imageregistry.ErrAlreadyExists) || apiError(t, err).StatusCode != 0 {
			t.Errorf("%v", err)
		}
	})
}

// TestCreate_wasThere shows that an image which was there before is nobody's catch, even if it asks for the same and every answer gets lost.
func TestCreate_wasThere(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T) {
		w := start(t, sandbox.Options{})
		w.create("churn")
		w.Forget()
		w.faults(fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", DropAnswer: true})
		if image, _, err := w.Create(t.Context(), spec("churn")); !errors.Is(err, imageregistry.ErrAlreadyExists) || w.count(http.MethodPost, "^/v1/images$") != 0 {
			t.Errorf("%+v, %v", image, err)
		}
	})
}

// TestCreate_lostAndLate has the image show up only some time after its answer got lost.
func TestCreate_lostAndLate(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T) {
		w := start(t, sandbox.Options{Clock: time.Now, VisibilityLag: 300 * time.Millisecond}, within(10*time.Second))
		w.faults(fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", DropAnswer: true})
		asked := spec("churn")
		asked.PythonVersion = "" // the platform chooses
		image, _, err := w.Create(t.Context(), asked)
		if err != nil || image.Name != "churn" || image.PythonVersion != "3.9" {
			t.Errorf("%+v, %v", image, err)
		}
	})
}

// TestCreate_interrupted interrupts the caller while the request is under way: the image must not get lost for that.
func TestCreate_interrupted(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T) {
		w := start(t, sandbox.Options{}, within(10*time.Second))
		why := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		w.faults(fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", Delay: fault.Duration(30 * time.Second), DropAnswer: true})
		go func() {
			for w.count(http.MethodPost, "^/v1/images$") == 0 {
				time.Sleep(time.Millisecond)
			}
			// The platform does it all the same.
			if err := w.Add("churn", inputs(spec("churn"))); err != nil {
				t.Error(err)
			}
			cancel(why)
		}()
		image, _, err := w.Create(ctx, spec("churn"))
		if err != nil || image.Name != "churn" {
			t.Errorf("%+v, %v", image, err)
		}

		// And an error says who gave up, when it did not get through.
		ctx, cancel = context.WithCancelCause(t.Context())
		cancel(why)
		_, _, err = w.registry(within(time.Millisecond)).Create(ctx, spec("other"))
		if !errors.Is(err, why) || !errors.Is(err, context.Canceled) || apiError(t, err).Transient() {
			t.Errorf("%v", err)
		}
	})
}

// inputs is a spec as an operator of the platform would give it.
func inputs(s imageregistry.Spec) sandbox.Inputs {
	in := sandbox.Inputs{PythonVersion: s.PythonVersion}
	for _, r := range s.PipRequirements {
		in.PipRequirements = append(in.PipRequirements, sandbox.Require{Name: r.Name, VersionSpecifier: r.VersionSpecifier})
	}
	for _, r := range s.PackageRequirements {
		in.PackageRequirements = append(in.PackageRequirements, sandbox.Require{Name: r.Name, VersionSpecifier: r.VersionSpecifier})
	}
	return in
}

func TestCreate_forbidden(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{}, as(sandbox.KeyViewer))
	_, _, err := w.Create(t.Context(), spec("churn"))
	if answer := apiError(t, err); answer.StatusCode != http.StatusForbidden || answer.Code != 7 || answer.Transient() || answer.Message == "" {
		t.Errorf("%v", err)
	}
	if _, _, err := w.Create(t.Context(), imageregistry.Spec{Name: "churn", PythonVersion: "2.7"}); err == nil {
		t.Error("an impossible Python version was taken")
	}
}

// TestCreate_nameLag creates an image again right after its delete, on a platform that frees the name a moment later, and on one that never does.
func TestCreate_nameLag(t *testing.T) {
	t.Parallel()
	for name, lag := range map[string]time.Duration{"a moment": 2 * time.Second, "too long": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				platform, registry := bubble(t, sandbox.Options{NameLag: lag, DeleteWhileBuilding: true}, nil)
				if _, _, err := registry.Create(t.Context(), spec("churn")); err != nil {
					t.Fatal(err)
				}
				if err := registry.Delete(t.Context(), "churn"); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				image, build, err := registry.Create(t.Context(), spec("churn"))
				if lag == time.Hour {
					if took := time.Since(began); !errors.Is(err, imageregistry.ErrAlreadyExists) || took > 20*time.Second {
						t.Errorf("%v after %s", err, took)
					}
					return
				}
				if err != nil || image.Name != "churn" || build.ID == "" || len(platform.Builds("churn")) == 0 {
					t.Errorf("%+v, %+v, %v", image, build, err)
				}
			})
		})
	}
}

// TestCreate_outage has the platform go down right after it created the image, so that the answer is lost and nobody can be asked for a while. The image is found when the
// platform is well again; whoever is interrupted meanwhile does not wait for that.
func TestCreate_outage(t *testing.T) {
	t.Parallel()
	const outage = 40 * time.Second
	for name, interrupted := range map[string]time.Duration{"patient": 0, "interrupted": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				platform, err := sandbox.New(sandbox.Options{})
				if err != nil {
					t.Fatal(err)
				}
				var down time.Time
				c := config("rime.test", sandbox.KeyOrgAdmin)
				c.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
					switch answer := serve(platform, req); {
					case req.Method == http.MethodPost && req.URL.Path == "/v1/images":
						down = time.Now()
						return nil, io.ErrUnexpectedEOF
					case !down.IsZero() && time.Since(down) < outage:
						return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Request: req}, nil
					default:
						return answer, nil
					}
				})
				registry, err := rime.New(c)
				if err != nil {
					t.Fatal(err)
				}
				ctx, interrupt := context.WithCancel(t.Context())
				defer interrupt()
				if interrupted > 0 {
					time.AfterFunc(interrupted, interrupt)
				}
				began := time.Now()
				image, _, err := registry.Create(ctx, spec("churn"))
				took := time.Since(began)
				if interrupted == 0 {
					if err != nil || image.Name != "churn" || took < outage {
						t.Errorf("%+v, %v after %s", image, err, took)
					}
					return
				}
				if _, unsettled := errors.AsType[*rime.UnsettledError](err); !unsettled || took > interrupted+3*time.Second {
					t.Errorf("%v after %s", err, took)
				}
			})
		})
	}
}
