package acctest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
)

// withTree is the configuration of an image with a small package of the operating system.
const withTree = `
resource "rime_managed_image" "a" {
  name                 = "model"
  python_version       = "3.11"
  pip_requirements     = ["tiny-model>=1,<2"]
  apt_packages = ["tree"]
}
`

func TestManagedImage_packages(t *testing.T) {
	t.Parallel()
	needDebian(t)
	registry, w := setup(t, withTree)
	w.Apply()
	w.PlanIsEmpty()
	index := repositoryOf(t, registry.Host, "model").index(text(t, w, "image_digest"))
	files := map[string]string{}
	for _, layer := range layersAboveBase(t, only(t, index)) {
		unpack(t, layer, files)
	}
	if files["usr/bin/tree"] == "" || files["usr/local/lib/python3.11/dist-packages/tiny_model/__init__.py"] == "" {
		t.Error("not everything is installed")
	}
	if !strings.Contains(files["var/lib/dpkg/status"], "\nPackage: tree\nStatus: install ok installed\n") && !strings.HasPrefix(files["var/lib/dpkg/status"], "Package: tree\n") {
		t.Error("dpkg does not know of the package")
	}
	for file := range files {
		if leftovers.MatchString(file) {
			t.Errorf("the build left %s in the image", file)
		}
	}
	if sbom := attestations(t, index)["https://spdx.dev/Document"]; !strings.Contains(sbom, `"pkg:deb/debian/tree@`) {
		t.Error("the SBOM does not know of the package")
	}

	w.Edit("main.tf", `["tree"]`, `["no-such-package"]`)
	planShows(t, w, `+ rebuild_reason = "apt packages changed: + no-such-package, - tree"`)
	fails(t, w, []string{"apply", "-auto-approve"}, "Error: Managed Image Build Failed", `because of apt_packages["no-such-package"].`,
		`in the step "install system packages"`, "E: Unable to locate package no-such-package")
	w.Edit("main.tf", `["no-such-package"]`, "[]")
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
	expectNothingLeft(t, registry, "model")
}

// needDebian skips the test where Debian's packages cannot be had: no stand-in of ours would show what apt does.
func needDebian(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), acctest.Patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://deb.debian.org/debian/dists/bookworm/InRelease", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Skipf("Debian's packages cannot be had here: %v", err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Skipf("Debian's packages cannot be had here: %s, %v", response.Status, err)
	}
}
