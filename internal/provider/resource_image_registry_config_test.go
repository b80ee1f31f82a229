package provider

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

const (
	scopeAndTrust = `
  repository_prefix    = "ml"
  resource_name_suffix = "prod"
  namespace            = "rime"
  oidc_provider_url    = "https://` + clusterIssuer + `"
`
	serverRole    = "eks_ecr_repo_manager_prod_rime"
	serverPolicy  = "arn:aws:iam::123456789012:policy/eks_ecr_repo_management_policy_prod_rime"
	builderRole   = "eks_ecr_image_builder_prod_rime"
	builderPolicy = "arn:aws:iam::123456789012:policy/eks_ecr_image_builder_policy_prod_rime"
	keepTwenty    = `lifecycle_rules = [{ priority = 1, tag_status = "untagged", count_type = "sinceImagePushed", count_unit = "days", count_number = 14 }, { priority = 2, tag_status = "any", count_type = "imageCountMoreThan", count_number = 20 }]`
)

func registryState(attribute string, check knownvalue.Check) statecheck.StateCheck {
	p := tfjsonpath.New("")
	for i, name := range strings.Split(attribute, ".") {
		if i == 0 {
			p = tfjsonpath.New(name)
			continue
		}
		p = p.AtMapKey(name)
	}
	return statecheck.ExpectKnownValue(registryAddress, p, check)
}

func plannedAction(action plancheck.ResourceActionType) plancheck.PlanCheck {
	return plancheck.ExpectResourceAction(registryAddress, action)
}

func counts(total, without, drifted, settings int64) knownvalue.Check {
	return knownvalue.ObjectExact(map[string]knownvalue.Check{
		"total": knownvalue.Int64Exact(total), "without_policy": knownvalue.Int64Exact(without),
		"policy_drifted": knownvalue.Int64Exact(drifted), "settings_drifted": knownvalue.Int64Exact(settings),
	})
}

func TestImageRegistryConfig_lifecycle(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.repository("ml/prod/rime/churn")
	a.repository("ml-other/prod/rime/churn")
	bounds := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:*","Resource":"*"}}`
	done(a, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("boundary"), PolicyDocument: &bounds})
	noDrift := registryState("drift", knownvalue.ListExact(nil))
	a.run(
		resource.TestStep{ // The plan shows whole policies.
			Config: a.config(scopeAndTrust),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectKnownValue(registryAddress, tfjsonpath.New("registry_server").AtMapKey("policy_json"), knownvalue.StringRegexp(regexp.MustCompile(`repository/ml/prod/rime/\*`))),
				plancheck.ExpectKnownValue(registryAddress, tfjsonpath.New("image_builder").AtMapKey("role_arn"), knownvalue.StringExact("arn:aws:iam::123456789012:role/"+builderRole)),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				noDrift,
				registryState("registry_id", knownvalue.StringExact("123456789012")),
				registryState("registry_url", knownvalue.StringExact("123456789012.dkr.ecr.us-east-1.amazonaws.com")),
				registryState("effective_repository_prefix", knownvalue.StringExact("ml/prod/rime")),
				registryState("oidc_provider_arn", knownvalue.StringExact("arn:aws:iam::123456789012:oidc-provider/"+clusterIssuer)),
				registryState("registry_server_service_accounts", knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("rime:rime-rime-image-registry-server")})),
				registryState("registry_server.policy_arn", knownvalue.StringExact(serverPolicy)),
				registryState("image_builder.service_account_annotation", knownvalue.MapExact(map[string]knownvalue.Check{
					"eks.amazonaws.com/role-arn": knownvalue.StringExact("arn:aws:iam::123456789012:role/" + builderRole),
				})),
				registryState("helm_values_yaml", knownvalue.StringRegexp(regexp.MustCompile(`repositoryPrefix: "ml/prod/rime"`))),
				registryState("repositories", counts(1, 0, 0, 0)),
			},
		},
		resource.TestStep{ // Everything changes in place.
			Config: a.config(scopeAndTrust + keepTwenty + `
  permissions_boundary_arn         = "arn:aws:iam::123456789012:policy/boundary"
  tags                             = { team = "ml" }
  tag_mutability                   = "IMMUTABLE_WITH_EXCLUSION"
  tag_mutability_exclusions        = ["rime-*"]
  scan_on_push                     = true
  release_name                     = "platform"
  creation_template                = { description = "images" }
  image_builder_service_accounts   = ["rime:builder"]
  allow_external_custom_images     = false`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plannedAction(plancheck.ResourceActionUpdate)}},
			ConfigStateChecks: []statecheck.StateCheck{
				noDrift, registryState("repositories", counts(1, 0, 0, 0)),
				registryState("registry_server_service_accounts", knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("rime:platform-rime-image-registry-server")})),
			},
		},
		resource.TestStep{ // Another suffix makes new roles; the old ones go.
			Config:            a.config(strings.Replace(scopeAndTrust, `"prod"`, `"stage"`, 1)),
			ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plannedAction(plancheck.ResourceActionUpdate)}},
			ConfigStateChecks: []statecheck.StateCheck{noDrift, registryState("repositories", counts(0, 0, 0, 0))},
			Check:             a.expectRoles("eks_ecr_image_builder_stage_rime", "eks_ecr_repo_manager_stage_rime"),
		},
		resource.TestStep{ // Nothing enabled is nothing made.
			Config: a.config(scopeAndTrust + "enable = false"),
			Check:  a.expectRoles(),
			ConfigStateChecks: []statecheck.StateCheck{
				registryState("registry_server", knownvalue.Null()), registryState("repositories", knownvalue.Null()),
				registryState("helm_values_yaml", knownvalue.StringExact("rime:\n  imageRegistryServer:\n    enabled: false\n")),
			},
		},
	)
	// Repositories are left alone.
	done(a, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"ml/prod/rime/churn", "ml-other/prod/rime/churn"}})
	if changed := a.Count("", "^/ecr/(DeleteRepository|BatchDeleteImage)$"); changed > 0 {
		t.Errorf("%d deletions in ECR", changed)
	}
	other := "ml-other/prod/rime/churn"
	if _, err := a.ecr.GetLifecyclePolicy(t.Context(), &ecr.GetLifecyclePolicyInput{RepositoryName: &other}); err == nil {
		t.Error("a repository outside of the prefix got a lifecycle policy")
	}
}

