package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

var _ datasource.DataSourceWithConfigure = (*groupImagesDataSource)(nil)

// The values of scope.
const (
	scopeSystem = "system"
	scopeGroup  = "group"
)

func newGroupImagesDataSource() datasource.DataSource { return &groupImagesDataSource{} }

// groupImagesDataSource is the data source rime_group_images.
type groupImagesDataSource struct{ dataSourceBase }

// Metadata implements datasource.DataSource.
func (d *groupImagesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_group_images"
}

// Schema implements datasource.DataSource.
func (d *groupImagesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The images of a PrimeHub platform, all of them or those that match every filter that is given. Which groups may use an image is not read here, as that takes " +
			"the platform long: the data source `rime_group_image` tells it of one.",
		Attributes: map[string]schema.Attribute{
			"search": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Only images with this text in their name, display name, description or type, whatever its case: PrimeHub's *Search Image*.",
			},
			"scope": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "`system` for system images only, `group` for images of groups only: of `group`, else of the provider's `group`, else of any. " +
					"Defaults to both.",
				Validators: []validator.String{oneOf(scopeSystem, scopeGroup)},
			},
			"group": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Only images that belong to the group of exactly this name.",
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"type": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Only images of exactly this type: `cpu`, `gpu` or `universal`.",
				Validators:          []validator.String{oneOf(string(primehub.TypeCPU), string(primehub.TypeGPU), string(primehub.TypeUniversal))},
			},
			"is_ready": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Only images that can be used (`true`), or only those that cannot (`false`).",
			},
			"images": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The images, by name.",
				NestedObject:        schema.NestedAttributeObject{Attributes: groupImageAttributes()},
			},
		},
	}
}

// groupImagesDataModel is the state of the data source rime_group_images.
type groupImagesDataModel struct {
	Search  types.String       `tfsdk:"search"`
	Scope   types.String       `tfsdk:"scope"`
	Group   types.String       `tfsdk:"group"`
	Type    types.String       `tfsdk:"type"`
	IsReady types.Bool         `tfsdk:"is_ready"`
	Images  []groupImageListed `tfsdk:"images"`
}

// Read implements datasource.DataSource.
func (d *groupImagesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model groupImagesDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	images, err := d.list(ctx, model)
	if err != nil {
		resp.Diagnostics.Append(diags.FromPrimeHub(diags.ListGroupImages, "", err))
		return
	}
	model.Images = make([]groupImageListed, 0, len(images))
	for _, image := range images {
		model.Images = append(model.Images, newGroupImageListed(ctx, image, &resp.Diagnostics))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// list is the images that match every filter, by name. What the platform can filter, it filters.
func (d *groupImagesDataSource) list(ctx context.Context, model groupImagesDataModel) ([]primehub.Image, error) {
	client, err := d.hub()
	if err != nil {
		return nil, err
	}
	scope := model.Scope.ValueString()
	filter := primehub.Filter{
		Search:     model.Search.ValueString(),
		SystemOnly: scope == scopeSystem,
		Group:      model.Group.ValueString(),
		Type:       primehub.Type(model.Type.ValueString()),
		Ready:      model.IsReady.ValueBoolPointer(),
	}
	if scope == scopeGroup && model.Group.IsNull() {
		filter.Group = d.primehub.group.ValueString()
	}
	images, err := client.Images(ctx, filter)
	return slices.DeleteFunc(images, func(image primehub.Image) bool { return scope == scopeGroup && image.Group == "" }), err
}
