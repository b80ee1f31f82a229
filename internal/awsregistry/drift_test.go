package awsregistry_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// everything is a spec that manages all there is to manage.
func everything() awsregistry.RegistrySpec {
	spec := newSpec()
	spec.Template = &awsregistry.TemplateSpec{Description: "for the team"}
	spec.Repositories = awsregistry.RepositorySettings{
		TagMutability: "IMMUTABLE_WITH_EXCLUSION", Exclusions: []string{"rime-*"}, ScanOnPush: sdk.Bool(true), LifecyclePolicy: untagged(7),
	}
	return spec
}

const (
	builderRole   = "eks_ecr_image_builder_prod_rime"
	builderPolicy = "arn:aws:iam::123456789012:policy/eks_ecr_image_builder_policy_prod_rime"
	serverRole    = "eks_ecr_repo_manager_prod_rime"
	wide          = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	anybody       = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::123456789012:root"}}]}`
)

// Whatever somebody changes is seen, and put right in place.
func TestRegistry_drift(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(t *testing.T, other somebody)
		// want are the paths that drift.
		want string
	}{
		"a policy widened": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.iam.CreatePolicyVersion, &iam.CreatePolicyVersionInput{PolicyArn: sdk.String(builderPolicy), PolicyDocument: sdk.String(wide), SetAsDefault: true})
		}, "image_builder.policy"},
		"a policy detached": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{PolicyArn: sdk.String(builderPolicy), RoleName: sdk.String(builderRole)})
		}, "image_builder.attachment"},
		"a policy deleted": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{PolicyArn: sdk.String(builderPolicy), RoleName: sdk.String(builderRole)})
			do(t, other.iam.DeletePolicy, &iam.DeletePolicyInput{PolicyArn: sdk.String(builderPolicy)})
		}, "image_builder.policy"},
		"a role deleted": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{PolicyArn: sdk.String(builderPolicy), RoleName: sdk.String(builderRole)})
			do(t, other.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: sdk.String(builderRole)})
		}, "image_builder.role"},
		"a trust opened": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: sdk.String(serverRole), PolicyDocument: sdk.String(anybody)})
		}, "registry_server.trust"},
		"a boundary put up": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.iam.PutRolePermissionsBoundary, &iam.PutRolePermissionsBoundaryInput{RoleName: sdk.String(serverRole), PermissionsBoundary: sdk.String(builderPolicy)})
		}, "registry_server.permissions_boundary_arn"},
		"tags changed": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.iam.TagRole, &iam.TagRoleInput{RoleName: sdk.String(serverRole), Tags: []iamtypes.Tag{{Key: sdk.String("team"), Value: sdk.String("x")}}})
			do(t, other.iam.UntagPolicy, &iam.UntagPolicyInput{PolicyArn: sdk.String(builderPolicy), TagKeys: []string{"team"}})
			do(t, other.iam.TagPolicy, &iam.TagPolicyInput{PolicyArn: sdk.String(builderPolicy), Tags: []iamtypes.Tag{{Key: sdk.String("other"), Value: sdk.String("x")}}})
		}, "image_builder.policy_tags registry_server.role_tags"},
		"a template deleted": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.ecr.DeleteRepositoryCreationTemplate, &ecr.DeleteRepositoryCreationTemplateInput{Prefix: sdk.String("ml/prod")})
		}, "creation_template"},
		"a template changed": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.ecr.UpdateRepositoryCreationTemplate, &ecr.UpdateRepositoryCreationTemplateInput{Prefix: sdk.String("ml/prod"), LifecyclePolicy: sdk.String(untagged(9))})
		}, "creation_template"},
		"a lifecycle policy removed": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.ecr.DeleteLifecyclePolicy, &ecr.DeleteLifecyclePolicyInput{RepositoryName: sdk.String("ml/prod/a")})
		}, "repositories.lifecycle_policy"},
		"a lifecycle policy edited": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: sdk.String("ml/prod/a"), LifecyclePolicyText: sdk.String(untagged(8))})
		}, "repositories.lifecycle_policy"},
		"a new repository": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: sdk.String("ml/prod/new")})
		}, "repositories.lifecycle_policy repositories.settings"},
		"mutable tags": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.ecr.PutImageTagMutability, &ecr.PutImageTagMutabilityInput{RepositoryName: sdk.String("ml/prod/a"), ImageTagMutability: ecrtypes.ImageTagMutabilityMutable})
		}, "repositories.settings"},
		"no scanning": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.ecr.PutImageScanningConfiguration, &ecr.PutImageScanningConfigurationInput{
				RepositoryName: sdk.String("ml/prod/a"), ImageScanningConfiguration: &ecrtypes.ImageScanningConfiguration{ScanOnPush: false},
			})
		}, "repositories.settings"},
		"somebody else's repository": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: sdk.String("ml/production/x")})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, aws.Options{})
				w.makeRepositories(t, "ml/prod/a", "ml/prod/b", "ml/prod-other/x")
				client, spec := w.client(t), everything()
				mustApply(t, t.Context(), client, spec)
				test.change(t, w.somebody())
				if got := paths(t, client, spec); got != test.want {
					t.Errorf("drift %q, want %q", got, test.want)
				}
				if _, err := client.UpdateRegistry(t.Context(), spec, spec); err != nil {
					t.Fatal(err)
				}
				if got := paths(t, client, spec); got != "" {
					t.Errorf("drift after the repair: %q", got)
				}
				w.mustBeUntouched(t, "ml/prod-other/x")
			})
		})
	}
}

