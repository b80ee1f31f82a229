package rime_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// step is what is seen some seconds after the request for a build.
type step struct {
	at   float64
	want string
}

// watch lets time pass and compares what is seen.
func (p *platform) watch(id, name string, steps []step) {
	p.t.Helper()
	passed := 0.0
	for _, s := range steps {
		p.pass(s.at - passed)
		passed = s.at
		if got := p.states(id, name); got != s.want {
			p.t.Errorf("after %v s: %s, want %s", s.at, got, s.want)
		}
	}
}

func TestBuild_states(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options rime.Options
		pip     string
		steps   []step
	}{
		"success, the image a little later": {
			pip: "numpy",
			steps: []step{
				{0, "REQUESTED BUILDING_FIRST_TIME"},
				{4.9, "REQUESTED BUILDING_FIRST_TIME"},
				{5, "PENDING BUILDING_FIRST_TIME"},
				{20, "RUNNING BUILDING_FIRST_TIME"},
				{99.9, "RUNNING BUILDING_FIRST_TIME"},
				{100, "SUCCEEDED BUILDING_FIRST_TIME"},
				{110, "SUCCEEDED READY"},
				{1e6, "SUCCEEDED READY"},
			},
		},
		"success, the image a little earlier": {
			options: rime.Options{ImageLag: -2 * time.Second}, pip: "numpy",
			steps: []step{{97.9, "RUNNING BUILDING_FIRST_TIME"}, {98, "RUNNING READY"}, {100, "SUCCEEDED READY"}},
		},
		"failure": {
			pip: "sandbox-not-found",
			steps: []step{
				{20, "RUNNING BUILDING_FIRST_TIME"},
				{59.9, "RUNNING BUILDING_FIRST_TIME"},
				{60, "FAILED BUILDING_FIRST_TIME"},
				{70, "FAILED FAILED"},
				{1e6, "FAILED FAILED"},
			},
		},
		"failure, the image a little earlier": {
			options: rime.Options{ImageLag: -2 * time.Second}, pip: "sandbox-not-found",
			steps: []step{{58, "RUNNING FAILED"}, {60, "FAILED FAILED"}},
		},
		"runs until the deadline": {
			pip:   "sandbox-deadline",
			steps: []step{{20, "RUNNING BUILDING_FIRST_TIME"}, {1199, "RUNNING BUILDING_FIRST_TIME"}, {1200, "FAILED BUILDING_FIRST_TIME"}, {1210, "FAILED FAILED"}},
		},
		"takes longer than the deadline": {
			options: rime.Options{Deadline: 90 * time.Second}, pip: "numpy",
			steps: []step{{89, "RUNNING BUILDING_FIRST_TIME"}, {90, "FAILED BUILDING_FIRST_TIME"}, {100, "FAILED FAILED"}},
		},
		"stuck pending": {
			pip:   "sandbox-stuck-pending",
			steps: []step{{1199, "PENDING BUILDING_FIRST_TIME"}, {1200, "FAILED BUILDING_FIRST_TIME"}, {1210, "FAILED FAILED"}},
		},
		"stuck requested": {
			pip:   "sandbox-stuck-requested",
			steps: []step{{1199, "REQUESTED BUILDING_FIRST_TIME"}, {1200, "FAILED BUILDING_FIRST_TIME"}, {1210, "FAILED FAILED"}},
		},
		"states that nobody knows": {
			options: rime.Options{TransientJobStatus: "JOB_STATUS_RECONCILING", TransientImageStatus: "STATUS_VERIFYING"}, pip: "numpy",
			steps: []step{
				{19, "PENDING BUILDING_FIRST_TIME"},
				{20, "RECONCILING BUILDING_FIRST_TIME"},
				{30, "RUNNING VERIFYING"},
				{40, "RUNNING BUILDING_FIRST_TIME"},
				{110, "SUCCEEDED BUILDING_FIRST_TIME"},
				{120, "SUCCEEDED READY"},
			},
		},
		"a length of its own": {
			options: rime.Options{BuildTimeFor: func(string) time.Duration { return 10 * time.Second }}, pip: "numpy",
			steps: []step{{2, "RUNNING BUILDING_FIRST_TIME"}, {10, "SUCCEEDED BUILDING_FIRST_TIME"}, {20, "SUCCEEDED READY"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, tc.options)
			p.watch(p.create("churn", tc.pip), "churn", tc.steps)
		})
	}
}

