package provider

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

func TestAWSDataSources(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for _, name := range []string{"ml/two", "ml/one", "ml-other/x"} {
		a.repository(name)
	}
	policy := `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`
	done(a, a.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/one"), LifecyclePolicyText: &policy})
	for _, tag := range []string{"a", "b", "c"} {
		manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"tag":%q}}`, tag)
		done(a, a.ecr.PutImage, &ecr.PutImageInput{RepositoryName: new("ml/one"), ImageManifest: &manifest, ImageTag: &tag})
	}
	object := func(name, policy string, images int64) knownvalue.Check {
		check := map[string]knownvalue.Check{
			"name": knownvalue.StringExact(name), "arn": knownvalue.StringExact("arn:aws:ecr:us-east-1:123456789012:repository/" + name),
			"lifecycle_policy_json": knownvalue.Null(), "image_count": knownvalue.Int64Exact(images), "tag_mutability": knownvalue.StringExact("MUTABLE"),
		}
		if policy != "" {
			check["lifecycle_policy_json"] = knownvalue.StringExact(policy)
		}
		return knownvalue.ObjectPartial(check)
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: withAWS(),
		Steps: []resource.TestStep{{
			Config: a.provider() + `
data "rime_image_registry" "ml" {
  repository_prefix = "ml"
}

data "rime_lifecycle_policy_preview" "own" {
  repository = "ml/one"
}

data "rime_lifecycle_policy_preview" "other" {
  repository      = "ml/one"
  lifecycle_rules = [{ priority = 1, tag_status = "any", count_type = "imageCountMoreThan", count_number = 2 }]
  depends_on      = [data.rime_lifecycle_policy_preview.own]
}

output "expiring" {
  value = [data.rime_lifecycle_policy_preview.own.expiring_count, data.rime_lifecycle_policy_preview.other.expiring_count]
}
`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("data.rime_image_registry.ml", tfjsonpath.New("repositories"), knownvalue.ListExact([]knownvalue.Check{object("ml/one", policy, 3), object("ml/two", "", 0)})),
				statecheck.ExpectKnownValue("data.rime_image_registry.ml", tfjsonpath.New("registry_id"), knownvalue.StringExact("123456789012")),
				statecheck.ExpectKnownOutputValue("expiring", knownvalue.ListExact([]knownvalue.Check{knownvalue.Int64Exact(2), knownvalue.Int64Exact(1)})),
			},
		}},
	})
	if n := a.Count("", "^/ecr/(Put|Delete|Batch)"); n != 4 {
		t.Errorf("%d changes, of which 4 are the test's", n)
	}
}

// The documents are those that the resource makes, and nobody is asked for them.
func TestPolicyDocuments(t *testing.T) {
	t.Parallel()
	documents := func(region, more string) string {
		return strings.Replace(example(t, "data-sources", "rime_image_registry_policy_documents", "data-source.tf"), `region               = "eu-central-1"`, `region = "`+region+`"`+more, 1)
	}
	everything := func(more string) string {
		return `
data "rime_image_registry_policy_documents" "all" {
  registry_id       = "123456789012"
  region            = "us-east-1"
  repository_prefix = ""
  pod_identity      = true` + more + `
}

output "builder_policy" {
  value = data.rime_image_registry_policy_documents.all.image_builder.policy_json
}
`
	}
	output := func(name, pattern string) statecheck.StateCheck {
		return statecheck.ExpectKnownOutputValue(name, knownvalue.StringRegexp(regexp.MustCompile(pattern)))
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: asConfigured(),
		Steps: []resource.TestStep{
			{Config: documents("us-east-1", "\n  pod_identity = true"), ExpectError: words("Invalid Image Registry Setting § exactly one is needed")},
			{Config: everything(""), ExpectError: words("Repository Prefix Covers Every Repository § allow_empty_prefix = true")},
			{
				Config:            everything("\n  allow_empty_prefix = true"),
				ConfigStateChecks: []statecheck.StateCheck{output("builder_policy", `"arn:aws:ecr:us-east-1:123456789012:repository/\*"`)},
			},
			{
				Config: documents("cn-north-1", ""),
				ConfigStateChecks: []statecheck.StateCheck{
					output("builder_policy", `"arn:aws-cn:ecr:cn-north-1:123456789012:repository/rime-managed-images/prod/rime/\*"`),
					output("builder_trust", `"system:serviceaccount:rime:rime-rime-image-registry-server-job"`),
				},
			},
			{
				Config:            documents("us-east-1", "\n  release_name = \"platform\""),
				ConfigStateChecks: []statecheck.StateCheck{output("builder_trust", `"system:serviceaccount:rime:platform-rime-image-registry-server-job"`)},
			},
		},
	})
}

func TestRegistryCredentials(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"rime": providerserver.NewProtocol6WithError(New("test", WithAWSOptions(awsregistry.Options{Confirmations: 1}))()),
			"echo": echoprovider.NewProviderServer(),
		},
		Steps: []resource.TestStep{{
			Config: a.provider() + `
ephemeral "rime_registry_credentials" "ecr" {}

provider "echo" {
  data = ephemeral.rime_registry_credentials.ecr
}

resource "echo" "seen" {}
`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("echo.seen", tfjsonpath.New("data").AtMapKey("username"), knownvalue.StringExact("AWS")),
				statecheck.ExpectKnownValue("echo.seen", tfjsonpath.New("data").AtMapKey("docker_config_json"), knownvalue.StringRegexp(regexp.MustCompile(`^\{"auths":\{"[^"]+":\{"username":"AWS","password":"[^"]+","auth":"[^"]+"\}\}\}$`))),
				statecheck.ExpectKnownValue("echo.seen", tfjsonpath.New("data").AtMapKey("expires_at"), knownvalue.StringRegexp(regexp.MustCompile(`^\d{4}-\d\d-\d\dT.*Z$`))),
			},
		}},
	})
}