// paths are those that drift, sorted, once each.
func paths(t *testing.T, client *awsregistry.Client, spec awsregistry.RegistrySpec) string {
	t.Helper()
	registry, err := client.ReadRegistry(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, drift := range client.Drift(spec, registry) {
		all = append(all, drift.Path)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// mustBeUntouched wants a repository to be as it was made.
func (w *world) mustBeUntouched(t *testing.T, repository string) {
	t.Helper()
	client := w.client(t)
	found, err := client.Repository(t.Context(), repository)
	if err != nil || found.TagMutability != "MUTABLE" || found.ScanOnPush {
		t.Errorf("%+v, %v", found, err)
	}
	if text, err := client.LifecyclePolicy(t.Context(), repository); text != "" || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}

// What has the name of ours and is not is left alone, unless the caller says that it is.
func TestRegistry_foreign(t *testing.T) {
	t.Parallel()
	policyName := strings.TrimPrefix(builderPolicy, "arn:aws:iam::123456789012:policy/")
	for name, test := range map[string]struct {
		make func(t *testing.T, other somebody)
		kind string
	}{
		"role": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.iam.CreateRole, &iam.CreateRoleInput{RoleName: sdk.String(builderRole), AssumeRolePolicyDocument: sdk.String(anybody)})
		}, "role"},
		"policy": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: &policyName, PolicyDocument: sdk.String(wide)})
		}, "policy"},
		"policy of another resource": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.iam.CreatePolicy, &iam.CreatePolicyInput{
				PolicyName: &policyName, PolicyDocument: sdk.String(wide),
				Tags: []iamtypes.Tag{{Key: sdk.String(awsregistry.OwnershipTag), Value: sdk.String("fedcba9876543210")}},
			})
		}, "policy"},
		"template of another resource": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.ecr.CreateRepositoryCreationTemplate, &ecr.CreateRepositoryCreationTemplateInput{
				Prefix: sdk.String("ml/prod"), AppliedFor: []ecrtypes.RCTAppliedFor{ecrtypes.RCTAppliedForReplication},
				Description: sdk.String("Managed Image Registry, by terraform-provider-rime (fedcba9876543210)"),
			})
		}, "repository creation template"},
		"template": {func(t *testing.T, other somebody) {
			t.Helper()
			do(t, other.ecr.CreateRepositoryCreationTemplate, &ecr.CreateRepositoryCreationTemplateInput{
				Prefix: sdk.String("ml/prod"), AppliedFor: []ecrtypes.RCTAppliedFor{ecrtypes.RCTAppliedForReplication},
			})
		}, "repository creation template"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, aws.Options{})
				client, spec := w.client(t), everything()
				test.make(t, w.somebody())
				_, err := client.CreateRegistry(t.Context(), spec)
				foreign, ok := errors.AsType[*awsregistry.ForeignError](err)
				if !ok || len(foreign.Objects) != 1 || foreign.Objects[0].Kind != test.kind {
					t.Fatalf("create: %v", err)
				}
				left := w.left(t)
				if len(left) != 1 {
					t.Errorf("made before somebody else's was seen: %v", left)
				}
				if err := client.DeleteRegistry(t.Context(), spec); !isForeign(err) || !slices.Equal(w.left(t), left) {
					t.Errorf("after a delete there is %v: %v", w.left(t), err)
				}
				unfinished := spec
				unfinished.Unfinished = true
				if err := client.DeleteRegistry(t.Context(), unfinished); err != nil || !slices.Equal(w.left(t), left) {
					t.Errorf("after a delete of what may not have been made there is %v: %v", w.left(t), err)
				}
				spec = w.adopt(t, client, spec)
				if test.kind == "repository creation template" { // It is adopted by nobody.
					w.refusesTemplate(t, client, spec)
					return
				}
				mustApply(t, t.Context(), client, spec)
				spec.Adopted = false // It carries our tags now.
				if err := client.DeleteRegistry(t.Context(), spec); err != nil {
					t.Errorf("delete what was adopted: %v", err)
				}
				if left = w.left(t); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		})
	}
}

