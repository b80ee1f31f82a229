package acctest_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

const registryConfigAddress = "rime_image_registry_config.this"

// Terraform that is killed remembers nothing. The next apply in its place goes on with what was made, and a destroy leaves nothing; another place takes nothing over.
func TestImageRegistryConfig_killed(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]fault.Rule{
		"a policy":         {Path: "^/iam/CreateRole$", Nth: 1},
		"all but template": {Path: "^/ecr/CreateRepositoryCreationTemplate$", Nth: 1},
		"all":              {Path: "^/iam/GetPolicyVersion$", Nth: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := startRegistryAWS(t, aws.Options{})
			here, there := acctest.NewWorkspace(t), acctest.NewWorkspace(t)
			for _, w := range []*acctest.Workspace{here, there} {
				w.UseAWS(cloud)
				w.Write("main.tf", registryConfig)
				w.Edit("main.tf", `namespace            = "rime"`, "namespace            = \"rime\"\n  creation_template = {}")
			}
			at.Times, at.Delay = 1, fault.Duration(time.Minute)
			if err := cloud.SetFaults(at); err != nil {
				t.Fatal(err)
			}
			p := here.Start("apply", "-auto-approve")
			acctest.Eventually(t, "the point to kill at", func() bool { return cloud.Count("", at.Path) >= at.Nth })
			p.Kill()
			p.Wait()
			if here.StateFile() != nil && here.Values(registryConfigAddress) != nil {
				t.Fatal("the state knows what was made")
			}
			if err := cloud.SetFaults(); err != nil {
				t.Fatal(err)
			}
			fails(t, there, []string{"apply", "-auto-approve"}, "Error: AWS Object Belongs to Somebody Else", "names the owner")
			here.Apply()
			here.PlanIsEmpty()
			here.Destroy()
			there.Apply() // Nothing is left that it would have to share.
			there.Destroy()
		})
	}
}

// Two workspaces with the same names: the second is told of the first, and leaves it alone, until it is told to import what is there.
func TestImageRegistryConfig_workspaces(t *testing.T) {
	t.Parallel()
	cloud := startRegistryAWS(t, aws.Options{})
	w := acctest.NewWorkspace(t)
	w.UseAWS(cloud)
	w.Env["TMPDIR"] = t.TempDir()
	w.Write("main.tf", registryConfig)
	w.Apply()
	w.MustRun("workspace", "new", "other")
	fails(t, w, []string{"apply", "-auto-approve"}, "Error: AWS Object Belongs to Somebody Else", "If another configuration or workspace has them, remove them there first")
	w.MustRun("import", registryConfigAddress, "ml,prod,rime")
	w.PlanIsEmpty()
	w.MustRun("state", "rm", registryConfigAddress)
	w.MustRun("workspace", "select", "default")
	w.PlanIsEmpty()
	w.Destroy()
	if left, err := filepath.Glob(filepath.Join(w.Env["TMPDIR"], "*.lock")); len(left) > 0 || err != nil {
		t.Errorf("lifelines are left: %v, %v", left, err)
	}
}

// IAM and ECR show changes up to 30 s late, from two replicas in turns: the first apply is right all the same, and there is nothing to do after it.
func TestImageRegistryConfig_lag(t *testing.T) {
	t.Parallel()
	for name, lag := range map[string]aws.Lag{
		"3 s": {Max: 3 * time.Second, Exact: true}, "12 s": {Max: 12 * time.Second, Flapping: true}, "30 s": {Max: 30 * time.Second, Flapping: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := startRegistryAWS(t, aws.Options{Lag: lag, Seed: 7})
			w := acctest.NewWorkspace(t)
			w.UseAWS(cloud)
			w.Write("main.tf", registryConfig)
			w.Edit("main.tf", `namespace            = "rime"`, "namespace            = \"rime\"\n  creation_template = {}")
			w.Apply()
			w.PlanIsEmpty()
		})
	}
}

// What a refresh costs: a constant number of calls, one for each 1,000 repositories, and where a lifecycle policy is managed one for each repository, as ECR has no other way to see them.
func TestImageRegistryConfig_calls(t *testing.T) {
	t.Parallel()
	const policy = "namespace            = \"rime\"\n  lifecycle_rules = [{ priority = 1, tag_status = \"untagged\", count_type = \"sinceImagePushed\", count_number = 7 }]"
	constant := map[string]int{
		"sts:GetCallerIdentity": 1, "ecr:DescribeRepositories": 1, "iam:GetPolicy": 2, "iam:GetPolicyVersion": 2, "iam:GetRole": 2,
		"iam:ListAttachedRolePolicies": 2, "iam:ListRolePolicies": 2,
	}
	for _, test := range []struct {
		repositories int
		managed      bool
	}{{0, false}, {10, false}, {10, true}, {1000, false}} {
		t.Run(fmt.Sprint(test.repositories, test.managed), func(t *testing.T) {
			t.Parallel()
			cloud := startRegistryAWS(t, aws.Options{})
			makeRepositories(t, cloud, test.repositories)
			w := acctest.NewWorkspace(t)
			w.UseAWS(cloud)
			w.Write("main.tf", registryConfig)
			want := maps.Clone(constant)
			if test.managed {
				w.Edit("main.tf", `namespace            = "rime"`, policy)
				want["ecr:GetLifecyclePolicy"] = test.repositories
				// Other registries within the prefix are looked for, once.
				want["ecr:DescribeRepositoryCreationTemplates"], want["iam:ListPolicies"] = 1, 1
				want["iam:GetPolicy"], want["iam:GetPolicyVersion"] = 3, 3
			}
			w.Apply()
			cloud.ForgetCalls()
			w.PlanIsEmpty()
			if got := cloud.CallCounts(); !maps.Equal(got, want) {
				t.Errorf("calls %v, want %v", got, want)
			}
		})
	}
}

// makeRepositories makes that many repositories under the prefix of [registryConfig].
func makeRepositories(t *testing.T, cloud *aws.Server, n int) {
	t.Helper()
	client := ecr.New(ecr.Options{
		BaseEndpoint: &cloud.URL, Region: cloud.Region(),
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey}, nil
		}),
	})
	for i := range n {
		if _, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: new(fmt.Sprintf("ml/prod/rime/image-%04d", i))}); err != nil {
			t.Fatal(err)
		}
	}
}
