package acctest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// platformFault is something that a platform, or whatever stands before it, does to every request of some kind from then on.
type platformFault struct {
	rule fault.Rule
	// says is what the message has of the answer and of what to do, whatever the breaks of lines.
	says []string
	// done tells that the platform does what it is asked all the same.
	done bool
}

// Which faults a command survives.
func none(platformFault) bool         { return false }
func doneAnyway(f platformFault) bool { return f.done }

func platformFaults() map[string]platformFault {
	const (
		anew     = "Apply again; if it happens regularly"
		later    = "Apply again later"
		own      = "it has to be the platform's own web address"
		nginx    = "<html><head><title>502 Bad Gateway</title></head></html>"
		unusable = "Check that the address in the provider's configuration is right"
	)
	grpc := func(code, message string) json.RawMessage {
		return json.RawMessage(`{"code":` + code + `,"message":"` + message + `","details":[]}`)
	}
	return map[string]platformFault{
		"unauthorized": {rule: fault.Rule{Status: 401, Body: strings.Replace(nginx, "502 Bad Gateway", "401 Authorization Required", 1)}, says: []string{"401 Unauthorized", "Make a new token"}},
		"forbidden":    {rule: fault.Rule{Status: 403, JSON: grpc("7", "not yours")}, says: []string{"403 Forbidden", "not yours", "`api_key`"}},
		"absent":       {rule: fault.Rule{Status: 404, Body: strings.Replace(nginx, "502 Bad Gateway", "404 Not Found", 1)}, says: []string{"404"}},
		"limited":      {rule: fault.Rule{Status: 429, JSON: grpc("8", "slow down")}, says: []string{"429 Too Many Requests", "slow down", later}},
		"limitedlong":  {rule: fault.Rule{Status: 429, RetryAfter: "3600"}, says: []string{"429 Too Many Requests", "Retry-After: 3600", later}},
		"broken":       {rule: fault.Rule{Status: 500, JSON: grpc("13", "disk on fire")}, says: []string{"500 Internal Server Error", "disk on fire", anew}},
		"gateway":      {rule: fault.Rule{Status: 502, Body: nginx}, says: []string{"502 Bad Gateway", anew}},
		"restarting":   {rule: fault.Rule{Status: 503, JSON: grpc("14", "back at noon")}, says: []string{"503 Service Unavailable", "back at noon", anew}},
		"overdue":      {rule: fault.Rule{Status: 504, Body: strings.Replace(nginx, "502 Bad Gateway", "504 Gateway Time-out", 1)}, says: []string{"504 Gateway Timeout", anew}},
		"silent":       {rule: fault.Rule{Delay: fault.Duration(time.Hour)}, says: []string{"no answer within", unusable, "give it more time in `http.request_timeout`"}},
		"reset":        {rule: fault.Rule{Reset: true}, says: []string{"connection reset by peer", unusable}},
		"truncated":    {rule: fault.Rule{Truncate: 1}, says: []string{"unexpected EOF", anew}, done: true},
		"shortened":    {rule: fault.Rule{Status: 200, JSON: json.RawMessage(`{"image":{"name":"sho`)}, says: []string{"cut short", anew}},
		"webpage":      {rule: fault.Rule{Status: 200, Body: webPage}, says: []string{"a web page answered, not the API", own}},
		"lost":         {rule: fault.Rule{DropAnswer: true}, says: []string{"EOF", anew}, done: true},
	}
}

// faulty is a workspace on many platforms, each of which has a fault of its own.
type faulty struct {
	*acctest.Workspace
	t         *testing.T
	faults    map[string]platformFault
	platforms map[string]*sandbox.Server
}

// newFaulty has the faults of these names, or all if there are none.
func newFaulty(t *testing.T, names ...string) *faulty {
	t.Helper()
	f := &faulty{Workspace: acctest.NewWorkspace(t), t: t, faults: platformFaults(), platforms: map[string]*sandbox.Server{}}
	maps.DeleteFunc(f.faults, func(name string, _ platformFault) bool { return len(names) > 0 && !slices.Contains(names, name) })
	var providers strings.Builder
	providers.WriteString(acctest.RequiredProviders)
	for name, fault := range f.faults {
		f.platforms[name] = acctest.StartPlatform(t, sandbox.Options{})
		settings := "http = { max_retries = 1 }"
		if fault.rule.Delay > 0 { // a busy machine may need seconds to answer, too
			settings = `http = { max_retries = 1, request_timeout = "6s" }`
		}
		providers.WriteString(acctest.RIME{Endpoint: f.platforms[name].URL, Alias: name, Settings: []string{settings}}.Block())
	}
	f.Write("provider.tf", providers.String())
	return f
}

// wantImages asks every platform for an image.
func (f *faulty) wantImages(requirement string) {
	var images strings.Builder
	for name := range f.faults {
		images.WriteString(imageWith(name, "provider         = rime."+name, requirement))
	}
	f.Write("main.tf", images.String())
}

// strike lets so many requests of that kind go wrong, or all if that is zero.
func (f *faulty) strike(method, path string, times int) {
	f.t.Helper()
	for name, fault := range f.faults {
		fault.rule.Method, fault.rule.Path, fault.rule.Times = method, path, times
		if err := f.platforms[name].SetFaults(fault.rule); err != nil {
			f.t.Fatal(err)
		}
		f.platforms[name].Forget()
	}
}

