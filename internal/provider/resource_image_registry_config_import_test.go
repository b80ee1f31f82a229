package provider

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// installByModule makes what the platform's own Terraform module makes, as it makes it (internal/rime/CONTRACT.md §5.3), in another spelling than ours.
func (a *account) installByModule() {
	a.t.Helper()
	for _, identity := range []struct{ role, policy, actions, account string }{
		{serverRole, "eks_ecr_repo_management_policy_prod_rime", `"ecr:PutLifecyclePolicy", "ecr:ListImages", "ecr:DescribeRepositories", "ecr:DescribeImages", "ecr:DeleteRepository", "ecr:CreateRepository"`, "rime-rime-image-registry-server"},
		{builderRole, "eks_ecr_image_builder_policy_prod_rime", `"ecr:UploadLayerPart", "ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:GetDownloadUrlForLayer", "ecr:CompleteLayerUpload", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"`, "rime-rime-image-registry-server-job"},
	} {
		document := `{ "Statement": [
			{ "Sid": "", "Effect": "Allow", "Action": [` + identity.actions + `], "Resource": ["arn:aws:ecr:us-east-1:123456789012:repository/ml/prod/rime/*"] },
			{ "Sid": "", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" } ], "Version": "2012-10-17" }`
		trust := `{ "Version": "2012-10-17", "Statement": [{ "Sid": "", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
			"Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/` + clusterIssuer + `" },
			"Condition": { "StringEquals": { "` + clusterIssuer + `:sub": ["system:serviceaccount:rime:` + identity.account + `"] } } }] }`
		policy := done(a, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: &identity.policy, PolicyDocument: &document, Tags: []types.Tag{{Key: new("team"), Value: new("ml")}}})
		done(a, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: &identity.role, AssumeRolePolicyDocument: &trust, Tags: []types.Tag{{Key: new("team"), Value: new("ml")}}})
		done(a, a.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: &identity.role, PolicyArn: policy.Policy.Arn})
	}
}

func TestImageRegistryConfig_import(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.installByModule()
	config := a.config(scopeAndTrust + `  tags = { team = "ml" }`)
	block := "import {\n  to = " + registryAddress + "\n  id = \"ml,prod,rime\"\n}\n"
	a.run(
		resource.TestStep{ // What the module made is taken over as it is.
			Config:           block + config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plannedAction(plancheck.ResourceActionNoop)}},
			Check: func(*terraform.State) error {
				if n := a.Count("", "^/iam/(Tag|Untag|Update|Put|Delete).*$"); n > 0 {
					t.Errorf("an import made %d changes", n)
				}
				return nil
			},
		},
		resource.TestStep{ // From then on it is ours, like one made here.
			Config:           a.config(strings.Replace(scopeAndTrust, `oidc_provider_url    = "https://`, `oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/`, 1) + `  tags = { team = "data" }`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plannedAction(plancheck.ResourceActionUpdate)}},
		},
		resource.TestStep{ResourceName: registryAddress, ImportState: true, ImportStateId: "ml,prod,rime", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "repository_prefix"},
		resource.TestStep{ResourceName: registryAddress, ImportState: true, ImportStateId: "ml,prod,rime,a,b,c,d,e", ExpectError: words("Invalid Import ID § Write `<repository_prefix>,<resource_name_suffix>,<namespace>`")},
		resource.TestStep{ResourceName: registryAddress, ImportState: true, ImportStateId: "123456789012:eu-central-1:ml,prod,rime", ExpectError: words("Another AWS Account Than Before")},
		resource.TestStep{ResourceName: registryAddress, ImportState: true, ImportStateId: "ML", ExpectError: words("Invalid Managed Repository Prefix")},
		resource.TestStep{ResourceName: registryAddress, ImportState: true, ImportStateId: "ml,nothing,rime", ExpectError: regexp.MustCompile("(?s)Cannot import non-existent remote object")},
	)
}

// An import that nothing followed is destroyed like anything else.
func TestImageRegistryConfig_importDestroy(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.installByModule()
	a.run(resource.TestStep{Config: "import {\n  to = " + registryAddress + "\n  id = \"ml,prod,rime\"\n}\n" + a.config(scopeAndTrust+`  tags = { team = "ml" }`)})
}

// What has our names and was not made here stays as it is.
func TestImageRegistryConfig_foreign(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.installByModule()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: withAWS(),
		Steps: []resource.TestStep{{
			Config:      a.config(scopeAndTrust),
			ExpectError: words(`AWS Object Belongs to Somebody Else § were not made by this resource § does not name an owner § import the whole: the id is`),
		}},
	})
	if n := a.Count("", "^/iam/(Create|Tag|Untag|Update|Put|Delete|Attach|Detach)"); n != 6 {
		t.Errorf("%d writes, of which 6 are the module's", n)
	}
}
