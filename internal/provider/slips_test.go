package provider

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// object is one that users write, somewhere in a schema.
type object struct {
	schema   string
	path     []string
	of       *tfprotov6.SchemaObject
	validate func(tftypes.Value) ([]*tfprotov6.Diagnostic, error)
	whole    tftypes.Type
}

func (o object) name() string   { return o.path[len(o.path)-1] }
func (o object) String() string { return o.schema + "." + strings.Join(o.path, ".") }

// writtenObjects are all objects that users write, in the schemas of everything that the provider has.
func writtenObjects(t *testing.T) []object {
	t.Helper()
	server := newProtoServer(t, New("test"))
	var all []object
	add := func(name string, schema *tfprotov6.Schema, validate func(context.Context, *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error)) {
		call := func(value tftypes.Value) ([]*tfprotov6.Diagnostic, error) {
			return validate(t.Context(), server.dynamic(schema.ValueType(), value))
		}
		all = append(all, objectsIn(object{schema: name, validate: call, whole: schema.ValueType()}, schema.Block.Attributes)...)
	}
	add("provider", server.schema.Provider, func(ctx context.Context, config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error) {
		resp, err := server.ValidateProviderConfig(ctx, &tfprotov6.ValidateProviderConfigRequest{Config: config})
		return resp.Diagnostics, err
	})
	for name, schema := range server.schema.ResourceSchemas {
		add(name, schema, func(ctx context.Context, config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error) {
			resp, err := server.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: config})
			return resp.Diagnostics, err
		})
	}
	for name, schema := range server.schema.DataSourceSchemas {
		add("data."+name, schema, func(ctx context.Context, config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error) {
			resp, err := server.ValidateDataResourceConfig(ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: config})
			return resp.Diagnostics, err
		})
	}
	for name, schema := range server.schema.EphemeralResourceSchemas {
		add("ephemeral."+name, schema, func(ctx context.Context, config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error) {
			resp, err := server.ValidateEphemeralResourceConfig(ctx, &tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: name, Config: config})
			return resp.Diagnostics, err
		})
	}
	return all
}

func objectsIn(in object, attributes []*tfprotov6.SchemaAttribute) []object {
	var all []object
	for _, attribute := range attributes {
		if attribute.NestedType == nil || !attribute.Optional && !attribute.Required {
			continue
		}
		o := in
		o.path, o.of = append(slices.Clone(in.path), attribute.Name), attribute.NestedType
		all = append(all, o)
		all = append(all, objectsIn(o, attribute.NestedType.Attributes)...)
	}
	return all
}

// diagnose validates a configuration in which nothing is set but this object, with these attributes.
func (o object) diagnose(t *testing.T, attributes map[string]tftypes.Value) []*tfprotov6.Diagnostic {
	t.Helper()
	diagnostics, err := o.validate(within(o.whole, o.path, attributes))
	if err != nil {
		t.Fatalf("%s: %v", o, err)
	}
	return diagnostics
}

// within is a value of that type in which nothing is set but the attributes of the object at that path.
func within(of tftypes.Type, path []string, attributes map[string]tftypes.Value) tftypes.Value {
	if list, ok := of.(tftypes.List); ok {
		return tftypes.NewValue(of, []tftypes.Value{within(list.ElementType, path, attributes)})
	}
	if set, ok := of.(tftypes.Set); ok {
		return tftypes.NewValue(of, []tftypes.Value{within(set.ElementType, path, attributes)})
	}
	object, _ := of.(tftypes.Object)
	values := map[string]tftypes.Value{}
	for name, each := range object.AttributeTypes {
		values[name] = tftypes.NewValue(each, nil)
		switch value, given := attributes[name]; {
		case len(path) > 0 && path[0] == name:
			values[name] = within(each, path[1:], attributes)
		case len(path) == 0 && given:
			values[name] = value
		}
	}
	return tftypes.NewValue(of, values)
}

// sample is some value of that type.
func sample(of tftypes.Type) tftypes.Value {
	switch of := of.(type) {
	case tftypes.Set:
		return tftypes.NewValue(of, []tftypes.Value{sample(of.ElementType)})
	default:
		return tftypes.NewValue(tftypes.String, "hunter2")
	}
}

func titled(diagnostics []*tfprotov6.Diagnostic, title string) (found []*tfprotov6.Diagnostic) {
	for _, d := range diagnostics {
		if d.Summary == title {
			found = append(found, d)
		}
	}
	return found
}

