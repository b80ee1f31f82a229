package rime_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// What a client ought to put up with, as internal/rime/CONTRACT.md §8 has it in items 6 and 14.
func TestOutput(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		output rime.Output
		image  string
		job    string
	}{
		"sparse": {
			rime.Output{OmitUnpopulated: true},
			`{"baseImage": {"name": "rime-base-python-3-9", "referenceType": "REFERENCE_TYPE_MANAGED"}, "roleType": "ROLE_TYPE_USER_DEFINED", "status": "STATUS_BUILDING_FIRST_TIME",
			  "pipRequirements": [{"name": "numpy", "versionSpecifier": ">1,<2"}, {"name": "torch"}]}`,
			`{"jobType": "JOB_TYPE_IMAGE_BUILDER", "status": "JOB_STATUS_REQUESTED"}`,
		},
		"numbers for names": {
			rime.Output{NumericEnums: true},
			`{"baseImage": {"name": "rime-base-python-3-9", "referenceType": 2}, "roleType": 2, "status": 1, "childImages": [], "packageRequirements": [], "pipLibraries": [],
			  "pipRequirements": [{"name": "numpy", "versionSpecifier": ">1,<2"}, {"name": "torch", "versionSpecifier": ""}]}`,
			`{"jobType": 2, "status": 5, "runningTimeSecs": 0, "cancellationRequested": false, "jobProgressStr": "", "errorMsg": "",
			  "startTime": null, "completionTime": null, "jobData": null, "agentId": null, "archivedJobLogs": null}`,
		},
		"null for empty": {
			rime.Output{NullLists: true},
			`{"baseImage": {"name": "rime-base-python-3-9", "referenceType": "REFERENCE_TYPE_MANAGED"}, "roleType": "ROLE_TYPE_USER_DEFINED", "status": "STATUS_BUILDING_FIRST_TIME",
			  "childImages": null, "packageRequirements": null, "pipLibraries": null,
			  "pipRequirements": [{"name": "numpy", "versionSpecifier": ">1,<2"}, {"name": "torch", "versionSpecifier": ""}]}`,
			`{"jobType": "JOB_TYPE_IMAGE_BUILDER", "status": "JOB_STATUS_REQUESTED", "runningTimeSecs": 0, "cancellationRequested": false, "jobProgressStr": "", "errorMsg": "",
			  "startTime": null, "completionTime": null, "jobData": null, "agentId": null, "archivedJobLogs": null}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, rime.Options{Output: tc.output})
			got := p.ok(http.MethodPost, "/v1/images", `{"name": "churn", "pipRequirements": [{"name": "numpy", "versionSpecifier": ">1,<2"}, {"name": "torch"}]}`)
			for part, text := range map[string]string{"image": tc.image, "job": tc.job} {
				var want map[string]any
				if err := json.Unmarshal([]byte(text), &want); err != nil {
					t.Fatal(err)
				}
				document, _ := got[part].(map[string]any)
				for _, same := range []string{"name", "rimeTag", "repoUri", "pythonVersion", "jobId", "creationTime"} {
					delete(document, same)
				}
				if diff := cmp.Diff(want, document); diff != "" {
					t.Errorf("%s (-want +got)\n%s", part, diff)
				}
			}
		})
	}
}

func TestOutput_escapesHTML(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{Output: rime.Output{EscapeHTML: true}})
	created := p.ok(http.MethodPost, "/v1/images", `{"name": "churn", "pipRequirements": [{"name": "sandbox-not-found", "versionSpecifier": ">1,<2"}]}`)
	id, _ := at(created, "job.jobId").(string)
	p.pass(200)
	job := p.job(id)
	message, _ := job["errorMsg"].(string)
	address, _ := at(job, "archivedJobLogs.url.url").(string)
	if !strings.HasSuffix(message, "sandbox-not-found&gt;1,&lt;2") || strings.Contains(address, "&amp;") {
		t.Errorf("message %q, address %q", message, address)
	}
	requirements, _ := p.image("churn")["pipRequirements"].([]any)
	if got := at(requirements[0], "versionSpecifier"); got != ">1,<2" {
		t.Errorf("a specifier was escaped: %v", got)
	}
}

func TestOutput_empty(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{Output: rime.Output{OmitUnpopulated: true}, Deployment: rime.Cloud})
	if got := p.ok(http.MethodGet, "/v1/images", ""); len(got) != 0 {
		t.Errorf("an empty list is %v", got)
	}
}
