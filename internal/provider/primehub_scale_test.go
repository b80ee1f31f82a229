package provider

import (
	"fmt"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

const groupImageType = "rime_group_image"

// onHubServer is the provider over the plugin protocol, configured for that platform.
func onHubServer(t *testing.T, hub *primehub.Server, token string) *protoServer {
	t.Helper()
	server := newProtoServer(t, New("test"))
	settings := hubConfig(t, New("test")(), map[string]string{"endpoint": hub.URL, "api_token": token})
	configured, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: server.dynamic(server.schema.Provider.ValueType(), settings.Raw)})
	server.expectNone(configured.Diagnostics, err)
	return server
}

// Hundreds of images, as Terraform refreshes them, ten at a time, take a handful of questions to the platform; the same for somebody who is no administrator.
func TestProtoGroupImage_refreshMany(t *testing.T) {
	t.Parallel()
	const images, most = 300, 15
	for name, token := range map[string]string{"administrator": primehub.TokenAdmin, "group administrator": primehub.TokenGroupAdmin} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub := startHub(t, primehub.Options{Preload: primehub.Preload{Images: images, Seed: 5}})
			server := onHubServer(t, hub, token)
			schema := server.schema.ResourceSchemas[groupImageType]
			limit := make(chan struct{}, 10)
			var readers sync.WaitGroup
			for i := range images {
				readers.Go(func() {
					limit <- struct{}{}
					defer func() { <-limit }()
					image := fmt.Sprintf("preloaded-%04d", i)
					state := server.value(schema, map[string]tftypes.Value{"name": tftypes.NewValue(tftypes.String, image)})
					resp, err := server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: groupImageType, CurrentState: state})
					if err != nil || len(resp.Diagnostics) > 0 {
						t.Errorf("%s: %v, %v", image, err, resp)
						return
					}
					if url := server.attribute(schema, resp.NewState, "url"); url == "" {
						t.Errorf("%s has no address", image)
					}
				})
			}
			readers.Wait()
			if asked := len(hub.Requests()); asked > most {
				t.Errorf("%d requests for %d images, want %d at the most", asked, images, most)
			}
		})
	}
}
