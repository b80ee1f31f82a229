package primehub_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

const logOfChurn = "/api/logs/images/churn/job"

// The statuses of internal/primehub/CONTRACT.md §4.7, none of which is an answer of GraphQL.
func TestLog_refusals(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{Reaction: time.Second, SharedSecret: sharedSecret})
	refused := func(who *platform, status int, want string, headers ...string) {
		t.Helper()
		a := who.send(http.MethodGet, logOfChurn, "", headers...)
		if a.status != status || !strings.Contains(a.body, want) || strings.HasPrefix(a.body, "{") != json.Valid([]byte(a.body)) {
			t.Errorf("%+v, want %d %s", a, status, want)
		}
	}
	const missing = `{"code":"RESOURCE_NOT_FOUND","message":"HTTP request failed"}`
	refused(p, 400, missing)
	p.create(object{"name": "churn", "url": "u", "groupName": "data-science"})
	refused(p, 400, missing) // no job
	p.rebuild("churn", object{"baseImage": "python"})
	p.pass(1.5)
	refused(p, 500, `{"code":"INTERNAL_ERROR"`) // no status
	p.pass(3)
	refused(p, 400, `{"apiVersion":"v1"`)
	refused(p, 400, `is waiting to start: ContainerCreating`)
	p.pass(100)

	for _, accept := range []string{"", "*/*", "text/html,application/json"} {
		refused(p.as(primehub.TokenMember), 403, "<h1>403</h1>", "Accept", accept)
		refused(p.as(""), 403, "<h1>403</h1>", "Accept", accept)
	}
	for _, accept := range []string{"text/plain", "application/json"} {
		refused(p.as(primehub.TokenMember), 403, `{"code":"INTERNAL_ERROR","message":"request not authorized"}`, "Accept", accept)
	}
	refused(p.as("wrong"), 500, `{"code":"INTERNAL_ERROR","message":"Invalid API Token"}`)
	for _, token := range []string{primehub.TokenAdmin, primehub.TokenGroupAdmin, sharedSecret} {
		refused(p.as(token), 200, "This log is simulated by rime-sandbox")
	}
	p.update("churn", object{}) // a system image: its log is the administrators'
	refused(p.as(primehub.TokenGroupAdmin), 403, "<h1>403</h1>")

	p.pass(400)
	if err := p.RemovePod("churn"); err != nil {
		t.Fatal(err)
	}
	refused(p, 404, `{"apiVersion":"v1","code":404`)
	if err := p.RemovePod("churn"); err == nil {
		t.Error("no pod, no error")
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{Host: "https://primehub.example.com/"})
	p.create(custom("churn", "jupyter/base-notebook", object{
		"apt": []any{"curl", "g++"}, "conda": []any{"-c", "pytorch", "fastai"}, "pip": []any{"numpy==1.17*", "scipy", "requests[security]"},
	}))
	image, _ := p.ok(`{ image(where: {id: "churn"}) { logEndpoint } }`, nil).(object)
	if got := image["logEndpoint"]; got != "https://primehub.example.com"+logOfChurn {
		t.Errorf("address %v", got)
	}
	p.pass(60)
	early := p.send(http.MethodGet, logOfChurn+"?follow=false", "")
	if early.contentType != "text/plain" || !strings.Contains(early.body, "[Step: build]") || strings.Contains(early.body, "[Step: push]") {
		t.Errorf("in the midst: %+v", early)
	}
	p.pass(400)
	log := p.send(http.MethodGet, logOfChurn, "").body
	for _, want := range []string{
		"[Step: init]", "Generating Dockerfile", "FROM jupyter/base-notebook", "[Step: build]", "Fetching base image: jupyter/base-notebook",
		"Building image: registry.sandbox.invalid/primehub/churn:", "RUN apt-get update && apt-get install -y --no-install-recommends curl\n",
		"RUN conda install --quiet --yes -c pytorch fastai\n", "RUN pip install --no-cache-dir scipy\n", "[Step: push]", "[Completed]",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
	for _, dropped := range []string{"g++", "1.17*", "requests"} {
		if strings.Contains(log, dropped) {
			t.Errorf("%q is not left out of\n%s", dropped, log)
		}
	}
	lines := strings.SplitAfter(strings.TrimSuffix(log, "\n"), "\n")
	if got := p.send(http.MethodGet, logOfChurn+"?tailLines=2", "").body; got != strings.Join(lines[len(lines)-2:], "")+"\n" {
		t.Errorf("the last two lines: %q", got)
	}
	if got := p.send(http.MethodGet, logOfChurn+"?tailLines=0", "").body; got != "" {
		t.Errorf("no lines: %q", got)
	}
	if got := p.Builds("churn")[0]; got.Log != log || !strings.HasPrefix(got.Dockerfile, "FROM jupyter/base-notebook\nUSER root\nRUN apt-get") {
		t.Errorf("build: %+v", got)
	}
}

// A log that is followed ends with its pod.
func TestLog_follow(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*platform){
		"end":    func(p *platform) { p.pass(400) },
		"cancel": func(p *platform) { p.ok(cancelDocument, where("churn")); p.pass(1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, primehub.Options{})
			p.create(custom("churn", "jupyter/base-notebook", nil))
			p.pass(60)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+logOfChurn+"?follow=true", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+primehub.TokenAdmin)
			response, err := (&http.Client{}).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			lines := bufio.NewScanner(response.Body)
			for lines.Scan() && !strings.HasPrefix(lines.Text(), "Fetching base image") {
			}
			end(p)
			last := ""
			for lines.Scan() {
				last = lines.Text()
			}
			if err := lines.Err(); err != nil || (last == "[Completed]") != (name == "end") {
				t.Errorf("it ended with %v after %q", err, last)
			}
		})
	}
}

