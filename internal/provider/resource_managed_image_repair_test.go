package provider

import (
	"errors"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

var noSuchLibrary = &imageregistry.BuildFailure{
	Class:           imageregistry.FailureUserInput,
	Step:            "install pip requirements",
	Requirement:     "no-such-lib",
	RequirementKind: "pip",
	Message:         "ERROR: No matching distribution found for no-such-lib",
	LogTail:         []string{"Looking in indexes: https://pypi.org/simple", "ERROR: No matching distribution found for no-such-lib"},
}

const failingConfig = `
resource "rime_managed_image" "test" {
  name             = "sklearn"
  pip_requirements = ["no-such-lib"]
}`

func TestManagedImage_buildFails(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.failure = noSuchLibrary
	run(t, registry,
		resource.TestStep{
			Config:      failingConfig,
			ExpectError: words(`Managed Image Build Failed with rime_managed_image.test`),
		},
		resource.TestStep{
			PreConfig:   func() { registry.expectChanges(t, "Create sklearn") },
			Config:      failingConfig, // tainted: it is deleted and created anew
			ExpectError: words(`because of pip_requirements["no-such-lib"].`),
		},
		resource.TestStep{
			PreConfig: func() {
				registry.expectChanges(t, "Delete sklearn", "Create sklearn")
				registry.set(func(f *fakeRegistry) { f.failure = nil })()
			},
			Config:            basicConfig,
			ConfigPlanChecks:  before(expectAction(plancheck.ResourceActionDestroyBeforeCreate)),
			ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
		},
	)
}

func TestManagedImage_updateFails(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	run(t, registry,
		resource.TestStep{Config: basicConfig},
		resource.TestStep{
			PreConfig:   registry.set(func(f *fakeRegistry) { f.failure = noSuchLibrary }),
			Config:      updatedConfig,
			ExpectError: words(`Managed Image Build Failed`),
		},
		resource.TestStep{
			PreConfig: func() {
				registry.expectChanges(t, "Create sklearn", "Update sklearn")
				registry.set(func(f *fakeRegistry) { f.failure = nil })()
			},
			Config: updatedConfig,
			ConfigPlanChecks: before(
				expectAction(plancheck.ResourceActionUpdate), // not tainted: what was published before is still there
				expectPlanned("rebuild_reason", text("its last build failed: ERROR: No matching distribution found for no-such-lib")),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				expectState("status", text("ready")),
				expectState("status_reason", knownvalue.Null()),
			},
		},
	)
	registry.expectChanges(t, "Update sklearn", "Delete sklearn")
}

// drifts are the states that a registry finds an image in, with what the plan says then.
var drifts = map[string]struct {
	change func(*imageregistry.Image)
	reason string
}{
	"missing": {
		change: func(i *imageregistry.Image) {
			i.Status, i.StatusReason = imageregistry.StatusMissing, "the tag 3.11-0123456789ab is gone from the registry"
		},
		reason: "the tag 3.11-0123456789ab is gone from the registry",
	},
	"moved": {
		change: func(i *imageregistry.Image) { i.Status, i.StatusReason = imageregistry.StatusMoved, "" },
		reason: "the tag of the image refers to something else",
	},
	"failed": {
		change: func(i *imageregistry.Image) {
			i.Status, i.StatusReason = imageregistry.StatusFailed, "The process that ran the build died."
		},
		reason: "The process that ran the build died",
	},
}

func TestManagedImage_drift(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	var config string
	var plans []plancheck.PlanCheck
	var states []statecheck.StateCheck
	for name, drift := range drifts {
		config += replaced(replaced(basicConfig, `"test"`, `"`+name+`"`), `"sklearn"`, `"`+name+`"`)
		of := "rime_managed_image." + name
		plans = append(plans,
			plancheck.ExpectResourceAction(of, plancheck.ResourceActionUpdate),
			plancheck.ExpectKnownValue(of, tfjsonpath.New("rebuild_reason"), text(drift.reason)),
			plancheck.ExpectUnknownValue(of, tfjsonpath.New("image_digest")),
		)
		states = append(states, statecheck.ExpectKnownValue(of, tfjsonpath.New("status"), text("ready")))
	}
	run(t, registry,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				for name, drift := range drifts {
					registry.edit(name, drift.change)()
				}
				registry.changes()
			},
			Config: config, ConfigPlanChecks: before(plans...), ConfigStateChecks: states,
		},
		resource.TestStep{
			PreConfig: func() {
				got := registry.changes()
				slices.Sort(got)
				if want := []string{"Update failed", "Update missing", "Update moved"}; !slices.Equal(got, want) {
					t.Errorf("changes %q, want %q", got, want)
				}
			},
			Config: "# nothing is left",
		},
	)
}

func TestManagedImage_inputsEditedElsewhere(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	run(t, registry,
		resource.TestStep{Config: basicConfig},
		resource.TestStep{
			PreConfig: registry.edit("sklearn", func(i *imageregistry.Image) { i.PipRequirements = i.PipRequirements[:1] }),
			Config:    basicConfig,
			ConfigPlanChecks: before(
				expectAction(plancheck.ResourceActionUpdate),
				expectPlanned("rebuild_reason", text("pip requirements changed: + pandas")),
			),
		},
	)
	registry.expectChanges(t, "Create sklearn", "Update sklearn", "Delete sklearn")
}

