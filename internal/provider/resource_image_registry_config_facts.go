package provider

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// registryFacts are what there is.
type registryFacts struct {
	RegistryID                types.String `tfsdk:"registry_id"`
	RegistryURL               types.String `tfsdk:"registry_url"`
	EffectiveRepositoryPrefix types.String `tfsdk:"effective_repository_prefix"`
	RepositoryARNPattern      types.String `tfsdk:"repository_arn_pattern"`
	RegistryServer            types.Object `tfsdk:"registry_server"`
	ImageBuilder              types.Object `tfsdk:"image_builder"`
	HelmValuesYAML            types.String `tfsdk:"helm_values_yaml"`
	Repositories              types.Object `tfsdk:"repositories"`
	Drift                     types.List   `tfsdk:"drift"`
	OwnershipTag              types.String `tfsdk:"ownership_tag"`
}

// unknownRegistryFacts are those of a registry whose configuration is not known yet.
func unknownRegistryFacts() registryFacts {
	return registryFacts{
		RegistryID: types.StringUnknown(), RegistryURL: types.StringUnknown(), EffectiveRepositoryPrefix: types.StringUnknown(), RepositoryARNPattern: types.StringUnknown(),
		RegistryServer: types.ObjectUnknown(roleFactsType.AttrTypes), ImageBuilder: types.ObjectUnknown(roleFactsType.AttrTypes),
		HelmValuesYAML: types.StringUnknown(), Repositories: types.ObjectUnknown(repositoriesType.AttrTypes), Drift: noDrift(), OwnershipTag: types.StringUnknown(),
	}
}

// disabledRegistryFacts are those of a registry that is not enabled.
func disabledRegistryFacts(prefix string) registryFacts {
	return registryFacts{
		RegistryID: types.StringNull(), RegistryURL: types.StringNull(), EffectiveRepositoryPrefix: types.StringValue(prefix), RepositoryARNPattern: types.StringNull(),
		RegistryServer: types.ObjectNull(roleFactsType.AttrTypes), ImageBuilder: types.ObjectNull(roleFactsType.AttrTypes),
		HelmValuesYAML: types.StringValue(awsregistry.HelmValues{}.YAML()), Repositories: types.ObjectNull(repositoriesType.AttrTypes), Drift: noDrift(), OwnershipTag: types.StringNull(),
	}
}

// wished is the registry as it will be when AWS has what the spec asks for. Nobody is asked about it.
func wished(account awsregistry.Account, spec awsregistry.RegistrySpec) awsregistry.Registry {
	documents := spec.Documents(account)
	identity := func(id awsregistry.IdentitySpec, documents awsregistry.IdentityDocuments) awsregistry.Identity {
		return awsregistry.Identity{
			Role:   &awsregistry.Role{ARN: account.RoleARN(spec.RolePath, id.RoleName), Trust: documents.Trust},
			Policy: &awsregistry.Policy{ARN: account.PolicyARN("/", id.PolicyName), Document: documents.Policy},
		}
	}
	return awsregistry.Registry{Account: account, Server: identity(spec.Server, documents.Server), Builder: identity(spec.Builder, documents.Builder)}
}

// set takes over what there is, but for the repositories and the drift. Documents that mean the same as before stay as they are spelled.
func (f *registryFacts) set(ctx context.Context, spec awsregistry.RegistrySpec, registry awsregistry.Registry, before registryFacts) diag.Diagnostics {
	var d diag.Diagnostics
	account := registry.Account
	f.RegistryID = types.StringValue(account.ID)
	f.RegistryURL = types.StringValue(account.RegistryURL())
	f.EffectiveRepositoryPrefix = types.StringValue(spec.Prefix)
	f.RepositoryARNPattern = types.StringValue(account.RepositoryARNPattern(spec.Prefix))
	f.RegistryServer = roleFacts(ctx, spec.Server, registry.Server, before.RegistryServer, &d)
	f.ImageBuilder = roleFacts(ctx, spec.Builder, registry.Builder, before.ImageBuilder, &d)
	values := awsregistry.HelmValues{Enabled: true, RegistryID: account.ID, RepositoryPrefix: spec.Prefix}
	if !spec.Server.Trust.PodIdentity {
		values.ServerRoleARN, values.BuilderRoleARN = account.RoleARN(spec.RolePath, spec.Server.RoleName), account.RoleARN(spec.RolePath, spec.Builder.RoleName)
	}
	f.HelmValuesYAML = types.StringValue(values.YAML())
	f.OwnershipTag = textValue(spec.Owner)
	return d
}

// roleFactsModel is the state of a role with its policy.
type roleFactsModel struct {
	RoleName                 types.String      `tfsdk:"role_name"`
	RoleARN                  types.String      `tfsdk:"role_arn"`
	PolicyName               types.String      `tfsdk:"policy_name"`
	PolicyARN                types.String      `tfsdk:"policy_arn"`
	PolicyJSON               types.String      `tfsdk:"policy_json"`
	TrustPolicyJSON          types.String      `tfsdk:"trust_policy_json"`
	ServiceAccountAnnotation map[string]string `tfsdk:"service_account_annotation"`
}

