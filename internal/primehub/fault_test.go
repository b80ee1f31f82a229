package primehub_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// A mishap is one way in which a request goes wrong.
type mishap struct {
	rule fault.Rule
	// passes tells that the next attempt may meet it no more, and repeated that a question is asked again.
	passes, repeated bool
	// done tells that the platform does what it is asked all the same.
	done bool
}

func html(status int, title string) fault.Rule {
	return fault.Rule{Status: status, Headers: map[string]string{"Content-Type": "text/html"}, Body: "<html><head><title>" + title + "</title></head></html>"}
}

func graphQL(status int, code, message string) fault.Rule {
	return fault.Rule{Status: status, JSON: json.RawMessage(graphQLError(code, message))}
}

// graphQLRule has the request for a field be refused.
func graphQLRule(path string, status int, code, message string) fault.Rule {
	rule := graphQL(status, code, message)
	rule.Path = path
	return rule
}

func mishaps() map[string]mishap {
	const internal = "INTERNAL_SERVER_ERROR"
	return map[string]mishap{
		"bad token":            {rule: graphQL(500, internal, "Context creation failed: Invalid API Token")},
		"Keycloak down":        {rule: graphQL(500, internal, "Context creation failed: socket hang up"), passes: true, repeated: true},
		"not authorised":       {rule: graphQL(200, internal, "Not Authorised!")},
		"Kubernetes down, EE":  {rule: graphQL(200, internal, "API_UNAVAILABLE"), passes: true, repeated: true},
		"Kubernetes down, CE":  {rule: graphQL(200, "API_UNAVAILABLE", "An internal server error occurred"), passes: true, repeated: true},
		"refused":              {rule: graphQL(200, internal, "HTTP request failed")},
		"unknown field":        {rule: graphQL(400, "GRAPHQL_VALIDATION_FAILED", "Cannot query field x on type Y.")},
		"401 HTML":             {rule: html(401, "401 Authorization Required")},
		"404":                  {rule: fault.Rule{Status: 404, Body: "Not Found"}},
		"429":                  {rule: fault.Rule{Status: 429, RetryAfter: "0"}, passes: true, repeated: true},
		"502":                  {rule: html(502, "502 Bad Gateway"), passes: true, repeated: true},
		"503":                  {rule: html(503, "503 Service Temporarily Unavailable"), passes: true, repeated: true},
		"504":                  {rule: html(504, "504 Gateway Time-out"), passes: true, repeated: true},
		"time-out":             {rule: fault.Rule{Delay: fault.Duration(time.Hour)}, passes: true, repeated: true},
		"reset":                {rule: fault.Rule{Reset: true}, passes: true, repeated: true},
		"cut short":            {rule: fault.Rule{Truncate: 1}, passes: true, repeated: true, done: true},
		"answer lost":          {rule: fault.Rule{DropAnswer: true}, passes: true, repeated: true, done: true},
		"HTML with 200":        {rule: html(200, "Log in to primehub")},
		"JSON of another kind": {rule: fault.Rule{Status: 200, JSON: json.RawMessage(`[]`)}, passes: true},
	}
}

// An operation is one use of the client, on a platform that has the image "tf", and "busy" that is being built.
type operation struct {
	// field is that of GraphQL whose request goes wrong.
	field string
	run   func(context.Context, *primehub.Client) error
	// effect tells whether the platform did what was asked. Nil for a question.
	effect func(*faulty) bool
}

// faulty is a platform behind a network.
type faulty struct {
	*sandbox.Platform
	*fault.Gate
	network *fault.Network
	check   *primehub.Client
}

func (f *faulty) image(name string) primehub.Image {
	image, err := f.check.Get(context.Background(), name)
	if err != nil {
		return primehub.Image{}
	}
	return image
}

