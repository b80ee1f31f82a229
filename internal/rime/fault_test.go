package rime_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// A mishap is one way in which a request goes wrong.
type mishap struct {
	rule fault.Rule
	// passes tells that the next attempt may meet it no more, and repeated that whoever may repeat a request does.
	passes, repeated bool
	// done tells that the platform does what it is asked all the same.
	done bool
}

func status(code int, body string) fault.Rule {
	return fault.Rule{Status: code, JSON: json.RawMessage(body)}
}

func mishaps() map[string]mishap {
	limited := status(429, `{"code":8,"message":"slow down"}`)
	limitedFor := limited
	limitedFor.RetryAfter = "0"
	limitedForLong := limited
	limitedForLong.RetryAfter = "3600"
	return map[string]mishap{
		"401 HTML":             {rule: html(401, "401 Authorization Required")},
		"403":                  {rule: status(403, `{"code":7,"message":"permission denied"}`)},
		"404 HTML":             {rule: html(404, "404 Not Found")},
		"409":                  {rule: status(409, `{"code":10,"message":"aborted"}`)},
		"429":                  {rule: limited, passes: true, repeated: true},
		"429 with Retry-After": {rule: limitedFor, passes: true, repeated: true},
		"429 for an hour":      {rule: limitedForLong, passes: true},
		"500":                  {rule: status(500, `{"code":13,"message":"oops"}`), passes: true, repeated: true},
		"502":                  {rule: html(502, "502 Bad Gateway"), passes: true, repeated: true},
		"503":                  {rule: status(503, `{"code":14,"message":"restarting"}`), passes: true, repeated: true},
		"504":                  {rule: html(504, "504 Gateway Time-out"), passes: true, repeated: true},
		"time-out":             {rule: fault.Rule{Delay: fault.Duration(time.Minute)}, passes: true, repeated: true},
		"reset":                {rule: fault.Rule{Reset: true}, passes: true, repeated: true},
		"truncated JSON":       {rule: fault.Rule{Truncate: 1}, passes: true, repeated: true, done: true},
		"HTML with 200":        {rule: html(200, "Robust Intelligence")},
		"answer lost":          {rule: fault.Rule{DropAnswer: true}, passes: true, repeated: true, done: true},
		"JSON cut short":       {rule: status(200, `{"image":{"name":"ch`), passes: true},
		"JSON of another kind": {rule: status(200, `[]`), passes: true},
	}
}

