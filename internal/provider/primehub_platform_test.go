package provider

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	client "github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// startHub starts a stand-in of a PrimeHub platform whose builds take no time to speak of.
func startHub(t *testing.T, o primehub.Options) *primehub.Server {
	t.Helper()
	if o.BuildTime == 0 {
		o.BuildTime = 300 * time.Millisecond
	}
	server, err := primehub.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// onHub is a configuration of the provider for that platform.
func onHub(server *primehub.Server, token, body string) string {
	return fmt.Sprintf("provider \"rime\" {\nprimehub = {\nendpoint = %q\napi_token = %q\n}\nhttp = { max_retries = 1 }\n}\n", server.URL, token) + body
}

// inAHurry is the provider with little patience for what a platform does in its own time.
func inAHurry() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"rime": providerserver.NewProtocol6WithError(New("test", WithPrimeHubTiming(client.Timing{
			Settle: 2 * time.Second, Believe: 2 * time.Second, Stuck: 2 * time.Second, Write: 5 * time.Second,
		}))()),
	}
}

// applyOnHub runs steps of the real CLI against the platform; at the end, the destroy must have left no image behind.
func applyOnHub(t *testing.T, server *primehub.Server, steps ...resource.TestStep) {
	t.Helper()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: inAHurry(),
		CheckDestroy: func(*terraform.State) error {
			if left := server.ImageNames(); len(left) > 0 {
				return fmt.Errorf("left behind: %v", left)
			}
			return nil
		},
		Steps: steps,
	})
}

const groupImageAddress = "rime_group_image.test"

// teamImage is an image of a group that exists.
const teamImage = `
resource "rime_group_image" "test" {
  display_name = "R 4"
  name         = "r-4"
  group        = "data-science"
  existing     = { url = "r-base:4" }
}
`

// teamBuild is an image of a group that is built.
const teamBuild = `
resource "rime_group_image" "test" {
  display_name = "Churn"
  name         = "churn"
  group        = "data-science"
  build = {
    base_image_url    = "jupyter/base-notebook"
    image_pull_secret = "image-dockerhub"
    pip_packages = ["xgboost"]
  }
}
`

