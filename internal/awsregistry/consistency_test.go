package awsregistry_test

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// lagRuns is how many registries are made while AWS lags behind: go test ./internal/awsregistry -run lag -lag-runs 1000.
var lagRuns = flag.Int("lag-runs", 12, "how many registries are made while AWS lags behind")

// IAM and ECR show changes up to 30 s late, from two replicas in turns: the first apply is right all the same, and a look after it shows no drift.
func TestRegistry_lag(t *testing.T) {
	t.Parallel()
	for shard := range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for run := shard; run < *lagRuns; run += 4 {
				synctest.Test(t, func(t *testing.T) { applyWithLag(t, uint64(run)) })
				if t.Failed() {
					t.Fatalf("run %d", run)
				}
			}
		})
	}
}

// applyWithLag makes, reads, changes and deletes a registry.
func applyWithLag(t *testing.T, seed uint64) {
	t.Helper()
	w := newWorld(t, aws.Options{Seed: seed, Lag: aws.Lag{Max: time.Duration(7*seed%31) * time.Second, Flapping: seed%3 > 0, Exact: seed%5 == 0}})
	client, spec := w.client(t), newSpec()
	if seed%2 == 0 {
		spec.Template = &awsregistry.TemplateSpec{}
		spec.Repositories = awsregistry.RepositorySettings{LifecyclePolicy: untagged(7)}
	}
	began := time.Now()
	mustApply(t, t.Context(), client, spec)
	if took := time.Since(began); took > 3*time.Minute {
		t.Errorf("create took %s", took)
	}
	read, err := client.ReadRegistry(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	mustMatch(t, client, spec, read)
	if seed%10 == 0 {
		changed := spec
		changed.Prefix = "ml/other"
		updated, err := client.UpdateRegistry(t.Context(), changed, spec)
		if err != nil {
			t.Fatal(err)
		}
		mustMatch(t, client, changed, updated)
		if err := client.DeleteRegistry(t.Context(), changed); err != nil {
			t.Fatal(err)
		}
	}
}

// What has just been deleted is still seen, and made anew all the same.
func TestRegistry_madeAnew(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, aws.Options{Seed: seed, Lag: aws.Lag{Max: 25 * time.Second, Flapping: seed%2 == 0, Exact: true}})
			spec, other := newSpec(), w.somebody()
			mustApply(t, t.Context(), w.client(t), spec)
			do(t, other.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{PolicyArn: sdk.String(builderPolicy), RoleName: sdk.String(builderRole)})
			<-time.After(26 * time.Second)
			do(t, other.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: sdk.String(builderRole)})
			changed := newSpec()
			changed.Tags = map[string]string{"team": "other"}
			registry, err := w.client(t).UpdateRegistry(t.Context(), changed, spec)
			if err != nil {
				t.Fatal(err)
			}
			mustMatch(t, w.client(t), changed, registry)
		})
	}
}

// What AWS never shows is said to be that, in the end.
func TestRegistry_neverSettles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{Lag: aws.Lag{Max: time.Hour, Exact: true}})
		began := time.Now()
		_, err := w.client(t).CreateRegistry(t.Context(), newSpec())
		unstable, ok := errors.AsType[*awsregistry.UnstableError](err)
		if took := time.Since(began); !ok || unstable.Subject == "" || unstable.Missing == "" || took < 3*time.Minute || took > 5*time.Minute {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// A policy that IAM refuses is not tried for long.
func TestRegistry_policyRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		if err := w.gate.SetFaults(aws.Failure("iam:CreateRole", "MalformedPolicyDocument", "Invalid principal in policy")); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err := w.client(t).CreateRegistry(t.Context(), newSpec())
		if !errors.Is(err, awsregistry.ErrPolicyRefused) || time.Since(began) > 30*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if err := w.gate.SetFaults(fault.Rule{Path: "^/iam/CreateRole$", Times: 7, Status: http.StatusBadRequest, Body: refusedPolicy}); err != nil {
			t.Fatal(err)
		}
		mustApply(t, t.Context(), w.client(t), newSpec())
	})
}

// refusedPolicy is IAM's answer to a policy that names a principal it does not know.
const refusedPolicy = `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>MalformedPolicyDocument</Code>` +
	`<Message>Invalid principal in policy</Message></Error><RequestId>1</RequestId></ErrorResponse>`

// errInterrupted is a user who has had enough.
var errInterrupted = errors.New("interrupted")