// What is seen does not depend on how often one looks.
func TestBuild_times(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	id := p.create("churn", "numpy")
	p.pass(50)
	job := p.job(id)
	want := map[string]any{
		"jobId": id, "jobType": "JOB_TYPE_IMAGE_BUILDER", "status": "JOB_STATUS_RUNNING", "creationTime": "2024-03-01T12:00:00.123Z",
		"startTime": "2024-03-01T12:00:20.123Z", "completionTime": nil, "runningTimeSecs": 30.0, "jobData": nil, "cancellationRequested": false,
		"jobProgressStr": "simulated build, running for 30.0 s", "agentId": nil, "archivedJobLogs": nil, "errorMsg": "",
	}
	if diff := cmp.Diff(want, job); diff != "" {
		t.Errorf("running (-want +got)\n%s", diff)
	}
	for _, query := range []string{"", "?view=JOB_VIEW_BASIC", "?view=1", "?view=JOB_VIEW_UNSPECIFIED", "?view=0"} {
		if progress := at(p.ok(http.MethodGet, "/v1/jobs/"+id+query, ""), "job.jobProgressStr"); progress != "" {
			t.Errorf("%s tells progress: %v", query, progress)
		}
	}
	p.pass(1e5)
	want["status"], want["completionTime"], want["runningTimeSecs"], want["jobProgressStr"] = "JOB_STATUS_SUCCEEDED", "2024-03-01T12:01:40.123Z", 80.0, ""
	if diff := cmp.Diff(want, p.job(id)); diff != "" {
		t.Errorf("long after (-want +got)\n%s", diff)
	}
}

