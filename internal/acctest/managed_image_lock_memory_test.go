package acctest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// app is an image with the package app, of which a test publishes versions.
const app = `
resource "rime_managed_image" "a" {
  name             = "remembered"
  python_version   = "3.11"
  pip_requirements = ["app"]
}
output "libraries" { value = rime_managed_image.a.pip_libraries }
`

// TestManagedImage_lockSavedInTurn saves two plans, between which the index moves on, and applies the first: the second look
// has no say in it.
func TestManagedImage_lockSavedInTurn(t *testing.T) {
	t.Parallel()
	w, index, _ := lockWorld(t, pypi.Simple("app", "1.0"))
	w.Write("main.tf", app)
	w.MustRun("plan", "-out=first.tfplan")
	index.Replace(pypi.Simple("app", "1.0", "2.0"))
	w.MustRun("plan", "-out=second.tfplan")
	w.MustRun("plan")
	w.MustRun("apply", "first.tfplan")
	shows(t, w.MustRun("output"), `"app" = "1.0"`)
	fails(t, w, []string{"apply", "second.tfplan"}, "Saved plan is stale")
	w.Destroy()
}

// TestManagedImage_lockAdopted has somebody else make the image between a plan and its apply, which takes it over and makes it
// what was planned.
func TestManagedImage_lockAdopted(t *testing.T) {
	t.Parallel()
	w, index, _ := lockWorld(t, pypi.Simple("app", "1.0"))
	w.Write("main.tf", app)
	w.Edit("main.tf", "name ", "adopt_existing = true\n  name ")
	elsewhere := w.Clone()
	w.MustRun("plan", "-out=saved.tfplan")
	index.Replace(pypi.Simple("app", "1.0", "2.0"))
	elsewhere.Apply()
	w.MustRun("apply", "saved.tfplan")
	shows(t, w.MustRun("output"), `"app" = "1.0"`)
	w.PlanIsEmpty()
	if err := os.Remove(filepath.Join(elsewhere.Dir, "terraform.tfstate")); err != nil {
		t.Fatal(err)
	}
	shows(t, elsewhere.Apply(), `"app" = "1.0"`)
	elsewhere.PlanIsEmpty()
	w.Destroy()
}

// TestManagedImage_lockUnknownTrigger plans without knowing the trigger: what an older plan found is not what is applied.
func TestManagedImage_lockUnknownTrigger(t *testing.T) {
	t.Parallel()
	w, index, _ := lockWorld(t, pypi.Simple("app", "1.0"))
	w.Write("main.tf", app+`resource "terraform_data" "week" { input = "1" }`)
	w.Edit("main.tf", "name ", "triggers = { week = terraform_data.week.output }\n  name ")
	w.Apply()
	index.Replace(pypi.Simple("app", "1.0", "2.0"))
	w.Edit("main.tf", `input = "1"`, `input = "2"`)
	w.MustRun("plan", "-out=saved.tfplan")
	w.MustRun("apply", "saved.tfplan")
	shows(t, w.MustRun("output"), `"app" = "2.0"`)
	w.PlanIsEmpty()
	w.Destroy()
}

// TestManagedImage_lockPrefix has triggers name another image, which has fresh packages, as an image that keeps its name has; with
// a trigger that is known, and with one that is not before the apply.
func TestManagedImage_lockPrefix(t *testing.T) {
	t.Parallel()
	w, index, _ := lockWorld(t, pypi.Simple("app", "1.0"))
	w.Write("main.tf", `
resource "rime_managed_image" "a" {
  name_prefix      = "by-week-"
  python_version   = "3.11"
  pip_requirements = ["app"]
  triggers         = { week = "1" }
  lifecycle { create_before_destroy = true }
}
resource "terraform_data" "week" { input = "3" }
output "libraries" { value = rime_managed_image.a.pip_libraries }
`)
	w.Apply()
	index.Replace(pypi.Simple("app", "1.0", "2.0"))
	w.Edit("main.tf", `week = "1"`, `week = "2"`)
	shows(t, w.MustRun("plan", "-no-color"), `~ "app" = "1.0" -> "2.0"`)
	w.Apply()
	index.Replace(pypi.Simple("app", "1.0", "2.0", "3.0"))
	w.Edit("main.tf", `week = "2"`, `week = terraform_data.week.output`)
	w.Edit("main.tf", `input = "3"`, `input = "4"`)
	w.Apply()
	shows(t, w.MustRun("output"), `"app" = "3.0"`)
	w.PlanIsEmpty()
	w.Destroy()
}

// TestManagedImage_lockElsewhere applies a saved plan on another machine, which has the configuration and that file and nothing
// else, after the index has moved on.
func TestManagedImage_lockElsewhere(t *testing.T) {
	t.Parallel()
	w, index, _ := lockWorld(t, pypi.Simple("app", "1.0"))
	w.Write("main.tf", imageOf("model", "app"))
	w.MustRun("plan", "-out=saved.tfplan")
	index.Replace(pypi.Simple("app", "1.0", "2.0"))
	elsewhere := w.Clone()
	if err := os.RemoveAll(filepath.Join(elsewhere.Dir, ".terraform")); err != nil {
		t.Fatal(err)
	}
	elsewhere.MustRun("apply", "saved.tfplan")
	if got := elsewhere.Values("rime_managed_image.model")["pip_libraries"].(map[string]any)["app"]; got != "1.0" {
		t.Errorf("app %v was installed", got)
	}
	elsewhere.PlanIsEmpty()
	if strings.Contains(string(elsewhere.StateFile()), "planned") {
		t.Error("the state keeps what was for the apply")
	}
	elsewhere.Edit("main.tf", `"app"`, `"app>1"`)
	elsewhere.MustRun("plan", "-out=saved.tfplan")
	index.Replace(pypi.Simple("app", "1.0", "2.0", "3.0"))
	if err := os.RemoveAll(filepath.Join(elsewhere.Dir, ".terraform")); err != nil {
		t.Fatal(err)
	}
	elsewhere.MustRun("apply", "saved.tfplan")
	elsewhere.PlanIsEmpty()
	if got := elsewhere.Values("rime_managed_image.model")["pip_libraries"].(map[string]any)["app"]; got != "2.0" {
		t.Errorf("app %v was installed", got)
	}
}
