package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

func example(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "examples"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExamples_resource(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: withRegistry(registry),
		Steps:                    []resource.TestStep{{Config: example(t, "resources", managedImageType, "resource.tf")}},
	})
	for image, err := range registry.List(t.Context(), imageregistry.Filter{}) {
		if err != nil || image.Name != "base-data-science" { // the one that is retained
			t.Errorf("left behind: %q, %v", image.Name, err)
		}
	}
}

func TestExamples_import(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.put(imageregistry.Spec{Name: "sklearn-serving"}, nil)
	run(t, registry, resource.TestStep{Config: example(t, "resources", managedImageType, "import-by-string-id.tf") + `
resource "rime_managed_image" "serving" {
  name = "sklearn-serving"
}`})
}

func TestExamples_dataSources(t *testing.T) {
	t.Parallel()
	registry := stocked()
	registry.put(imageregistry.Spec{Name: "sklearn-serving"}, nil)
	read(t, registry,
		resource.TestStep{
			Config:            example(t, "data-sources", managedImageType, "data-source.tf"),
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("numpy", text("not installed"))},
		},
		resource.TestStep{Config: example(t, "data-sources", "rime_managed_images", "data-source.tf")},
	)
}

// The examples of PrimeHub are applied, imported and read with its stand-in.
func TestExamples_primehub(t *testing.T) {
	t.Parallel()
	server := startHub(t, primehub.Options{})
	text := func(path ...string) string { return onHub(server, primehub.TokenAdmin, example(t, path...)) }
	resources := text("resources", "rime_group_image", "resource.tf")
	_, standalone, found := strings.Cut(example(t, "primehub", "main.tf"), "\ndata ") // the test's own provider has no source to be named
	if !found {
		t.Fatal("the example has no data source")
	}
	steps := []resource.TestStep{{Config: resources}}
	for _, source := range []string{"rime_group_image", "rime_group_images", "rime_group", "rime_image_pull_secrets"} {
		steps = append(steps, resource.TestStep{Config: resources + example(t, "data-sources", source, "data-source.tf")})
	}
	applyOnHub(t, server, steps...)
	applyOnHub(t, server, resource.TestStep{Config: replaced(onHub(server, primehub.TokenGroupAdmin, "data "+standalone), "primehub = {", "primehub = {\ngroup = \"data-science\"")})
	_, err := server.Do(primehub.UserAdmin, `mutation { createImage(data: { name: "tensorflow-2.5", displayName: "tensorflow-2.5", url: "a:1", groupName: "data-science" }) { id } }`, nil)
	if err != nil {
		t.Fatal(err)
	}
	applyOnHub(t, server, resource.TestStep{Config: text("resources", "rime_group_image", "import-by-string-id.tf") + `
resource "rime_group_image" "tensorflow" {
  display_name = "tensorflow-2.5"
  group        = "data-science"
  existing     = { url = "a:1" }
}`})
}

// The example of the provider is good enough to plan with: nothing of what it names is contacted before an apply.
func TestExamples_provider(t *testing.T) {
	t.Parallel()
	whole := example(t, "provider", "provider.tf")
	_, configuration, found := strings.Cut(whole, "\nprovider ") // the test's own provider has no source to be named
	if !found {
		t.Fatal("the example configures no provider")
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: asConfigured(),
		Steps: []resource.TestStep{{
			Config:   "provider " + configuration + example(t, "resources", managedImageType, "resource.tf"),
			PlanOnly: true, ExpectNonEmptyPlan: true,
		}},
	})
}

// Every type has an example where the documentation looks for it.
func TestExamples_complete(t *testing.T) {
	t.Parallel()
	for name := range walk(t).attributes {
		path := []string{"resources", name, "resource.tf"}
		if source, ok := strings.CutPrefix(name, "data."); ok {
			path = []string{"data-sources", source, "data-source.tf"}
		}
		if source, ok := strings.CutPrefix(name, "ephemeral."); ok {
			path = []string{"ephemeral-resources", source, "ephemeral-resource.tf"}
		}
		if name == "provider" {
			path = []string{"provider", "provider.tf"}
		}
		if len(example(t, path...)) == 0 {
			t.Errorf("the example of %s is empty", name)
		}
	}
}