func operations() map[string]operation {
	update := primehub.Update{DisplayName: "Other", Type: primehub.TypeCPU, Existing: existing("").Existing}
	return map[string]operation{
		"get":     {field: "image", run: func(ctx context.Context, c *primehub.Client) error { return second(c.Get(ctx, "tf")) }},
		"refresh": {field: "image", run: func(ctx context.Context, c *primehub.Client) error { return second(c.Refresh(ctx, "tf", false)) }},
		"list":    {field: "images", run: func(ctx context.Context, c *primehub.Client) error { return second(c.Images(ctx, primehub.Filter{})) }},
		"absence": {field: "images", run: func(ctx context.Context, c *primehub.Client) error {
			if _, err := c.Get(ctx, "nowhere"); !errors.Is(err, primehub.ErrNotFound) {
				return err
			}
			return nil
		}},
		"me": {field: "me", run: func(ctx context.Context, c *primehub.Client) error { return second(c.Me(ctx)) }},
		"group": {field: "groups", run: func(ctx context.Context, c *primehub.Client) error {
			return second(c.Group(ctx, sandbox.GroupResearch))
		}},
		"secret": {field: "secrets", run: func(ctx context.Context, c *primehub.Client) error { return second(c.Secret(ctx, "dockerhub")) }},
		"create": {
			field: "createImage",
			run: func(ctx context.Context, c *primehub.Client) error {
				spec := existing("new")
				spec.Global = true
				return second(c.Create(ctx, spec))
			},
			effect: func(f *faulty) bool { return f.image("new").Global },
		},
		"update": {
			field: "updateImage", run: func(ctx context.Context, c *primehub.Client) error { return c.Update(ctx, "tf", update) },
			effect: func(f *faulty) bool { return f.image("tf").DisplayName == "Other" },
		},
		"rebuild": {
			field: "rebuildImage", run: func(ctx context.Context, c *primehub.Client) error {
				return second(c.Rebuild(ctx, "busy", *recipe("scipy")))
			},
			effect: func(f *faulty) bool { return f.image("busy").Build.Same(*recipe("scipy")) },
		},
		"cancel": {
			field: "cancelImageBuild", run: func(ctx context.Context, c *primehub.Client) error { return c.CancelBuild(ctx, "busy") },
			effect: func(f *faulty) bool { return f.image("busy").Build.CancelRequested },
		},
		"delete": {
			field: "deleteImage", run: func(ctx context.Context, c *primehub.Client) error { return c.Delete(ctx, "tf") },
			effect: func(f *faulty) bool { return f.image("tf").Name == "" },
		},
	}
}

// TestFaults has every request of the API go wrong in every way: once, and for good. What is there is never taken for absent, nothing is done twice, and who is told of
// a success can rely on it, as who is told of a failure.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, o := range operations() {
		for what, m := range mishaps() {
			for times, long := range map[int]string{1: "once", 0: "for good"} {
				t.Run(name+"/"+what+"/"+long, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { mishappen(t, o, m, times) })
				})
			}
		}
	}
}

func mishappen(t *testing.T, o operation, m mishap, times int) {
	t.Helper()
	f := startFaulty(t)
	m.rule.Path, m.rule.Times = "/api/graphql/"+o.field+"$", times
	if err := f.SetFaults(m.rule); err != nil {
		t.Fatal(err)
	}
	f.Forget()

	err := o.run(t.Context(), f.client(t))

	silent(t, err, sandbox.TokenAdmin)
	never(t, err, primehub.ErrNotFound, primehub.ErrAlreadyExists)
	question, refused := o.effect == nil, m.rule.Status == 429
	succeeds := times == 1 && m.repeated && (question || refused) || !question && m.done
	if succeeds != (err == nil) {
		t.Errorf("%v", err)
	}
	if err != nil {
		answer := failed[*primehub.APIError](t, err)
		if answer.StatusCode != m.rule.Status && m.rule.Status != 0 || answer.Transient() != m.passes {
			t.Errorf("transient: %t, %v", answer.Transient(), err)
		}
	}
	// net/http repeats a question itself, once, on a connection that had been used before.
	if attempts := f.Count("", "/"+o.field+"$"); attempts > 2*3 || !question && !refused && attempts > 1 {
		t.Errorf("%d attempts", attempts)
	}
	if f.SetFaults() != nil || !question && o.effect(f) != (err == nil) {
		t.Errorf("the caller is told: %v", err)
	}
	// The platform is well again, and has everything that it should.
	if f.image("busy").Name == "" || o.field != "deleteImage" && f.image("tf").Name == "" {
		t.Errorf("%v", f.ImageNames())
	}
}

// startFaulty starts a platform with the two images, behind a server and a network of pipes, whose time is that of the bubble: no machine is too busy for it.
func startFaulty(t *testing.T) *faulty {
	t.Helper()
	var looks atomic.Int64
	// No two requests come at the same time by the platform's clock.
	clock := func() time.Time { return time.Now().Add(time.Duration(looks.Add(1)) * 2 * time.Millisecond) }
	platform, err := sandbox.New(sandbox.Options{BuildTime: time.Hour, WriteDelay: -1, Reaction: time.Millisecond, TimeStep: time.Millisecond, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{Platform: platform, Gate: &fault.Gate{}, network: fault.NewNetwork()}
	server := fault.Serve(f.network, f.Gate, platform.Behind(f.Gate))
	t.Cleanup(func() { _ = server.Close() })
	f.check = f.client(t)
	for _, spec := range []primehub.Spec{existing("tf"), built("busy", "numpy")} {
		if _, err := f.check.Create(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f *faulty) client(t *testing.T) *primehub.Client {
	t.Helper()
	transport := f.network.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	client, err := primehub.New(primehub.Config{Endpoint: "http://primehub.test", APIToken: sandbox.TokenAdmin, Transport: transport, Retries: 2, RetryDelay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
