package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

var _ datasource.DataSourceWithConfigure = (*imageBuildDataSource)(nil)

func newImageBuildDataSource() datasource.DataSource { return &imageBuildDataSource{} }

// imageBuildDataSource is the data source rime_image_build.
type imageBuildDataSource struct{ dataSourceBase }

// Metadata implements datasource.DataSource.
func (d *imageBuildDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image_build"
}

// Schema implements datasource.DataSource.
func (d *imageBuildDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "One build of a managed image, by its id: how far it is, how it ended, and where its log is. " +
			"A registry may keep a build only for some time after its end.",
		Attributes: readOnly(buildAttributes()),
	}
	resp.Schema.Attributes["id"] = schema.StringAttribute{
		Required:            true,
		MarkdownDescription: "Identifier of the build, as in the attribute `build` of a managed image. On a RIME platform it is that of the job that builds the image.",
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
	}
}

// Read implements datasource.DataSource.
func (d *imageBuildDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var config buildModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := config.ID.ValueString()
	registry, err := d.registry(ctx)
	var build imageregistry.Build
	if err == nil {
		build, err = registry.Build(ctx, id)
	}
	if errors.Is(err, imageregistry.ErrNotFound) {
		resp.Diagnostics.Append(diags.BuildNotFound(id))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(diags.BuildNotRead(id, err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, newBuildModel(build))...)
}
