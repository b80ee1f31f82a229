package acctest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
)

func TestManagedImage_import(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, model)
	w.Apply()
	want := w.Values(address)

	// By command, into a directory that knows the configuration only.
	byCommand := acctest.NewEmbeddedWorkspace(t, registry.Host)
	byCommand.Write("main.tf", model)
	shows(t, byCommand.MustRun("import", address, "model"), "Import successful!")
	byCommand.PlanIsEmpty()
	if got := byCommand.Values(address); !sameJSON(t, got, want) {
		t.Errorf("imported %v, want %v", got, want)
	}

	// By block, into a directory that does not know even that.
	byBlock := acctest.NewEmbeddedWorkspace(t, registry.Host)
	byBlock.Write("import.tf", "import {\n  to = rime_managed_image.a\n  id = \"model\"\n}\n")
	shows(t, byBlock.MustRun("plan", "-generate-config-out=generated.tf"), "Plan: 1 to import, 0 to add, 0 to change, 0 to destroy.")
	generated, err := os.ReadFile(filepath.Join(byBlock.Dir, "generated.tf"))
	if err != nil {
		t.Fatal(err)
	}
	shows(t, acctest.Result{Output: string(generated)}, `name = "model"`, `python_version = "3.11"`, `name = "tiny-model" version_specifier = ">=1,<2"`)
	shows(t, byBlock.Apply(), "Apply complete! Resources: 1 imported, 0 added, 0 changed, 0 destroyed.")
	byBlock.PlanIsEmpty()

	byCommand.Write("b.tf", `resource "rime_managed_image" "b" { name = "nowhere" }`)
	fails(t, byCommand, []string{"import", "rime_managed_image.b", "nowhere"}, "Error: Cannot import non-existent remote object")
	fails(t, byCommand, []string{"import", "rime_managed_image.b", "registry.test/Model"}, "Error: Invalid Managed Image Name", `Write "registry-test-model".`)
	byCommand.Write("b.tf", "")
	byCommand.Destroy()
	expectNothingLeft(t, registry, "model")
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

func TestManagedImage_adoptExisting(t *testing.T) {
	t.Parallel()
	registry, first := setup(t, model)
	first.Apply()
	digest := text(t, first, "image_digest")

	second := acctest.NewEmbeddedWorkspace(t, registry.Host)
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

	second.Edit("main.tf", `"tiny-model", version_specifier = ">=2"`, `"Tiny_Model", version_specifier = "< 2, >= 1.0"`)
	registry.Forget()
	second.Apply()
	if text(t, second, "image_digest") != digest {
		t.Error("an image that was there was built again")
	}
	if builds := registry.Count("POST", "/blobs/uploads/"); builds > 0 {
		t.Errorf("%d blobs were pushed to adopt an image", builds)
	}
	second.PlanIsEmpty()
	second.Destroy()
	expectNothingLeft(t, registry, "model")
}

// An image that a state has is nobody else's, in the same directory either: neither a second resource of that name nor another workspace of
// Terraform takes it over.
func TestManagedImage_takenName(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, model)
	w.Apply()
	digest := text(t, w, "image_digest")
	w.Write("second.tf", strings.ReplaceAll(strings.ReplaceAll(model, `"a"`, `"b"`), ">=1,<2", ">=2"))
	fails(t, w, []string{"apply", "-auto-approve"}, "Error: Managed Image Already Exists with rime_managed_image.b,")
	w.Write("second.tf", "")
	w.MustRun("workspace", "new", "staging")
	fails(t, w, []string{"apply", "-auto-approve"}, "Error: Managed Image Already Exists with rime_managed_image.a,")
	w.MustRun("workspace", "select", "default")
	w.PlanIsEmpty()
	expectValues(t, w, map[string]any{"image_digest": digest})

	// A replacement that is to come first finds its own name taken, and must not take the old image for the new one.
	w.Edit("main.tf", `name             = "model"`, "name = \"model\"\n  lifecycle {\n    create_before_destroy = true\n  }")
	fails(t, w, []string{"apply", "-auto-approve", "-replace=" + address}, "Error: Managed Image Already Exists")
	w.PlanIsEmpty()
	if found := repositoryOf(t, registry.Host, "model").digest(text(t, w, "rime_tag")); found != digest {
		t.Errorf("the tag stands for %q, want %s", found, digest)
	}
	w.Destroy()
	expectNothingLeft(t, registry, "model")
}

