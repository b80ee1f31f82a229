package acctest_test

import (
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
)

func TestMain(m *testing.M) { acctest.Main(m) }

func TestManagedImage_basic(t *testing.T) {
	t.Parallel()
	registry := acctest.StartRegistry(t, oci.Options{})
	w := acctest.NewEmbeddedWorkspace(t, registry.Host)
	w.Write("main.tf", `
resource "rime_managed_image" "a" {
  name           = "basic"
  python_version = "3.11"
  pip_requirements = [
    { name = "tiny-model", version_specifier = ">=1,<2" },
    { name = "needs-other" },
  ]
}
`)
	t.Log(w.Apply().Output)
	w.PlanIsEmpty()
	t.Log(w.Values("rime_managed_image.a"))
	w.Destroy()
}
