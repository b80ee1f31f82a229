package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// IdentitySchema implements resource.ResourceWithIdentity. A [registryScope] is what tells a registry from all others of its account.
func (r *imageRegistryConfigResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{
		Attributes: map[string]identityschema.Attribute{
			"repository_prefix": identityschema.StringAttribute{
				RequiredForImport: true,
				Description:       "Base of the prefix of all repositories.",
			},
			"resource_name_suffix": identityschema.StringAttribute{
				OptionalForImport: true,
				Description:       "What tells this installation from others of the account.",
			},
			"namespace": identityschema.StringAttribute{
				OptionalForImport: true,
				Description:       "Kubernetes namespace of the platform.",
			},
		},
	}
}

// importForm says how an id is written.
const importForm = "`<repository_prefix>,<resource_name_suffix>,<namespace>`, such as `rime-managed-images,prod,rime`; what an installation does not have is left empty"

// ImportState implements resource.ResourceWithImportState, by id or by identity. Read fills in what AWS shows; the settings that AWS does not know get their
// defaults, so that a configuration that says the same plans nothing.
func (r *imageRegistryConfigResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	var scope registryScope
	if req.ID != "" {
		parts := strings.Split(req.ID, ",")
		if len(parts) > 3 {
			resp.Diagnostics.Append(diags.InvalidImportID(req.ID, importForm))
			return
		}
		parts = append(parts, "", "")
		scope = registryScope{RepositoryPrefix: types.StringValue(parts[0]), ResourceNameSuffix: textValue(parts[1]), Namespace: textValue(parts[2])}
	} else if resp.Diagnostics.Append(req.Identity.Get(ctx, &scope)...); resp.Diagnostics.HasError() {
		return
	}
	for attribute, part := range map[string]struct {
		check
		value types.String
	}{
		"repository_prefix": {managedPrefixCheck, scope.RepositoryPrefix}, "resource_name_suffix": {nameSuffixCheck, scope.ResourceNameSuffix}, "namespace": {namespaceCheck, scope.Namespace},
	} {
		if problem := part.find(part.value.ValueString()); problem != nil {
			resp.Diagnostics.Append(diags.InvalidValue(part.summary, path.Root(attribute), part.value.ValueString(), problem))
		}
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), part.value)...)
	}
	prefix := awsregistry.EffectivePrefix(scope.RepositoryPrefix.ValueString(), scope.ResourceNameSuffix.ValueString(), scope.Namespace.ValueString())
	for attribute, value := range map[string]bool{"enable": true, "allow_external_custom_images": true, "pod_identity": false, "allow_empty_prefix": prefix == ""} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), value)...)
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, scope)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, adoptedKey, []byte("true"))...)
}
