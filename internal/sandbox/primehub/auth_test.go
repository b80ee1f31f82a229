package primehub_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

const (
	notAuthorised = "Not Authorised! (INTERNAL_SERVER_ERROR)"
	notAuthorise  = "Not authorise (NOT_AUTH)"
	sharedSecret  = "hub-secret"
)

// A request that is not let in is answered with 500, and there is no data, not even null.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.token = ""
	const query = `{"query": "{ me { id } }"}`
	for header, want := range map[string]string{
		"":                              "request not authorized",
		"bearer " + primehub.TokenAdmin: "request not authorized",
		primehub.TokenAdmin:             "request not authorized",
		"Bearer ":                       "request not authorized",
		"Bearer wrong":                  "Invalid API Token",
		"Bearer" + primehub.TokenAdmin:  "Invalid API Token",
	} {
		a := p.send(http.MethodPost, primehub.Path, query, "Content-Type", "application/json", "Authorization", header)
		want = `{"errors":[{"message":"Context creation failed: ` + want + `","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`
		if a.status != http.StatusInternalServerError || strings.TrimSpace(a.body) != want {
			t.Errorf("%q: %+v, want %s", header, a, want)
		}
	}
	if a := p.send(http.MethodGet, "/api/health", ""); a.status != http.StatusOK {
		t.Errorf("health: %+v", a)
	}
}

// A revoked token works for up to 30 seconds more, and one that was refused is refused for 5.
func TestAuthentication_cache(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	admitted := func(token string) bool {
		status, _, _ := p.as(token).ask(`{ me { id } }`, nil)
		return status == http.StatusOK
	}
	if !admitted(primehub.TokenMember) || admitted("new") {
		t.Fatal("at the beginning")
	}
	if err := p.SetToken(primehub.UserMember, "new"); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		pass     float64
		old, new bool
	}{{4.9, true, false}, {0.1, true, true}, {24.9, true, true}, {0.1, false, true}} {
		p.pass(step.pass)
		if before, after := admitted(primehub.TokenMember), admitted("new"); before != step.old || after != step.new {
			t.Errorf("after %v s more: the old token %v, the new one %v", step.pass, before, after)
		}
	}
	uncached := start(t, primehub.Options{NoTokenCache: true})
	uncached.ok(`{ me { id } }`, nil)
	if err := uncached.SetToken(primehub.UserAdmin, "other"); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := uncached.ask(`{ me { id } }`, nil); status != http.StatusInternalServerError {
		t.Errorf("no cache: status %d", status)
	}
}

// While Keycloak is down, only those get in whom the platform remembers.
func TestAuthentication_keycloakDown(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.ok(`{ me { id } }`, nil)
	// A user without groups is one whose groups could not be read, from either backend.
	for _, o := range []primehub.Outage{{Backend: primehub.Keycloak, Verb: primehub.ReadGroups}, {Backend: primehub.Kubernetes}} {
		if err := p.SetOutages(o); err != nil {
			t.Fatal(err)
		}
		if groups := p.ok(`{ me { effectiveGroups { id } groups { id } } }`, nil); fmt.Sprint(groups) != "map[effectiveGroups:[] groups:[]]" {
			t.Errorf("groups: %v", groups)
		}
	}
	if err := p.SetOutages(primehub.Outage{Backend: primehub.Keycloak}); err != nil {
		t.Fatal(err)
	}
	if me := p.ok(`{ me { id } }`, nil); me != nil {
		t.Errorf("me: %v, want null", me)
	}
	p.pass(31)
	status, _, errors := p.ask(`{ me { id } }`, nil)
	if diff := cmp.Diff([]string{"Context creation failed: connect ECONNREFUSED keycloak:8080 (INTERNAL_SERVER_ERROR)"}, errors); diff != "" || status != 500 {
		t.Errorf("status %d (-want +got)\n%s", status, diff)
	}
}

