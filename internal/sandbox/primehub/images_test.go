package primehub_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

const (
	requestFailed = "HTTP request failed (INTERNAL_SERVER_ERROR)"
	notFound      = "HTTP request failed (INTERNAL_SERVER_ERROR)"
	conflict      = "Resource already exist (RESOURCE_CONFLICT)"
)

func TestCreate_defaults(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	for name, tc := range map[string]struct{ data, want object }{
		"name only": {
			object{"name": "a"},
			object{
				"id": "a", "name": "a", "displayName": "a", "type": "both", "url": nil, "urlForGpu": nil, "description": nil, "groupName": nil,
				"useImagePullSecret": "", "global": false, "isReady": false, "imageSpec": nil, "jobStatus": nil,
			},
		},
		"empty texts": {
			object{"name": "b", "displayName": "", "description": "", "type": "", "url": "", "useImagePullSecret": "", "groupName": ""},
			object{"displayName": "b", "type": "both", "url": "", "urlForGpu": "", "description": "", "groupName": "", "isReady": false},
		},
		"nulls": {
			object{"name": "c", "displayName": nil, "description": nil, "type": nil, "url": nil, "useImagePullSecret": nil, "groupName": nil, "global": nil, "groups": nil, "imageSpec": nil},
			object{"displayName": "c", "type": "both", "url": nil, "description": nil, "groupName": nil, "useImagePullSecret": "", "global": false, "imageSpec": nil},
		},
		"URL for GPU":       {object{"name": "d", "url": "u", "urlForGpu": "g"}, object{"url": "u", "urlForGpu": "g", "isReady": true}},
		"same for GPU":      {object{"name": "e", "url": "u"}, object{"url": "u", "urlForGpu": "u"}},
		"not of type both":  {object{"name": "f", "type": "gpu", "url": "u", "urlForGpu": "g"}, object{"type": "gpu", "url": "u", "urlForGpu": "u"}},
		"any type":          {object{"name": "g", "type": "universal", "url": "u", "urlForGpu": "g"}, object{"type": "universal", "urlForGpu": "u"}},
		"global":            {object{"name": "h", "global": true}, object{"global": true}},
		"URL and something": {object{"name": "i", "url": "u", "imageSpec": object{"baseImage": "python"}}, object{"url": "u", "isReady": true}},
		"no packages": {
			object{"name": "j", "imageSpec": object{"baseImage": "python", "pullSecret": "", "cancel": true}},
			object{"imageSpec": object{"baseImage": "python", "pullSecret": "", "cancel": false, "updateTime": "2024-03-01T12:00:00.000Z", "packages": nil}},
		},
		"some packages": {
			object{"name": "k", "imageSpec": object{"baseImage": "python", "packages": object{"pip": []any{""}}}},
			object{"imageSpec": object{
				"baseImage": "python", "pullSecret": nil, "cancel": false, "updateTime": "2024-03-01T12:00:00.000Z",
				"packages": object{"apt": []any{}, "pip": []any{""}, "conda": []any{}},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			created := p.create(tc.data)
			if d := diff(tc.want, created); d != "" {
				t.Errorf("created (-want +got)\n%s", d)
			}
			id, _ := tc.data["name"].(string)
			if _, built := tc.data["imageSpec"].(object); built {
				return // what is written late comes late
			}
			if d := cmp.Diff(created, p.image(id)); d != "" {
				t.Errorf("(-created +read)\n%s", d)
			}
		})
	}
}

// The times of a build are written by a request that nobody waits for.
func TestCreate_unawaitedWrite(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.create(custom("churn", "python", nil))
	times := func() any {
		spec, _ := p.image("churn")["imageSpec"].(object)
		return spec["updateTime"]
	}
	if got := times(); got != nil {
		t.Errorf("at once: %v", got)
	}
	p.pass(0.05)
	if got := times(); got != "2024-03-01T12:00:00.000Z" {
		t.Errorf("later: %v", got)
	}
}

// What is done when a step fails stays done.
func TestCreate_debris(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	for name, data := range map[string]object{
		"Bad_Name":               {"name": "Bad_Name"},
		"-x":                     {"name": "-x"},
		strings.Repeat("n", 254): {"name": strings.Repeat("n", 254)},
		"no-base":                {"name": "no-base", "imageSpec": object{"packages": object{"pip": []any{"numpy"}}}},
		"null-item":              {"name": "null-item", "imageSpec": object{"baseImage": "python", "packages": object{"pip": []any{nil}}}},
	} {
		p.refused(requestFailed, createDocument, object{"data": data})
		if !slices.Contains(p.Roles(), name) || p.image(name) != nil {
			t.Errorf("%s: roles %q, image %v", name, p.Roles(), p.image(name))
		}
		p.refused(conflict, createDocument, object{"data": object{"name": name}})
	}

	p.refused("Request failed with status code 404 (INTERNAL_SERVER_ERROR)", createDocument, object{"data": object{
		"name": "half", "global": true, "groups": object{"connect": []any{object{"id": "none"}, object{"id": "group-research"}}},
	}})
	if got := p.sharedWith("half"); got != "everyone research" {
		t.Errorf("an image with an unknown group is there, shared with %q", got)
	}

	if err := p.SetOutages(primehub.Outage{Backend: primehub.Kubernetes, Verb: primehub.Create, Times: 1}); err != nil {
		t.Fatal(err)
	}
	p.refused(requestFailed, createDocument, object{"data": object{"name": "later"}})
	if err := p.RemoveRole("later"); err != nil {
		t.Fatal(err)
	}
	p.create(object{"name": "later"})

	// An image without a role lets another role be made for nothing.
	if err := p.RemoveRole("later"); err != nil {
		t.Fatal(err)
	}
	p.refused(requestFailed, createDocument, object{"data": object{"name": "later"}})
	if !slices.Contains(p.Roles(), "later") {
		t.Errorf("roles %q", p.Roles())
	}
}

// The table of internal/primehub/CONTRACT.md §2.6: what becomes of each field that is left out, null, empty or given.
func TestUpdate(t *testing.T) {
	t.Parallel()
	before := object{
		"name": "churn", "displayName": "Churn", "description": "text", "type": "both", "url": "u", "urlForGpu": "g",
		"useImagePullSecret": "image-dockerhub", "groupName": "research", "global": true,
	}
	keep := object{"useImagePullSecret": "image-dockerhub", "groupName": "research"}
	for name, tc := range map[string]struct{ data, want object }{
		"nothing": {object{}, object{
			"displayName": "Churn", "description": "text", "type": "both", "url": "u", "urlForGpu": "g", "global": true,
			"useImagePullSecret": nil, "groupName": nil, // the two that are cleared
		}},
		"both kept":             {keep, object{"useImagePullSecret": "image-dockerhub", "groupName": "research"}},
		"display name null":     {object{"displayName": nil}, object{"displayName": "churn"}},
		"display name empty":    {object{"displayName": ""}, object{"displayName": "churn"}},
		"description null":      {object{"description": nil}, object{"description": nil}},
		"description empty":     {object{"description": ""}, object{"description": ""}},
		"type null":             {object{"type": nil}, object{"type": nil, "urlForGpu": "g"}},
		"type empty":            {object{"type": ""}, object{"type": "", "urlForGpu": "u"}},
		"type unknown":          {object{"type": "x"}, object{"type": "x", "urlForGpu": "u"}},
		"type cpu":              {object{"type": "cpu", "urlForGpu": "h"}, object{"type": "cpu", "urlForGpu": "u"}},
		"secret empty":          {object{"useImagePullSecret": ""}, object{"useImagePullSecret": ""}},
		"group empty":           {object{"groupName": ""}, object{"groupName": ""}},
		"URL null":              {object{"url": nil}, object{"url": "u", "urlForGpu": "g"}},
		"URL empty":             {object{"url": ""}, object{"url": "u", "urlForGpu": "g"}},
		"URL alone":             {object{"url": "v"}, object{"url": "v", "urlForGpu": "v"}},
		"URL, type":             {object{"type": "both", "url": "v"}, object{"url": "v", "urlForGpu": "v"}},
		"URL, empty for GPU":    {object{"type": "both", "url": "v", "urlForGpu": ""}, object{"url": "v", "urlForGpu": "v"}},
		"both URLs":             {object{"type": "both", "url": "v", "urlForGpu": "h"}, object{"url": "v", "urlForGpu": "h"}},
		"URL for GPU alone":     {object{"urlForGpu": "h"}, object{"url": "u", "urlForGpu": "h"}},
		"global null":           {object{"global": nil}, object{"global": false}},
		"global false":          {object{"global": false}, object{"global": false}},
		"global true again":     {object{"global": true}, object{"global": true}},
		"name":                  {object{"name": "other"}, object{"name": "churn", "id": "churn"}},
		"groups null":           {object{"groups": nil}, object{"global": true}},
		"everyone by its id":    {object{"global": false, "groups": object{"connect": []any{object{"id": "group-everyone"}}}}, object{"global": true}},
		"create group, ignored": {object{"groups": object{"create": []any{object{"name": "x"}}, "delete": []any{object{"id": "x"}}}}, object{"global": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, primehub.Options{})
			p.create(maps.Clone(before))
			updated := p.update("churn", tc.data)
			if d := diff(tc.want, updated); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if d := cmp.Diff(updated, p.image("churn")); d != "" {
				t.Errorf("(-updated +read)\n%s", d)
			}
		})
	}
}

