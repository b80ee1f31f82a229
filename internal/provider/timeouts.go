package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// The operations of a resource that have a time limit.
const (
	operationCreate = "create"
	operationRead   = "read"
	operationUpdate = "update"
	operationDelete = "delete"
)

// timeLimits are the default time limits of a resource's operations, as Terraform writes durations.
type timeLimits struct{ create, read, update, delete string }

// attribute is the attribute `timeouts`. It is a map and no object, because Terraform drops unknown names in an object.
func (l timeLimits) attribute(description string) schema.Attribute {
	return schema.MapAttribute{
		Optional: true, ElementType: types.StringType, CustomType: timeoutsType{types.MapType{ElemType: types.StringType}},
		MarkdownDescription: description + " The keys are `create` (defaults to `" + l.create + "`), `read` (`" + l.read + "`), `update` (`" + l.update +
			"`) and `delete` (`" + l.delete + "`); the values are durations such as `90m` or `1h30m`.",
		Validators: []validator.Map{
			keysCheck{"timeouts", []string{operationCreate, operationRead, operationUpdate, operationDelete}},
			mapvalidator.ValueStringsAre(durationCheck),
		},
	}
}

// timeoutsType is the type of the attribute `timeouts`.
type timeoutsType struct{ types.MapType }

// Equal implements attr.Type.
func (t timeoutsType) Equal(other attr.Type) bool {
	same, ok := other.(timeoutsType)
	return ok && t.MapType.Equal(same.MapType)
}

// ValueType implements attr.Type.
func (t timeoutsType) ValueType(context.Context) attr.Value { return timeoutsValue{} }

// ValueFromMap implements basetypes.MapTypable.
func (t timeoutsType) ValueFromMap(_ context.Context, in types.Map) (basetypes.MapValuable, diag.Diagnostics) {
	return timeoutsValue{in}, nil
}

// ValueFromTerraform implements attr.Type.
func (t timeoutsType) ValueFromTerraform(ctx context.Context, in tftypes.Value) (attr.Value, error) {
	value, err := t.MapType.ValueFromTerraform(ctx, in)
	plain, _ := value.(types.Map)
	return timeoutsValue{plain}, err
}

// timeoutsValue is a value of the attribute `timeouts`.
type timeoutsValue struct{ types.Map }

// Type implements attr.Value.
func (v timeoutsValue) Type(context.Context) attr.Type {
	return timeoutsType{types.MapType{ElemType: types.StringType}}
}

// Equal implements attr.Value.
func (v timeoutsValue) Equal(other attr.Value) bool {
	same, ok := other.(timeoutsValue)
	return ok && v.Map.Equal(same.Map)
}

// Create is the time limit of creating.
func (v timeoutsValue) Create(ctx context.Context, fallback time.Duration) (time.Duration, diag.Diagnostics) {
	return v.limit(ctx, operationCreate, fallback)
}

// Read is the time limit of reading.
func (v timeoutsValue) Read(ctx context.Context, fallback time.Duration) (time.Duration, diag.Diagnostics) {
	return v.limit(ctx, operationRead, fallback)
}

// Update is the time limit of a change.
func (v timeoutsValue) Update(ctx context.Context, fallback time.Duration) (time.Duration, diag.Diagnostics) {
	return v.limit(ctx, operationUpdate, fallback)
}

// Delete is the time limit of deleting.
func (v timeoutsValue) Delete(ctx context.Context, fallback time.Duration) (time.Duration, diag.Diagnostics) {
	return v.limit(ctx, operationDelete, fallback)
}

func (v timeoutsValue) limit(_ context.Context, operation string, fallback time.Duration) (time.Duration, diag.Diagnostics) {
	text, ok := v.Elements()[operation].(types.String)
	if !ok || text.IsNull() || text.IsUnknown() {
		return fallback, nil
	}
	limit, err := time.ParseDuration(text.ValueString())
	if err != nil {
		at := path.Root("timeouts").AtMapKey(operation)
		return fallback, diag.Diagnostics{diags.InvalidValue(durationCheck.summary, at, text.ValueString(), durationCheck.find(text.ValueString()))}
	}
	return limit, nil
}
