package provider

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	pschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// Inside { }, Terraform drops names that the schema does not have, before it asks the provider: a misspelt name would
// be lost without a word. So the likeliest slips are attributes, which only say what to write instead, and an object
// that sets nothing is an error.

// slipMark begins the description of a slip; the documentation leaves out what begins with it.
const slipMark = "Not an attribute. "

// slip is one wrong name.
type slip struct {
	// target is the attribute that is meant, empty if it is none of the same object.
	target string
	advice string
}

// slipsAmong are the slips of an object with attributes of these types, by the wrong name: those of [slipsOf], and
// every attribute in the singular or plural. There are none in another case, as Terraform has no attributes with capital letters.
func slipsAmong(object string, attributes map[string]attr.Type) map[string]slip {
	all := map[string]slip{}
	add := func(name, target, advice string) {
		if _, taken := attributes[name]; !taken && name != "" {
			all[name] = slip{target, advice}
		}
	}
	for target, of := range attributes {
		add(otherNumber(target, of), target, "Write "+target+" instead.")
	}
	for names, instead := range slipsOf[object] {
		for name := range strings.FieldsSeq(names) {
			if _, ok := attributes[instead]; ok {
				add(name, instead, "Write "+instead+" instead.")
				continue
			}
			add(name, "", instead)
		}
	}
	return all
}

// otherNumber is the plural of an attribute that is a text, or the singular of one that holds several; else empty.
func otherNumber(name string, of attr.Type) string {
	several := !of.Equal(types.StringType) && !of.Equal(types.BoolType)
	stem, isPlural := strings.CutSuffix(name, "s")
	switch {
	case several && strings.HasSuffix(name, "xes"):
		return strings.TrimSuffix(name, "es")
	case several && strings.HasSuffix(name, "ies"):
		return strings.TrimSuffix(name, "ies") + "y"
	case several && isPlural:
		return stem
	case !of.Equal(types.StringType):
		return ""
	case isPlural, strings.HasSuffix(name, "x"):
		return name + "es"
	case strings.HasSuffix(name, "y"):
		return strings.TrimSuffix(name, "y") + "ies"
	default:
		return name + "s"
	}
}

// guardObjects guards the objects that users write among these attributes of a resource.
func guardObjects(attributes map[string]schema.Attribute) map[string]schema.Attribute {
	for name, attribute := range attributes {
		object, ok := attribute.(schema.SingleNestedAttribute)
		if !ok || !object.Optional || object.Computed {
			continue
		}
		object.Validators = append(object.Validators, newObjectCheck(name, object.Attributes))
		object.Attributes = withSlips(name, guardObjects(object.Attributes))
		attributes[name] = object
	}
	return attributes
}

// guardProviderObjects does the same for attributes of the provider.
func guardProviderObjects(attributes map[string]pschema.Attribute) map[string]pschema.Attribute {
	for name, attribute := range attributes {
		object, ok := attribute.(pschema.SingleNestedAttribute)
		if !ok {
			continue
		}
		object.Validators = append(object.Validators, newObjectCheck(name, object.Attributes))
		object.Attributes = withSlips(name, guardProviderObjects(object.Attributes))
		attributes[name] = object
	}
	return attributes
}

// withSlips adds the slips of an object to its attributes.
func withSlips[A schema.Attribute](object string, attributes map[string]A) map[string]A {
	guarded := maps.Clone(attributes)
	for name, s := range slipsAmong(object, typesOf(attributes)) {
		var attribute schema.Attribute = schema.DynamicAttribute{
			Optional: true, CustomType: slipType{}, MarkdownDescription: slipMark + s.advice,
			// Terraform leaves deprecated attributes out of a configuration that it generates.
			DeprecationMessage: s.advice,
			Validators:         []validator.Dynamic{slipCheck{s.advice}},
		}
		guarded[name], _ = attribute.(A) // the interfaces of all kinds of schemas have the same methods
	}
	return guarded
}

// withElementSlips adds the slips of a list's elements to their attributes. In a list, no attribute can be dynamic.
func withElementSlips(list string, attributes map[string]schema.Attribute) map[string]schema.Attribute {
	guarded := maps.Clone(attributes)
	for name, s := range slipsAmong(list, typesOf(attributes)) {
		if set, ok := attributes[s.target].(schema.SetAttribute); ok {
			guarded[name] = schema.SetAttribute{
				Optional: true, CustomType: slipSetType{types.SetType{ElemType: set.ElementType}},
				MarkdownDescription: slipMark + s.advice, DeprecationMessage: s.advice,
				Validators: []validator.Set{slipCheck{s.advice}},
			}
			continue
		}
		guarded[name] = schema.StringAttribute{
			Optional: true, CustomType: slipTextType{},
			MarkdownDescription: slipMark + s.advice, DeprecationMessage: s.advice,
			Validators: []validator.String{slipCheck{s.advice}},
		}
	}
	return guarded
}

func typesOf[A schema.Attribute](attributes map[string]A) map[string]attr.Type {
	all := make(map[string]attr.Type, len(attributes))
	for name, attribute := range attributes {
		all[name] = attribute.GetType()
	}
	return all
}

// objectCheck refuses an object that sets nothing.
type objectCheck struct {
	// names are the attributes that can be set, sorted.
	names []string
	// emptyWillDo tells that an empty object is a way to say yes, or that Terraform refuses one itself.
	emptyWillDo bool
}

var _ validator.Object = objectCheck{}

func newObjectCheck[A schema.Attribute](name string, attributes map[string]A) objectCheck {
	check := objectCheck{names: slices.Sorted(maps.Keys(attributes)), emptyWillDo: meaningfulWhenEmpty[name]}
	for _, attribute := range attributes {
		check.emptyWillDo = check.emptyWillDo || attribute.IsRequired()
	}
	return check
}

// Description implements validator.Describer.
func (c objectCheck) Description(context.Context) string { return "must set something" }

// MarkdownDescription implements validator.Describer.
func (c objectCheck) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateObject implements validator.Object.
func (c objectCheck) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if c.emptyWillDo || req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	for _, value := range req.ConfigValue.Attributes() {
		if !value.IsNull() {
			return
		}
	}
	resp.Diagnostics.Append(diags.EmptyObject(req.Path, c.names))
}

// keysCheck refuses a key of a map that means nothing. A map needs no slips: Terraform drops none of its keys.
type keysCheck struct {
	object string
	keys   []string
}

var _ validator.Map = keysCheck{}

// Description implements validator.Describer.
func (c keysCheck) Description(context.Context) string {
	return "must have keys among " + strings.Join(c.keys, ", ")
}

// MarkdownDescription implements validator.Describer.
func (c keysCheck) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateMap implements validator.Map.
func (c keysCheck) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	known := make(map[string]attr.Type, len(c.keys))
	for _, key := range c.keys {
		known[key] = types.StringType
	}
	slips := slipsAmong(c.object, known)
	empty := true
	for key, value := range req.ConfigValue.Elements() {
		empty = empty && value.IsNull()
		if _, ok := known[key]; ok {
			continue
		}
		advice := "Write " + strings.Join(c.keys[:len(c.keys)-1], ", ") + " or " + c.keys[len(c.keys)-1] + "."
		if s, ok := slips[strings.ToLower(key)]; ok {
			advice = s.advice
		}
		if _, ok := known[strings.ToLower(key)]; ok {
			advice = "Write " + strings.ToLower(key) + " instead."
		}
		resp.Diagnostics.Append(diags.UnknownKey(req.Path, key, advice))
	}
	if empty {
		resp.Diagnostics.Append(diags.EmptyObject(req.Path, c.keys))
	}
}
