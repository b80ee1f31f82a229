package acctest_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// clock is that of a platform. It goes with the real one, and can be put forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// forward puts it forward, or back.
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// platform is a RIME platform with a workspace on it.
type platform struct {
	*sandbox.Server
	*acctest.Workspace
	t *testing.T
}

func newPlatform(t *testing.T, options sandbox.Options, settings ...string) *platform {
	t.Helper()
	server := acctest.StartPlatform(t, options)
	return &platform{server, acctest.RIME{Endpoint: server.URL, Settings: settings}.NewWorkspace(t), t}
}

// must is for what a test does to the platform.
func (p *platform) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// expectBuilds expects that an image has been built so often.
func (p *platform) expectBuilds(image string, want int) {
	p.t.Helper()
	if builds := p.Builds(image); len(builds) != want {
		p.t.Errorf("%d builds of %s, want %d: %v", len(builds), image, want, builds)
	}
}

// expectNoImages expects that the platform has no image that is not its own.
func (p *platform) expectNoImages() {
	p.t.Helper()
	if left := p.ImageNames(); len(left) > 0 {
		p.t.Errorf("the platform still has %q", left)
	}
}

// A platform cannot change an image, so every input replaces it, and so does a failure. What forces that is in the plan, which changes nothing itself.
func TestRIME_replacements(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, sandbox.Options{PythonVersions: []string{"3.9", "3.11"}})
	config := strings.Replace(model, "\"]\n", "\"]\n  rocky_linux_packages = [\"vim\"]\n", 1)
	p.Write("main.tf", config)
	p.Apply()
	w := &world{p.Workspace, rimeStand{p.Server}}
	p.Forget()
	for attribute, change := range map[string][2]string{
		"pip_requirements":     {`>=1,<2"`, `>=2"`},
		"rocky_linux_packages": {`"vim"`, `"nano"`},
		"python_version":       {`"3.11"`, `"3.9"`},
		"triggers":             {`"3.11"`, "\"3.11\"\n  triggers = { month = \"may\" }"},
	} {
		p.Write("main.tf", strings.Replace(config, change[0], change[1], 1))
		w.planChanges(t, attribute, "")
	}
	p.Write("main.tf", config)
	p.must(p.SetImageStatus("model", "STATUS_FAILED"))
	w.planChanges(t, "status", "")
	for _, args := range [][]string{{"plan", "-destroy"}, {"plan", "-refresh-only"}, {"plan", "-replace=" + address}, {"refresh"}} {
		p.MustRun(args...)
	}
	w.expectOnlyReads(t)
	p.Apply()
	p.PlanIsEmpty()
	p.expectBuilds("model", 2)
}

// A failed image can be taken over as well. The platform cannot build it again, so it is deleted and made anew.
func TestRIME_adoptFailed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, sandbox.Options{})
	p.must(p.Add("model", sandbox.Inputs{PythonVersion: "3.11", PipRequirements: []sandbox.Require{{Name: "tiny-model", VersionSpecifier: ">=1,<2"}}}))
	p.must(p.SetImageStatus("model", "STATUS_FAILED"))
	p.Write("main.tf", strings.Replace(model, `"3.11"`, "\"3.11\"\n  adopt_existing   = true", 1))
	p.Apply()
	p.expectBuilds("model", 1)
	p.PlanIsEmpty()
}

// What the platform does by itself when its version changes is no drift, at any moment of it.
func TestRIME_upgrade(t *testing.T) {
	t.Parallel()
	var c clock
	var buildTime atomic.Int64
	p := newPlatform(t, sandbox.Options{
		Version: "2.13.2", Clock: c.now, UpgradeDelay: time.Hour, Deadline: 24 * time.Hour, ImageLag: time.Millisecond,
		BuildTimeFor: func(string) time.Duration { return time.Duration(buildTime.Load()) },
	})
	p.Write("main.tf", strings.Replace(model, `"3.11"`, "\"3.11\"\n  rebuild_when_outdated = true", 1)) // which the platform does by itself
	p.Apply()
	buildTime.Store(int64(time.Hour))
	p.must(p.Upgrade("2.14.0"))
	for _, status := range []string{"outdated", "rebuilding", "ready"} {
		shows(t, p.Apply(), "Resources: 0 added, 0 changed, 0 destroyed.")
		if image, _ := p.Image("a"); image.Text("status") != status {
			t.Errorf("the status is %q, want %q", image.Text("status"), status)
		}
		c.forward(90 * time.Minute) // to the midst of the builds of the platform's own image and of this one, and then to their ends
		c.forward(map[string]time.Duration{"rebuilding": 3 * time.Hour}[status])
	}
	if image, _ := p.Image("a"); image.Text("rime_tag") != "2.14.0" || !strings.HasSuffix(image.Text("image_uri"), ":2.14.0") {
		t.Errorf("the state still has the old image: %v", image)
	}
	if posts := p.Count(http.MethodPost, "^/v1/images$"); posts != 1 {
		t.Errorf("%d images were asked for", posts)
	}
}

