package rime_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// created is the whole answer to a create, field by field as internal/rime/CONTRACT.md §2.13 has it.
const created = `{
"image": {
  "name": "xgb-train",
  "baseImage": {"name": "rime-base-python-3-9", "referenceType": "REFERENCE_TYPE_MANAGED"},
  "roleType": "ROLE_TYPE_USER_DEFINED", "childImages": [], "rimeTag": "2.13.2",
  "repoUri": "123456789012.dkr.ecr.us-west-2.amazonaws.com/rime-managed-images/sandbox/default/xgb-train",
  "status": "STATUS_BUILDING_FIRST_TIME",
  "packageRequirements": [{"name": "vim", "versionSpecifier": "", "packageType": "PACKAGE_TYPE_ROCKYLINUX"}],
  "pipRequirements": [{"name": "xgboost", "versionSpecifier": "==1.7.6"}, {"name": "pandas", "versionSpecifier": ""}],
  "pipLibraries": [], "pythonVersion": "3.9"
},
"job": {
  "jobId": "?", "jobType": "JOB_TYPE_IMAGE_BUILDER", "status": "JOB_STATUS_REQUESTED",
  "startTime": null, "creationTime": "2024-03-01T12:00:00.123Z", "completionTime": null, "runningTimeSecs": 0,
  "jobData": null, "jobProgressStr": "", "cancellationRequested": false, "agentId": null,
  "archivedJobLogs": null, "errorMsg": ""
}}`

func TestCreate_answer(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	got := p.ok(http.MethodPost, "/v1/images", `{"name": "xgb-train", "pythonVersion": "3.9",
		"pipRequirements": [{"name": "xgboost", "versionSpecifier": "==1.7.6"}, {"name": "pandas"}],
		"packageRequirements": [{"name": "vim", "packageType": "PACKAGE_TYPE_ROCKYLINUX"}]}`)
	var want map[string]any
	if err := json.Unmarshal([]byte(created), &want); err != nil {
		t.Fatal(err)
	}
	job, _ := got["job"].(map[string]any)
	id, _ := job["jobId"].(string)
	job["jobId"] = "?"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want["image"], any(p.image("xgb-train"))); diff != "" {
		t.Errorf("the same by get (-want +got)\n%s", diff)
	}
	if parts := strings.Split(id, "-"); len(id) != 36 || len(parts) != 5 {
		t.Errorf("the job id %q is no UUID", id)
	}
}

func TestCreate_refuses(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{RequirePip: true, RefuseExtras: true})
	for _, body := range []string{
		``, `{}`, `[]`, `"x"`, `{`, `{"name": 5}`, `{"name": ""}`, `{"name": null}`,
		`{"name": "Upper"}`, `{"name": "1st"}`, `{"name": "a--b"}`, `{"name": "a-"}`, `{"name": "a.b"}`, `{"name": "a\n"}`, `{"name": "a/b"}`,
		`{"name": "` + strings.Repeat("a", 256-len("rime-managed-images/sandbox/default/")+1) + `"}`,
		`{"name": "a", "pipRequirements": []}`, `{"name": "a", "pipRequirements": {}}`, `{"name": "a", "pipRequirements": ["numpy"]}`,
		`{"name": "a", "pipRequirements": [{"name": ""}]}`, `{"name": "a", "pipRequirements": [{"name": "-e ."}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x", "versionSpecifier": 1}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x", "versionSpecifier": "latest"}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x", "versionSpecifier": ">=1,"}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x", "versionSpecifier": "~=1"}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x", "versionSpecifier": ">=1.*"}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x", "versionSpecifier": "; python_version > '3'"}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x[extra]"}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x"}], "pythonVersion": "3.7"}`,
		`{"name": "a", "pipRequirements": [{"name": "x"}], "pythonVersion": "3.9.1"}`,
		`{"name": "a", "pipRequirements": [{"name": "x"}], "pythonVersion": 3.9}`,
		`{"name": "a", "pipRequirements": [{"name": "x"}], "packageRequirements": [{"name": "vim"}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x"}], "packageRequirements": [{"name": "vim", "packageType": "PACKAGE_TYPE_APT"}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x"}], "packageRequirements": [{"name": "vim", "packageType": "rpm"}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x"}], "packageRequirements": [{"name": "vim", "packageType": 9}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x"}], "packageRequirements": [{"name": "vi m", "packageType": 2}]}`,
		`{"name": "a", "pipRequirements": [{"name": "x"}], "packageRequirements": [{"name": "vim", "packageType": 2, "versionSpecifier": ">=8"}]}`,
	} {
		p.refused(http.StatusBadRequest, 3, http.MethodPost, "/v1/images", body)
	}
	if left := p.ImageNames(); len(left) > 0 {
		t.Errorf("refused, and yet there: %q", left)
	}
}

