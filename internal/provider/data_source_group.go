package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

var _ datasource.DataSourceWithConfigure = (*groupDataSource)(nil)

func newGroupDataSource() datasource.DataSource { return &groupDataSource{} }

// groupDataSource is the data source rime_group.
type groupDataSource struct{ dataSourceBase }

// Metadata implements datasource.DataSource.
func (d *groupDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_group"
}

// Schema implements datasource.DataSource.
func (d *groupDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A group of users of a PrimeHub platform, by name. A platform administrator sees every group, everybody else those that they belong to.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Optional:            true,
				Computed:            true,
				MarkdownDescription: "Name of the group, which is not its display name. Defaults to the `group` of the provider.",
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"id":           schema.StringAttribute{Computed: true, MarkdownDescription: "Id of the group in Keycloak."},
			"display_name": schema.StringAttribute{Computed: true, MarkdownDescription: "Name of the group as users see it."},
			"admins": schema.ListAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "User names of the group's administrators, who may manage its images.",
			},
			"is_admin": schema.BoolAttribute{
				Computed:            true,
				MarkdownDescription: "Whether the owner of the API token may manage the group's images: as its administrator, or as one of the platform.",
			},
		},
	}
}

// groupDataModel is the state of the data source rime_group.
type groupDataModel struct {
	Name        types.String `tfsdk:"name"`
	ID          types.String `tfsdk:"id"`
	DisplayName types.String `tfsdk:"display_name"`
	Admins      []string     `tfsdk:"admins"`
	IsAdmin     types.Bool   `tfsdk:"is_admin"`
}

// Read implements datasource.DataSource.
func (d *groupDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var name types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, pathName, &name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if name.IsNull() && d.clients != nil {
		name = d.primehub.group
	}
	client, err := d.hub()
	if err == nil && name.ValueString() == "" {
		resp.Diagnostics.Append(diags.MissingValue(pathName, primehub.EnvGroup))
		return
	}
	var group primehub.Group
	var me primehub.Account
	if err == nil {
		group, err = client.Group(ctx, name.ValueString())
	}
	if err == nil {
		me, err = client.Me(ctx)
	}
	if err != nil {
		resp.Diagnostics.Append(diags.FromPrimeHub(diags.ReadGroup, name.ValueString(), err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, groupDataModel{
		Name:        types.StringValue(group.Name),
		ID:          types.StringValue(group.ID),
		DisplayName: textValue(group.DisplayName),
		Admins:      append([]string{}, group.Admins...),
		IsAdmin:     types.BoolValue(me.Administers(group)),
	})...)
}