// The table of internal/primehub/CONTRACT.md §1.5: what each may do, with the images that each needs.
func TestPermissions(t *testing.T) {
	t.Parallel()
	const system, group = "system", "team"
	allowed, shield, resolver := "", notAuthorised, notAuthorise
	id := func(name string) string { return `where: {id: "` + name + `"}` }
	for _, tc := range []struct {
		document                                 string
		admin, outsider, member, groupAdmin, hub string
	}{
		{`{ image(` + id(group) + `) { id } }`, allowed, allowed, allowed, allowed, allowed},
		{`{ images { id } }`, allowed, allowed, allowed, allowed, allowed},
		{`{ imagesConnection { edges { cursor } } }`, allowed, allowed, allowed, allowed, allowed},
		{`{ groupImagesConnection(where: {groupName_contains: "data-science"}) { edges { cursor } } }`, allowed, resolver, resolver, allowed, resolver},
		{`{ groupImagesConnection(where: {groupName_contains: "data-scienc"}) { edges { cursor } } }`, allowed, resolver, resolver, resolver, resolver},
		{`{ groupImagesConnection(where: {}) { edges { cursor } } }`, resolver, resolver, resolver, resolver, resolver},
		{`mutation { createImage(data: {name: "new"}) { id } }`, allowed, resolver, resolver, resolver, shield},
		{`mutation { createImage(data: {name: "new", groupName: "data-science"}) { id } }`, allowed, resolver, resolver, allowed, shield},
		{`mutation { createImage(data: {name: "new", groupName: "research"}) { id } }`, allowed, resolver, resolver, resolver, shield},
		{`mutation { updateImage(` + id(group) + `, data: {}) { id } }`, allowed, resolver, resolver, resolver, shield},
		{`mutation { updateImage(` + id(system) + `, data: {groupName: "data-science"}) { id } }`, allowed, resolver, resolver, allowed, shield}, // captured
		{`mutation { deleteImage(` + id(system) + `) { id } }`, allowed, resolver, resolver, resolver, shield},
		{`mutation { deleteImage(` + id(group) + `) { id } }`, allowed, resolver, resolver, allowed, shield},
		{`mutation { rebuildImage(` + id(system) + `, data: {}) { id } }`, allowed, allowed, allowed, allowed, shield},
		{`mutation { cancelImageBuild(` + id(system) + `) { id } }`, allowed, allowed, allowed, allowed, shield},
		{`{ me { id } }`, allowed, allowed, allowed, allowed, shield},
		{`{ group(` + id("group-data-science") + `) { id } }`, allowed, shield, allowed, allowed, allowed},
		{`{ group(` + id("group-everyone") + `) { id } }`, allowed, allowed, allowed, allowed, allowed},
		{`{ group(` + id("none") + `) { id } }`, allowed, shield, shield, shield, allowed},
		{`{ groups { id } }`, allowed, shield, shield, shield, allowed},
		{`{ groupsConnection { edges { cursor } } }`, allowed, shield, shield, shield, shield},
		{`{ secrets { id } }`, allowed, allowed, allowed, allowed, allowed},
		{`{ secret(` + id("image-dockerhub") + `) { id } }`, allowed, allowed, allowed, allowed, allowed},
		{`{ secretsConnection { edges { cursor } } }`, allowed, shield, shield, shield, shield},
		{`mutation { createSecret(data: {name: "new", type: kubernetes}) { id } }`, allowed, shield, shield, shield, shield},
		{`mutation { updateSecret(` + id("image-dockerhub") + `, data: {}) { id } }`, allowed, shield, shield, shield, shield},
		{`mutation { deleteSecret(` + id("image-dockerhub") + `) { id } }`, allowed, shield, shield, shield, shield},
		{`{ license { licenseStatus } }`, allowed, allowed, allowed, allowed, allowed},
	} {
		t.Run(tc.document, func(t *testing.T) {
			t.Parallel()
			for token, want := range map[string]string{
				primehub.TokenAdmin: tc.admin, primehub.TokenOutsider: tc.outsider, primehub.TokenMember: tc.member,
				primehub.TokenGroupAdmin: tc.groupAdmin, sharedSecret: tc.hub,
			} {
				p := start(t, primehub.Options{SharedSecret: sharedSecret})
				p.create(custom(system, "python", nil))
				p.create(object{"name": group, "groupName": primehub.GroupDataScience})
				status, _, errors := p.as(token).ask(tc.document, nil)
				if got := strings.Join(errors, ", "); got != want || status != http.StatusOK {
					t.Errorf("%s: status %d, %q, want %q", token, status, got, want)
				}
			}
		})
	}
}