func TestUpdate_groups(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	groups := func(ids ...string) []any {
		var list []any
		for _, id := range ids {
			list = append(list, object{"id": "group-" + id})
		}
		return list
	}
	p.create(object{"name": "churn", "groups": object{"connect": groups("research", "research")}})
	p.update("churn", object{"groups": object{"connect": groups("data-science"), "disconnect": groups("research", "data-science-2")}})
	if got := p.sharedWith("churn"); got != "data-science" {
		t.Errorf("shared with %q", got)
	}
	// An error in this step comes after the change.
	update := object{"where": object{"id": "churn"}, "data": object{"displayName": "new", "groups": object{"connect": groups("none")}}}
	data := p.refused("Request failed with status code 404 (INTERNAL_SERVER_ERROR)", updateDocument, update)
	if d := cmp.Diff(object{"updateImage": nil}, data); d != "" || p.image("churn")["displayName"] != "new" {
		t.Errorf("%s %v", d, p.image("churn"))
	}
	if err := p.RemoveRole("churn"); err != nil {
		t.Fatal(err)
	}
	const reading = "Cannot read properties of null (reading 'id') (INTERNAL_SERVER_ERROR)"
	p.refused(reading, updateDocument, object{"where": object{"id": "churn"}, "data": object{"global": true}})
	p.refused(reading, updateDocument, object{"where": object{"id": "churn"}, "data": object{"groups": object{"connect": groups("research")}}})
	p.update("churn", object{"displayName": "newer"})
	p.pass(601) // the watcher lists all images again, and makes the role
	p.update("churn", object{"global": true})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.create(object{"name": "churn", "global": true, "groups": object{"connect": []any{object{"id": "group-research"}}}})
	if d := cmp.Diff(object{"id": "churn", "global": false, "groups": []any{}}, p.ok(deleteDocument, where("churn"))); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if len(p.Roles()) != 0 || len(p.ImageNames()) != 0 {
		t.Errorf("left: %q %q", p.Roles(), p.ImageNames())
	}
	if d := cmp.Diff(object{"deleteImage": nil}, p.refused(notFound, deleteDocument, where("churn"))); d != "" {
		t.Errorf("twice (-want +got)\n%s", d)
	}

	// Without its role, an image cannot be deleted.
	p.create(object{"name": "roleless"})
	if err := p.RemoveRole("roleless"); err != nil {
		t.Fatal(err)
	}
	p.refused("Request failed with status code 404 (INTERNAL_SERVER_ERROR)", deleteDocument, where("roleless"))
	if p.image("roleless") == nil {
		t.Error("it was deleted")
	}

	// The role goes first: if the image cannot go then, it cannot be deleted until the watcher has made it a new role.
	p.create(object{"name": "half"})
	if err := p.SetOutages(primehub.Outage{Backend: primehub.Kubernetes, Verb: primehub.Delete, Times: 1}); err != nil {
		t.Fatal(err)
	}
	p.refused(requestFailed, deleteDocument, where("half"))
	p.refused("Request failed with status code 404 (INTERNAL_SERVER_ERROR)", deleteDocument, where("half"))
	p.pass(601)
	p.ok(deleteDocument, where("half"))
}

