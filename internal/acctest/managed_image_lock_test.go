package acctest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// lockWorld is an embedded registry on an index of its own, which a test can change.
func lockWorld(t *testing.T, packages ...pypi.Package) (*acctest.Workspace, *pypi.Index, *oci.Server) {
	t.Helper()
	index := pypi.New(packages...)
	address, stop := workbenchtest.Serve(index)
	t.Cleanup(stop)
	registry := acctest.StartRegistry(t, oci.Options{})
	w := acctest.Embedded{Registry: registry.Host, Index: address + "/simple/"}.NewWorkspace(t)
	return w, index, registry
}

// TestManagedImage_lock follows a lock through the life of an image: the plan names every version, an upstream release changes
// nothing, a new requirement moves nothing else, and a rebuild shows what moves before it does.
func TestManagedImage_lock(t *testing.T) {
	t.Parallel()
	app := func(versions ...string) pypi.Package {
		p := pypi.Package{Name: "app"}
		for _, v := range versions {
			p.Releases = append(p.Releases, pypi.Release{Version: v, Requires: []string{"lib>=1"}})
		}
		return p
	}
	w, index, _ := lockWorld(t, app("1.0"), pypi.Simple("lib", "1.0", "1.1"), pypi.Simple("other", "3.0"))
	w.Write("main.tf", `
resource "rime_managed_image" "a" {
  name             = "locked"
  python_version   = "3.11"
  pip_requirements = ["app"]
}
output "libraries" { value = rime_managed_image.a.pip_libraries }
`)
	plan := w.MustRun("plan", "-no-color")
	for _, want := range []string{`+ "app" = "1.0"`, `+ "lib" = "1.1"`, `name = "lib-1.1-py3-none-any.whl"`, "hashes = { sha256 ="} {
		if !strings.Contains(strings.Join(strings.Fields(plan.Output), " "), want) {
			t.Errorf("the plan does not show %s:\n%s", want, plan.Output)
		}
	}
	w.Apply()
	index.Replace(app("1.0", "2.0"), pypi.Simple("lib", "1.0", "1.1", "1.2"))
	w.PlanIsEmpty()
	shows(t, w.MustRun("plan", "-no-color", "-replace=rime_managed_image.a"), `~ "app" = "1.0" -> "2.0"`, `~ "lib" = "1.1" -> "1.2"`)
	w.Edit("main.tf", `["app"]`, `["app", "other"]`)
	w.Apply()
	shows(t, w.MustRun("output"), `"app" = "1.0"`, `"lib" = "1.1"`, `"other" = "3.0"`)
	w.Edit("main.tf", `name `, "triggers = { week = 1 }\n  name ")
	shows(t, w.MustRun("plan", "-no-color"), `~ "app" = "1.0" -> "2.0"`, `~ "lib" = "1.1" -> "1.2"`, "pip libraries change: ~ app 1.0 -> 2.0, ~ lib 1.1 -> 1.2")
	w.Apply()
	w.PlanIsEmpty()
	index.Replace(pypi.Simple("lib", "1.0", "1.1", "1.2", "1.3"))
	w.PlanIsEmpty()
	w.Edit("main.tf", `name `, "pip_upgrade = \"always\"\n  name ")
	shows(t, w.MustRun("plan", "-no-color"), `~ "lib" = "1.2" -> "1.3"`)
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
}

// TestManagedImage_lockWithdrawn has the index lose a package that an image needs, which moves with every plan: the image stays as it
// is, and can be destroyed.
func TestManagedImage_lockWithdrawn(t *testing.T) {
	t.Parallel()
	w, index, _ := lockWorld(t, pypi.Simple("app", "1.0"))
	w.Write("main.tf", imageWith("model", `pip_upgrade = "always"`, "app"))
	w.Apply()
	index.Replace(pypi.Package{Name: "app"})
	w.PlanIsEmpty()
	shows(t, w.MustRun("plan"), "Newer Versions Not Checked", `managed image "model"`, "You require app")
	w.Destroy()
}

// TestManagedImage_lockTampered replaces a file on the index between plan and apply: the apply refuses it by its hash.
func TestManagedImage_lockTampered(t *testing.T) {
	t.Parallel()
	w, index, _ := lockWorld(t, pypi.Simple("victim", "1.0"))
	w.Write("main.tf", imageOf("model", "victim"))
	w.MustRun("plan", "-out=saved.tfplan")
	index.Replace(pypi.Package{Name: "victim", Releases: []pypi.Release{{Version: "1.0", PayloadBytes: 10}}})
	fails(t, w, []string{"apply", "saved.tfplan"}, `pip_requirements["victim"]`, "the file of victim on the package index is not the one that was locked: Expected sha256",
		"Class: integrity", "Somebody has replaced or removed the file")
	// The repair of a create that failed plans anew.
	w.Apply()
	w.PlanIsEmpty()
	w.Edit("main.tf", `"victim"`, `"victim", "other"`)
	index.Replace(pypi.Simple("other", "1.0"))
	w.MustRun("plan", "-out=saved.tfplan")
	index.Replace(pypi.Simple("other", "2.0"))
	fails(t, w, []string{"apply", "saved.tfplan"}, `pip_requirements["other"]`, "does not have other 1.0 any more, which was locked", "Class: integrity")
	w.Apply()
	w.PlanIsEmpty()
	// A plan that keeps versions does not take another file for the same one; a rebuild does.
	index.Replace(pypi.Package{Name: "victim", Releases: []pypi.Release{{Version: "1.0", PayloadBytes: 20}}})
	index.Replace(pypi.Simple("third", "1.0"))
	w.Edit("main.tf", `"other"`, `"other", "third"`)
	fails(t, w, []string{"plan"}, "Locked File Was Replaced", "victim-1.0-py3-none-any.whl", "SHA-256, locked: ", "-replace")
	w.Edit("main.tf", `name `, "triggers = { week = 1 }\n  name ")
	w.Apply()
	w.PlanIsEmpty()
}

