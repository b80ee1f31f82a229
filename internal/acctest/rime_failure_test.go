package acctest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// Every way in which a build can fail on the platform is explained by its kind, and costs one apply with what was wrong put right.
func TestRIME_failedBuilds(t *testing.T) {
	t.Parallel()
	const askPlatform = "Ask those who run the platform"
	cases := map[string][]string{
		"unresolvable":  {"ResolutionImpossible", "Correct the requirements", "Class: user_input"},
		"not-found":     {`because of pip_requirements["sandbox-not-found"]`, "No matching distribution found", "Correct the requirements", "Class: user_input"},
		"out-of-memory": {"OOMKilled", "the limit is 16 GiB by default", askPlatform, "Class: out_of_memory"},
		"access-denied": {"AssumeRoleWithWebIdentity", "The fault is in the platform, not in the requirements", "rime-<namespace>", "Class: platform"},
		"deadline":      {"DeadlineExceeded", "The platform ends a build after one hour.", "Class: deadline"},
		"stuck-pending": {"ImagePullBackOff", askPlatform, "Class: base_image"},
	}
	var broken, mended strings.Builder
	for name := range cases {
		broken.WriteString(imageOf(name, "pandas", "sandbox-"+name))
		mended.WriteString(imageOf(name, "pandas"))
	}
	p := newPlatform(t, sandbox.Options{})
	p.Write("main.tf", broken.String())
	errors := errorsOf(fails(t, p.Workspace, []string{"apply", "-auto-approve"}))
	for name, says := range cases {
		shows(t, errors[name], append(says, "Managed Image Build Failed", `Building managed image "`+name+`" did not succeed`, "Managed image: "+name, "Whole log: ask the platform")...)
		image, _ := p.Image(name)
		if !image.Tainted || image.Text("status") != "failed" || image.Text("build", "status") != "failed" || image.Text("build", "error") == "" || image.Text("build", "logs_url") == "" {
			t.Errorf("the state of %s after the failure: %v", name, image)
		}
	}
	p.Write("main.tf", mended.String())
	p.Apply()
	p.PlanIsEmpty()
	p.Destroy()
	p.expectNoImages()
}

// A build that does not even begin is explained by what is known to cause that.
func TestRIME_stuck(t *testing.T) {
	t.Parallel()
	var c clock
	c.forward(-10 * time.Minute) // so that a build is ten minutes old as soon as it is there
	p := newPlatform(t, sandbox.Options{Clock: c.now, BuildTime: time.Second, Deadline: time.Hour, ImageLag: time.Millisecond})
	const settings = `timeouts = { create = "10s" }`
	p.Write("main.tf", imageWith("requested", settings, "sandbox-stuck-requested")+imageWith("pending", settings, "sandbox-stuck-pending"))
	errors := errorsOf(fails(t, p.Workspace, []string{"apply", "-auto-approve"}))
	for name, says := range map[string][]string{
		"requested": {"The build was requested 10m ago and the platform has not created its Kubernetes job yet", "look at the log of the image registry server"},
		"pending":   {"The build was created 10m ago and has not begun.", "the source image cannot be pulled", "its service account cannot take its IAM role", "kubectl describe pod"},
	} {
		shows(t, errors[name], append(says, "Managed Image Build Timed Out", `Managed image "`+name+`" was not built within 10s. The build was cancelled and has ended.`, "a longer `timeouts.create`")...)
		if builds := p.Builds(name); len(builds) != 1 || builds[0].Status != "JOB_STATUS_CANCELLED" {
			t.Errorf("the builds of %s: %v", name, builds)
		}
	}
	p.Destroy()
	p.expectNoImages()
}

// aliased is a resource or data source of a provider configuration of its own, on a platform of its own.
func aliased(t *testing.T, alias, key string, options sandbox.Options, config string) (block string, server *sandbox.Server) {
	t.Helper()
	server = acctest.StartPlatform(t, options)
	opening, rest, _ := strings.Cut(config, "{\n")
	return acctest.RIME{Endpoint: server.URL, APIKey: key, Alias: alias}.Block() + opening + "{\n  provider = rime." + alias + "\n" + rest, server
}

