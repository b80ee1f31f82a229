package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// scene is a scenario of Terraform with an image registry of its own in an account that others share.
type scene struct {
	*workspace
	*account
	partition string
	// name is the scenario's, and the suffix of everything that belongs to it.
	name string
	// Names are those of its roles and policies.
	awsregistry.Names
}

// scenarios are what Terraform does with the provider. What becomes of it is looked at, and disturbed, with Amazon's SDK.
var scenarios = []struct {
	name, what string
	play       func(context.Context, *scene) error
}{
	{"lifecycle", "Terraform creates, changes every setting in place, and destroys; repositories are left alone", lifecycle},
	{"disable", "Terraform takes away what is disabled, and brings it back", disabling},
	{"drift", "Terraform shows and repairs a widened policy, a changed trust, a detached policy and lost tags, and destroys roles that others have added policies to", drift},
	{"loss", "Terraform shows and repairs a deleted role, and a lifecycle policy that is gone or another", loss},
	{"import", "Terraform refuses what somebody else has made, and imports it without a change", importing},
	{"china", "Terraform creates in the partition of China, with EKS Pod Identity", inChina},
	{"data", "Terraform reads a registry with its data source, and gets credentials for it", reading},
}

// playAll plays every scenario and what moto lacks, at once: most of the time is waiting. It tells what became of each, and returns an error if one failed.
func (t *terraform) playAll(ctx context.Context, a *account, out *log.Logger) error {
	var wg sync.WaitGroup
	errs := make([]error, len(scenarios)+len(lacking))
	for i, s := range scenarios {
		wg.Go(func() { errs[i] = t.play(ctx, a, out, s.name, s.what, s.play) })
	}
	for i, l := range lacking {
		wg.Go(func() {
			errs[len(scenarios)+i] = t.play(ctx, a, out, l.name, "moto lacks: "+l.why, func(ctx context.Context, s *scene) error { return l.stillLacks(ctx, s) })
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// play plays one scenario in a workspace of its own.
func (t *terraform) play(ctx context.Context, a *account, out *log.Logger, name, what string, play func(context.Context, *scene) error) error {
	w, err := t.workspace("aws/"+name, "AWS_ENDPOINT_URL="+a.url)
	if err != nil {
		return err
	}
	if err := play(ctx, &scene{w, a, "aws", name, awsregistry.ModuleNames(name, "rime")}); err != nil {
		out.Printf("    FAILED  %s: %v", what, err)
		return fmt.Errorf("the scenario %q failed", name)
	}
	out.Printf("    ok      %s", what)
	return nil
}

const requireProvider = `terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}
`

const issuer = "oidc.example.com/id/1"

// config is a configuration of the scene's registry, with more attributes.
func (s *scene) config(attributes string) string {
	return s.configTrusting(`  oidc_provider_url = "https://`+issuer+`"`, attributes)
}

// configTrusting is one that trusts a cluster in another way.
func (s *scene) configTrusting(trust, attributes string) string {
	return requireProvider + fmt.Sprintf(`
resource "rime_image_registry_config" "this" {
  repository_prefix    = "ml"
  resource_name_suffix = %q
  namespace            = "rime"
%s
}

output "documents" {
  value = [for role in [rime_image_registry_config.this.registry_server, rime_image_registry_config.this.image_builder] : try([role.policy_json, role.trust_policy_json], [])]
}
`, s.name, trust+"\n"+attributes)
}

// repository is a repository's name under the scene's prefix.
func (s *scene) repository(name string) *string { return new("ml/" + s.name + "/rime/" + name) }

func (s *scene) policyARN(name string) *string {
	return new("arn:" + s.partition + ":iam::123456789012:policy/" + name)
}

// becomes holds that a configuration plans that action, succeeds, and leaves nothing to plan. It returns what the plan started from.
func (s *scene) becomes(ctx context.Context, action, text string) (map[string]any, error) {
	if err := s.write(text); err != nil {
		return nil, err
	}
	changes, err := s.plan(ctx)
	if err != nil {
		return nil, err
	}
	if len(changes) != 1 || !slices.Equal(changes[0].Change.Actions, []string{action}) {
		return nil, fmt.Errorf("the plan is %+v, want only %q", changes, action)
	}
	if _, err := s.run(ctx, "apply", "tfplan"); err != nil {
		return nil, err
	}
	return changes[0].Change.Before, s.changesNothing(ctx)
}

// byHand makes a call that has to succeed.
func byHand[I, O, P any](ctx context.Context, call func(context.Context, *I, ...func(*P)) (*O, error), in *I) error {
	_, err := call(ctx, in)
	return err
}

// expectDocuments holds that policies and trusts are those of the output, and attached.
func (s *scene) expectDocuments(ctx context.Context) error {
	text, err := s.run(ctx, "output", "-json", "documents")
	if err != nil {
		return err
	}
	var want [][]string
	if err := json.Unmarshal(text, &want); err != nil {
		return err
	}
	for i, id := range [][2]string{{s.ServerRole, s.ServerPolicy}, {s.BuilderRole, s.BuilderPolicy}} {
		arn := s.policyARN(id[1])
		role, roleErr := s.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &id[0]})
		policy, policyErr := s.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
		if err := errors.Join(roleErr, policyErr); err != nil {
			return err
		}
		version, err := s.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: policy.Policy.DefaultVersionId})
		if err != nil {
			return err
		}
		attached, err := s.iam.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &id[0]})
		if err != nil {
			return err
		}
		got := []string{meaning("", *version.PolicyVersion.Document), meaning("", *role.Role.AssumeRolePolicyDocument)}
		if w := []string{meaning("", want[i][0]), meaning("", want[i][1])}; !slices.Equal(got, w) {
			return fmt.Errorf("%s has %s, want %s", id[0], got, w)
		}
		if len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyArn != *arn {
			return fmt.Errorf("%s is not attached, but %v", *arn, attached.AttachedPolicies)
		}
	}
	return nil
}

