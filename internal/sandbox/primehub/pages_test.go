package primehub_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// ids are the ids of a list of objects.
func ids(list any) string {
	var found []string
	items, _ := list.([]any)
	for _, item := range items {
		o, _ := item.(object)
		if edge, ok := o["node"].(object); ok {
			o = edge
		}
		found = append(found, fmt.Sprint(o["id"]))
	}
	return strings.Join(found, " ")
}

// shelf is a platform with a few images of every kind.
func shelf(t *testing.T) *platform {
	t.Helper()
	p := start(t, primehub.Options{})
	for _, data := range []object{
		{"name": "zeta", "displayName": "Alpha", "type": "gpu", "description": "for Torch"},
		{"name": "beta", "displayName": "Omega", "type": "cpu"},
		{"name": "team-1", "groupName": "data-science", "groups": object{"connect": []any{object{"id": "group-data-science"}}}},
		{"name": "team-2", "groupName": "data-science-2", "description": "TORCH too"},
		{"name": "everywhere", "groupName": "", "global": true},
	} {
		p.create(data)
	}
	return p
}

func TestList_filters(t *testing.T) {
	t.Parallel()
	p := shelf(t)
	for arguments, want := range map[string]string{
		``:                                                    "beta everywhere team-1 team-2 zeta",
		`(mode: ALL)`:                                         "beta everywhere team-1 team-2 zeta",
		`(mode: SYSTEM_ONLY)`:                                 "beta everywhere zeta",
		`(mode: GROUP_ONLY)`:                                  "team-1 team-2",
		`(where: {id: "beta"})`:                               "beta",
		`(where: {id: "bet"})`:                                "",
		`(where: {id: "none"})`:                               "",
		`(where: {search: "torch"})`:                          "team-2 zeta",
		`(where: {search: "OMEGA"})`:                          "beta",
		`(where: {search: ""})`:                               "beta everywhere team-1 team-2 zeta",
		`(where: {name_contains: "eta"})`:                     "beta zeta",
		`(where: {name_contains: "ETA"})`:                     "",
		`(where: {type_contains: "pu"})`:                      "beta zeta",
		`(where: {description_contains: ""})`:                 "team-2 zeta",   // rows where it is empty are dropped
		`(where: {groupName_contains: "data-science"})`:       "team-1 team-2", // a part of another name as well
		`(where: {displayName_contains: "team"})`:             "team-1 team-2",
		`(where: {name_contains: "e", type_contains: "gpu"})`: "zeta",
		`(where: {_or: [{id: "beta"}, {id: "zeta"}]})`:        "beta zeta",
		`(where: {_or: [{name_contains: "team"}, {id: "beta"}, {id: "team-2"}]})`: "team-1 team-2 beta",                 // in the order of the conditions
		`(where: {_or: [{id: "beta"}]})`:                                          "beta everywhere team-1 team-2 zeta", // one alternative is none
		`(where: {name_contains: "team", _or: [{id: "beta"}, {id: "team-1"}]})`:   "team-1",
		`(where: null)`:                          "beta everywhere team-1 team-2 zeta",
		`(orderBy: {name: "desc"})`:              "zeta team-2 team-1 everywhere beta",
		`(orderBy: {displayName: "asc"})`:        "zeta beta everywhere team-1 team-2",
		`(orderBy: {name: "asc", type: "desc"})`: "beta everywhere team-1 team-2 zeta",
		`(first: 2)`:                             "beta everywhere",
		`(last: 2)`:                              "team-2 zeta",
		`(after: "everywhere", first: 2)`:        "team-1 team-2",
		`(before: "team-1")`:                     "beta everywhere",
		`(page: 1)`:                              "beta everywhere team-1 team-2 zeta",
		`(page: 2)`:                              "",
		`(page: 0)`:                              "",
		`(page: -1)`:                             "",
		`(page: null)`:                           "",
		`(first: null)`:                          "",
		`(last: null)`:                           "",
		`(before: null, after: null)`:            "beta everywhere team-1 team-2 zeta",
		`(where: {id: null})`:                    "",
		`(where: {name_contains: null})`:         "",
		`(where: {search: null, _or: null})`:     "beta everywhere team-1 team-2 zeta",
		`(orderBy: {description: "asc"})`:        "team-2 zeta beta everywhere team-1", // those without it come last
		`(orderBy: {description: "desc"})`:       "beta everywhere team-1 zeta team-2",
		`(orderBy: null)`:                        "beta everywhere team-1 team-2 zeta",
	} {
		if got := ids(p.ok(`{ images`+arguments+` { id } }`, nil)); got != want {
			t.Errorf("images%s: %q, want %q", arguments, got, want)
		}
		connection, _ := p.ok(`{ imagesConnection`+arguments+` { edges { cursor node { id } } } }`, nil).(object)
		if got := ids(connection["edges"]); got != want {
			t.Errorf("imagesConnection%s: %q, want %q", arguments, got, want)
		}
	}
	p.update("beta", object{"description": ""})
	for direction, want := range map[string]string{"asc": "beta team-2 zeta everywhere team-1", "desc": "everywhere team-1 zeta team-2 beta"} {
		if got := ids(p.ok(`{ images(orderBy: {description: "`+direction+`"}) { id } }`, nil)); got != want {
			t.Errorf("an empty text is text: %q, want %q", got, want)
		}
	}
	for order, told := range map[string]string{`{name: "up"}`: "up", `{name: null, type: "asc"}`: "null"} {
		p.refused("order value ("+told+") not valid. Should be 'asc' or 'desc' (INTERNAL_SERVER_ERROR)", `{ images(orderBy: `+order+`) { id } }`, nil)
	}
}