func TestBuild_libraries(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	p.ok(http.MethodPost, "/v1/images", `{"name": "churn", "pipRequirements": [
		{"name": "Scikit_Learn", "versionSpecifier": "~=1.2.1"}, {"name": "numpy", "versionSpecifier": "1.22.0"},
		{"name": "uvicorn[standard]", "versionSpecifier": ">=0.20,<1"}, {"name": "xgboost", "versionSpecifier": "==1.6.*"}, {"name": "torch"}]}`)
	before := p.image("churn")
	p.pass(110)
	after := p.image("churn")
	var got []string
	libraries, _ := after["pipLibraries"].([]any)
	for _, l := range libraries {
		got = append(got, fmt.Sprintf("%v %v", at(l, "name"), at(l, "version")))
	}
	want := []string{
		"joblib 1.3.2", "numpy 1.22.0", "pandas 1.5.3", "pip 23.2.1", "python-dateutil 2.8.2", "pytz 2023.3", "PyYAML 6.0.1", "rime-engine 2.13.2",
		"Scikit_Learn 1.2.1", "scipy 1.10.1", "setuptools 68.2.2", "six 1.16.0", "threadpoolctl 3.2.0", "torch 2.0.1", "uvicorn 0.20",
		"uvicorn-simulated-dependency 1.0.0", "wheel 0.41.3", "xgboost 1.6",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, field := range []string{"repoUri", "pythonVersion", "rimeTag", "baseImage", "pipRequirements"} {
		if diff := cmp.Diff(before[field], after[field]); diff != "" {
			t.Errorf("%s changed (-before +after)\n%s", field, diff)
		}
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{JobRoutes: rime.JobsBoth})
	id := p.create("churn", "numpy")
	p.pass(50)
	p.as(rime.KeyViewer).refused(http.StatusForbidden, 7, http.MethodPost, "/v1/jobs/cancel/"+id, "")
	for range 2 { // the second changes nothing
		if got := p.ok(http.MethodPost, "/v1/jobs/cancel/"+id, ""); len(got) > 0 {
			t.Errorf("got %v", got)
		}
	}
	if job := p.job(id); job["cancellationRequested"] != true || job["status"] != "JOB_STATUS_RUNNING" || job["completionTime"] != nil {
		t.Errorf("the flag comes first: %v", job)
	}
	p.watch(id, "churn", []step{{4.9, "RUNNING BUILDING_FIRST_TIME"}, {5, "CANCELLED BUILDING_FIRST_TIME"}, {15, "CANCELLED FAILED"}, {1e5, "CANCELLED FAILED"}})
	if job := p.job(id); job["errorMsg"] != "" || job["archivedJobLogs"] != nil || job["runningTimeSecs"] != 35.0 || job["terminationReason"] != "TERMINATION_REASON_GENERIC_ERROR" {
		t.Errorf("cancelled: %v", job)
	}
	p.refused(http.StatusBadRequest, 9, http.MethodPost, "/v1/jobs/cancel/"+id, "")
	p.refused(http.StatusNotFound, 5, http.MethodPost, "/v1/jobs/cancel/00000000-0000-4000-8000-000000000000", "")
	p.refused(http.StatusBadRequest, 3, http.MethodPost, "/v1/jobs/cancel/nonsense", "")
}

func TestCancel_modes(t *testing.T) {
	t.Parallel()
	for mode, want := range map[rime.CancelMode][2]int{rime.CancelRefused: {http.StatusBadRequest, 9}, rime.CancelUnimplemented: {http.StatusNotImplemented, 12}} {
		p := start(t, rime.Options{Cancel: mode})
		id := p.create("churn", "numpy")
		p.refused(want[0], want[1], http.MethodPost, "/v1/jobs/cancel/"+id, "")
		p.watch(id, "churn", []step{{110, "SUCCEEDED READY"}})
		if job := p.job(id); job["cancellationRequested"] != false {
			t.Errorf("mode %v: %v", mode, job)
		}
	}
}

func TestJobs_refused(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{JobRetention: time.Hour})
	id := p.create("churn", "numpy")
	p.refused(http.StatusBadRequest, 3, http.MethodGet, "/v1/jobs/nonsense", "")
	p.refused(http.StatusBadRequest, 3, http.MethodGet, "/v1/jobs/"+strings.ToUpper(id), "")
	p.refused(http.StatusNotFound, 5, http.MethodGet, "/v1/jobs/00000000-0000-4000-8000-000000000000", "")
	for _, view := range []string{"JOB_VIEW_ALL", "full", "7", "-1", "%20"} {
		p.refused(http.StatusBadRequest, 3, http.MethodGet, "/v1/jobs/"+id+"?view="+view, "")
	}
	p.refused(http.StatusBadRequest, 3, http.MethodGet, "/v1/jobs/"+id+"?view=1&view=2", "")
	p.refused(http.StatusBadRequest, 9, http.MethodGet, "/v1/jobs/"+id+"/project-id", "")
	p.refused(http.StatusBadRequest, 9, http.MethodGet, "/v1/jobs/"+id+"/test-run-id", "")
	p.refused(http.StatusNotImplemented, 12, http.MethodGet, "/v1/jobs/cancel/"+id, "")
	p.refused(http.StatusNotImplemented, 12, http.MethodDelete, "/v1/jobs/"+id, "")
	p.refused(http.StatusNotFound, 5, http.MethodGet, "/v1/jobs/"+id+"/children", "")
	// Builds belong to no project, whichever.
	want := map[string]any{"jobs": []any{}, "nextPageToken": "", "hasMore": false}
	if diff := cmp.Diff(want, p.ok(http.MethodGet, "/v1/jobs/project/"+id, "")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	p.pass(100 + 3599)
	p.job(id)
	p.pass(1) // the record is gone; the image is not
	p.refused(http.StatusNotFound, 5, http.MethodGet, "/v1/jobs/"+id, "")
	if status := p.image("churn")["status"]; status != "STATUS_READY" {
		t.Errorf("image %v", status)
	}
}

func TestJobs_generations(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		routes        rime.JobRoutes
		served, gone  []string
		there, absent []string
	}{
		{rime.JobsV1, []string{"/v1"}, []string{"/v1-beta"}, []string{"errorMsg", "completionTime"}, []string{"terminationReason"}},
		{rime.JobsBoth, []string{"/v1", "/v1-beta"}, nil, []string{"errorMsg", "completionTime", "terminationReason"}, nil},
		{rime.JobsBeta, []string{"/v1-beta"}, []string{"/v1"}, []string{"terminationReason"}, []string{"errorMsg", "completionTime"}},
	} {
		p := start(t, rime.Options{JobRoutes: tc.routes})
		ready, broken := p.create("ready", "numpy"), p.create("broken", "sandbox-not-found")
		for _, root := range tc.gone {
			p.refused(http.StatusNotFound, 5, http.MethodGet, root+"/jobs/"+ready, "")
			p.refused(http.StatusNotFound, 5, http.MethodPost, root+"/jobs/cancel/"+ready, "")
		}
		for _, root := range tc.served {
			job, _ := p.ok(http.MethodGet, root+"/jobs/"+ready, "")["job"].(map[string]any)
			for _, field := range tc.there {
				if _, there := job[field]; !there {
					t.Errorf("%v: no %s in %v", tc.routes, field, job)
				}
			}
			for _, field := range tc.absent {
				if _, there := job[field]; there {
					t.Errorf("%v: %s in %v", tc.routes, field, job)
				}
			}
		}
		reasons := func() []any {
			found := []any{}
			for _, id := range []string{ready, broken} {
				found = append(found, at(p.ok(http.MethodGet, tc.served[0]+"/jobs/"+id, ""), "job.terminationReason"))
			}
			return found
		}
		before := reasons()
		p.pass(200)
		after := reasons()
		if tc.routes == rime.JobsV1 {
			continue
		}
		if !slices.Equal(before, []any{"TERMINATION_REASON_NOT_TERMINATED", "TERMINATION_REASON_NOT_TERMINATED"}) ||
			!slices.Equal(after, []any{"TERMINATION_REASON_COMPLETED", "TERMINATION_REASON_GENERIC_ERROR"}) {
			t.Errorf("%v: %v, then %v", tc.routes, before, after)
		}
	}
}

// With the time of a bubble, a build of minutes takes no time at all.
func TestBuild_inABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := rime.New(rime.Options{BuildTime: 5 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		get := func(method, path, body string) string {
			request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
			request.Header.Set("rime-api-key", rime.KeyUser)
			recorder := httptest.NewRecorder()
			p.ServeHTTP(recorder, request)
			return recorder.Body.String()
		}
		get(http.MethodPost, "/v1/images", `{"name": "churn"}`)
		began := time.Now()
		for !strings.Contains(get(http.MethodGet, "/v1/images/churn", ""), "STATUS_READY") {
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took != 330*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
