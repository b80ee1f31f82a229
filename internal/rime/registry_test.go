package rime_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// TestLife lives the life of an image on every kind of platform there may be: what a platform is like changes nothing for the caller.
func TestLife(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]sandbox.Options{
		"today":                {},
		"before 2.0":           {JobRoutes: sandbox.JobsBeta},
		"between":              {JobRoutes: sandbox.JobsBoth},
		"nothing unpopulated":  {Output: sandbox.Output{OmitUnpopulated: true}},
		"numbers for enums":    {Output: sandbox.Output{NumericEnums: true}},
		"null for empty lists": {Output: sandbox.Output{NullLists: true}},
		"escaped for HTML":     {Output: sandbox.Output{EscapeHTML: true}},
		"all of it":            {Output: sandbox.Output{OmitUnpopulated: true, NumericEnums: true, NullLists: true, EscapeHTML: true}, JobRoutes: sandbox.JobsBeta},
		"echoes otherwise":     {Echo: sandbox.Echo{Reversed: true, Equals: true, UnspecifiedTypes: true, FullPython: true}},
		"unknown states":       {TransientJobStatus: "JOB_STATUS_RECONCILING", TransientImageStatus: "STATUS_SCANNING"},
		"image before its job": {ImageLag: -2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live(t, start(t, options))
		})
	}
}

func live(t *testing.T, w *world) {
	ctx := t.Context()
	asked := spec("xgb-train")
	image, build, err := w.Create(ctx, asked)
	if err != nil {
		t.Fatal(err)
	}
	if image.Name != asked.Name || image.Status != imageregistry.StatusBuildingFirstTime || !imageregistry.SameInputs(image.Spec(), asked) {
		t.Fatalf("created: %+v", image)
	}
	if build.ID == "" || build.Status != imageregistry.BuildRequested || build.CreatedAt.IsZero() || image.BuildID != build.ID {
		t.Fatalf("its build: %+v, known to the image as %q", build, image.BuildID)
	}
	var states []imageregistry.BuildStatus
	for range 40 {
		w.clock.Advance(5 * time.Second)
		now, err := w.Build(ctx, build.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(states) == 0 || states[len(states)-1] != now.Status {
			states = append(states, now.Status)
		}
		build = now
	}
	if build.Status != imageregistry.BuildSucceeded || build.Failure != nil || build.StartedAt.IsZero() || build.RunningTime <= 0 {
		t.Errorf("built: %+v, by way of %v", build, states)
	}
	image, err = w.Get(ctx, asked.Name)
	if err != nil {
		t.Fatal(err)
	}
	if image.Status != imageregistry.StatusReady || image.RoleType != imageregistry.RoleTypeUserDefined || image.PythonVersion != "3.9" || len(image.PipLibraries) == 0 ||
		!imageregistry.SameInputs(image.Spec(), asked) || image.URI() != image.RepoURI+":"+image.Tag || image.BaseImage.ReferenceType != imageregistry.ReferenceTypeManaged {
		t.Errorf("read: %+v", image)
	}
	if listed := names(t, w.List(ctx, imageregistry.Filter{PipLibraries: []imageregistry.PipLibrary{{Name: "xgboost"}}})); len(listed) != 1 || listed[0] != asked.Name {
		t.Errorf("listed: %v", listed)
	}
	if err := w.Delete(ctx, asked.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Get(ctx, asked.Name); !errors.Is(err, imageregistry.ErrNotFound) {
		t.Errorf("after its deletion: %v", err)
	}
}

// TestJobsPlace counts what it costs to find out where the jobs are: one request, once.
func TestJobsPlace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		routes       sandbox.JobRoutes
		v1, beta     int // requests for three reads of a job that is there, and one of one that is not
		absent       error
		malformed    int
		absentBefore bool // the job that is not there is asked for first
	}{
		"today":                         {routes: sandbox.JobsV1, v1: 4},
		"today, absent job first":       {routes: sandbox.JobsV1, v1: 4, beta: 1, absentBefore: true},
		"before 2.0":                    {routes: sandbox.JobsBeta, v1: 1, beta: 4},
		"before 2.0, absent job first":  {routes: sandbox.JobsBeta, v1: 2, beta: 4, absentBefore: true},
		"both places, absent job first": {routes: sandbox.JobsBoth, v1: 4, beta: 1, absentBefore: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, sandbox.Options{JobRoutes: test.routes})
			build := w.create("churn")
			w.Forget()
			absent := func() {
				t.Helper()
				if _, err := w.Build(t.Context(), "00000000-0000-0000-0000-000000000000"); !errors.Is(err, imageregistry.ErrNotFound) {
					t.Errorf("a job that is not there: %v", err)
				}
			}
			if test.absentBefore {
				absent()
			}
			for range 3 {
				if _, err := w.Build(t.Context(), build.ID); err != nil {
					t.Error(err)
				}
			}
			if !test.absentBefore {
				absent()
			}
			if v1, beta := w.count("", "^/v1/jobs"), w.count("", "^/v1-beta/jobs"); v1 != test.v1 || beta != test.beta {
				t.Errorf("%d requests to /v1/jobs and %d to /v1-beta/jobs, want %d and %d", v1, beta, test.v1, test.beta)
			}
		})
	}
}

