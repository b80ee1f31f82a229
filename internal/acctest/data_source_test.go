package acctest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
)

func dataSources(t *testing.T, w *world) {
	w.Write("main.tf", `
resource "rime_managed_image" "a" {
  name             = "one"
  python_version   = "3.11"
  pip_requirements = ["tiny-model>=1,<2"]
}

resource "rime_managed_image" "b" {
  name             = "two"
  python_version   = "3.11"
  pip_requirements = ["tiny-model>=2", "needs-other"]
}
`)
	w.Apply()
	one, _ := w.Image("a")
	two, _ := w.Image("b")
	w.spoil(t, "two", two.Text("rime_tag"))

	reader := w.workspace(t) // another team, with a state of its own
	reader.Write("main.tf", fmt.Sprintf(`
data "rime_managed_image" "one" {
  name = "one"
}

data "rime_image_build" "one" {
  id = %q
}

data "rime_managed_images" "all" {}

data "rime_managed_images" "filtered" {
  for_each = {
    library   = { pip_libraries = { "Tiny_Model" = "" } }
    version   = { pip_libraries = { tiny-model = %q } }
    libraries = { pip_libraries = { tiny-model = "", needs-other = "" } }
    name      = { name_regex = "^o" }
    status    = { statuses = ["ready"] }
    broken    = { statuses = ["missing", "moved", "failed"] }
    nothing   = { name_regex = "o", statuses = ["ready"], pip_libraries = { needs-other = "" } }
  }
  pip_libraries = lookup(each.value, "pip_libraries", null)
  name_regex    = lookup(each.value, "name_regex", null)
  statuses      = lookup(each.value, "statuses", null)
}

output "uri" {
  value = data.rime_managed_image.one.image_uri
}

output "libraries" {
  value = data.rime_managed_image.one.pip_libraries
}

output "build" {
  value = data.rime_image_build.one.status
}

output "all" {
  value = [for i in data.rime_managed_images.all.images : i.name if i.role_type == "user_defined"]
}

output "filtered" {
  value = { for k, v in data.rime_managed_images.filtered : k => [for i in v.images : i.name if i.role_type == "user_defined"] }
}
`, one.Text("build", "id"), libraryVersion(t, one, "tiny-model")))
	w.Forget()
	reader.Apply()
	w.expectOnlyReads(t)
	want := map[string]any{
		"uri":       one.Text("image_uri"),
		"libraries": one.Attributes["pip_libraries"],
		"build":     "succeeded",
		"all":       []any{"one", "two"},
		"filtered": map[string]any{
			"library": []any{"one", "two"}, "version": []any{"one"}, "libraries": []any{"two"}, "name": []any{"one"},
			"status": []any{"one"}, "broken": []any{"two"}, "nothing": []any{},
		},
	}
	if got := outputs(t, reader); !sameJSON(t, got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
	reader.PlanIsEmpty()

	reader.Edit("main.tf", `name = "one"`, `name = "three"`)
	fails(t, reader, []string{"plan"}, "Error: Managed Image Not Found", `Looked for managed image "three", and the registry confirmed that it has none of that name.`)
}

// libraryVersion is the version of an installed library.
func libraryVersion(t *testing.T, image acctest.Resource, library string) string {
	t.Helper()
	libraries, _ := image.Attributes["pip_libraries"].(map[string]any)
	version, found := libraries[library].(string)
	if !found {
		t.Fatalf("%s is not among %v", library, libraries)
	}
	return version
}

// outputs are the outputs of a workspace.
func outputs(t *testing.T, w *acctest.Workspace) map[string]any {
	t.Helper()
	var printed map[string]struct{ Value any }
	r := w.MustRun("output", "-json")
	if err := json.Unmarshal([]byte(r.Output), &printed); err != nil {
		t.Fatalf("terraform output: %v\n%s", err, r.Output)
	}
	values := map[string]any{}
	for name, output := range printed {
		values[name] = output.Value
	}
	return values
}
