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
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

var _ datasource.DataSourceWithConfigure = (*managedImageDataSource)(nil)

func newManagedImageDataSource() datasource.DataSource { return &managedImageDataSource{} }

// managedImageDataSource is the data source rime_managed_image.
type managedImageDataSource struct{ dataSourceBase }

// Metadata implements datasource.DataSource.
func (d *managedImageDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_managed_image"
}

// Schema implements datasource.DataSource.
func (d *managedImageDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A managed image, by name: what it was made from, where it is published and what is installed in it.",
		Attributes:          imageAttributes(),
	}
	resp.Schema.Attributes["name"] = schema.StringAttribute{
		Required:            true,
		MarkdownDescription: "Name of the image.",
		Validators:          []validator.String{imageNameCheck},
	}
	resp.Schema.Attributes["build"] = readOnly(map[string]rschema.Attribute{"build": buildAttribute()})["build"]
}

// imageAttributes are the attributes of an [imageModel].
func imageAttributes() map[string]schema.Attribute {
	attributes := readOnly(imageInputAttributes())
	maps.Copy(attributes, readOnly(imageFactAttributes()))
	attributes["name"] = schema.StringAttribute{Computed: true, MarkdownDescription: "Name of the image."}
	return attributes
}

// imageModel is an image as data sources show it.
type imageModel struct {
	Name types.String `tfsdk:"name"`
	imageInputs
	imageFacts
}

func newImageModel(ctx context.Context, image imageregistry.Image, d *diag.Diagnostics) imageModel {
	model := imageModel{Name: types.StringValue(image.Name)}
	model.setInputs(image)
	model.setFacts(ctx, image, d)
	return model
}

// managedImageDataModel is the state of the data source rime_managed_image.
type managedImageDataModel struct {
	imageModel
	Build types.Object `tfsdk:"build"`
}

// Read implements datasource.DataSource.
func (d *managedImageDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var config managedImageDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	name := config.Name.ValueString()
	image, build, err := d.look(ctx, name)
	if errors.Is(err, imageregistry.ErrNotFound) {
		resp.Diagnostics.Append(diags.ImageNotFound(name))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(diags.FromError(diags.ReadImage, name, err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, managedImageDataModel{
		imageModel: newImageModel(ctx, image, &resp.Diagnostics),
		Build:      newBuildObject(ctx, build, &resp.Diagnostics),
	})...)
}

// look reads the image and its newest build. A build that the registry does not know any more is no error.
func (d *managedImageDataSource) look(ctx context.Context, name string) (imageregistry.Image, imageregistry.Build, error) {
	registry, err := d.registry(ctx)
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	image, err := registry.Get(ctx, name)
	if err != nil || image.BuildID == "" {
		return image, imageregistry.Build{}, err
	}
	build, err := registry.Build(ctx, image.BuildID)
	if errors.Is(err, imageregistry.ErrNotFound) {
		return image, imageregistry.Build{}, nil
	}
	return image, build, err
}