func TestCreate_accepts(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{PackageTypes: []string{"PACKAGE_TYPE_APT", "PACKAGE_TYPE_ROCKYLINUX", "PACKAGE_TYPE_UNSPECIFIED"}})
	for body, want := range map[string]string{
		`{"name": "a"}`: `[[], []]`,
		`{"name": "b-c_d9", "pipRequirements": null}`:                                                                   `[[], []]`,
		`{"name": "list", "pip_requirements": []}`:                                                                      `[[], []]`,
		`{"name": "d", "imageType": "BASE_IMAGE_ALL"}`:                                                                  `[[], []]`, // of 0.20, and unknown now
		`{"name": "e", "pip_requirements": [{"name": "uvicorn[standard]", "version_specifier": "1.0rc1"}]}`:             `[[{"name":"uvicorn[standard]","versionSpecifier":"1.0rc1"}], []]`,
		`{"name": "f", "pipRequirements": [{"name": "X.y", "versionSpecifier": "~=1.2, !=1.3.*,<2.0,===1.2.foo"}]}`:     `[[{"name":"X.y","versionSpecifier":"~=1.2, !=1.3.*,<2.0,===1.2.foo"}], []]`,
		`{"name": "g", "packageRequirements": [{"name": "vim", "package_type": 1, "versionSpecifier": "=8.0"}]}`:        `[[], [{"name":"vim","packageType":"PACKAGE_TYPE_APT","versionSpecifier":"=8.0"}]]`,
		`{"name": "h", "package_requirements": [{"name": "g++", "packageType": "PACKAGE_TYPE_ROCKYLINUX"}]}`:            `[[], [{"name":"g++","packageType":"PACKAGE_TYPE_ROCKYLINUX","versionSpecifier":""}]]`,
		`{"name": "i", "packageRequirements": [{"name": "texlive", "packageType": "2", "versionSpecifier": "2020"}]}`:   `[[], [{"name":"texlive","packageType":"PACKAGE_TYPE_UNSPECIFIED","versionSpecifier":"2020"}]]`,
		`{"name": "j", "packageRequirements": [{"name": "texlive", "packageType": 2.0, "versionSpecifier": "2020-1"}]}`: `[[], [{"name":"texlive","packageType":"PACKAGE_TYPE_ROCKYLINUX","versionSpecifier":"2020-1"}]]`,
	} {
		image, _ := p.ok(http.MethodPost, "/v1/images", body)["image"].(map[string]any)
		var wanted []any
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append(wanted, "3.9"), []any{image["pipRequirements"], image["packageRequirements"], image["pythonVersion"]}); diff != "" {
			t.Errorf("%s (-want +got)\n%s", body, diff)
		}
	}
	// Characters that HTML would escape arrive as they are.
	if raw := p.call(http.MethodGet, "/v1/images/f", "").body; !strings.Contains(raw, `!=1.3.*,<2.0`) {
		t.Errorf("escaped: %s", raw)
	}
}

