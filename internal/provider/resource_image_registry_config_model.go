package provider

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// imageRegistryConfigModel is the state of a rime_image_registry_config.
type imageRegistryConfigModel struct {
	Enable                    types.Bool    `tfsdk:"enable"`
	AllowExternalCustomImages types.Bool    `tfsdk:"allow_external_custom_images"`
	AllowEmptyPrefix          types.Bool    `tfsdk:"allow_empty_prefix"`
	RegistryServerRoleName    types.String  `tfsdk:"registry_server_role_name"`
	RegistryServerPolicyName  types.String  `tfsdk:"registry_server_policy_name"`
	ImageBuilderRoleName      types.String  `tfsdk:"image_builder_role_name"`
	ImageBuilderPolicyName    types.String  `tfsdk:"image_builder_policy_name"`
	RolePath                  types.String  `tfsdk:"role_path"`
	PermissionsBoundaryARN    types.String  `tfsdk:"permissions_boundary_arn"`
	AllowedPolicies           types.Set     `tfsdk:"allowed_policies"`
	ForceDetachPolicies       types.Bool    `tfsdk:"force_detach_policies"`
	Tags                      types.Map     `tfsdk:"tags"`
	LifecycleRules            types.List    `tfsdk:"lifecycle_rules"`
	LifecyclePolicyJSON       types.String  `tfsdk:"lifecycle_policy_json"`
	TagMutability             types.String  `tfsdk:"tag_mutability"`
	TagMutabilityExclusions   types.Set     `tfsdk:"tag_mutability_exclusions"`
	ScanOnPush                types.Bool    `tfsdk:"scan_on_push"`
	Encryption                types.Object  `tfsdk:"encryption"`
	CreationTemplate          types.Object  `tfsdk:"creation_template"`
	Timeouts                  timeoutsValue `tfsdk:"timeouts"`
	registryScope
	registryTrust
	registryFacts
}

// registryScope is what names and prefixes are made of.
type registryScope struct {
	RepositoryPrefix   types.String `tfsdk:"repository_prefix"`
	Namespace          types.String `tfsdk:"namespace"`
	ResourceNameSuffix types.String `tfsdk:"resource_name_suffix"`
}

// known tells whether all of it is.
func (s registryScope) known() bool {
	return !s.RepositoryPrefix.IsUnknown() && !s.Namespace.IsUnknown() && !s.ResourceNameSuffix.IsUnknown()
}

// prefix is the effective prefix of all repositories.
func (s registryScope) prefix() string {
	return awsregistry.EffectivePrefix(s.RepositoryPrefix.ValueString(), s.ResourceNameSuffix.ValueString(), s.Namespace.ValueString())
}

// encryptionModel is the attribute `encryption`.
type encryptionModel struct {
	Type   types.String `tfsdk:"type"`
	KMSKey types.String `tfsdk:"kms_key"`
}

// creationTemplateModel is the attribute `creation_template`.
type creationTemplateModel struct {
	AppliedFor    types.Set    `tfsdk:"applied_for"`
	Description   types.String `tfsdk:"description"`
	CustomRoleARN types.String `tfsdk:"custom_role_arn"`
}

// names are those of the roles and policies: the module's, unless others are configured.
func (m *imageRegistryConfigModel) names() awsregistry.Names {
	names := awsregistry.ModuleNames(m.ResourceNameSuffix.ValueString(), m.Namespace.ValueString())
	return awsregistry.Names{
		ServerRole:    cmp.Or(m.RegistryServerRoleName.ValueString(), names.ServerRole),
		ServerPolicy:  cmp.Or(m.RegistryServerPolicyName.ValueString(), names.ServerPolicy),
		BuilderRole:   cmp.Or(m.ImageBuilderRoleName.ValueString(), names.BuilderRole),
		BuilderPolicy: cmp.Or(m.ImageBuilderPolicyName.ValueString(), names.BuilderPolicy),
	}
}

// inputs are all values that what is made on AWS follows from.
func (m *imageRegistryConfigModel) inputs() []attr.Value {
	return []attr.Value{
		m.Enable, m.RepositoryPrefix, m.Namespace, m.ResourceNameSuffix, m.OIDCProviderARN, m.OIDCProviderURL, m.PodIdentity, m.ReleaseName,
		m.RegistryServerServiceAccounts, m.ImageBuilderServiceAccounts, m.RegistryServerRoleName, m.RegistryServerPolicyName, m.ImageBuilderRoleName,
		m.ImageBuilderPolicyName, m.RolePath, m.PermissionsBoundaryARN, m.AllowedPolicies, m.ForceDetachPolicies, m.OIDCAudience, m.Tags, m.LifecycleRules, m.LifecyclePolicyJSON, m.TagMutability,
		m.TagMutabilityExclusions, m.ScanOnPush, m.Encryption, m.CreationTemplate,
	}
}

