package rime_test

import (
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
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// platform is a platform on a port, with a clock, and a client without any of our code.
type platform struct {
	*rime.Platform
	t     *testing.T
	url   string
	clock *agenda.Clock
	key   string
}

// start starts a platform whose builds take 100 seconds, so that the parts of a build are seconds: requested until 5, pending until 20,
// running until 100, and the image is ready at 110. The deadline is at 1200.
func start(t *testing.T, o rime.Options) *platform {
	t.Helper()
	c := agenda.NewClock(time.Date(2024, 3, 1, 12, 0, 0, 123e6, time.UTC))
	o.Clock = c.Now
	if o.BuildTime == 0 {
		o.BuildTime = 100 * time.Second
	}
	p, err := rime.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return &platform{p, t, server.URL, c, rime.KeyOrgAdmin}
}

// pass lets time pass by the platform's clock.
func (p *platform) pass(seconds float64) {
	p.clock.Advance(time.Duration(math.Round(seconds*1000)) * time.Millisecond)
}

// as is the same platform to the owner of another key.
func (p *platform) as(key string) *platform {
	other := *p
	other.key = key
	return &other
}

type answer struct {
	status      int
	contentType string
	body        string
}

// call sends a request with the key and a body, if there is one.
func (p *platform) call(method, path, body string) answer {
	p.t.Helper()
	var sent io.Reader
	if body != "" {
		sent = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, sent)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.key != "" {
		request.Header.Set("rime-api-key", p.key)
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

// ok sends a request that must succeed, and returns the object that it is answered with.
func (p *platform) ok(method, path, body string) map[string]any {
	p.t.Helper()
	a := p.call(method, path, body)
	if a.status != http.StatusOK {
		p.t.Fatalf("%s %s: %+v", method, path, a)
	}
	return a.object(p.t)
}

// object reads the answer as a JSON object.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(a.body), &object); err != nil || a.contentType != "application/json" {
		t.Fatalf("not JSON: %v\n%+v", err, a)
	}
	return object
}

// refused sends a request that must be refused with this status and code, in the API's words.
func (p *platform) refused(status, code int, method, path, body string) string {
	p.t.Helper()
	a := p.call(method, path, body)
	if a.status != status {
		p.t.Errorf("%s %s %s: status %d, want %d: %s", method, path, body, a.status, status, a.body)
		return ""
	}
	object := a.object(p.t)
	message, _ := object["message"].(string)
	if diff := cmp.Diff(map[string]any{"code": float64(code), "message": message, "details": []any{}}, object); diff != "" || message == "" {
		p.t.Errorf("%s %s: the error (-want +got)\n%s", method, path, diff)
	}
	return message
}

// create creates an image that installs a package, and returns the id of its job.
func (p *platform) create(name, pip string) string {
	p.t.Helper()
	created := p.ok(http.MethodPost, "/v1/images", fmt.Sprintf(`{"name": %q, "pipRequirements": [{"name": %q}]}`, name, pip))
	id, _ := at(created, "job.jobId").(string)
	return id
}

// image is an image as the API tells it, and job is a job.
func (p *platform) image(name string) map[string]any {
	p.t.Helper()
	image, _ := p.ok(http.MethodGet, "/v1/images/"+name, "")["image"].(map[string]any)
	return image
}

func (p *platform) job(id string) map[string]any {
	p.t.Helper()
	job, _ := p.ok(http.MethodGet, "/v1/jobs/"+id+"?view=JOB_VIEW_FULL", "")["job"].(map[string]any)
	return job
}

// states are the statuses of a job and an image, without their prefixes.
func (p *platform) states(id, name string) string {
	p.t.Helper()
	job, _ := p.job(id)["status"].(string)
	image, _ := p.image(name)["status"].(string)
	return strings.TrimPrefix(job, "JOB_STATUS_") + " " + strings.TrimPrefix(image, "STATUS_")
}

// at finds a member by its path.
func at(object any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		members, _ := object.(map[string]any)
		object = members[name]
	}
	return object
}

// names are the names of a list of objects.
func names(list any) []string {
	found := []string{}
	elements, _ := list.([]any)
	for _, element := range elements {
		name, _ := at(element, "name").(string)
		found = append(found, name)
	}
	return found
}
