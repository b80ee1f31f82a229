package provider

import (
	"context"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// protoServer drives the provider over the plugin protocol, as a CLI would that is newer than the one at hand.
type protoServer struct {
	t *testing.T
	tfprotov6.ProviderServer
	schema *tfprotov6.GetProviderSchemaResponse
}

// theSchema is the same for every provider, and takes longer than all the rest of many a test.
var theSchema = sync.OnceValues(func() (*tfprotov6.GetProviderSchemaResponse, error) {
	server, err := providerserver.NewProtocol6WithError(New("test")())()
	if err != nil {
		return nil, err
	}
	return server.GetProviderSchema(context.Background(), &tfprotov6.GetProviderSchemaRequest{})
})

func newProtoServer(t *testing.T, construct func() provider.Provider) *protoServer {
	t.Helper()
	server, err := providerserver.NewProtocol6WithError(construct())()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := theSchema()
	if err != nil {
		t.Fatal(err)
	}
	return &protoServer{t, server, schema}
}

// value is an object of that schema with these attributes; the others are null.
func (s *protoServer) value(schema *tfprotov6.Schema, attributes map[string]tftypes.Value) *tfprotov6.DynamicValue {
	s.t.Helper()
	object, ok := schema.ValueType().(tftypes.Object)
	if !ok {
		s.t.Fatalf("the schema's type is %T", schema.ValueType())
	}
	values := map[string]tftypes.Value{}
	for name, attribute := range object.AttributeTypes {
		values[name] = tftypes.NewValue(attribute, nil)
		if value, given := attributes[name]; given {
			values[name] = value
		}
	}
	return s.dynamic(object, tftypes.NewValue(object, values))
}

func (s *protoServer) dynamic(of tftypes.Type, value tftypes.Value) *tfprotov6.DynamicValue {
	s.t.Helper()
	dynamic, err := tfprotov6.NewDynamicValue(of, value)
	if err != nil {
		s.t.Fatal(err)
	}
	return &dynamic
}

// null is no object of that schema: a resource that does not exist.
func (s *protoServer) null(schema *tfprotov6.Schema) *tfprotov6.DynamicValue {
	return s.dynamic(schema.ValueType(), tftypes.NewValue(schema.ValueType(), nil))
}

// attribute is a text attribute of an object, empty for null.
func (s *protoServer) attribute(schema *tfprotov6.Schema, object *tfprotov6.DynamicValue, name string) string {
	s.t.Helper()
	value, err := object.Unmarshal(schema.ValueType())
	if err != nil {
		s.t.Fatal(err)
	}
	var attributes map[string]tftypes.Value
	if err := value.As(&attributes); err != nil {
		s.t.Fatal(err)
	}
	var text *string
	if err := attributes[name].As(&text); err != nil {
		s.t.Fatal(err)
	}
	if text == nil {
		return ""
	}
	return *text
}

// expectNone fails the test for any diagnostic.
func (s *protoServer) expectNone(diagnostics []*tfprotov6.Diagnostic, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range diagnostics {
		s.t.Fatalf("%s: %s\n%s", d.Severity, d.Summary, d.Detail)
	}
}

// configureDirectly calls Configure without the framework around it, which would hide the response.
func configureDirectly(ctx context.Context, p provider.Provider) *provider.ConfigureResponse {
	var schema provider.SchemaResponse
	p.Schema(ctx, provider.SchemaRequest{}, &schema)
	var resp provider.ConfigureResponse
	p.Configure(ctx, provider.ConfigureRequest{Config: tfsdk.Config{
		Schema: schema.Schema, Raw: tftypes.NewValue(schema.Schema.Type().TerraformType(ctx), nil),
	}}, &resp)
	return &resp
}
