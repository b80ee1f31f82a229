package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// The types of slips tell them from attributes. Whatever is written there reads as unknown: nobody looks at it, and
// the framework warns of no deprecation beside the error.
type (
	slipType     struct{ basetypes.DynamicType }
	slipTextType struct{ basetypes.StringType }
	slipSetType  struct{ basetypes.SetType }
)

// Equal implements attr.Type.
func (t slipType) Equal(other attr.Type) bool { return isSlip(other) || t.DynamicType.Equal(other) }

// Equal implements attr.Type.
func (t slipTextType) Equal(other attr.Type) bool { return isSlip(other) || t.StringType.Equal(other) }

// Equal implements attr.Type.
func (t slipSetType) Equal(other attr.Type) bool { return isSlip(other) || t.SetType.Equal(other) }

// ValueFromTerraform implements attr.Type.
func (slipType) ValueFromTerraform(_ context.Context, in tftypes.Value) (attr.Value, error) {
	if in.IsNull() {
		return types.DynamicNull(), nil
	}
	return types.DynamicUnknown(), nil
}

// ValueFromTerraform implements attr.Type.
func (slipTextType) ValueFromTerraform(_ context.Context, in tftypes.Value) (attr.Value, error) {
	if in.IsNull() {
		return types.StringNull(), nil
	}
	return types.StringUnknown(), nil
}

// ValueFromTerraform implements attr.Type.
func (t slipSetType) ValueFromTerraform(_ context.Context, in tftypes.Value) (attr.Value, error) {
	if in.IsNull() {
		return types.SetNull(t.ElemType), nil
	}
	return types.SetUnknown(t.ElemType), nil
}

func isSlip(of attr.Type) bool {
	switch of.(type) {
	case slipType, slipTextType, slipSetType:
		return true
	default:
		return false
	}
}

// slipCheck refuses whatever is written.
type slipCheck struct{ advice string }

var (
	_ validator.Dynamic = slipCheck{}
	_ validator.String  = slipCheck{}
	_ validator.Set     = slipCheck{}
)

// Description implements validator.Describer.
func (c slipCheck) Description(context.Context) string { return c.advice }

// MarkdownDescription implements validator.Describer.
func (c slipCheck) MarkdownDescription(context.Context) string { return c.advice }

// ValidateDynamic implements validator.Dynamic.
func (c slipCheck) ValidateDynamic(_ context.Context, req validator.DynamicRequest, resp *validator.DynamicResponse) {
	resp.Diagnostics.Append(c.refuse(req.Path, req.ConfigValue)...)
}

// ValidateString implements validator.String.
func (c slipCheck) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	resp.Diagnostics.Append(c.refuse(req.Path, req.ConfigValue)...)
}

// ValidateSet implements validator.Set.
func (c slipCheck) ValidateSet(_ context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	resp.Diagnostics.Append(c.refuse(req.Path, req.ConfigValue)...)
}

func (c slipCheck) refuse(at path.Path, value attr.Value) diag.Diagnostics {
	if value.IsNull() {
		return nil
	}
	name, _ := at.Steps().LastStep()
	last, _ := name.(path.PathStepAttributeName)
	return diag.Diagnostics{diags.UnknownName(at, string(last), c.advice)}
}

// asModel decodes an object without its slips, and tells whether there is one and it is known.
func asModel[M any](ctx context.Context, object types.Object) (model M, ok bool) {
	if object.IsNull() || object.IsUnknown() {
		return model, false
	}
	attributes, values := plainTypes(object.AttributeTypes(ctx)), object.Attributes()
	maps.DeleteFunc(values, func(name string, _ attr.Value) bool { return attributes[name] == nil })
	plain, d := types.ObjectValue(attributes, values)
	return model, !d.HasError() && !plain.As(ctx, &model, basetypes.ObjectAsOptions{}).HasError()
}

// plainTypes are the types of an object's attributes without its slips.
func plainTypes(object map[string]attr.Type) map[string]attr.Type {
	plain := map[string]attr.Type{}
	for name, of := range object {
		if !isSlip(of) {
			plain[name] = of
		}
	}
	return plain
}

// slipped is a plain object as a resource has it: with its slips, which are null.
func slipped(ctx context.Context, name string, plain types.Object) types.Object {
	attributes := maps.Clone(plain.AttributeTypes(ctx))
	values := plain.Attributes()
	for wrong := range slipsAmong(name, attributes) {
		attributes[wrong], values[wrong] = slipType{}, types.DynamicNull()
	}
	switch {
	case plain.IsNull():
		return types.ObjectNull(attributes)
	case plain.IsUnknown():
		return types.ObjectUnknown(attributes)
	default:
		return types.ObjectValueMust(attributes, values)
	}
}

// withoutSlips is the provider's configuration as its models have it.
func withoutSlips(ctx context.Context, config tfsdk.Config) tfsdk.Config {
	plain := providerSchema()
	return tfsdk.Config{Schema: plain, Raw: only(config.Raw, plain.Type().TerraformType(ctx))}
}

// only is a value with the attributes that its objects have in that type. Both types agree in everything else.
func only(value tftypes.Value, of tftypes.Type) tftypes.Value {
	object, ok := of.(tftypes.Object)
	switch {
	case !value.IsKnown():
		return tftypes.NewValue(of, tftypes.UnknownValue)
	case value.IsNull():
		return tftypes.NewValue(of, nil)
	case !ok:
		return value
	}
	var attributes map[string]tftypes.Value
	if value.As(&attributes) != nil {
		return value // as it is an object, there is no other way
	}
	kept := make(map[string]tftypes.Value, len(object.AttributeTypes))
	for name, each := range object.AttributeTypes {
		kept[name] = only(attributes[name], each)
	}
	return tftypes.NewValue(of, kept)
}
