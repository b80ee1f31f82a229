package provider

import (
	"context"
	"fmt"
	"slices"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

const (
	registryConfigType = "rime_image_registry_config"
	registryAddress    = registryConfigType + ".test"
	clusterIssuer      = "oidc.eks.us-east-1.amazonaws.com/id/EXAMPLE"
)

// account is a simulated AWS account, with clients to act behind the provider's back.
type account struct {
	*aws.Server
	t   *testing.T
	iam *iam.Client
	ecr *ecr.Client
}

func newAccount(t *testing.T) *account {
	t.Helper()
	server, err := aws.Start(aws.Options{OIDCProviders: []string{clusterIssuer}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	config := sdk.Config{
		BaseEndpoint: &server.URL, Region: aws.DefaultRegion,
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey}, nil
		}),
	}
	return &account{server, t, iam.NewFromConfig(config), ecr.NewFromConfig(config)}
}

// provider is a configuration of the provider for the account.
func (a *account) provider(settings ...string) string {
	return fmt.Sprintf("provider \"rime\" {\n  aws = {\n    region = %q\n    endpoints = { ecr = %[2]q, iam = %[2]q, sts = %[2]q }\n%[3]s\n  }\n}\n", aws.DefaultRegion, a.URL, first(settings))
}

func first(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return texts[0]
}

// config is the provider with one image registry of these attributes.
func (a *account) config(attributes string) string {
	return a.provider() + "resource \"" + registryConfigType + "\" \"test\" {\n" + attributes + "\n}\n"
}

// withAWS is the provider as configured, which believes AWS at once.
func withAWS() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"rime": providerserver.NewProtocol6WithError(New("test", WithAWSOptions(awsregistry.Options{Confirmations: 1}))()),
	}
}

// run runs steps of the real CLI against the account; at the end, the destroy must have left neither role nor policy behind.
func (a *account) run(steps ...resource.TestStep) {
	a.t.Helper()
	resource.UnitTest(a.t, resource.TestCase{
		ProtoV6ProviderFactories: withAWS(),
		CheckDestroy: func(*terraform.State) error {
			roles := done(a, a.iam.ListRoles, &iam.ListRolesInput{})
			policies := done(a, a.iam.ListPolicies, &iam.ListPoliciesInput{})
			policies.Policies = slices.DeleteFunc(policies.Policies, func(p types.Policy) bool { return *p.PolicyName == "boundary" })
			if len(roles.Roles)+len(policies.Policies) > 0 {
				return fmt.Errorf("left behind: %v, %v", roles.Roles, policies.Policies)
			}
			return nil
		},
		Steps: steps,
	})
}

// done makes a call behind the provider's back, which has to succeed.
func done[I, O, P any](a *account, call func(context.Context, *I, ...func(*P)) (*O, error), input *I) *O {
	a.t.Helper()
	out, err := call(a.t.Context(), input)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

// repository makes a repository behind the provider's back.
func (a *account) repository(name string) {
	a.t.Helper()
	done(a, a.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: &name})
}

// expectRoles expects exactly these roles in the account.
func (a *account) expectRoles(want ...string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		var got []string
		for _, role := range done(a, a.iam.ListRoles, &iam.ListRolesInput{}).Roles {
			got = append(got, *role.RoleName)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Errorf("roles %q, want %q", got, want)
		}
		return nil
	}
}

// deletePolicy deletes a policy with its versions behind the provider's back.
func (a *account) deletePolicy(arn string) {
	a.t.Helper()
	for _, version := range done(a, a.iam.ListPolicyVersions, &iam.ListPolicyVersionsInput{PolicyArn: &arn}).Versions {
		if !version.IsDefaultVersion {
			done(a, a.iam.DeletePolicyVersion, &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: version.VersionId})
		}
	}
	done(a, a.iam.DeletePolicy, &iam.DeletePolicyInput{PolicyArn: &arn})
}

// expectPriorDrift expects that a refresh has found exactly this.
type expectPriorDrift struct{ want []string }

// CheckPlan implements plancheck.PlanCheck.
func (e expectPriorDrift) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, change := range req.Plan.ResourceChanges {
		before, _ := change.Change.Before.(map[string]any)
		found, _ := before["drift"].([]any)
		var got []string
		for _, one := range found {
			got = append(got, fmt.Sprint(one))
		}
		if change.Address == registryAddress && !slices.Equal(got, e.want) {
			resp.Error = fmt.Errorf("drift %q, want %q", got, e.want)
		}
	}
}
