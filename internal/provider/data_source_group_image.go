package provider

import (
	"context"
	"errors"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	rschema "github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

var _ datasource.DataSourceWithConfigure = (*groupImageDataSource)(nil)

func newGroupImageDataSource() datasource.DataSource { return &groupImageDataSource{} }

// groupImageDataSource is the data source rime_group_image.
type groupImageDataSource struct{ dataSourceBase }

// Metadata implements datasource.DataSource.
func (d *groupImageDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_group_image"
}

// Schema implements datasource.DataSource.
func (d *groupImageDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An image of a PrimeHub platform, by name: whose it is and who may use it, where it is, and what it is built from. Whoever has an API token may read every image; of the groups that may use it, one who is no platform administrator sees those that they belong to.",
		Attributes:          groupImageAttributes(),
	}
	maps.Copy(resp.Schema.Attributes, readOnly(map[string]rschema.Attribute{"groups": groupsAttribute()}))
	resp.Schema.Attributes["name"] = schema.StringAttribute{
		Required:            true,
		MarkdownDescription: "Name of the image, which is not its display name.",
		Validators:          []validator.String{groupImageNameCheck},
	}
}

// groupImageAttributes are the attributes of a [groupImageListed].
func groupImageAttributes() map[string]schema.Attribute {
	attributes := readOnly(groupImageInputAttributes())
	maps.Copy(attributes, readOnly(groupImageFactAttributes()))
	attributes["name"] = schema.StringAttribute{Computed: true, MarkdownDescription: "Name of the image, which is not its display name."}
	return attributes
}

// groupImageListed is an image as data sources show it.
type groupImageListed struct {
	Name types.String `tfsdk:"name"`
	groupImageInputs
	groupImageFacts
}

func newGroupImageListed(ctx context.Context, image primehub.Image, d *diag.Diagnostics) groupImageListed {
	model := groupImageListed{Name: types.StringValue(image.Name)}
	model.setInputs(ctx, image, d)
	model.setFacts(ctx, image, d)
	return model
}

// groupImageDataModel is the state of the data source rime_group_image.
type groupImageDataModel struct {
	groupImageListed
	Groups types.Set `tfsdk:"groups"`
}

// Read implements datasource.DataSource.
func (d *groupImageDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var config groupImageDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	name := config.Name.ValueString()
	client, err := d.hub()
	var image primehub.Image
	if err == nil {
		image, err = client.Get(ctx, name)
	}
	switch {
	case errors.Is(err, primehub.ErrNotFound):
		resp.Diagnostics.Append(diags.GroupImageNotFound(name))
		return
	case err != nil:
		resp.Diagnostics.Append(diags.FromPrimeHub(diags.ReadGroupImage, name, err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, groupImageDataModel{
		groupImageListed: newGroupImageListed(ctx, image, &resp.Diagnostics),
		Groups:           groupSet(ctx, accessOf(image, image.Group), &resp.Diagnostics),
	})...)
}
