package provider

import (
	"context"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// wholeNumberType is the type of a number that the user writes. The framework's own blames the provider for a fraction.
type wholeNumberType struct{ basetypes.Int64Type }

// wholeNumber is a value of it. One that is no whole number, or too large, reads as unknown, and its check tells the user.
type wholeNumber struct {
	basetypes.Int64Value
	wrong string // what was written, where it is no whole number
}

var (
	_ basetypes.Int64Typable      = wholeNumberType{}
	_ basetypes.Int64Valuable     = wholeNumber{}
	_ xattr.ValidateableAttribute = wholeNumber{}
)

// Equal implements attr.Type.
func (t wholeNumberType) Equal(other attr.Type) bool { _, same := other.(wholeNumberType); return same }

// ValueType implements attr.Type.
func (wholeNumberType) ValueType(context.Context) attr.Value { return wholeNumber{} }

// ValueFromTerraform implements attr.Type.
func (t wholeNumberType) ValueFromTerraform(ctx context.Context, in tftypes.Value) (attr.Value, error) {
	value, err := t.Int64Type.ValueFromTerraform(ctx, in)
	if number, ok := value.(basetypes.Int64Value); ok && err == nil {
		return wholeNumber{Int64Value: number}, nil
	}
	var written big.Float
	if in.As(&written) != nil {
		return nil, err
	}
	return wholeNumber{Int64Value: types.Int64Unknown(), wrong: written.Text('g', -1)}, nil
}

// ValueFromInt64 implements basetypes.Int64Typable.
func (wholeNumberType) ValueFromInt64(_ context.Context, in basetypes.Int64Value) (basetypes.Int64Valuable, diag.Diagnostics) {
	return wholeNumber{Int64Value: in}, nil
}

// Type implements attr.Value.
func (wholeNumber) Type(context.Context) attr.Type { return wholeNumberType{} }

// Equal implements attr.Value.
func (n wholeNumber) Equal(other attr.Value) bool {
	o, same := other.(wholeNumber)
	return same && n.wrong == o.wrong && n.Int64Value.Equal(o.Int64Value)
}

// ValidateAttribute implements xattr.ValidateableAttribute.
func (n wholeNumber) ValidateAttribute(_ context.Context, req xattr.ValidateAttributeRequest, resp *xattr.ValidateAttributeResponse) {
	if n.wrong != "" {
		resp.Diagnostics.Append(diags.NotWhole(req.Path, n.wrong))
	}
}
