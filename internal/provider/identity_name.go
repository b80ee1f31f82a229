package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// nameIdentity is the identity of what its name alone tells from all others of its registry or platform.
func nameIdentity(description string) identityschema.Schema {
	return identityschema.Schema{
		Attributes: map[string]identityschema.Attribute{
			"name": identityschema.StringAttribute{
				RequiredForImport: true,
				Description:       description,
			},
		},
	}
}

// importByName begins an import of what is named, by name or by identity; Read fills in the rest. A name that the check refuses is an error, with this advice or, if that is
// empty, the check's own.
func importByName(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse, nameCheck check, advice string) {
	resource.ImportStatePassthroughWithIdentity(ctx, pathName, pathName, req, resp)
	var name types.String
	resp.Diagnostics.Append(resp.State.GetAttribute(ctx, pathName, &name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if problem := nameCheck.find(name.ValueString()); problem != nil {
		if advice != "" {
			problem.Suggestion = advice
		}
		resp.Diagnostics.Append(diags.InvalidValue(nameCheck.summary, pathName, name.ValueString(), problem))
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importedKey, []byte("true"))...)
}
