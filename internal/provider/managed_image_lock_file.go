package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/lockfile"
)

// lockFileText validates the text of a lock file, as far as that can be done without knowing the image's Python.
type lockFileText struct{}

var _ validator.String = lockFileText{}

// Description implements validator.Describer.
func (lockFileText) Description(context.Context) string {
	return "must be the text of a pylock.toml, or of a requirements file in which every line has an exact version and a hash"
}

// MarkdownDescription implements validator.Describer.
func (c lockFileText) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateString implements validator.String.
func (lockFileText) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.ValueString() == "" { // that it is empty is told by another check
		return
	}
	if _, err := lockfile.Parse(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.Append(diags.InvalidRequirements("Invalid Lock File", req.Path.String(), req.Path, err)...)
	}
}
