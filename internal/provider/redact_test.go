package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// canary stands for a secret. Messages may show neither it nor a part of it.
const canary = "S3CRETcanary"

// addresses have a secret wherever an address takes one.
var addresses = []string{
	"https://host.test/" + canary + "/acme/simple/",
	"https://files.host.test/pkg-1-py3-none-any.whl?X-Amz-Signature=" + canary,
	"https://user:" + canary + "@host.test/simple",
	"https://" + canary + "@host.test",
	"HTTPS://host.test/x#" + canary,
	"git+https://" + canary + "@git.host.test/acme/pkg.git@v1",
	"git+ssh://git@git.host.test/" + canary + ".git",
	"//user:" + canary + "@host.test/x",
	`https:\\host.test\` + canary,
	"https://${TOKEN}:" + canary + "@host.test/simple",
	"https://host.test/a b/" + canary,
	"https://host.test/%2F" + canary + "%zz",
	"user:" + canary + "@host.test/ml/model",
	"https://ho st/" + canary,
}

// withLeaf yields an object of the type for each text that it can hold: that text is given, and everything else is null.
func withLeaf(of tftypes.Type, text string) []tftypes.Value {
	var values []tftypes.Value
	switch of := of.(type) {
	case tftypes.Object:
		for name, attribute := range of.AttributeTypes {
			for _, leaf := range withLeaf(attribute, text) {
				attributes := map[string]tftypes.Value{}
				for other, otherType := range of.AttributeTypes {
					attributes[other] = tftypes.NewValue(otherType, nil)
				}
				attributes[name] = leaf
				values = append(values, tftypes.NewValue(of, attributes))
			}
		}
	case tftypes.List:
		values = elements(of, of.ElementType, text)
	case tftypes.Set:
		values = elements(of, of.ElementType, text)
	case tftypes.Map:
		for _, leaf := range withLeaf(of.ElementType, text) {
			values = append(values, tftypes.NewValue(of, map[string]tftypes.Value{"3.11": leaf}), tftypes.NewValue(of, map[string]tftypes.Value{text: leaf}))
		}
	default:
		if of.Is(tftypes.String) {
			return []tftypes.Value{tftypes.NewValue(of, text)}
		}
	}
	return values
}

func elements(of, element tftypes.Type, text string) []tftypes.Value {
	var values []tftypes.Value
	for _, leaf := range withLeaf(element, text) {
		values = append(values, tftypes.NewValue(of, []tftypes.Value{leaf}))
	}
	return values
}

// hides fails for a secret in what a user sees.
func (s *protoServer) hides(where, said string) {
	s.t.Helper()
	for at := 0; at+6 <= len(canary); at++ {
		if strings.Contains(said, canary[at:at+6]) {
			s.t.Errorf("%s shows the secret: %s", where, said)
			return
		}
	}
}

func (s *protoServer) hidesAll(where string, diagnostics []*tfprotov6.Diagnostic, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range diagnostics {
		s.hides(where, d.Summary+"\n"+d.Detail)
		for _, step := range d.Attribute.Steps() {
			if value, ok := step.(tftypes.ElementKeyValue); ok { // The path of what is in a set holds it, and goes to the log.
				s.hides("the path in "+where, tftypes.Value(value).String())
			}
		}
	}
}

// TestRedact_validation puts addresses into each text of each schema: what is refused is told without what is secret.
func TestRedact_validation(t *testing.T) {
	t.Parallel()
	s := newProtoServer(t, New("test"))
	type validate func(name string, config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error)
	ofProvider := func(_ string, config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error) {
		resp, err := s.ValidateProviderConfig(t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: config})
		return resp.Diagnostics, err
	}
	ofResource := func(name string, config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error) {
		resp, err := s.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: config})
		return resp.Diagnostics, err
	}
	ofDataSource := func(name string, config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error) {
		resp, err := s.ValidateDataResourceConfig(t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: config})
		return resp.Diagnostics, err
	}
	told := map[string]bool{} // by the title: an address was shown in part
	check := func(name string, schema *tfprotov6.Schema, validate validate) {
		for _, address := range addresses[:4] {
			for _, value := range withLeaf(schema.ValueType(), address) {
				diagnostics, err := validate(name, s.dynamic(schema.ValueType(), value))
				s.hidesAll(name, diagnostics, err)
				for _, d := range diagnostics {
					told[d.Summary] = told[d.Summary] || strings.Contains(d.Detail, "host.test/***")
				}
			}
		}
	}
	check("the provider", s.schema.Provider, ofProvider)
	for name, schema := range s.schema.ResourceSchemas {
		check(name, schema, ofResource)
	}
	for name, schema := range s.schema.DataSourceSchemas {
		check(name, schema, ofDataSource)
	}
	for _, title := range []string{"Invalid Pip Requirement", "Invalid Package Requirement", "Invalid PrimeHub Package Entry", "Invalid Image Reference", "Invalid Attribute Value Match"} {
		if !told[title] {
			t.Errorf("no refusal titled %q showed a host: %v", title, told)
		}
	}
}

// TestRedact_functions calls each function with each address in its texts.
func TestRedact_functions(t *testing.T) {
	t.Parallel()
	s := newProtoServer(t, New("test"))
	refusals := 0
	for name, function := range s.schema.Functions {
		for _, address := range addresses {
			for _, text := range []string{address, "pkg @ " + address, "--extra-index-url " + address, "-e " + address + "#egg=x", "numpy\n-i " + address + " ; x"} {
				arguments := make([]*tfprotov6.DynamicValue, 0, len(function.Parameters))
				for _, p := range function.Parameters {
					arguments = append(arguments, s.dynamic(p.Type, tftypes.NewValue(p.Type, text)))
				}
				resp, err := s.CallFunction(t.Context(), &tfprotov6.CallFunctionRequest{Name: name, Arguments: arguments})
				if err != nil {
					t.Fatal(err)
				}
				if resp.Error != nil {
					refusals++
					s.hides(fmt.Sprintf("%s(%q)", name, text), resp.Error.Text)
				}
			}
		}
	}
	if refusals < 100 {
		t.Errorf("only %d calls were refused", refusals)
	}
}

// TestRedact_environment gives each address in each variable that stands in for an attribute.
func TestRedact_environment(t *testing.T) {
	s := newProtoServer(t, New("test"))
	for _, variable := range []string{envEndpoint, envURL, envRepositoryPrefix, envBuildkitAddress, "PRIMEHUB_API_ENDPOINT", "PRIMEHUB_API_TOKEN", "PRIMEHUB_GROUP"} {
		t.Run(variable, func(t *testing.T) {
			for _, address := range addresses {
				t.Setenv(variable, address)
				if slices.Contains([]string{envRepositoryPrefix, envBuildkitAddress}, variable) {
					t.Setenv(envURL, "registry.test")
				}
				resp, err := s.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: s.value(s.schema.Provider, nil)})
				if err != nil {
					t.Fatal(err)
				}
				s.hidesAll(variable, resp.Diagnostics, nil)
			}
		})
	}
}
