package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// invalidGroupImages are configurations that a plan refuses, with what is said about each. § stands for anything.
var invalidGroupImages = map[string]struct{ body, message string }{
	"neither existing nor build": {`display_name = "a"`, `Exactly one of these attributes must be configured: [existing,build]`},
	"both existing and build": {
		"display_name = \"a\"\n existing = { url = \"a:1\" }\n build = { base_image_url = \"a:1\" }", `Exactly one of these attributes must be configured: [existing,build]`,
	},
	"nothing to trigger":      {"display_name = \"a\"\n existing = { url = \"a:1\" }\n triggers = { a = 1 }", `These attributes cannot be configured together: [existing,triggers]`},
	"blank display name":      {"display_name = \" \"\n existing = { url = \"a:1\" }", `Invalid Display Name § display_name = " " is blank`},
	"display name with blank": {"display_name = \"a \"\n existing = { url = \"a:1\" }", `Invalid Display Name § Write "a".`},
	"name":                    {"display_name = \"a\"\n name = \"My.Image\"\n existing = { url = \"a:1\" }", `Invalid PrimeHub Image Name § name = "My.Image" cannot be the name of an image § Leave it out`},
	"long name":               {"display_name = \"a\"\n name = \"" + strings.Repeat("a", 64) + "\"\n build = { base_image_url = \"a:1\" }", `Invalid PrimeHub Image Name § is longer than 63 characters, so that PrimeHub would never build it.`},
	"type":                    {"display_name = \"a\"\n type = \"both\"\n existing = { url = \"a:1\" }", `type value must be one of: ["cpu" "gpu" "universal"]`},
	"url":                     {"display_name = \"a\"\n existing = { url = \"docker://a:1\" }", `Invalid Image Reference § existing.url = "docker://a:1" must not have a scheme. Write "a:1".`},
	"address for GPUs":        {"display_name = \"a\"\n type = \"cpu\"\n existing = { url = \"a:1\", url_for_gpu = \"a:2\" }", `Address Without Effect § existing.url_for_gpu = "a:2" has no effect: § write type = "universal".`},
	"groups of a group image": {"display_name = \"a\"\n group = \"b\"\n groups = [\"c\"]\n existing = { url = \"a:1\" }", "Group Image Cannot Be Shared § groups lets others use the image § `group = \"\"`."},
	"a global group image":    {"display_name = \"a\"\n group = \"b\"\n global = true\n existing = { url = \"a:1\" }", "Group Image Cannot Be Shared § global lets others use the image"},
	"base image":              {"display_name = \"a\"\n build = { base_image_url = \"\" }", `Invalid Image Reference § build.base_image_url = "" is not an image reference.`},
	"the documents' own example": {
		"display_name = \"a\"\n build = {\n base_image_url = \"a:1\"\n conda_packages = [\"scipy\", \"-c conda-forge::numpy==1.17*\"]\n}",
		`Invalid PrimeHub Package Entry § build.conda_packages[1] = "-c conda-forge::numpy==1.17*" cannot be used: "conda-forge::numpy==1.17*" is dropped by PrimeHub without a trace, because of "*": § Write "conda-forge::numpy=1.17" without -c`,
	},
	"pip range": {
		"display_name = \"a\"\n build = {\n base_image_url = \"a:1\"\n pip_packages = [\"numpy>=1.2\"]\n}",
		`Invalid PrimeHub Package Entry § build.pip_packages[0] = "numpy>=1.2" is dropped by PrimeHub without a trace, because of ">" § Write "numpy"`,
	},
	"apt name": {
		"display_name = \"a\"\n build = {\n base_image_url = \"a:1\"\n apt_packages = [\"curl\", \"g++\"]\n}",
		`Invalid PrimeHub Package Entry § build.apt_packages[1] = "g++" is dropped by PrimeHub without a trace, because of "+"`,
	},
	"empty entry": {"display_name = \"a\"\n build = {\n base_image_url = \"a:1\"\n apt_packages = [\"\"]\n}", `Invalid PrimeHub Package Entry § build.apt_packages[0] = "" is empty.`},
	"open option": {"display_name = \"a\"\n build = {\n base_image_url = \"a:1\"\n conda_packages = [\"numpy\", \"-c\"]\n}", `Invalid PrimeHub Package Entry § build.conda_packages[1] = "-c" stands at the end`},
}

func TestGroupImage_invalidConfig(t *testing.T) {
	t.Parallel()
	server := startHub(t, primehub.Options{})
	for name, invalid := range invalidGroupImages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			planned(t, onHub(server, primehub.TokenAdmin, "resource \"rime_group_image\" \"test\" {\n"+invalid.body+"\n}\n"), invalid.message)
		})
	}
	t.Cleanup(func() {
		if requests := server.Requests(); len(requests) > 0 {
			t.Errorf("a plan of something new has asked the platform: %v", requests)
		}
	})
}

// Everything may be unknown at a plan, through variables as through other resources, and is checked when it is known.
func TestGroupImage_unknown(t *testing.T) {
	t.Parallel()
	server := startHub(t, primehub.Options{})
	config := `
resource "terraform_data" "all" {
  input = { text = "data-science", url = "jupyter/base-notebook", packages = ["xgboost", "pandas"] }
}

resource "terraform_data" "group" {
  input = "research"
}

resource "rime_group_image" "test" {
  display_name = terraform_data.all.output.text
  group        = terraform_data.group.output
  triggers     = { of = terraform_data.all.output.text }
  build = {
    base_image_url = terraform_data.all.output.url
    pip_packages   = terraform_data.all.output.packages
    conda_packages = ["-c", terraform_data.all.output.text]
  }
}

resource "rime_group_image" "system" {
  display_name = "system"
  groups       = [terraform_data.group.output]
  existing     = { url = terraform_data.all.output.url }
}
`
	changed := strings.NewReplacer(`"pandas"`, `"catboost"`, `url = "jupyter/base-notebook"`, `url = "jupyter/scipy-notebook"`).Replace(config)
	applyOnHub(t, server,
		resource.TestStep{Config: onHub(server, primehub.TokenAdmin, config)},
		resource.TestStep{Config: onHub(server, primehub.TokenAdmin, changed)},
		resource.TestStep{Config: onHub(server, primehub.TokenAdmin, strings.Replace(changed, `"catboost"`, `"catboost<2"`, 1)), ExpectError: words(`Invalid PrimeHub Package Entry § "catboost<2" is dropped`)},
	)
	if rebuilds := server.Count("POST", "/rebuildImage"); rebuilds != 1 {
		t.Errorf("%d rebuilds", rebuilds)
	}
}
