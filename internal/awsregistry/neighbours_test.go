package awsregistry_test

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// Of two registries of which one is within the other, each is told of the other, and the inner one has its repositories'
// settings: neither changes the other's back.
func TestRegistry_overlap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		w.makeRepositories(t, "ml/a", "ml/prod/b", "ml-other/c")
		inner, outer := newSpec(), newSpec()
		inner.Repositories.LifecyclePolicy, outer.Repositories.LifecyclePolicy = untagged(9), untagged(7)
		outer.Prefix, outer.Owner = "ml", "fedcba9876543210"
		names := awsregistry.ModuleNames("", "all")
		outer.Server.RoleName, outer.Server.PolicyName, outer.Builder.RoleName, outer.Builder.PolicyName = names.ServerRole, names.ServerPolicy, names.BuilderRole, names.BuilderPolicy
		outer.Template = &awsregistry.TemplateSpec{}
		mustApply(t, t.Context(), w.client(t), inner)
		mustApply(t, t.Context(), w.client(t), outer)
		for range 2 {
			for name, spec := range map[string]awsregistry.RegistrySpec{"inner": inner, "outer": outer} {
				client := w.client(t)
				if got := paths(t, client, spec); got != "" {
					t.Errorf("%s: drift %q", name, got)
				}
				if _, err := client.UpdateRegistry(t.Context(), spec, spec); err != nil {
					t.Error(err)
				}
			}
		}
		for repository, want := range map[string]string{"ml/a": untagged(7), "ml/prod/b": untagged(9), "ml-other/c": ""} {
			if got, err := w.client(t).LifecyclePolicy(t.Context(), repository); err != nil || !awsregistry.SameLifecyclePolicy(got, want) {
				t.Errorf("%s: %s, %v", repository, got, err)
			}
		}
		for _, test := range []struct {
			spec awsregistry.RegistrySpec
			want []string
		}{
			{inner, []string{`ml: policy arn:aws:iam::123456789012:policy/eks_ecr_repo_management_policy_all`, "ml: repository creation template ml"}},
			{outer, []string{`ml/prod: policy arn:aws:iam::123456789012:policy/eks_ecr_repo_management_policy_prod_rime`}},
			{awsregistry.RegistrySpec{Prefix: "ml-other"}, nil},
		} {
			others, err := w.client(t).Overlapping(t.Context(), test.spec)
			var got []string
			for _, other := range others {
				got = append(got, other.Prefix+": "+other.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		}
		// What may not be listed cannot be seen, which stops nothing.
		if err := w.gate.SetFaults(aws.Failure("iam:ListPolicies", "AccessDenied", "no")); err != nil {
			t.Fatal(err)
		}
		if others, err := w.client(t).Overlapping(t.Context(), inner); err == nil || len(others) != 1 {
			t.Errorf("%v, %v", others, err)
		}
		if got := paths(t, w.client(t), inner); got != "" {
			t.Errorf("drift %q", got)
		}
	})
}
