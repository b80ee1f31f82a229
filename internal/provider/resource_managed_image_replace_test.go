package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// withDependent is a configuration with something that depends on the image and cannot be created.
func withDependent(config string) string {
	return config + `
resource "terraform_data" "dependent" {
  input = rime_managed_image.test.name
  provisioner "local-exec" { command = "exit 1" }
}`
}

// fakeOf is a registry, and the fake that it is made of.
type fakeOf struct {
	whole imageregistry.Registry
	fake  *fakeRegistry
}

// bothKinds are a registry that can only create and delete, as a RIME platform, and one that can change images.
func bothKinds() map[string]fakeOf {
	platform, updating := newFakeRegistry(), newUpdatingRegistry()
	platform.namesNoBuilds = true
	return map[string]fakeOf{"platform": {platform, platform}, "updating": {updating, updating.fakeRegistry}}
}

// usable expects that the registry has one image, and that it can be used.
func usable(f *fakeRegistry) resource.TestCheckFunc {
	return func(*terraform.State) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, image := range f.images {
			if len(f.images) == 1 && image.Status == imageregistry.StatusReady {
				return nil
			}
		}
		return fmt.Errorf("the registry has %v", f.images)
	}
}

// A first build that failed is repaired under its generated name, and Terraform stops before it has destroyed what was there before. The next run destroys that, and must
// not take the repaired image for it.
func TestManagedImage_deposed(t *testing.T) {
	t.Parallel()
	for name, registry := range bothKinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := prefixConfig("numpy", "a")
			registry.fake.failure = noSuchLibrary
			run(t, registry.whole,
				resource.TestStep{Config: config, ExpectError: words("Managed Image Build Failed")},
				resource.TestStep{
					PreConfig:   registry.fake.set(func(f *fakeRegistry) { f.failure = nil }),
					Config:      withDependent(config),
					ExpectError: words("local-exec provisioner error"),
				},
				resource.TestStep{
					Config:            config,
					Check:             usable(registry.fake),
					ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
				},
			)
		})
	}
}

// An image that is replaced by itself, which adopt_existing brings about, outlives the destroy of what was replaced.
func TestManagedImage_adoptReplaced(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	config := func(version string) string {
		return `
resource "terraform_data" "version" { input = "` + version + `" }
resource "rime_managed_image" "test" {
  name           = "sklearn"
  adopt_existing = true
  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.version]
  }
}`
	}
	run(t, registry,
		resource.TestStep{Config: config("1")},
		resource.TestStep{
			Config:           config("2"),
			ConfigPlanChecks: before(expectAction(plancheck.ResourceActionCreateBeforeDestroy)),
			Check:            usable(registry.fakeRegistry),
		},
	)
	registry.expectChanges(t, "Create sklearn", "Delete sklearn")
}

// With retain, an image that never was anything but a failed build is not in the way of its repair.
func TestManagedImage_retainFailed(t *testing.T) {
	t.Parallel()
	registry := newFakeRegistry()
	registry.failure = noSuchLibrary
	config := func(requirement string) string {
		return `
resource "rime_managed_image" "test" {
  name             = "sklearn"
  deletion_policy  = "retain"
  pip_requirements = ["` + requirement + `"]
}`
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: withRegistry(registry),
		Steps: []resource.TestStep{
			{Config: config("no-such-lib"), ExpectError: words("Managed Image Build Failed")},
			{
				PreConfig:         registry.set(func(f *fakeRegistry) { f.failure = nil }),
				Config:            config("numpy"),
				ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
			},
			{ // What can be used is kept, so that a registry that can only create and delete cannot change it.
				PreConfig:   func() { registry.expectChanges(t, "Create sklearn", "Delete sklearn", "Create sklearn") },
				Config:      config("pandas"),
				ExpectError: words("Retained Managed Image in the Way"),
			},
			{Config: config("numpy"), PlanOnly: true},
		},
	})
	registry.expectChanges(t)
}

// What could be used once is kept, even if a build of it failed since, and an image that was built anew in its place is not another one.
func TestManagedImage_failedLater(t *testing.T) {
	t.Parallel()
	for name, registry := range bothKinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := strings.Replace(prefixConfig("numpy", "a"), "triggers", "deletion_policy = \"retain\"\n  triggers", 1)
			rebuild := func(failure *imageregistry.BuildFailure) func() {
				return registry.fake.set(func(f *fakeRegistry) {
					f.failure = failure
					for _, image := range f.images {
						f.build(image.Spec(), imageregistry.StatusRebuilding)
					}
				})
			}
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: withRegistry(registry.whole),
				Steps: []resource.TestStep{
					{Config: config},
					{PreConfig: rebuild(noSuchLibrary), RefreshState: true, ExpectNonEmptyPlan: true},
					{PreConfig: rebuild(nil), RefreshState: true},
					{Config: config, ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))}},
					{PreConfig: rebuild(noSuchLibrary), RefreshState: true, ExpectNonEmptyPlan: true},
				},
			})
			if len(registry.fake.images) != 1 {
				t.Errorf("the image was not kept: %v", registry.fake.images)
			}
		})
	}
}

// refusing is a registry that refuses to tell of builds so many times.
type refusing struct {
	*fakeRegistry
	times int
}

// Build implements imageregistry.Registry.
func (r *refusing) Build(ctx context.Context, id string) (imageregistry.Build, error) {
	if r.times--; r.times >= 0 {
		return imageregistry.Build{}, errors.New("GET http://rime.test/v1/jobs/1: 401 Unauthorized")
	}
	return r.fakeRegistry.Build(ctx, id)
}

// A build of the registry's own that cannot be watched any longer goes on: the image is not tainted, and the next apply waits for it.
func TestManagedImage_notWatched(t *testing.T) {
	t.Parallel()
	registry := &refusing{newFakeRegistry(), 2} // to the wait, and to the look after it
	registry.endless = true
	run(t, registry,
		resource.TestStep{
			Config:             basicConfig,
			ConfigStateChecks:  []statecheck.StateCheck{expectState("status", text("building_first_time"))},
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{
			PreConfig: func() {
				registry.expectChanges(t, "Create sklearn")
				registry.set(func(f *fakeRegistry) { f.endsAfter("sklearn/1", 3) })()
			},
			Config: basicConfig,
			ConfigPlanChecks: before(
				expectAction(plancheck.ResourceActionUpdate),
				expectPlanned("rebuild_reason", text("a build that was not waited for is under way")),
			),
			ConfigStateChecks: []statecheck.StateCheck{expectState("status", text("ready"))},
		},
	)
	registry.expectChanges(t, "Delete sklearn")
}

// That an image is not found in another registry does not mean that it is gone.
func TestManagedImage_otherRegistry(t *testing.T) {
	t.Parallel()
	registry := newFakeRegistry()
	var images map[string]imageregistry.Image
	run(t, registry,
		resource.TestStep{Config: basicConfig},
		resource.TestStep{
			PreConfig: registry.set(func(f *fakeRegistry) {
				images, f.images, f.elsewhere = f.images, map[string]imageregistry.Image{}, true
			}),
			Config:      basicConfig,
			ExpectError: words("Managed Image Is in Another Registry § elsewhere.test/ml"),
		},
		resource.TestStep{
			PreConfig: registry.set(func(f *fakeRegistry) { f.images, f.elsewhere = images, false }),
			Config:    basicConfig,
			PlanOnly:  true,
		},
	)
	registry.expectChanges(t, "Create sklearn", "Delete sklearn")
}
