package provider

import (
	"errors"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

var basicSpec = imageregistry.Spec{
	Name: "sklearn", PythonVersion: "3.11",
	PipRequirements:     []requirement.Pip{{Name: "pandas"}, {Name: "numpy", VersionSpecifier: "<2,>=1"}},
	PackageRequirements: []requirement.Package{{Name: "libgomp1", Type: requirement.PackageTypeApt}},
}

const adoptingConfig = `
resource "rime_managed_image" "test" {
  name           = "sklearn"
  adopt_existing = true
  pip_requirements = [
    "numpy>=1,<2",
    "pandas",
  ]
  apt_packages = ["libgomp1"]
}`

func TestManagedImage_adoptBroken(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.put(basicSpec, drifts["missing"].change)
	run(t, registry, resource.TestStep{
		Config:            adoptingConfig,
		ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
	})
	registry.expectChanges(t, "Update sklearn", "Delete sklearn")
}

// What a killed apply of ours left behind is taken over without being asked for.
func TestManagedImage_unclaimed(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.put(basicSpec, func(i *imageregistry.Image) { i.Status, i.Unclaimed = imageregistry.StatusFailed, true })
	run(t, registry, resource.TestStep{
		Config:            basicConfig,
		ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
	})
	registry.expectChanges(t, "Create sklearn", "Delete sklearn")
}

// lostAnswerError is an error that says of itself that it may pass.
type lostAnswerError struct{}

func (lostAnswerError) Error() string   { return "connection reset by peer" }
func (lostAnswerError) Transient() bool { return true }

func TestManagedImage_lostAnswer(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.afterCreate = lostAnswerError{}
	run(t, registry, resource.TestStep{
		Config:            basicConfig,
		ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
	})
	registry.expectChanges(t, "Create sklearn", "Delete sklearn")
}

func TestManagedImage_createFails(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.errs["Create"] = errors.New("PUT http://registry.test/v2/: 403 Forbidden")
	run(t, registry,
		resource.TestStep{Config: basicConfig, ExpectError: words("Unable to Create Managed Image")},
		resource.TestStep{
			PreConfig:        registry.set(func(f *fakeRegistry) { clear(f.errs) }),
			Config:           basicConfig,
			ConfigPlanChecks: before(expectAction(plancheck.ResourceActionCreate)), // nothing was created, so nothing is tainted
		},
	)
}

const impatientConfig = `
resource "rime_managed_image" "test" {
  name     = "sklearn"
  timeouts = { create = "5s" }
}`

func TestManagedImage_createTimesOut(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.endless = true
	run(t, registry,
		resource.TestStep{
			Config:      impatientConfig,
			ExpectError: words("Managed Image Build Timed Out with rime_managed_image.test"),
		},
		resource.TestStep{
			PreConfig: func() {
				registry.expectChanges(t, "Create sklearn", "CancelBuild sklearn/1")
				registry.set(func(f *fakeRegistry) { f.endless = false })()
			},
			Config:            impatientConfig,
			ConfigPlanChecks:  before(expectAction(plancheck.ResourceActionDestroyBeforeCreate)),
			ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
		},
	)
	registry.expectChanges(t, "Delete sklearn", "Create sklearn", "Delete sklearn")
}

// A build that cannot be stopped goes on: the resource is not tainted, and the next apply waits for it.
func TestManagedImage_uncancellable(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.endless, registry.uncancellable = true, true
	run(t, registry,
		resource.TestStep{
			Config: impatientConfig,
			ConfigStateChecks: []statecheck.StateCheck{
				expectState("status", text("building_first_time")),
				expectState("build", knownvalue.ObjectPartial(map[string]knownvalue.Check{"status": text("running")})),
				expectState("image_digest", knownvalue.Null()),
			},
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{
			PreConfig: func() {
				registry.expectChanges(t, "Create sklearn", "CancelBuild sklearn/1")
				registry.set(func(f *fakeRegistry) { f.endsAfter("sklearn/1", 6) })()
			},
			Config: impatientConfig,
			ConfigPlanChecks: before(
				expectAction(plancheck.ResourceActionUpdate),
				expectPlanned("rebuild_reason", text("a build that was not waited for is under way")),
			),
			ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
		},
	)
	registry.expectChanges(t, "Delete sklearn")
}

func TestManagedImage_updateTimesOut(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	withNumpy := `
resource "rime_managed_image" "test" {
  name             = "sklearn"
  pip_requirements = ["numpy"]
  timeouts         = { update = "5s" }
}`
	run(t, registry,
		resource.TestStep{Config: impatientConfig},
		resource.TestStep{
			PreConfig:   registry.set(func(f *fakeRegistry) { f.endless = true }),
			Config:      withNumpy,
			ExpectError: words("Managed Image Build Timed Out with rime_managed_image.test"),
		},
		resource.TestStep{
			PreConfig: func() {
				registry.expectChanges(t, "Create sklearn", "Update sklearn", "CancelBuild sklearn/2")
				registry.set(func(f *fakeRegistry) { f.endless = false })()
			},
			Config:           withNumpy,
			ConfigPlanChecks: before(expectPlanned("rebuild_reason", text("its last build was cancelled"))),
		},
	)
	registry.expectChanges(t, "Update sklearn", "Delete sklearn")
}

// A build that somebody else started is waited for, but not stopped.
func TestManagedImage_adoptRunning(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.endless = true
	registry.put(imageregistry.Spec{Name: "sklearn", PythonVersion: "3.11"}, nil)
	config := `
resource "rime_managed_image" "test" {
  name           = "sklearn"
  adopt_existing = true
  timeouts       = { create = "5s" }
}`
	run(t, registry,
		resource.TestStep{
			Config:             config,
			ConfigStateChecks:  []statecheck.StateCheck{expectState("status", text("building_first_time"))},
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{
			PreConfig: func() {
				registry.expectChanges(t)
				registry.set(func(f *fakeRegistry) { f.endsAfter("sklearn/1", 6) })()
			},
			Config:            config,
			ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
		},
	)
	registry.expectChanges(t, "Delete sklearn")
}
