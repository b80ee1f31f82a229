package primehub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/agenda"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// platform is a platform on a port, with a clock, and a client without any of our code.
type platform struct {
	*primehub.Platform
	t     *testing.T
	url   string
	clock *agenda.Clock
	token string
}

// start starts a platform with the times of a real one: builds of 300 s, the first look after 10 s, the next every 30 s. The controller
// reacts within a tenth of a second, and writes that nobody waits for take half of one.
func start(t *testing.T, o primehub.Options) *platform {
	t.Helper()
	c := agenda.NewClock(time.Date(2024, 3, 1, 12, 0, 0, 123e6, time.UTC))
	o.Clock = c.Now
	for value, otherwise := range map[*time.Duration]time.Duration{
		&o.BuildTime: 300 * time.Second, &o.Reaction: 100 * time.Millisecond, &o.WriteDelay: 50 * time.Millisecond,
	} {
		if *value == 0 {
			*value = otherwise
		}
	}
	p, err := primehub.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return &platform{p, t, server.URL, c, primehub.TokenAdmin}
}

// pass lets time pass by the platform's clock.
func (p *platform) pass(seconds float64) {
	p.clock.Advance(time.Duration(math.Round(seconds*1000)) * time.Millisecond)
}

// as is the same platform to the owner of another token.
func (p *platform) as(token string) *platform {
	other := *p
	other.token = token
	return &other
}

type object = map[string]any

type answer struct {
	status      int
	contentType string
	body        string
}

// send sends a request with the token.
func (p *platform) send(method, path, body string, headers ...string) answer {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(text)}
}

// told is what a GraphQL answer says went wrong: "message (code)", as it has to be.
type told struct {
	Errors []struct {
		Message    string
		Extensions object
		// Path and Locations are never there.
		Path, Locations any
	}
	Data object
}

// ask sends an operation, and returns status, data and errors.
func (p *platform) ask(document string, variables object) (int, object, []string) {
	p.t.Helper()
	body, err := json.Marshal(object{"query": document, "variables": variables})
	if err != nil {
		p.t.Fatal(err)
	}
	a := p.send(http.MethodPost, primehub.Path, string(body), "Content-Type", "application/json")
	return a.status, a.told(p.t).Data, a.errors(p.t)
}

func (a answer) told(t *testing.T) told {
	t.Helper()
	var read told
	decoder := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil || a.contentType != "application/json" {
		t.Fatalf("not an answer of GraphQL: %v\n%+v", err, a)
	}
	return read
}

func (a answer) errors(t *testing.T) []string {
	t.Helper()
	var errors []string
	for _, e := range a.told(t).Errors {
		if e.Path != nil || e.Locations != nil || len(e.Extensions) != 1 {
			t.Errorf("an error tells more than message and code: %+v", e)
		}
		errors = append(errors, fmt.Sprintf("%s (%s)", e.Message, e.Extensions["code"]))
	}
	return errors
}

// ok sends an operation that must succeed, and returns the value of its only root field.
func (p *platform) ok(document string, variables object) any {
	p.t.Helper()
	status, data, errors := p.ask(document, variables)
	if status != http.StatusOK || len(errors) > 0 || len(data) != 1 {
		p.t.Fatalf("%s: status %d, errors %q, data %v", document, status, errors, data)
	}
	for _, value := range data {
		return value
	}
	return nil
}

// refused sends an operation that must fail with exactly this error.
func (p *platform) refused(want, document string, variables object) object {
	p.t.Helper()
	_, data, errors := p.ask(document, variables)
	if diff := cmp.Diff([]string{want}, errors); diff != "" {
		p.t.Errorf("%s %v (-want +got)\n%s", document, variables, diff)
	}
	return data
}

const selection = `{ id name displayName description type url urlForGpu groupName global useImagePullSecret isReady
	jobStatus { phase image } imageSpec { baseImage pullSecret cancel updateTime packages { apt pip conda } } }`

const (
	createDocument  = `mutation ($data: ImageCreateInput!) { createImage(data: $data) ` + selection + ` }`
	updateDocument  = `mutation ($where: ImageWhereUniqueInput!, $data: ImageUpdateInput!) { updateImage(where: $where, data: $data) ` + selection + ` }`
	rebuildDocument = `mutation ($where: ImageWhereUniqueInput!, $data: ImageSpecUpdateInput!) { rebuildImage(where: $where, data: $data) ` + selection + ` }`
	deleteDocument  = `mutation ($where: ImageWhereUniqueInput!) { deleteImage(where: $where) { id global groups { id } } }`
	cancelDocument  = `mutation ($where: ImageWhereUniqueInput!) { cancelImageBuild(where: $where) ` + selection + ` }`
	readDocument    = `query ($where: ImageWhereUniqueInput!) { image(where: $where) ` + selection + ` }`
	groupsDocument  = `query ($where: ImageWhereUniqueInput!) { image(where: $where) { global groups { name } } }`
)

func where(id string) object { return object{"where": object{"id": id}} }

func (p *platform) create(data object) object {
	p.t.Helper()
	created, _ := p.ok(createDocument, object{"data": data}).(object)
	return created
}

func (p *platform) update(id string, data object) object {
	p.t.Helper()
	updated, _ := p.ok(updateDocument, object{"where": object{"id": id}, "data": data}).(object)
	return updated
}

func (p *platform) rebuild(id string, data object) object {
	p.t.Helper()
	rebuilt, _ := p.ok(rebuildDocument, object{"where": object{"id": id}, "data": data}).(object)
	return rebuilt
}

// image reads an image: nil if the answer is null.
func (p *platform) image(id string) object {
	p.t.Helper()
	image, _ := p.ok(readDocument, where(id)).(object)
	return image
}

// sharedWith are the names of the groups of an image, and "everyone".
func (p *platform) sharedWith(id string) string {
	p.t.Helper()
	image, _ := p.ok(groupsDocument, where(id)).(object)
	var names []string
	if image["global"] == true {
		names = append(names, "everyone")
	}
	groups, _ := image["groups"].([]any)
	for _, g := range groups {
		group, _ := g.(object)
		names = append(names, fmt.Sprint(group["name"]))
	}
	return strings.Join(names, " ")
}

// state is how far an image is: its phase, whether it is ready, and its url.
func (p *platform) state(id string) string {
	p.t.Helper()
	image := p.image(id)
	phase := "null"
	if status, ok := image["jobStatus"].(object); ok {
		phase = fmt.Sprintf("%q", status["phase"])
	}
	return fmt.Sprintf("%s %v %v", phase, image["isReady"], image["url"])
}

// custom is an image to build.
func custom(name, base string, packages object) object {
	return object{"name": name, "imageSpec": object{"baseImage": base, "packages": packages}}
}

// diff compares what is given of an object.
func diff(want, got object) string {
	part := object{}
	for key := range want {
		part[key] = got[key]
	}
	return cmp.Diff(want, part)
}
