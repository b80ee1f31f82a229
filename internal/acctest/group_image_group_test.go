package acctest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// ungrouped is an image without a group in its configuration.
func ungrouped(name string) string {
	return fmt.Sprintf("resource \"rime_group_image\" %[1]q {\n  display_name = %[1]q\n  name         = %[1]q\n  existing     = { url = \"r-base:4\" }\n}\n", name)
}

// defaultGroup makes a group that of the provider on this machine, by the settings file of PrimeHub's SDK.
func (b *hubBench) defaultGroup(name string) {
	b.t.Helper()
	file := filepath.Join(b.Env["HOME"], ".primehub", "config.json")
	b.must(os.MkdirAll(filepath.Dir(file), 0o700))
	b.must(os.WriteFile(file, []byte(`{"group": {"name": "`+name+`"}}`), 0o600))
}

// The group of the provider counts for a new image only. After that, an image keeps what it has, on every machine, and gets
// that back when somebody takes it away.
func TestGroupImage_defaultGroup(t *testing.T) {
	t.Parallel()
	b := newHubBench(t, primehub.Options{}, primehub.TokenAdmin, ungrouped("system"))
	b.Apply()
	b.Env["PRIMEHUB_GROUP"] = "data-science"
	b.PlanIsEmpty()
	b.Write("team.tf", ungrouped("team"))
	b.Apply()
	b.values("system", map[string]any{"group": "", "groups": []any{}})
	b.values("team", map[string]any{"group": "data-science", "groups": []any{"data-science"}})

	delete(b.Env, "PRIMEHUB_GROUP")
	b.PlanIsEmpty()
	b.defaultGroup("research")
	b.PlanIsEmpty()
	b.edit("team", map[string]any{"groups": map[string]any{"connect": []any{map[string]any{"id": "group-research"}}}})
	b.edit("system", map[string]any{"groupName": "research"})
	planShows(t, b.Workspace, "0 to add, 2 to change, 0 to destroy", `"" -> "data-science"`, `"research" -> ""`)
	b.Apply()
	b.expectImage("team", map[string]any{"groupName": "data-science", "groups": []any{map[string]any{"name": "data-science"}, map[string]any{"name": "research"}}})
	b.expectImage("system", map[string]any{"groupName": nil, "groups": []any{}})
	b.PlanIsEmpty()

	// Another state knows no more than the platform does.
	b.MustRun("state", "rm", "rime_group_image.team", "rime_group_image.system")
	b.MustRun("import", "rime_group_image.team", b.hub.Endpoint()+"/team")
	b.MustRun("import", "rime_group_image.system", "system")
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// importBlocks are blocks that import these images.
func importBlocks(names []string) string {
	var blocks strings.Builder
	for _, name := range names {
		fmt.Fprintf(&blocks, "import {\n  to = rime_group_image.%[1]s\n  id = %[1]q\n}\n", name)
	}
	return blocks.String()
}

// What Terraform writes for images that were made in any way plans nothing, whatever group is the provider's. An image that has
// no good build is the exception: it is built, without what kept it from that.
func TestGroupImage_generated(t *testing.T) {
	t.Parallel()
	b := newHubBench(t, primehub.Options{}, primehub.TokenAdmin, "")
	b.defaultGroup("research")
	names := []string{}
	for name, data := range map[string]string{
		"system":  `url: "r-base:4"`,
		"all":     `url: "r-base:4", global: true`,
		"groups":  `url: "r-base:4", groups: { connect: [{ id: "group-research" }, { id: "group-data-science" }] }`,
		"team":    `url: "r-base:4", useImagePullSecret: "image-dockerhub", groupName: "data-science", groups: { connect: [{ id: "group-data-science" }] }`,
		"lost":    `url: "r-base:4", groupName: "data-science"`,
		"shared":  `url: "r-base:4", groupName: "data-science", global: true, groups: { connect: [{ id: "group-data-science" }] }`,
		"blank":   `url: "r-base:4", displayName: " Blank "`,
		"cleared": `imageSpec: { baseImage: "a/b:1", packages: { apt: [""], conda: [""], pip: ["", " "] } }`,
		"dropped": `imageSpec: { baseImage: "a/b:1", packages: { apt: ["vim git"], conda: ["scipy", "numpy==1.17*"], pip: ["pandas>=1", "xgboost==1.7.6"] } }`,
		"broken":  `imageSpec: { baseImage: "a/b:1", packages: { conda: ["numpy", "-c", "conda-forge::numpy==1.17*"] } }`,
	} {
		names = append(names, name)
		_, err := b.hub.Do(primehub.UserAdmin, `mutation { createImage(data: { name: "`+name+`", type: "cpu", `+data+` }) { id } }`, nil)
		b.must(err)
	}
	ended := func() bool {
		return b.image("cleared")["isReady"] == true && b.image("dropped")["isReady"] == true && b.image("broken")["jobStatus"].(map[string]any)["phase"] == "Failed"
	}
	acctest.Eventually(t, "the builds", ended)
	b.Write("import.tf", importBlocks(names))
	b.MustRun("plan", "-generate-config-out=written.tf")
	planShows(t, b.Workspace, "10 to import, 0 to add, 1 to change, 0 to destroy", `"the last build failed"`)
	b.Apply()
	b.values("dropped", map[string]any{"dropped_packages": []any{"vim git", "numpy==1.17*", "pandas>=1"}, "phase": "succeeded"})
	b.values("broken", map[string]any{"dropped_packages": []any{}, "phase": "succeeded"})
	if changes := b.count("createImage") + b.count("updateImage"); changes != 0 || b.count("rebuildImage") != 1 {
		t.Errorf("%d changes, %d rebuilds", changes, b.count("rebuildImage"))
	}
	b.PlanIsEmpty()
	b.expectNothingLeft()
}