// TestManagedImage_lockSaved has the index move on between a plan that is saved and its apply, and between an image and the one
// of another name that replaces it: what was planned is installed, and what need not move stays.
func TestManagedImage_lockSaved(t *testing.T) {
	t.Parallel()
	w, index, _ := lockWorld(t, pypi.Simple("app", "1.0"), pypi.Simple("other", "3.0"))
	config := func(requirements string) string {
		return `
resource "rime_managed_image" "a" {
  name_prefix      = "saved-"
  python_version   = "3.11"
  pip_requirements = [` + requirements + `]
  lifecycle { create_before_destroy = true }
}
output "libraries" { value = rime_managed_image.a.pip_libraries }
`
	}
	w.Write("main.tf", config(`"app"`))
	w.MustRun("plan", "-out=saved.tfplan")
	index.Replace(pypi.Simple("app", "1.0", "2.0"))
	w.MustRun("apply", "saved.tfplan")
	shows(t, w.MustRun("output"), `"app" = "1.0"`)
	w.PlanIsEmpty()
	w.Write("main.tf", config(`"app", "other"`))
	w.Apply()
	shows(t, w.MustRun("output"), `"app" = "1.0"`, `"other" = "3.0"`)
	w.PlanIsEmpty()
	w.Destroy()
}

// TestManagedImage_lockFile installs what the lock of one image says as another image, from its pylock.toml and from a
// requirements file with its hashes, although the index has moved on; and refuses what does not fit before anything is built.
func TestManagedImage_lockFile(t *testing.T) {
	t.Parallel()
	app := pypi.Package{Name: "app", Releases: []pypi.Release{{Version: "1.0", Requires: []string{"lib"}}}}
	w, index, _ := lockWorld(t, app, pypi.Simple("lib", "1.0"))
	w.Write("main.tf", `
resource "rime_managed_image" "source" {
  name             = "source"
  python_version   = "3.11"
  pip_requirements = ["app"]
}
output "pylock" { value = rime_managed_image.source.pylock }
`)
	w.Apply()
	lock := w.Values("rime_managed_image.source")["pylock"].(string)
	hashes := regexp.MustCompile(`name = "(\w+)-([\d.]+)[^\n]*sha256 = "(\w+)"`).FindAllStringSubmatch(lock, -1)
	var pinned strings.Builder
	for _, m := range hashes {
		fmt.Fprintf(&pinned, "%s==%s --hash=sha256:%s\n", m[1], m[2], m[3])
	}
	w.Write("requirements.txt", pinned.String())
	w.Write("pylock.toml", lock)
	index.Replace(pypi.Simple("lib", "1.0", "2.0"))
	w.Write("copies.tf", `
resource "rime_managed_image" "copy" {
  for_each       = toset(["pylock.toml", "requirements.txt"])
  name           = replace(split(".", each.key)[0], "_", "-")
  python_version = "3.11"
  pip_lock_file  = file(each.key)
}
output "libraries" { value = [for copy in rime_managed_image.copy : copy.pip_libraries["lib"]] }
`)
	shows(t, w.Apply(), `"1.0", "1.0",`)
	w.PlanIsEmpty()

	for _, c := range []struct{ text, says string }{
		{"lib==1.0\n", "hash"},
		{"lib==1.0 --hash=sha256:" + strings.Repeat("0", 64) + "\n", "no package index has a file of lib 1.0 with a hash of the lock"},
		{strings.Replace(lock, `3.11.2`, `3.12.2`, 1), "the lock is for other environments than the image"},
	} {
		w.Write("requirements.txt", c.text)
		fails(t, w, []string{"plan"}, c.says)
	}
	w.Write("requirements.txt", pinned.String())
	w.Write("copies.tf", `
resource "rime_managed_image" "copy" {
  name             = "both"
  pip_lock_file    = file("pylock.toml")
  pip_requirements = ["lib"]
}
`)
	fails(t, w, []string{"plan"}, "Lock File and Requirements", "Remove one of them")
}

