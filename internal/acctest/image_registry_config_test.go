package acctest_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// documented is how the product's documents write the module, with the cluster that it is for.
const documented = `
module "rime" {
  source = %q

  image_registry_config = {
    enable                       = true
    allow_external_custom_images = true
    repository_prefix            = ""
  }

  oidc_provider_url = "https://oidc.example.com/id/1"
}

output "values" {
  value = module.rime.helm_values
}

output "ecr" {
  value = module.rime.ecr_config
}
`

func TestImageRegistryConfig_module(t *testing.T) {
	t.Parallel()
	cloud := startRegistryAWS(t, aws.Options{})
	w := acctest.NewWorkspace(t)
	w.UseAWS(cloud)
	w.Write("main.tf", fmt.Sprintf(documented, absolute(t, filepath.Join(examplesRoot, "modules", "rime"))))
	w.MustRun("get")
	w.Apply()
	role := func(name string) string { return "arn:aws:iam::" + aws.DefaultAccount + ":role/" + name + "_prod_rime" }
	want := map[string]any{
		"ecr": map[string]any{"registry_id": aws.DefaultAccount, "repository_prefix": "prod/rime"},
		"values": `rime:
  imageRegistryServer:
    enabled: true
    config:
      imageRegistry:
        ecr:
          registryID: "` + aws.DefaultAccount + `"
          repositoryPrefix: "prod/rime"
    serviceAccount:
      annotations:
        eks.amazonaws.com/role-arn: "` + role("eks_ecr_repo_manager") + `"
    imageRegistryJob:
      serviceAccount:
        annotations:
          eks.amazonaws.com/role-arn: "` + role("eks_ecr_image_builder") + `"
`,
	}
	if got := outputs(t, w); !sameJSON(t, got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
	w.PlanIsEmpty()
	w.Edit("main.tf", "enable                       = true", "enable                       = false")
	shows(t, w.Apply(), "0 added, 1 changed, 0 destroyed")
	w.PlanIsEmpty()
	w.Destroy()
}

// Without a cluster to trust, the module says which variable is missing; where nothing is enabled, none is.
func TestImageRegistryConfig_moduleTrust(t *testing.T) {
	t.Parallel()
	cloud := startRegistryAWS(t, aws.Options{})
	w := acctest.NewWorkspace(t)
	w.UseAWS(cloud)
	w.Write("main.tf", fmt.Sprintf(documented, absolute(t, filepath.Join(examplesRoot, "modules", "rime"))))
	w.MustRun("get")
	const url, refusal = `oidc_provider_url = "https://oidc.example.com/id/1"`, "need a cluster to trust: give oidc_provider_url, or pod_identity = true, and not both"
	w.Edit("main.tf", url, "# none")
	fails(t, w, []string{"plan"}, refusal)
	w.Edit("main.tf", "# none", url+"\n  pod_identity = true")
	fails(t, w, []string{"plan"}, refusal)
	w.Edit("main.tf", url, "# none")
	shows(t, w.MustRun("plan"), "1 to add", "pods.eks.amazonaws.com")
	// Either generation of the platform's module, and what neither knows.
	w.Edit("main.tf", "repository_prefix ", "repo_base_name = \"my-own\" #")
	shows(t, w.MustRun("plan"), `effective_repository_prefix  = "my-own/prod/rime"`)
	w.Edit("main.tf", "repo_base_name =", "repository_prefix = \"x\"\n    repo_base_name =")
	fails(t, w, []string{"plan"}, "which are the same: give one of them")
	w.Edit("main.tf", "repository_prefix = \"x\"\n    repo_base_name =", "repo_basename =")
	fails(t, w, []string{"plan"}, "check the spelling")
	w.Edit("main.tf", "repo_basename = \"my-own\" #", "#")
	w.Edit("main.tf", "pod_identity = true", "")
	w.Edit("main.tf", "enable                       = true", "enable                       = false")
	shows(t, w.MustRun("plan"), "1 to add")
}

const requiredProviders = `
terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}
`

const registryConfig = requiredProviders + `
resource "rime_image_registry_config" "this" {
  repository_prefix    = "ml"
  resource_name_suffix = "prod"
  namespace            = "rime"
  oidc_provider_url    = "oidc.example.com/id/1"
}
`

// An apply that is interrupted amid its calls of AWS leaves nothing that the next one does not know.
func TestImageRegistryConfig_interrupted(t *testing.T) {
	t.Parallel()
	cloud := startRegistryAWS(t, aws.Options{})
	w := acctest.NewWorkspace(t)
	w.UseAWS(cloud)
	w.Write("main.tf", registryConfig)
	// The first attachment hangs until Terraform has had its interrupt.
	if err := cloud.SetFaults(fault.Rule{Path: "^/iam/AttachRolePolicy$", Times: 1, Delay: fault.Duration(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	p := w.Start("apply", "-auto-approve")
	acctest.Eventually(t, "an attachment", func() bool { return cloud.Count("", "^/iam/AttachRolePolicy$") > 0 })
	p.Interrupt()
	if r := p.Wait(); r.ExitCode == 0 {
		t.Fatalf("an interrupted apply succeeded:\n%s", r.Output)
	}
	if w.Values("rime_image_registry_config.this") == nil {
		t.Fatal("the state does not know what was made")
	}
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
	w.Write("main.tf", registryConfig+"\nimport {\n  to = rime_image_registry_config.this\n  id = \"ml,prod,rime\"\n}\n")
	fails(t, w, []string{"plan"}, "Cannot import non-existent remote object")
}

// A refusal names the permission that is missing, and nothing is forgotten on its account.
func TestImageRegistryConfig_denied(t *testing.T) {
	t.Parallel()
	cloud := startRegistryAWS(t, aws.Options{})
	w := acctest.NewWorkspace(t)
	w.UseAWS(cloud)
	w.Write("main.tf", registryConfig)
	cloud.Deny("*", false, "iam:CreateRole")
	fails(t, w, []string{"apply", "-auto-approve"}, "Error: AWS Permission Missing", "Missing permission: iam:CreateRole", `{ "Effect": "Allow", "Action": "iam:CreateRole", "Resource": "arn:aws:iam::123456789012:role/eks_ecr_`)
	cloud.Allow()
	w.Apply()
	cloud.Deny("*", false, "iam:GetRole")
	fails(t, w, []string{"plan"}, "Error: AWS Permission Missing", "Missing permission: iam:GetRole")
	if w.Values("rime_image_registry_config.this") == nil {
		t.Fatal("a refusal removed the resource from the state")
	}
	cloud.Allow()
	w.PlanIsEmpty()
	w.Env["AWS_ACCESS_KEY_ID"] = "AKIANOBODYKNOWSTHIS0"
	fails(t, w, []string{"plan"}, "Error: AWS Credentials Not Accepted")
}