// Every object that users write knows its likely slips, and each is one error that says what to write, whatever is written there.
func TestSlips_everyObject(t *testing.T) {
	t.Parallel()
	objects := writtenObjects(t)
	if len(objects) < 14 {
		t.Errorf("only %v were found", objects)
	}
	for _, o := range objects {
		slips := 0
		for _, attribute := range o.of.Attributes {
			if !strings.HasPrefix(attribute.Description, slipMark) {
				continue
			}
			slips++
			for _, value := range []tftypes.Value{sample(attribute.Type), tftypes.NewValue(attribute.Type, tftypes.UnknownValue)} {
				diagnostics := o.diagnose(t, map[string]tftypes.Value{attribute.Name: value})
				errs := titled(diagnostics, "Unknown Attribute")
				if len(errs) != 1 || !strings.Contains(errs[0].Detail, strings.TrimPrefix(attribute.Description, slipMark)) ||
					!strings.HasSuffix(errs[0].Attribute.String(), `AttributeName("`+attribute.Name+`")`) {
					t.Errorf("%s.%s: %v", o, attribute.Name, diagnostics)
					continue
				}
				if len(titled(diagnostics, "Attribute Deprecated")) > 0 || strings.Contains(errs[0].Detail, "hunter2") {
					t.Errorf("%s.%s: %v", o, attribute.Name, diagnostics)
				}
			}
			if !attribute.Deprecated {
				t.Errorf("%s.%s would be in a generated configuration", o, attribute.Name)
			}
		}
		if len(slipsOf[o.name()]) == 0 || slips <= len(slipsOf[o.name()]) {
			t.Errorf("%s: %d slips; add the likely ones to slipsOf", o, slips)
		}
	}
}

// An object that sets nothing is an error, unless it has to set something anyway or that means something.
func TestSlips_emptyObject(t *testing.T) {
	t.Parallel()
	for _, o := range writtenObjects(t) {
		wantError := !meaningfulWhenEmpty[o.name()]
		for _, attribute := range o.of.Attributes {
			wantError = wantError && !attribute.Required
		}
		errs := titled(o.diagnose(t, nil), "Empty Object")
		if (len(errs) == 1) != wantError {
			t.Errorf("%s = {}: %v, want an error: %v", o, errs, wantError)
		}
		if wantError && strings.Contains(errs[0].Detail, "Not an attribute") {
			t.Errorf("%s: %s", o, errs[0].Detail)
		}
	}
}

// What users tried, as they wrote it.
func TestSlips_messages(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, o := range writtenObjects(t) {
		for name, advice := range map[string]string{
			"embedded_registry.repository_prefx": "Write repository_prefix instead.",
			"existing.pull_secret":               "Write image_pull_secret instead.",
			"aws.regions":                        "Write region instead.",
			"aws.access_key":                     "AWS_ACCESS_KEY_ID",
			"primehub.token":                     "Write api_token instead.",
			"http.retries":                       "Write max_retries instead.",
			"lifecycle_rules.tag_prefix_list":    "Write tag_prefixes instead.",
			"encryption.kms_key_id":              "Write kms_key instead.",
		} {
			in, slip, _ := strings.Cut(name, ".")
			i := slices.IndexFunc(o.of.Attributes, func(a *tfprotov6.SchemaAttribute) bool { return a.Name == slip })
			if in != o.name() || i < 0 {
				continue
			}
			found[name] = true
			errs := titled(o.diagnose(t, map[string]tftypes.Value{slip: sample(o.of.Attributes[i].Type)}), "Unknown Attribute")
			if len(errs) != 1 || !strings.Contains(errs[0].Detail, advice) {
				t.Errorf("%s: %v", name, errs)
			}
		}
	}
	if len(found) != 8 {
		t.Errorf("only these were found: %v", found)
	}
}

// A map refuses every key that means nothing, and says which one is meant where that is clear.
func TestKeysCheck(t *testing.T) {
	t.Parallel()
	server := newProtoServer(t, New("test"))
	for key, advice := range map[string]string{
		"create": "", "created": "Write create instead.", "Create": "Write create instead.", "minutes": `create = "90m"`, "creates": "Write create instead.",
		"destroy": "Write delete instead.", "whatever": "Write create, read, update or delete.",
	} {
		for name, schema := range server.schema.ResourceSchemas {
			config := server.value(schema, map[string]tftypes.Value{"timeouts": tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, map[string]tftypes.Value{key: tftypes.NewValue(tftypes.String, "90m")})})
			resp, err := server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: config})
			if err != nil {
				t.Fatal(err)
			}
			errs := titled(resp.Diagnostics, "Unknown Key")
			if (len(errs) > 0) != (advice != "") || advice != "" && !strings.Contains(errs[0].Detail, advice) {
				t.Errorf("%s: timeouts.%s: %v, want %q", name, key, errs, advice)
			}
		}
	}
}

// Decoding leaves slips out, and a resource's object has them as null.
func TestSlipped(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	plain, d := types.ObjectValueFrom(ctx, existingType.AttrTypes, existingModel{URL: types.StringValue("a:1"), URLForGPU: types.StringValue(""), PullSecret: types.StringValue("")})
	if d.HasError() {
		t.Fatal(d)
	}
	whole := slipped(ctx, "existing", plain)
	if model, ok := asModel[existingModel](ctx, whole); !ok || model.URL.ValueString() != "a:1" {
		t.Errorf("%v, %v", model, ok)
	}
	if value, found := whole.Attributes()["pull_secret"]; !found || !value.IsNull() || whole.Attributes()["url"].IsNull() {
		t.Errorf("%v", whole)
	}
	if again := slipped(ctx, "existing", types.ObjectNull(existingType.AttrTypes)); !again.IsNull() || !again.Type(ctx).Equal(whole.Type(ctx)) {
		t.Errorf("%v is not a null %v", again, whole.Type(ctx))
	}
}
