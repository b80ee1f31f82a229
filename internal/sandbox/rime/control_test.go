package rime_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// upgraded tells how far an image is: its status and tag.
func (p *platform) upgraded(name string) string {
	p.t.Helper()
	image := p.image(name)
	status, _ := image["status"].(string)
	return fmt.Sprint(strings.TrimPrefix(status, "STATUS_"), " ", image["rimeTag"])
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{Version: "2.6.2"})
	p.create("churn", "numpy")
	p.create("broken", "sandbox-not-found")
	p.create("unlucky", "pandas")
	p.pass(200)
	before := p.image("churn")
	if err := p.Upgrade("2.7.0"); err != nil {
		t.Fatal(err)
	}
	if err := p.Fail("pandas", rime.OutOfMemory); err != nil {
		t.Fatal(err)
	}
	const system = "rime-base-python-3-9"
	passed := 0.0
	for _, step := range []struct {
		at                             float64
		system, churn, broken, unlucky string
	}{
		{0, "OUTDATED 2.6.2", "OUTDATED 2.6.2", "FAILED 2.6.2", "OUTDATED 2.6.2"},
		{50, "REBUILDING 2.6.2", "REBUILDING 2.6.2", "FAILED 2.6.2", "REBUILDING 2.6.2"},
		{160, "READY 2.7.0", "REBUILDING 2.6.2", "FAILED 2.6.2", "REBUILDING 2.6.2"}, // the base first
		{215, "READY 2.7.0", "REBUILDING 2.6.2", "FAILED 2.6.2", "FAILED 2.6.2"},
		{255, "READY 2.7.0", "READY 2.7.0", "FAILED 2.6.2", "FAILED 2.6.2"},
	} {
		p.pass(step.at - passed)
		passed = step.at
		got := []string{p.upgraded(system), p.upgraded("churn"), p.upgraded("broken"), p.upgraded("unlucky")}
		if diff := cmp.Diff([]string{step.system, step.churn, step.broken, step.unlucky}, got); diff != "" {
			t.Errorf("after %v s (-want +got)\n%s", step.at, diff)
		}
	}
	after := p.image("churn")
	for _, field := range []string{"repoUri", "pipRequirements", "pythonVersion", "baseImage"} {
		if diff := cmp.Diff(before[field], after[field]); diff != "" {
			t.Errorf("%s changed (-before +after)\n%s", field, diff)
		}
	}
	// A rebuild has a job of its own, whose id no call of the API tells.
	builds := p.Builds("churn")
	if len(builds) != 2 || builds[0].Tag != "2.6.2" || builds[1].Tag != "2.7.0" || builds[0].JobID == builds[1].JobID {
		t.Fatalf("builds %+v", builds)
	}
	for i, b := range builds {
		if took := b.Settled.Sub(b.Completed); took != 10*time.Second || !b.Started.After(b.Created) || !b.Completed.After(b.Started) {
			t.Errorf("build %d: %+v", i, b)
		}
	}
	if status := p.job(builds[1].JobID)["status"]; status != "JOB_STATUS_SUCCEEDED" {
		t.Errorf("the job of the rebuild: %v", status)
	}
	if version := p.ok(http.MethodGet, "/v1/rime-info", "")["clusterInfoVersion"]; version != "2.7.0" {
		t.Errorf("version %v", version)
	}
}

// An image whose build was under way is outdated when it is ready, and another upgrade in the midst of it all is made up for as well.
func TestUpgrade_whileBuilding(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{Version: "1.0.0", UpgradeDelay: 10 * time.Second})
	p.create("churn", "numpy")
	p.pass(50)
	for _, version := range []string{"2.0.0", "3.0.0"} {
		if err := p.Upgrade(version); err != nil {
			t.Fatal(err)
		}
	}
	p.pass(60)
	if got := p.upgraded("churn"); got != "OUTDATED 1.0.0" {
		t.Errorf("at the end of its build: %s", got)
	}
	p.pass(40)
	if err := p.Upgrade("4.0.0"); err != nil {
		t.Fatal(err)
	}
	p.pass(1000)
	if got := p.upgraded("churn"); got != "READY 4.0.0" {
		t.Errorf("in the end: %s", got)
	}
	if err := p.Upgrade("4.0.0"); err != nil {
		t.Fatal(err)
	}
	if got := p.upgraded("churn"); got != "READY 4.0.0" {
		t.Errorf("the same version again: %s", got)
	}
	if err := p.Upgrade(""); err == nil {
		t.Error("no version, no error")
	}
}

