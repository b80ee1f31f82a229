package acctest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
)

// The requirements of a real model from the public package index: what no stand-in has are big wheels with native code.
func TestAccManagedImage_pypi(t *testing.T) {
	t.Parallel()
	if os.Getenv("RIME_TEST_PYPI") != "1" {
		t.Skip("set RIME_TEST_PYPI=1 to install scikit-learn and pandas from https://pypi.org")
	}
	registry := acctest.StartRegistry(t, oci.Options{})
	w := acctest.Embedded{Registry: registry.Host, Index: "https://pypi.org/simple/"}.NewWorkspace(t)
	if ca := os.Getenv("SSL_CERT_FILE"); ca != "" {
		w.Edit("provider.tf", `provider "rime" {`, fmt.Sprintf("provider \"rime\" {\n  http = { ca_file = %q }", ca))
	}
	w.Write("main.tf", `
resource "rime_managed_image" "a" {
  name           = "sklearn"
  python_version = "3.11"
  pip_requirements = [
    "scikit-learn>=1.5,<2",
    "pandas>=2.2,<3",
  ]
}

output "libraries" {
  value = rime_managed_image.a.pip_libraries
}
`)
	w.Apply()
	w.PlanIsEmpty()
	libraries, _ := outputs(t, w)["libraries"].(map[string]any)
	for _, name := range []string{"scikit-learn", "pandas", "numpy", "scipy", "joblib"} {
		if libraries[name] == nil {
			t.Errorf("%s is not installed: %v", name, libraries)
		}
	}
	files := map[string]string{}
	for _, layer := range layersAboveBase(t, repositoryOf(t, registry.Host, "sklearn").image(text(t, w, "image_digest"))) {
		unpack(t, layer, files)
	}
	for file := range files {
		if leftovers.MatchString(file) {
			t.Errorf("the build left %s in the image", file)
		}
	}
	t.Logf("built in %v s, %v bytes: %v", w.Values(address)["build"].(map[string]any)["running_time_seconds"], w.Values(address)["image_size_bytes"], libraries)
	w.Destroy()
	expectNothingLeft(t, registry, "sklearn")
}
