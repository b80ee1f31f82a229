package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// checkName refuses a name that another resource has, where both are planned by one provider.
func (r *managedImageResource) checkName(name types.String, config tftypes.Value, creates bool) diag.Diagnostics {
	if name.ValueString() == "" || r.clients == nil || !r.planned.twice(name.ValueString(), plannedName{config, creates}) {
		return nil
	}
	return diag.Diagnostics{diags.ImageNameTwice(name.ValueString())}
}

// replacement says why the image is replaced, and what that means for those who use it. Terraform plans the new image without the old one, so that
// rebuild_reason cannot say it.
func (m *managedImageModel) replacement(registry imageregistry.Registry, state managedImageModel) diag.Diagnostic {
	told := diags.Replacement{
		Name: state.Name.ValueString(), Prefix: m.NamePrefix.ValueString(),
		SameName: m.Name.Equal(state.Name),
		Usable:   imageregistry.Status(state.Status.ValueString()).Usable(),
		Platform: registry != nil && !canDo(registry, taskUpdate),
	}
	intended := decide(registry, state, *m)
	told.Reason = intended.reason.ValueString()
	if intended.task == taskNone && !m.Name.IsUnknown() {
		told.Reason = "name changed: " + state.Name.ValueString() + " -> " + m.Name.ValueString()
	}
	return told.Diagnostic()
}