// The API key is in no state, no message and no log, not even where the platform quotes it.
func TestRIME_secret(t *testing.T) {
	t.Parallel()
	const key = "a-key-of-the-platform-that-nobody-may-see"
	p := newPlatform(t, sandbox.Options{Keys: []sandbox.Key{{Value: key, Role: sandbox.OrgAdmin}}})
	p.Write("provider.tf", acctest.RequiredProviders+strings.Replace(acctest.RIME{Endpoint: p.URL, APIKey: "key"}.Block(), `"key"`, "var.key", 1)+
		"variable \"key\" {\n  sensitive = true\n}\n")
	log := filepath.Join(t.TempDir(), "trace.log")
	maps.Copy(p.Env, map[string]string{"TF_VAR_key": key, "TF_LOG": "TRACE", "TF_LOG_PATH": log})
	p.Write("main.tf", model)
	outputs := p.Apply().Output
	p.must(p.SetFaults(fault.Rule{Path: "^/v1/images", Status: 400, JSON: json.RawMessage(`{"code":3,"message":"` + key + ` is not liked"}`)}))
	outputs += fails(t, p.Workspace, []string{"plan"}, "[API key] is not liked").Output
	trace, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(trace), "request to the RIME platform") {
		t.Error("the log does not show what the provider did")
	}
	for what, text := range map[string]string{"output": outputs, "log": string(trace), "state": string(p.StateFile())} {
		if i := strings.Index(text, key); i >= 0 {
			t.Errorf("the %s shows the API key: %s", what, text[max(0, i-300):i])
		}
	}
}

// Images of the platform's own are never deleted, and so not replaced.
func TestRIME_systemImage(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, sandbox.Options{})
	p.Write("main.tf", "resource \"rime_managed_image\" \"a\" {\n  name             = \"rime-base-python-3-11\"\n  pip_requirements = [\"numpy\"]\n}\n")
	p.MustRun("import", address, "rime-base-python-3-11")
	before := string(p.StateFile())
	for _, args := range [][]string{{"apply", "-auto-approve"}, {"destroy", "-auto-approve"}} {
		fails(t, p.Workspace, args, "System Image Cannot Be Deleted", `Tried to delete managed image "rime-base-python-3-11"`, "`terraform state rm`")
	}
	if image, there := p.Image("a"); !there || image.Text("role_type") != "system" {
		t.Errorf("the state was\n%s\nand is\n%s", before, p.StateFile())
	}
	if sent := p.Count(http.MethodDelete, ""); sent > 0 {
		t.Errorf("%d requests to delete were sent", sent)
	}
}

// The betas of 2.0 have their jobs elsewhere, and no error messages.
func TestRIME_beta(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, sandbox.Options{JobRoutes: sandbox.JobsBeta, Output: sandbox.Output{OmitUnpopulated: true}})
	p.Write("main.tf", imageOf("good", "pandas")+imageOf("bad", "sandbox-out-of-memory"))
	says := errorsOf(fails(t, p.Workspace, []string{"apply", "-auto-approve"}))
	shows(t, says["bad"], "OOMKILLED", "Class: out_of_memory", "more memory")
	if image, _ := p.Image("good"); image.Text("status") != "ready" || image.Text("build", "status") != "succeeded" {
		t.Errorf("the good image: %v", image)
	}
	p.Write("main.tf", imageOf("good", "pandas"))
	p.Apply()
	p.PlanIsEmpty()
	if asked := p.Count(http.MethodGet, "^/v1-beta/jobs/"); asked == 0 {
		t.Error("no build was asked for where the betas have them")
	}
}
