package primehub_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

func TestMe(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	for token, want := range map[string]object{
		primehub.TokenAdmin:      {"username": "phadmin", "isAdmin": true, "effectiveGroups": []any{object{"name": "data-science", "admins": "dana"}}},
		primehub.TokenGroupAdmin: {"username": "dana", "isAdmin": false, "effectiveGroups": []any{object{"name": "data-science", "admins": "dana"}, object{"name": "research", "admins": "rachel"}}},
		primehub.TokenOutsider:   {"username": "otto", "isAdmin": false, "effectiveGroups": []any{}},
	} {
		if d := cmp.Diff(want, p.as(token).ok(`{ me { username isAdmin effectiveGroups { name admins } } }`, nil)); d != "" {
			t.Errorf("%s (-want +got)\n%s", token, d)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	for arguments, want := range map[string]string{
		``:                                "group-data-science group-data-science-2 group-research",
		`(where: {id: "group-research"})`: "group-research",
		`(where: {id: "group-everyone", name_contains: "x"})`:              "group-everyone", // fetched, whatever else is asked for
		`(where: {id: "none"})`:                                            "",
		`(where: {name_contains: "data-science"})`:                         "group-data-science group-data-science-2",
		`(where: {displayName_contains: "Data"})`:                          "", // it is not known yet when the filter runs
		`(where: {displayName_contains: "Data"}, orderBy: {name: "desc"})`: "group-data-science-2 group-data-science",
		`(where: {displayName_contains: "Data", search: "science 2"})`:     "group-data-science-2",
		`(where: {search: "data science"})`:                                "group-data-science group-data-science-2",
		`(page: 1)`:                                                        "group-data-science group-data-science-2 group-research",
	} {
		if got := ids(p.ok(`{ groups`+arguments+` { id } }`, nil)); got != want {
			t.Errorf("groups%s: %q, want %q", arguments, got, want)
		}
	}
	connection, _ := p.ok(`{ groupsConnection(page: 1) { edges { node { id } } pageInfo { currentPage totalPage } } }`, nil).(object)
	if got := ids(connection["edges"]); got != "group-data-science group-data-science-2 group-research" {
		t.Errorf("groupsConnection: %q", got)
	}
	everyone, _ := p.ok(`{ groups(where: {id: "group-everyone"}) { displayName } }`, nil).([]any)
	if d := cmp.Diff([]any{object{"displayName": nil}}, everyone); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	group := p.ok(`{ group(where: {id: "group-research"}) { name displayName admins users { username } datasets { id } resourceStatus { cpuUsage } } }`, nil)
	if d := cmp.Diff(object{
		"name": "research", "displayName": "Research", "admins": "rachel", "users": []any{object{"username": "dana"}, object{"username": "rachel"}},
		"datasets": []any{}, "resourceStatus": object{"cpuUsage": nil},
	}, group); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// The field groups of an image costs a call of Keycloak for each group there is, everyone included.
func TestGroups_costs(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{Preload: primehub.Preload{Images: 5}})
	p.ok(`{ images { id jobStatus { phase } url } }`, nil)
	if calls := p.KeycloakCalls(); calls != 0 {
		t.Errorf("%d calls without the field", calls)
	}
	p.ok(`{ images { groups { id } } }`, nil)
	if calls := p.KeycloakCalls(); calls != 5*4 {
		t.Errorf("%d calls, want %d", calls, 5*4)
	}
}

func TestGroups_control(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	if err := p.AddGroup(primehub.Group{Name: "new", Admins: []string{primehub.UserMember}}); err != nil {
		t.Fatal(err)
	}
	if err := p.SetUserGroups(primehub.UserMember, "new", "research"); err != nil {
		t.Fatal(err)
	}
	member := p.as(primehub.TokenMember)
	me, _ := member.ok(`{ me { effectiveGroups { id } } }`, nil).(object)
	if got := ids(me["effectiveGroups"]); got != "group-research group-new" {
		t.Errorf("groups: %s", got)
	}
	member.create(object{"name": "churn", "groupName": "new", "groups": object{"connect": []any{object{"id": "group-new"}}}})
	if err := p.RemoveGroup("new"); err != nil {
		t.Fatal(err)
	}
	// The image stays, and only an administrator can manage it now.
	if got := p.image("churn")["groupName"]; got != "new" || p.sharedWith("churn") != "" {
		t.Errorf("group %v, shared with %q", got, p.sharedWith("churn"))
	}
	member.refused(notAuthorise, deleteDocument, where("churn"))
	if err := p.AddGroup(primehub.Group{Name: "lab", Admins: []string{primehub.UserMember}}); err != nil {
		t.Fatal(err)
	}
	member.refused(notAuthorise, updateDocument, object{"where": object{"id": "churn"}, "data": object{}})
	member.update("churn", object{"groupName": "lab"})
	member.ok(deleteDocument, where("churn"))

	for name, err := range map[string]error{
		"group without a name": p.AddGroup(primehub.Group{}),
		"group twice":          p.AddGroup(primehub.Group{Name: "research"}),
		"everyone":             p.RemoveGroup("everyone"),
		"no such group":        p.RemoveGroup("none"),
		"group of a user":      p.SetUserGroups(primehub.UserMember, "none"),
		"groups of nobody":     p.SetUserGroups("nobody"),
		"token of nobody":      p.SetToken("nobody", "x"),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	for arguments, want := range map[string]string{
		``:                                    "gitsync-secret-deploy-key image-dockerhub image-internal",
		`(where: {ifDockerConfigJson: true})`: "image-dockerhub image-internal",
		`(where: {ifDockerConfigJson: true, id: "image-dockerhub"})`: "image-dockerhub",
		`(where: {ifDockerConfigJson: true, id: "image-none"})`:      "",
		`(where: {search: "dock"})`:                                  "image-dockerhub",
		`(where: {search: "Docker Hub"})`:                            "", // display names are not searched
	} {
		if got := ids(p.ok(`{ secrets`+arguments+` { id } }`, nil)); got != want {
			t.Errorf("secrets%s: %q, want %q", arguments, got, want)
		}
	}
	const read = `query ($where: SecretWhereUniqueInput!) { secret(where: $where) { id name displayName type registryHost username password } }`
	if d := cmp.Diff(object{
		"id": "image-dockerhub", "name": "dockerhub", "displayName": "Docker Hub", "type": "kubernetes",
		"registryHost": "docker.io", "username": "sandbox", "password": "******",
	}, p.ok(read, where("image-dockerhub"))); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	const missing = "Cannot return null for non-nullable field Query.secret. (INTERNAL_SERVER_ERROR)"
	if data := p.refused(missing, read, where("image-none")); data != nil {
		t.Errorf("data %v, want null", data)
	}
	// That which images are pushed with is in no list, and can be read. What begins the ids of others is removed from its name, wherever it stands.
	push, _ := p.ok(read, where("primehub-controller-custom-image-push-secret")).(object)
	if push["name"] != "primehub-controller-custom-push-secret" {
		t.Errorf("the name is %v", push["name"])
	}
}

func TestSecrets_write(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	const create = `mutation ($data: SecretCreateInput!) { createSecret(data: $data) { id username password } }`
	data := object{"data": object{"name": "quay", "type": nil, "registryHost": "quay.io", "username": "u", "password": "p"}}
	if d := cmp.Diff(object{"id": "image-quay", "username": "u", "password": "******"}, p.ok(create, data)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	p.refused(requestFailed, create, data)
	updated := p.ok(`mutation { updateSecret(where: {id: "image-quay"}, data: {username: "v"}) { username registryHost } }`, nil)
	if d := cmp.Diff(object{"username": "v", "registryHost": "quay.io"}, updated); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	const remove = `mutation { deleteSecret(where: {id: "image-quay"}) { id } }`
	p.ok(remove, nil)
	p.refused(notFound, remove, nil)
	p.refused(notFound, `mutation { updateSecret(where: {id: "image-quay"}, data: {}) { id } }`, nil)
	if err := p.AddSecret(primehub.Secret{Name: "dockerhub"}); err == nil {
		t.Error("a secret twice, and no error")
	}
	if err := p.RemoveSecret("image-none"); err == nil {
		t.Error("no such secret, and no error")
	}
	if err := p.RemoveSecret("image-internal"); err != nil {
		t.Error(err)
	}
}
