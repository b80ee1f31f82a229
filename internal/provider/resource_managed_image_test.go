package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

const address = "rime_managed_image.test"

// expectState is that attribute of the image in the state.
func expectState(attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), want)
}

// expectPlanned is that attribute of the image in the plan.
func expectPlanned(attribute string, want knownvalue.Check) plancheck.PlanCheck {
	return plancheck.ExpectKnownValue(address, tfjsonpath.New(attribute), want)
}

func expectAction(action plancheck.ResourceActionType) plancheck.PlanCheck {
	return plancheck.ExpectResourceAction(address, action)
}

func before(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

func text(value string) knownvalue.Check { return knownvalue.StringExact(value) }

const basicConfig = `
resource "rime_managed_image" "test" {
  name           = "sklearn"
  python_version = "3.11"
  pip_requirements = [
    "NumPy>= 1, < 2",
    "pandas",
  ]
  apt_packages = ["libgomp1"]
}`

// The same, spelled differently.
const basicConfigRespelled = `
resource "rime_managed_image" "test" {
  name           = "sklearn"
  python_version = "3.11"
  pip_requirements = [
    "Pandas",
    "numpy<2.0,>=1",
    "pandas",
  ]
  apt_packages = ["libgomp1"]
}`

const updatedConfig = `
resource "rime_managed_image" "test" {
  name           = "sklearn"
  python_version = "3.12"
  pip_requirements = [
    "numpy>=2",
    "scipy",
  ]
  apt_packages = ["libgomp1"]
}`

func TestManagedImage_basic(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	run(t, registry,
		resource.TestStep{
			Config: basicConfig,
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{
					expectAction(plancheck.ResourceActionCreate),
					expectPlanned("rebuild_reason", knownvalue.Null()),
					plancheck.ExpectUnknownValue(address, tfjsonpath.New("image_digest")),
				},
			},
			ConfigStateChecks: []statecheck.StateCheck{
				expectState("status", text("ready")),
				expectState("image_uri", knownvalue.StringRegexp(sha256Reference)),
				expectState("image_size_bytes", knownvalue.Int64Exact(123456)),
				expectState("deletion_policy", text("delete")),
				expectState("rebuild_reason", knownvalue.Null()),
				expectState("pip_libraries", knownvalue.MapExact(map[string]knownvalue.Check{"numpy": text("1.0"), "pandas": text("1.0"), "pip": text("24.0")})),
				expectState("build", knownvalue.ObjectPartial(map[string]knownvalue.Check{
					"status": text("succeeded"), "created_at": text("2026-01-02T03:04:05Z"), "running_time_seconds": knownvalue.Float64Exact(90), "error": knownvalue.Null(),
				})),
				expectState("base_image", knownvalue.ObjectPartial(map[string]knownvalue.Check{"name": text("python:3.11-slim"), "reference_type": text("external")})),
			},
		},
		resource.TestStep{
			Config:   basicConfigRespelled,
			PlanOnly: true,
		},
		resource.TestStep{
			Config: updatedConfig,
			ConfigPlanChecks: before(
				expectAction(plancheck.ResourceActionUpdate),
				expectPlanned("rebuild_reason", text("python version changed: 3.11 -> 3.12; pip requirements changed: + scipy, ~ numpy >=1,<2 -> >=2, - pandas")),
				expectPlanned("repo_uri", text("registry.test/ml/sklearn")),
				plancheck.ExpectUnknownValue(address, tfjsonpath.New("image_digest")),
			),
			ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready")), expectState("python_version", text("3.12"))},
		},
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateId: "sklearn", ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "name",
			ImportStateVerifyIgnore:              []string{"rebuild_reason"},
		},
	)
	registry.expectChanges(t, "Create sklearn", "Update sklearn", "Delete sklearn")
}

// The same image with settings that no registry knows.
const settingsConfig = `
resource "rime_managed_image" "test" {
  name                  = "sklearn"
  python_version        = "3.11"
  adopt_existing        = true
  deletion_policy       = "retain"
  rebuild_when_outdated = true
  pip_requirements = [
    "numpy>=1,<2",
    "pandas",
  ]
  apt_packages = ["libgomp1"]
  timeouts             = { create = "2h", delete = "1m" }
}`

func TestManagedImage_settingsOnly(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	run(t, registry,
		resource.TestStep{Config: basicConfig},
		resource.TestStep{
			PreConfig: func() { registry.expectChanges(t, "Create sklearn") },
			Config:    settingsConfig,
			ConfigPlanChecks: before(
				expectAction(plancheck.ResourceActionUpdate),
				expectPlanned("status", text("ready")),
				expectPlanned("image_uri", knownvalue.StringRegexp(sha256Reference)),
				expectPlanned("rebuild_reason", knownvalue.Null()),
			),
			ConfigStateChecks: []statecheck.StateCheck{expectState("deletion_policy", text("retain"))},
		},
		resource.TestStep{
			PreConfig: func() { registry.expectChanges(t) },
			Config:    basicConfig,
		},
	)
	registry.expectChanges(t, "Delete sklearn")
}

func TestManagedImage_goneBeforeDelete(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	run(t, registry,
		resource.TestStep{Config: basicConfig},
		resource.TestStep{
			// Refreshed as if it were there, and gone by the time of the delete.
			PreConfig: registry.set(func(f *fakeRegistry) { f.errs["Delete"] = imageregistry.ErrNotFound }),
			Config:    basicConfig, Destroy: true,
		},
		resource.TestStep{PreConfig: registry.set(func(f *fakeRegistry) { delete(f.images, "sklearn") }), Config: "# nothing is left"},
	)
}

func TestManagedImage_importThenTriggers(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.put(imageregistry.Spec{Name: "plain", PythonVersion: "3.11"}, nil)
	config := func(commit string) string {
		return `resource "rime_managed_image" "test" {
			name     = "plain"
			triggers = { commit = "` + commit + `" }
		}`
	}
	run(t, registry,
		resource.TestStep{ // No registry keeps triggers, and an import is no reason to build.
			Config: `import { 
				to = rime_managed_image.test 
				id = "plain" 
			}
			` + config("a"),
			ConfigPlanChecks: before(expectAction(plancheck.ResourceActionUpdate), expectPlanned("rebuild_reason", knownvalue.Null())),
		},
		resource.TestStep{ // From then on they do what they do.
			PreConfig:        func() { registry.expectChanges(t) },
			Config:           config("b"),
			ConfigPlanChecks: before(expectPlanned("rebuild_reason", text("triggers changed: commit"))),
		},
	)
	registry.expectChanges(t, "Rebuild plain", "Delete plain")
}
