package provider

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Wherever a create is cut short, what it made is in the state; the next apply replaces it, and a destroy leaves nothing.
func TestProtoImageRegistryConfig_createCut(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 36; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			server := newRegistryServer(t, a, nil)
			left, diagnostics := server.apply(server.absent(), templated(nil), a.cut(n))
			a.heal()
			if len(diagnostics) == 0 {
				t.Log("there are fewer calls")
			} else if known := server.attributes(left.state) != nil; !known && a.made() > 0 {
				t.Fatalf("%d roles, policies and templates that the state does not know", a.made())
			}
			if server.attributes(left.state) != nil {
				server.must(left, nil) // Terraform replaces what failed to be created.
			}
			if a.made() != 0 {
				t.Fatalf("%d roles, policies and templates are left", a.made())
			}
			whole := server.must(server.absent(), templated(nil))
			server.expectSettled(whole, templated(nil))
		})
	}
}

// Wherever a change is cut short, the next apply makes it whole, even if it is taken back, and a destroy leaves nothing.
func TestProtoImageRegistryConfig_updateCut(t *testing.T) {
	t.Parallel()
	changed := templated(map[string]any{"resource_name_suffix": "stage", "tags": map[string]any{"team": "ml"}})
	for n := 1; n <= 40; n += 3 {
		for name, next := range map[string]map[string]any{"again": changed, "taken back": templated(nil), "disabled": templated(map[string]any{"enable": false}), "destroyed": nil} {
			t.Run(fmt.Sprint(n, " ", name), func(t *testing.T) {
				t.Parallel()
				a := newAccount(t)
				server := newRegistryServer(t, a, nil)
				whole := server.must(server.absent(), templated(nil))
				left, _ := server.apply(whole, changed, a.cut(n))
				a.heal()
				left, diagnostics := server.refresh(left)
				server.expectNone(diagnostics, nil)
				left = server.must(left, next)
				a.expectMade(next)
				if next != nil {
					server.expectSettled(left, next)
				}
			})
		}
	}
}

// expectMade expects what a configuration with a template asks for: two roles with their policies, and that, or nothing.
func (a *account) expectMade(config map[string]any) {
	a.t.Helper()
	want := 5
	if config == nil || config["enable"] == false {
		want = 0
	}
	if got := a.made(); got != want {
		a.t.Errorf("%d roles, policies and templates, want %d", got, want)
	}
}

// Changes that fail one after the other, each with names of its own, are all remembered: the next one that succeeds, and a destroy, take away what any of them made.
func TestProtoImageRegistryConfig_severalCut(t *testing.T) {
	t.Parallel()
	shared := map[string]any{"registry_server_role_name": "server", "image_builder_policy_name": "builder"} // a new role that has the old policy, and the other way round
	attempts := []map[string]any{templated(map[string]any{"resource_name_suffix": "stage"}), templated(shared), templated(map[string]any{"resource_name_suffix": "third"}), templated(shared)}
	for _, n := range []int{12, 20, 30} {
		for name, next := range map[string]map[string]any{"another": templated(map[string]any{"resource_name_suffix": "last"}), "taken back": templated(nil), "disabled": registryInput(map[string]any{"enable": false}), "destroyed": nil} {
			t.Run(fmt.Sprint(n, " ", name), func(t *testing.T) {
				t.Parallel()
				a := newAccount(t)
				server := newRegistryServer(t, a, nil)
				left := server.must(server.absent(), templated(nil))
				for _, attempt := range attempts {
					var diagnostics []*tfprotov6.Diagnostic
					if left, diagnostics = server.apply(left, attempt, a.cut(n)); len(diagnostics) == 0 {
						t.Fatal("the change was not cut short")
					}
					a.heal()
					left, diagnostics = server.refresh(left)
					server.expectNone(diagnostics, nil)
				}
				left = server.must(left, next)
				a.expectMade(next)
				if next != nil {
					server.expectSettled(left, next)
					server.must(left, nil)
				}
				if got := a.made(); got != 0 {
					t.Errorf("%d roles, policies and templates are left", got)
				}
			})
		}
	}
}

