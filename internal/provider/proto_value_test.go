package provider

import (
	"math/big"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// unknown stands for a value that is not known yet.
type unknown struct{}

// terraformValue is a value of that type: maps are objects and maps, slices lists and sets, what is left out of an object is null.
func terraformValue(t *testing.T, of tftypes.Type, v any) tftypes.Value {
	t.Helper()
	if _, ok := v.(unknown); ok {
		return tftypes.NewValue(of, tftypes.UnknownValue)
	}
	switch v := v.(type) {
	case nil:
		return tftypes.NewValue(of, nil)
	case int:
		return tftypes.NewValue(of, big.NewFloat(float64(v)))
	case map[string]any:
		values := map[string]tftypes.Value{}
		if object, ok := of.(tftypes.Object); ok {
			for name, attribute := range object.AttributeTypes {
				values[name] = terraformValue(t, attribute, v[name])
			}
			return tftypes.NewValue(of, values)
		}
		element, ok := of.(tftypes.Map)
		if !ok {
			t.Fatalf("%v is no %s", v, of)
		}
		for name, one := range v {
			values[name] = terraformValue(t, element.ElementType, one)
		}
		return tftypes.NewValue(of, values)
	case []any:
		var values []tftypes.Value
		for _, one := range v {
			values = append(values, terraformValue(t, elementOf(t, of), one))
		}
		return tftypes.NewValue(of, values)
	default:
		return tftypes.NewValue(of, v)
	}
}

func elementOf(t *testing.T, of tftypes.Type) tftypes.Type {
	t.Helper()
	switch of := of.(type) {
	case tftypes.List:
		return of.ElementType
	case tftypes.Set:
		return of.ElementType
	}
	t.Fatalf("%s has no elements", of)
	return nil
}
