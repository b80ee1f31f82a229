package awsregistry_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// renamings are changes of names, some of which are still in use afterwards, for something else.
var renamings = map[string]func(*awsregistry.RegistrySpec){
	"roles swapped": func(s *awsregistry.RegistrySpec) {
		s.Server.RoleName, s.Builder.RoleName = s.Builder.RoleName, s.Server.RoleName
	},
	"policies swapped": func(s *awsregistry.RegistrySpec) {
		s.Server.PolicyName, s.Builder.PolicyName = s.Builder.PolicyName, s.Server.PolicyName
	},
	"all swapped": func(s *awsregistry.RegistrySpec) {
		s.Server.RoleName, s.Server.PolicyName, s.Builder.RoleName, s.Builder.PolicyName = s.Builder.RoleName, s.Builder.PolicyName, s.Server.RoleName, s.Server.PolicyName
	},
	"a role handed on": func(s *awsregistry.RegistrySpec) { s.Server.RoleName, s.Builder.RoleName = s.Builder.RoleName, "other" },
	"a policy handed on": func(s *awsregistry.RegistrySpec) {
		s.Server.PolicyName, s.Builder.PolicyName = "other", s.Server.PolicyName
	},
	"a role renamed": func(s *awsregistry.RegistrySpec) { s.Server.RoleName = "other" },
	"all renamed": func(s *awsregistry.RegistrySpec) {
		s.Server.RoleName, s.Server.PolicyName, s.Builder.RoleName, s.Builder.PolicyName = "a", "b", "c", "d"
	},
}

// Whatever names change, each role has its own policy and no other in the end, there and back, and nothing is left.
func TestRegistry_renamed(t *testing.T) {
	t.Parallel()
	for name, rename := range renamings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lags := []aws.Lag{{}}
			if strings.HasPrefix(name, "all ") { // these are all the others at once
				lags = append(lags, aws.Lag{Max: 8e9, Flapping: true})
			}
			for _, lag := range lags {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, aws.Options{Lag: lag})
					client, before, after := w.client(t), newSpec(), newSpec()
					rename(&after)
					mustApply(t, t.Context(), client, before)
					for _, change := range [][2]awsregistry.RegistrySpec{{before, after}, {after, before}} {
						if _, err := client.UpdateRegistry(t.Context(), change[1], change[0]); err != nil {
							t.Fatal(err)
						}
						w.SetLag(aws.Lag{})
						<-time.After(lag.Max)
						w.mustBeAlone(t, client, change[1])
						w.SetLag(lag)
					}
				})
			}
		})
	}
}

// mustBeAlone wants the registry to be as asked for, without any other policy on its roles, and nothing besides in the account.
func (w *world) mustBeAlone(t *testing.T, client *awsregistry.Client, spec awsregistry.RegistrySpec) {
	t.Helper()
	registry, err := client.ReadRegistry(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	mustMatch(t, client, spec, registry)
	for _, role := range []*awsregistry.Role{registry.Server.Role, registry.Builder.Role} {
		if role != nil && len(role.OtherPolicies) > 0 {
			t.Errorf("the role %s has other policies: %v", role.Name, role.OtherPolicies)
		}
	}
	if left := w.left(t); len(left) != 4 {
		t.Errorf("there is %v", left)
	}
}

// Changes that fail one after the other leave nothing that the next one, or a delete, does not take away, in whatever order they held each other's parts.
func TestRegistry_manyUnfinished(t *testing.T) {
	t.Parallel()
	for name, rename := range renamings {
		for n := int64(5); n < 40; n += 7 {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, aws.Options{})
					client, spec, failed, last := w.client(t), newSpec(), newSpec(), newSpec()
					spec.Template, failed.Template = &awsregistry.TemplateSpec{}, &awsregistry.TemplateSpec{}
					rename(&failed)
					failed.Prefix = "ml/failed"
					last.Server.RoleName = "last"
					mustApply(t, t.Context(), client, spec)
					w.cutShort(t, client, n, failed, spec)
					w.cutShort(t, client, n, last, spec, failed)
					if n%2 == 0 {
						if _, err := client.UpdateRegistry(t.Context(), spec, spec, failed, last); err != nil {
							t.Fatal(err)
						}
						spec.Template = nil
						if _, err := client.UpdateRegistry(t.Context(), spec, failed, last, everything()); err != nil {
							t.Fatal(err)
						}
						w.mustBeAlone(t, client, spec)
					}
					if err := client.DeleteRegistry(t.Context(), spec, failed, last, everything()); err != nil {
						t.Error(err)
					}
					if left := w.left(t); len(left) > 0 {
						t.Errorf("left: %v", left)
					}
				})
			})
		}
	}
}

// cutShort makes a change whose calls fail from the nth on.
func (w *world) cutShort(t *testing.T, client *awsregistry.Client, n int64, spec awsregistry.RegistrySpec, priors ...awsregistry.RegistrySpec) {
	t.Helper()
	rule := aws.Failure("iam:GetRole", "AccessDenied", "cut")
	rule.Path, rule.Nth = "", int(n)
	if err := w.gate.SetFaults(rule); err != nil {
		t.Fatal(err)
	}
	_, _ = client.UpdateRegistry(t.Context(), spec, priors...)
	if err := w.gate.SetFaults(); err != nil {
		t.Fatal(err)
	}
}

// What was imported is the caller's by its name, whatever else changes; what only has a name of a change is not.
func TestRegistry_adoptedByName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		client, spec, other := w.client(t), newSpec(), w.somebody()
		theirs := newSpec()
		theirs.Owner = "fedcba9876543210"
		mustApply(t, t.Context(), client, theirs)
		do(t, other.iam.CreateRole, &iam.CreateRoleInput{RoleName: sdk.String("foreign"), AssumeRolePolicyDocument: sdk.String(anybody)})
		prior := w.adopt(t, client, newSpec())
		spec.Known, spec.Adopted = prior.Known, true
		spec.Builder.RoleName = "foreign"
		if _, err := client.UpdateRegistry(t.Context(), spec, prior); !isForeign(err) {
			t.Errorf("%v", err)
		}
		spec.Builder.RoleName = "builder"
		if _, err := client.UpdateRegistry(t.Context(), spec, prior); err != nil {
			t.Fatal(err)
		}
		do(t, other.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: sdk.String("foreign")})
		spec.Adopted = false
		w.mustBeAlone(t, client, spec)
		if left := w.left(t); slices.Contains(left, "arn:aws:iam::123456789012:role/"+builderRole) {
			t.Errorf("there is %v", left)
		}
	})
}
