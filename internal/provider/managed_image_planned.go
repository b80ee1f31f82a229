package provider

import (
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// plannedImages are the names of the images that this walk of Terraform has planned. The zero value is ready.
type plannedImages struct {
	mu     sync.Mutex
	byName map[string]plannedImage
}

// plannedImage is the plan of an image that is to be created, or that exists and stays.
type plannedImage struct {
	config  tftypes.Value
	creates bool
}

// twice notes a plan, and tells whether another resource creates an image of the same name, or has it. Terraform plans one resource twice if it replaces it on
// request (-replace): as it stays, and then, from the same configuration, as it is created.
func (p *plannedImages) twice(name string, now plannedImage) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byName == nil {
		p.byName = map[string]plannedImage{}
	}
	first, found := p.byName[name]
	p.byName[name] = now
	switch {
	case !found || !first.creates && !now.creates:
		return false
	case first.creates && now.creates:
		return true
	default:
		return !first.config.Equal(now.config)
	}
}

// checkName refuses a name that another resource has, where both are planned by one provider.
func (r *managedImageResource) checkName(name types.String, config tftypes.Value, creates bool) diag.Diagnostics {
	if name.ValueString() == "" || r.clients == nil || !r.planned.twice(name.ValueString(), plannedImage{config, creates}) {
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