// adopt is the spec of an import of what there is.
func (w *world) adopt(t *testing.T, client *awsregistry.Client, spec awsregistry.RegistrySpec) awsregistry.RegistrySpec {
	t.Helper()
	registry, err := client.ReadRegistry(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Known, spec.Adopted = registry.Known(spec, true), true
	return spec
}

// refusesTemplate wants somebody else's template to be left as it is by a client that has imported the rest.
func (w *world) refusesTemplate(t *testing.T, client *awsregistry.Client, spec awsregistry.RegistrySpec) {
	t.Helper()
	if _, err := client.UpdateRegistry(t.Context(), spec, spec); !isForeign(err) {
		t.Errorf("update: %v", err)
	}
	if err := client.DeleteRegistry(t.Context(), spec); !isForeign(err) {
		t.Errorf("delete: %v", err)
	}
	if left := w.left(t); !slices.Contains(left, "template ml/prod") {
		t.Errorf("left: %v", left)
	}
}

// isForeign tells whether something is somebody else's.
func isForeign(err error) bool {
	_, foreign := errors.AsType[*awsregistry.ForeignError](err)
	return foreign
}

// Policies of others on a role of ours are drift unless they are allowed. They are taken off, and go with the role, only where
// that is asked for.
func TestRegistry_otherPolicies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		client, spec := w.client(t), newSpec()
		mustApply(t, t.Context(), client, spec)
		other := w.somebody()
		made := do(t, other.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: sdk.String("key"), PolicyDocument: sdk.String(wide)})
		do(t, other.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: sdk.String(serverRole), PolicyArn: made.Policy.Arn})
		do(t, other.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: sdk.String(serverRole), PolicyName: sdk.String("inside"), PolicyDocument: sdk.String(wide)})
		both := []string{*made.Policy.Arn, "inline:inside"}
		registry, err := client.UpdateRegistry(t.Context(), spec, spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := registry.Unwanted(spec); len(got) != 1 || got[0].Role != serverRole || !slices.Equal(got[0].Policies, both) {
			t.Errorf("unwanted: %v", got)
		}
		if got := paths(t, client, spec); got != "registry_server.other_policies" {
			t.Errorf("drift %q", got)
		}
		spec.AllowedPolicies = both
		if got := paths(t, client, spec); got != "" {
			t.Errorf("drift of what is allowed: %q", got)
		}
		before := w.left(t)
		err = client.DeleteRegistry(t.Context(), spec)
		if held, ok := errors.AsType[*awsregistry.OtherPoliciesError](err); !ok || len(held.Roles) != 1 || !slices.Equal(held.Roles[0].Policies, both) {
			t.Errorf("delete: %v", err)
		}
		if after := w.left(t); !slices.Equal(before, after) {
			t.Errorf("before %v, after %v", before, after)
		}
		spec.ForceDetach, spec.AllowedPolicies = true, both[:1]
		registry, err = client.UpdateRegistry(t.Context(), spec, spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := registry.Server.Role.OtherPolicies; !slices.Equal(got, both[:1]) {
			t.Errorf("left on the role: %v", got)
		}
		mustMatch(t, client, spec, registry)
		if err := client.DeleteRegistry(t.Context(), spec); err != nil {
			t.Error(err)
		}
		do(t, other.iam.GetPolicy, &iam.GetPolicyInput{PolicyArn: made.Policy.Arn}) // it is theirs
	})
}