// The layer that permits asks once in a request: what is true of the first group is held for true of the others.
func TestPermissions_areAskedOnce(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{}).as(primehub.TokenMember)
	const both = `query ($a: ID!, $b: ID!) { first: group(where: {id: $a}) { name } second: group(where: {id: $b}) { name } }`
	own, foreign := "group-data-science", "group-research"
	_, data, errors := p.ask(both, object{"a": own, "b": foreign})
	if errors != nil || diff(object{"first": object{"name": "data-science"}, "second": object{"name": "research"}}, data) != "" {
		t.Errorf("the own first: %v %q", data, errors)
	}
	_, data, errors = p.ask(both, object{"a": foreign, "b": own})
	if len(errors) != 2 || diff(object{"first": nil, "second": nil}, data) != "" {
		t.Errorf("the foreign first: %v %q", data, errors)
	}
}

// The editions tell errors of the HTTP layer differently, those of the resolvers the same.
func TestEditions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                            string
		options                         primehub.Options
		missing, down, conflict, refuse string
		license                         int
	}{
		{
			"enterprise",
			primehub.Options{},
			"HTTP request failed (INTERNAL_SERVER_ERROR)", "API_UNAVAILABLE (INTERNAL_SERVER_ERROR)",
			"Resource already exist (RESOURCE_CONFLICT)", notAuthorise, 200,
		},
		{
			"community",
			primehub.Options{Edition: primehub.Community},
			"HTTP request failed (RESOURCE_NOT_FOUND)",
			"An internal server error occurred (API_UNAVAILABLE)", "Resource already exist (RESOURCE_CONFLICT)", notAuthorise, 400,
		},
		{
			"old",
			primehub.Options{OldErrors: true},
			`images.primehub.io "none" not found (INTERNAL_SERVER_ERROR)`,
			"API_UNAVAILABLE (INTERNAL_SERVER_ERROR)", "Resource already exist (RESOURCE_CONFLICT)", notAuthorise, 200,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, tc.options)
			p.create(object{"name": "churn"})
			for _, document := range []string{
				`mutation { updateImage(where: {id: "none"}, data: {}) { id } }`, `mutation { deleteImage(where: {id: "none"}) { id } }`,
			} {
				if data := p.refused(tc.missing, document, nil); len(data) != 1 {
					t.Errorf("%s: data %v, want the field with null", document, data)
				}
			}
			if data := p.refused(tc.conflict, createDocument, object{"data": object{"name": "churn"}}); data != nil {
				t.Errorf("data %v, want null: the field cannot be", data)
			}
			p.as(primehub.TokenMember).refused(tc.refuse, deleteDocument, where("churn"))
			if status, _, errors := p.ask(`{ license { licenseStatus } }`, nil); status != tc.license {
				t.Errorf("licence: status %d, %q", status, errors)
			}
			if err := p.SetOutages(primehub.Outage{Backend: primehub.Kubernetes}); err != nil {
				t.Fatal(err)
			}
			p.refused(tc.down, `{ images { id } }`, nil)
			p.refused(tc.down, `{ imagesConnection { edges { cursor } } }`, nil)
			p.refused(tc.down, `mutation { updateImage(where: {id: "churn"}, data: {}) { id } }`, nil)
			p.refused("failed to rebuild image (INTERNAL_ERROR)", `mutation { rebuildImage(where: {id: "churn"}, data: {}) { id } }`, nil)
			p.refused("failed to cancel image build (INTERNAL_ERROR)", `mutation { cancelImageBuild(where: {id: "churn"}) { id } }`, nil)
			if image := p.image("churn"); image != nil { // null, as if it were gone
				t.Errorf("the image while Kubernetes is down: %v", image)
			}
		})
	}
}