// recover lets everything go right again.
func (f *faulty) recover() {
	f.t.Helper()
	for _, platform := range f.platforms {
		if err := platform.SetFaults(); err != nil {
			f.t.Fatal(err)
		}
	}
}

// expectFaults runs a command that has to fail with a message for every fault, except those that it survives.
func (f *faulty) expectFaults(survives func(platformFault) bool, args ...string) {
	f.t.Helper()
	errors := errorsOf(fails(f.t, f.Workspace, args))
	for name, fault := range f.faults {
		says, failed := errors[name]
		switch {
		case survives(fault):
			if failed {
				f.t.Errorf("%s: it should be survived, but %s", name, says.Output)
			}
		case !failed:
			f.t.Errorf("%s: no message", name)
		default:
			shows(f.t, says, fault.says...)
		}
	}
}

// expectState expects that the state has the images that the platforms have, and that there are as many as this; nothing was built twice.
func (f *faulty) expectState(images int) {
	f.t.Helper()
	there := 0
	for name, platform := range f.platforms {
		_, known := f.Image(name)
		exists := slices.Contains(platform.ImageNames(), name)
		if known != exists {
			f.t.Errorf("%s: the state has the image: %t, the platform: %t", name, known, exists)
		}
		if exists {
			there++
		}
	}
	if there != images {
		f.t.Errorf("there are %d images, want %d", there, images)
	}
}

// expectPosts expects that each image was asked for at most once since the faults struck, but where the platform said that it did nothing.
func (f *faulty) expectPosts() {
	f.t.Helper()
	for name, platform := range f.platforms {
		if posts := platform.Count(http.MethodPost, "^/v1/images$"); posts > 1 && f.faults[name].rule.Status != http.StatusTooManyRequests {
			f.t.Errorf("%s: the image was asked for %d times", name, posts)
		}
	}
}

// done counts the faults of which the platform does what it is asked all the same.
func (f *faulty) done() int {
	return len(slices.DeleteFunc(slices.Collect(maps.Values(f.faults)), func(p platformFault) bool { return !p.done }))
}

// Whatever a platform answers to whatever is asked: the state is never lost, nothing is created twice, and the message says what to do. One platform has each fault, so that
// a command meets them all.
func TestRIME_faults(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	f.wantImages("pandas")
	all := len(f.faults)
	apply := []string{"apply", "-auto-approve", "-refresh=false", "-parallelism=20"}

	f.strike(http.MethodPost, "^/v1/images$", 0)
	f.expectFaults(doneAnyway, apply...)
	f.expectPosts()
	f.expectState(f.done())
	f.recover()
	f.Apply("-parallelism=20")
	f.expectState(all)

	before := f.StateFile()
	f.strike("", "^/v1/images", 0)
	f.expectFaults(none, "plan", "-parallelism=20")
	f.expectFaults(none, "destroy", "-auto-approve", "-refresh=false", "-parallelism=20")
	if after := f.StateFile(); !bytes.Equal(before, after) {
		t.Errorf("the state was\n%s\nand is\n%s", before, after)
	}
	f.recover()
	f.expectState(all)
}

// A replacement that cannot begin changes nothing, and one that cannot go on has lost only what it was to replace. One fault of each kind: refused, repeated in vain,
// without an answer, not by the platform, and done all the same.
func TestRIME_replacementFaults(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, "forbidden", "restarting", "reset", "webpage", "truncated", "lost")
	f.wantImages("pandas")
	f.Apply("-parallelism=20")
	all := len(f.faults)
	apply := []string{"apply", "-auto-approve", "-refresh=false", "-parallelism=20"}

	f.wantImages("numpy")
	f.strike(http.MethodDelete, "", 0)
	f.expectFaults(doneAnyway, apply...)
	f.expectState(all)
	f.strike(http.MethodPost, "^/v1/images$", 0)
	f.expectFaults(doneAnyway, apply...)
	f.expectPosts()
	f.recover()
	f.Apply("-parallelism=20")
	f.expectState(all)
	f.PlanIsEmpty()
}

// A build that cannot be read for a while is waited for. One that may not be read goes on, known to the state and not tainted: the next apply has it, and nothing is
// deleted or built twice.
func TestRIME_buildFaults(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, "forbidden", "restarting", "silent", "reset", "webpage", "truncated")
	f.wantImages("pandas")
	f.strike(http.MethodGet, "/jobs/", 3) // more than the client repeats
	r := f.Apply("-parallelism=20")
	shows(t, r, "Warning: Managed Image Build Not Watched", "Apply again to wait for its end.")
	f.expectState(len(f.faults))
	f.recover()
	f.Apply("-parallelism=20")
	f.expectState(len(f.faults))
	f.expectPosts()
	for name, platform := range f.platforms {
		image, _ := f.Image(name)
		if deletes := platform.Count(http.MethodDelete, ""); deletes > 0 || image.Tainted || image.Text("status") != "ready" {
			t.Errorf("%s: %d deletes, tainted: %t, %s", name, deletes, image.Tainted, image.Text("status"))
		}
	}
	f.PlanIsEmpty()
}

func TestRIME_listFaults(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	var lists strings.Builder
	for name := range f.faults {
		fmt.Fprintf(&lists, "data \"rime_managed_images\" %q {\n  provider = rime.%s\n}\n", name, name)
	}
	f.Write("main.tf", lists.String())
	f.strike(http.MethodPost, "^/v1/images/list$", 0)
	f.expectFaults(none, "plan", "-parallelism=20")
}