// TestPipResolution tells what requirements come to without building anything.
func TestPipResolution(t *testing.T) {
	t.Parallel()
	w, _, registry := lockWorld(t, pypi.Package{Name: "app", Releases: []pypi.Release{{Version: "1.0", Requires: []string{"lib", "old"}}}},
		pypi.Simple("lib", "1.0", "2.0"), acctest.Source("old", pypi.Source{}))
	w.Write("main.tf", `
data "rime_pip_resolution" "a" {
  pip_requirements = ["app"]
  pip_constraints  = ["lib<2"]
}
output "all" { value = data.rime_pip_resolution.a }
`)
	shows(t, w.Apply(), `"app" = "1.0"`, `"lib" = "1.0"`, `"old" = "1.0"`, `name = "lib-1.0-py3-none-any.whl"`, "built_from_source", `"pip" = `)
	expectOnlyReads(t, registry)
	w.Edit("main.tf", `["app"]`, `["app", "lib>=2"]`)
	fails(t, w, []string{"plan"}, "No Versions Meet the Requirements", "lib")
}

// TestManagedImage_lockErrors has plans find what a build would have found: each error is on its attribute, says who requires
// what, and what to do. Nothing is built, and nothing is written.
func TestManagedImage_lockErrors(t *testing.T) {
	t.Parallel()
	needs := func(name, required string) pypi.Package {
		return pypi.Package{Name: name, Releases: []pypi.Release{{Version: "1.0", Requires: []string{required}}}}
	}
	w, _, registry := lockWorld(t, pypi.Simple("tiny-model", "1.0", "1.1", "2.0"), pypi.Simple("other-lib", "0.9", "1.0"),
		needs("needs-other", "other-lib>=1.0"), needs("needs-old-other", "other-lib<1.0"),
		pypi.Package{Name: "windows-only", Releases: []pypi.Release{{Version: "1.0", Tag: "cp311-cp311-win_amd64"}}},
		pypi.Package{Name: "newer-python", Releases: []pypi.Release{{Version: "1.0", RequiresPython: ">=3.12"}}})
	cases := map[string]struct {
		requirements []string
		says         []string
	}{
		"conflict": {[]string{"needs-other", "needs-old-other"}, []string{
			"No version of other-lib meets all that is required of it", "needs-old-other 1.0 requires other-lib<1.", "needs-other 1.0 requires other-lib>=1.",
		}},
		"typo":     {[]string{"tiny-model", "tiny-modell"}, []string{`No package index has "tiny-modell"`, "Did you mean tiny-model?"}},
		"version":  {[]string{"tiny-model>=99"}, []string{"You require tiny-model>=99", "2.0"}},
		"platform": {[]string{"windows-only"}, []string{"No version of windows-only can be installed with Python 3.11", "another platform"}},
		"python":   {[]string{"newer-python"}, []string{"No version of newer-python can be installed with Python 3.11", "Python"}},
	}
	var config strings.Builder
	for name, c := range cases {
		config.WriteString(imageOf(name, c.requirements...))
	}
	w.Write("main.tf", config.String())
	errors := errorsOf(fails(t, w, []string{"plan"}))
	for name, c := range cases {
		shows(t, errors[name], append(c.says, "No Versions Meet the Requirements", "pip_requirements")...)
	}
	expectOnlyReads(t, registry)
}

// TestManagedImage_lockIndex has an index refuse the credentials, and be down.
func TestManagedImage_lockIndex(t *testing.T) {
	t.Parallel()
	right, wrong := secret{"reader", "c4nary-right"}, secret{"reader", "c4nary-wrong"}
	private := privateIndex(t, right, pypi.Simple("tiny-model", "1.0"))
	registry := acctest.StartRegistry(t, oci.Options{})
	configured := func(index string) *acctest.Workspace {
		w := acctest.Embedded{Registry: registry.Host, Index: index, Others: []string{"http = { max_retries = 0 }"}}.NewWorkspace(t)
		w.Write("main.tf", imageOf("model", "tiny-model"))
		return w
	}
	refused := strings.Replace(private, url.UserPassword(right.user, right.password).String(), url.UserPassword(wrong.user, wrong.password).String(), 1)
	r := fails(t, configured(refused), []string{"plan"}, "Unable to Read Package Index", "401 Unauthorized", "Check the credentials of that index")
	if strings.Contains(r.Output, wrong.password) || strings.Contains(r.Output, pathToken.password) {
		t.Errorf("a secret is shown: %s", r.Output)
	}
	busy, stop := workbenchtest.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "maintenance", http.StatusServiceUnavailable)
	}))
	t.Cleanup(stop)
	for index, says := range map[string]string{"http://127.0.0.1:1/simple/": "connection refused", busy + "/simple/": "503 Service Unavailable (maintenance)"} {
		fails(t, configured(index), []string{"plan"}, "Unable to Read Package Index", says, "plan again later", "pip_requirements")
	}
	down := configured("http://127.0.0.1:1/simple/")
	down.Write("main.tf", `resource "terraform_data" "later" { input = "tiny-model" }`+"\n"+
		strings.Replace(imageOf("model", "tiny-model"), `"tiny-model"`, "terraform_data.later.output", 1))
	down.MustRun("plan")
	fails(t, down, []string{"apply", "-auto-approve"}, "connection refused", "Unable to Read Package Index")
	if _, there := down.Image("model"); there {
		t.Error("an image that could not be locked is in the state")
	}
}