// A body may use either spelling of a field, but not both, and not one of them twice.
func TestCreate_duplicateSpelling(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	for _, body := range []string{
		`{"name": "a", "name": "b"}`,
		`{"name": "a", "pipRequirements": [], "pip_requirements": []}`,
		`{"name": "a", "pythonVersion": "3.9", "python_version": null}`,
		`{"name": "a", "pipRequirements": [{"name": "x", "versionSpecifier": "1", "version_specifier": "1"}]}`,
	} {
		if message := p.refused(http.StatusBadRequest, 3, http.MethodPost, "/v1/images", body); !strings.Contains(message, "duplicate field") {
			t.Errorf("%s: %s", body, message)
		}
	}
	p.ok(http.MethodPost, "/v1/images", `{"name": "a", "unknown": 1, "unknown": 2, "Name": "other case, other field"}`)
}

func TestCreate_nameTaken(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{NameLag: 10 * time.Second})
	p.create("ready", "numpy")
	p.create("broken", "sandbox-not-found")
	p.pass(200)
	for _, name := range []string{"ready", "broken", "rime-base-python-3-9"} {
		p.refused(http.StatusConflict, 6, http.MethodPost, "/v1/images", `{"name": "`+name+`"}`)
	}
	// Names belong to the platform, not to a workspace, and come free with a delete, if not at once.
	p.as(rime.KeyUser).refused(http.StatusConflict, 6, http.MethodPost, "/v1/images", `{"name": "ready"}`)
	p.ok(http.MethodDelete, "/v1/images/broken", "")
	p.refused(http.StatusNotFound, 5, http.MethodGet, "/v1/images/broken", "")
	p.refused(http.StatusConflict, 6, http.MethodPost, "/v1/images", `{"name": "broken"}`)
	p.pass(10)
	p.create("broken", "numpy")
}

func TestImages_missing(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	for _, name := range []string{"nope", "list", "NoName", "a%2Fb", "%20"} {
		p.refused(http.StatusNotFound, 5, http.MethodGet, "/v1/images/"+name, "")
		p.refused(http.StatusNotFound, 5, http.MethodDelete, "/v1/images/"+name, "")
	}
}

// "list" is a name as any other, but POST to it lists.
func TestImages_calledList(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{HideSystemImages: true})
	p.create("list", "numpy")
	p.pass(200)
	if image := p.image("list"); image["name"] != "list" {
		t.Errorf("got %v", image)
	}
	if got := names(p.ok(http.MethodPost, "/v1/images/list", `{}`)["images"]); !slices.Equal(got, []string{"list"}) {
		t.Errorf("listed %q", got)
	}
	p.ok(http.MethodDelete, "/v1/images/list", "")
	p.refused(http.StatusNotFound, 5, http.MethodGet, "/v1/images/list", "")
}

func TestDelete_rules(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	p.create("base", "numpy")
	p.create("top", "numpy")
	p.refused(http.StatusBadRequest, 9, http.MethodDelete, "/v1/images/base", "") // it is being built
	p.pass(200)
	for _, key := range []string{rime.KeyWorkspaceAdmin, rime.KeyUser, rime.KeyViewer} {
		p.as(key).refused(http.StatusForbidden, 7, http.MethodDelete, "/v1/images/base", "")
	}
	p.refused(http.StatusForbidden, 7, http.MethodDelete, "/v1/images/rime-base-python-3-9", "")
	if err := p.SetParent("top", "base"); err != nil {
		t.Fatal(err)
	}
	if got := names(p.image("base")["childImages"]); !slices.Equal(got, []string{"top"}) {
		t.Errorf("children %q", got)
	}
	p.refused(http.StatusBadRequest, 9, http.MethodDelete, "/v1/images/base", "") // it has a child
	if got := p.ok(http.MethodDelete, "/v1/images/top", ""); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	p.ok(http.MethodDelete, "/v1/images/base", "")
	p.refused(http.StatusNotFound, 5, http.MethodDelete, "/v1/images/base", "")
}

