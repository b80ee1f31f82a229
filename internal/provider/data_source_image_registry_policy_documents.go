package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

var (
	_ datasource.DataSource                   = (*policyDocumentsDataSource)(nil)
	_ datasource.DataSourceWithValidateConfig = (*policyDocumentsDataSource)(nil)
)

func newPolicyDocumentsDataSource() datasource.DataSource { return &policyDocumentsDataSource{} }

// policyDocumentsDataSource is the data source rime_image_registry_policy_documents. It asks nobody.
type policyDocumentsDataSource struct{}

// Metadata implements datasource.DataSource.
func (d *policyDocumentsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image_registry_policy_documents"
}

// Schema implements datasource.DataSource.
func (d *policyDocumentsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	optional := func(description string, checks ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: checks}
	}
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	accounts := func(who string) schema.SetAttribute {
		return schema.SetAttribute{
			Optional: true, Computed: true, ElementType: types.StringType,
			MarkdownDescription: "Kubernetes service accounts that may be " + who + ", each as `namespace:name`. Defaults as in `rime_image_registry_config`.",
			Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(serviceAccountCheck)},
		}
	}
	documents := func(description string) schema.SingleNestedAttribute {
		return schema.SingleNestedAttribute{Computed: true, MarkdownDescription: description, Attributes: map[string]schema.Attribute{
			"role_name":         text("Name of the role, as the platform's module gives it."),
			"policy_name":       text("Name of the policy, as the platform's module gives it."),
			"policy_json":       text("What the role may do, as the policy's JSON."),
			"trust_policy_json": text("Who may take on the role, as its trust policy's JSON. Null where nobody is configured."),
		}}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The policies that `rime_image_registry_config` would make, without making anything: for teams whose roles are made elsewhere. Nobody is asked, so that it needs no AWS credentials.",
		Attributes: map[string]schema.Attribute{
			"registry_id":          schema.StringAttribute{Required: true, MarkdownDescription: "Number of the AWS account that has the repositories.", Validators: []validator.String{accountIDCheck}},
			"region":               schema.StringAttribute{Required: true, MarkdownDescription: "Region of the repositories, such as `eu-central-1`. The partition follows from it.", Validators: []validator.String{stringvalidator.LengthAtLeast(1)}},
			"repository_prefix":    schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Base of the prefix of all repositories. Defaults to `" + defaultRepositoryPrefix + "`.", Validators: []validator.String{managedPrefixCheck}},
			"allow_empty_prefix":   schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the effective prefix may be empty: then the policies cover every repository of the account in its region. Defaults to `false`."},
			"namespace":            optional("Kubernetes namespace of the platform.", namespaceCheck),
			"resource_name_suffix": optional("What tells this installation from others of the account.", nameSuffixCheck),
			"oidc_provider_arn":    optional("ARN of the cluster's IAM identity provider, for roles for service accounts (IRSA).", oidcProviderARNCheck),
			"oidc_provider_url":    optional("Address of the cluster's OIDC issuer, instead of its provider's ARN.", oidcProviderURLCheck),
			"oidc_audience":        optional("Audience that the tokens of service accounts must have (IRSA), such as `sts.amazonaws.com`. None if left out.", stringvalidator.LengthAtMost(255)),
			"pod_identity":         schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether EKS Pod Identity hands out the roles. Defaults to `false`."},
			"release_name":         optional("Name of the Helm release of the platform, where it is not the one that its own module expects.", stringvalidator.LengthBetween(1, 53)),

			"registry_server_service_accounts": accounts("the registry server"),
			"image_builder_service_accounts":   accounts("the image builder"),
			"effective_repository_prefix":      text("Prefix of all repositories."),
			"repository_arn_pattern":           text("Pattern of the ARNs of all repositories under the prefix."),
			"registry_server":                  documents("The role of the platform's registry server."),
			"image_builder":                    documents("The role of the platform's image builder jobs."),
		},
	}
}

