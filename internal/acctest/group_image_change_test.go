package acctest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// A groupImageChange is a change of one attribute of an image of its own.
type groupImageChange struct {
	// before and after are what is configured besides the names.
	before, after string
	// action is what a plan makes of it, and reason the reason of a rebuild.
	action, reason string
	// want are fields of the image on the platform afterwards.
	want map[string]any
}

func groupImageChanges() map[string]groupImageChange {
	const address, update, replace = `existing = { url = "a/b:1" }`, "update", "delete create"
	existing := func(more string) string { return `existing = { url = "a/b:1", ` + more + ` }` }
	build := func(more string) string {
		return `build = { base_image_url = "a/b:1", apt_packages = ["curl"], conda_packages = ["-c conda-forge", "numpy"], pip_packages = ["pandas"]` + more + " }"
	}
	rebuilt := func(from, to, reason string, want map[string]any) groupImageChange {
		return groupImageChange{build(""), strings.Replace(build(""), from, to, 1), update, reason, map[string]any{"isReady": true, "imageSpec": want}}
	}
	spec := func(change map[string]any) map[string]any {
		packages := map[string]any{"apt": []any{"curl"}, "conda": []any{"-c", "conda-forge", "numpy"}, "pip": []any{"pandas"}}
		for installer := range packages {
			if list, changed := change[installer]; changed {
				packages[installer] = list
			}
		}
		return map[string]any{"baseImage": or(change["base"], "a/b:1"), "pullSecret": change["secret"], "cancel": nil, "packages": packages}
	}
	return map[string]groupImageChange{
		"display-name":    {`display_name = "x"` + "\n" + address, `display_name = "y"` + "\n" + address, update, "", map[string]any{"displayName": "y"}},
		"description":     {address, address + "\ndescription = \"text\"", update, "", map[string]any{"description": "text"}},
		"description-off": {address + "\ndescription = \"text\"", address, update, "", map[string]any{"description": ""}},
		"type":            {existing(`url_for_gpu = "a/b:gpu"`), address + "\ntype = \"gpu\"", update, "", map[string]any{"type": "gpu", "urlForGpu": "a/b:1"}},
		"url":             {address, `existing = { url = "a/b:2" }`, update, "", map[string]any{"url": "a/b:2", "urlForGpu": "a/b:2", "isReady": true}},
		"url-for-gpu":     {address, existing(`url_for_gpu = "a/b:gpu"`), update, "", map[string]any{"url": "a/b:1", "urlForGpu": "a/b:gpu"}},
		"url-for-gpu-off": {existing(`url_for_gpu = "a/b:gpu"`), address, update, "", map[string]any{"url": "a/b:1", "urlForGpu": "a/b:1"}},
		"pull-secret":     {existing(`image_pull_secret = "image-internal"`), existing(`image_pull_secret = "image-dockerhub"`), update, "", map[string]any{"useImagePullSecret": "image-dockerhub"}},
		"pull-secret-off": {existing(`image_pull_secret = "image-internal"`), address, update, "", map[string]any{"useImagePullSecret": ""}},
		"global":          {address, address + "\nglobal = true", update, "", map[string]any{"global": true}},
		"global-off":      {address + "\nglobal = true", address, update, "", map[string]any{"global": false}},
		"groups": {
			address + "\ngroups = [\"research\", \"data-science\"]", address + "\ngroups = [\"data-science-2\", \"data-science\"]", update, "",
			map[string]any{"groups": []any{map[string]any{"name": "data-science"}, map[string]any{"name": "data-science-2"}}},
		},
		"group": {
			address + "\ngroup = \"research\"", address + "\ngroup = \"data-science\"", update, "",
			map[string]any{"groupName": "data-science", "groups": []any{map[string]any{"name": "data-science"}}},
		},
		"group-off": {address + "\ngroup = \"research\"", address + "\ngroup = \"\"", update, "", map[string]any{"groupName": nil, "groups": []any{}}},
		"group-on": {
			address + "\ngroups = [\"research\", \"data-science\"]", address + "\ngroup = \"research\"", update, "",
			map[string]any{"groupName": "research", "groups": []any{map[string]any{"name": "research"}}},
		},
		"group-of-all": { // a system image for everybody, given to a group, is for that group only
			address + "\nglobal = true", address + "\ngroup = \"research\"", update, "",
			map[string]any{"groupName": "research", "global": false, "groups": []any{map[string]any{"name": "research"}}},
		},
		"group-built":    {build("") + "\ngroup = \"research\"", build("") + "\ngroup = \"data-science\"", update, "", map[string]any{"groupName": "data-science", "imageSpec": spec(nil)}},
		"name":           {"name = \"one\"\n" + address, "name = \"two\"\n" + address, replace, "", nil},
		"base-image":     rebuilt(`"a/b:1"`, `"a/b:2"`, "base image changed: a/b:1 -> a/b:2", spec(map[string]any{"base": "a/b:2"})),
		"base-secret":    rebuilt(`"a/b:1"`, `"a/b:1", image_pull_secret = "image-internal"`, "pull secret of the base image changed", spec(map[string]any{"secret": "image-internal"})),
		"apt":            rebuilt(`["curl"]`, `["git", "curl"]`, "apt packages changed: + git", spec(map[string]any{"apt": []any{"git", "curl"}})),
		"conda":          rebuilt(`conda_packages = ["-c conda-forge", "numpy"], `, ``, "conda packages changed: - -c, - conda-forge, - numpy", spec(map[string]any{"conda": []any{}})),
		"pip":            rebuilt(`["pandas"]`, `["polars"]`, "pip packages changed: + polars, - pandas", spec(map[string]any{"pip": []any{"polars"}})),
		"triggers":       {build(""), build("") + "\ntriggers = { week = 47 }", update, "triggers changed: week", map[string]any{"imageSpec": spec(nil)}},
		"built-as-other": {build(""), build("") + "\ndescription = \"text\"", update, "", map[string]any{"description": "text", "isReady": true, "imageSpec": spec(nil)}},
	}
}