func TestGet_refusesNames(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	for _, name := range []string{"", ".", "..", "list/", "A", "a b", "a--b", "a-", "../jobs", "a%2Fb", "a\n"} {
		_, err := w.Get(t.Context(), name)
		if refused, ok := errors.AsType[*rime.NameError](err); !ok || refused.Name != name {
			t.Errorf("get %q: %v", name, err)
		}
		if _, _, err := w.Create(t.Context(), imageregistry.Spec{Name: name}); err == nil {
			t.Errorf("create %q", name)
		}
		if err := w.Delete(t.Context(), name); err == nil {
			t.Errorf("delete %q", name)
		}
	}
	for _, id := range []string{"", ".", ".."} {
		if _, err := w.Build(t.Context(), id); err == nil {
			t.Errorf("build %q", id)
		}
	}
	if n := len(w.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	// "list" is a name as any other, and an id may hold anything.
	w.ready("list")
	if image, err := w.Get(t.Context(), "list"); err != nil || image.Name != "list" {
		t.Errorf("%+v, %v", image, err)
	}
	_, err := w.Build(t.Context(), "a/b?c#d")
	if answer := apiError(t, err); answer.StatusCode != http.StatusBadRequest || !strings.HasPrefix(answer.URL, "/v1/jobs/a%2Fb%3Fc%23d at ") {
		t.Errorf("%v", err)
	}
}

// TestAbsence shows when an image counts as absent: only when a registry that is there says so.
func TestAbsence(t *testing.T) {
	t.Parallel()
	t.Run("confirmed once", func(t *testing.T) {
		t.Parallel()
		w := start(t, sandbox.Options{})
		for range 3 {
			if _, err := w.Get(t.Context(), "nope"); !errors.Is(err, imageregistry.ErrNotFound) {
				t.Fatal(err)
			}
		}
		if n := w.count(http.MethodPost, "^/v1/images/list$"); n != 1 || len(w.Requests()) != 4 {
			t.Errorf("%d lists in %d requests", n, len(w.Requests()))
		}
	})
	t.Run("nothing to confirm after a success", func(t *testing.T) {
		t.Parallel()
		w := start(t, sandbox.Options{})
		w.ready("churn")
		w.Forget()
		_, err := w.Get(t.Context(), "nope")
		if !errors.Is(err, imageregistry.ErrNotFound) || w.count(http.MethodPost, "list") != 0 {
			t.Errorf("%v after %d lists", err, w.count(http.MethodPost, "list"))
		}
	})
	gateway := `{"code":5,"message":"Not Found","details":[]}` // for a route that is not there
	for name, rules := range map[string][]struct{ path, body string }{
		"the registry is switched off, and the API says so":        {{"^/v1/images", gateway}},
		"the registry is switched off, and the web server says so": {{"^/v1/images", "404 page not found\n"}},
		"only the image's path is there for the API":               {{"^/v1/images/list", "nothing here"}, {"^/v1/images", gateway}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, sandbox.Options{})
			for _, rule := range rules {
				r := html(http.StatusNotFound, "404")
				r.Path, r.Body, r.Headers = rule.path, rule.body, map[string]string{"Content-Type": "application/json"}
				w.faults(r)
			}
			_, err := w.Get(t.Context(), "churn")
			disabled, ok := errors.AsType[*rime.NotEnabledError](err)
			if !ok || disabled.Endpoint != w.URL || apiError(t, err).StatusCode != http.StatusNotFound {
				t.Errorf("%v", err)
			}
			never(t, err, imageregistry.ErrNotFound)
		})
	}
	t.Run("another 404", func(t *testing.T) {
		t.Parallel()
		w := start(t, sandbox.Options{})
		w.ready("churn")
		for _, body := range []string{"", "not found", `{"message":"not found"}`, `{"code":"not_found"}`, `[5]`, `{"code":7}`, unauthorized} {
			r := html(http.StatusNotFound, "")
			r.Path, r.Body = "^/v1/images/churn$", body
			w.faults(r)
			_, err := w.Get(t.Context(), "churn")
			if answer := apiError(t, err); answer.StatusCode != http.StatusNotFound || answer.Transient() {
				t.Errorf("%q: %v", body, err)
			}
			never(t, err, imageregistry.ErrNotFound)
		}
	})
	t.Run("nobody can confirm it", func(t *testing.T) {
		t.Parallel()
		w := start(t, sandbox.Options{})
		r := html(http.StatusServiceUnavailable, "503")
		r.Path = "^/v1/images/list$"
		w.faults(r)
		_, err := w.Get(t.Context(), "nope")
		if answer := apiError(t, err); answer.StatusCode != http.StatusServiceUnavailable || !answer.Transient() {
			t.Errorf("%v", err)
		}
		never(t, err, imageregistry.ErrNotFound)
	})
}

