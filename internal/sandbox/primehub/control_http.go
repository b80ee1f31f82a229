package primehub

import (
	"net/http"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// Control is the control endpoint of the platform, beside that of its gate:
//
//	POST   /graphql                {"user": "phadmin", "query", "variables"}  what somebody does in the UI, unrecorded; see [Platform.Do]
//	POST   /portal/images          {"group": …, and the fields of [PortalForm]}  answers {"name": …}
//	PUT    /portal/images/{name}   the fields of [PortalForm]
//	PUT    /portal/images/{name}/build   the fields of [PortalBuild]
//	DELETE /portal/images/{name}/build   cancels
//	PATCH  /images/{name}          a merge patch of its specification
//	DELETE /images/{name}          as an operator does
//	PUT    /images/{name}/phase    {"phase": "…"}
//	DELETE /pods/{image}
//	PUT    /roles/{image}          DELETE /roles/{image}
//	POST   /groups                 {"name", "display_name", "admins"}         DELETE /groups/{name}
//	POST   /secrets                {"name", "opaque"}                         DELETE /secrets/{id}
//	PUT    /users/{name}/token     {"token": "…"}
//	PUT    /users/{name}/groups    {"groups": […]}
//	PUT    /outages                [{"backend": "kubernetes", "verb": "read", "times": 1}], see [Outage]
//	PUT    /failures/{name}        {"failure": "out_of_memory"}, see [Failures]  DELETE /failures/{name}
//	PUT    /build-time             {"build_time": "3s"}
//	GET    /builds/{image}         see [Build]
//	GET    /operations             see [Operation]                            DELETE /operations
func (p *Platform) Control() http.Handler {
	mux := http.NewServeMux()
	p.controlImages(mux)
	p.controlPortal(mux)
	p.controlPeople(mux)
	mux.HandleFunc("PUT /outages", fault.Action(func(_ *http.Request, in []Outage) (any, error) { return nil, p.SetOutages(in...) }))
	mux.HandleFunc("PUT /failures/{name}", fault.Action(func(r *http.Request, in struct {
		Failure Failure `json:"failure"`
	},
	) (any, error) {
		return nil, p.Fail(r.PathValue("name"), in.Failure)
	}))
	mux.HandleFunc("DELETE /failures/{name}", fault.Action(func(r *http.Request, _ struct{}) (any, error) { return nil, p.Fail(r.PathValue("name"), "") }))
	mux.HandleFunc("PUT /build-time", fault.Action(func(_ *http.Request, in struct {
		BuildTime string `json:"build_time"`
	},
	) (any, error) {
		d, err := time.ParseDuration(in.BuildTime)
		if err != nil {
			return nil, err
		}
		return nil, p.SetBuildTime(d)
	}))
	mux.HandleFunc("GET /operations", fault.Action(func(*http.Request, struct{}) (any, error) {
		return map[string]any{"operations": p.Operations()}, nil
	}))
	mux.HandleFunc("DELETE /operations", fault.Action(func(*http.Request, struct{}) (any, error) {
		p.ForgetOperations()
		return nil, nil //nolint:nilnil // there is no answer
	}))
	return mux
}

func (p *Platform) controlImages(mux *http.ServeMux) {
	mux.HandleFunc("PATCH /images/{name}", fault.Action(func(r *http.Request, in map[string]any) (any, error) {
		return nil, p.EditResource(r.PathValue("name"), in)
	}))
	mux.HandleFunc("DELETE /images/{name}", fault.Action(func(r *http.Request, _ struct{}) (any, error) { return nil, p.Remove(r.PathValue("name")) }))
	mux.HandleFunc("PUT /images/{name}/phase", fault.Action(func(r *http.Request, in struct {
		Phase string `json:"phase"`
	},
	) (any, error) {
		return nil, p.SetPhase(r.PathValue("name"), in.Phase)
	}))
	mux.HandleFunc("DELETE /pods/{name}", fault.Action(func(r *http.Request, _ struct{}) (any, error) { return nil, p.RemovePod(r.PathValue("name")) }))
	mux.HandleFunc("PUT /roles/{name}", fault.Action(func(r *http.Request, _ struct{}) (any, error) { return nil, p.AddRole(r.PathValue("name")) }))
	mux.HandleFunc("DELETE /roles/{name}", fault.Action(func(r *http.Request, _ struct{}) (any, error) { return nil, p.RemoveRole(r.PathValue("name")) }))
	mux.HandleFunc("GET /builds/{name}", fault.Action(func(r *http.Request, _ struct{}) (any, error) {
		return map[string]any{"builds": p.Builds(r.PathValue("name"))}, nil
	}))
}

func (p *Platform) controlPortal(mux *http.ServeMux) {
	mux.HandleFunc("POST /graphql", fault.Action(func(_ *http.Request, in struct {
		User      string         `json:"user"`
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	},
	) (any, error) {
		return p.Do(in.User, in.Query, in.Variables)
	}))
	mux.HandleFunc("POST /portal/images", fault.Action(func(_ *http.Request, in struct {
		Group string `json:"group"`
		PortalForm
	},
	) (any, error) {
		name, err := p.AddFromPortal(in.Group, in.PortalForm)
		return map[string]any{"name": name}, err
	}))
	mux.HandleFunc("PUT /portal/images/{name}", fault.Action(func(r *http.Request, in PortalForm) (any, error) {
		return nil, p.EditInPortal(r.PathValue("name"), in)
	}))
	mux.HandleFunc("PUT /portal/images/{name}/build", fault.Action(func(r *http.Request, in PortalBuild) (any, error) {
		return nil, p.RebuildInPortal(r.PathValue("name"), in)
	}))
	mux.HandleFunc("DELETE /portal/images/{name}/build", fault.Action(func(r *http.Request, _ struct{}) (any, error) {
		return nil, p.CancelInPortal(r.PathValue("name"))
	}))
}

func (p *Platform) controlPeople(mux *http.ServeMux) {
	mux.HandleFunc("POST /groups", fault.Action(func(_ *http.Request, in struct {
		Name        string   `json:"name"`
		DisplayName string   `json:"display_name"`
		Admins      []string `json:"admins"`
	},
	) (any, error) {
		return nil, p.AddGroup(Group{Name: in.Name, DisplayName: in.DisplayName, Admins: in.Admins})
	}))
	mux.HandleFunc("DELETE /groups/{name}", fault.Action(func(r *http.Request, _ struct{}) (any, error) { return nil, p.RemoveGroup(r.PathValue("name")) }))
	mux.HandleFunc("POST /secrets", fault.Action(func(_ *http.Request, in struct {
		Name   string `json:"name"`
		Opaque bool   `json:"opaque"`
	},
	) (any, error) {
		return nil, p.AddSecret(Secret{Name: in.Name, Opaque: in.Opaque})
	}))
	mux.HandleFunc("DELETE /secrets/{id}", fault.Action(func(r *http.Request, _ struct{}) (any, error) { return nil, p.RemoveSecret(r.PathValue("id")) }))
	mux.HandleFunc("PUT /users/{name}/token", fault.Action(func(r *http.Request, in struct {
		Token string `json:"token"`
	},
	) (any, error) {
		return nil, p.SetToken(r.PathValue("name"), in.Token)
	}))
	mux.HandleFunc("PUT /users/{name}/groups", fault.Action(func(r *http.Request, in struct {
		Groups []string `json:"groups"`
	},
	) (any, error) {
		return nil, p.SetUserGroups(r.PathValue("name"), in.Groups...)
	}))
}
