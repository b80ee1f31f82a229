package acctest_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
)

func basic(t *testing.T, w *world) {
	w.Write("main.tf", model)
	shows(t, w.Apply(), "Plan: 1 to add, 0 to change, 0 to destroy.", "Apply complete! Resources: 1 added, 0 changed, 0 destroyed.")
	expectValues(t, w.Workspace, map[string]any{
		"status": "ready", "status_reason": nil, "rebuild_reason": nil, "role_type": "user_defined", "python_version": "3.11",
	})
	if uri, repository := text(t, w.Workspace, "image_uri"), text(t, w.Workspace, "repo_uri"); !regexp.MustCompile("^" + regexp.QuoteMeta(repository) + "[:@].").MatchString(uri) {
		t.Errorf("image_uri is %q in %q", uri, repository)
	}
	first := w.version(t, "model")
	w.PlanIsEmpty()
	w.Clone().PlanIsEmpty() // another machine

	w.Edit("main.tf", `"tiny-model>=1,<2"`, `"tiny-model>=2", "needs-other"`)
	w.planChanges(t, "pip_requirements", "pip requirements changed: + needs-other, ~ tiny-model >=1,<2 -> >=2")
	w.Apply()
	if w.version(t, "model") == first {
		t.Error("other requirements made the same image")
	}
	w.PlanIsEmpty()
	w.Clone().PlanIsEmpty()

	shows(t, w.Destroy(), "Destroy complete! Resources: 1 destroyed.")
	w.expectGone(t, "model")
}

// What the state says is what can be pulled from the registry.
func TestManagedImage_published(t *testing.T) {
	t.Parallel()
	registry := acctest.StartEmptyRegistry(t, oci.Options{})
	w := acctest.NewEmbeddedWorkspace(t, registry.Host)
	w.Write("main.tf", model)
	w.Apply()
	repo := repositoryOf(t, registry.Host, "model")
	first, firstTag := text(t, w, "image_digest"), text(t, w, "rime_tag")
	expectValues(t, w, map[string]any{"repo_uri": repo.Name(), "image_uri": repo.Name() + "@" + first})
	if found := repo.digest(firstTag); found != first {
		t.Errorf("the tag %s stands for %q in the registry and %q in the state", firstTag, found, first)
	}
	w.Edit("main.tf", ">=1,<2", ">=2")
	w.Apply()
	second := text(t, w, "image_digest")
	if second == first {
		t.Error("other requirements made the same image")
	}
	for _, digest := range []string{first, second} { // pods may still run the first
		if err := repo.pull(digest); err != nil {
			t.Errorf("%s cannot be pulled: %v", digest, err)
		}
	}
	if err := validate.Image(repo.image(second)); err != nil {
		t.Errorf("the configuration, the manifest and the layers do not belong together: %v", err)
	}
	if want := []string{firstTag, text(t, w, "rime_tag"), recordTag}; !sameElements(repo.tags(), want) {
		t.Errorf("the registry has the tags %q, want %q", repo.tags(), want)
	}
	w.Destroy()
	expectNothingLeft(t, registry, "model")
	for _, request := range registry.Requests() {
		if !strings.HasPrefix(request.Path, "/v2/ml/model/") && !strings.HasPrefix(request.Path, "/v2/ml/rime.layers/") && request.Path != "/v2/" {
			t.Errorf("the registry was asked for something that is neither the image's nor all images': %s %s", request.Method, request.Path)
		}
	}
}

// An image of the registry's own choice, without anything on top, holds what the base image holds.
func minimal(t *testing.T, w *world) {
	w.Write("main.tf", `resource "rime_managed_image" "a" { name = "minimal" }`)
	w.Apply()
	expectValues(t, w.Workspace, map[string]any{"status": "ready"})
	w.PlanIsEmpty()
	w.Write("main.tf", fmt.Sprintf(`
resource "rime_managed_image" "a" {
  name                 = "minimal"
  python_version       = %q
  pip_requirements     = []
  rocky_linux_packages = []
}
`, text(t, w.Workspace, "python_version")))
	w.PlanIsEmpty()
	w.Destroy()
	w.expectGone(t, "minimal")
}

func sameElements(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