func TestDelete_whileBuilding(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{DeleteWhileBuilding: true})
	first := p.create("churn", "numpy")
	p.ok(http.MethodDelete, "/v1/images/churn", "")
	p.pass(50)
	second := p.create("churn", "pandas")
	p.pass(70) // the first build has ended, for nothing
	if got := p.states(first, "churn"); got != "SUCCEEDED BUILDING_FIRST_TIME" {
		t.Errorf("after the first build: %s", got)
	}
	p.pass(100)
	if got := p.states(second, "churn"); got != "SUCCEEDED READY" {
		t.Errorf("after the second build: %s", got)
	}
}

func TestSystemImages(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	p.create("churn", "numpy")
	p.pass(200)
	if got, want := names(p.ok(http.MethodGet, "/v1/images", "")["images"]),
		[]string{"rime-base-python-3-8", "rime-base-python-3-9", "rime-base-python-3-10", "rime-base-python-3-11", "churn"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	system := p.image("rime-base-python-3-9")
	if at(system, "baseImage.referenceType") != "REFERENCE_TYPE_RIME_DOCKERHUB" || system["roleType"] != "ROLE_TYPE_SYSTEM" ||
		system["status"] != "STATUS_READY" || system["pythonVersion"] != "3.9" || !slices.Equal(names(system["childImages"]), []string{"churn"}) {
		t.Errorf("system image %v", system)
	}
	if got := names(p.image("rime-base-python-3-10")["childImages"]); len(got) > 0 {
		t.Errorf("children of 3.10: %q", got)
	}
	p.ok(http.MethodDelete, "/v1/images/churn", "")
	if got := names(p.image("rime-base-python-3-9")["childImages"]); len(got) > 0 {
		t.Errorf("after the delete: %q", got)
	}
}

func TestVisibilityLag(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{VisibilityLag: 3 * time.Second, HideSystemImages: true})
	id := p.create("churn", "numpy")
	p.refused(http.StatusNotFound, 5, http.MethodGet, "/v1/images/churn", "")
	p.refused(http.StatusNotFound, 5, http.MethodDelete, "/v1/images/churn", "")
	p.refused(http.StatusConflict, 6, http.MethodPost, "/v1/images", `{"name": "churn"}`)
	if got := names(p.ok(http.MethodGet, "/v1/images", "")["images"]); len(got) > 0 {
		t.Errorf("listed %q", got)
	}
	if status := p.job(id)["status"]; status != "JOB_STATUS_REQUESTED" {
		t.Errorf("job %v", status)
	}
	p.pass(3)
	p.image("churn")
}

// What it is not known that a platform does to requirements, it can be told to do.
func TestEcho(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{Echo: rime.Echo{Reversed: true, Equals: true, UnspecifiedTypes: true, FullPython: true}})
	got := p.ok(http.MethodPost, "/v1/images", `{"name": "churn", "pythonVersion": "3.10",
		"pipRequirements": [{"name": "a", "versionSpecifier": "1.0"}, {"name": "b", "versionSpecifier": ">1"}],
		"packageRequirements": [{"name": "x", "packageType": 2}, {"name": "y", "packageType": 2}]}`)
	image, _ := got["image"].(map[string]any)
	want := map[string]any{
		"pythonVersion": "3.10.18",
		"pip":           []any{map[string]any{"name": "b", "versionSpecifier": ">1"}, map[string]any{"name": "a", "versionSpecifier": "==1.0"}},
		"packages": []any{
			map[string]any{"name": "y", "versionSpecifier": "", "packageType": "PACKAGE_TYPE_UNSPECIFIED"},
			map[string]any{"name": "x", "versionSpecifier": "", "packageType": "PACKAGE_TYPE_UNSPECIFIED"},
		},
	}
	if diff := cmp.Diff(want, map[string]any{
		"pythonVersion": image["pythonVersion"], "pip": image["pipRequirements"], "packages": image["packageRequirements"],
	}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