// policyDocumentsModel is the state of the data source rime_image_registry_policy_documents.
type policyDocumentsModel struct {
	RegistryID                types.String        `tfsdk:"registry_id"`
	Region                    types.String        `tfsdk:"region"`
	AllowEmptyPrefix          types.Bool          `tfsdk:"allow_empty_prefix"`
	EffectiveRepositoryPrefix types.String        `tfsdk:"effective_repository_prefix"`
	RepositoryARNPattern      types.String        `tfsdk:"repository_arn_pattern"`
	RegistryServer            *roleDocumentsModel `tfsdk:"registry_server"`
	ImageBuilder              *roleDocumentsModel `tfsdk:"image_builder"`
	registryScope
	registryTrust
}

// roleDocumentsModel are the documents of one role.
type roleDocumentsModel struct {
	RoleName        types.String `tfsdk:"role_name"`
	PolicyName      types.String `tfsdk:"policy_name"`
	PolicyJSON      types.String `tfsdk:"policy_json"`
	TrustPolicyJSON types.String `tfsdk:"trust_policy_json"`
}

// config is the model as a resource that would make what the documents are for.
func (m *policyDocumentsModel) config() imageRegistryConfigModel {
	return imageRegistryConfigModel{AllowEmptyPrefix: m.AllowEmptyPrefix, registryScope: m.registryScope, registryTrust: m.registryTrust}
}

// trusted tells whether anybody is configured to take on the roles.
func (m *policyDocumentsModel) trusted() bool {
	return !m.OIDCProviderARN.IsNull() || !m.OIDCProviderURL.IsNull() || m.PodIdentity.ValueBool()
}

// ValidateConfig implements datasource.DataSourceWithValidateConfig.
func (d *policyDocumentsDataSource) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var model policyDocumentsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	config := model.config()
	resp.Diagnostics.Append(config.checkPrefix()...)
	if model.trusted() {
		resp.Diagnostics.Append(config.checkTrust()...)
	}
	resp.Diagnostics.Append(config.checkNames()...)
}

// Read implements datasource.DataSource.
func (d *policyDocumentsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model policyDocumentsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	account := awsregistry.Account{ID: model.RegistryID.ValueString(), Region: model.Region.ValueString(), Partition: awsregistry.PartitionOf(model.Region.ValueString())}
	if model.RepositoryPrefix.IsNull() {
		model.RepositoryPrefix = types.StringValue(defaultRepositoryPrefix)
	}
	server, builder := model.defaultAccounts(model.registryScope)
	if model.RegistryServerServiceAccounts.IsNull() {
		model.RegistryServerServiceAccounts = server
	}
	if model.ImageBuilderServiceAccounts.IsNull() {
		model.ImageBuilderServiceAccounts = builder
	}
	config := model.config()
	names, prefix := config.names(), model.prefix()
	model.EffectiveRepositoryPrefix = types.StringValue(prefix)
	model.RepositoryARNPattern = types.StringValue(account.RepositoryARNPattern(prefix))
	trust := func(accounts types.Set) types.String {
		if !model.trusted() {
			return types.StringNull()
		}
		return types.StringValue(model.trust(accounts).Document(account))
	}
	model.RegistryServer = &roleDocumentsModel{
		RoleName: types.StringValue(names.ServerRole), PolicyName: types.StringValue(names.ServerPolicy),
		PolicyJSON: types.StringValue(awsregistry.RegistryServerPolicy(account, prefix)), TrustPolicyJSON: trust(model.RegistryServerServiceAccounts),
	}
	model.ImageBuilder = &roleDocumentsModel{
		RoleName: types.StringValue(names.BuilderRole), PolicyName: types.StringValue(names.BuilderPolicy),
		PolicyJSON: types.StringValue(awsregistry.ImageBuilderPolicy(account, prefix)), TrustPolicyJSON: trust(model.ImageBuilderServiceAccounts),
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}
