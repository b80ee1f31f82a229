package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// The identity of an image is the endpoint of its platform and its name. An import takes both or the name alone, and no image of another platform.
func TestProtoGroupImage_importByIdentity(t *testing.T) {
	t.Parallel()
	hub := startHub(t, primehub.Options{})
	if err := addByHand(hub); err != nil {
		t.Fatal(err)
	}
	server := newProtoServer(t, New("test"))
	settings := hubConfig(t, New("test")(), map[string]string{"endpoint": hub.URL, "api_token": primehub.TokenAdmin})
	configured, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: server.dynamic(server.schema.Provider.ValueType(), settings.Raw)})
	server.expectNone(configured.Diagnostics, err)

	object := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"endpoint": tftypes.String, "name": tftypes.String}}
	identity := func(endpoint any) *tfprotov6.ResourceIdentityData {
		return &tfprotov6.ResourceIdentityData{IdentityData: server.dynamic(object, tftypes.NewValue(object, map[string]tftypes.Value{
			"endpoint": tftypes.NewValue(tftypes.String, endpoint), "name": tftypes.NewValue(tftypes.String, "r-4"),
		}))}
	}
	whole := identity(hub.Endpoint())
	var one *tfprotov6.ImportedResource
	for form, request := range map[string]*tfprotov6.ImportResourceStateRequest{
		"name": {ID: "r-4"}, "endpoint and name": {ID: hub.URL + "/r-4"}, "identity": {Identity: whole}, "identity without endpoint": {Identity: identity(nil)},
	} {
		request.TypeName = "rime_group_image"
		imported, err := server.ImportResourceState(t.Context(), request)
		server.expectNone(imported.Diagnostics, err)
		one = imported.ImportedResources[0]
		if got, err := one.Identity.IdentityData.Unmarshal(object); err != nil || !sameValue(t, object, got, whole.IdentityData) {
			t.Errorf("%s: the identity is %v, %v", form, got, err)
		}
	}
	read, err := server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: "rime_group_image", CurrentState: one.State, CurrentIdentity: one.Identity, Private: one.Private,
	})
	server.expectNone(read.Diagnostics, err)
	schema := server.schema.ResourceSchemas["rime_group_image"]
	if url := server.attribute(schema, read.NewState, "url"); url != "elsewhere:1" {
		t.Errorf("the address is %q", url)
	}
	if err := hub.Remove("r-4"); err != nil {
		t.Fatal(err)
	}
	gone, err := server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: "rime_group_image", CurrentState: read.NewState, CurrentIdentity: read.NewIdentity, Private: read.Private,
	})
	server.expectNone(gone.Diagnostics, err)
	if value, err := gone.NewState.Unmarshal(schema.ValueType()); err != nil || !value.IsNull() {
		t.Errorf("an image that is gone stays in the state: %v, %v", value, err)
	}
	elsewhere, err := server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: "rime_group_image", Identity: identity("https://other.test")})
	if err != nil || len(elsewhere.Diagnostics) != 1 || elsewhere.Diagnostics[0].Summary != "Other PrimeHub Platform" {
		t.Errorf("an import from elsewhere: %v, %v", elsewhere, err)
	}
	refused, err := server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: "rime_group_image", ID: "R 4"})
	if err != nil || len(refused.Diagnostics) != 1 || refused.Diagnostics[0].Summary != groupImageNameCheck.summary || !refused.Diagnostics[0].Attribute.Equal(tftypes.NewAttributePath().WithAttributeName("name")) {
		t.Errorf("an import by display name: %v, %v, at %v", refused, err, path.Root("name"))
	}
}
