package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

var _ datasource.DataSourceWithConfigure = (*pipResolutionDataSource)(nil)

func newPipResolutionDataSource() datasource.DataSource { return &pipResolutionDataSource{} }

// pipResolutionDataSource is the data source rime_pip_resolution.
type pipResolutionDataSource struct{ dataSourceBase }

// Metadata implements datasource.DataSource.
func (d *pipResolutionDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_pip_resolution"
}

// Schema implements datasource.DataSource.
func (d *pipResolutionDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What pip requirements come to today on a base image of the embedded registry, without an image: for policies, checks and comparisons. " +
			"It is looked up anew with each plan. Nothing is downloaded but metadata, and nothing is run.",
		Attributes: map[string]schema.Attribute{
			"python_version": schema.StringAttribute{
				Optional: true, MarkdownDescription: "Python version `X.Y`, for which the provider has a base image. Defaults to its newest.",
				Validators: []validator.String{pythonVersionCheck},
			},
			"pip_requirements": schema.SetAttribute{
				Required: true, ElementType: types.StringType, MarkdownDescription: "Python packages as `pip_requirements` of `rime_managed_image` takes them.",
				Validators: []validator.Set{pipCheck},
			},
			"pip_constraints": schema.SetAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Bounds as `pip_constraints` of `rime_managed_image` takes them. Defaults to none.",
				Validators: []validator.Set{constraintsCheck},
			},
			"pip_libraries": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "What an image would hold, with what the base image has: the version of each distribution by its name in normal form (lower case, single hyphens).",
			},
			"pylock": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The lock as a `pylock.toml` (PEP 751), which `pip_lock_file` of `rime_managed_image` takes. Null where the base image has all that is asked for.",
			},
			"built_from_source": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The packages that have no wheel for the image's Python and platform, and would be built: the version by the name.",
			},
			"base_image": schema.SingleNestedAttribute{
				Computed: true, MarkdownDescription: "The base image that the versions are for.",
				Attributes: readOnly(imageReferenceAttributes()),
			},
		},
	}
}

// pipResolutionModel is the state of the data source rime_pip_resolution.
type pipResolutionModel struct {
	PythonVersion   types.String `tfsdk:"python_version"`
	PipRequirements types.Set    `tfsdk:"pip_requirements"`
	PipConstraints  types.Set    `tfsdk:"pip_constraints"`
	PipLibraries    types.Map    `tfsdk:"pip_libraries"`
	Pylock          types.String `tfsdk:"pylock"`
	BuiltFromSource types.Map    `tfsdk:"built_from_source"`
	BaseImage       types.Object `tfsdk:"base_image"`
}

// Read implements datasource.DataSource.
func (d *pipResolutionDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model pipResolutionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	spec := imageregistry.Spec{PythonVersion: model.PythonVersion.ValueString()}
	spec.PipRequirements, _ = pipRequirements(model.PipRequirements)
	spec.PipConstraints, _ = pipRequirements(model.PipConstraints)
	lock, err := d.lock(ctx, spec)
	switch {
	case err != nil:
		resp.Diagnostics.Append(diags.LockFailed(spec, err))
	case lock.Open != "":
		resp.Diagnostics.Append(diags.ResolutionOpen(lock.Open))
	default:
		resp.Diagnostics.Append(model.set(ctx, lock)...)
		resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	}
}

func (d *pipResolutionDataSource) lock(ctx context.Context, spec imageregistry.Spec) (imageregistry.Lock, error) {
	registry, err := d.registry(ctx)
	if err != nil {
		return imageregistry.Lock{}, err
	}
	locker, ok := registry.(imageregistry.Locker)
	if !ok {
		return imageregistry.Lock{}, diags.ErrNothingLocks
	}
	return locker.Lock(ctx, imageregistry.LockRequest{Spec: spec})
}

// set takes over what was found.
func (m *pipResolutionModel) set(ctx context.Context, lock imageregistry.Lock) (d diag.Diagnostics) {
	m.Pylock = textValue(lock.Pylock)
	var more diag.Diagnostics
	m.PipLibraries, more = types.MapValueFrom(ctx, types.StringType, versionsByName(lock.Libraries))
	d.Append(more...)
	sources := map[string]attr.Value{}
	for _, s := range lock.Sources {
		sources[s.Name] = types.StringValue(s.Version)
	}
	m.BuiltFromSource, more = types.MapValue(types.StringType, sources)
	d.Append(more...)
	m.BaseImage = types.ObjectNull(imageReferenceType.AttrTypes)
	if lock.Base.Digest != "" {
		m.BaseImage, more = types.ObjectValueFrom(ctx, imageReferenceType.AttrTypes, newImageReferenceModel(lock.Base))
		d.Append(more...)
	}
	return d
}
