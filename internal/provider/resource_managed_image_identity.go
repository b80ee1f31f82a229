package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// managedImageIdentity is what tells an image from all others, of any registry.
type managedImageIdentity struct {
	Registry types.String `tfsdk:"registry"`
	Name     types.String `tfsdk:"name"`
}

// IdentitySchema implements resource.ResourceWithIdentity.
func (r *managedImageResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = nameIdentity("Name of the image.")
	resp.IdentitySchema.Attributes["registry"] = identityschema.StringAttribute{
		OptionalForImport: true,
		Description:       "Registry that holds the image: host and prefix, or the address of the RIME platform. Defaults to the provider's.",
	}
}

// identity is that of the image in the state.
func (m *managedImageModel) identity() managedImageIdentity {
	return managedImageIdentity{Registry: m.Registry, Name: m.Name}
}

// locate takes over where the registry is, if it tells.
func (m *managedImageModel) locate(registry imageregistry.Registry) {
	m.Registry = types.StringNull()
	if locator, ok := registry.(imageregistry.Locator); ok {
		m.Registry = textValue(locator.Location())
	}
}

// ImportState implements resource.ResourceWithImportState, by name or by identity. Read fills in the image; the settings that no registry
// knows get their defaults, so that a configuration without them plans nothing.
func (r *managedImageResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByName(ctx, req, resp, imageNameCheck, "")
	if resp.Diagnostics.HasError() {
		return
	}
	if req.ID == "" {
		r.checkImportedRegistry(ctx, req, resp)
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("adopt_existing"), false)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("deletion_policy"), deletionPolicyDelete)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("rebuild_when_outdated"), false)...)
}

// checkImportedRegistry refuses the identity of an image in another registry than the provider's. What cannot be found out now, Read finds out.
func (r *managedImageResource) checkImportedRegistry(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	var asked managedImageIdentity
	resp.Diagnostics.Append(req.Identity.Get(ctx, &asked)...)
	registry, err := r.registry(ctx)
	if err != nil || asked.Registry.ValueString() == "" {
		return
	}
	var here managedImageModel
	here.locate(registry)
	if !samePlace(asked.Registry.ValueString(), here.Registry.ValueString()) {
		resp.Diagnostics.Append(diags.ImportFromElsewhere(asked.Name.ValueString(), asked.Registry.ValueString(), here.Registry.ValueString()))
	}
}

// samePlace compares locations. An address without a scheme means https.
func samePlace(a, b string) bool {
	bare := func(location string) string { return strings.TrimSuffix(strings.TrimPrefix(location, "https://"), "/") }
	return bare(a) == bare(b)
}