// Every way to fail, by what brings it about: the phase in the end, and what the log says of it.
func TestFailures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		base     string
		packages object
		phase    string
		want     string
	}{
		{"python", object{"apt": []any{"vim", "sandbox-not-found=1.0"}}, "Failed", "E: Unable to locate package sandbox-not-found=1.0"},
		{"python", object{"apt": []any{"sandbox-unresolvable"}}, "Failed", "E: Unable to correct problems, you have held broken packages."},
		{"python", object{"conda": []any{"conda-forge::sandbox_not_found=1.17"}}, "Failed", "PackagesNotFoundError: The following packages are not available"},
		{"python", object{"conda": []any{"sandbox-unresolvable"}}, "Failed", "UnsatisfiableError:"},
		{"python", object{"pip": []any{"Sandbox.Not-Found==1.0"}}, "Failed", "ERROR: No matching distribution found for Sandbox.Not-Found==1.0"},
		{"python", object{"pip": []any{"sandbox-unresolvable"}}, "Failed", "ERROR: ResolutionImpossible:"},
		{"python", object{"pip": []any{"sandbox-out-of-memory"}}, "Failed", "Killed"},
		{"python", object{"pip": []any{"sandbox-push-denied"}}, "Failed", "denied: requested access to the resource is denied"},
		{"python", object{"conda": []any{"-c", "conda-forge::numpy==1.17*"}}, "Failed", "conda install: error: argument -c/--channel: expected one argument"},
		{"python", object{"pip": []any{"numpy", "-i"}}, "Failed", "pip: option requires 1 argument: -i"},
		{"python", object{"pip": []any{"left-pad"}}, "Failed", "ERROR: No matching distribution found for left-pad"},
		{"registry.example.com/x/sandbox-not-found:1.0", nil, "Failed", "manifest unknown"},
		{"broken@sha256:0", nil, "Failed", "denied: requested access"},
		{"python", object{"pip": []any{"sandbox-not-found>=1.0"}}, "Succeeded", "[Completed]"}, // it is left out
		{"python", object{"conda": []any{"-c conda-forge::sandbox-not-found"}}, "Succeeded", "[Completed]"},
		{"python", object{"conda": []any{"sandbox-node-lost"}}, "Unknown", "conda install --quiet --yes sandbox-node-lost\n"},
	} {
		p := start(t, primehub.Options{FailPackage: "Left.Pad", Failures: map[string]primehub.Failure{"broken": primehub.PushDenied}})
		p.create(custom("churn", tc.base, tc.packages))
		p.pass(400)
		status, _ := p.image("churn")["jobStatus"].(object)
		log := p.send(http.MethodGet, logOfChurn, "").body
		if status["phase"] != tc.phase || !strings.Contains(log, tc.want) || strings.Contains(log, "[Completed]") != (tc.phase == "Succeeded") {
			t.Errorf("%s %v: %v, want %s and %q in\n%s", tc.base, tc.packages, status, tc.phase, tc.want, log)
		}
	}
}

// Failures come and go, and a pod that has failed and is removed is followed by another.
func TestFailures_change(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	if err := p.Fail("numpy", primehub.OutOfMemory); err != nil {
		t.Fatal(err)
	}
	p.built("churn", object{"pip": []any{"numpy"}})
	p.follow("churn", step{0, `"Failed" false <nil>`})
	if err := p.RemovePod("churn"); err != nil {
		t.Fatal(err)
	}
	p.follow("churn", step{31, `"Pending" false <nil>`}, step{400, `"Failed" false <nil>`})
	for _, failure := range []primehub.Failure{"", "none"} {
		if err := p.Fail("numpy", failure); (err == nil) != (failure == "") {
			t.Errorf("%q: %v", failure, err)
		}
	}
	p.rebuild("churn", object{"baseImage": "jupyter/base-notebook"})
	p.pass(400)
	if status, _ := p.image("churn")["jobStatus"].(object); status["phase"] != "Succeeded" {
		t.Errorf("%v", status)
	}
}

// The rule that packages are filtered by, with the examples of internal/primehub/CONTRACT.md §4.6.
func TestFilter(t *testing.T) {
	t.Parallel()
	passing := []any{
		"numpy", "numpy==1.17.4", "python=3.7", "pkg===1.0", "name=1.0=py37_0", "conda-forge::numpy==1.17.4", "-c", "--upgrade",
		"vim=2:8.1.2269-1ubuntu5.7", "libc6:i386", "python3-pip", "scikit_learn", "tf==2.5.0rc1",
	}
	dropped := []any{
		"numpy==1.17*", "numpy==1.17.*", "-c conda-forge::numpy==1.17*", "channel/subdir::name", "git+https://example.com/x", "numpy @ x", "g++",
		"x=5.4~rc1", "torch==1.8.0+cu111", "numpy>=1.2", "a!=1", "requests[security]", "a,b", `"a"`, "", " numpy", "numpy\n", "é",
	}
	p := start(t, primehub.Options{})
	p.built("churn", object{"pip": append(append([]any{}, dropped...), passing...)})
	var want []string
	for _, entry := range passing {
		text, _ := entry.(string)
		want = append(want, text)
	}
	_, installed, _ := strings.Cut(p.Builds("churn")[0].Dockerfile, "RUN pip install --no-cache-dir ")
	installed, _, _ = strings.Cut(installed, "\n")
	if d := cmp.Diff(want, strings.Fields(installed)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	// They are stored all the same.
	spec, _ := p.image("churn")["imageSpec"].(object)
	packages, _ := spec["packages"].(object)
	if list, _ := packages["pip"].([]any); len(list) != len(passing)+len(dropped) {
		t.Errorf("stored: %v", list)
	}
}
