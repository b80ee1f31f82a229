package rime_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// bubble makes a platform and a registry that need no network, so that hours take no time in a bubble of synctest.
func bubble(t *testing.T, o sandbox.Options, before func(*http.Request)) (*sandbox.Platform, *rime.Registry) {
	t.Helper()
	platform, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	c := config("rime.test", sandbox.KeyOrgAdmin)
	c.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		if before != nil {
			before(req)
		}
		return serve(platform, req), nil
	})
	registry, err := rime.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return platform, registry
}

// TestAwait waits for builds as the resource does, by the times of a real platform: five minutes to build, an hour at the most.
func TestAwait(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pip   string
		class imageregistry.FailureClass
		took  time.Duration
	}{
		"success":             {took: 5 * time.Minute},
		"no such package":     {pip: "sandbox-not-found", class: imageregistry.FailureUserInput, took: 3 * time.Minute},
		"conflict":            {pip: "sandbox-unresolvable", class: imageregistry.FailureUserInput, took: 3 * time.Minute},
		"memory":              {pip: "sandbox-out-of-memory", class: imageregistry.FailureOutOfMemory, took: 3 * time.Minute},
		"trust":               {pip: "sandbox-access-denied", class: imageregistry.FailurePlatform, took: 3 * time.Minute},
		"deadline":            {pip: "sandbox-deadline", class: imageregistry.FailureDeadline, took: time.Hour},
		"source image":        {pip: "sandbox-stuck-pending", class: imageregistry.FailureBaseImage, took: time.Hour},
		"never got resources": {pip: "sandbox-stuck-requested", class: imageregistry.FailureDeadline, took: time.Hour},
	} {
		for generation, routes := range map[string]sandbox.JobRoutes{"today": sandbox.JobsV1, "before 2.0": sandbox.JobsBeta} {
			t.Run(name+", "+generation, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					class := test.class
					if strings.HasPrefix(test.pip, "sandbox-stuck-") && routes == sandbox.JobsBeta {
						class = imageregistry.FailurePlatform // there is no text then, and no time: only that it never ran
					}
					await(t, sandbox.Options{BuildTime: 5 * time.Minute, JobRoutes: routes, ImageLag: 200 * time.Millisecond}, test.pip, class, test.took)
				})
			})
		}
	}
}

// await creates an image and waits for its build, which must end with a failure of that class, or with success for none, and be noticed soon.
func await(t *testing.T, o sandbox.Options, pip string, class imageregistry.FailureClass, took time.Duration) {
	platform, registry := bubble(t, o, nil)
	asked := spec("churn")
	if pip != "" {
		asked.PipRequirements = append(asked.PipRequirements, requirement.Pip{Name: pip})
	}
	began := time.Now()
	_, build, err := registry.Create(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}

	image, build, err := imageregistry.Await(t.Context(), registry, "churn", build.ID, imageregistry.AwaitOptions{})
	ended := platform.Builds("churn")[0].Completed
	if late := time.Since(ended); late < 0 || late > 12*time.Second || time.Since(began) < took-time.Minute || time.Since(began) > took+time.Minute {
		t.Errorf("noticed %s after the end, %s after the beginning", late, time.Since(began))
	}
	if class == "" {
		if err != nil || image.Status != imageregistry.StatusReady || build.Status != imageregistry.BuildSucceeded || build.Hint != "" {
			t.Errorf("%+v, %+v, %v", image, build, err)
		}
		return
	}
	failed, ok := errors.AsType[*imageregistry.BuildFailedError](err)
	if !ok || failed.Build.Failure == nil || failed.Build.Failure.Message == "" {
		t.Fatalf("%v", err)
	}
	failure := failed.Build.Failure
	if failure.Class != class || (failed.Build.Hint == "") != (class == imageregistry.FailureUserInput) {
		t.Errorf("%+v, hint %q", failure, failed.Build.Hint)
	}
	if pip == "sandbox-not-found" && o.JobRoutes == sandbox.JobsV1 && (failure.Requirement != pip || failure.RequirementKind != "pip") {
		t.Errorf("%+v", failure)
	}
	if told, err := url.Parse(failed.Build.LogsURL); err != nil || !strings.HasSuffix(told.Path, "/logs/"+failed.Build.ID) || told.RawQuery != "" {
		t.Errorf("the log is at %q", failed.Build.LogsURL)
	}
}