// TestPrimeHub_diagnostics reads whole messages off the CLI.
func TestPrimeHub_diagnostics(t *testing.T) {
	t.Parallel()
	system := `resource "rime_group_image" "test" {
		display_name = "R 4"
		existing     = { url = "r-base:4" }
	}`
	group := func(name string) string {
		return `resource "rime_group_image" "test" {
			display_name = "R 4"
			group        = "` + name + `"
			existing     = { url = "r-base:4" }
		}`
	}
	for name, test := range map[string]struct {
		options primehub.Options
		before  func(*primehub.Server) error
		token   string
		body    string
		message string
	}{
		"unknown token":      {token: "nonsense", body: teamImage, message: "PrimeHub API Token Not Accepted § Invalid API Token § Request a new API token"},
		"no administrator":   {token: primehub.TokenMember, body: teamImage, message: "Unable to Create PrimeHub Image § NOT_AUTH § Use the API token of an administrator of the group § Code: NOT_AUTH"},
		"system image":       {token: primehub.TokenGroupAdmin, body: system, message: "Unable to Create PrimeHub Image § NOT_AUTH § or, for a system image § of a platform administrator."},
		"unknown group":      {body: group("data-sience"), message: `pre-apply plan § PrimeHub Group Not Found § There is no group "data-sience". § The groups are: data-science, data-science-2, research. § not its display name; § rime_group`},
		"group of others":    {token: primehub.TokenGroupAdmin, body: group("data-science-2"), message: "pre-apply plan § PrimeHub Group Not Found § data-science, research. § only platform administrators see groups that they do not belong to."},
		"name is taken":      {before: addByHand, body: teamImage, message: "PrimeHub Image Already Exists § terraform import rime_group_image.NAME r-4"},
		"orphaned role":      {before: func(s *primehub.Server) error { return s.AddRole("r-4") }, body: teamImage, message: `PrimeHub Image Name Cannot Be Used § delete the realm role "img:r-4" in Keycloak.`},
		"create refused":     {before: outage(primehub.Kubernetes, primehub.Create), body: teamImage, message: `PrimeHub Image Was Not Created § "img:r-4" in Keycloak.`},
		"no role":            {before: outage(primehub.Keycloak, primehub.CreateRole), body: teamImage, message: "PrimeHub Image § Apply again"},
		"unresolvable":       {body: replaced(teamBuild, "xgboost", "sandbox-unresolvable"), message: `PrimeHub Image Build Failed § because of the pip package "sandbox-unresolvable" § Ask for versions that go together`},
		"push denied":        {body: replaced(teamBuild, "xgboost", "sandbox-push-denied"), message: `PrimeHub Image Build Failed § in the step "push" § may not push to its registry`},
		"base image":         {body: replaced(teamBuild, "jupyter/base-notebook", "sandbox-not-found"), message: "PrimeHub Image Build Failed § manifest unknown § Check base_image_url"},
		"no secret":          {body: replaced(teamBuild, "image-dockerhub", "image-nosuch"), message: `PrimeHub Image Build Does Not Begin § its pull secret "image-nosuch" does not exist. § Name an image pull secret that exists`},
		"no secret in time":  {body: replaced(replaced(teamBuild, "image-dockerhub", "image-nosuch"), "  group ", "timeouts = { create = \"10s\" }\n  group "), message: `PrimeHub Image Build Does Not Begin § its pull secret "image-nosuch" does not exist. § Name an image pull secret that exists`},
		"one name for two":   {body: teamImage + replaced(replaced(teamBuild, `"test"`, `"other"`), `"churn"`, `"r-4"`), message: `pre-apply plan § PrimeHub Image Name Taken Twice § "r-4"`},
		"one block twice":    {body: teamImage + replaced(teamImage, `"test"`, `"other"`), message: `pre-apply plan § PrimeHub Image Name Taken Twice § "r-4"`},
		"groups of nobody":   {body: replaced(teamImage, `group        = "data-science"`, `groups = ["research", "nobody"]`), message: `pre-apply plan § PrimeHub Group Not Found § There is no group "nobody".`},
		"secret by name":     {body: replaced(teamBuild, "image-dockerhub", "dockerhub"), message: `Image Pull Secret Needs Its Id § on § "dockerhub" § Write § "image-dockerhub"`},
		"secret of existing": {body: replaced(teamImage, `"r-base:4" }`, `"r-base:4", image_pull_secret = "dockerhub" }`), message: `Image Pull Secret Needs Its Id § "image-dockerhub"`},
		"secret known late":  {body: replaced(teamBuild, `"image-dockerhub"`, "terraform_data.secret.output") + secretKnownLate, message: `Image Pull Secret Needs Its Id § "image-dockerhub"`},
		"builder":            {options: primehub.Options{BuilderUnconfigured: true}, body: replaced(teamBuild, "  group ", "timeouts = { create = \"20s\" }\n  group "), message: "PrimeHub Image Build Timed Out § was cancelled. § image builder is not configured § Last phase: Pending"},
		"other address":      {before: page, body: teamImage, message: "Unable to Create PrimeHub Image § a web page answered § Check `primehub.endpoint`"},
		"another edition":    {options: primehub.Options{Edition: primehub.Community}, token: primehub.TokenMember, body: teamImage, message: "Unable to Create PrimeHub Image § NOT_AUTH"},
		"edition without it": {before: withoutImages, body: teamImage, message: "Unable to Create PrimeHub Image § its version or edition lacks that part of image management."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startHub(t, test.options)
			if test.before != nil {
				if err := test.before(server); err != nil {
					t.Fatal(err)
				}
			}
			token := test.token
			if token == "" {
				token = primehub.TokenAdmin
			}
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: inAHurry(),
				Steps:                    []resource.TestStep{{Config: onHub(server, token, test.body), ExpectError: words(test.message)}},
			})
		})
	}
}

// secretKnownLate is a secret that only the apply knows.
const secretKnownLate = `
resource "terraform_data" "secret" {
  input = "dockerhub"
}
`

// addByHand makes the image of teamImage behind the provider's back.
func addByHand(s *primehub.Server) error {
	_, err := s.Do(primehub.UserAdmin, `mutation { createImage(data: { name: "r-4", url: "elsewhere:1" }) { id } }`, nil)
	return err
}

func outage(backend primehub.Backend, verb primehub.Verb) func(*primehub.Server) error {
	return func(s *primehub.Server) error { return s.SetOutages(primehub.Outage{Backend: backend, Verb: verb}) }
}

// page is a web page before the platform.
func page(s *primehub.Server) error {
	return s.SetFaults(fault.Rule{Path: "/api/graphql", Status: 200, Headers: map[string]string{"Content-Type": "text/html"}, Body: "<html><title>Sign in</title></html>"})
}