// Whether it is enabled may be known only when something else has been applied: the plan then leaves open all that follows from it, both ways.
func TestImageRegistryConfig_enableUnknown(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	trusts := map[string]string{
		"url":  "oidc_provider_url = \"" + clusterIssuer + "\"",
		"arn":  "oidc_provider_arn = \"arn:aws:iam::123456789012:oidc-provider/" + clusterIssuer + "\"",
		"pods": "pod_identity = true",
	}
	for name := range trusts {
		a.repository("ml/" + name + "/rime/churn")
	}
	step := func(input string, enabled bool, repositories knownvalue.Check) resource.TestStep {
		config := a.provider() + fmt.Sprintf("resource \"terraform_data\" \"x\" {\n  input = %q\n}\n", input)
		var checks []statecheck.StateCheck
		for name, trust := range trusts {
			config += fmt.Sprintf(`
resource %q %q {
  repository_prefix    = "ml"
  resource_name_suffix = %[2]q
  namespace            = "rime"
  creation_template    = {}
  enable               = terraform_data.x.output != "off"
  %s
%s
}
`, registryConfigType, name, trust, keepTwenty)
			checks = append(checks,
				statecheck.ExpectKnownValue(registryConfigType+"."+name, tfjsonpath.New("enable"), knownvalue.Bool(enabled)),
				statecheck.ExpectKnownValue(registryConfigType+"."+name, tfjsonpath.New("repositories"), repositories))
		}
		return resource.TestStep{Config: config, ConfigStateChecks: checks}
	}
	a.run(
		step("on", true, counts(1, 0, 0, 0)), step("off", false, knownvalue.Null()),
		step("on again", true, counts(1, 0, 0, 0)), step("on still", true, counts(1, 0, 0, 0)),
	)
}

func TestImageRegistryConfig_drift(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.repository("ml/prod/rime/churn")
	a.repository("ml/prod/rime/fraud")
	config := a.config(scopeAndTrust + keepTwenty + "\n  tags = { team = \"ml\" }\n scan_on_push = true")
	withTemplate := a.config(scopeAndTrust + keepTwenty + "\n  tags = { team = \"ml\" }\n scan_on_push = true\n creation_template = {}")
	wide := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:*","Resource":"*"}]}`
	everyone := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}`
	churn, fraud, off := "ml/prod/rime/churn", "ml/prod/rime/fraud", `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`
	repaired := func(texts ...string) resource.TestStep {
		return resource.TestStep{
			Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plannedAction(plancheck.ResourceActionUpdate), expectPriorDrift{texts},
			}},
			ConfigStateChecks: []statecheck.StateCheck{registryState("drift", knownvalue.ListExact(nil)), registryState("repositories", counts(2, 0, 0, 0))},
		}
	}
	iamDrift := repaired("registry_server.policy is not as configured", "registry_server.trust is not as configured", `image_builder.role_tags is {}, not { team = "ml" }`, "image_builder.attachment is missing")
	iamDrift.PreConfig = func() {
		done(a, a.iam.CreatePolicyVersion, &iam.CreatePolicyVersionInput{PolicyArn: new(serverPolicy), PolicyDocument: &wide, SetAsDefault: true})
		done(a, a.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: new(serverRole), PolicyDocument: &everyone})
		done(a, a.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: new(builderRole), PolicyArn: new(builderPolicy)})
		done(a, a.iam.UntagRole, &iam.UntagRoleInput{RoleName: new(builderRole), TagKeys: []string{"team"}})
	}
	roleGone := repaired("registry_server.role is missing", "repositories.lifecycle_policy is missing on ml/prod/rime/churn", "repositories.lifecycle_policy is not as configured on ml/prod/rime/fraud")
	roleGone.PreConfig = func() {
		done(a, a.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: new(serverRole), PolicyArn: new(serverPolicy)})
		done(a, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new(serverRole)})
		done(a, a.ecr.DeleteLifecyclePolicy, &ecr.DeleteLifecyclePolicyInput{RepositoryName: &churn})
		done(a, a.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: &fraud, LifecyclePolicyText: &off})
	}
	disappeared := resource.TestStep{
		PreConfig: func() {
			done(a, a.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: new(serverRole), PolicyArn: new(serverPolicy)})
			done(a, a.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: new(builderRole), PolicyArn: new(builderPolicy)})
			for _, role := range []string{serverRole, builderRole} {
				done(a, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: &role})
			}
			for _, policy := range []string{serverPolicy, builderPolicy} {
				a.deletePolicy(policy)
			}
		},
		Config:           config,
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plannedAction(plancheck.ResourceActionCreate)}},
	}
	// A template of ours that is left is a reason to stay: everything else is shown as missing, and made anew.
	templateLeft := repaired("registry_server.policy is missing", "registry_server.role is missing", "image_builder.policy is missing", "image_builder.role is missing")
	templateLeft.PreConfig, templateLeft.Config = disappeared.PreConfig, withTemplate
	a.run(resource.TestStep{Config: config}, iamDrift, roleGone, disappeared, resource.TestStep{Config: withTemplate}, templateLeft)
}