// Names may be swapped, of the roles, of the policies and of both, in place and without drift.
func TestProtoImageRegistryConfig_swapped(t *testing.T) {
	t.Parallel()
	named := func(serverRole, serverPolicy, builderRole, builderPolicy string) map[string]any {
		return registryInput(map[string]any{
			"registry_server_role_name": serverRole, "registry_server_policy_name": serverPolicy, "image_builder_role_name": builderRole, "image_builder_policy_name": builderPolicy,
		})
	}
	before := named("a", "p", "b", "q")
	for name, after := range map[string]map[string]any{"roles": named("b", "p", "a", "q"), "policies": named("a", "q", "b", "p"), "both": named("b", "q", "a", "p")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			server := newRegistryServer(t, a, nil)
			whole := server.must(server.absent(), before)
			for _, config := range []map[string]any{after, before} {
				whole = server.must(whole, config)
				server.expectSettled(whole, config) // A role with another policy than its own would be warned of.
			}
			server.must(whole, nil)
			if got := a.made(); got != 0 {
				t.Errorf("%d roles, policies and templates are left", got)
			}
		})
	}
}

// What was imported is this resource's by its ids: it is changed and renamed like anything else. A template that somebody else made stays theirs.
func TestProtoImageRegistryConfig_importedThenRenamed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]map[string]any{
		"a role": {"registry_server_role_name": "server"}, "a policy": {"image_builder_policy_name": "builder"}, "all": {"resource_name_suffix": "stage"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			a.installByModule()
			server := newRegistryServer(t, a, nil)
			imported := server.imported("ml,prod,rime")
			// Cut short, it is still known what was imported.
			left, _ := server.apply(imported, registryInput(change), a.cut(14))
			a.heal()
			whole := server.must(left, registryInput(change))
			server.expectSettled(whole, registryInput(change))
			if got := a.made(); got != 4 {
				t.Errorf("%d roles and policies", got)
			}
			server.must(whole, nil)
			if got := a.made(); got != 0 {
				t.Errorf("%d roles and policies are left", got)
			}
		})
	}
	a := newAccount(t)
	a.installByModule()
	done(a, a.ecr.CreateRepositoryCreationTemplate, &ecr.CreateRepositoryCreationTemplateInput{
		Prefix: new("ml/prod/rime"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForReplication}, Description: new("theirs"),
	})
	server := newRegistryServer(t, a, nil)
	imported := server.imported("ml,prod,rime")
	plan := server.plan(imported, templated(map[string]any{"tags": map[string]any{"team": "ml"}}))
	expectDiagnostic(t, plan.Diagnostics, []string{"ERROR", "AWS Object Belongs to Somebody Else", "", "No import takes the template over."})
	server.must(imported, nil)
	if template := done(a, a.ecr.DescribeRepositoryCreationTemplates, &ecr.DescribeRepositoryCreationTemplatesInput{}).RepositoryCreationTemplates; len(template) != 1 || *template[0].Description != "theirs" {
		t.Errorf("there is %v", template)
	}
	if got := a.roles(); got != 0 {
		t.Errorf("%d roles and policies are left", got)
	}
}

// A template whose roles and policies somebody has deleted stays this resource's, whatever comes next; one that a state lost is imported with its roles.
func TestProtoImageRegistryConfig_templateOutlives(t *testing.T) {
	t.Parallel()
	config := templated(map[string]any{"creation_template": map[string]any{"description": "images", "applied_for": []any{"REPLICATION"}}})
	for name, next := range map[string]map[string]any{"again": config, "without": registryInput(nil), "destroyed": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			server := newRegistryServer(t, a, nil)
			server.must(server.absent(), config)
			whole := server.imported("ml,prod,rime")
			if drift := server.attributes(whole.state)["drift"]; !drift.Equal(tftypes.NewValue(drift.Type(), []tftypes.Value{})) {
				t.Errorf("what was just imported differs from itself: %s", drift)
			}
			server.expectSettled(whole, config)
			for role, policy := range map[string]string{serverRole: serverPolicy, builderRole: builderPolicy} {
				done(a, a.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &policy})
				done(a, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: &role})
				a.deletePolicy(policy)
			}
			seen, diagnostics := server.refresh(whole)
			server.expectNone(diagnostics, nil)
			if server.attributes(seen.state) == nil {
				t.Fatal("the state has lost the template")
			}
			seen = server.must(seen, next)
			if next != nil {
				server.expectSettled(seen, next)
				server.must(seen, nil)
			}
			if got := a.made(); got != 0 {
				t.Errorf("%d roles, policies and templates are left", got)
			}
		})
	}
}