func roleFacts(ctx context.Context, spec awsregistry.IdentitySpec, is awsregistry.Identity, before types.Object, d *diag.Diagnostics) types.Object {
	kept := func(attribute, now string) types.String {
		text, ok := before.Attributes()[attribute].(types.String)
		if ok && !text.IsNull() && !text.IsUnknown() && awsregistry.SamePolicy(text.ValueString(), now) {
			return text
		}
		return textValue(now)
	}
	m := roleFactsModel{RoleName: types.StringValue(spec.RoleName), PolicyName: types.StringValue(spec.PolicyName)}
	if is.Role != nil {
		m.RoleARN = types.StringValue(is.Role.ARN)
		m.TrustPolicyJSON = kept("trust_policy_json", is.Role.Trust)
		if !spec.Trust.PodIdentity {
			key, value := awsregistry.ServiceAccountAnnotation(is.Role.ARN)
			m.ServiceAccountAnnotation = map[string]string{key: value}
		}
	}
	if is.Policy != nil {
		m.PolicyARN = types.StringValue(is.Policy.ARN)
		m.PolicyJSON = kept("policy_json", is.Policy.Document)
	}
	object, more := types.ObjectValueFrom(ctx, roleFactsType.AttrTypes, m)
	d.Append(more...)
	return object
}

// repositoryCounts is the attribute `repositories`.
func repositoryCounts(report awsregistry.RepositoryReport) types.Object {
	count := func(names []string) types.Int64 { return types.Int64Value(int64(len(names))) }
	return types.ObjectValueMust(repositoriesType.AttrTypes, map[string]attr.Value{
		"total": types.Int64Value(int64(report.Total)), "without_policy": count(report.WithoutPolicy),
		"policy_drifted": count(report.PolicyDrifted), "settings_drifted": count(report.SettingsDrifted),
	})
}

func noDrift() types.List { return types.ListValueMust(types.StringType, nil) }

// unfinishedChange is the drift of a registry whose last change was cut short.
const unfinishedChange = "the last change was not finished"

// driftList is the attribute `drift`.
func driftList(drift []awsregistry.Drift, unfinished bool) types.List {
	var all []attr.Value
	for _, one := range drift {
		all = append(all, types.StringValue(one.String()))
	}
	if unfinished {
		all = append(all, types.StringValue(unfinishedChange))
	}
	return types.ListValueMust(types.StringType, all)
}

// trustJSON is the trust policy of a role in a plan or a state, as far as it is known.
func trustJSON(role types.Object) string {
	text, _ := role.Attributes()["trust_policy_json"].(types.String)
	return text.ValueString()
}

// takeOver makes the inputs of an imported registry what AWS shows, so that a configuration that says the same plans nothing. defaults are the provider's default tags.
func (m *imageRegistryConfigModel) takeOver(registry awsregistry.Registry, defaults map[string]string) diag.Diagnostics {
	var d diag.Diagnostics
	role := registry.Server.Role
	if role == nil {
		role = registry.Builder.Role
	}
	if role == nil {
		return d
	}
	m.OwnershipTag = textValue(role.Owner)
	m.RolePath = types.StringValue(role.Path)
	m.PermissionsBoundaryARN = textValue(role.PermissionsBoundaryARN)
	tags := maps.Clone(role.Tags)
	maps.DeleteFunc(tags, func(key, value string) bool { fallback, found := defaults[key]; return found && fallback == value })
	m.AllowedPolicies = takeOverPolicies(registry)
	m.Tags = types.MapNull(types.StringType)
	if len(tags) > 0 {
		elements := map[string]attr.Value{}
		for key, value := range tags {
			elements[key] = types.StringValue(value)
		}
		m.Tags = types.MapValueMust(types.StringType, elements)
	}
	d.Append(m.takeOverTrust(registry.Server.Role, &m.RegistryServerServiceAccounts)...)
	d.Append(m.takeOverTrust(registry.Builder.Role, &m.ImageBuilderServiceAccounts)...)
	return d
}

// takeOverPolicies are the policies of others on the roles: an import leaves them where they are.
func takeOverPolicies(registry awsregistry.Registry) types.Set {
	var policies []attr.Value
	for _, role := range registry.Unwanted(awsregistry.RegistrySpec{}) {
		for _, policy := range role.Policies {
			if value := types.StringValue(policy); !slices.Contains(policies, attr.Value(value)) {
				policies = append(policies, value)
			}
		}
	}
	if len(policies) == 0 {
		return types.SetNull(types.StringType)
	}
	return types.SetValueMust(types.StringType, policies)
}

// takeOverTemplate makes the creation template of an imported registry an input, if there is one that is this registry's by its owner. Any other is somebody else's.
func (m *imageRegistryConfigModel) takeOverTemplate(ctx context.Context, client *awsregistry.Client) diag.Diagnostics {
	spec := m.spec(ctx)
	template, err := client.OwnTemplate(ctx, spec)
	if err != nil {
		return diag.Diagnostics{registryFailed(diags.ReadRegistryConfig, *m, err)}
	}
	if template == nil {
		return nil
	}
	model := creationTemplateModel{AppliedFor: types.SetNull(types.StringType), Description: textValue(template.Description), CustomRoleARN: textValue(template.CustomRoleARN)}
	var d diag.Diagnostics
	if len(template.AppliedFor) > 0 {
		model.AppliedFor, d = types.SetValueFrom(ctx, types.StringType, template.AppliedFor)
	}
	object, more := types.ObjectValueFrom(ctx, plainTypes(m.CreationTemplate.AttributeTypes(ctx)), model)
	m.CreationTemplate = slipped(ctx, "creation_template", object)
	return append(d, more...)
}

func (m *imageRegistryConfigModel) takeOverTrust(role *awsregistry.Role, accounts *types.Set) diag.Diagnostics {
	if role == nil {
		return nil
	}
	trust, ok := awsregistry.ParseTrust(role.Trust)
	if !ok {
		return diag.Diagnostics{diags.TrustNotUnderstood("the role "+role.Name, role.Trust)}
	}
	m.PodIdentity = types.BoolValue(trust.PodIdentity)
	m.OIDCProviderARN, m.OIDCProviderURL = textValue(trust.OIDCProviderARN), types.StringNull()
	m.complete(nil)
	*accounts = serviceAccounts(trust.ServiceAccounts...)
	return nil
}
