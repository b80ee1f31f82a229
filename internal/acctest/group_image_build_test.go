package acctest_test

import (
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// oneBuild is an image of a group with a name of its own, built from that package.
func oneBuild(pip string) string {
	return `
resource "rime_group_image" "a" {
  display_name = "churn"
  name         = "churn"
  type         = "cpu"
  group        = "data-science"
  build = {
    base_image_url = "jupyter/base-notebook"
    pip_packages = ["` + pip + `"]
  }
}
`
}

// A build that fails says why, and what is corrected is built. One that fails or is cancelled later is planned to be repaired, with the reason, and leaves the image of the build before in use.
func TestGroupImage_outcomes(t *testing.T) {
	t.Parallel()
	b := newHubBench(t, primehub.Options{}, primehub.TokenGroupAdmin, oneBuild("sandbox-not-found"))
	fails(t, b.Workspace, []string{"apply", "-auto-approve"}, "Error: PrimeHub Image Build Failed", `because of the pip package "sandbox-not-found"`,
		"ERROR: No matching distribution found for sandbox-not-found", "Step: build", "Last lines of the log:", "simulated by rime-sandbox")
	if image, found := b.GroupImage("a"); !found || !image.Tainted || image.Text("phase") != "failed" {
		t.Errorf("after a first build that failed the state has %v, %v", image, found)
	}
	b.Write("main.tf", oneBuild("xgboost"))
	planShows(t, b.Workspace, "1 to add, 0 to change, 1 to destroy", "is tainted, so must be replaced")
	b.Apply()
	b.values("a", map[string]any{"phase": "succeeded", "is_ready": true})
	good := b.attribute("a", "url")

	b.Write("main.tf", oneBuild("sandbox-push-denied"))
	fails(t, b.Workspace, []string{"apply", "-auto-approve"}, "Error: PrimeHub Image Build Failed", `in the step "push"`, "ask those who run PrimeHub")
	b.values("a", map[string]any{"phase": "failed", "is_ready": true, "url": good})
	planShows(t, b.Workspace, "0 to add, 1 to change, 0 to destroy", `"the last build failed"`)
	b.must(b.hub.Fail("sandbox-push-denied", ""))
	b.Apply()
	b.values("a", map[string]any{"phase": "succeeded", "rebuild_reason": "the last build failed"})
	b.PlanIsEmpty()

	// Somebody rebuilds it from something else in the portal, and cancels that.
	pip := "numpy\npandas"
	b.must(b.hub.RebuildInPortal("churn", primehub.PortalBuild{BaseImage: "jupyter/base-notebook", Pip: &pip}))
	begun := len(b.hub.Builds("churn")) + 1
	acctest.Eventually(t, "the build", func() bool { return len(b.hub.Builds("churn")) == begun })
	b.must(b.hub.CancelInPortal("churn"))
	acctest.Eventually(t, "the end of the build", func() bool { return b.image("churn")["jobStatus"].(map[string]any)["phase"] == "Cancelled" })
	planShows(t, b.Workspace, "pip packages changed: + sandbox-push-denied, - numpy, - pandas; the last build was cancelled")
	b.Apply()
	b.values("a", map[string]any{"phase": "succeeded", "is_ready": true})
	b.PlanIsEmpty()

	// The same is asked for once more, by a trigger; and another spelling is nothing.
	b.Edit("main.tf", `display_name = "churn"`, `display_name = "churn"
  triggers = { week = "47" }`)
	planShows(t, b.Workspace, "triggers changed: week")
	b.Apply()
	b.Edit("main.tf", `["sandbox-push-denied"]`, `[" sandbox-push-denied "]`)
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// Ctrl-C cancels the build at once, and the next apply finishes the job. A provider that is killed during a rebuild leaves it running; the next apply waits for that one.
func TestGroupImage_interrupt(t *testing.T) {
	t.Parallel()
	b, c := slowHub(t, oneBuild("xgboost"))
	p := b.startBuilding(1)
	p.Interrupt()
	acctest.Eventually(t, "the request to cancel", func() bool { return b.count("cancelImageBuild") > 0 })
	r := p.Wait()
	shows(t, r, "Error: PrimeHub Image Build Interrupted", `Waiting for the build of PrimeHub image "churn" was interrupted. The build was cancelled.`)
	if r.ExitCode != 1 || b.building() > 0 {
		t.Errorf("exit status %d, %d builds", r.ExitCode, b.building())
	}
	b.values("a", map[string]any{"phase": "cancelled"})

	b.must(b.hub.SetBuildTime(hubBuildTime))
	b.Apply()
	b.values("a", map[string]any{"phase": "succeeded"})

	b.Write("main.tf", oneBuild("catboost"))
	b.must(b.hub.SetBuildTime(hubSlowBuild))
	p = b.startBuilding(1)
	p.Kill()
	p.Wait()
	planShows(t, b.Workspace, "a build that was not waited for is under way")
	b.ends(b.startBuilding(1), c)
	b.values("a", map[string]any{"phase": "succeeded"})
	if rebuilds := b.count("rebuildImage"); rebuilds != 1 {
		t.Errorf("%d rebuilds were asked for", rebuilds)
	}
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// Images that were made in the portal are imported with their generated names and their oddities, and nothing is planned for them then.
func TestGroupImage_import(t *testing.T) {
	t.Parallel()
	b := newHubBench(t, primehub.Options{}, primehub.TokenGroupAdmin, "")
	cleared, conda := "", "-c pytorch -c fastai fastai\nnumpy=1.17"
	built, err := b.hub.AddFromPortal("data-science", primehub.PortalForm{DisplayName: "Fast AI_2", Type: "both", Build: &primehub.PortalBuild{
		BaseImage: "jupyter/base-notebook", PullSecret: "image-dockerhub", Apt: &cleared, Conda: &conda,
	}})
	b.must(err)
	added, err := b.hub.AddFromPortal("data-science", primehub.PortalForm{DisplayName: "R 4", Description: "R and friends", Type: "both", URL: "r-base:4", URLForGPU: "r-base:4-gpu", PullSecret: "image-internal"})
	b.must(err)
	acctest.Eventually(t, "the build", func() bool { return b.image(built)["isReady"] == true })
	b.Write("main.tf", `
resource "rime_group_image" "built" {
  display_name = "Fast AI_2"
  group        = "data-science"
  triggers     = { week = "47" }
  build = {
    base_image_url    = "jupyter/base-notebook"
    image_pull_secret = "image-dockerhub"
    conda_packages = ["-c pytorch", "-c fastai", "fastai", "numpy=1.17"]
  }
}

resource "rime_group_image" "added" {
  display_name = "R 4"
  description  = "R and friends"
  group        = "data-science"
  existing     = { url = "r-base:4", url_for_gpu = "r-base:4-gpu", image_pull_secret = "image-internal" }
}
`)
	b.MustRun("import", "rime_group_image.built", built)
	b.Write("import.tf", `
import {
  to = rime_group_image.added
  id = "`+added+`"
}
`)
	// Terraform keeps the triggers, which no platform knows: that is all there is to do.
	planShows(t, b.Workspace, "1 to import, 0 to add, 1 to change, 0 to destroy", "+ triggers = {")
	b.Apply()
	if changes := b.count("createImage") + b.count("updateImage") + b.count("rebuildImage"); changes != 0 {
		t.Errorf("an import changed something on the platform: %d requests", changes)
	}
	b.values("built", map[string]any{"name": built, "groups": []any{"data-science"}, "phase": "succeeded"})
	b.PlanIsEmpty()

	// Terraform writes the configuration of another one by itself.
	written, err := b.hub.AddFromPortal("data-science", primehub.PortalForm{DisplayName: "Written", Type: "cpu", Build: &primehub.PortalBuild{BaseImage: "jupyter/base-notebook", Conda: &conda}})
	b.must(err)
	acctest.Eventually(t, "the build", func() bool { return b.image(written)["isReady"] == true })
	b.Write("import.tf", `
import {
  to = rime_group_image.written
  id = "`+written+`"
}
`)
	b.MustRun("plan", "-generate-config-out=written.tf")
	shows(t, b.MustRun("apply", "-auto-approve"), "1 imported, 0 added, 0 changed, 0 destroyed")
	b.expectNothingLeft()
}

// Entries that an older portal has stored with blanks in them are dropped by each build. A configuration that asks for what was meant is planned as what it is, a change of packages.
func TestGroupImage_importDropped(t *testing.T) {
	t.Parallel()
	b := newHubBench(t, primehub.Options{}, primehub.TokenAdmin, `
import {
  to = rime_group_image.a
  id = "old"
}

resource "rime_group_image" "a" {
  display_name = "old"
  name         = "old"
  build = {
    base_image_url = "jupyter/base-notebook"
    apt_packages = ["curl", "vim git"]
  }
}
`)
	_, err := b.hub.Do(primehub.UserAdmin, `mutation { createImage(data: { name: "old", imageSpec: { baseImage: "jupyter/base-notebook", packages: { apt: ["curl", "vim git"], pip: [""] } } }) { id } }`, nil)
	b.must(err)
	acctest.Eventually(t, "the build", func() bool { return b.image("old")["isReady"] == true })
	planShows(t, b.Workspace, "1 to import, 0 to add, 1 to change, 0 to destroy", `+ rebuild_reason = "apt packages changed: + vim, + git"`)
	b.Apply()
	b.values("a", map[string]any{"phase": "succeeded", "dropped_packages": []any{}})
	b.expectImage("old", map[string]any{"imageSpec": map[string]any{
		"baseImage": "jupyter/base-notebook", "pullSecret": nil, "cancel": nil, "packages": map[string]any{"apt": []any{"curl", "vim", "git"}, "conda": []any{}, "pip": []any{}},
	}})
	b.PlanIsEmpty()
	b.expectNothingLeft()
}