// whole tells whether all inputs are known.
func (m *imageRegistryConfigModel) whole(ctx context.Context) bool {
	return !slices.ContainsFunc(m.inputs(), func(value attr.Value) bool {
		raw, err := value.ToTerraformValue(ctx)
		return err != nil || !raw.IsFullyKnown()
	})
}

// spec is what AWS is to have. All inputs must be known.
func (m *imageRegistryConfigModel) spec(ctx context.Context) awsregistry.RegistrySpec {
	names := m.names()
	spec := awsregistry.RegistrySpec{
		Prefix:                 m.prefix(),
		Server:                 awsregistry.IdentitySpec{RoleName: names.ServerRole, PolicyName: names.ServerPolicy, Trust: m.trust(m.RegistryServerServiceAccounts)},
		Builder:                awsregistry.IdentitySpec{RoleName: names.BuilderRole, PolicyName: names.BuilderPolicy, Trust: m.trust(m.ImageBuilderServiceAccounts)},
		RolePath:               m.RolePath.ValueString(),
		PermissionsBoundaryARN: m.PermissionsBoundaryARN.ValueString(),
		ForceDetach:            m.ForceDetachPolicies.ValueBool(),
		Tags:                   textMap(m.Tags),
		Repositories:           m.repositorySettings(ctx),
		Owner:                  m.OwnershipTag.ValueString(),
	}
	spec.AllowedPolicies, _ = texts(m.AllowedPolicies)
	if spec.Template = m.template(ctx); spec.Template != nil && spec.Template.CustomRoleARN != "" { // ECR puts tags on repositories in the name of that role only.
		spec.Repositories.Tags = spec.Tags
	}
	return spec
}

// template is the creation template; nil for none.
func (m *imageRegistryConfigModel) template(ctx context.Context) *awsregistry.TemplateSpec {
	template, ok := asModel[creationTemplateModel](ctx, m.CreationTemplate)
	if !ok {
		return nil
	}
	spec := &awsregistry.TemplateSpec{Description: template.Description.ValueString(), CustomRoleARN: template.CustomRoleARN.ValueString()}
	spec.AppliedFor, _ = texts(template.AppliedFor)
	return spec
}

// repositorySettings are those of everything under the prefix.
func (m *imageRegistryConfigModel) repositorySettings(ctx context.Context) awsregistry.RepositorySettings {
	settings := awsregistry.RepositorySettings{
		TagMutability: m.TagMutability.ValueString(), LifecyclePolicy: awsregistry.CanonicalLifecyclePolicy(m.LifecyclePolicyJSON.ValueString()),
	}
	settings.Exclusions, _ = texts(m.TagMutabilityExclusions)
	if !m.ScanOnPush.IsNull() {
		settings.ScanOnPush = m.ScanOnPush.ValueBoolPointer()
	}
	if !m.LifecycleRules.IsNull() {
		policy, _ := lifecyclePolicy(ctx, m.LifecycleRules)
		settings.LifecyclePolicy = policy.JSON()
	}
	if encryption, ok := asModel[encryptionModel](ctx, m.Encryption); ok {
		settings.Encryption = &awsregistry.Encryption{Type: encryption.Type.ValueString(), KMSKey: encryption.KMSKey.ValueString()}
	}
	return settings
}

// textMap is a map of strings, as far as they are known; nil for none.
func textMap(value types.Map) map[string]string {
	if value.IsNull() {
		return nil
	}
	all := map[string]string{}
	for key, element := range value.Elements() {
		if text, ok := element.(types.String); ok && !text.IsUnknown() {
			all[key] = text.ValueString()
		}
	}
	return all
}