// An operation is one use of the registry, on a platform that has the image "churn" ready and is building "busy".
type operation struct {
	// method and path are of the request that goes wrong.
	method, path string
	run          func(context.Context, *world, *rime.Registry) error
	// once tells that the request is not repeated, because it might count twice.
	once bool
	// verdict is the error that a mishap must lead to where it is more than an answer's: nil for success.
	verdict map[string]func(error) bool
	// effect tells whether the platform did what was asked.
	effect func(*world) bool
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func cannotCancel(err error) bool { return errors.Is(err, imageregistry.ErrCannotCancel) }

func succeeds(err error) bool { return err == nil }

func operations() map[string]operation {
	return map[string]operation{
		"get": {method: http.MethodGet, path: "^/v1/images/churn$", run: func(ctx context.Context, _ *world, r *rime.Registry) error {
			return second(r.Get(ctx, "churn"))
		}},
		"refresh": {method: http.MethodGet, path: "^/v1/images/churn$", run: func(ctx context.Context, _ *world, r *rime.Registry) error {
			return second(r.Refresh(ctx, "churn"))
		}},
		"list": {
			method: http.MethodPost, path: "^/v1/images/list$",
			run: func(ctx context.Context, _ *world, r *rime.Registry) error {
				for _, err := range r.List(ctx, imageregistry.Filter{}) {
					if err != nil {
						return err
					}
				}
				return nil
			},
			verdict: map[string]func(error) bool{"404 HTML": is[*rime.NotEnabledError]},
		},
		"build": {method: http.MethodGet, path: "^/v1/jobs/[0-9a-f-]+$", run: func(ctx context.Context, w *world, r *rime.Registry) error {
			return second(r.Build(ctx, w.Builds("busy")[0].JobID))
		}},
		"cancel": {
			method: http.MethodPost, path: "^/v1/jobs/cancel/",
			run: func(ctx context.Context, w *world, r *rime.Registry) error {
				w.clock.Advance(time.Minute) // the build runs
				err := r.CancelBuild(ctx, w.Builds("busy")[0].JobID)
				if errors.Is(err, imageregistry.ErrCannotCancel) && !is[*rime.APIError](err) {
					return nil // it was agreed to, and the platform's clock stands still
				}
				return err
			},
			verdict: map[string]func(error) bool{"403": cannotCancel, "404 HTML": cannotCancel, "JSON of another kind": is[*rime.APIError], "JSON cut short": is[*rime.APIError]},
		},
		"create": {
			method: http.MethodPost, path: "^/v1/images$", once: true,
			run: func(ctx context.Context, _ *world, r *rime.Registry) error {
				image, _, err := r.Create(ctx, spec("new"))
				if err == nil && image.Name != "new" {
					err = errors.New("it returns no image")
				}
				return err
			},
			verdict: map[string]func(error) bool{"404 HTML": is[*rime.NotEnabledError], "truncated JSON": succeeds, "answer lost": succeeds},
			effect:  func(w *world) bool { return len(w.ImageNames()) == 3 },
		},
		"delete": {
			method: http.MethodDelete, path: "^/v1/images/churn$",
			run:     func(ctx context.Context, _ *world, r *rime.Registry) error { return r.Delete(ctx, "churn") },
			verdict: map[string]func(error) bool{"403": is[*rime.DeleteRefusedError], "truncated JSON": succeeds, "answer lost": succeeds},
			effect:  func(w *world) bool { return len(w.ImageNames()) == 1 },
		},
	}
}

// TestFaults has every request of the API go wrong in every way: once, and for good. State is never lost: what is there is never taken for absent, nothing is done twice,
// and who is told of a success can rely on it.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, o := range operations() {
		for what, m := range mishaps() {
			t.Run(name+"/"+what+"/once", func(t *testing.T) {
				t.Parallel()
				simulated(t, func(t *testing.T) {
					want := o.verdict[what]
					if m.repeated && (!o.once || m.rule.Status == 429) {
						want = succeeds
					}
					mishappen(t, o, m, 1, want)
				})
			})
			t.Run(name+"/"+what+"/for good", func(t *testing.T) {
				t.Parallel()
				simulated(t, func(t *testing.T) {
					mishappen(t, o, m, 0, o.verdict[what])
				})
			})
		}
	}
}

// mishappen lets it happen so many times, for good if that is zero, and checks what comes of it. Without a verdict, it must be an answer's error.
func mishappen(t *testing.T, o operation, m mishap, times int, verdict func(error) bool) {
	w := start(t, sandbox.Options{})
	w.ready("churn")
	w.create("busy")
	m.rule.Method, m.rule.Path, m.rule.Times = o.method, o.path, times
	w.faults(m.rule)
	w.Forget()
	registry := w.registry(func(c *rime.Config) {
		if m.rule.Delay > 0 {
			c.RequestTimeout = 5 * time.Second
		}
		if !m.done { // nothing comes of waiting longer
			within(map[int]time.Duration{0: 200 * time.Millisecond, 1: 2 * time.Second}[times])(c)
		}
	})
	ctx := t.Context()

	err := o.run(ctx, w, registry)

	silent(t, err, sandbox.KeyOrgAdmin)
	never(t, err, imageregistry.ErrNotFound)
	never(t, err, imageregistry.ErrAlreadyExists)
	switch {
	case verdict != nil:
		if !verdict(err) {
			t.Errorf("%v", err)
		}
	default:
		answer := apiError(t, err)
		if answer.StatusCode != m.rule.Status && m.rule.Status != 0 || answer.Transient() != m.passes {
			t.Errorf("transient: %t, %v", answer.Transient(), err)
		}
	}
	if attempts := w.count(o.method, o.path); attempts > 3 || o.once && attempts > 1 && m.rule.Status != 429 {
		t.Errorf("%d attempts", attempts)
	}
	if o.effect != nil && o.effect(w) != (err == nil) {
		t.Errorf("the platform has %v, but the caller is told: %v", w.ImageNames(), err)
	}
	// The platform is well again, and knows everything that it should.
	w.faults()
	if _, err := w.Get(ctx, "busy"); err != nil {
		t.Error(err)
	}
	if _, err := w.Get(ctx, "churn"); err != nil && o.effect == nil {
		t.Error(err)
	}
}
