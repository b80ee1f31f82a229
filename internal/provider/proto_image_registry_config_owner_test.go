package provider

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// A create that meets somebody else's role makes nothing, so that an import is possible at once.
func TestProtoImageRegistryConfig_foreign(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"123456789012"}}]}`
	done(a, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: new(builderRole), AssumeRolePolicyDocument: &trust})
	server := newRegistryServer(t, a, nil)
	left, diagnostics := server.apply(server.absent(), registryInput(map[string]any{"scan_on_push": true, "creation_template": map[string]any{}}), func() { a.repository("ml/prod/rime/churn") })
	expectDiagnostic(t, diagnostics, []string{"ERROR", "AWS Object Belongs to Somebody Else", "", builderRole})
	if server.attributes(left.state) != nil {
		t.Fatal("the state has what was not made")
	}
	if n := a.Count("", "^/(iam|ecr)/(Create|Put|Update|Attach|Tag)"); n != 2 {
		t.Errorf("%d writes, of which 2 are somebody else's", n)
	}
}

// Two configurations of the same names: the second neither takes over nor takes away what the first has, whatever it does, until it imports it.
func TestProtoImageRegistryConfig_twoConfigurations(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	config := registryInput(map[string]any{"creation_template": map[string]any{}})
	first, second := newRegistryServer(t, a, nil), newRegistryServer(t, a, nil)
	theirs := first.must(first.absent(), config)
	left, diagnostics := second.apply(second.absent(), config, nil)
	expectDiagnostic(t, diagnostics, []string{"ERROR", "AWS Object Belongs to Somebody Else", "", "import the whole: its id is `<repository_prefix>,<resource_name_suffix>,<namespace>`"})
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

// What somebody else has made anew under our names is shown as theirs, and stays theirs.
func TestProtoImageRegistryConfig_lostToOthers(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	server := newRegistryServer(t, a, nil)
	whole := server.must(server.absent(), registryInput(nil))
	done(a, a.iam.UntagRole, &iam.UntagRoleInput{RoleName: new(builderRole), TagKeys: []string{awsregistry.OwnershipTag}})
	seen, diagnostics := server.refresh(whole)
	server.expectNone(diagnostics, nil)
	if drift := server.attributes(seen.state)["drift"].String(); !strings.Contains(drift, "image_builder.role_owner is") {
		t.Errorf("drift %s", drift)
	}
	_, diagnostics = server.apply(seen, registryInput(nil), nil)
	expectDiagnostic(t, diagnostics, []string{"ERROR", "AWS Object Belongs to Somebody Else", "", builderRole})
	_, diagnostics = server.apply(seen, nil, nil)
	expectDiagnostic(t, diagnostics, []string{"ERROR", "IAM Policy Is Still in Use", "", "role " + builderRole})
	done(a, a.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: new(builderRole), PolicyArn: new(builderPolicy)})
	server.must(seen, nil)
	if got := a.roles(); got != 1 {
		t.Errorf("%d roles and policies are left, want the one that is somebody else's", got)
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