// Interrupted after any change, the same again leads to the same end, and nothing is left that nobody owns. Between two changes, AWS is the same.
func TestRegistry_interrupted(t *testing.T) {
	t.Parallel()
	n, finished := int64(0), false
	for ; !finished && n < 100; n++ {
		synctest.Test(t, func(t *testing.T) { finished = interruptEach(t, aws.Lag{}, n) })
	}
	if !finished || n < 8 {
		t.Errorf("an apply makes %d changes", n)
	}
}

// The same while AWS lags behind, which takes many more calls, so that only some of them are tried.
func TestRegistry_interruptedWithLag(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{1, 5, 11} {
		synctest.Test(t, func(t *testing.T) { interruptEach(t, aws.Lag{Max: 8 * time.Second, Flapping: true}, n) })
	}
}

// interruptEach makes, changes and deletes a registry, each time interrupted after n changes and begun again. It tells whether none makes that many.
func interruptEach(t *testing.T, lag aws.Lag, n int64) (finished bool) {
	t.Helper()
	w := newWorld(t, aws.Options{Lag: lag, Seed: uint64(n)})
	spec, changed := newSpec(), newSpec()
	spec.Template, changed.Template = &awsregistry.TemplateSpec{}, &awsregistry.TemplateSpec{}
	changed.Prefix, changed.Tags, changed.RolePath = "ml/changed", map[string]string{"team": "other"}, ""
	boundary := do(t, w.somebody().iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: sdk.String("boundary"), PolicyDocument: sdk.String(wide)})
	changed.PermissionsBoundaryARN = *boundary.Policy.Arn
	finished = true
	twice := func(do func(ctx context.Context, client *awsregistry.Client) error) {
		t.Helper()
		var err error
		interrupted := w.interrupt(t.Context(), n, func(ctx context.Context) { err = do(ctx, w.client(t)) })
		finished = finished && !interrupted
		if err != nil && (!interrupted || !errors.Is(err, errInterrupted)) {
			t.Errorf("the run interrupted after change %d: %v", n, err)
		}
		if err := do(t.Context(), w.client(t)); err != nil {
			t.Errorf("the run after change %d: %v", n, err)
		}
	}
	check := func(spec awsregistry.RegistrySpec) {
		t.Helper()
		registry, err := w.client(t).ReadRegistry(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		mustMatch(t, w.client(t), spec, registry)
	}
	twice(func(ctx context.Context, client *awsregistry.Client) error {
		_, err := client.CreateRegistry(ctx, spec)
		return err
	})
	check(spec)
	twice(func(ctx context.Context, client *awsregistry.Client) error {
		_, err := client.UpdateRegistry(ctx, changed, spec)
		return err
	})
	check(changed)
	twice(func(ctx context.Context, client *awsregistry.Client) error {
		return client.DeleteRegistry(ctx, changed)
	})
	<-time.After(lag.Max + time.Second)
	if left := w.left(t); len(left) > 0 {
		t.Errorf("left after change %d: %v", n, left)
	}
	return finished
}

// Any change may lose its answer, though AWS did what it was asked, and any question.
func TestRegistry_lostAnswers(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 12; n++ {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, aws.Options{})
			lost := []fault.Rule{lost(1 + n*n/2), lostChange(n)}
			if err := w.gate.SetFaults(lost...); err != nil {
				t.Fatal(err)
			}
			spec := newSpec()
			spec.Template = &awsregistry.TemplateSpec{}
			mustApply(t, t.Context(), w.client(t), spec)
			if err := w.gate.SetFaults(lost...); err != nil {
				t.Fatal(err)
			}
			if err := w.client(t).DeleteRegistry(t.Context(), spec); err != nil {
				t.Fatal(err)
			}
			if err := w.gate.SetFaults(); err != nil { // A short delete may not have come to the last of them.
				t.Fatal(err)
			}
			if left := w.left(t); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// left are the names of everything in the account, but for somebody's boundary.
func (w *world) left(t *testing.T) []string {
	t.Helper()
	var left []string
	other := w.somebody()
	for _, role := range do(t, other.iam.ListRoles, &iam.ListRolesInput{}).Roles {
		left = append(left, *role.Arn)
	}
	for _, policy := range do(t, other.iam.ListPolicies, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal}).Policies {
		if *policy.Arn != boundaryPolicy {
			left = append(left, *policy.Arn)
		}
	}
	for _, template := range do(t, other.ecr.DescribeRepositoryCreationTemplates, &ecr.DescribeRepositoryCreationTemplatesInput{}).RepositoryCreationTemplates {
		left = append(left, "template "+*template.Prefix)
	}
	return left
}
