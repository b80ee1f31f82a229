package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

var _ datasource.DataSourceWithConfigure = (*imagePullSecretsDataSource)(nil)

func newImagePullSecretsDataSource() datasource.DataSource { return &imagePullSecretsDataSource{} }

// imagePullSecretsDataSource is the data source rime_image_pull_secrets.
type imagePullSecretsDataSource struct{ dataSourceBase }

// Metadata implements datasource.DataSource.
func (d *imagePullSecretsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image_pull_secrets"
}

// Schema implements datasource.DataSource.
func (d *imagePullSecretsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The image pull secrets of a PrimeHub platform: what `image_pull_secret` of an image takes. What is in them is never read. " +
			"The secret with which the platform pushes what it builds is not among them.",
		Attributes: map[string]schema.Attribute{
			"ids": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The id of each secret by its name, as PrimeHub's portals show it: `ids[\"dockerhub\"]` is `image-dockerhub`.",
			},
			"secrets": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The secrets, by name.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":   schema.StringAttribute{Computed: true, MarkdownDescription: "Id of the secret, which images refer to."},
					"name": schema.StringAttribute{Computed: true, MarkdownDescription: "Name of the secret, as PrimeHub's portals show it."},
				}},
			},
		},
	}
}

// imagePullSecretsDataModel is the state of the data source rime_image_pull_secrets.
type imagePullSecretsDataModel struct {
	IDs     map[string]string `tfsdk:"ids"`
	Secrets []secretModel     `tfsdk:"secrets"`
}

type secretModel struct {
	ID   string `tfsdk:"id"`
	Name string `tfsdk:"name"`
}

// Read implements datasource.DataSource.
func (d *imagePullSecretsDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, err := d.hub()
	var secrets []primehub.Secret
	if err == nil {
		secrets, err = client.Secrets(ctx)
	}
	if err != nil {
		resp.Diagnostics.Append(diags.FromPrimeHub(diags.ListSecrets, "", err))
		return
	}
	model := imagePullSecretsDataModel{IDs: map[string]string{}, Secrets: make([]secretModel, 0, len(secrets))}
	for _, secret := range secrets {
		model.IDs[secret.Name] = secret.ID
		model.Secrets = append(model.Secrets, secretModel(secret))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}
