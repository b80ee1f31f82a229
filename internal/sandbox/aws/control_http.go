package aws

import (
	"net/http"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// Control is the control endpoint of the account, beside that of its gate:
//
//	GET    /calls       {"calls": [ … ], "counts": {"ecr:CreateRepository": 1}}, see [Call]
//	DELETE /calls       forgets them
//	PUT    /lag         {"max": "30s", "flapping": true, "exact": false, "images": false, "lists_only": false}, see [Lag]
//	PUT    /quotas      {"scale": 1}, see [Cloud.SetQuotas]
//	PUT    /token-life  {"token_life": "1h"}, of the tokens from now on
//	DELETE /tokens      ends the life of all authorization tokens
//	POST   /denials     {"principal": "*", "actions": ["ecr:*"], "explicit": false}, see [Cloud.Deny]
//	DELETE /denials     takes them back
//	POST   /expire      {"expired": [ … ]}: applies the lifecycle policies, see [Cloud.Expire]
func (c *Cloud) Control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /calls", control(func(struct{}) any {
		return struct {
			Calls  []Call         `json:"calls"`
			Counts map[string]int `json:"counts"`
		}{append([]Call{}, c.Calls()...), c.CallCounts()}
	}))
	mux.Handle("DELETE /calls", control(func(struct{}) any { return done(c.ForgetCalls) }))
	mux.Handle("PUT /lag", control(func(in struct {
		Max       fault.Duration `json:"max"`
		Flapping  bool           `json:"flapping"`
		Exact     bool           `json:"exact"`
		Images    bool           `json:"images"`
		ListsOnly bool           `json:"lists_only"`
	},
	) any {
		return done(func() {
			c.SetLag(Lag{Max: time.Duration(in.Max), Flapping: in.Flapping, Exact: in.Exact, Images: in.Images, ListsOnly: in.ListsOnly})
		})
	}))
	mux.Handle("PUT /quotas", control(func(in struct {
		Scale float64 `json:"scale"`
	},
	) any {
		return done(func() { c.SetQuotas(in.Scale) })
	}))
	mux.Handle("PUT /token-life", control(func(in struct {
		TokenLife fault.Duration `json:"token_life"`
	},
	) any {
		return done(func() { c.SetTokenLife(time.Duration(in.TokenLife)) })
	}))
	mux.Handle("DELETE /tokens", control(func(struct{}) any { return done(c.ExpireTokens) }))
	mux.Handle("POST /denials", control(func(in struct {
		Principal string   `json:"principal"`
		Explicit  bool     `json:"explicit"`
		Actions   []string `json:"actions"`
	},
	) any {
		return done(func() { c.Deny(in.Principal, in.Explicit, in.Actions...) })
	}))
	mux.Handle("DELETE /denials", control(func(struct{}) any { return done(c.Allow) }))
	mux.Handle("POST /expire", control(func(struct{}) any { return map[string][]string{"expired": append([]string{}, c.Expire()...)} }))
	return mux
}

// done does something whose answer has no content.
func done(what func()) any {
	what()
	return nil
}

// control serves an action that cannot fail.
func control[T any](do func(T) any) http.HandlerFunc {
	return fault.Action(func(_ *http.Request, in T) (any, error) { return do(in), nil })
}
