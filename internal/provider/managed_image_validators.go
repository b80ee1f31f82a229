package provider

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// triggersCheck refuses triggers without a value, of managed images and of group images.
type triggersCheck struct{}

var _ validator.Map = triggersCheck{}

// Description implements validator.Describer.
func (triggersCheck) Description(context.Context) string { return "must have a text for each key" }

// MarkdownDescription implements validator.Describer.
func (c triggersCheck) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateMap implements validator.Map.
func (triggersCheck) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	elements := req.ConfigValue.Elements()
	for _, key := range slices.Sorted(maps.Keys(elements)) {
		if elements[key].IsNull() {
			resp.Diagnostics.Append(diags.NullTrigger(req.Path.AtMapKey(key), key))
		}
	}
}

// namingCheck demands either a name or the beginning of one.
type namingCheck struct{}

// packageManagerCheck refuses packages of two package managers.
type packageManagerCheck struct{}

var (
	_ resource.ConfigValidator = namingCheck{}
	_ resource.ConfigValidator = packageManagerCheck{}
)

// Description implements resource.ConfigValidator.
func (namingCheck) Description(context.Context) string { return "needs either name or name_prefix" }

// MarkdownDescription implements resource.ConfigValidator.
func (c namingCheck) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateResource implements resource.ConfigValidator.
func (namingCheck) ValidateResource(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var name, prefix types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, pathName, &name)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name_prefix"), &prefix)...)
	switch {
	case name.IsNull() && prefix.IsNull():
		resp.Diagnostics.Append(diags.ImageWithoutName())
	case name.IsUnknown() || prefix.IsUnknown() || name.IsNull() || prefix.IsNull():
	default:
		resp.Diagnostics.Append(diags.ImageWithTwoNames(name.ValueString(), prefix.ValueString()))
	}
}

// Description implements resource.ConfigValidator.
func (packageManagerCheck) Description(context.Context) string {
	return "takes packages of one package manager only"
}

// MarkdownDescription implements resource.ConfigValidator.
func (c packageManagerCheck) MarkdownDescription(ctx context.Context) string {
	return c.Description(ctx)
}

// ValidateResource implements resource.ConfigValidator.
func (packageManagerCheck) ValidateResource(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	if len(elementsAt(ctx, req.Config, "apt_packages")) > 0 && len(elementsAt(ctx, req.Config, "rocky_linux_packages")) > 0 {
		resp.Diagnostics.Append(diags.TwoPackageManagers(path.Root("rocky_linux_packages")))
	}
}

// elementsAt are the known elements of a set of texts in the configuration.
func elementsAt(ctx context.Context, config tfsdk.Config, attribute string) []string {
	var set types.Set
	if config.GetAttribute(ctx, path.Root(attribute), &set).HasError() {
		return nil
	}
	known, _ := texts(set)
	return known
}

// lockFileCheck refuses a lock file together with what it takes the place of.
type lockFileCheck struct{}

var _ resource.ConfigValidator = lockFileCheck{}

// Description implements resource.ConfigValidator.
func (lockFileCheck) Description(context.Context) string {
	return "takes either a lock file, or requirements and constraints"
}

// MarkdownDescription implements resource.ConfigValidator.
func (c lockFileCheck) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateResource implements resource.ConfigValidator.
func (lockFileCheck) ValidateResource(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var file types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("pip_lock_file"), &file)...)
	if file.ValueString() == "" {
		return
	}
	for _, other := range []string{"pip_requirements", "pip_constraints"} {
		var set types.Set
		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(other), &set)...)
		if len(set.Elements()) > 0 {
			resp.Diagnostics.Append(diags.TwoKindsOfRequirements(path.Root(other)))
		}
	}
}