// TestAwait_outage has the platform go away for a minute in the midst of a build.
func TestAwait_outage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		platform, err := sandbox.New(sandbox.Options{BuildTime: 5 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		c := config("rime.test", sandbox.KeyUser)
		c.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
			if age := time.Since(began); age > time.Minute && age < 2*time.Minute {
				return nil, errors.New("connection reset by peer")
			}
			return serve(platform, req), nil
		})
		registry, err := rime.New(c)
		if err != nil {
			t.Fatal(err)
		}
		_, build, err := registry.Create(t.Context(), spec("churn"))
		if err != nil {
			t.Fatal(err)
		}
		image, _, err := imageregistry.Await(t.Context(), registry, "churn", build.ID, imageregistry.AwaitOptions{})
		if err != nil || image.Status != imageregistry.StatusReady {
			t.Errorf("%+v, %v", image, err)
		}
	})
}

// TestAwait_calls holds how late the ends of builds of random lengths are noticed by the platform's own account, and at what cost in requests.
func TestAwait_calls(t *testing.T) {
	t.Parallel()
	for generation, routes := range map[string]sandbox.JobRoutes{"today": sandbox.JobsV1, "before 2.0": sandbox.JobsBeta} {
		t.Run(generation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const builds = 40
				chance := rand.New(rand.NewPCG(3, 3)) //nolint:gosec // lengths of builds
				var late []time.Duration
				for range builds {
					takes := 3*time.Second + time.Duration(chance.Int64N(int64(2*time.Minute)))
					late = append(late, lateness(t, sandbox.Options{BuildTime: takes, ImageLag: 200 * time.Millisecond, JobRoutes: routes}))
				}
				slices.Sort(late)
				if p95 := late[builds*95/100]; late[0] < 0 || p95 > time.Second {
					t.Errorf("of 100 ends, 95 were noticed within %s", p95)
				}
			})
		})
	}
}

// lateness builds an image and returns how long after it was ready that was noticed.
func lateness(t *testing.T, o sandbox.Options) time.Duration {
	t.Helper()
	var requests int
	platform, registry := bubble(t, o, func(*http.Request) { requests++ })
	_, build, err := registry.Create(t.Context(), spec("churn"))
	if err != nil {
		t.Fatal(err)
	}
	requests = 0
	began := time.Now()
	image, _, err := imageregistry.Await(t.Context(), registry, "churn", build.ID, imageregistry.AwaitOptions{})
	if err != nil || image.Status != imageregistry.StatusReady {
		t.Fatalf("%+v, %v", image, err)
	}
	// At the start both are asked for, and the job maybe in two places; at the end, the image may be asked for until it has heard of it.
	if seconds := int(time.Since(began).Seconds()); requests > seconds+6 {
		t.Errorf("%d requests within %d seconds", requests, seconds)
	}
	return time.Since(platform.Builds("churn")[0].Completed.Add(o.ImageLag))
}

// TestAwait_vanishedJob has the platform forget a job at once when it ends: that is no failure of the image, which alone decides then.
func TestAwait_vanishedJob(t *testing.T) {
	t.Parallel()
	for pip, status := range map[string]imageregistry.Status{"numpy": imageregistry.StatusReady, "sandbox-not-found": imageregistry.StatusFailed} {
		t.Run(pip, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, registry := bubble(t, sandbox.Options{BuildTime: 5 * time.Minute, JobRetention: time.Nanosecond}, nil)
				asked := spec("churn")
				asked.PipRequirements = []requirement.Pip{{Name: pip}}
				_, build, err := registry.Create(t.Context(), asked)
				if err != nil {
					t.Fatal(err)
				}
				image, last, err := imageregistry.Await(t.Context(), registry, "churn", build.ID, imageregistry.AwaitOptions{})
				if _, failed := errors.AsType[*imageregistry.BuildFailedError](err); image.Status != status || last.Status != "" || failed == image.Status.Usable() {
					t.Errorf("%+v, %+v, %v", image, last, err)
				}
			})
		})
	}
}