// Every outage shows where it is met, and nowhere else.
func TestOutages(t *testing.T) {
	t.Parallel()
	const down = "connect ECONNREFUSED keycloak:8080 (INTERNAL_SERVER_ERROR)"
	for _, tc := range []struct {
		backend  primehub.Backend
		verb     primehub.Verb
		document string
		want     string
	}{
		{primehub.Keycloak, primehub.CreateRole, `mutation { createImage(data: {name: "new"}) { id } }`, down},
		{primehub.Keycloak, primehub.MapRole, `mutation { createImage(data: {name: "new", global: true}) { id } }`, down},
		{primehub.Keycloak, primehub.DeleteRole, `mutation { deleteImage(where: {id: "churn"}) { id } }`, down},
		{primehub.Keycloak, primehub.ReadGroups, `{ image(where: {id: "churn"}) { groups { id } } }`, down},
		{primehub.Keycloak, primehub.ReadGroups, `{ image(where: {id: "churn"}) { global } }`, down},
		{primehub.Keycloak, primehub.ReadGroups, `{ groups { id } }`, down},
		{primehub.Keycloak, primehub.ReadGroups, `{ group(where: {id: "group-research"}) { id } }`, down},
		{primehub.Keycloak, primehub.ReadGroups, `mutation { updateImage(where: {id: "churn"}, data: {}) { id } }`, down},
		{primehub.Kubernetes, primehub.Create, `mutation { createSecret(data: {name: "new", type: opaque}) { id } }`, requestFailed},
		{primehub.Kubernetes, primehub.Patch, `mutation { updateSecret(where: {id: "image-dockerhub"}, data: {}) { id } }`, requestFailed},
		{primehub.Kubernetes, primehub.Delete, `mutation { deleteSecret(where: {id: "image-dockerhub"}) { id } }`, requestFailed},
		{primehub.Kubernetes, primehub.Patch, `mutation { updateImage(where: {id: "churn"}, data: {}) { id } }`, requestFailed},
		{primehub.Kubernetes, primehub.Read, `{ secrets { id } }`, "API_UNAVAILABLE (INTERNAL_SERVER_ERROR)"},
		{primehub.Kubernetes, primehub.Read, `{ secret(where: {id: "image-dockerhub"}) { id } }`, "Cannot return null for non-nullable field Query.secret. (INTERNAL_SERVER_ERROR)"},
		{primehub.Kubernetes, primehub.Read, `{ group(where: {id: "group-research"}) { images { id } } }`, "API_UNAVAILABLE (INTERNAL_SERVER_ERROR)"},
		{primehub.Kubernetes, primehub.Read, `{ images { id } }`, "API_UNAVAILABLE (INTERNAL_SERVER_ERROR)"},
	} {
		p := start(t, primehub.Options{})
		p.create(object{"name": "churn"})
		if err := p.SetOutages(primehub.Outage{Backend: tc.backend, Verb: tc.verb, Times: 1}); err != nil {
			t.Fatal(err)
		}
		p.refused(tc.want, tc.document, nil)
		if _, _, errors := p.ask(`{ images { id groups { id } global } }`, nil); errors != nil {
			t.Errorf("%s %s: it happened more than once: %q", tc.backend, tc.verb, errors)
		}
	}
	p := start(t, primehub.Options{})
	for _, o := range []primehub.Outage{{Backend: "postgres"}, {Backend: primehub.Keycloak, Verb: primehub.Patch}, {Backend: primehub.Kubernetes, Times: -1}} {
		if err := p.SetOutages(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// An image and its pull secrets are not looked at when they are named.
func TestCreate_namesAreNotChecked(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	created := p.create(object{"name": "churn", "useImagePullSecret": "none", "groupName": "none", "url": "no url at all"})
	if got := fmt.Sprint(created["useImagePullSecret"], created["groupName"], created["url"]); got != "nonenone"+"no url at all" {
		t.Errorf("got %s", got)
	}
}
