package acctest_test

import (
	"regexp"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// teamImages are images of a group: one that PrimeHub builds, one that exists.
const teamImages = `
resource "rime_group_image" "built" {
  display_name = "Churn Model 1.0"
  description  = "XGBoost and friends"
  type         = "cpu"
  group        = "data-science"
  build = {
    base_image_url = "jupyter/base-notebook"
    apt_packages   = ["curl"]
    conda_packages = ["-c conda-forge", "numpy=1.17"]
    pip_packages   = ["xgboost==1.7.6", "pandas"]
  }
}

resource "rime_group_image" "existing" {
  display_name = "tensorflow-2.5"
  name         = "tensorflow-2.5"
  group        = "data-science"
  existing     = { url = "infuseai/docker-stacks:tensorflow", image_pull_secret = "image-dockerhub" }
}
`

// A group's administrator creates an existing image and one that is built, changes each attribute, in the portal and here, and leaves nothing behind.
func TestGroupImage_group(t *testing.T) {
	t.Parallel()
	b := newHubBench(t, primehub.Options{}, primehub.TokenGroupAdmin, teamImages)
	b.Apply()
	name := b.name("built")
	if !regexp.MustCompile(`^churn-model-1-0-[a-z0-9]{5}$`).MatchString(name) {
		t.Errorf("the generated name is %q", name)
	}
	b.values("built", map[string]any{
		"is_ready": true, "phase": "succeeded", "group": "data-science", "groups": []any{"data-science"}, "global": false,
		"image_pull_secret": "primehub-controller-custom-image-push-secret", "rebuild_reason": nil, "dropped_packages": []any{},
		"url": "registry.sandbox.invalid/primehub/" + name + ":" + hashOf(t, b, name), "built_image": b.attribute("built", "url"),
	})
	b.values("existing", map[string]any{
		"is_ready": true, "phase": nil, "url": "infuseai/docker-stacks:tensorflow", "url_for_gpu": "infuseai/docker-stacks:tensorflow",
		"image_pull_secret": "image-dockerhub", "updated_at": nil, "name": "tensorflow-2.5", "type": "universal",
	})
	b.expectImage(name, map[string]any{
		"displayName": "Churn Model 1.0", "description": "XGBoost and friends", "type": "cpu", "groupName": "data-science", "global": false,
		"groups": []any{map[string]any{"name": "data-science"}},
		"imageSpec": map[string]any{
			"baseImage": "jupyter/base-notebook", "pullSecret": nil, "cancel": nil,
			"packages": map[string]any{"apt": []any{"curl"}, "conda": []any{"-c", "conda-forge", "numpy=1.17"}, "pip": []any{"xgboost==1.7.6", "pandas"}},
		},
	})
	b.PlanIsEmpty()

	// A platform administrator lets another group use both, as the official client does it: that takes them from their group. Its administrator gets them back as they are, and the other group keeps
	// what it was given.
	lent := map[string]any{"connect": []any{map[string]any{"id": "group-research"}}}
	b.edit(name, map[string]any{"groups": lent})
	b.edit("tensorflow-2.5", map[string]any{"groups": lent})
	planShows(t, b.Workspace, "0 to add, 2 to change, 0 to destroy", `"" -> "data-science"`, `"" -> "image-dockerhub"`)
	b.Apply()
	both := []any{map[string]any{"name": "data-science"}, map[string]any{"name": "research"}}
	b.expectImage(name, map[string]any{"groupName": "data-science", "groups": both, "isReady": true, "useImagePullSecret": "primehub-controller-custom-image-push-secret"})
	b.expectImage("tensorflow-2.5", map[string]any{"groupName": "data-science", "groups": both, "useImagePullSecret": "image-dockerhub"})
	b.PlanIsEmpty()
	// Somebody gives one to another group for good, which is to have it no more.
	b.edit("tensorflow-2.5", map[string]any{"groupName": "research", "groups": map[string]any{"disconnect": []any{map[string]any{"id": "group-data-science"}}}})
	planShows(t, b.Workspace, "0 to add, 1 to change, 0 to destroy", `"research" -> "data-science"`, `- "research"`, `+ "data-science"`)
	b.Apply()
	b.expectImage("tensorflow-2.5", map[string]any{"groupName": "data-science", "groups": both[:1], "useImagePullSecret": "image-dockerhub"})
	if creates, rebuilds := b.count("createImage"), b.count("rebuildImage"); creates != 2 || rebuilds != 0 {
		t.Errorf("%d creates and %d rebuilds", creates, rebuilds)
	}

	// Everything changes, what is built as well.
	b.Edit("main.tf", "XGBoost and friends", "XGBoost, CatBoost")
	b.Edit("main.tf", `"cpu"`, `"gpu"`)
	b.Edit("main.tf", `"pandas"`, `"pandas", "catboost"`)
	b.Edit("main.tf", "Churn Model 1.0", "Churn Model 1.1")
	b.Edit("main.tf", `url = "infuseai/docker-stacks:tensorflow", image_pull_secret = "image-dockerhub"`, `url = "infuseai/docker-stacks:tf2", url_for_gpu = "infuseai/docker-stacks:tf2-gpu"`)
	b.Edit("main.tf", `name         = "tensorflow-2.5"`, `name = "tensorflow-2.5"
  description = "TensorFlow"`)
	planShows(t, b.Workspace, "0 to add, 2 to change, 0 to destroy", `"pip packages changed: + catboost"`)
	b.Apply()
	if again := b.name("built"); again != name {
		t.Errorf("the name has changed from %q to %q", name, again)
	}
	b.values("built", map[string]any{"phase": "succeeded", "rebuild_reason": "pip packages changed: + catboost", "url": "registry.sandbox.invalid/primehub/" + name + ":" + hashOf(t, b, name)})
	b.expectImage(name, map[string]any{"displayName": "Churn Model 1.1", "description": "XGBoost, CatBoost", "type": "gpu", "groupName": "data-science"})
	b.expectImage("tensorflow-2.5", map[string]any{
		"description": "TensorFlow", "url": "infuseai/docker-stacks:tf2", "urlForGpu": "infuseai/docker-stacks:tf2-gpu", "useImagePullSecret": "", "groupName": "data-science",
	})
	if creates, rebuilds := b.count("createImage"), b.count("rebuildImage"); creates != 2 || rebuilds != 1 {
		t.Errorf("%d creates and %d rebuilds", creates, rebuilds)
	}
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// hashOf is the tag of what a build of an image made last.
func hashOf(t *testing.T, b *hubBench, name string) string {
	t.Helper()
	builds := b.hub.Builds(name)
	tag := regexp.MustCompile(`:([0-9a-f]{8})$`).FindStringSubmatch(builds[len(builds)-1].Target)
	if tag == nil {
		t.Fatalf("no tag: %v", builds)
	}
	return tag[1]
}

// systemImage is an image for everybody, or for some groups.
const systemImage = `
resource "rime_group_image" "a" {
  display_name = "pytorch"
  name         = "pytorch"
  global       = true
  existing     = { url = "infuseai/docker-stacks:pytorch" }
}
`

// A platform administrator gives a system image to everybody, then to groups. What somebody changes in a portal is shown, attribute by attribute, and put right.
func TestGroupImage_system(t *testing.T) {
	t.Parallel()
	b := newHubBench(t, primehub.Options{}, primehub.TokenAdmin, systemImage)
	b.Apply()
	b.values("a", map[string]any{"global": true, "groups": []any{}, "group": "", "is_ready": true})
	b.expectImage("pytorch", map[string]any{"global": true, "groupName": nil, "groups": []any{}})

	b.Edit("main.tf", "global       = true", `groups = ["research", "data-science"]`)
	b.Apply()
	b.values("a", map[string]any{"global": false, "groups": []any{"data-science", "research"}})
	b.expectImage("pytorch", map[string]any{"global": false, "groups": []any{map[string]any{"name": "data-science"}, map[string]any{"name": "research"}}})

	b.edit("pytorch", map[string]any{
		"displayName": "PyTorch!", "description": "mine", "type": "gpu", "url": "elsewhere:1", "useImagePullSecret": "image-internal", "global": true,
		"groups": map[string]any{"connect": []any{map[string]any{"id": "group-data-science-2"}}, "disconnect": []any{map[string]any{"id": "group-research"}}},
	})
	planShows(t, b.Workspace, "0 to add, 1 to change, 0 to destroy", `"PyTorch!" -> "pytorch"`, `"mine" -> ""`,
		`"gpu" -> "universal"`, `"elsewhere:1" -> "infuseai/docker-stacks:pytorch"`, `"image-internal" -> ""`, `global = true -> false`,
		`- "data-science-2",`, `+ "research",`)
	b.Apply()
	b.expectImage("pytorch", map[string]any{
		"displayName": "pytorch", "description": "", "type": "both", "url": "infuseai/docker-stacks:pytorch", "urlForGpu": "infuseai/docker-stacks:pytorch", "global": false,
		"groups": []any{map[string]any{"name": "data-science"}, map[string]any{"name": "research"}},
	})
	b.PlanIsEmpty()

	// A group's administrator has captured it, and is made to give it back.
	b.edit("pytorch", map[string]any{"groupName": "research", "displayName": "pytorch", "type": "both", "url": "infuseai/docker-stacks:pytorch"})
	planShows(t, b.Workspace, "0 to add, 1 to change, 0 to destroy", `"research" -> ""`)
	b.Apply()
	b.expectImage("pytorch", map[string]any{"groupName": nil, "groups": []any{map[string]any{"name": "data-science"}, map[string]any{"name": "research"}}})

	// One that is gone is made anew; from existing to built there is no way but a replacement.
	b.must(b.hub.Remove("pytorch"))
	planShows(t, b.Workspace, "1 to add, 0 to change, 0 to destroy")
	b.Apply()
	b.Edit("main.tf", `existing     = { url = "infuseai/docker-stacks:pytorch" }`, `build = { base_image_url = "infuseai/docker-stacks:pytorch", pip_packages = ["fastai"] }`)
	planShows(t, b.Workspace, "1 to add, 0 to change, 1 to destroy", "forces replacement")
	b.Apply()
	b.values("a", map[string]any{"phase": "succeeded", "existing": nil, "groups": []any{"data-science", "research"}})
	b.PlanIsEmpty()
	b.expectNothingLeft()
}