// What lost its tags is known by its ids, gets them back, and is deleted; what somebody else made under the same names is not.
func TestRegistry_untagged(t *testing.T) {
	t.Parallel()
	for _, then := range []string{"update", "delete"} {
		t.Run(then, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, aws.Options{})
				client, spec, other := w.client(t), everything(), w.somebody()
				spec.Known = mustApply(t, t.Context(), client, spec).Known(spec, false)
				for _, role := range []string{serverRole, builderRole} {
					do(t, other.iam.UntagRole, &iam.UntagRoleInput{RoleName: &role, TagKeys: []string{awsregistry.OwnershipTag}})
				}
				do(t, other.iam.UntagPolicy, &iam.UntagPolicyInput{PolicyArn: sdk.String(builderPolicy), TagKeys: []string{awsregistry.OwnershipTag}})
				do(t, other.ecr.UpdateRepositoryCreationTemplate, &ecr.UpdateRepositoryCreationTemplateInput{Prefix: sdk.String("ml/prod"), Description: sdk.String("mine")})
				if got := paths(t, client, spec); got != "creation_template image_builder.policy_owner image_builder.role_owner registry_server.role_owner" {
					t.Errorf("drift %q", got)
				}
				if theirs, err := client.Foreign(t.Context(), spec); len(theirs) > 0 || err != nil {
					t.Errorf("%v, %v", theirs, err)
				}
				stranger := spec
				stranger.Known = awsregistry.Known{}
				if err := client.DeleteRegistry(t.Context(), stranger); !isForeign(err) {
					t.Errorf("a stranger's delete: %v", err)
				}
				if then == "update" {
					registry, err := client.UpdateRegistry(t.Context(), spec, spec)
					if err != nil {
						t.Fatal(err)
					}
					mustMatch(t, client, spec, registry)
				}
				if err := client.DeleteRegistry(t.Context(), spec); err != nil {
					t.Error(err)
				}
				if left := w.left(t); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		})
	}
}

// A role that was deleted and made anew by somebody is another role: nothing is deleted, and the error names it.
func TestRegistry_remade(t *testing.T) {
	t.Parallel()
	for name, owner := range map[string][]iamtypes.Tag{
		"without a tag": nil, "another's": {{Key: sdk.String(awsregistry.OwnershipTag), Value: sdk.String("fedcba9876543210")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, aws.Options{})
				client, spec, other := w.client(t), newSpec(), w.somebody()
				spec.Known = mustApply(t, t.Context(), client, spec).Known(spec, false)
				do(t, other.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{PolicyArn: sdk.String(builderPolicy), RoleName: sdk.String(builderRole)})
				do(t, other.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: sdk.String(builderRole)})
				do(t, other.iam.CreateRole, &iam.CreateRoleInput{RoleName: sdk.String(builderRole), AssumeRolePolicyDocument: sdk.String(anybody), Tags: owner})
				before := w.left(t)
				for what, change := range map[string]func() error{
					"delete": func() error { return client.DeleteRegistry(t.Context(), spec) },
					"update": func() error {
						_, err := client.UpdateRegistry(t.Context(), spec, spec)
						return err
					},
				} {
					err := change()
					theirs, ok := errors.AsType[*awsregistry.ForeignError](err)
					if !ok || len(theirs.Objects) != 1 || theirs.Objects[0].ARN != "arn:aws:iam::123456789012:role/"+builderRole {
						t.Errorf("%s: %v", what, err)
					}
				}
				if after := w.left(t); !slices.Equal(before, after) {
					t.Errorf("before %v, after %v", before, after)
				}
				renamed := spec
				renamed.Builder.RoleName = "other"
				registry, err := client.UpdateRegistry(t.Context(), renamed, spec)
				if err != nil || len(registry.Left) != 1 || registry.Left[0].Name != builderRole {
					t.Errorf("renamed: %v, left %v", err, registry.Left)
				}
			})
		})
	}
}