func or(value, otherwise any) any {
	if value == nil {
		return otherwise
	}
	return value
}

// ofChanges is the configuration of the images, before or after.
func ofChanges(changes map[string]groupImageChange, body func(groupImageChange) string) string {
	var config strings.Builder
	for _, label := range slices.Sorted(maps.Keys(changes)) {
		text := body(changes[label])
		for attribute, value := range map[string]string{"display_name": "an image", "name": label} {
			if !strings.HasPrefix(text, attribute+" =") {
				text += fmt.Sprintf("\n%s = %q", attribute, value)
			}
		}
		fmt.Fprintf(&config, "resource \"rime_group_image\" %q {\n%s\n}\n", label, text)
	}
	return config.String()
}

// Each attribute changes an image in one way: in place, with or without a build, or by another image. All of them in one plan, whose apply leaves nothing to plan.
func TestGroupImage_changes(t *testing.T) {
	t.Parallel()
	changes := groupImageChanges()
	b := newHubBench(t, primehub.Options{}, primehub.TokenAdmin, ofChanges(changes, func(c groupImageChange) string { return c.before }))
	b.Apply()
	b.PlanIsEmpty()
	b.hub.Forget()
	b.Write("main.tf", ofChanges(changes, func(c groupImageChange) string { return c.after }))
	b.MustRun("plan", "-out=tfplan")
	b.expectPlanned(changes)
	b.MustRun("apply", "tfplan")
	rebuilds := 0
	for label, change := range changes {
		b.expectImage(b.name(label), change.want)
		if change.reason != "" {
			rebuilds++
			b.values(label, map[string]any{"phase": "succeeded", "rebuild_reason": change.reason})
		}
	}
	if asked := b.count("rebuildImage"); asked != rebuilds {
		t.Errorf("%d rebuilds, want %d", asked, rebuilds)
	}
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// expectPlanned holds the saved plan against what it has to be.
func (b *hubBench) expectPlanned(changes map[string]groupImageChange) {
	b.t.Helper()
	var plan struct {
		Changes []struct {
			Name   string
			Change struct {
				Actions []string
				After   map[string]any
			}
		} `json:"resource_changes"`
	}
	b.must(json.Unmarshal([]byte(b.MustRun("show", "-json", "tfplan").Output), &plan))
	for _, planned := range plan.Changes {
		want := changes[planned.Name]
		reason, _ := planned.Change.After["rebuild_reason"].(string)
		if action := strings.Join(planned.Change.Actions, " "); action != want.action || reason != want.reason {
			b.t.Errorf("%s: planned is %q because of %q, want %q because of %q", planned.Name, action, reason, want.action, want.reason)
		}
	}
	if len(plan.Changes) != len(changes) {
		b.t.Errorf("%d changes are planned, want %d", len(plan.Changes), len(changes))
	}
}

// While an apply builds an image, a person has it built from something else: the apply waits for that, and says so. So it does when the image is rebuilt, and edited as well; then it is an error, as
// that costs no image. The next plan shows what is different, and its apply puts it right.
func TestGroupImage_concurrentEdit(t *testing.T) {
	t.Parallel()
	b := newHubBench(t, primehub.Options{}, primehub.TokenGroupAdmin, oneBuild("xgboost"))
	b.must(b.hub.SetBuildTime(hubSlowBuild))
	p := b.startBuilding(1)
	other := "scipy"
	b.must(b.hub.SetBuildTime(hubBuildTime))
	b.must(b.hub.RebuildInPortal("churn", primehub.PortalBuild{BaseImage: "jupyter/base-notebook", Pip: &other}))
	r := p.Wait()
	shows(t, r, "Warning: PrimeHub Image Build Replaced", "The image can be used, but it is what that build made.")
	if image, found := b.GroupImage("a"); r.ExitCode != 0 || !found || image.Tainted || image.Text("url") == "" {
		t.Errorf("exit status %d, %+v", r.ExitCode, image)
	}
	planShows(t, b.Workspace, "0 to add, 1 to change, 0 to destroy", "pip packages changed: + xgboost, - scipy")
	b.Apply()

	b.must(b.hub.SetBuildTime(hubSlowBuild))
	b.Write("main.tf", oneBuild("catboost"))
	p = b.startBuilding(1)
	b.must(b.hub.SetBuildTime(hubBuildTime))
	b.must(b.hub.EditInPortal("churn", primehub.PortalForm{DisplayName: "churn", Description: "mine", Type: "cpu"}))
	pip := "numpy"
	b.must(b.hub.RebuildInPortal("churn", primehub.PortalBuild{BaseImage: "jupyter/base-notebook", Pip: &pip}))
	r = p.Wait()
	shows(t, r, "Error: PrimeHub Image Build Replaced", `somebody has had it built from something else at`, "Agree on who manages the image, then plan again")
	if r.ExitCode != 1 || b.count("cancelImageBuild") > 0 {
		t.Errorf("exit status %d, %d builds were cancelled", r.ExitCode, b.count("cancelImageBuild"))
	}
	planShows(t, b.Workspace, "0 to add, 1 to change, 0 to destroy", `"mine" -> ""`, "pip packages changed: + catboost, - numpy")
	b.Apply()
	b.expectImage("churn", map[string]any{"description": nil, "groupName": "data-science", "groups": []any{map[string]any{"name": "data-science"}}})
	b.values("a", map[string]any{"phase": "succeeded"})
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// An image is replaced by one of the same name while the job of the old one is still there, and its role is deleted once more afterwards: what is built is what was asked for, and those
// who are to use it may.
func TestGroupImage_replaceSameName(t *testing.T) {
	t.Parallel()
	b := newHubBench(t, primehub.Options{CollectionDelay: time.Second, WatcherDelay: 500 * time.Millisecond}, primehub.TokenAdmin, oneBuild("xgboost"))
	b.Apply()
	old := b.attribute("a", "url")
	b.Edit("main.tf", `"data-science"`, `"research"`)
	b.Edit("main.tf", `"xgboost"`, `"catboost"`)
	shows(t, b.MustRun("apply", "-auto-approve", "-replace=rime_group_image.a"), "1 added, 0 changed, 1 destroyed")
	builds := b.hub.Builds("churn")
	last := builds[len(builds)-1]
	b.values("a", map[string]any{"phase": "succeeded", "url": last.Target, "groups": []any{"research"}, "rebuild_reason": nil})
	if last.Target == old {
		t.Errorf("the image is still %s", old)
	}
	b.expectImage("churn", map[string]any{"groupName": "research", "url": last.Target, "groups": []any{map[string]any{"name": "research"}}})
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// An image that is only added is there at once, and its role is deleted once more after that.
func TestGroupImage_replaceSameNameAdded(t *testing.T) {
	t.Parallel()
	var c clock
	b := newHubBench(t, primehub.Options{Clock: c.now, WatcherDelay: 4 * time.Second}, primehub.TokenAdmin, strings.Replace(addedImage, `group   `, `name = "r-4"
  group   `, 1))
	b.Apply()
	b.Edit("main.tf", `"data-science"`, `"research"`)
	b.MustRun("apply", "-auto-approve", "-replace=rime_group_image.a")
	c.forward(time.Hour) // whatever the platform has still to do is done by now
	b.expectImage("r-4", map[string]any{"groupName": "research", "groups": []any{map[string]any{"name": "research"}}})
	b.PlanIsEmpty()
	b.expectNothingLeft()
}
