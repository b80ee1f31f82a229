package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// planned plans a configuration of the real provider and expects the message.
func planned(t *testing.T, config, message string) {
	t.Helper()
	refuses(t, New("test"), config, message)
}

// refuses plans a configuration and expects errors with the message. It asks the provider what Terraform asks it, in the same order,
// with values made by the libraries that Terraform makes them with. What Terraform refuses by itself, the CLI is asked.
func refuses(t *testing.T, construct func() provider.Provider, config, message string) {
	t.Helper()
	server := newProtoServer(t, construct)
	blocks, ok := server.evaluate(config)
	if !ok {
		resource.UnitTest(t, resource.TestCase{
			ProtoV6ProviderFactories: served(construct),
			Steps:                    []resource.TestStep{{Config: config, PlanOnly: true, ExpectError: words(message)}},
		})
		return
	}
	if said := server.refusal(blocks); !words(message).MatchString(said) {
		t.Errorf("want %q; the provider says\n%s", message, said)
	}
}

// configBlock is a block of a configuration, evaluated.
type configBlock struct {
	kind, typeName, address string
	value                   *tfprotov6.DynamicValue
}

// evaluate evaluates a configuration of the provider, resources and data sources without references; it tells whether that is what it is.
func (s *protoServer) evaluate(config string) (blocks []configBlock, ok bool) {
	s.t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(config), "main.tf", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, false
	}
	content, diags := file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "provider", LabelNames: []string{"name"}},
		{Type: "resource", LabelNames: []string{"type", "name"}},
		{Type: "data", LabelNames: []string{"type", "name"}},
	}})
	if diags.HasErrors() {
		return nil, false
	}
	blocks = []configBlock{{kind: "provider", address: "provider", value: s.value(s.schema.Provider, nil)}}
	for _, block := range content.Blocks {
		schema, address := s.schema.Provider, "provider"
		switch block.Type {
		case "resource":
			schema, address = s.schema.ResourceSchemas[block.Labels[0]], strings.Join(block.Labels, ".")
		case "data":
			schema, address = s.schema.DataSourceSchemas[block.Labels[0]], "data."+strings.Join(block.Labels, ".")
		}
		value, ok := s.body(block.Body, schema)
		if !ok {
			return nil, false
		}
		b := configBlock{block.Type, block.Labels[0], address, value}
		if block.Type == "provider" {
			blocks[0] = b
		} else {
			blocks = append(blocks, b)
		}
	}
	return blocks, true
}

// body evaluates the attributes of a block; not ok is what Terraform refuses by itself.
func (s *protoServer) body(body hcl.Body, schema *tfprotov6.Schema) (value *tfprotov6.DynamicValue, ok bool) {
	s.t.Helper()
	given, diags := body.JustAttributes()
	if diags.HasErrors() || schema == nil {
		return nil, false
	}
	types, attributes := map[string]cty.Type{}, map[string]cty.Value{}
	for _, attribute := range schema.Block.Attributes {
		of := s.ctyType(attribute)
		in, present := given[attribute.Name]
		delete(given, attribute.Name)
		types[attribute.Name] = of.WithoutOptionalAttributesDeep()
		if !present {
			if attribute.Required {
				return nil, false
			}
			attributes[attribute.Name] = cty.NullVal(types[attribute.Name])
			continue
		}
		evaluated, diags := in.Expr.Value(nil)
		if diags.HasErrors() {
			return nil, false
		}
		converted, err := convert.Convert(evaluated, of)
		if err != nil || attribute.Required && converted.IsNull() {
			return nil, false
		}
		attributes[attribute.Name] = converted
	}
	// By the type of the schema: where it is dynamic, the value carries its own.
	packed, err := msgpack.Marshal(cty.ObjectVal(attributes), cty.Object(types))
	if err != nil {
		s.t.Fatal(err)
	}
	return &tfprotov6.DynamicValue{MsgPack: packed}, len(given) == 0
}

// ctyType is the type of an attribute, in which what is not required is optional.
func (s *protoServer) ctyType(attribute *tfprotov6.SchemaAttribute) cty.Type {
	s.t.Helper()
	if attribute.NestedType == nil {
		return s.ctyOf(attribute.Type)
	}
	types, optional := map[string]cty.Type{}, []string{}
	for _, nested := range attribute.NestedType.Attributes {
		types[nested.Name] = s.ctyType(nested)
		if !nested.Required {
			optional = append(optional, nested.Name)
		}
	}
	object := cty.ObjectWithOptionalAttrs(types, optional)
	switch attribute.NestedType.Nesting {
	case tfprotov6.SchemaObjectNestingModeList:
		return cty.List(object)
	case tfprotov6.SchemaObjectNestingModeSet:
		return cty.Set(object)
	case tfprotov6.SchemaObjectNestingModeMap:
		return cty.Map(object)
	default:
		return object
	}
}

func (s *protoServer) ctyOf(of tftypes.Type) cty.Type {
	s.t.Helper()
	text, err := of.MarshalJSON() //nolint:staticcheck // the way that the protocol itself takes
	if err != nil {
		s.t.Fatal(err)
	}
	t, err := ctyjson.UnmarshalType(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

// refusal is the text of the errors of the first stage that has any: validation, configuration, plan.
func (s *protoServer) refusal(blocks []configBlock) string {
	s.t.Helper()
	for _, stage := range []func(configBlock) ([]*tfprotov6.Diagnostic, error){s.validate, s.configure, s.plan} {
		var said strings.Builder
		for _, block := range blocks {
			found, err := stage(block)
			if err != nil {
				s.t.Fatal(err)
			}
			for _, d := range found {
				if d.Severity == tfprotov6.DiagnosticSeverityError {
					fmt.Fprintf(&said, "Error: %s\n\n  with %s\n\n%s\n\n", d.Summary, block.address, d.Detail)
				}
			}
		}
		if said.Len() > 0 {
			return said.String()
		}
	}
	return "nothing against it"
}

func (s *protoServer) validate(b configBlock) ([]*tfprotov6.Diagnostic, error) {
	switch b.kind {
	case "resource":
		resp, err := s.ValidateResourceConfig(s.t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: b.typeName, Config: b.value})
		return resp.Diagnostics, err
	case "data":
		resp, err := s.ValidateDataResourceConfig(s.t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: b.typeName, Config: b.value})
		return resp.Diagnostics, err
	default:
		resp, err := s.ValidateProviderConfig(s.t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: b.value})
		return resp.Diagnostics, err
	}
}

func (s *protoServer) configure(b configBlock) ([]*tfprotov6.Diagnostic, error) {
	if b.kind != "provider" {
		return nil, nil
	}
	resp, err := s.ConfigureProvider(s.t.Context(), &tfprotov6.ConfigureProviderRequest{Config: b.value})
	return resp.Diagnostics, err
}

func (s *protoServer) plan(b configBlock) ([]*tfprotov6.Diagnostic, error) {
	switch b.kind {
	case "resource":
		resp, err := s.PlanResourceChange(s.t.Context(), &tfprotov6.PlanResourceChangeRequest{
			TypeName: b.typeName, Config: b.value, ProposedNewState: b.value, PriorState: s.null(s.schema.ResourceSchemas[b.typeName]),
		})
		return resp.Diagnostics, err
	case "data":
		resp, err := s.ReadDataSource(s.t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: b.typeName, Config: b.value})
		return resp.Diagnostics, err
	default:
		return nil, nil
	}
}
