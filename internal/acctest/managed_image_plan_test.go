package acctest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// A plan has to work where nothing can be built, and must not change the registry.
func TestManagedImage_planChangesNothing(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, model)
	// From a directory whose provider has no builder, so that a plan that starts a build fails.
	planner := w.Clone()
	planner.Edit("provider.tf", workbenchtest.BuildKit(t), "unix:///nowhere/buildkitd.sock")
	copyState := func() {
		t.Helper()
		planner.CopyState(w)
		registry.Forget()
	}
	planShows(t, planner, "Plan: 1 to add")
	expectOnlyReads(t, registry)

	w.Apply()
	copyState()
	planner.PlanIsEmpty()
	expectOnlyReads(t, registry)
	planner.Edit("main.tf", ">=1,<2", ">=2")
	planShows(t, planner, "Plan: 0 to add, 1 to change")
	shows(t, planner.MustRun("plan", "-destroy"), "Plan: 0 to add, 0 to change, 1 to destroy")
	planner.MustRun("plan", "-refresh-only")
	shows(t, planner.MustRun("plan", "-replace="+address), "Plan: 1 to add, 0 to change, 1 to destroy")
	planner.MustRun("refresh")
	expectOnlyReads(t, registry)

	repositoryOf(t, registry.Host, "model").delete(text(t, w, "rime_tag"))
	registry.Forget()
	planShows(t, planner, "is gone from the registry")
	expectOnlyReads(t, registry)

	fails(t, planner, []string{"apply", "-auto-approve"}, "no BuildKit daemon answered at unix:///nowhere/buildkitd.sock") // it is really not there
}

// expectOnlyReads expects that the registry was asked, and only asked.
func expectOnlyReads(t *testing.T, registry *oci.Server) {
	t.Helper()
	requests := registry.Requests()
	if len(requests) == 0 {
		t.Error("the registry was not asked at all")
	}
	for _, request := range requests {
		if request.Method != http.MethodGet && request.Method != http.MethodHead {
			t.Errorf("a plan sent %s %s", request.Method, request.Path)
		}
	}
	registry.Forget()
}

// respellings are requirements that mean the same, each written in several ways.
var respellings = [][]string{
	{
		`"tiny-model>=1,<2"`,
		`"Tiny_Model< 2, >= 1.0"`,
		`"tiny.MODEL<2.0.0,>=1"`,
	},
	{
		`"other-lib"`,
		`"OTHER--lib"`,
		`"Other_Lib"`,
	},
	{
		`"needs-other==1.0"`,
		`"needs_other==1.0"`,
		`"Needs.Other == 1.0.0 "`,
	},
}

func spelling(t *testing.T, w *world) {
	config := func(requirements ...string) string {
		return fmt.Sprintf(`
resource "rime_managed_image" "a" {
  name             = "spelling"
  python_version   = "3.11"
  pip_requirements = [%s]
}
`, strings.Join(requirements, ", "))
	}
	w.Write("main.tf", config(respellings[0][0], respellings[1][0], respellings[2][0]))
	w.Apply()
	w.Forget()
	elsewhere := w.Clone()
	for range 3 {
		var spelled []string
		for _, ways := range respellings {
			// Some are written twice.
			for range 1 + rand.IntN(2) {
				spelled = append(spelled, ways[rand.IntN(len(ways))])
			}
		}
		rand.Shuffle(len(spelled), func(i, j int) { spelled[i], spelled[j] = spelled[j], spelled[i] })
		elsewhere.Write("main.tf", config(spelled...))
		elsewhere.PlanIsEmpty()
	}
	shows(t, elsewhere.Apply(), "Resources: 0 added, 0 changed, 0 destroyed.")
	w.expectOnlyReads(t)
}

// Every plan asks the registry, so what it asks is bounded.
func TestManagedImage_planRequests(t *testing.T) {
	t.Parallel()
	const images = 3
	registry, w := setup(t, fmt.Sprintf(`
resource "rime_managed_image" "a" {
  count            = %d
  name             = "model-${count.index}"
  python_version   = "3.11"
  pip_requirements = ["tiny-model>=1,<2"]
}
`, images))
	w.Apply()
	registry.Forget()
	w.PlanIsEmpty()
	// The record and the tag of each; whether this is a registry is asked once, or by several side by side.
	if sent := len(registry.Requests()) - registry.Count("GET", "^/v2/$"); sent != 2*images {
		t.Errorf("a plan of %d images sent %d requests", images, sent)
	}
}

func TestManagedImage_invalid(t *testing.T) {
	t.Parallel()
	registry := acctest.StartRegistry(t, oci.Options{})
	w := acctest.NewEmbeddedWorkspace(t, registry.Host)
	w.Write("main.tf", `
resource "rime_managed_image" "number" {
  name           = "number"
  python_version = 3.10
}
resource "rime_managed_image" "name" {
  name = "My.Image"
}
resource "rime_managed_image" "both" {
  name        = "both"
  name_prefix = "both-"
}
resource "rime_managed_image" "pip" {
  name = "pip"
  pip_requirements = [
    "",
    "scipy=1.0",
    "pandas>=2,<1",
    "torch; rm -rf /",
  ]
}
resource "rime_managed_image" "twice" {
  name             = "twice"
  pip_requirements = ["tiny-model>=1", "Tiny_Model<1"]
}
resource "rime_managed_image" "package" {
  name         = "package"
  apt_packages = ["libgomp1", "vim=>=9"]
}
resource "rime_managed_image" "timeout" {
  name     = "timeout"
  timeouts = { create = "90" }
}
`)
	fails(t, w, []string{"plan"},
		`python_version = "3.1" is not a Python version this provider knows; 3.10 without quotes is a number and loses its last zero. Write "3.10", in quotes.`,
		`name = "My.Image" must start with a lower-case letter`, `Write "my-image".`,
		"The image has `name = \"both\"` and `name_prefix = \"both-\"`, but it can have only one name.",
		`pip_requirements: "" is empty. Write a name and comparisons, for example "numpy>=1.26,<2".`,
		`pip_requirements: "scipy=1.0" cannot be used: "=" is not an operator of PEP 440. Write "scipy==1.0".`,
		`pip_requirements: "pandas>=2,<1" can be met by no version: ">=2" and "<1" exclude each other.`,
		`pip_requirements: "torch; rm -rf /" cannot be used: "-rf" is an option of pip`, `"; rm" begins a second requirement`,
		`pip_requirements: "tiny-model>=1,<1" can be met by no version: ">=1" and "<1" exclude each other.`,
		`apt_packages: "vim=>=9" cannot be used: "=>=9" makes a range`, `Write "vim=9" to get exactly that version`,
		`timeouts["create"] = "90" must be a positive number with a unit. Write "90s" for seconds or "90m" for minutes.`,
	)
	w.Write("main.tf", "resource \"rime_managed_image\" \"old\" {\n  name           = \"old\"\n  python_version = \"3.9\"\n}\n")
	fails(t, w, []string{"plan"}, "Error: Unsupported Python Version", `python_version = "3.9", but the provider has no base image with that Python.`,
		"Use one of 3.11, or add \"3.9\" to `embedded_registry.base_images` of the provider.")
	if requests := registry.Requests(); len(requests) > 0 {
		t.Errorf("a configuration that cannot work reached the registry: %v", requests)
	}
}
