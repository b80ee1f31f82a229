package provider

import (
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// registryServer drives rime_image_registry_config over the plugin protocol.
type registryServer struct {
	*protoServer
	schema *tfprotov6.Schema
}

// held is what Terraform keeps of a resource.
type held struct {
	state    *tfprotov6.DynamicValue
	private  []byte
	identity *tfprotov6.ResourceIdentityData
}

// newRegistryServer configures a provider for the account; other replaces parts of its configuration.
func newRegistryServer(t *testing.T, a *account, other map[string]any) *registryServer {
	t.Helper()
	server := newProtoServer(t, New("test", WithAWSOptions(awsregistry.Options{Confirmations: 1})))
	config := map[string]any{
		"aws":  map[string]any{"region": aws.DefaultRegion, "endpoints": map[string]any{"ecr": a.URL, "iam": a.URL, "sts": a.URL}},
		"http": map[string]any{"max_retries": 0},
	}
	maps.Copy(config, other)
	of := server.schema.Provider.ValueType()
	resp, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: server.dynamic(of, terraformValue(t, of, config))})
	if err != nil {
		t.Fatal(err)
	}
	server.expectNone(resp.Diagnostics, nil)
	return &registryServer{server, server.schema.ResourceSchemas[registryConfigType]}
}

// absent is a resource that does not exist.
func (s *registryServer) absent() held { return held{state: s.null(s.schema)} }

// attributes are those of a resource.
func (s *registryServer) attributes(value *tfprotov6.DynamicValue) map[string]tftypes.Value {
	s.t.Helper()
	object, err := value.Unmarshal(s.schema.ValueType())
	if err != nil {
		s.t.Fatal(err)
	}
	if object.IsNull() {
		return nil
	}
	var attributes map[string]tftypes.Value
	if err := object.As(&attributes); err != nil {
		s.t.Fatal(err)
	}
	return attributes
}

