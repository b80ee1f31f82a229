package acctest_test

import (
	"fmt"
	"strings"
	"testing"
)

// unknowns is a configuration whose values come from a resource, so that they are known only after an apply wherever that changes.
func unknowns(value string) string {
	return fmt.Sprintf(`
resource "terraform_data" "source" {
  input = %q
}

locals {
  value = terraform_data.source.output
}

resource "rime_managed_image" "a" {
  name           = "all-${local.value}"
  python_version = local.value == "nothing" ? "3.12" : "3.11"
  pip_requirements = [
    local.value == "model" ? "tiny-${local.value}>=1,<2" : "tiny-${local.value}",
    "${length(local.value)}" == "5" ? "other-lib>=0" : "other-lib<1",
  ]
  apt_packages = [for p in [local.value] : p if p == "nothing"]
  triggers             = { value = local.value }
  timeouts             = { create = "${length(local.value)}h" }
}

resource "rime_managed_image" "prefixed" {
  name_prefix      = "prefixed-"
  python_version   = "3.11"
  pip_requirements = toset([for name in [local.value] : "tiny-${name}>=1,<2"])
}

resource "rime_managed_image" "set" {
  name             = "set"
  python_version   = "3.11"
  pip_requirements = local.value == "nothing" ? [] : ["tiny-model>=1,<2"]
}
`, value)
}

func unknownValues(t *testing.T, w *world) {
	w.Write("main.tf", unknowns("model"))
	planShows(t, w.Workspace, "+ name = (known after apply)", "+ python_version = (known after apply)", "+ pip_requirements = (known after apply)", "Plan: 4 to add")
	w.Apply()
	expectValues(t, w.Workspace, map[string]any{"name": "all-model", "python_version": "3.11", "status": "ready"})
	w.PlanIsEmpty()

	// What was known becomes unknown, and what comes of it is known only then.
	w.Edit("main.tf", `input = "model"`, `input = "MODEL"`)
	w.Edit("main.tf", "value = terraform_data.source.output", "value = lower(terraform_data.source.output)")
	before := w.version(t, "set")
	if w.inPlace() {
		planShows(t, w.Workspace, "Plan: 2 to add, 2 to change, 2 to destroy.", "rebuild_reason = (known after apply)")
		w.Apply()
		w.expectVersion(t, "set", before) // there was no change, as it turned out
	} else {
		planShows(t, w.Workspace, "Plan: 3 to add, 1 to change, 3 to destroy.") // a replacement has to be planned
		w.Apply()
	}
	w.PlanIsEmpty()

	// A value that is refused only once it is known.
	w.Edit("main.tf", `input = "MODEL"`, `input = "Not/a name"`)
	fails(t, w.Workspace, []string{"apply", "-auto-approve"}, "Error: Invalid Managed Image Name", `name = "all-not/a name" must start with a lower-case letter`,
		`Write "all-not-a-name".`, `pip_requirements: "tiny-not/a name"`)
	w.Edit("main.tf", `input = "Not/a name"`, `input = "model"`)
	w.Apply()
	w.Destroy()
	w.expectGone(t, "all-model", "set")
}

// A provider whose registry comes from another resource plans without asking it.
func unknownProvider(t *testing.T, w *world) {
	w.Edit("provider.tf", fmt.Sprintf("%q", w.address()), "terraform_data.registry.output")
	w.Write("main.tf", model)
	w.Write("registry.tf", fmt.Sprintf("resource \"terraform_data\" \"registry\" {\n  input = %q\n}\n", w.address()))
	planShows(t, w.Workspace, "Plan: 2 to add")
	w.Apply()
	w.PlanIsEmpty()

	// The same registry by another name, so that everything is unknown again.
	w.Edit("registry.tf", "127.0.0.1", "localhost")
	planned := planShows(t, w.Workspace, "Warning: Managed Image Not Refreshed", `Managed image "model" is shown as the state has it`)
	if strings.Contains(planned.Output, "rime_managed_image.a will be") {
		t.Error("an image is to be changed because its registry is not known yet")
	}
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
	w.expectGone(t, "model")
}
