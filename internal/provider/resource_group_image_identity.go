package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// groupImageIdentity is what tells an image from all others, also those of other platforms.
type groupImageIdentity struct {
	Endpoint types.String `tfsdk:"endpoint"`
	Name     types.String `tfsdk:"name"`
}

// IdentitySchema implements resource.ResourceWithIdentity.
func (r *groupImageResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{
		Attributes: map[string]identityschema.Attribute{
			"endpoint": identityschema.StringAttribute{
				OptionalForImport: true,
				Description:       "Address of the API of the PrimeHub platform that has the image. Defaults to that of the provider.",
			},
			"name": identityschema.StringAttribute{
				RequiredForImport: true,
				Description:       "Name of the image, which is not its display name.",
			},
		},
	}
}

// identify writes the identity of an image. Its endpoint stays as it was while the platform is not known.
func (r *groupImageResource) identify(ctx context.Context, identity *tfsdk.ResourceIdentity, name types.String) diag.Diagnostics {
	var known groupImageIdentity
	if !identity.Raw.IsNull() {
		if d := identity.Get(ctx, &known); d.HasError() {
			return d
		}
	}
	return identity.Set(ctx, groupImageIdentity{Endpoint: r.endpoint(known.Endpoint), Name: name})
}

// endpoint is the address of the platform, or what is known of it as long as the provider's configuration is not.
func (r *groupImageResource) endpoint(known types.String) types.String {
	if client, err := r.hub(); err == nil {
		return types.StringValue(client.Endpoint())
	}
	return known
}

// ImportState implements resource.ResourceWithImportState, by name, by endpoint and name, or by identity. Read fills in the image.
func (r *groupImageResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	var asked groupImageIdentity
	if req.ID != "" {
		asked.Endpoint, asked.Name = types.StringNull(), types.StringValue(req.ID)
		if slash := strings.LastIndex(req.ID, "/"); slash >= 0 {
			asked.Endpoint, asked.Name = types.StringValue(req.ID[:slash]), types.StringValue(req.ID[slash+1:])
		}
	} else if resp.Diagnostics.Append(req.Identity.Get(ctx, &asked)...); resp.Diagnostics.HasError() {
		return
	}
	name := asked.Name.ValueString()
	if problem := groupImageNameCheck.find(name); problem != nil {
		problem.Suggestion = "write the name of the image as PrimeHub shows it beside the display name, alone or behind the address of the API: " +
			"\"https://primehub.example.com/api/graphql/NAME\""
		resp.Diagnostics.Append(diags.InvalidValue(groupImageNameCheck.summary, pathName, name, problem))
		return
	}
	resp.Diagnostics.Append(r.checkEndpoint(asked.Endpoint.ValueString())...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, pathName, asked.Name)...)
	resp.Diagnostics.Append(r.identify(ctx, resp.Identity, asked.Name)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importedKey, []byte("true"))...)
}

// checkEndpoint refuses the image of another platform than the provider speaks to.
func (r *groupImageResource) checkEndpoint(asked string) diag.Diagnostics {
	client, err := r.hub()
	if asked == "" || err != nil {
		return nil // Read tells what is wrong with the provider's configuration
	}
	if endpoint, err := primehub.ParseEndpoint(asked); err != nil || endpoint != client.Endpoint() {
		return diag.Diagnostics{diags.OtherPlatform(path.Root("endpoint"), asked, client.Endpoint())}
	}
	return nil
}
