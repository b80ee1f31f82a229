package acctest_test

import (
	"encoding/json"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
)

func TestDataSources(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, `
resource "rime_managed_image" "a" {
  name             = "one"
  python_version   = "3.11"
  pip_requirements = [{ name = "tiny-model", version_specifier = ">=1,<2" }]
}

resource "rime_managed_image" "b" {
  name             = "two"
  python_version   = "3.11"
  pip_requirements = [{ name = "tiny-model", version_specifier = ">=2" }, { name = "needs-other" }]
}
`)
	w.Apply()
	repositoryOf(t, registry.Host, "two").delete(w.Values("rime_managed_image.b")["rime_tag"].(string))

	reader := acctest.NewEmbeddedWorkspace(t, registry.Host) // another team, with a state of its own
	reader.Write("main.tf", `
data "rime_managed_image" "one" {
  name = "one"
}

data "rime_managed_images" "all" {}

data "rime_managed_images" "filtered" {
  for_each = {
    library   = { pip_libraries = [{ name = "Tiny_Model" }] }
    version   = { pip_libraries = [{ name = "tiny-model", version = "1.1" }] }
    libraries = { pip_libraries = [{ name = "tiny-model" }, { name = "other-lib" }] }
    name      = { name_regex = "^o" }
    status    = { statuses = ["ready"] }
    broken    = { statuses = ["missing", "moved", "failed"] }
    nothing   = { name_regex = "o", statuses = ["ready"], pip_libraries = [{ name = "other-lib" }] }
  }
  pip_libraries = lookup(each.value, "pip_libraries", null)
  name_regex    = lookup(each.value, "name_regex", null)
  statuses      = lookup(each.value, "statuses", null)
}

output "uri" {
  value = data.rime_managed_image.one.image_uri
}

output "libraries" {
  value = { for l in data.rime_managed_image.one.pip_libraries : l.name => l.version }
}

output "build" {
  value = data.rime_managed_image.one.build.status
}

output "all" {
  value = data.rime_managed_images.all.images[*].name
}

output "filtered" {
  value = { for k, v in data.rime_managed_images.filtered : k => v.images[*].name }
}
`)
	registry.Forget()
	reader.Apply()
	expectOnlyReads(t, registry)
	want := map[string]any{
		"uri":       text(t, w, "image_uri"),
		"libraries": map[string]any{"pip": "23.0.1", "setuptools": "66.1.1", "tiny-model": "1.1", "wheel": "0.38.4"},
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