func outdatedConfig(rebuild string) string {
	return `resource "rime_managed_image" "test" {
		name                  = "sklearn"
		rebuild_when_outdated = ` + rebuild + `
	}`
}

func TestManagedImage_rebuildWhenOutdated(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	run(t, registry,
		resource.TestStep{Config: outdatedConfig("false")},
		resource.TestStep{
			PreConfig: registry.edit("sklearn", func(i *imageregistry.Image) {
				i.Status, i.StatusReason = imageregistry.StatusOutdated, "python:3.11-slim has moved on"
			}),
			Config:           outdatedConfig("false"),
			ConfigPlanChecks: before(plancheck.ExpectEmptyPlan()),
			ConfigStateChecks: []statecheck.StateCheck{
				expectState("status", text("outdated")),
			},
		},
		resource.TestStep{
			Config:            outdatedConfig("true"),
			ConfigPlanChecks:  before(expectPlanned("rebuild_reason", text("python:3.11-slim has moved on"))),
			ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
		},
	)
	registry.expectChanges(t, "Create sklearn", "Rebuild sklearn", "Delete sklearn")
}

func triggeredConfig(commit string) string {
	return `resource "rime_managed_image" "test" {
		name     = "sklearn"
		triggers = { commit = "` + commit + `", always = "same" }
	}`
}

// A build that goes on when the plan is made is waited for, whoever started it.
func TestManagedImage_resume(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	run(t, registry,
		resource.TestStep{Config: outdatedConfig("false")},
		resource.TestStep{
			PreConfig: func() {
				registry.set(func(f *fakeRegistry) {
					f.endless = true
					f.build(f.images["sklearn"].Spec(), imageregistry.StatusRebuilding)
				})()
			},
			Config:             outdatedConfig("false"),
			PlanOnly:           true,
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{
			PreConfig: func() {
				registry.set(func(f *fakeRegistry) { f.endsAfter("sklearn/2", 6) })()
			},
			Config: outdatedConfig("false"),
			ConfigPlanChecks: before(
				expectAction(plancheck.ResourceActionUpdate),
				expectPlanned("rebuild_reason", text("a build that was not waited for is under way")),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				expectState("status", text("ready")),
				expectState("build", knownvalue.ObjectPartial(map[string]knownvalue.Check{"id": text("sklearn/2"), "status": text("succeeded")})),
			},
		},
	)
	registry.expectChanges(t, "Create sklearn", "Delete sklearn")
}

// A registry that rebuilds by itself, names no build and keeps a usable image has not drifted.
func TestManagedImage_rebuildingByItself(t *testing.T) {
	t.Parallel()
	registry := newFakeRegistry()
	run(t, registry,
		resource.TestStep{Config: outdatedConfig("false")},
		resource.TestStep{
			PreConfig: registry.edit("sklearn", func(i *imageregistry.Image) { i.Status, i.BuildID = imageregistry.StatusRebuilding, "" }),
			Config:    outdatedConfig("false"), PlanOnly: true,
		},
	)
}

// A registry that can only create and delete gets a replacement instead.
func TestManagedImage_withoutUpdater(t *testing.T) {
	t.Parallel()
	registry := newFakeRegistry()
	replaced := before(expectAction(plancheck.ResourceActionDestroyBeforeCreate))
	run(t, registry,
		resource.TestStep{Config: basicConfig},
		resource.TestStep{Config: updatedConfig, ConfigPlanChecks: replaced},
		resource.TestStep{
			PreConfig: registry.edit("sklearn", drifts["failed"].change),
			Config:    updatedConfig, ConfigPlanChecks: replaced,
		},
		resource.TestStep{Config: triggeredConfig("a"), ConfigPlanChecks: replaced},
		resource.TestStep{Config: triggeredConfig("b"), ConfigPlanChecks: replaced},
	)
}

// Whatever the registry answers but a confirmed absence, the image stays in the state.
func TestManagedImage_registryErrorsLeaveTheState(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	fails := func(operation string) func() {
		return registry.set(func(f *fakeRegistry) {
			clear(f.errs)
			f.errs[operation] = errors.New("GET http://registry.test/v2/: 503 Service Unavailable")
		})
	}
	run(t, registry,
		resource.TestStep{Config: basicConfig},
		resource.TestStep{PreConfig: fails("Get"), Config: basicConfig, ExpectError: words("Unable to Read Managed Image with rime_managed_image.test")},
		resource.TestStep{PreConfig: fails("Update"), Config: updatedConfig, ExpectError: words("Unable to Update Managed Image")},
		resource.TestStep{PreConfig: fails("Delete"), Config: basicConfig, Destroy: true, ExpectError: words("Unable to Delete Managed Image")},
		resource.TestStep{
			PreConfig: func() {
				registry.set(func(f *fakeRegistry) { clear(f.errs) })()
				registry.expectChanges(t, "Create sklearn", "Update sklearn", "Delete sklearn")
			},
			Config: basicConfig, PlanOnly: true,
		},
	)
}

func TestManagedImage_busy(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	run(t, registry,
		resource.TestStep{Config: basicConfig},
		resource.TestStep{
			PreConfig: registry.set(func(f *fakeRegistry) { f.errs["Update"] = imageregistry.ErrBusy }),
			Config:    updatedConfig, ExpectError: words("Managed Image Is Busy"),
		},
	)
}
