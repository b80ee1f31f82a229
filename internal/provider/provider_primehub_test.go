package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	client "github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

func TestPrimeHub_notConfigured(t *testing.T) {
	t.Parallel()
	planOnly := func(config, message string) {
		resource.UnitTest(t, resource.TestCase{
			ProtoV6ProviderFactories: asConfigured(),
			Steps:                    []resource.TestStep{{Config: config, ExpectError: words(message)}},
		})
	}
	planOnly(teamImage, "No PrimeHub Platform Configured § PRIMEHUB_API_ENDPOINT and PRIMEHUB_API_TOKEN")
	planOnly("provider \"rime\" {\nprimehub = { endpoint = \"primehub.test\" }\n}\n"+teamImage, "Missing Provider Configuration § primehub.api_token has no value. Set it, or the environment variable PRIMEHUB_API_TOKEN.")
	planOnly("provider \"rime\" {\nprimehub = { endpoint = \"ftp://ada:hunter2@primehub.test\" }\n}\n"+teamImage, `Invalid PrimeHub Address § primehub.endpoint has the scheme "ftp"`)
	planOnly("provider \"rime\" {\nprimehub = { endpoint = \"primehub.test\", api_token = \"a b\" }\n}\n"+teamImage, "PrimeHub Configuration Cannot Be Used § api_token: holds characters that no token has")
}

// hubConfig is a provider's configuration with that object as `primehub`.
func hubConfig(t *testing.T, p provider.Provider, settings map[string]string) tfsdk.Config {
	t.Helper()
	var schema provider.SchemaResponse
	p.Schema(t.Context(), provider.SchemaRequest{}, &schema)
	of, ok := schema.Schema.Type().TerraformType(t.Context()).(tftypes.Object)
	if !ok {
		t.Fatal("the schema is no object")
	}
	values := map[string]tftypes.Value{}
	for name, attribute := range of.AttributeTypes {
		values[name] = tftypes.NewValue(attribute, nil)
	}
	if settings != nil {
		object, ok := of.AttributeTypes["primehub"].(tftypes.Object)
		if !ok {
			t.Fatal("primehub is no object")
		}
		inner := map[string]tftypes.Value{}
		for name := range object.AttributeTypes {
			inner[name] = tftypes.NewValue(tftypes.String, nil)
			if value, given := settings[name]; given {
				inner[name] = tftypes.NewValue(tftypes.String, value)
			}
		}
		values["primehub"] = tftypes.NewValue(object, inner)
	}
	return tfsdk.Config{Schema: schema.Schema, Raw: tftypes.NewValue(of, values)}
}

// What is configured has precedence over the environment, and that over the file of PrimeHub's SDK. Not in parallel: the environment is the process's.
func TestPrimeHub_precedence(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	file := `{"endpoint":"https://file.test/api/graphql","api-token":"file-token","group":{"id":"1","name":"file-group","displayName":"File"}}`
	for name, test := range map[string]struct {
		file       string
		env        map[string]string
		configured map[string]string
		want       client.Settings
		fileFails  bool
	}{
		"nothing":            {},
		"file":               {file: file, want: client.Settings{Endpoint: "https://file.test/api/graphql", APIToken: "file-token", Group: "file-group"}},
		"environment":        {file: file, env: map[string]string{client.EnvAPIToken: "env-token", client.EnvGroup: " "}, want: client.Settings{Endpoint: "https://file.test/api/graphql", APIToken: "env-token", Group: "file-group"}},
		"configuration":      {file: file, env: map[string]string{client.EnvAPIToken: "env-token", client.EnvGroup: "env-group"}, configured: map[string]string{"api_token": "token"}, want: client.Settings{Endpoint: "https://file.test/api/graphql", APIToken: "token", Group: "env-group"}},
		"broken file":        {file: "{", fileFails: true},
		"broken file unused": {file: "{", configured: map[string]string{"endpoint": "primehub.test", "api_token": "token", "group": "a"}, want: client.Settings{Endpoint: "primehub.test", APIToken: "token", Group: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			location := filepath.Join(home, filepath.FromSlash(client.SettingsFile))
			if err := os.RemoveAll(filepath.Dir(location)); err != nil {
				t.Fatal(err)
			}
			if test.file != "" {
				if err := os.MkdirAll(filepath.Dir(location), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(location, []byte(test.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, variable := range []string{client.EnvEndpoint, client.EnvAPIToken, client.EnvGroup} {
				t.Setenv(variable, test.env[variable])
			}
			config := hubConfig(t, New("test")(), test.configured)
			settings, d, fileErr := readPrimeHub(t.Context(), withoutSlips(t.Context(), config))
			if d.HasError() || (fileErr != nil) != test.fileFails {
				t.Fatalf("%v, %v", d, fileErr)
			}
			if !test.fileFails && settings != test.want {
				t.Errorf("got %+v, want %+v", settings, test.want)
			}
		})
	}
}

// Where the platform is may not be known yet at plan: what other worlds need is known all the same, and what needs the platform is put off.
func TestPrimeHub_unknownConfig(t *testing.T) {
	t.Parallel()
	server := startHub(t, primehub.Options{})
	config := `
resource "terraform_data" "hub" {
  input = "` + server.URL + `"
}
provider "rime" {
  primehub = {
    endpoint  = terraform_data.hub.output
    api_token = "` + primehub.TokenResearcher + `"
    group     = "research"
  }
  embedded_registry = { url = "registry.test" }
}
` + strings.Replace(teamImage, `group        = "data-science"`, "", 1)
	applyOnHub(t, server, resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{
		statecheck.ExpectKnownValue(groupImageAddress, tfjsonpath.New("group"), text("research")),
	}})
}

// sameValue tells whether an encoded value is that value.
func sameValue(t *testing.T, of tftypes.Type, got tftypes.Value, encoded *tfprotov6.DynamicValue) bool {
	t.Helper()
	want, err := encoded.Unmarshal(of)
	return err == nil && got.Equal(want)
}