// A role keeps the condition on STS's audience that somebody gave it, also when its trust changes, unless none is asked for.
func TestRegistry_audience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		client, spec, other := w.client(t), newSpec(), w.somebody()
		account := mustApply(t, t.Context(), client, spec).Account
		spec.Server.Trust.KeepAudience, spec.Builder.Trust.KeepAudience = true, true
		hardened := spec.Server.Trust
		hardened.Audience = awsregistry.STSAudience
		do(t, other.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: sdk.String(serverRole), PolicyDocument: sdk.String(hardened.Document(account))})
		if got := paths(t, client, spec); got != "" {
			t.Errorf("drift %q", got)
		}
		more := awsregistry.ServiceAccount{Namespace: "rime", Name: "more"}
		spec.Server.Trust.ServiceAccounts = append(spec.Server.Trust.ServiceAccounts, more)
		registry, err := client.UpdateRegistry(t.Context(), spec, spec)
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range []struct {
			is   awsregistry.Identity
			want string
		}{{registry.Server, awsregistry.STSAudience}, {registry.Builder, ""}} {
			if trust, ok := awsregistry.ParseTrust(role.is.Role.Trust); !ok || trust.Audience != role.want {
				t.Errorf("%s: %s", role.is.Role.Name, role.is.Role.Trust)
			}
		}
		spec.Server.Trust.KeepAudience = false
		if got := paths(t, client, spec); got != "registry_server.trust" {
			t.Errorf("drift where none is asked for: %q", got)
		}
	})
}

// A policy of ours that others use stays, and the error says who they are.
func TestRegistry_policyInUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		client, spec := w.client(t), newSpec()
		mustApply(t, t.Context(), client, spec)
		other := w.somebody()
		do(t, other.iam.CreateRole, &iam.CreateRoleInput{RoleName: sdk.String("theirs"), AssumeRolePolicyDocument: sdk.String(anybody)})
		do(t, other.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: sdk.String("theirs"), PolicyArn: sdk.String(builderPolicy)})
		err := client.DeleteRegistry(t.Context(), spec)
		used, ok := errors.AsType[*awsregistry.InUseError](err)
		if !ok || !slices.Equal(used.Holders, []string{"role theirs"}) || !errors.Is(err, awsregistry.ErrConflict) {
			t.Fatalf("%v", err)
		}
		do(t, other.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: sdk.String("theirs"), PolicyArn: sdk.String(builderPolicy)})
		if err := client.DeleteRegistry(t.Context(), spec); err != nil {
			t.Error(err)
		}
	})
}

// An installation of the platform's own module, which carries no tags of ours, shows no drift when it is imported.
func TestRegistry_imported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		client, spec := w.client(t), newSpec()
		account, err := client.Account(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		spec.Adopted, spec.Tags = true, nil
		documents, other := spec.Documents(account), w.somebody()
		for _, id := range []struct {
			awsregistry.IdentitySpec
			awsregistry.IdentityDocuments
		}{{spec.Server, documents.Server}, {spec.Builder, documents.Builder}} {
			made := do(t, other.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: &id.PolicyName, PolicyDocument: &id.Policy})
			do(t, other.iam.CreateRole, &iam.CreateRoleInput{RoleName: &id.RoleName, AssumeRolePolicyDocument: &id.IdentityDocuments.Trust})
			do(t, other.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: &id.RoleName, PolicyArn: made.Policy.Arn})
		}
		if got := paths(t, client, spec); got != "" {
			t.Errorf("drift %s", got)
		}
	})
}
