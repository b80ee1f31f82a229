package provider

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// A create that meets somebody else's role is refused at plan. If the role comes after that, it makes nothing, so that an import is possible at once.
func TestProtoImageRegistryConfig_foreign(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	server := newRegistryServer(t, a, nil)
	config := templated(map[string]any{"scan_on_push": true})
	left, diagnostics := server.apply(server.absent(), config, func() {
		a.repository("ml/prod/rime/churn")
		done(a, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: new(builderRole), AssumeRolePolicyDocument: new(anybody)})
	})
	expectDiagnostic(t, diagnostics, []string{"ERROR", "AWS Object Belongs to Somebody Else", "", "role arn:aws:iam::123456789012:role/" + builderRole})
	if server.attributes(left.state) != nil {
		t.Fatal("the state has what was not made")
	}
	expectDiagnostic(t, server.plan(server.absent(), config).Diagnostics, []string{"ERROR", "AWS Object Belongs to Somebody Else", "", "role arn:aws:iam::123456789012:role/" + builderRole})
	if n := a.Count("", "^/(iam|ecr)/(Create|Put|Update|Attach|Tag)"); n != 2 {
		t.Errorf("%d writes, of which 2 are somebody else's", n)
	}
}

// anybody is a trust policy of somebody else's.
const anybody = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"123456789012"}}]}`

// Two configurations of the same names: the second neither takes over nor takes away what the first has, whatever it does, until it imports it.
func TestProtoImageRegistryConfig_twoConfigurations(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	config := registryInput(map[string]any{"creation_template": map[string]any{}})
	first, second := newRegistryServer(t, a, nil), newRegistryServer(t, a, nil)
	theirs := first.must(first.absent(), config)
	left, diagnostics := second.apply(second.absent(), config, nil)
	expectDiagnostic(t, diagnostics, []string{"ERROR", "AWS Object Belongs to Somebody Else", "", "import the whole: the id is `<repository_prefix>,<resource_name_suffix>,<namespace>`"})
	if second.attributes(left.state) != nil {
		t.Fatal("the second has it in its state")
	}
	disabled := second.must(second.absent(), registryInput(map[string]any{"enable": false}))
	left, diagnostics = second.apply(disabled, config, nil)
	expectDiagnostic(t, diagnostics, []string{"ERROR", "AWS Object Belongs to Somebody Else", "", "workspace"})
	second.must(left, nil)
	first.expectSettled(theirs, config)

	imported := second.imported("ml,prod,rime")
	ours := second.must(imported, config)
	second.expectSettled(ours, config)
	second.must(ours, nil)
	if got := a.roles(); got != 0 {
		t.Errorf("%d roles and policies are left", got)
	}
}

// What lost its tags is known by its ids: an apply puts them back, and a destroy, like one that disables, takes it away.
func TestProtoImageRegistryConfig_untagged(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]map[string]any{"applied": registryInput(nil), "disabled": registryInput(map[string]any{"enable": false}), "destroyed": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			server := newRegistryServer(t, a, nil)
			whole := server.must(server.absent(), registryInput(nil))
			untag := []string{awsregistry.OwnershipTag}
			for role, policy := range map[string]string{serverRole: serverPolicy, builderRole: builderPolicy} {
				done(a, a.iam.UntagRole, &iam.UntagRoleInput{RoleName: &role, TagKeys: untag})
				done(a, a.iam.UntagPolicy, &iam.UntagPolicyInput{PolicyArn: &policy, TagKeys: untag})
			}
			seen, diagnostics := server.refresh(whole)
			server.expectNone(diagnostics, nil)
			if drift := server.attributes(seen.state)["drift"].String(); !strings.Contains(drift, "image_builder.role_owner (tag rime:managed-image-registry) is none") {
				t.Errorf("drift %s", drift)
			}
			after := server.must(seen, next)
			if name == "applied" {
				server.expectSettled(after, next)
				after = server.must(after, nil)
			}
			if got := a.roles(); got != 0 {
				t.Errorf("%d roles and policies are left", got)
			}
			if name == "disabled" {
				server.must(after, nil)
			}
		})
	}
}

// What somebody else has made anew under our names is theirs: neither a plan nor a destroy touches it, and the state keeps the resource.
func TestProtoImageRegistryConfig_madeAnewByOthers(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	server := newRegistryServer(t, a, nil)
	whole := server.must(server.absent(), registryInput(nil))
	done(a, a.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: new(builderRole), PolicyArn: new(builderPolicy)})
	done(a, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new(builderRole)})
	done(a, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: new(builderRole), AssumeRolePolicyDocument: new(anybody)})
	seen, diagnostics := server.refresh(whole)
	server.expectNone(diagnostics, nil)
	theirs := []string{"ERROR", "AWS Object Belongs to Somebody Else", "", "role arn:aws:iam::123456789012:role/" + builderRole}
	expectDiagnostic(t, server.plan(seen, registryInput(nil)).Diagnostics, theirs)
	for name, next := range map[string]map[string]any{"disabled": registryInput(map[string]any{"enable": false}), "destroyed": nil} {
		left, diagnostics := server.apply(seen, next, nil)
		expectDiagnostic(t, diagnostics, theirs)
		if server.attributes(left.state) == nil {
			t.Errorf("%s: the resource left the state", name)
		}
		if got := a.roles(); got != 4 {
			t.Errorf("%s: %d roles and policies", name, got)
		}
	}
	done(a, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new(builderRole)})
	server.must(seen, nil)
	if got := a.roles(); got != 0 {
		t.Errorf("%d roles and policies are left", got)
	}
}

// Policies of others on the roles are drift. They stay, and keep the roles from being deleted, unless that is asked for; what is allowed is no drift.
func TestProtoImageRegistryConfig_otherPolicies(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	server := newRegistryServer(t, a, nil)
	whole := server.must(server.absent(), registryInput(nil))
	done(a, a.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: new(builderRole), PolicyName: new("inl"), PolicyDocument: new(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)})
	done(a, a.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: new(builderRole), PolicyArn: new(serverPolicy)})
	others := serverPolicy + ", inline:inl"
	seen, diagnostics := server.refresh(whole)
	server.expectNone(diagnostics, nil)
	if drift := server.attributes(seen.state)["drift"].String(); !strings.Contains(drift, `image_builder.other_policies has "inline:inl"`) {
		t.Errorf("drift %s", drift)
	}
	expectDiagnostic(t, server.plan(seen, registryInput(nil)).Diagnostics, []string{"WARNING", "Role Has Other Policies", "force_detach_policies", "inline:inl"})
	left, diagnostics := server.apply(seen, registryInput(map[string]any{"tags": map[string]any{"team": "ml"}}), nil)
	expectDiagnostic(t, diagnostics, []string{"ERROR", "Role Has Other Policies", "force_detach_policies", others})
	if tags := server.attributes(left.state)["tags"]; tags.IsNull() {
		t.Error("the rest was not done")
	}
	expectDiagnostic(t, server.plan(seen, registryInput(map[string]any{"enable": false})).Diagnostics, []string{"WARNING", "Role Cannot Be Deleted", "", "inline:inl"})
	_, diagnostics = server.apply(left, nil, nil)
	expectDiagnostic(t, diagnostics, []string{"ERROR", "Role Has Other Policies", "", "inline:inl"})
	if got := a.roles(); got != 4 {
		t.Fatalf("%d roles and policies", got)
	}
	allowed := registryInput(map[string]any{"allowed_policies": []any{"inline:inl", serverPolicy}})
	left = server.must(left, allowed)
	server.expectSettled(left, allowed)
	forced := registryInput(map[string]any{"force_detach_policies": true, "allowed_policies": []any{"inline:inl"}})
	expectDiagnostic(t, server.plan(left, forced).Diagnostics, []string{"WARNING", "Other Policies Are Taken Off", "force_detach_policies", serverPolicy})
	left = server.must(left, forced)
	server.expectSettled(left, forced)
	if got := done(a, a.iam.ListAttachedRolePolicies, &iam.ListAttachedRolePoliciesInput{RoleName: new(builderRole)}).AttachedPolicies; len(got) != 1 {
		t.Errorf("attached: %v", got)
	}
	server.must(left, nil)
	if got := a.roles(); got != 0 {
		t.Errorf("%d roles and policies are left", got)
	}
}

// A destroy says at plan which policies of others are in its way, or go with it.
func TestProtoImageRegistryConfig_destroyPlan(t *testing.T) {
	t.Parallel()
	for force, want := range map[bool]string{false: "Role Cannot Be Deleted", true: "Other Policies Go With the Role"} {
		a := newAccount(t)
		server := newRegistryServer(t, a, nil)
		whole := server.must(server.absent(), registryInput(map[string]any{"force_detach_policies": force}))
		done(a, a.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: new(builderRole), PolicyName: new("inl"), PolicyDocument: new(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)})
		resp, err := server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
			TypeName: registryConfigType, PriorState: whole.state, Config: server.null(server.schema), ProposedNewState: server.null(server.schema), PriorPrivate: whole.private,
		})
		if err != nil {
			t.Fatal(err)
		}
		expectDiagnostic(t, resp.Diagnostics, []string{"WARNING", want, "", "inline:inl"})
	}
}

// imported imports the registry of that id and refreshes it.
func (s *registryServer) imported(id string) held {
	s.t.Helper()
	resp, err := s.ImportResourceState(s.t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: registryConfigType, ID: id})
	s.expectNone(resp.Diagnostics, err)
	seen, diagnostics := s.refresh(held{resp.ImportedResources[0].State, resp.ImportedResources[0].Private, resp.ImportedResources[0].Identity})
	s.expectNone(diagnostics, nil)
	return seen
}

// Two configurations of prefixes of which one is within the other: whoever comes second is told at plan, also where neither is there yet.
func TestProtoImageRegistryConfig_overlap(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	server := newRegistryServer(t, a, nil)
	inner := registryInput(map[string]any{"resource_name_suffix": "other"})
	outer := map[string]any{"repository_prefix": "ml", "pod_identity": true}
	warning := []string{"WARNING", "Registry Prefixes Overlap", "repository_prefix", `"ml/other/rime": another resource of this configuration`}
	server.expectNone(server.plan(server.absent(), inner).Diagnostics, nil)
	expectDiagnostic(t, server.plan(server.absent(), outer).Diagnostics, warning)
	whole := server.must(server.absent(), inner)
	warning[3] = `"ml/other/rime": policy arn:aws:iam::123456789012:policy/eks_ecr_repo_management_policy_other_rime`
	expectDiagnostic(t, newRegistryServer(t, a, nil).plan(server.absent(), outer).Diagnostics, warning)
	server.must(whole, nil)
}

// An import takes names that are not the module's, and what lost its tags is changed and destroyed like anything else afterwards.
func TestProtoImageRegistryConfig_importedByNames(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	server := newRegistryServer(t, a, nil)
	config := registryInput(map[string]any{"registry_server_role_name": "sr", "image_builder_role_name": "br"})
	server.must(server.absent(), config)
	done(a, a.iam.UntagRole, &iam.UntagRoleInput{RoleName: new("br"), TagKeys: []string{awsregistry.OwnershipTag}})
	imported := server.imported("123456789012:us-east-1:ml,prod,rime,sr,,br")
	server.expectSettled(imported, config)
	config["tags"] = map[string]any{"team": "ml"}
	whole := server.must(imported, config)
	server.expectSettled(whole, config)
	server.must(whole, nil)
	if got := a.roles(); got != 0 {
		t.Errorf("%d roles and policies are left", got)
	}
}

// A role of the module that somebody hardened keeps its audience when it is imported and changed; the other one gets none.
func TestProtoImageRegistryConfig_importedAudience(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.installByModule()
	hardened := awsregistry.ServiceAccountTrust("arn:aws:iam::123456789012:oidc-provider/"+clusterIssuer, awsregistry.STSAudience, "system:serviceaccount:rime:rime-rime-image-registry-server")
	done(a, a.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: new(serverRole), PolicyDocument: &hardened})
	server := newRegistryServer(t, a, nil)
	config := registryInput(map[string]any{"tags": map[string]any{"team": "ml"}})
	whole := server.imported("ml,prod,rime")
	server.expectSettled(whole, config)
	config["release_name"] = "platform"
	whole = server.must(whole, config)
	server.expectSettled(whole, config)
	for role, want := range map[string]string{serverRole: awsregistry.STSAudience, builderRole: ""} {
		text := *done(a, a.iam.GetRole, &iam.GetRoleInput{RoleName: &role}).Role.AssumeRolePolicyDocument
		if trust, ok := awsregistry.ParseTrust(text); !ok || trust.Audience != want {
			t.Errorf("%s: %s", role, text)
		}
	}
	server.must(whole, nil)
}
