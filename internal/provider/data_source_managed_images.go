package provider

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

var _ datasource.DataSourceWithConfigure = (*managedImagesDataSource)(nil)

func newManagedImagesDataSource() datasource.DataSource { return &managedImagesDataSource{} }

// managedImagesDataSource is the data source rime_managed_images.
type managedImagesDataSource struct{ dataSourceBase }

// Metadata implements datasource.DataSource.
func (d *managedImagesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_managed_images"
}

// Schema implements datasource.DataSource.
func (d *managedImagesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The managed images of a registry, all of them or those that match every filter that is given. " +
			"The embedded registry needs an OCI registry that lists its repositories (`GET /v2/_catalog`).",
		Attributes: map[string]schema.Attribute{
			"pip_libraries": schema.MapAttribute{
				Optional:    true,
				ElementType: types.StringType,
				MarkdownDescription: "Only images in which all of these are installed, by what `pip list` says: the exact version by the name of the distribution, " +
					"such as `{ numpy = \"1.26.4\" }`. An empty version means any.",
				Validators: []validator.Map{mapvalidator.ValueStringsAre(exactVersionCheck)},
			},
			"name_regex": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Only images whose name matches this regular expression in RE2 syntax, anywhere unless it is anchored with `^` and `$`.",
				Validators:          []validator.String{patternCheck},
			},
			"statuses": schema.SetAttribute{
				Optional:            true,
				ElementType:         types.StringType,
				MarkdownDescription: "Only images in one of these states, such as `ready`.",
				Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.NoNullValues()},
			},
			"images": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The images, by name.",
				NestedObject:        schema.NestedAttributeObject{Attributes: imageAttributes()},
			},
		},
	}
}

// managedImagesDataModel is the state of the data source rime_managed_images.
type managedImagesDataModel struct {
	PipLibraries map[string]*string `tfsdk:"pip_libraries"`
	NameRegex    types.String       `tfsdk:"name_regex"`
	Statuses     []string           `tfsdk:"statuses"`
	Images       []imageModel       `tfsdk:"images"`
}

// Read implements datasource.DataSource.
func (d *managedImagesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model managedImagesDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	images, err := d.list(ctx, model)
	if err != nil {
		resp.Diagnostics.Append(diags.ListFailed(err))
		return
	}
	model.Images = make([]imageModel, 0, len(images))
	for _, image := range images {
		model.Images = append(model.Images, newImageModel(ctx, image, &resp.Diagnostics))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// list is the images that match every filter, by name. What the registry can filter, it filters.
func (d *managedImagesDataSource) list(ctx context.Context, model managedImagesDataModel) ([]imageregistry.Image, error) {
	registry, err := d.registry(ctx)
	if err != nil {
		return nil, err
	}
	name, err := regexp.Compile(model.NameRegex.ValueString())
	if err != nil {
		return nil, err
	}
	var filter imageregistry.Filter
	for _, name := range slices.Sorted(maps.Keys(model.PipLibraries)) {
		wanted := imageregistry.PipLibrary{Name: name}
		if version := model.PipLibraries[name]; version != nil {
			wanted.Version = *version
		}
		filter.PipLibraries = append(filter.PipLibraries, wanted)
	}
	var images []imageregistry.Image
	for image, err := range registry.List(ctx, filter) {
		if err != nil {
			return nil, err
		}
		if name.MatchString(image.Name) && (model.Statuses == nil || slices.Contains(model.Statuses, string(image.Status))) {
			images = append(images, image)
		}
	}
	slices.SortFunc(images, func(a, b imageregistry.Image) int { return cmp.Compare(a.Name, b.Name) })
	return images, nil
}

var exactVersionCheck = check{
	summary: "Invalid Version",
	rule:    "must be one exact version such as `1.26.4`, or empty for any",
	find: func(value string) *diags.Problem {
		version := strings.TrimLeft(value, "= ")
		switch {
		case strings.ContainsAny(version, "<>=!~*,; "):
			return &diags.Problem{Text: "is not one exact version", Suggestion: `write a version such as "1.26.4", or "" for any`}
		case version != value:
			return &diags.Problem{Text: "is a comparison, not a version", Suggestion: write(version)}
		default:
			return nil
		}
	},
}