// plan plans a configuration as core does, which proposes the prior value of what is computed.
func (s *registryServer) plan(prior held, config map[string]any) *tfprotov6.PlanResourceChangeResponse {
	s.t.Helper()
	of := s.schema.ValueType()
	configured := terraformValue(s.t, of, config)
	proposed := map[string]tftypes.Value{}
	if err := configured.As(&proposed); err != nil {
		s.t.Fatal(err)
	}
	proposed = maps.Clone(proposed) // As shares its map with the configuration.
	before := s.attributes(prior.state)
	for _, attribute := range s.schema.Block.Attributes {
		if value, found := before[attribute.Name]; found && attribute.Computed && proposed[attribute.Name].IsNull() {
			proposed[attribute.Name] = value
		}
	}
	resp, err := s.PlanResourceChange(s.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: registryConfigType, PriorState: prior.state, Config: s.dynamic(of, configured),
		ProposedNewState: s.dynamic(of, tftypes.NewValue(of, proposed)), PriorPrivate: prior.private, PriorIdentity: prior.identity,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return resp
}

// apply plans and applies a configuration, nil to destroy, and returns what Terraform keeps then, with the errors of the apply.
func (s *registryServer) apply(prior held, config map[string]any, before func()) (held, []*tfprotov6.Diagnostic) {
	s.t.Helper()
	of := s.schema.ValueType()
	req := &tfprotov6.ApplyResourceChangeRequest{TypeName: registryConfigType, PriorState: prior.state, Config: s.null(s.schema), PlannedState: s.null(s.schema), PlannedPrivate: prior.private, PlannedIdentity: prior.identity}
	if config != nil {
		plan := s.plan(prior, config)
		s.expectNone(slices.DeleteFunc(plan.Diagnostics, func(d *tfprotov6.Diagnostic) bool { return d.Severity == tfprotov6.DiagnosticSeverityWarning }), nil)
		req.Config, req.PlannedState, req.PlannedPrivate, req.PlannedIdentity = s.dynamic(of, terraformValue(s.t, of, config)), plan.PlannedState, plan.PlannedPrivate, plan.PlannedIdentity
	}
	if before != nil {
		before()
	}
	resp, err := s.ApplyResourceChange(s.t.Context(), req)
	if err != nil {
		s.t.Fatal(err)
	}
	return held{resp.NewState, resp.Private, resp.NewIdentity}, resp.Diagnostics
}

// must is apply for what has to succeed.
func (s *registryServer) must(prior held, config map[string]any) held {
	s.t.Helper()
	after, diagnostics := s.apply(prior, config, nil)
	s.expectNone(diagnostics, nil)
	return after
}

// refresh reads the resource.
func (s *registryServer) refresh(prior held) (held, []*tfprotov6.Diagnostic) {
	s.t.Helper()
	resp, err := s.ReadResource(s.t.Context(), &tfprotov6.ReadResourceRequest{TypeName: registryConfigType, CurrentState: prior.state, Private: prior.private, CurrentIdentity: prior.identity})
	if err != nil {
		s.t.Fatal(err)
	}
	return held{resp.NewState, resp.Private, resp.NewIdentity}, resp.Diagnostics
}

// expectSettled expects that there is nothing to do.
func (s *registryServer) expectSettled(prior held, config map[string]any) {
	s.t.Helper()
	seen, diagnostics := s.refresh(prior)
	s.expectNone(diagnostics, nil)
	plan := s.plan(seen, config)
	s.expectNone(plan.Diagnostics, nil)
	before, after := s.attributes(seen.state), s.attributes(plan.PlannedState)
	for name, value := range before {
		if !value.Equal(after[name]) {
			s.t.Errorf("the plan is not empty: %s: %s -> %s", name, value, after[name])
		}
	}
}

func (a *account) roles() int {
	return len(done(a, a.iam.ListRoles, &iam.ListRolesInput{}).Roles) + len(done(a, a.iam.ListPolicies, &iam.ListPoliciesInput{}).Policies)
}

// made counts the templates, too.
func (a *account) made() int {
	return a.roles() + len(done(a, a.ecr.DescribeRepositoryCreationTemplates, &ecr.DescribeRepositoryCreationTemplatesInput{}).RepositoryCreationTemplates)
}

// templated is a configuration with a creation template.
func templated(other map[string]any) map[string]any {
	config := registryInput(map[string]any{"creation_template": map[string]any{}})
	maps.Copy(config, other)
	return config
}

func registryInput(other map[string]any) map[string]any {
	config := map[string]any{"repository_prefix": "ml", "namespace": "rime", "resource_name_suffix": "prod", "oidc_provider_url": clusterIssuer}
	maps.Copy(config, other)
	return config
}

// cut refuses everything from the nth call on.
func (a *account) cut(n int) func() {
	return func() {
		rule := aws.Failure("iam:GetRole", "AccessDenied", "cut")
		rule.Path, rule.Nth = "", n
		if err := a.SetFaults(rule); err != nil {
			a.t.Fatal(err)
		}
	}
}

func (a *account) heal() {
	if err := a.SetFaults(); err != nil {
		a.t.Fatal(err)
	}
}

// The provider's configuration may not be known yet, in the part that is for AWS: then the plan leaves open what follows from the account. What is not
// known of other parts does not matter.
func TestProtoImageRegistryConfig_notKnownYet(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	plan := func(server *registryServer) map[string]tftypes.Value {
		resp := server.plan(server.absent(), registryInput(nil))
		server.expectNone(resp.Diagnostics, nil)
		return server.attributes(resp.PlannedState)
	}
	if planned := plan(newRegistryServer(t, a, map[string]any{"endpoint": unknown{}})); !planned["registry_server"].IsFullyKnown() {
		t.Error("an unknown endpoint of a platform leaves the roles open")
	}
	server := newRegistryServer(t, a, map[string]any{"aws": unknown{}})
	planned := plan(server)
	if planned["registry_server"].IsKnown() || !planned["effective_repository_prefix"].IsKnown() {
		t.Errorf("planned %s and %s", planned["registry_server"], planned["effective_repository_prefix"])
	}
	known := newRegistryServer(t, a, nil)
	whole := known.must(known.absent(), registryInput(nil))
	seen, diagnostics := server.refresh(whole)
	expectDiagnostic(t, diagnostics, []string{"WARNING", "Image Registry Configuration Not Refreshed", "", "only after an apply"})
	if server.attributes(seen.state) == nil {
		t.Error("the resource left the state")
	}
}

// What is not enabled asks nobody, and so needs no credentials.
func TestProtoImageRegistryConfig_disabledAsksNobody(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	server := newRegistryServer(t, a, nil)
	config := registryInput(map[string]any{"enable": false})
	whole := server.must(server.absent(), config)
	server.expectSettled(whole, config)
	server.must(whole, nil)
	if requests := a.Requests(); len(requests) > 0 {
		t.Errorf("requests: %v", requests)
	}
}

// Credentials of another account are no proof that anything is gone.
func TestProtoImageRegistryConfig_otherAccount(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	server := newRegistryServer(t, a, nil)
	whole := server.must(server.absent(), registryInput(nil))
	elsewhere, err := aws.Start(aws.Options{Account: "210987654321"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = elsewhere.Close() })
	other := newRegistryServer(t, &account{Server: elsewhere, t: t}, nil)
	seen, diagnostics := other.refresh(whole)
	expectDiagnostic(t, diagnostics, []string{"ERROR", "Another AWS Account Than Before", "", "210987654321"})
	if other.attributes(seen.state) == nil {
		t.Error("the resource left the state")
	}
	_, diagnostics = other.apply(whole, nil, nil)
	expectDiagnostic(t, diagnostics, []string{"ERROR", "Another AWS Account Than Before", "", "Nothing was read or changed"})
}

// The provider's default tags are on everything, and a change of them is a change of what there is.
func TestProtoImageRegistryConfig_defaultTags(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	tagged := func(tags map[string]any) *registryServer {
		return newRegistryServer(t, a, map[string]any{"aws": map[string]any{
			"region": aws.DefaultRegion, "endpoints": map[string]any{"ecr": a.URL, "iam": a.URL, "sts": a.URL}, "default_tags": tags,
		}})
	}
	config := registryInput(map[string]any{"tags": map[string]any{"team": "ml"}})
	before := tagged(map[string]any{"owner": "ada", "team": "all"})
	whole := before.must(before.absent(), config)
	before.expectSettled(whole, config)
	after := tagged(map[string]any{"owner": "grace"})
	seen, diagnostics := after.refresh(whole)
	after.expectNone(diagnostics, nil)
	whole = after.must(seen, config)
	after.expectSettled(whole, config)
	got := map[string]string{}
	for _, tag := range done(a, a.iam.ListRoleTags, &iam.ListRoleTagsInput{RoleName: new(serverRole)}).Tags {
		got[*tag.Key] = *tag.Value
	}
	if want := map[string]string{"owner": "grace", "team": "ml", awsregistry.OwnershipTag: got[awsregistry.OwnershipTag]}; got[awsregistry.OwnershipTag] == "" || !maps.Equal(got, want) {
		t.Errorf("tags %v, want %v", got, want)
	}
}

// A configuration that cannot work is refused when it is first used, with the attribute at fault.
func TestProtoImageRegistryConfig_configuration(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for name, test := range map[string]struct {
		aws  map[string]any
		want []string
	}{
		"other region": {map[string]any{"region": "eu-central-9", "endpoints": map[string]any{"ecr": a.URL, "iam": a.URL, "sts": a.URL}}, []string{"ERROR", "AWS Region Not Accepted", "", "Region: eu-central-9"}},
		"region":       {map[string]any{"region": "mars"}, []string{"ERROR", "AWS Configuration Cannot Be Used", "", "aws.region"}},
		"role":         {map[string]any{"assume_role": map[string]any{"role_arn": "admin"}}, []string{"ERROR", "AWS Configuration Cannot Be Used", "", "aws.assume_role.role_arn"}},
		"no region":    {map[string]any{"endpoints": map[string]any{"sts": a.URL}}, []string{"ERROR", "AWS Region Missing", "", "aws.region"}},
		"unreachable":  {map[string]any{"region": aws.DefaultRegion, "endpoints": map[string]any{"sts": "http://127.0.0.1:1"}}, []string{"ERROR", "AWS Endpoint Cannot Be Reached", "", "connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newRegistryServer(t, a, map[string]any{"aws": test.aws})
			expectDiagnostic(t, server.plan(server.absent(), registryInput(nil)).Diagnostics, test.want)
		})
	}
}

func TestProtoImageRegistryConfig_identity(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.installByModule()
	server := newRegistryServer(t, a, nil)
	text := tftypes.String
	of := tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"account_id": text, "region": text, "repository_prefix": text, "resource_name_suffix": text, "namespace": text, "registry_server_role_name": text,
		"registry_server_policy_name": text, "image_builder_role_name": text, "image_builder_policy_name": text,
	}}
	identity := &tfprotov6.ResourceIdentityData{IdentityData: server.dynamic(of, terraformValue(t, of, map[string]any{"repository_prefix": "ml", "resource_name_suffix": "prod", "namespace": "rime"}))}
	resp, err := server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: registryConfigType, Identity: identity})
	server.expectNone(resp.Diagnostics, err)
	imported := held{resp.ImportedResources[0].State, resp.ImportedResources[0].Private, resp.ImportedResources[0].Identity}
	imported, diagnostics := server.refresh(imported)
	server.expectNone(diagnostics, nil)
	config := registryInput(map[string]any{"tags": map[string]any{"team": "ml"}})
	server.expectSettled(imported, config)
	full, err := imported.identity.IdentityData.Unmarshal(of)
	if err != nil {
		t.Fatal(err)
	}
	want := terraformValue(t, of, map[string]any{"account_id": "123456789012", "region": aws.DefaultRegion, "repository_prefix": "ml", "resource_name_suffix": "prod", "namespace": "rime"})
	if !full.Equal(want) {
		t.Errorf("identity %s, want %s", full, want)
	}
	server.must(imported, nil)
	if a.roles() > 0 {
		t.Error("what was imported is still there")
	}
}
