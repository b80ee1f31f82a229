package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// managedImageIdentity is what tells an image from all others of its registry.
type managedImageIdentity struct {
	Name types.String `tfsdk:"name"`
}

// IdentitySchema implements resource.ResourceWithIdentity.
func (r *managedImageResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{
		Attributes: map[string]identityschema.Attribute{
			"name": identityschema.StringAttribute{
				RequiredForImport: true,
				Description:       "Name of the image.",
			},
		},
	}
}

// ImportState implements resource.ResourceWithImportState, by name or by identity. Read fills in the image; the settings that no registry
// knows get their defaults, so that a configuration without them plans nothing.
func (r *managedImageResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughWithIdentity(ctx, pathName, pathName, req, resp)
	var name types.String
	resp.Diagnostics.Append(resp.State.GetAttribute(ctx, pathName, &name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if problem := imageNameCheck.find(name.ValueString()); problem != nil {
		resp.Diagnostics.Append(diags.InvalidValue(imageNameCheck.summary, pathName, name.ValueString(), problem))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("adopt_existing"), false)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("deletion_policy"), deletionPolicyDelete)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("rebuild_when_outdated"), false)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importedKey, []byte("true"))...)
}
