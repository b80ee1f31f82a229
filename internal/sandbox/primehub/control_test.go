package primehub_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// What a person does in the portal of a group: names are generated, fields are split and cleared as the page does it.
func TestPortal(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	name, err := p.AddFromPortal("data-science", primehub.PortalForm{DisplayName: "My Image_1.0", Type: "both", URL: " u ", PullSecret: "image-dockerhub"})
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^my-image-1-0-[a-z0-9]{5}$`).MatchString(name) {
		t.Errorf("name %q", name)
	}
	if d := diff(object{
		"displayName": "My Image_1.0", "description": "", "url": "u", "urlForGpu": "u", "groupName": "data-science", "useImagePullSecret": "image-dockerhub",
	}, p.image(name)); d != "" || p.sharedWith(name) != "data-science" {
		t.Errorf("shared with %q (-want +got)\n%s", p.sharedWith(name), d)
	}
	if err := p.EditInPortal(name, primehub.PortalForm{DisplayName: "Other", Type: "gpu", URL: "v", Description: "x"}); err != nil {
		t.Fatal(err)
	}
	if d := diff(object{
		"displayName": "Other", "description": "x", "type": "gpu", "url": "v", "urlForGpu": "v", "groupName": "data-science", "useImagePullSecret": nil,
	}, p.image(name)); d != "" {
		t.Errorf("edited (-want +got)\n%s", d)
	}

	conda, pip := "-c pytorch\n  -c fastai fastai  \n\n", ""
	name, err = p.AddFromPortal("data-science", primehub.PortalForm{
		DisplayName: strings.Repeat("long ", 20), Type: "cpu", Build: &primehub.PortalBuild{BaseImage: "python", Conda: &conda, Pip: &pip},
	})
	if err != nil || len(name) != 63 {
		t.Fatalf("%q: %v", name, err)
	}
	packages := func() any {
		spec, _ := p.image(name)["imageSpec"].(object)
		return spec["packages"]
	}
	if d := cmp.Diff(object{"apt": []any{}, "conda": []any{"-c", "pytorch", "-c", "fastai", "fastai"}, "pip": []any{""}}, packages()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	p.pass(400)
	conda = "-c pytorch fastai\n numpy"
	if err := p.RebuildInPortal(name, primehub.PortalBuild{BaseImage: "python", Conda: &conda}); err != nil {
		t.Fatal(err)
	}
	p.pass(1)
	if d := cmp.Diff(object{"apt": []any{}, "conda": []any{"-c pytorch fastai", " numpy"}, "pip": []any{}}, packages()); d != "" {
		t.Errorf("rebuilt (-want +got)\n%s", d)
	}
	if err := p.CancelInPortal(name); err != nil {
		t.Fatal(err)
	}
	p.pass(1)
	if status, _ := p.image(name)["jobStatus"].(object); status["phase"] != "Cancelled" {
		t.Errorf("cancelled: %v", status)
	}
	for what, err := range map[string]error{
		"edit":    p.EditInPortal("none", primehub.PortalForm{}),
		"rebuild": p.RebuildInPortal("none", primehub.PortalBuild{}),
		"cancel":  p.CancelInPortal("none"),
	} {
		if err == nil {
			t.Errorf("%s: no such image, and no error", what)
		}
	}
	if _, err := p.AddFromPortal("none", primehub.PortalForm{}); err == nil {
		t.Error("no such group, and no error")
	}
	if operations := p.Operations(); len(operations) == 0 || p.CountOperations("createImage") != 0 {
		t.Errorf("what the portal does is recorded: %v", operations)
	}
}

func TestDo(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	data, err := p.Do(primehub.UserAdmin, `mutation ($data: ImageCreateInput!) { createImage(data: $data) { id } }`, object{"data": object{"name": "churn"}})
	if d := cmp.Diff(object{"createImage": object{"id": "churn"}}, data); d != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	if _, err := p.Do(primehub.UserMember, deleteDocument, where("churn")); err == nil || err.Error() != notAuthorise {
		t.Errorf("as a member: %v", err)
	}
	if _, err := p.Do("nobody", `{ me { id } }`, nil); err == nil {
		t.Error("as nobody: no error")
	}
}

func TestControl_behindTheBack(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.create(object{"name": "churn", "url": "u", "global": true})
	if err := p.EditResource("churn", object{"url": "v", "imageSpec": object{"baseImage": "python", "packages": object{"pip": []any{"x"}}}, "unknown": 1}); err != nil {
		t.Fatal(err)
	}
	if err := p.EditResource("churn", object{"imageSpec": object{"baseImage": nil}}); err == nil {
		t.Error("an invalid resource is taken")
	}
	image := p.ok(`{ image(where: {id: "churn"}) { url spec } }`, nil)
	if d := cmp.Diff(object{"url": "v", "spec": object{
		"displayName": "churn", "type": "both", "url": "v", "urlForGpu": "u", "pullSecret": "",
		"imageSpec": object{"baseImage": "python", "packages": object{"apt": []any{}, "conda": []any{}, "pip": []any{"x"}}},
	}}, image); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if err := p.SetPhase("churn", "Preparing"); err != nil || p.state("churn") != `"Preparing" true v` {
		t.Errorf("%v %s", err, p.state("churn"))
	}
	if err := p.Remove("churn"); err != nil || len(p.Roles()) != 0 || p.image("churn") != nil {
		t.Errorf("%v %q", err, p.Roles())
	}
	if err := p.AddRole("orphan"); err != nil {
		t.Fatal(err)
	}
	p.refused(conflict, createDocument, object{"data": object{"name": "orphan"}})
	for what, err := range map[string]error{
		"Remove": p.Remove("none"), "EditResource": p.EditResource("none", nil), "SetPhase": p.SetPhase("none", "x"),
		"RemovePod": p.RemovePod("none"), "RemoveRole": p.RemoveRole("none"), "SetBuildTime": p.SetBuildTime(0),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if err := p.SetBuildTime(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	p.create(custom("quick", "jupyter/base-notebook", nil))
	p.follow("quick", step{41, `"Succeeded" true ` + base + "quick:c9011819"})
}

// Every route of the control endpoint does what it says, and one that is misspelt is an error.
func TestControl_http(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.create(object{"name": "churn", "url": "u"})
	p.create(custom("built", "python", nil))
	p.create(object{"name": "doomed"})
	p.pass(1)
	server := httptest.NewServer(p.Control())
	t.Cleanup(server.Close)
	c := &platform{p.Platform, t, server.URL, p.clock, ""}
	for _, tc := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/graphql", `{"user": "phadmin", "query": "query ($i: ID!) { image(where: {id: $i}) { url } }", "variables": {"i": "churn"}}`, 200, `{"image":{"url":"u"}}`},
		{"POST", "/portal/images", `{"group": "research", "display_name": "New", "type": "cpu", "url": "u"}`, 200, `{"name":"new-`},
		{"PUT", "/portal/images/churn", `{"display_name": "Churn", "type": "cpu", "url": "w"}`, 204, ""},
		{"PUT", "/portal/images/built/build", `{"base_image": "python", "pip": "x"}`, 204, ""},
		{"DELETE", "/portal/images/built/build", "", 204, ""},
		{"PATCH", "/images/churn", `{"description": "text"}`, 204, ""},
		{"PUT", "/images/churn/phase", `{"phase": "Odd"}`, 204, ""},
		{"DELETE", "/images/doomed", "", 204, ""},
		{"DELETE", "/pods/built", "", 204, ""},
		{"PUT", "/roles/orphan", "", 204, ""},
		{"DELETE", "/roles/orphan", "", 204, ""},
		{"POST", "/groups", `{"name": "new", "display_name": "New", "admins": ["mike"]}`, 204, ""},
		{"PUT", "/users/mike/groups", `{"groups": ["new"]}`, 204, ""},
		{"DELETE", "/groups/new", "", 204, ""},
		{"POST", "/secrets", `{"name": "new"}`, 204, ""},
		{"DELETE", "/secrets/image-new", "", 204, ""},
		{"PUT", "/users/mike/token", `{"token": "t"}`, 204, ""},
		{"PUT", "/outages", `[{"backend": "kubernetes", "verb": "delete"}]`, 204, ""},
		{"PUT", "/failures/numpy", `{"failure": "out_of_memory"}`, 204, ""},
		{"DELETE", "/failures/numpy", "", 204, ""},
		{"PUT", "/build-time", `{"build_time": "3s"}`, 204, ""},
		{"GET", "/builds/built", "", 200, `"dockerfile":"FROM python\nUSER root\n`},
		{"GET", "/operations", "", 200, `"fields":["createImage"]`},
		{"DELETE", "/operations", "", 204, ""},
		{"GET", "/operations", "", 200, `{"operations":[]}`},
		{"GET", "/builds/none", "", 200, `{"builds":[]}`},

		{"PUT", "/build-time", `{"build_time": "3"}`, 400, "missing unit"},
		{"PUT", "/build-time", `{"buildtime": "3s"}`, 400, "unknown field"},
		{"PUT", "/outages", `[{"backend": "redis"}]`, 400, "no backend is called"},
		{"PUT", "/failures/numpy", `{"failure": "none"}`, 400, "no failure is called"},
		{"POST", "/graphql", `{"user": "phadmin", "query": "{ none }"}`, 400, "Cannot query field"},
		{"DELETE", "/images/none", "", 400, "no image is called"},
		{"POST", "/images", "", 404, ""},
	} {
		a := c.send(tc.method, tc.path, tc.body)
		if a.status != tc.status || !strings.Contains(a.body, tc.want) {
			t.Errorf("%s %s: %+v, want %d %s", tc.method, tc.path, a, tc.status, tc.want)
		}
	}
	if d := diff(object{"displayName": "Churn", "url": "w", "description": "text", "jobStatus": object{"phase": "Odd", "image": ""}}, p.image("churn")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// To the gate, operations can be told apart by path; the platform itself has one path only.
func TestStart_gate(t *testing.T) {
	t.Parallel()
	s, err := primehub.Start(primehub.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p := &platform{s.Platform, t, s.URL, nil, primehub.TokenAdmin}
	if err := s.SetFaults(fault.Rule{Service: primehub.Service, Path: "^/api/graphql/createImage$", Status: http.StatusBadGateway, Body: "<html>"}); err != nil {
		t.Fatal(err)
	}
	call := func(query string) int {
		return p.send(http.MethodPost, primehub.Path, fmt.Sprintf(`{"query": %q}`, query), "Content-Type", "application/json").status
	}
	for query, want := range map[string]int{
		`mutation { createImage(data: {name: "x"}) { id } }`: http.StatusBadGateway,
		`{ image(where: {id: "x"}) { id } images { id } }`:   http.StatusOK,
		`{ broken`: http.StatusBadRequest,
	} {
		if got := call(query); got != want {
			t.Errorf("%s: status %d, want %d", query, got, want)
		}
	}
	if got := p.send(http.MethodPost, primehub.Path+"/image", `{"query": "{ me { id } }"}`, "Content-Type", "application/json").status; got != http.StatusNotFound {
		t.Errorf("what the gate sees is no path of the platform: status %d", got)
	}
	for path, want := range map[string]int{"/createImage$": 1, "/image[+]images$": 1, "^/api/graphql$": 1} {
		if got := s.Count(http.MethodPost, path); got != want {
			t.Errorf("%s: %d requests, want %d", path, got, want)
		}
	}
	if s.CountOperations("createImage") != 0 || s.Endpoint() != s.URL+"/api/graphql" {
		t.Errorf("%+v", s.Operations())
	}
	if a := p.send(http.MethodGet, "/control/requests", ""); a.status != http.StatusOK || !strings.Contains(a.body, `"/api/graphql/image+images"`) {
		t.Errorf("%+v", a)
	}
	if a := p.send(http.MethodGet, "/control/primehub/operations", ""); a.status != http.StatusOK || !strings.Contains(a.body, `"image"`) {
		t.Errorf("%+v", a)
	}
}

func TestPreload(t *testing.T) {
	t.Parallel()
	all := func(seed uint64) []any {
		p := start(t, primehub.Options{Preload: primehub.Preload{Images: 60, Pattern: "team-%03d", Seed: seed}})
		images, _ := p.ok(`{ images { id displayName type url isReady groupName global groups { name } jobStatus { phase } imageSpec { baseImage packages { pip } } } }`, nil).([]any)
		return images
	}
	first, again, other := all(1), all(1), all(2)
	if d := cmp.Diff(first, again); d != "" {
		t.Errorf("the same seed, and yet (-first +again)\n%s", d)
	}
	if cmp.Equal(first, other) {
		t.Error("another seed, and the same images")
	}
	kinds := map[string]int{}
	for i, image := range first {
		o, _ := image.(object)
		if o["id"] != fmt.Sprintf("team-%03d", i) || o["isReady"] != true {
			t.Errorf("image %d: %v", i, image)
		}
		groups, _ := o["groups"].([]any)
		kinds[fmt.Sprintf("built %v, of a group %v, global %v, shared %v", o["imageSpec"] != nil, o["groupName"] != nil, o["global"], len(groups))]++
	}
	if len(kinds) != 4 {
		t.Errorf("kinds: %v", kinds)
	}
	if _, err := primehub.New(primehub.Options{Preload: primehub.Preload{Images: 2, Pattern: "x"}}); err == nil {
		t.Error("two images of one name, and no error")
	}
	if _, err := primehub.New(primehub.Options{Preload: primehub.Preload{Images: 1, Pattern: "X%d"}}); err == nil {
		t.Error("an invalid name, and no error")
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]primehub.Options{
		"failure":    {Failures: map[string]primehub.Failure{"x": "none"}},
		"build time": {BuildTime: -1},
		"edition":    {Edition: 2},
		"user":       {Users: []primehub.User{{}}},
		"step":       {TimeStep: -1},
		"group":      {Users: []primehub.User{{Username: "x", Groups: []string{"none"}}}},
	} {
		if _, err := primehub.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	p, err := primehub.New(primehub.Options{Users: []primehub.User{}, Groups: []primehub.Group{}})
	if err != nil || p.APIToken() != "" || p.DefaultGroup() != "" {
		t.Errorf("nobody: %v", err)
	}
}

// The platform is used by many at once.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := fmt.Sprintf("image-%d", i)
			p.create(custom(name, "jupyter/base-notebook", nil))
			p.pass(2)
			p.ok(`{ images { id groups { id } } }`, nil)
			p.update(name, object{"description": name})
			p.Builds(name)
			p.pass(1)
			if i%2 == 0 {
				p.ok(cancelDocument, where(name))
			}
		})
	}
	group.Wait()
	p.pass(1000)
	for i := range 8 {
		want := `"Succeeded" true`
		if i%2 == 0 {
			want = `"Cancelled" false`
		}
		if got := p.state(fmt.Sprintf("image-%d", i)); !strings.HasPrefix(got, want) {
			t.Errorf("image %d: %s, want %s", i, got, want)
		}
	}
}