// registryTrust says who may take on the roles.
type registryTrust struct {
	OIDCProviderARN               types.String `tfsdk:"oidc_provider_arn"`
	OIDCProviderURL               types.String `tfsdk:"oidc_provider_url"`
	OIDCAudience                  types.String `tfsdk:"oidc_audience"`
	PodIdentity                   types.Bool   `tfsdk:"pod_identity"`
	ReleaseName                   types.String `tfsdk:"release_name"`
	RegistryServerServiceAccounts types.Set    `tfsdk:"registry_server_service_accounts"`
	ImageBuilderServiceAccounts   types.Set    `tfsdk:"image_builder_service_accounts"`
}

// trust is that of the role for these service accounts.
func (t *registryTrust) trust(accounts types.Set) awsregistry.TrustSpec {
	spec := awsregistry.TrustSpec{
		PodIdentity: t.PodIdentity.ValueBool(), OIDCProviderARN: t.OIDCProviderARN.ValueString(),
		Audience: t.OIDCAudience.ValueString(), KeepAudience: t.OIDCAudience.IsNull(),
	}
	if spec.OIDCProviderARN == "" {
		spec.OIDCProviderURL = t.OIDCProviderURL.ValueString()
	}
	names, _ := texts(accounts)
	for _, name := range names {
		namespace, account, _ := strings.Cut(name, ":")
		spec.ServiceAccounts = append(spec.ServiceAccounts, awsregistry.ServiceAccount{Namespace: namespace, Name: account})
	}
	return spec
}

// complete fills in what follows from what is configured. One that is not enabled has no account, and so no ARN that follows.
func (m *imageRegistryConfigModel) complete(account *awsregistry.Account) {
	disabled := !m.Enable.IsUnknown() && !m.Enable.ValueBool()
	m.registryTrust.complete(m.registryScope, account)
	if disabled && m.OIDCProviderARN.IsUnknown() && !m.OIDCProviderURL.IsUnknown() {
		m.OIDCProviderARN = types.StringNull()
	}
}

// complete fills in what follows from what is configured: the other name of the identity provider, and the service accounts of the chart. A nil account is
// one that is not known yet.
func (t *registryTrust) complete(scope registryScope, account *awsregistry.Account) {
	switch {
	case t.PodIdentity.ValueBool() || t.OIDCProviderARN.IsNull() && t.OIDCProviderURL.IsNull():
	case t.OIDCProviderURL.IsNull():
		t.OIDCProviderURL = types.StringUnknown()
		if !t.OIDCProviderARN.IsUnknown() {
			_, issuer, _ := strings.Cut(t.OIDCProviderARN.ValueString(), ":oidc-provider/")
			t.OIDCProviderURL = textValue(issuer)
		}
	case t.OIDCProviderARN.IsNull():
		t.OIDCProviderARN = types.StringUnknown()
		if !t.OIDCProviderURL.IsUnknown() && account != nil {
			t.OIDCProviderARN = types.StringValue(account.OIDCProviderARN(t.OIDCProviderURL.ValueString()))
		}
	}
	server, builder := t.defaultAccounts(scope)
	if t.RegistryServerServiceAccounts.IsNull() {
		t.RegistryServerServiceAccounts = server
	}
	if t.ImageBuilderServiceAccounts.IsNull() {
		t.ImageBuilderServiceAccounts = builder
	}
}

// defaultAccounts are the service accounts that the chart makes. Without a namespace there is no telling.
func (t *registryTrust) defaultAccounts(scope registryScope) (server, builder types.Set) {
	if scope.Namespace.IsUnknown() || scope.ResourceNameSuffix.IsUnknown() || t.ReleaseName.IsUnknown() {
		return types.SetUnknown(types.StringType), types.SetUnknown(types.StringType)
	}
	namespace := scope.Namespace.ValueString()
	if namespace == "" {
		return types.SetNull(types.StringType), types.SetNull(types.StringType)
	}
	s, b := awsregistry.ModuleServiceAccounts(scope.ResourceNameSuffix.ValueString(), namespace)
	if release := t.ReleaseName.ValueString(); release != "" {
		s, b = awsregistry.ChartServiceAccounts(release, namespace)
	}
	return serviceAccounts(s), serviceAccounts(b)
}

// serviceAccounts is a set of them, null for none.
func serviceAccounts(accounts ...awsregistry.ServiceAccount) types.Set {
	if len(accounts) == 0 {
		return types.SetNull(types.StringType)
	}
	elements := make([]attr.Value, 0, len(accounts))
	for _, account := range accounts {
		elements = append(elements, types.StringValue(account.Namespace+":"+account.Name))
	}
	return types.SetValueMust(types.StringType, elements)
}
