package rime_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

func TestFailures(t *testing.T) {
	t.Parallel()
	const pip, system = `"pipRequirements": [{"name": %q, "versionSpecifier": "==9"}]`, `"packageRequirements": [{"name": %q, "packageType": 2}]`
	for _, tc := range []struct{ requirement, name, reason, message string }{
		{pip, "sandbox-unresolvable", "GENERIC_ERROR", "ResolutionImpossible: cannot install sandbox-unresolvable==9"},
		{pip, "Sandbox_Not.Found", "GENERIC_ERROR", "No matching distribution found for Sandbox_Not.Found==9"},
		{system, "sandbox-not-found", "GENERIC_ERROR", "Unable to find a match: sandbox-not-found"},
		{pip, "sandbox-out-of-memory", "OOMKILLED", "OOMKilled: it used more memory than its limit of 16Gi"},
		{system, "sandbox-out-of-memory", "OOMKILLED", "OOMKilled"},
		{pip, "sandbox-deadline", "GENERIC_ERROR", "active longer than the specified deadline of 3600 s"},
		{pip, "sandbox-access-denied", "INTERNAL_ERROR", "not authorized to perform sts:assumerolewithwebidentity"},
		{pip, "sandbox-stuck-requested", "GENERIC_ERROR", "got no resources within its deadline of 3600 s"},
		{pip, "sandbox-stuck-pending", "GENERIC_ERROR", "source image could not be pulled within the deadline of 3600 s"},
		{pip, "mine", "GENERIC_ERROR", "No matching distribution found for mine==9"},
		{pip, "yours", "OOMKILLED", "OOMKilled"},
	} {
		p := start(t, rime.Options{JobRoutes: rime.JobsBoth, FailPackage: "Mine", Failures: map[string]rime.Failure{"yours": rime.OutOfMemory}})
		id, _ := at(p.ok(http.MethodPost, "/v1/images", `{"name": "churn", `+fmt.Sprintf(tc.requirement, tc.name)+`}`), "job.jobId").(string)
		p.pass(2000)
		if got := p.states(id, "churn"); got != "FAILED FAILED" {
			t.Errorf("%s: %s", tc.name, got)
		}
		job := p.job(id)
		message, _ := job["errorMsg"].(string)
		if job["terminationReason"] != "TERMINATION_REASON_"+tc.reason || !strings.Contains(strings.ToLower(message), strings.ToLower(tc.message)) {
			t.Errorf("%s: %v, %q", tc.name, job["terminationReason"], message)
		}
		if image := p.image("churn"); len(names(image["pipLibraries"])) > 0 {
			t.Errorf("%s: a failed image has libraries: %v", tc.name, image)
		}
	}
}

// A source image that is not there keeps a build waiting, and lets it go on when it comes.
func TestFailures_sourceImage(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	if err := p.SetImageStatus("rime-base-python-3-9", "STATUS_FAILED"); err != nil {
		t.Fatal(err)
	}
	first, second := p.create("first", "numpy"), p.create("second", "numpy")
	p.ok(http.MethodPost, "/v1/jobs/cancel/"+second, "")
	p.watch(first, "first", []step{{500, "PENDING BUILDING_FIRST_TIME"}})
	if err := p.SetImageStatus("rime-base-python-3-9", "STATUS_READY"); err != nil {
		t.Fatal(err)
	}
	p.watch(first, "first", []step{{5, "RUNNING BUILDING_FIRST_TIME"}, {95, "SUCCEEDED READY"}})
	if got := p.states(second, "second"); got != "CANCELLED FAILED" {
		t.Errorf("cancelled while pending: %s", got)
	}
	if job := p.job(second); job["startTime"] != nil || job["runningTimeSecs"] != 0.0 {
		t.Errorf("never started: %v", job)
	}
	if err := p.Remove("rime-base-python-3-9"); err != nil {
		t.Fatal(err)
	}
	third := p.create("third", "numpy") // on nothing that the registry manages
	p.watch(third, "third", []step{{110, "SUCCEEDED READY"}})
}

func TestFailures_atTheDeadlineOfASource(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	if err := p.SetImageStatus("rime-base-python-3-9", "STATUS_REBUILDING"); err != nil {
		t.Fatal(err)
	}
	id := p.create("churn", "numpy")
	p.watch(id, "churn", []step{{1199, "PENDING BUILDING_FIRST_TIME"}, {1210, "FAILED FAILED"}})
	if message, _ := p.job(id)["errorMsg"].(string); !strings.Contains(message, "source image could not be pulled") {
		t.Errorf("message %q", message)
	}
}

func TestArchivedLogs(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{LogLifetime: time.Hour, JobRetention: 30 * time.Minute})
	id := p.create("churn", "sandbox-not-found")
	p.pass(60)
	logs := p.job(id)["archivedJobLogs"]
	address, _ := at(logs, "url.url").(string)
	path, found := strings.CutPrefix(address, p.url)
	if !found || at(logs, "expirationTime") != "2024-03-01T13:01:00.123Z" || !strings.Contains(path, "/logs/"+id) {
		t.Fatalf("logs %v", logs)
	}
	anybody := p.as("") // a presigned address needs no key
	if a := anybody.call(http.MethodGet, path, ""); a.status != http.StatusOK || !strings.Contains(a.body, "simulated by rime-sandbox") ||
		!strings.Contains(a.body, "No matching distribution found for sandbox-not-found") || !strings.HasPrefix(a.contentType, "text/plain") {
		t.Errorf("log: %+v", a)
	}
	for _, forged := range []string{strings.Replace(path, "expires=", "expires=9", 1), strings.Replace(path, "signature=", "signature=0", 1), "/archived-logs/logs/" + id} {
		if a := anybody.call(http.MethodGet, forged, ""); a.status != http.StatusForbidden || !strings.Contains(a.body, "SignatureDoesNotMatch") {
			t.Errorf("forged: %+v", a)
		}
	}
	p.pass(30 * 60)
	if a := anybody.call(http.MethodGet, path, ""); a.status != http.StatusNotFound || !strings.Contains(a.body, "NoSuchKey") {
		t.Errorf("the job's record is gone: %+v", a)
	}
	p.pass(30 * 60)
	if a := anybody.call(http.MethodGet, path, ""); a.status != http.StatusForbidden || !strings.Contains(a.body, "Request has expired") {
		t.Errorf("expired: %+v", a)
	}
}

func TestArchivedLogs_notConfigured(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{LogLifetime: -1})
	id := p.create("churn", "sandbox-not-found")
	p.pass(200)
	if job := p.job(id); job["status"] != "JOB_STATUS_FAILED" || job["archivedJobLogs"] != nil {
		t.Errorf("job %v", job)
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	if err := p.Fail("Num_Py", rime.OutOfMemory); err != nil {
		t.Fatal(err)
	}
	if err := p.Fail("numpy", "bad-luck"); err == nil {
		t.Error("no such failure")
	}
	first := p.create("first", "num-py")
	p.watch(first, "first", []step{{110, "FAILED FAILED"}})
	if err := p.Fail("num.py", ""); err != nil {
		t.Fatal(err)
	}
	second := p.create("second", "num-py")
	p.watch(second, "second", []step{{110, "SUCCEEDED READY"}})
	for name, failure := range rime.DefaultFailures() {
		if !slices.Contains(rime.Failures(), failure) {
			t.Errorf("%s: %s", name, failure)
		}
	}
}