func TestList_groupImages(t *testing.T) {
	t.Parallel()
	p := shelf(t)
	connection, _ := p.ok(`{ groupImagesConnection(where: {groupName_contains: "data-science"}) { edges { node { id } } } }`, nil).(object)
	if got := ids(connection["edges"]); got != "team-1 team-2" {
		t.Errorf("the images of a group, and of those whose names contain its: %q", got)
	}
	p.refused("Cannot read properties of undefined (reading 'groupName_contains') (INTERNAL_SERVER_ERROR)", `{ groupImagesConnection { edges { cursor } } }`, nil)
	data := p.refused("Cannot return null for non-nullable field Query.groupImages. (INTERNAL_SERVER_ERROR)", `{ groupImages { id } }`, nil)
	if data != nil {
		t.Errorf("data %v, want null", data)
	}
	if d := cmp.Diff(object{"groupImages": nil}, p.ok(`{ group(where: {id: "group-data-science"}) { groupImages { id } } }`, nil)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestList_pages(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{Preload: primehub.Preload{Images: 25, Seed: 1}})
	const numbered = `query ($page: Int) { imagesConnection(page: $page) { edges { cursor } pageInfo { currentPage totalPage startCursor } } }`
	for page, want := range map[any]int{0.0: 0, 1.0: 10, 2.0: 10, 3.0: 5, 4.0: 0, 99.0: 0, nil: 0} {
		connection, _ := p.ok(numbered, object{"page": page}).(object)
		edges, _ := connection["edges"].([]any)
		info := object{"currentPage": page, "totalPage": 3.0, "startCursor": nil}
		if d := cmp.Diff(info, connection["pageInfo"]); d != "" || len(edges) != want {
			t.Errorf("page %v: %d edges, want %d (-want +got)\n%s", page, len(edges), want, d)
		}
	}
	// A negative page counts from the end, as JavaScript's slice does.
	if got := ids(p.ok(`{ images(page: -1) { id } }`, nil)); !strings.HasPrefix(got, "preloaded-0005 ") || !strings.HasSuffix(got, " preloaded-0014") {
		t.Errorf("page -1: %s", got)
	}
	empty, _ := p.ok(`{ imagesConnection(page: 7, where: {id: "none"}) { pageInfo { currentPage totalPage } } }`, nil).(object)
	if d := cmp.Diff(object{"currentPage": 1.0, "totalPage": 1.0}, empty["pageInfo"]); d != "" {
		t.Errorf("no images (-want +got)\n%s", d)
	}
	// What is known of a page by number is not what is known of one by cursor, and the other way around.
	if data := p.refused("Cannot return null for non-nullable field PageInfo.hasNextPage. (INTERNAL_SERVER_ERROR)",
		`{ imagesConnection(page: 1) { edges { cursor } pageInfo { hasNextPage } } }`, nil); data != nil {
		t.Errorf("data %v, want null", data)
	}
	const cursor = `{ imagesConnection(first: 10, after: "preloaded-0004") { edges { cursor node { name } } pageInfo { currentPage totalPage hasNextPage hasPreviousPage startCursor endCursor } } }`
	connection, _ := p.ok(cursor, nil).(object)
	if d := cmp.Diff(object{
		"currentPage": nil, "totalPage": nil, "hasNextPage": true, "hasPreviousPage": true, "startCursor": "preloaded-0005", "endCursor": "preloaded-0014",
	}, connection["pageInfo"]); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	none, _ := p.ok(`{ imagesConnection(first: 0) { pageInfo { hasNextPage hasPreviousPage startCursor } } }`, nil).(object)
	if d := cmp.Diff(object{"hasNextPage": false, "hasPreviousPage": false, "startCursor": nil}, none["pageInfo"]); d != "" {
		t.Errorf("an empty page (-want +got)\n%s", d)
	}
	all, _ := p.ok(`{ imagesConnection { edges { cursor } pageInfo { hasNextPage hasPreviousPage } } }`, nil).(object)
	if edges, _ := all["edges"].([]any); len(edges) != 25 || cmp.Diff(object{"hasNextPage": false, "hasPreviousPage": false}, all["pageInfo"]) != "" {
		t.Errorf("without arguments: %v", all)
	}
}

// Images as members see them: by the roles of their groups and of everyone. An image without a role is invisible there.
func TestList_ofMe(t *testing.T) {
	t.Parallel()
	p := shelf(t)
	p.create(object{"name": "unshared", "groupName": "data-science"})
	member := p.as(primehub.TokenMember)
	me, _ := member.ok(`{ me { username groups { name images { id } } effectiveGroups { name images { id } system: images(mode: SYSTEM_ONLY) { id } group: images(mode: GROUP_ONLY) { id } } } }`, nil).(object)
	image := func(id string) object { return object{"id": id} }
	if d := cmp.Diff(object{
		"username": "mike",
		"groups": []any{
			object{"name": "everyone", "images": []any{image("everywhere")}},
			object{"name": "data-science", "images": []any{image("team-1")}},
		},
		"effectiveGroups": []any{object{
			"name": "data-science", "images": []any{image("everywhere"), image("team-1")},
			"system": []any{image("everywhere")}, "group": []any{image("team-1")},
		}},
	}, me); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if err := p.RemoveRole("everywhere"); err != nil {
		t.Fatal(err)
	}
	me, _ = member.ok(`{ me { effectiveGroups { images { id } } } }`, nil).(object)
	if d := cmp.Diff(object{"effectiveGroups": []any{object{"images": []any{image("team-1")}}}}, me); d != "" || member.image("everywhere") == nil {
		t.Errorf("without the role (-want +got)\n%s", d)
	}
}
