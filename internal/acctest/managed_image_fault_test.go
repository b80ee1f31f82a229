package acctest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
)

// registryFault is something that a registry does to every request from then on.
type registryFault struct {
	name string
	rule fault.Rule
	// says is what a message has of the answer and of what to do, whatever the breaks of lines.
	says []string
}

const (
	checkAddress = "Check that the address in the provider's configuration"
	applyAgain   = "Apply again"
	webPage      = "<!DOCTYPE html><html><body>Sign in to the corporate network</body></html>"
)

func registryFaults() []registryFault {
	words := func(code, message string) json.RawMessage {
		return json.RawMessage(`{"errors":[{"code":"` + code + `","message":"` + message + `"}]}`)
	}
	return []registryFault{
		{"401", fault.Rule{Status: http.StatusUnauthorized, JSON: words("UNAUTHORIZED", "who are you")}, []string{"401 Unauthorized", "UNAUTHORIZED: who are you", "docker login"}},
		{"403", fault.Rule{Status: http.StatusForbidden, JSON: words("DENIED", "not yours")}, []string{"403 Forbidden", "DENIED: not yours", "Ask for the right"}},
		{"429", fault.Rule{Status: http.StatusTooManyRequests, JSON: words("TOOMANYREQUESTS", "slow down")}, []string{"429 Too Many Requests", "TOOMANYREQUESTS: slow down", "Apply again later"}},
		{"429 for an hour", fault.Rule{Status: http.StatusTooManyRequests, RetryAfter: "3600"}, []string{"429 Too Many Requests", "Apply again later"}},
		{"500", fault.Rule{Status: http.StatusInternalServerError, Body: "disk on fire"}, []string{"500 Internal Server Error", "disk on fire", applyAgain}},
		{"503", fault.Rule{Status: http.StatusServiceUnavailable, Body: "back at noon"}, []string{"503 Service Unavailable", "back at noon", applyAgain}},
		{"reset", fault.Rule{Reset: true}, []string{"connection reset by peer", checkAddress}},
		{"no answer", fault.Rule{DropAnswer: true}, []string{"EOF"}},
		{"page with 200", fault.Rule{Status: http.StatusOK, Body: webPage}, []string{"HTML page", "it is no registry that answered", checkAddress}},
		{"page with 404", fault.Rule{Status: http.StatusNotFound, Body: webPage}, []string{"HTML page", "it is no registry that answered", checkAddress}},
		{"JSON cut short", fault.Rule{Status: http.StatusOK, JSON: json.RawMessage(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","conf`), Headers: map[string]string{"Content-Type": "application/vnd.oci.image.manifest.v1+json"}}, []string{"cut short"}},
		{"body cut short", fault.Rule{Path: "/manifests/", Truncate: 10}, []string{"unexpected EOF"}},
	}
}

// A registry that does not answer as it should costs an error with a next step, and never a byte of the state. A plan meets each fault at its first request of
// the registry; an apply and a destroy have an image for each fault, and meet it at their first request about that image.
func TestManagedImage_registryFaults(t *testing.T) {
	t.Parallel()
	registry := acctest.StartRegistry(t, oci.Options{})
	w := acctest.Embedded{Registry: registry.Host, Others: []string{"http = { max_retries = 1 }"}}.NewWorkspace(t)
	var rules []fault.Rule
	var config strings.Builder
	faults := map[string]registryFault{}
	for i, f := range registryFaults() {
		name := fmt.Sprintf("model-%d", i)
		faults[name] = f
		config.WriteString(imageOf(name, "tiny-model<2"))
		f.rule.Path = "^/v2/ml/" + name + "/(.*/)?" + strings.TrimPrefix(f.rule.Path, "/")
		rules = append(rules, f.rule)
	}
	w.Write("main.tf", config.String())
	strike := func(rules ...fault.Rule) {
		t.Helper()
		if err := registry.SetFaults(rules...); err != nil {
			t.Fatal(err)
		}
	}
	all := []string{"-parallelism=20", "-auto-approve"}
	expectAll := func(verb string, r acctest.Result) {
		t.Helper()
		errors := errorsOf(r)
		for name, f := range faults {
			shows(t, errors[name], append(f.says, fmt.Sprintf("Tried to %s managed image %q", verb, name), "Managed image: "+name, registry.Host)...)
			if _, there := w.Image(name); there == (verb == "create") {
				t.Errorf("%s, %s: the state has lost the image, or invented one", verb, f.name)
			}
		}
	}
	strike(rules...)
	expectAll("create", fails(t, w, append([]string{"apply"}, all...)))
	strike()
	w.MustRun(append([]string{"apply"}, all...)...) // none of it has done any harm

	before := w.StateFile()
	expectState := func() {
		t.Helper()
		if after := w.StateFile(); !bytes.Equal(before, after) {
			t.Errorf("the state was\n%s\nand is\n%s", before, after)
		}
	}
	strike(rules...)
	expectAll("delete", fails(t, w, append([]string{"destroy", "-refresh=false"}, all...)))
	expectState()
	for _, f := range registryFaults() {
		strike(f.rule)
		fails(t, w, []string{"plan", "-target=rime_managed_image.model-0"}, append(f.says, "Tried to read managed image", registry.Host)...)
		expectState()
	}
	strike()
	w.MustRun(append([]string{"destroy"}, all...)...)
	for name := range faults {
		expectNothingLeft(t, registry, name)
	}
}

// A registry that cannot be reached at all is the same.
func TestManagedImage_registryDown(t *testing.T) {
	t.Parallel()
	// No other test takes a port of this address, so that nobody answers there in the end.
	registry, err := oci.StartAt("127.0.0.2:0", oci.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	w := acctest.NewEmbeddedWorkspace(t, registry.Host, "insecure = true")
	w.Write("main.tf", imageOf("model", "tiny-model<2"))
	w.Apply()
	if err := registry.Close(); err != nil {
		t.Fatal(err)
	}
	before := w.StateFile()
	for verb, args := range map[string][]string{"read": {"plan"}, "delete": {"destroy", "-auto-approve", "-refresh=false"}} {
		fails(t, w, args, fmt.Sprintf("Tried to %s managed image %q", verb, "model"), "connection refused", checkAddress)
		if after := w.StateFile(); !bytes.Equal(before, after) {
			t.Errorf("the state was\n%s\nand is\n%s", before, after)
		}
	}
}

// A fault that passes is survived without a word, wherever it strikes.
func TestManagedImage_registryFaultsSurvived(t *testing.T) {
	t.Parallel()
	const ours, record, image = `/(manifests/rime-|tags/list)`, "/manifests/rime-record$", `/manifests/3\.11-`
	const pushing = "429 for BuildKit's push"
	rules := map[string][]fault.Rule{
		"429 with Retry-After":    {{Times: 2, Status: http.StatusTooManyRequests, RetryAfter: "1"}},
		"429 without Retry-After": {{Path: ours, Times: 3, Status: http.StatusTooManyRequests}},
		pushing:                   {{Method: http.MethodPut, Path: image, Times: 5, Status: http.StatusTooManyRequests}},
		"503 and reset":           {{Path: ours, Times: 2, Status: http.StatusServiceUnavailable}, {Path: ours, Nth: 5, Times: 2, Reset: true}},
		"answers lost": {
			{Method: http.MethodPut, Path: record, Nth: 1, Times: 1, DropAnswer: true},
			{Method: http.MethodPut, Path: record, Nth: 3, Times: 1, DropAnswer: true},
			{Method: http.MethodPut, Path: "/manifests/rime-claim", Nth: 1, Times: 1, DropAnswer: true},
			{Method: http.MethodDelete, Nth: 2, Times: 2, DropAnswer: true},
		},
	}
	for name, rules := range rules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry, w := setup(t, imageOf("model", "tiny-model<2"))
			struck := func() bool {
				return slices.ContainsFunc(registry.Requests(), func(r fault.Request) bool { return r.Fault })
			}
			for _, verb := range []string{"create", "delete"} {
				registry.Forget()
				if err := registry.SetFaults(rules...); err != nil {
					t.Fatal(err)
				}
				if verb == "create" {
					w.Apply()
				} else {
					w.Destroy()
				}
				if !struck() && (verb == "create" || name != pushing) {
					t.Errorf("%s: nothing went wrong", verb)
				}
				if err := registry.SetFaults(); err != nil {
					t.Fatal(err)
				}
				if verb == "create" {
					w.PlanIsEmpty()
				}
			}
			expectNothingLeft(t, registry, "model")
		})
	}
}

// Credentials that may read and not push: the image is built, and the message says why it is nowhere to be found.
func TestManagedImage_pushRefused(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, imageOf("model", "tiny-model<2"))
	denied := json.RawMessage(`{"errors":[{"code":"DENIED","message":"read only"}]}`)
	if err := registry.SetFaults(fault.Rule{Method: http.MethodPut, Path: `/manifests/3\.11-`, Status: http.StatusForbidden, JSON: denied}); err != nil {
		t.Fatal(err)
	}
	fails(t, w, []string{"apply", "-auto-approve"}, "Managed Image Build Failed", `in the step "publish the image"`, "denied: read only", "Class: push",
		"The image was built but not published", "Managed image: model")
	if image, _ := w.Image("model"); image.Text("status") != "failed" || !image.Tainted {
		t.Errorf("the state: %v", image)
	}
	if err := registry.SetFaults(); err != nil {
		t.Fatal(err)
	}
	orphans := orphansOf(t, registry, "model")
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
	expectNothingLeftBut(t, registry, "model", orphans)
}
