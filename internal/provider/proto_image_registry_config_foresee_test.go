package provider

import (
	"fmt"
	"maps"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// A plan tells of repositories that are under the prefix already, and what will become of them; only the one that puts them under the registry does.
func TestProtoImageRegistryConfig_repositoriesExist(t *testing.T) {
	t.Parallel()
	const summary = "Repositories Under the Prefix Exist Already"
	a := newAccount(t)
	for i := range 7 {
		a.repository(fmt.Sprintf("ml/prod/rime/image-%d", i))
	}
	a.repository("ml/stage/rime/churn")
	a.repository("ml/prod/rime-other/churn")
	server := newRegistryServer(t, a, nil)
	plain, scanning := registryInput(nil), registryInput(map[string]any{"scan_on_push": true})
	expectDiagnostic(t, server.plan(server.absent(), plain).Diagnostics, []string{"WARNING", summary, "repository_prefix", "7 repositories exist under \"ml/prod/rime\" already: ml/prod/rime/image-0, "})
	expectDiagnostic(t, server.plan(server.absent(), plain).Diagnostics, []string{"WARNING", summary, "repository_prefix", "Their settings and lifecycle policies stay as they are."})
	expectDiagnostic(t, server.plan(server.absent(), scanning).Diagnostics, []string{"WARNING", summary, "repository_prefix", "gives them `scan_on_push` in place of their own"})
	for name, other := range map[string]map[string]any{"not enabled": {"enable": false}, "not known": {"repository_prefix": unknown{}}, "none there": {"namespace": "rime2"}} {
		if found := server.plan(server.absent(), registryInput(other)).Diagnostics; len(found) > 0 {
			t.Errorf("%s: %s", name, found[0].Detail)
		}
	}
	// A refusal to list is no reason not to plan.
	a.Deny("*", false, "ecr:DescribeRepositories")
	server.expectNone(server.plan(server.absent(), plain).Diagnostics, nil)
	a.Allow()

	made := newAccount(t)
	server = newRegistryServer(t, made, nil)
	whole := server.must(server.absent(), plain)
	made.repository("ml/prod/rime/churn")
	made.repository("ml/stage/rime/churn")
	server.expectNone(server.plan(whole, scanning).Diagnostics, nil)
	moved := registryInput(map[string]any{"resource_name_suffix": "stage"})
	expectDiagnostic(t, server.plan(whole, moved).Diagnostics, []string{"WARNING", summary, "repository_prefix", "1 repository exists under \"ml/stage/rime\" already: ml/stage/rime/churn."})
}

// The provider's default tags cannot be on repositories that ECR makes without a role: the plan says so.
func TestProtoImageRegistryConfig_templateTags(t *testing.T) {
	t.Parallel()
	const summary = "Repositories Get No Default Tags"
	a := newAccount(t)
	account := map[string]any{"region": aws.DefaultRegion, "endpoints": map[string]any{"ecr": a.URL, "iam": a.URL, "sts": a.URL}}
	tagged := maps.Clone(account)
	tagged["default_tags"] = map[string]any{"owner": "ada", "cost": "7"}
	with, without := newRegistryServer(t, a, map[string]any{"aws": tagged}), newRegistryServer(t, a, map[string]any{"aws": account})
	template := registryInput(map[string]any{"creation_template": map[string]any{}, "tags": map[string]any{"team": "ml"}})
	role := registryInput(map[string]any{"creation_template": map[string]any{"custom_role_arn": "arn:aws:iam::123456789012:role/creator"}})
	expectDiagnostic(t, with.plan(with.absent(), template).Diagnostics, []string{"WARNING", summary, "creation_template.custom_role_arn", "(cost, owner)"})
	expectDiagnostic(t, with.plan(with.absent(), role).Diagnostics, nil)
	expectDiagnostic(t, with.plan(with.absent(), registryInput(nil)).Diagnostics, nil)
	expectDiagnostic(t, without.plan(without.absent(), template).Diagnostics, nil)
}
