package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// planNew plans an image that is to be created, and returns what the plan says.
func (s *protoServer) planNew(attributes map[string]any) []*tfprotov6.Diagnostic {
	s.t.Helper()
	schema := s.schema.ResourceSchemas[groupImageType]
	given := s.dynamic(schema.ValueType(), terraformValue(s.t, schema.ValueType(), attributes))
	planned, err := s.PlanResourceChange(s.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: groupImageType, Config: given, ProposedNewState: given, PriorState: s.null(schema),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return planned.Diagnostics
}

// A plan of many images says once that the API token is not accepted, and nothing of a platform that cannot be asked.
func TestProtoGroupImage_planAsks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token  string
		outage primehub.Outage
		want   int
	}{
		"a wrong token":     {token: "nonsense", want: 1},
		"a member":          {token: primehub.TokenMember},
		"no groups to see":  {token: primehub.TokenOutsider},
		"Keycloak is down":  {token: primehub.TokenGroupAdmin, outage: primehub.Outage{Backend: primehub.Keycloak}},
		"no groups at once": {token: primehub.TokenGroupAdmin, outage: primehub.Outage{Backend: primehub.Keycloak, Verb: primehub.ReadGroups}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub := startHub(t, primehub.Options{})
			if test.outage.Backend != "" {
				if err := hub.SetOutages(test.outage); err != nil {
					t.Fatal(err)
				}
			}
			server := onHubServer(t, hub, test.token)
			var told []*tfprotov6.Diagnostic
			for _, image := range []string{"a", "b", "c"} {
				told = append(told, server.planNew(map[string]any{
					"display_name": image, "name": image, "group": "data-science", "existing": map[string]any{"url": "a:1"},
				})...)
			}
			if len(told) != test.want || test.want > 0 && told[0].Summary != "PrimeHub API Token Not Accepted" {
				t.Errorf("%v", told)
			}
		})
	}
}