func TestManagedImage_retain(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, model)
	w.Edit("main.tf", `"3.11"`, "\"3.11\"\n  deletion_policy = \"retain\"")
	w.Apply()
	tags := repositoryOf(t, registry.Host, "model").tags()
	registry.Forget()
	w.Destroy()
	if left := repositoryOf(t, registry.Host, "model").tags(); !slices.Equal(left, tags) {
		t.Errorf("the registry has the tags %q, want %q", left, tags)
	}
	for _, request := range registry.Requests() {
		if request.Method != http.MethodGet && request.Method != http.MethodHead {
			t.Errorf("an image that is kept was changed: %s %s", request.Method, request.Path)
		}
	}
	// The same directory may come back to it, if it says so.
	fails(t, w, []string{"apply", "-auto-approve"}, "Error: Managed Image Already Exists")
	w.Edit("main.tf", `"3.11"`, "\"3.11\"\n  adopt_existing = true")
	w.Apply()
	w.PlanIsEmpty()
}

func TestManagedImage_triggers(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, model)
	w.Edit("main.tf", `"3.11"`, "\"3.11\"\n  triggers = { month = \"may\" }\n  timeouts = { create = \"20m\", read = \"1m\", update = \"20m\", delete = \"1m\" }")
	w.Apply()
	w.PlanIsEmpty()
	first := text(t, w, "image_digest")
	w.Edit("main.tf", "may", "june")
	shows(t, w.MustRun("plan", "-out=saved"), "will be updated in-place", `+ rebuild_reason = "triggers changed: month"`) // as pipelines do
	shows(t, w.MustRun("apply", "saved"), "Resources: 0 added, 1 changed, 0 destroyed.")
	if text(t, w, "image_digest") == first {
		t.Error("triggers that changed built nothing")
	}
	w.PlanIsEmpty()
	w.Destroy()
	expectNothingLeft(t, registry, "model")
}

func TestManagedImage_namePrefix(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, model)
	w.Edit("main.tf", `name             = "model"`, "name_prefix = \"model-\"\n  lifecycle {\n    create_before_destroy = true\n  }")
	w.Apply()
	first := text(t, w, "name")
	if !regexp.MustCompile(`^model-[0-9a-f]{8}$`).MatchString(first) {
		t.Errorf("the name is %q", first)
	}
	w.PlanIsEmpty()
	w.Edit("main.tf", ">=1,<2", ">=2")
	planShows(t, w, "rime_managed_image.a must be replaced", "create replacement and then destroy", `~ name = "`+first+`" -> "model-`)
	registry.Forget()
	w.Apply()
	second := text(t, w, "name")
	if second == first {
		t.Fatalf("other inputs have the same name %q", second)
	}
	published, deleted := -1, -1
	image := regexp.MustCompile(`^/v2/ml/` + second + `/manifests/3\.11-`)
	for i, request := range registry.Requests() {
		if request.Method == http.MethodPut && image.MatchString(request.Path) {
			published = i
		}
		if request.Method == http.MethodDelete && deleted < 0 && regexp.MustCompile(`^/v2/ml/`+first+`/`).MatchString(request.Path) {
			deleted = i
		}
	}
	if published < 0 || deleted < published {
		t.Errorf("the new image was published with request %d and the old one deleted with request %d", published, deleted)
	}
	expectNothingLeft(t, registry, first)
	w.PlanIsEmpty()
	w.Destroy()
	expectNothingLeft(t, registry, second)
}
