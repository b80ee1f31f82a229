package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// groupImageIdentity is what tells an image from all others of its platform.
type groupImageIdentity struct {
	Name types.String `tfsdk:"name"`
}

// IdentitySchema implements resource.ResourceWithIdentity.
func (r *groupImageResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = nameIdentity("Name of the image, which is not its display name.")
}

// ImportState implements resource.ResourceWithImportState, by name or by identity. Read fills in the image.
func (r *groupImageResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByName(ctx, req, resp, groupImageNameCheck, "write the name of the image as PrimeHub shows it beside the display name")
}