func TestNotEnabled(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]sandbox.Options{"disabled": {RegistryDisabled: true}, "in the cloud": {Deployment: sandbox.Cloud}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, options)
			_, _, err := w.Create(t.Context(), spec("churn"))
			if _, ok := errors.AsType[*rime.NotEnabledError](err); !ok {
				t.Errorf("create: %v", err)
			}
			if name != "disabled" {
				return
			}
			for _, err := range w.List(t.Context(), imageregistry.Filter{}) {
				if _, ok := errors.AsType[*rime.NotEnabledError](err); !ok {
					t.Errorf("list: %v", err)
				}
			}
			for operation, err := range map[string]error{"delete": w.Delete(t.Context(), "churn"), "refresh": second(w.Refresh(t.Context(), "churn"))} {
				never(t, err, imageregistry.ErrNotFound)
				if _, ok := errors.AsType[*rime.NotEnabledError](err); !ok {
					t.Errorf("%s: %v", operation, err)
				}
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

// TestWrongAddress asks the platform's web server in place of its API: it answers everything with a page and success.
func TestWrongAddress(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	registry := w.registry(func(c *rime.Config) { c.Endpoint = w.URL + "/wrong" })
	_, _, createErr := registry.Create(t.Context(), spec("churn"))
	for operation, err := range map[string]error{
		"get": second(registry.Get(t.Context(), "churn")), "build": second(registry.Build(t.Context(), "0b6f")),
		"create": createErr, "delete": registry.Delete(t.Context(), "churn"),
	} {
		answer := apiError(t, err)
		if !answer.HTML || answer.StatusCode != http.StatusOK || answer.Transient() || !strings.Contains(err.Error(), "a web page answered, not the API: Robust Intelligence") {
			t.Errorf("%s: %v", operation, err)
		}
	}
}
