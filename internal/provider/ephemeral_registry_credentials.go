package provider

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

var _ ephemeral.EphemeralResourceWithConfigure = (*registryCredentialsEphemeral)(nil)

func newRegistryCredentialsEphemeral() ephemeral.EphemeralResource {
	return &registryCredentialsEphemeral{}
}

// registryCredentialsEphemeral is the ephemeral resource rime_registry_credentials. ECR can neither renew nor revoke its tokens.
type registryCredentialsEphemeral struct{ connected }

// Metadata implements ephemeral.EphemeralResource.
func (e *registryCredentialsEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_registry_credentials"
}

// Configure implements ephemeral.EphemeralResourceWithConfigure.
func (e *registryCredentialsEphemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	e.connect(req.ProviderData, &resp.Diagnostics)
}

// Schema implements ephemeral.EphemeralResource.
func (e *registryCredentialsEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	text := func(sensitive bool, description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, Sensitive: sensitive, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Credentials for the account's ECR registry, for `docker login` and for pull secrets. They are in no state and no plan, and are good for twelve hours at most; " +
			"at least half of that is left. Needs Terraform 1.10.",
		Attributes: map[string]schema.Attribute{
			"registry":           text(false, "Host name and, where it has one, port of the registry."),
			"username":           text(false, "User name to log in with."),
			"password":           text(true, "Password to log in with."),
			"expires_at":         text(false, "When they are no longer good, as RFC 3339 in UTC."),
			"docker_config_json": text(true, "The same as the text of a `config.json` of Docker, which Kubernetes takes as `.dockerconfigjson` of a secret."),
		},
	}
}

// registryCredentialsModel is the result of the ephemeral resource rime_registry_credentials.
type registryCredentialsModel struct {
	Registry         types.String `tfsdk:"registry"`
	Username         types.String `tfsdk:"username"`
	Password         types.String `tfsdk:"password"`
	ExpiresAt        types.String `tfsdk:"expires_at"`
	DockerConfigJSON types.String `tfsdk:"docker_config_json"`
}

// Open implements ephemeral.EphemeralResource.
func (e *registryCredentialsEphemeral) Open(ctx context.Context, _ ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var credentials awsregistry.Credentials
	client, err := e.account()
	if err == nil {
		credentials, err = client.Credentials(ctx)
	}
	if err != nil {
		resp.Diagnostics.Append(diags.FromAWS(diags.GetCredentials, "credentials for the account's ECR registry", err))
		return
	}
	model, err := newRegistryCredentialsModel(credentials)
	if err != nil {
		resp.Diagnostics.Append(diags.FromAWS(diags.GetCredentials, "credentials for the account's ECR registry", err))
		return
	}
	resp.Diagnostics.Append(resp.Result.Set(ctx, model)...)
}

func newRegistryCredentialsModel(c awsregistry.Credentials) (registryCredentialsModel, error) {
	type login struct {
		Username string `json:"username"`
		Password string `json:"password"`
		Auth     string `json:"auth"`
	}
	config, err := json.Marshal(map[string]map[string]login{"auths": {c.Host(): {
		Username: c.Username, Password: c.Password, Auth: base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password)),
	}}})
	return registryCredentialsModel{
		Registry: types.StringValue(c.Host()), Username: types.StringValue(c.Username), Password: types.StringValue(c.Password),
		ExpiresAt: types.StringValue(c.ExpiresAt.UTC().Format(time.RFC3339)), DockerConfigJSON: types.StringValue(string(config)),
	}, err
}
