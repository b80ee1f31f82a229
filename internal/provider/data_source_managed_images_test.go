package provider

import (
	"errors"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// stocked is a registry with three images.
func stocked() updatingRegistry {
	registry := newUpdatingRegistry()
	registry.put(basicSpec, nil)
	registry.put(imageregistry.Spec{Name: "broken", PythonVersion: "3.12"}, drifts["moved"].change)
	registry.put(imageregistry.Spec{Name: "xgboost", PipRequirements: []requirement.Pip{{Name: "xgboost"}, {Name: "numpy"}}}, nil)
	return registry
}

// read runs steps that only read.
func read(t *testing.T, registry updatingRegistry, steps ...resource.TestStep) {
	t.Helper()
	registry.changes()
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: withRegistry(registry), Steps: steps})
	registry.expectChanges(t)
}

func TestManagedImageDataSource_basic(t *testing.T) {
	t.Parallel()
	expect := func(attribute string, want knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data.rime_managed_image.test", tfjsonpath.New(attribute), want)
	}
	read(t, stocked(), resource.TestStep{
		Config: `data "rime_managed_image" "test" { name = "sklearn" }`,
		ConfigStateChecks: []statecheck.StateCheck{
			expect("name", text("sklearn")),
			expect("status", text("ready")),
			expect("python_version", text("3.11")),
			expect("image_uri", knownvalue.StringRegexp(sha256Reference)),
			expect("pip_requirements", knownvalue.SetExact([]knownvalue.Check{
				text("numpy>=1,<2"), text("pandas"),
			})),
			expect("build", knownvalue.ObjectPartial(map[string]knownvalue.Check{"id": text("sklearn/1"), "status": text("succeeded")})),
		},
	})
}

func TestManagedImageDataSource_errors(t *testing.T) {
	t.Parallel()
	registry := stocked()
	read(t, registry,
		resource.TestStep{Config: `data "rime_managed_image" "test" { name = "nowhere" }`, ExpectError: words(`Managed Image Not Found with data.rime_managed_image.test`)},
		resource.TestStep{Config: `data "rime_managed_image" "test" { name = "No" }`, ExpectError: words(`Invalid Managed Image Name`)},
		resource.TestStep{
			PreConfig: registry.set(func(f *fakeRegistry) { f.errs["Get"] = errors.New("503 Service Unavailable") }),
			Config:    `data "rime_managed_image" "test" { name = "sklearn" }`, ExpectError: words(`Unable to Read Managed Image § 503`),
		},
	)
}

// A build that the registry has forgotten is no error.
func TestManagedImageDataSource_forgottenBuild(t *testing.T) {
	t.Parallel()
	registry := stocked()
	registry.set(func(f *fakeRegistry) { clear(f.builds) })()
	read(t, registry, resource.TestStep{
		Config: `data "rime_managed_image" "test" { name = "sklearn" }`,
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("data.rime_managed_image.test", tfjsonpath.New("build"), knownvalue.Null()),
		},
	})
}

func TestManagedImagesDataSource_filters(t *testing.T) {
	t.Parallel()
	filters := map[string]struct {
		body string
		want []string
	}{
		"all":                  {``, []string{"broken", "sklearn", "xgboost"}},
		"by library":           {`pip_libraries = { numpy = "" }`, []string{"sklearn", "xgboost"}},
		"by two libraries":     {`pip_libraries = { numpy = "1.0", xgboost = null }`, []string{"xgboost"}},
		"by library's version": {`pip_libraries = { numpy = "9" }`, nil},
		"by name":              {`name_regex = "^s|t$"`, []string{"sklearn", "xgboost"}},
		"by status":            {`statuses = ["moved", "failed"]`, []string{"broken"}},
		"by all":               {"name_regex = \"o\"\nstatuses = [\"ready\"]", []string{"xgboost"}},
		"by what is nowhere":   {`name_regex = "^nothing$"`, nil},
	}
	for name, filter := range filters {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			images := make([]knownvalue.Check, 0, len(filter.want))
			for _, want := range filter.want {
				images = append(images, knownvalue.ObjectPartial(map[string]knownvalue.Check{"name": text(want)}))
			}
			read(t, stocked(), resource.TestStep{
				Config: "data \"rime_managed_images\" \"test\" {\n" + filter.body + "\n}",
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("data.rime_managed_images.test", tfjsonpath.New("images"), knownvalue.ListExact(images)),
				},
			})
		})
	}
}

func TestManagedImagesDataSource_errors(t *testing.T) {
	t.Parallel()
	registry := stocked()
	read(t, registry,
		resource.TestStep{Config: "data \"rime_managed_images\" \"test\" {\nname_regex = \"(\"\n}", ExpectError: words(`Invalid Regular Expression § name_regex = "(" is not a regular expression`)},
		resource.TestStep{
			Config: "data \"rime_managed_images\" \"test\" {\npip_libraries = { numpy = \"==1.0\" }\n}", ExpectError: words(`pip_libraries["numpy"] = "==1.0" is a comparison, not a version § Write "1.0"`),
		},
		resource.TestStep{
			Config: "data \"rime_managed_images\" \"test\" {\npip_libraries = { numpy = \">=1,<2\" }\n}", ExpectError: words(`is not one exact version`),
		},
		resource.TestStep{Config: "data \"rime_managed_images\" \"test\" {\nstatuses = []\n}", ExpectError: words(`at least 1 elements`)},
		resource.TestStep{
			PreConfig:   registry.set(func(f *fakeRegistry) { f.errs["List"] = errors.New("503 Service Unavailable") }),
			Config:      `data "rime_managed_images" "test" {}`,
			ExpectError: words(`Unable to List Managed Images § 503`), // and not the images that came before the error
		},
	)
}