// What a platform refuses is told apart: each refusal has its own next step.
func TestRIME_refusals(t *testing.T) {
	t.Parallel()
	list := func(name string) string { return "data \"rime_managed_images\" \"" + name + "\" {\n}\n" }
	cases := map[string]struct {
		key     string
		options sandbox.Options
		fault   fault.Rule
		says    []string
	}{
		"expired":  {key: sandbox.KeyExpired, says: []string{"401 Unauthorized", "Make a new token in the platform's Settings under API Access Tokens", "HTTP status: 401"}},
		"viewer":   {key: sandbox.KeyViewer, says: []string{"403 Forbidden", "Use the `api_key` of a user who may create images: a Workspace Viewer may not."}},
		"disabled": {options: sandbox.Options{RegistryDisabled: true}, says: []string{"Managed Image Registry Not Found", "rime.imageRegistryServer.enabled", "cloud deployments of RIME do not support managed images"}},
		"cloud":    {options: sandbox.Options{Deployment: sandbox.Cloud}, says: []string{"Managed Image Registry Not Found", "not supported in a Cloud deployment"}},
		"taken": {
			fault: fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", Status: http.StatusConflict, JSON: json.RawMessage(`{"code":6,"message":"already exists","details":[]}`)},
			says:  []string{"Managed Image Already Exists", "terraform import rime_managed_image.NAME taken"},
		},
		"nameless": {
			fault: fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", Status: http.StatusBadRequest, JSON: json.RawMessage(`{"code":3,"message":"a platform with a rule of its own","details":[]}`)},
			says:  []string{"Unable to Create Managed Image", "a platform with a rule of its own", "Correct what the answer names and apply again."},
		},
	}
	create, read := acctest.NewWorkspace(t), acctest.NewWorkspace(t)
	var creating, reading strings.Builder
	creating.WriteString(acctest.RequiredProviders)
	reading.WriteString(acctest.RequiredProviders)
	for name, c := range cases {
		block, server := aliased(t, name, c.key, c.options, imageOf(name, "pandas"))
		creating.WriteString(block)
		if c.fault.Status != 0 {
			if err := server.SetFaults(c.fault); err != nil {
				t.Fatal(err)
			}
		}
		if name == "expired" || name == "disabled" {
			block, _ := aliased(t, name, c.key, c.options, list(name))
			reading.WriteString(block)
		}
	}
	create.Write("main.tf", creating.String())
	errors := errorsOf(fails(t, create, []string{"apply", "-auto-approve"}))
	for name, c := range cases {
		shows(t, errors[name], c.says...)
		if _, there := create.Image(name); there {
			t.Errorf("the state has the image %s", name)
		}
	}
	read.Write("main.tf", reading.String())
	errors = errorsOf(fails(t, read, []string{"plan"}))
	shows(t, errors["expired"], "Unable to List Managed Images", "Make a new token in the platform's Settings under API Access Tokens")
	shows(t, errors["disabled"], "Managed Image Registry Not Found", "rime.imageRegistryServer.enabled")
}

// An image that may not be deleted stays in the state, and the message says how to get rid of it.
func TestRIME_deleteRefused(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, sandbox.Options{})
	p.Write("provider.tf", acctest.RequiredProviders+acctest.RIME{Endpoint: p.URL}.Block()+acctest.RIME{Endpoint: p.URL, APIKey: sandbox.KeyUser, Alias: "user"}.Block())
	foreign := imageWith("foreign", "provider = rime.user", "pandas")
	p.Write("main.tf", foreign+imageOf("parent", "pandas")+imageOf("busy", "pandas"))
	p.Apply()
	p.must(p.Add("child", sandbox.Inputs{}))
	p.must(p.SetParent("child", "parent"))
	p.must(p.SetImageStatus("busy", "STATUS_REBUILDING"))

	errors := errorsOf(fails(t, p.Workspace, []string{"destroy", "-auto-approve"}))
	for name, says := range map[string][]string{
		"foreign": {"Managed Image May Not Be Deleted", "only an Organization Administrator may do that", "`deletion_policy = \"retain\"`", "HTTP status: 403"},
		"parent":  {"Managed Image Has Children", "Delete those images first.", "Children: child"},
		"busy":    {"Managed Image Is Being Built", "Wait until the build has ended", "Image status: rebuilding"},
	} {
		shows(t, errors[name], says...)
		if _, there := p.Image(name); !there {
			t.Errorf("%s has left the state", name)
		}
	}
	p.must(p.Remove("child"))
	p.must(p.SetImageStatus("busy", "STATUS_READY"))
	p.Write("main.tf", imageWith("foreign", "provider = rime.user\n  deletion_policy = \"retain\"", "pandas"))
	p.Apply()
	p.Destroy()
	if left := p.ImageNames(); len(left) != 1 || left[0] != "foreign" {
		t.Errorf("the platform has %q", left)
	}
}
