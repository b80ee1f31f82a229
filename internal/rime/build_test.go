package rime_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

func TestBuild_errors(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	if _, err := w.Build(t.Context(), "00000000-0000-0000-0000-000000000000"); !errors.Is(err, imageregistry.ErrNotFound) {
		t.Errorf("a job that is not there: %v", err)
	}
	_, err := w.Build(t.Context(), "nonsense")
	if answer := apiError(t, err); answer.StatusCode != http.StatusBadRequest || answer.Code != 3 {
		t.Errorf("a job id that is none: %v", err)
	}
	never(t, err, imageregistry.ErrNotFound)
}

func TestBuild_answers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		check  func(imageregistry.Build, error) bool
	}{
		"another type": {`{"job":{"jobId":"7","jobType":"JOB_TYPE_FILE_SCAN","status":"JOB_STATUS_RUNNING"}}`, func(_ imageregistry.Build, err error) bool {
			other, ok := errors.AsType[*rime.NotABuildError](err)
			return ok && other.ID == "7" && other.Type == "JOB_TYPE_FILE_SCAN"
		}},
		"the type by number": {`{"job":{"jobId":"7","jobType":2,"status":2}}`, func(b imageregistry.Build, err error) bool {
			return err == nil && b.Status == imageregistry.BuildRunning
		}},
		"no type":      {`{"job":{"status":"JOB_STATUS_PENDING"}}`, func(b imageregistry.Build, err error) bool { return err == nil && b.ID == "7" }},
		"no job":       {`{"job":null}`, broken},
		"nothing":      {`{}`, broken},
		"no JSON":      {`job`, broken},
		"a number":     {`{"job":7}`, broken},
		"a web page":   {`<html><title>Log in</title></html>`, func(_ imageregistry.Build, err error) bool { return strings.Contains(err.Error(), "Log in") }},
		"unknown ends": {`{"job":{"status":"JOB_STATUS_EVICTED"}}`, func(b imageregistry.Build, err error) bool { return err == nil && !b.Status.Ended() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry, _ := record(t, test.answer)
			if build, err := registry.Build(t.Context(), "7"); !test.check(build, err) {
				t.Errorf("%+v, %v", build, err)
			}
		})
	}
}

func broken(_ imageregistry.Build, err error) bool {
	answer, ok := errors.AsType[*rime.APIError](err)
	return ok && answer.Broken && answer.Transient()
}

// TestBuild_stuck reads builds that do not begin.
func TestBuild_stuck(t *testing.T) {
	t.Parallel()
	for pip, want := range map[string]string{
		"sandbox-stuck-requested": "has not created its Kubernetes job yet", "sandbox-stuck-pending": "the source image cannot be pulled",
	} {
		w := start(t, sandbox.Options{Deadline: time.Hour})
		asked := spec("churn")
		asked.PipRequirements = append(asked.PipRequirements, requirement.Pip{Name: pip})
		_, build, err := w.Create(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		build, err = w.Build(t.Context(), build.ID)
		if err != nil || build.Hint != "" {
			t.Errorf("%s: %q, %v", pip, build.Hint, err)
		}
		began := w.clock.Now().Add(-20 * time.Minute)
		if want := 20 * time.Minute; time.Since(began) < want-time.Minute {
			t.Fatal("the platform's clock is far off ours")
		}
		// Time passes for the platform only: its age is told by its own clock, which the answers carry.
		w.clock.Advance(20 * time.Minute)
		old := w.registry(func(c *rime.Config) {
			next := c.Transport
			c.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if err == nil {
					resp.Header.Set("Date", w.clock.Now().UTC().Format(http.TimeFormat))
				}
				return resp, err
			})
		})
		build, err = old.Build(t.Context(), build.ID)
		if err != nil || !strings.Contains(build.Hint, want) || !strings.Contains(build.Hint, "20m ago") {
			t.Errorf("%s: %q, %v", pip, build.Hint, err)
		}
	}
}

func TestCancelBuild(t *testing.T) {
	t.Parallel()
	t.Run("it ends", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{Clock: time.Now, BuildTime: 20 * time.Second}, within(time.Minute))
			build := w.create("churn")
			if err := w.CancelBuild(t.Context(), build.ID); err != nil {
				t.Fatal(err)
			}
			build, err := w.Build(t.Context(), build.ID)
			if err != nil || build.Status != imageregistry.BuildCancelled || build.Failure.Class != imageregistry.FailureCancelled {
				t.Errorf("%+v, %v", build, err)
			}
		})
	})
	t.Run("it was agreed to and goes on", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{}) // its clock stands still
			build := w.create("churn")
			err := w.CancelBuild(t.Context(), build.ID)
			if !errors.Is(err, imageregistry.ErrCannotCancel) || !strings.Contains(err.Error(), "it was still requested") {
				t.Error(err)
			}
		})
	})
	for name, mode := range map[string]sandbox.CancelMode{"refused": sandbox.CancelRefused, "not implemented": sandbox.CancelUnimplemented} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulated(t, func(t *testing.T) {
				w := start(t, sandbox.Options{Cancel: mode})
				build := w.create("churn")
				if err := w.CancelBuild(t.Context(), build.ID); !errors.Is(err, imageregistry.ErrCannotCancel) {
					t.Errorf("a build that runs: %v", err)
				}
				w.clock.Advance(time.Hour)
				if err := w.CancelBuild(t.Context(), build.ID); err != nil {
					t.Errorf("a build that has ended: %v", err)
				}
			})
		})
	}
	t.Run("no build is known", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			for _, id := range []string{"", "nonsense", "00000000-0000-0000-0000-000000000000"} {
				if err := w.CancelBuild(t.Context(), id); !errors.Is(err, imageregistry.ErrCannotCancel) {
					t.Errorf("%q: %v", id, err)
				}
			}
		})
	})
	t.Run("not by a viewer", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			build := w.create("churn")
			err := w.registry(as(sandbox.KeyViewer)).CancelBuild(t.Context(), build.ID)
			if !errors.Is(err, imageregistry.ErrCannotCancel) || apiError(t, err).StatusCode != http.StatusForbidden {
				t.Error(err)
			}
		})
	})
	t.Run("the platform is down", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			build := w.create("churn")
			w.faults(fault.Rule{Path: "^/v1/jobs", Status: http.StatusServiceUnavailable})
			err := w.CancelBuild(t.Context(), build.ID)
			never(t, err, imageregistry.ErrCannotCancel)
			if answer := apiError(t, err); !answer.Transient() {
				t.Error(err)
			}
		})
	})
	t.Run("before 2.0", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{JobRoutes: sandbox.JobsBeta, Clock: time.Now, BuildTime: 20 * time.Second}, within(time.Minute))
			build := w.create("churn")
			if err := w.CancelBuild(t.Context(), build.ID); err != nil || w.count(http.MethodPost, "^/v1-beta/jobs/cancel/") != 1 {
				t.Error(err)
			}
		})
	})
}
