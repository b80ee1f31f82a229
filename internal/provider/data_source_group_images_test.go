package provider

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// TestPrimeHub_dataSources reads images, groups and secrets as the member of a group, who may change nothing.
func TestPrimeHub_dataSources(t *testing.T) {
	t.Parallel()
	server := startHub(t, primehub.Options{})
	for _, image := range []string{
		`name: "pytorch", displayName: "PyTorch", description: "For everybody", type: "gpu", url: "pytorch:1", global: true`,
		`name: "r-4", displayName: "R 4", type: "cpu", url: "r-base:4", groupName: "data-science", useImagePullSecret: "image-internal", groups: { connect: [{ id: "group-data-science" }] }`,
		`name: "other", displayName: "Other", groupName: "data-science-2"`,
		`name: "built", imageSpec: { baseImage: "r-base:4", packages: { apt: ["curl vim"], pip: [""] } }, groups: { connect: [{ id: "group-data-science" }] }`,
	} {
		if _, err := server.Do(primehub.UserAdmin, `mutation { createImage(data: { `+image+` }) { id } }`, nil); err != nil {
			t.Fatal(err)
		}
	}
	config := `
data "rime_group_image" "r" {
  name = "r-4"
}

data "rime_group_image" "built" {
  name = "built"
}

data "rime_group" "ours" {}

data "rime_image_pull_secrets" "all" {}

output "r" {
  value = join(" ", [data.rime_group_image.r.url, data.rime_group_image.r.group, data.rime_group_image.r.image_pull_secret, join(",", data.rime_group_image.r.groups)])
}

output "built" {
  value = join(" ", concat(data.rime_group_image.built.dropped_packages, data.rime_group_image.built.build.pip_packages, tolist(data.rime_group_image.built.groups)))
}

output "group" {
  value = join(" ", concat([data.rime_group.ours.id, data.rime_group.ours.display_name, tostring(data.rime_group.ours.is_admin)], data.rime_group.ours.admins))
}

output "secret" {
  value = data.rime_image_pull_secrets.all.ids["dockerhub"]
}
`
	provider := replaced(onHub(server, primehub.TokenMember, ""), "primehub = {", "primehub = {\ngroup = \"data-science\"")
	var checks []statecheck.StateCheck
	for name, filter := range map[string]struct{ arguments, images string }{
		"all": {"", "built,other,pytorch,r-4"}, "search": {`search = "PYTORCH"`, "pytorch"}, "by_type": {`search = "gpu"`, "pytorch"},
		"system": {`scope = "system"`, "built,pytorch"}, "ours": {`scope = "group"`, "r-4"}, "exact": {`group = "data-science-2"`, "other"}, "cpu": {`type = "cpu"`, "r-4"},
		"unready": {"is_ready = false\n group = \"data-science-2\"", "other"}, "nothing": {"search = \"r\"\n type = \"gpu\"\n is_ready = false", ""},
	} {
		config += fmt.Sprintf("data \"rime_group_images\" %q {\n%s\n}\noutput %q {\nvalue = join(\",\", data.rime_group_images.%s.images[*].name)\n}\n", name, filter.arguments, name, name)
		checks = append(checks, statecheck.ExpectKnownOutputValue(name, knownvalue.StringExact(filter.images)))
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: inAHurry(),
		Steps: []resource.TestStep{
			{
				Config: provider + config,
				ConfigStateChecks: append(checks,
					statecheck.ExpectKnownOutputValue("r", knownvalue.StringExact("r-base:4 data-science image-internal data-science")),
					statecheck.ExpectKnownOutputValue("built", knownvalue.StringExact("curl vim data-science")),
					statecheck.ExpectKnownOutputValue("group", knownvalue.StringExact("group-data-science Data Science false dana")),
					statecheck.ExpectKnownOutputValue("secret", knownvalue.StringExact("image-dockerhub")),
				),
			},
			{Config: provider + "data \"rime_group_image\" \"a\" {\nname = \"gone\"\n}", ExpectError: words(`PrimeHub Image Not Found § Looked for PrimeHub image "gone"`)},
			{Config: provider + "data \"rime_group\" \"a\" {\nname = \"research\"\n}", ExpectError: words(`PrimeHub Group Not Found § Group "research" is not among those of the API token's owner. The API token's owner belongs to: data-science.`)},
			{Config: onHub(server, primehub.TokenMember, `data "rime_group" "a" {}`), ExpectError: words(`name has no value. Set it, or the environment variable PRIMEHUB_GROUP.`)},
			{Config: onHub(server, "nonsense", `data "rime_image_pull_secrets" "a" {}`), ExpectError: words(`PrimeHub API Token Not Accepted § Tried to list PrimeHub image pull secrets. § Request a new API token`)},
		},
	})
	if changes := server.Count("POST", "/(create|update|rebuild|delete|cancel)"); changes != 0 {
		t.Errorf("data sources have changed something: %d requests", changes)
	}
}