func TestControl_behindTheBack(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{HideSystemImages: true})
	id := p.create("churn", "numpy")
	for _, status := range []string{"STATUS_FROBNICATING", "STATUS_FAILED"} {
		if err := p.SetImageStatus("churn", status); err != nil {
			t.Fatal(err)
		}
		if got := p.image("churn")["status"]; got != status {
			t.Errorf("status %v, want %s", got, status)
		}
	}
	if err := p.SetJobStatus(id, "JOB_STATUS_FROBNICATING"); err != nil {
		t.Fatal(err)
	}
	p.watch(id, "churn", []step{{0, "FROBNICATING FAILED"}, {5, "PENDING FAILED"}, {110, "SUCCEEDED READY"}})
	if err := p.Edit("churn", rime.Inputs{PythonVersion: "3.11", PipRequirements: []rime.Require{{Name: "pandas", VersionSpecifier: ">1"}}}); err != nil {
		t.Fatal(err)
	}
	if image := p.image("churn"); image["pythonVersion"] != "3.11" || !slices.Equal(names(image["pipRequirements"]), []string{"pandas"}) {
		t.Errorf("edited: %v", image)
	}
	if err := p.Add("ready", rime.Inputs{PackageRequirements: []rime.Require{{Name: "vim"}}}); err != nil {
		t.Fatal(err)
	}
	if image := p.image("ready"); image["status"] != "STATUS_READY" || len(names(image["pipLibraries"])) == 0 ||
		!slices.Equal(names(image["packageRequirements"]), []string{"vim"}) {
		t.Errorf("added: %v", image)
	}
	if err := p.Remove("churn"); err != nil {
		t.Fatal(err)
	}
	p.refused(http.StatusNotFound, 5, http.MethodGet, "/v1/images/churn", "")
	p.create("churn", "numpy") // at once: nobody deleted it through the API
	for what, err := range map[string]error{
		"status of none":    p.SetImageStatus("none", "STATUS_READY"),
		"job of none":       p.SetJobStatus("none", "JOB_STATUS_PENDING"),
		"ended job":         p.SetJobStatus(id, "JOB_STATUS_PENDING"),
		"end of a job":      p.SetJobStatus(p.create("other", "numpy"), "JOB_STATUS_FAILED"),
		"edit of none":      p.Edit("none", rime.Inputs{}),
		"edit to nonsense":  p.Edit("ready", rime.Inputs{PythonVersion: "2"}),
		"removal of none":   p.Remove("none"),
		"added twice":       p.Add("ready", rime.Inputs{}),
		"added nonsense":    p.Add("Ready", rime.Inputs{}),
		"parent of none":    p.SetParent("ready", "none"),
		"parent of itself":  p.SetParent("ready", "ready"),
		"added bad library": p.Add("bad", rime.Inputs{PipRequirements: []rime.Require{{Name: "a b"}}}),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func TestControl_endpoint(t *testing.T) {
	t.Parallel()
	s, p := serve(t, rime.Options{BuildTime: time.Hour})
	id := p.create("churn", "numpy")
	s.Forget()
	for _, tc := range []struct {
		method, path, body, seen string
		look                     func() any
	}{
		{http.MethodPut, "/images/churn/status", `{"status": "STATUS_X"}`, "STATUS_X", func() any { return p.image("churn")["status"] }},
		{http.MethodPut, "/jobs/" + id + "/status", `{"status": "JOB_STATUS_X"}`, "JOB_STATUS_X", func() any { return p.job(id)["status"] }},
		{http.MethodPut, "/images/churn/inputs", `{"python_version": "3.11"}`, "3.11", func() any { return p.image("churn")["pythonVersion"] }},
		{http.MethodPost, "/images", `{"name": "made", "pip_requirements": [{"name": "numpy", "version_specifier": "1"}]}`, "STATUS_READY", func() any { return p.image("made")["status"] }},
		{http.MethodPut, "/images/churn/parent", `{"name": "made"}`, "made", func() any { return at(p.image("churn"), "baseImage.name") }},
		{http.MethodDelete, "/images/made", "", "404", func() any { return fmt.Sprint(p.call(http.MethodGet, "/v1/images/made", "").status) }},
		{http.MethodPost, "/upgrade", `{"version": "9.9.9"}`, "9.9.9", func() any { return p.ok(http.MethodGet, "/v1/rime-info", "")["clusterInfoVersion"] }},
	} {
		if a := p.control(tc.method, tc.path, tc.body); a.status != http.StatusNoContent {
			t.Errorf("%s %s: %+v", tc.method, tc.path, a)
		}
		if got := tc.look(); got != tc.seen {
			t.Errorf("%s %s: %v, want %s", tc.method, tc.path, got, tc.seen)
		}
	}
	for path, body := range map[string]string{
		"/images/none/status": `{"status": "x"}`, "/images/churn/status": `{"stauts": "x"}`, "/failures/numpy": `{"failure": "bad-luck"}`,
		"/build-time": `{"build_time": "soon"}`, "/images/churn/inputs": `[`,
	} {
		if a := p.control(http.MethodPut, path, body); a.status != http.StatusBadRequest || a.object(t)["error"] == nil {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if n := s.Count("", "/control/"); n != 0 {
		t.Errorf("%d control requests passed the gate", n)
	}
}

// control calls the control endpoint, which needs no key.
func (p *platform) control(method, path, body string) answer {
	p.t.Helper()
	return p.as("").call(method, "/control/rime"+path, body)
}

func TestControl_endpointForBuilds(t *testing.T) {
	t.Parallel()
	_, p := serve(t, rime.Options{BuildTime: time.Hour, ImageLag: time.Millisecond})
	if a := p.control(http.MethodPut, "/build-time", `{"build_time": "10ms"}`); a.status != http.StatusNoContent {
		t.Errorf("%+v", a)
	}
	build := func(name string) any {
		t.Helper()
		id := p.create(name, "numpy")
		for deadline := time.Now().Add(30 * time.Minute); p.job(id)["completionTime"] == nil && time.Now().Before(deadline); {
			continue
		}
		return p.job(id)["status"]
	}
	if a := p.control(http.MethodPut, "/failures/numpy", `{"failure": "out_of_memory"}`); a.status != http.StatusNoContent {
		t.Errorf("%+v", a)
	}
	if got := build("first"); got != "JOB_STATUS_FAILED" {
		t.Errorf("job %v", got)
	}
	if a := p.control(http.MethodDelete, "/failures/numpy", ""); a.status != http.StatusNoContent {
		t.Errorf("%+v", a)
	}
	if got := build("second"); got != "JOB_STATUS_SUCCEEDED" {
		t.Errorf("job %v", got)
	}
}

func TestPreload(t *testing.T) {
	t.Parallel()
	all := func(seed uint64) []map[string]any {
		p := start(t, rime.Options{HideSystemImages: true, MaxPageSize: 1000, Preload: rime.Preload{Images: 60, Pattern: "team-%03d", Seed: seed}})
		var images []map[string]any
		for _, name := range p.ImageNames() {
			images = append(images, p.image(name))
		}
		return images
	}
	first, again, other := all(1), all(1), all(2)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same seed, and yet (-first +again)\n%s", diff)
	}
	if cmp.Equal(first, other) {
		t.Error("another seed, and the same images")
	}
	pythons := map[any]int{}
	for i, image := range first {
		pythons[image["pythonVersion"]]++
		if image["name"] != fmt.Sprintf("team-%03d", i) || image["status"] != "STATUS_READY" || len(names(image["pipRequirements"])) == 0 ||
			len(names(image["pipLibraries"])) == 0 || image["rimeTag"] != "2.13.2" || image["roleType"] != "ROLE_TYPE_USER_DEFINED" {
			t.Errorf("image %d: %v", i, image)
		}
	}
	if len(pythons) != 4 {
		t.Errorf("Python versions: %v", pythons)
	}
}

// The platform is used by many at once.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{HideSystemImages: true})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := fmt.Sprintf("image-%d", i)
			id := p.create(name, "numpy")
			p.pass(1)
			p.states(id, name)
			p.call(http.MethodGet, "/v1/images", "")
			if i%2 == 0 {
				p.call(http.MethodPost, "/v1/jobs/cancel/"+id, "")
			}
			_ = p.Upgrade(fmt.Sprintf("3.0.%d", i))
		})
	}
	group.Wait()
	p.pass(5000)
	for i := range 8 {
		want := "READY"
		if i%2 == 0 {
			want = "FAILED"
		}
		if got := p.upgraded(fmt.Sprintf("image-%d", i)); !strings.HasPrefix(got, want) {
			t.Errorf("image %d: %s, want %s", i, got, want)
		}
	}
}
