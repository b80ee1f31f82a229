package provider

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

func prefixConfig(requirement, commit string) string {
	return `
resource "rime_managed_image" "test" {
  name_prefix      = "sklearn-"
  pip_requirements = ["` + requirement + `"]
  triggers         = { commit = "` + commit + `" }
  lifecycle {
    create_before_destroy = true
  }
}`
}

func TestManagedImage_namePrefix(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	generated := knownvalue.StringRegexp(regexp.MustCompile(`^sklearn-[0-9a-f]{8}$`))
	differs := statecheck.CompareValue(differentFromBefore{})
	name := tfjsonpath.New("name")
	run(t, registry,
		resource.TestStep{
			Config:            prefixConfig("numpy", "a"),
			ConfigPlanChecks:  before(expectPlanned("name", generated)),
			ConfigStateChecks: []statecheck.StateCheck{expectState("name", generated), differs.AddStateValue(address, name)},
		},
		resource.TestStep{ // Another spelling is the same name.
			Config:   prefixConfig("NumPy", "a"),
			PlanOnly: true,
		},
		resource.TestStep{ // Other inputs are another image, which is there before the old one goes.
			Config:            prefixConfig("pandas", "a"),
			ConfigPlanChecks:  before(expectAction(plancheck.ResourceActionCreateBeforeDestroy), expectPlanned("name", generated)),
			ConfigStateChecks: []statecheck.StateCheck{differs.AddStateValue(address, name)},
		},
		resource.TestStep{ // So are other triggers.
			Config:            prefixConfig("pandas", "b"),
			ConfigPlanChecks:  before(expectAction(plancheck.ResourceActionCreateBeforeDestroy)),
			ConfigStateChecks: []statecheck.StateCheck{differs.AddStateValue(address, name)},
		},
		resource.TestStep{ // A failed build is repaired under its name.
			PreConfig: func() {
				registry.set(func(f *fakeRegistry) {
					for name := range f.images {
						f.alter(name, drifts["failed"].change)
					}
				})()
			},
			Config:           prefixConfig("pandas", "b"),
			ConfigPlanChecks: before(expectAction(plancheck.ResourceActionUpdate), expectPlanned("name", generated)),
		},
	)
}

// A name that is written out where it was generated before is the same image.
func TestManagedImage_namePrefixToName(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	config := func(which string) string {
		return `resource "rime_managed_image" "test" { ` + which + ` }`
	}
	generated := managedImageModel{}
	generated.NamePrefix = stringValue("plain-")
	name := generated.generatedName().ValueString()
	run(t, registry,
		resource.TestStep{Config: config(`name_prefix = "plain-"`)},
		resource.TestStep{Config: config(`name = "` + name + `"`), ConfigPlanChecks: before(expectAction(plancheck.ResourceActionUpdate))},
		resource.TestStep{Config: config(`name_prefix = "plain-"`), ConfigPlanChecks: before(expectAction(plancheck.ResourceActionUpdate))},
		resource.TestStep{Config: config(`name_prefix = "plain"`), ConfigPlanChecks: before(expectAction(plancheck.ResourceActionDestroyBeforeCreate))},
		resource.TestStep{Config: config(`name = "another"`), ConfigPlanChecks: before(expectAction(plancheck.ResourceActionDestroyBeforeCreate))},
	)
}

func unknownsConfig(value string) string {
	return `
resource "terraform_data" "source" {
  input = "` + value + `"
}
resource "rime_managed_image" "test" {
  name             = "from-${terraform_data.source.output}"
  python_version   = terraform_data.source.output == "one" ? "3.11" : "3.12"
  pip_requirements = [
    terraform_data.source.output == "one" ? "numpy>=1" : "numpy>=2",
    "lib-${terraform_data.source.output}",
  ]
  apt_packages = [for p in toset([terraform_data.source.output]) : "pkg-${p}"]
  triggers             = { source = terraform_data.source.output }
  deletion_policy      = terraform_data.source.output == "never" ? "retain" : "delete"
  timeouts             = { create = "${length(terraform_data.source.output)}h" }
}
resource "rime_managed_image" "prefixed" {
  name_prefix      = "prefixed-"
  pip_requirements = toset([for l in [terraform_data.source.output] : l])
}
resource "rime_managed_image" "set" {
  name             = "set"
  pip_requirements = terraform_data.source.output == "one" ? [] : ["numpy"]
}`
}

func TestManagedImage_unknownValues(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	run(t, registry,
		resource.TestStep{
			Config: unknownsConfig("one"),
			ConfigPlanChecks: before(
				plancheck.ExpectUnknownValue(address, tfjsonpath.New("name")),
				plancheck.ExpectUnknownValue("rime_managed_image.prefixed", tfjsonpath.New("name")),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				expectState("name", text("from-one")),
				statecheck.ExpectKnownValue("rime_managed_image.prefixed", tfjsonpath.New("name"), knownvalue.StringRegexp(regexp.MustCompile(`^prefixed-[0-9a-f]{8}$`))),
			},
		},
		resource.TestStep{Config: unknownsConfig("one"), PlanOnly: true},
		resource.TestStep{
			Config: unknownsConfig("two"),
			ConfigPlanChecks: before(
				expectAction(plancheck.ResourceActionDestroyBeforeCreate),
				plancheck.ExpectResourceAction("rime_managed_image.set", plancheck.ResourceActionUpdate),
				plancheck.ExpectUnknownValue("rime_managed_image.set", tfjsonpath.New("rebuild_reason")),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				expectState("python_version", text("3.12")),
				statecheck.ExpectKnownValue("rime_managed_image.set", tfjsonpath.New("rebuild_reason"), text("pip requirements changed: + numpy")),
			},
		},
		resource.TestStep{ // Not known at plan, and in the end no change: nothing is sent.
			PreConfig:        func() { registry.changes() },
			Config:           unknownsConfig("three"),
			ConfigPlanChecks: before(plancheck.ExpectResourceAction("rime_managed_image.set", plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("rime_managed_image.set", tfjsonpath.New("rebuild_reason"), text("pip requirements changed: + numpy")),
			},
		},
	)
	for _, call := range registry.changes() {
		if call == "Update set" || call == "Rebuild set" {
			t.Errorf("an image was built without a change: %s", call)
		}
	}
}

// A first build that failed is repaired under the same generated name, and the destroy of the tainted one that follows leaves it alone.
func TestManagedImage_namePrefixRepair(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.failure = noSuchLibrary
	model := managedImageModel{}
	model.NamePrefix = stringValue("sklearn-")
	model.PipRequirements = pipSet([]requirement.Pip{{Name: "numpy"}})
	model.Triggers = types.MapValueMust(types.StringType, map[string]attr.Value{"commit": types.StringValue("a")})
	name := model.generatedName().ValueString()
	run(t, registry,
		resource.TestStep{Config: prefixConfig("numpy", "a"), ExpectError: words("Managed Image Build Failed")},
		resource.TestStep{
			PreConfig: func() {
				registry.expectChanges(t, "Create "+name)
				registry.set(func(f *fakeRegistry) { f.failure = nil })()
			},
			Config: prefixConfig("numpy", "a"),
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{expectAction(plancheck.ResourceActionCreateBeforeDestroy)},
			},
			ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
		},
	)
	registry.expectChanges(t, "Update "+name, "Delete "+name)
}
