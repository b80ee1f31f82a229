package acctest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
)

func imported(t *testing.T, w *world) {
	w.Write("main.tf", model)
	w.Apply()
	want := w.Values(address)
	if !w.inPlace() {
		want["build"] = nil // a RIME platform tells the build of an image only to whoever asks for the image
	}

	// By command, into a directory that knows the configuration only.
	byCommand := w.workspace(t)
	byCommand.Write("main.tf", model)
	shows(t, byCommand.MustRun("import", address, "model"), "Import successful!")
	byCommand.PlanIsEmpty()
	if got := byCommand.Values(address); !sameJSON(t, got, want) {
		t.Errorf("imported %v, want %v", got, want)
	}

	// By block, into a directory that does not know even that.
	byBlock := w.workspace(t)
	byBlock.Write("import.tf", "import {\n  to = rime_managed_image.a\n  id = \"model\"\n}\n")
	shows(t, byBlock.MustRun("plan", "-generate-config-out=generated.tf"), "Plan: 1 to import, 0 to add, 0 to change, 0 to destroy.")
	generated, err := os.ReadFile(filepath.Join(byBlock.Dir, "generated.tf"))
	if err != nil {
		t.Fatal(err)
	}
	shows(t, acctest.Result{Output: string(generated)}, `name = "model"`, `python_version = "3.11"`, `"tiny-model>=1,<2"`)
	shows(t, byBlock.Apply(), "Apply complete! Resources: 1 imported, 0 added, 0 changed, 0 destroyed.")
	byBlock.PlanIsEmpty()

	byCommand.Write("b.tf", `resource "rime_managed_image" "b" { name = "nowhere" }`)
	fails(t, byCommand, []string{"import", "rime_managed_image.b", "nowhere"}, "Error: Cannot import non-existent remote object")
	fails(t, byCommand, []string{"import", "rime_managed_image.b", "Model"}, "Error: Invalid Managed Image Name", `Write "model".`)
	byCommand.Write("b.tf", "")
	byCommand.Destroy()
	w.expectGone(t, "model")
}

func sameJSON(t *testing.T, a, b any) bool {
	t.Helper()
	one, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(one) == string(other)
}

func adoptExisting(t *testing.T, w *world) {
	w.Write("main.tf", model)
	w.Apply()
	version := w.version(t, "model")

	second := w.workspace(t)
	second.Write("main.tf", model)
	fails(t, second, []string{"apply", "-auto-approve"}, "Error: Managed Image Already Exists",
		"`adopt_existing = true`", "terraform import rime_managed_image.NAME model", `import { to = rime_managed_image.NAME id = "model" }`)

	second.Edit("main.tf", `"3.11"`, "\"3.11\"\n  adopt_existing = true")
	second.Edit("main.tf", ">=1,<2", ">=2")
	fails(t, second, []string{"apply", "-auto-approve"}, "Error: Managed Image Has Other Inputs", "pip requirements changed: ~ tiny-model >=1,<2 -> >=2",
		"import the image with `terraform import rime_managed_image.NAME model` and let the next apply change it.")
	if second.Values(address) != nil {
		t.Error("an image that was refused is in the state")
	}

	second.Edit("main.tf", `"tiny-model>=2"`, `"Tiny_Model < 2, >= 1.0"`)
	second.Apply()
	w.expectVersion(t, "model", version)
	second.PlanIsEmpty()
	second.Destroy()
	w.expectGone(t, "model")
}

// An image that a state has is nobody else's, in the same directory either: neither a second resource of that name nor another workspace of
// Terraform takes it over.
func takenName(t *testing.T, w *world) {
	w.Write("main.tf", model)
	w.Apply()
	version := w.version(t, "model")
	w.Write("second.tf", strings.ReplaceAll(strings.ReplaceAll(model, `"a"`, `"b"`), ">=1,<2", ">=2"))
	fails(t, w.Workspace, []string{"apply", "-auto-approve"}, "Error: Managed Image Name Taken Twice", `Two resources of this configuration have a managed image of the name "model"`)
	w.Write("second.tf", "")
	w.MustRun("workspace", "new", "staging")
	fails(t, w.Workspace, []string{"apply", "-auto-approve"}, "Error: Managed Image Already Exists with rime_managed_image.a,")
	w.MustRun("workspace", "select", "default")
	w.PlanIsEmpty()
	w.expectVersion(t, "model", version)

	// A replacement that is to come first finds its own name taken, and must not take the old image for the new one.
	w.Edit("main.tf", `name             = "model"`, "name = \"model\"\n  lifecycle {\n    create_before_destroy = true\n  }")
	fails(t, w.Workspace, []string{"apply", "-auto-approve", "-replace=" + address}, "Error: Managed Image Already Exists")
	w.PlanIsEmpty()
	w.expectVersion(t, "model", version)
	w.Destroy()
	w.expectGone(t, "model")
}

func retain(t *testing.T, w *world) {
	w.Write("main.tf", model)
	w.Edit("main.tf", `"3.11"`, "\"3.11\"\n  deletion_policy = \"retain\"")
	w.Apply()
	version := w.version(t, "model")
	w.Forget()
	w.Destroy()
	w.expectOnlyReads(t)
	w.expectVersion(t, "model", version)
	// The same directory may come back to it, if it says so.
	fails(t, w.Workspace, []string{"apply", "-auto-approve"}, "Error: Managed Image Already Exists")
	w.Edit("main.tf", `"3.11"`, "\"3.11\"\n  adopt_existing = true")
	w.Apply()
	w.PlanIsEmpty()
}

func triggers(t *testing.T, w *world) {
	w.Write("main.tf", model)
	w.Edit("main.tf", `"3.11"`, "\"3.11\"\n  triggers = { month = \"may\" }\n  timeouts = { create = \"20m\", read = \"1m\", update = \"20m\", delete = \"1m\" }")
	w.Apply()
	w.PlanIsEmpty()
	first := w.version(t, "model")
	w.Edit("main.tf", "may", "june")
	w.planChanges(t, "triggers", "triggers changed: month")
	w.MustRun("apply", planned) // as pipelines do
	if w.version(t, "model") == first {
		t.Error("triggers that changed built nothing")
	}
	w.PlanIsEmpty()
	w.Destroy()
	w.expectGone(t, "model")
}

func namePrefix(t *testing.T, w *world) {
	w.Write("main.tf", model)
	w.Edit("main.tf", `name             = "model"`, "name_prefix = \"model-\"\n  lifecycle {\n    create_before_destroy = true\n  }")
	w.Apply()
	first := text(t, w.Workspace, "name")
	if !regexp.MustCompile(`^model-[0-9a-f]{8}$`).MatchString(first) {
		t.Errorf("the name is %q", first)
	}
	w.PlanIsEmpty()
	w.Edit("main.tf", ">=1,<2", ">=2")
	planShows(t, w.Workspace, "rime_managed_image.a must be replaced", "create replacement and then destroy", `~ name = "`+first+`" -> "model-`)
	w.Forget()
	w.Apply()
	second := text(t, w.Workspace, "name")
	if second == first {
		t.Fatalf("other inputs have the same name %q", second)
	}
	published, deleted := -1, -1
	for i, request := range w.Requests() {
		if w.publishes(request, second) {
			published = i
		}
		if deleted < 0 && w.deletes(request, first) {
			deleted = i
		}
	}
	if published < 0 || deleted < published {
		t.Errorf("the new image was published with request %d and the old one deleted with request %d", published, deleted)
	}
	w.expectGone(t, first)
	w.PlanIsEmpty()
	w.Destroy()
	w.expectGone(t, second)
}
