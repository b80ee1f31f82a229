package awsregistry_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// boundaryPolicy is a policy of somebody else.
const boundaryPolicy = "arn:aws:iam::123456789012:policy/boundary"

// Everything changes in place.
func TestRegistry_update(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*awsregistry.RegistrySpec){
		"nothing":      func(*awsregistry.RegistrySpec) {},
		"prefix":       func(s *awsregistry.RegistrySpec) { s.Prefix = "ml/other" },
		"empty prefix": func(s *awsregistry.RegistrySpec) { s.Prefix = "" },
		"tags":         func(s *awsregistry.RegistrySpec) { s.Tags = map[string]string{"cost": "7"} },
		"no tags":      func(s *awsregistry.RegistrySpec) { s.Tags = nil },
		"trust":        func(s *awsregistry.RegistrySpec) { s.Server.Trust = awsregistry.TrustSpec{PodIdentity: true} },
		"boundary":     func(s *awsregistry.RegistrySpec) { s.PermissionsBoundaryARN = boundaryPolicy },
		"names": func(s *awsregistry.RegistrySpec) {
			s.Server.RoleName, s.Server.PolicyName, s.Builder.RoleName = "server", "server", "builder"
		},
		"names of policies": func(s *awsregistry.RegistrySpec) { s.Server.PolicyName, s.Builder.PolicyName = "server", "builder" },
		"settings": func(s *awsregistry.RegistrySpec) {
			s.Repositories.TagMutability, s.Repositories.Exclusions, s.Repositories.ScanOnPush = "MUTABLE", nil, sdk.Bool(false)
		},
		"lifecycle":    func(s *awsregistry.RegistrySpec) { s.Repositories.LifecyclePolicy = untagged(99) },
		"no lifecycle": func(s *awsregistry.RegistrySpec) { s.Repositories.LifecyclePolicy = "" },
		"template": func(s *awsregistry.RegistrySpec) {
			s.Template = &awsregistry.TemplateSpec{AppliedFor: []string{"REPLICATION"}}
		},
		"no template": func(s *awsregistry.RegistrySpec) { s.Template = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, aws.Options{})
				w.makeRepositories(t, "ml/prod/a", "ml/other/b")
				do(t, w.somebody().iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: sdk.String("boundary"), PolicyDocument: sdk.String(wide)})
				client, before := w.client(t), everything()
				created := mustApply(t, t.Context(), client, before)
				after := everything()
				change(&after)
				updated, err := client.UpdateRegistry(t.Context(), after, before)
				if err != nil {
					t.Fatal(err)
				}
				mustMatch(t, client, after, updated)
				if got := paths(t, client, after); got != "" {
					t.Errorf("drift %s", got)
				}
				if name != "names" && updated.Server.Role.ARN != created.Server.Role.ARN {
					t.Error("the role was replaced")
				}
				if err := client.DeleteRegistry(t.Context(), after); err != nil {
					t.Fatal(err)
				}
				for _, spec := range []awsregistry.RegistrySpec{before, after} {
					left, err := client.ReadRegistry(t.Context(), spec)
					if err != nil || left.Server.Role != nil || left.Server.Policy != nil || left.Builder.Role != nil || left.Builder.Policy != nil || left.Template != nil {
						t.Errorf("left: %+v, %v", left, err)
					}
				}
			})
		})
	}
}

// A lifecycle policy that is no longer managed is taken off, unless somebody has put another one there; there is no moment without one while it is changed.
func TestRegistry_lifecyclePolicyReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		w.makeRepositories(t, "ml/prod/a", "ml/prod/theirs", "other/x")
		client, spec := w.client(t), newSpec()
		spec.Repositories.LifecyclePolicy = untagged(3)
		mustApply(t, t.Context(), client, spec)
		changed := spec
		changed.Repositories.LifecyclePolicy = untagged(4)
		if _, err := client.UpdateRegistry(t.Context(), changed, spec); err != nil {
			t.Fatal(err)
		}
		if n := w.CallCounts()["ecr:DeleteLifecyclePolicy"]; n != 0 {
			t.Errorf("%d policies were deleted to change them", n)
		}
		theirs := spec
		theirs.Prefix, theirs.Repositories.LifecyclePolicy = "ml/prod", untagged(77)
		if err := client.PrepareRepository(t.Context(), "ml/prod/theirs", theirs.Repositories); err != nil {
			t.Fatal(err) // it is not ours, so that the policy stays
		}
		if got, err := client.LifecyclePolicy(t.Context(), "ml/prod/theirs"); !awsregistry.SameLifecyclePolicy(got, untagged(4)) || err != nil {
			t.Fatalf("%s, %v", got, err)
		}
		released := changed
		released.Repositories.LifecyclePolicy = ""
		if _, err := client.UpdateRegistry(t.Context(), released, changed); err != nil {
			t.Fatal(err)
		}
		if got, err := client.LifecyclePolicy(t.Context(), "ml/prod/a"); got != "" || err != nil {
			t.Errorf("%s, %v", got, err)
		}
		w.mustBeUntouched(t, "other/x")
	})
}

// A policy has five versions at most: the oldest that is not in use makes room, however often the policy changes.
func TestRegistry_fiveVersions(t *testing.T) {
	t.Parallel()
	for name, lag := range map[string]aws.Lag{"at once": {}, "late": {Max: 20e9, Flapping: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, aws.Options{Lag: lag})
				client, spec := w.client(t), newSpec()
				mustApply(t, t.Context(), client, spec)
				for i := range 6 { // a policy has five versions at the most
					next := spec
					next.Prefix = fmt.Sprintf("ml/v%d", i)
					registry, err := client.UpdateRegistry(t.Context(), next, spec)
					if err != nil {
						t.Fatal(err)
					}
					mustMatch(t, client, next, registry)
					spec = next
				}
				w.SetLag(aws.Lag{})
				versions := do(t, w.somebody().iam.ListPolicyVersions, &iam.ListPolicyVersionsInput{PolicyArn: sdk.String(builderPolicy)}).Versions
				// An old look may have led to a version too many.
				if len(versions) != 5 || !versions[0].IsDefaultVersion || lag.Max == 0 && *versions[0].VersionId != "v7" {
					t.Errorf("%d versions, the newest %s", len(versions), *versions[0].VersionId)
				}
				if err := client.DeleteRegistry(t.Context(), spec); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A role's path cannot be changed; that is said before anything else is.
func TestRegistry_path(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		client, spec := w.client(t), newSpec()
		spec.RolePath = "/ml/"
		registry := mustApply(t, t.Context(), client, spec)
		if registry.Server.Role.Path != "/ml/" {
			t.Errorf("%+v", registry.Server.Role)
		}
		moved := spec
		moved.RolePath = ""
		if got := paths(t, client, moved); got != "image_builder.role_path registry_server.role_path" {
			t.Errorf("drift %s", got)
		}
		if _, err := client.UpdateRegistry(t.Context(), moved, spec); !errors.Is(err, awsregistry.ErrConflict) {
			t.Errorf("%v", err)
		}
	})
}
