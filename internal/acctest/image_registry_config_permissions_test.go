package acctest_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// startRegistryAWS starts an account in which, besides what a test does itself, nothing may be done but what the documentation asks permissions for.
func startRegistryAWS(t *testing.T, options aws.Options) *aws.Server {
	t.Helper()
	cloud := acctest.StartAWS(t, options)
	actions := documentedPermissions(t).actions()
	t.Cleanup(func() {
		for _, call := range cloud.Calls() {
			if _, found := actions[call.Operation]; !found && call.Operation != "sts:GetCallerIdentity" { // which needs none
				t.Errorf("%s was done, and is no documented permission", call.Operation)
			}
		}
	})
	return cloud
}

// permissions are those that the documentation asks for.
type permissions struct {
	Version   string
	Statement []permission
}

// permission is a statement of them.
type permission struct {
	Sid, Effect, Resource string
	Action                any
	Condition             map[string]any `json:",omitempty"`
}

// documentedPermissions are those for rime_image_registry_config and its kin.
func documentedPermissions(t *testing.T) permissions {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examplesRoot, "permissions", "image_registry_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all permissions
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// actions are the actions of all statements, with the statement that each is of.
func (p permissions) actions() map[string]string {
	all := map[string]string{}
	for _, statement := range p.Statement {
		switch action := statement.Action.(type) {
		case string:
			all[action] = statement.Sid
		case []any:
			for _, one := range action {
				if text, ok := one.(string); ok {
					all[text] = statement.Sid
				}
			}
		}
	}
	return all
}

// administrator is somebody else who may do everything in IAM.
func administrator(cloud *aws.Server) *iam.Client {
	return iam.New(iam.Options{BaseEndpoint: &cloud.URL, Region: "us-east-1", Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
		return sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey}, nil
	})})
}

// makeDeployer makes a role that may do what the documentation says, and nothing else. The stand-in takes no account of conditions that allow, so that there are none.
func makeDeployer(t *testing.T, cloud *aws.Server) {
	t.Helper()
	documented := documentedPermissions(t)
	for i := range documented.Statement {
		documented.Statement[i].Condition = nil
	}
	text, err := json.Marshal(documented)
	if err != nil {
		t.Fatal(err)
	}
	admin := administrator(cloud)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"` + aws.DefaultAccount + `"}}]}`
	role, err := admin.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: new("deployer"), AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: role.Role.RoleName, PolicyName: new("documented"), PolicyDocument: new(string(text))}); err != nil {
		t.Fatal(err)
	}
	bounds := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:*","Resource":"*"}]}`
	if _, err := admin.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: new("boundary"), PolicyDocument: &bounds}); err != nil {
		t.Fatal(err)
	}
}

// permissionsConfig is a configuration that does all that can be done.
const permissionsConfig = requiredProviders + `
provider "rime" {
  aws = {
    assume_role = { role_arn = "arn:aws:iam::123456789012:role/deployer" }
  }
}

resource "rime_image_registry_config" "this" {
  repository_prefix        = "rime-managed-images"
  resource_name_suffix     = "prod"
  namespace                = "rime"
  oidc_provider_url        = "oidc.example.com/id/1"
  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  tags                     = { team = "ml", cost = "7" }
  lifecycle_rules          = [{ priority = 1, tag_status = "untagged", count_type = "sinceImagePushed", count_number = 7 }]
  tag_mutability           = "IMMUTABLE"
  scan_on_push             = true
  creation_template        = { description = "images" }
}

data "rime_image_registry" "this" {
  repository_prefix = rime_image_registry_config.this.effective_repository_prefix
}

data "rime_lifecycle_policy_preview" "this" {
  repository      = "rime-managed-images/prod/rime/churn"
  lifecycle_rules = [{ priority = 1, tag_status = "any", count_type = "imageCountMoreThan", count_number = 10 }]
  depends_on      = [rime_image_registry_config.this]
}

ephemeral "rime_registry_credentials" "this" {}
`

// Whoever has the documented permissions, and no others, can do everything; and there is none that nothing needs.
func TestImageRegistryConfig_permissions(t *testing.T) {
	t.Parallel()
	cloud := acctest.StartAWS(t, aws.Options{Region: "eu-central-1"})
	makeDeployer(t, cloud)
	createRepository(t, cloud, "rime-managed-images/prod/rime/churn")
	createRepository(t, cloud, "other/churn")
	w := acctest.NewWorkspace(t)
	w.UseAWS(cloud)
	w.Write("main.tf", permissionsConfig)
	w.Apply()
	w.PlanIsEmpty()
	spoilBuilder(t, cloud)
	for before, after := range map[string]string{
		`"oidc.example.com/id/1"`: `"oidc.example.com/id/2"`, `{ team = "ml", cost = "7" }`: `{ team = "other" }`, `description = "images"`: `description = "more images"`,
		"permissions_boundary_arn": "# no boundary any more:", "lifecycle_rules          =": "# no lifecycle policy any more:",
		"scan_on_push             = true": "scan_on_push             = true\n  force_detach_policies    = true",
	} {
		w.Edit("main.tf", before, after)
	}
	w.Apply()
	w.Edit("main.tf", "# no boundary any more:", "permissions_boundary_arn")
	w.Apply()
	admin := administrator(cloud)
	if _, err := admin.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: new("deployer"), PolicyArn: new(deployedPolicy)}); err != nil {
		t.Fatal(err)
	}
	fails(t, w, []string{"destroy", "-auto-approve"}, "Error: IAM Policy Is Still in Use", "role deployer")
	if _, err := admin.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: new("deployer"), PolicyArn: new(deployedPolicy)}); err != nil {
		t.Fatal(err)
	}
	w.Destroy()
	unused := documentedPermissions(t).actions()
	for _, call := range cloud.Calls() {
		if strings.Contains(call.Principal, ":assumed-role/deployer/") {
			delete(unused, call.Operation)
		}
	}
	// What ECR asks of the caller on account of a template, the stand-in does not ask.
	maps.DeleteFunc(unused, func(_, sid string) bool {
		return slices.Contains([]string{"WhatTemplatesDo", "ECRsOwnRoleForTemplates", "CustomRoleOfTemplates"}, sid)
	})
	if len(unused) > 0 {
		t.Errorf("permissions that nothing needs: %v", slices.Sorted(maps.Keys(unused)))
	}
}

// deployedPolicy is the policy of the image builders of [permissionsConfig].
const deployedPolicy = "arn:aws:iam::123456789012:policy/eks_ecr_image_builder_policy_prod_rime"

// spoilBuilder gives the policy all the versions that it can have, of which the last allows more, and the role another policy.
func spoilBuilder(t *testing.T, cloud *aws.Server) {
	t.Helper()
	admin := administrator(cloud)
	wide := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:*","Resource":"*"}]}`
	for range 4 {
		if _, err := admin.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: new(deployedPolicy), PolicyDocument: &wide, SetAsDefault: true}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := admin.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: new("eks_ecr_image_builder_prod_rime"), PolicyName: new("more"), PolicyDocument: &wide}); err != nil {
		t.Fatal(err)
	}
}