// expectNoIdentities holds that there are neither roles nor policies of the scene.
func (s *scene) expectNoIdentities(ctx context.Context) error {
	roles, rolesErr := s.iam.ListRoles(ctx, &iam.ListRolesInput{})
	policies, policiesErr := s.iam.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal})
	if err := errors.Join(rolesErr, policiesErr); err != nil {
		return err
	}
	for _, role := range roles.Roles {
		if strings.Contains(*role.RoleName, "_"+s.name+"_") {
			return fmt.Errorf("the role %s was left behind", *role.RoleName)
		}
	}
	for _, policy := range policies.Policies {
		if strings.Contains(*policy.PolicyName, "_"+s.name+"_") {
			return fmt.Errorf("the policy %s was left behind", *policy.PolicyName)
		}
	}
	return nil
}

// expectRepository holds a repository against what it has to be.
func (s *scene) expectRepository(ctx context.Context, name *string, mutability ecrtypes.ImageTagMutability, scans bool, policy string) error {
	found, err := s.ecr.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{*name}})
	if err != nil {
		return err
	}
	r := found.Repositories[0]
	if r.ImageTagMutability != mutability || r.ImageScanningConfiguration.ScanOnPush != scans {
		return fmt.Errorf("the repository %s has %s and %+v", *name, r.ImageTagMutability, *r.ImageScanningConfiguration)
	}
	has, err := s.ecr.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: name})
	switch {
	case policy == "" && err != nil && codeOf(err) == "LifecyclePolicyNotFoundException":
		return nil
	case err != nil:
		return err
	case !awsregistry.SameLifecyclePolicy(*has.LifecyclePolicyText, policy):
		return fmt.Errorf("the repository %s has the lifecycle policy %s", *name, *has.LifecyclePolicyText)
	}
	return nil
}
