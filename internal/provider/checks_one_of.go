package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// oneOf takes these values only. The framework's validator quotes any other value, and one that was pasted into the wrong
// attribute may be an address with a secret in it.
func oneOf(values ...string) validator.String { return discreet{stringvalidator.OneOf(values...)} }

// discreet shows a validator an address as messages may show it. It is for validators that refuse all addresses.
type discreet struct{ validator.String }

// ValidateString implements validator.String.
func (d discreet) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if value := req.ConfigValue.ValueString(); redact.Input(value) != value {
		req.ConfigValue = types.StringValue(redact.Input(value))
		req.Path = shownPath(req.Path)
	}
	d.String.ValidateString(ctx, req, resp)
}

// shownPath is a path as logs may show it: the path of what is in a set holds the value.
func shownPath(at path.Path) path.Path {
	step, _ := at.Steps().LastStep()
	element, ofSet := step.(path.PathStepElementKeyValue)
	if !ofSet {
		return at
	}
	text, ok := element.Value.(types.String)
	if !ok {
		return at
	}
	return at.ParentPath().AtSetValue(types.StringValue(redact.Input(text.ValueString())))
}