// withoutImages is a platform whose API has no such mutation.
func withoutImages(s *primehub.Server) error {
	return s.SetFaults(fault.Rule{
		Path: "/createImage", Status: 400, Headers: map[string]string{"Content-Type": "application/json"},
		Body: `{"errors":[{"message":"Unknown type \"ImageCreateInput\".","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`,
	})
}

// TestPrimeHub_outage plans while a part of the platform is down, or somebody else answers: nothing is dropped from the state.
func TestPrimeHub_outage(t *testing.T) {
	t.Parallel()
	server := startHub(t, primehub.Options{NoTokenCache: true})
	config := onHub(server, primehub.TokenGroupAdmin, teamImage)
	steps := []resource.TestStep{{Config: config}}
	for message, disturb := range map[string]func(*primehub.Server) error{
		"Unable to Read PrimeHub Image § A part of the platform is down":     outage(primehub.Kubernetes, primehub.Read), // the platform says null
		"Unable to Read PrimeHub Image § Context creation failed":            outage(primehub.Keycloak, ""),
		"Unable to Read PrimeHub Image § a web page answered":                page,
		"PrimeHub API Token Not Accepted § Request a new API token § revoke": func(s *primehub.Server) error { return s.SetToken(primehub.UserGroupAdmin, "another") },
	} {
		steps = append(steps, resource.TestStep{
			PreConfig: func() {
				undisturbed(t, server)
				if err := disturb(server); err != nil {
					t.Error(err)
				}
			},
			Config: config, PlanOnly: true, ExpectError: words(message),
		})
	}
	steps = append(steps, resource.TestStep{PreConfig: func() { undisturbed(t, server) }, Config: config, PlanOnly: true})
	applyOnHub(t, server, steps...)
}

func undisturbed(t *testing.T, server *primehub.Server) {
	t.Helper()
	for _, err := range []error{server.SetOutages(), server.SetFaults(), server.SetToken(primehub.UserGroupAdmin, primehub.TokenGroupAdmin)} {
		if err != nil {
			t.Error(err)
		}
	}
}

// TestPrimeHub_debris has the platform fail halfway through a create and an update, and lose an answer: the same apply repairs it, and the image is there once.
func TestPrimeHub_debris(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*primehub.Server) error{
		"the mapping fails once": func(s *primehub.Server) error {
			return s.SetOutages(primehub.Outage{Backend: primehub.Keycloak, Verb: primehub.MapRole, Times: 1})
		},
		"the answer is lost": func(s *primehub.Server) error {
			return s.SetFaults(fault.Rule{Path: "/createImage", DropAnswer: true, Times: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startHub(t, primehub.Options{})
			if err := disturb(server); err != nil {
				t.Fatal(err)
			}
			config := onHub(server, primehub.TokenGroupAdmin, teamImage)
			applyOnHub(t, server, resource.TestStep{
				Config: config,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(groupImageAddress, tfjsonpath.New("groups"), knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("data-science")})),
				},
			})
			if creates := server.Count("POST", "/createImage"); creates != 1 {
				t.Errorf("%d images were asked for", creates)
			}
		})
	}
}

// TestPrimeHub_access puts right what the platform has forgotten about who may use an image of a group, and leaves alone what it was told besides.
func TestPrimeHub_access(t *testing.T) {
	t.Parallel()
	server := startHub(t, primehub.Options{RelistTime: 50 * time.Millisecond})
	config := onHub(server, primehub.TokenGroupAdmin, teamImage)
	applyOnHub(t, server,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				_, err := server.Do(primehub.UserAdmin, `mutation ($data: ImageUpdateInput!) { updateImage(where: { id: "r-4" }, data: $data) { id } }`,
					map[string]any{"data": map[string]any{
						"displayName": "R 4", "type": "both", "url": "r-base:4", "groupName": "data-science", "global": true,
						"groups": map[string]any{"connect": []any{map[string]any{"id": "group-research"}}},
					}})
				if err != nil {
					t.Error(err)
				}
			},
			Config: config, PlanOnly: true,
		},
		resource.TestStep{
			PreConfig: func() {
				if err := server.RemoveRole("r-4"); err != nil {
					t.Error(err)
				}
				for len(server.Roles()) == 0 { // the platform's watcher makes it anew, for nobody
					<-time.After(10 * time.Millisecond)
				}
			},
			Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(groupImageAddress, plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(groupImageAddress, tfjsonpath.New("groups"), knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("data-science")})),
			}},
		},
	)
}
