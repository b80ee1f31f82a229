package rime

import (
	"net/http"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// Control is the control endpoint of the platform, beside that of its gate:
//
//	POST   /upgrade                {"version": "2.14.0"}
//	POST   /images                 {"name": …, and inputs}       adds a ready image
//	DELETE /images/{name}          whatever its state
//	PUT    /images/{name}/inputs   {"python_version", "pip_requirements", "package_requirements"}
//	PUT    /images/{name}/status   {"status": "STATUS_…"}
//	PUT    /images/{name}/parent   {"name": …}
//	PUT    /jobs/{id}/status       {"status": "JOB_STATUS_…"}
//	PUT    /failures/{package}     {"failure": "out_of_memory"}  see [Failures]
//	DELETE /failures/{package}
//	PUT    /build-time             {"build_time": "3s"}
func (p *Platform) Control() http.Handler {
	mux := http.NewServeMux()
	type named struct {
		Name string `json:"name"`
		Inputs
	}
	type status struct {
		Status string `json:"status"`
	}
	mux.HandleFunc("POST /upgrade", control(func(_ *http.Request, in struct {
		Version string `json:"version"`
	},
	) error {
		return p.Upgrade(in.Version)
	}))
	mux.HandleFunc("POST /images", control(func(_ *http.Request, in named) error { return p.Add(in.Name, in.Inputs) }))
	mux.HandleFunc("DELETE /images/{name}", control(func(r *http.Request, _ struct{}) error { return p.Remove(r.PathValue("name")) }))
	mux.HandleFunc("PUT /images/{name}/inputs", control(func(r *http.Request, in Inputs) error { return p.Edit(r.PathValue("name"), in) }))
	mux.HandleFunc("PUT /images/{name}/status", control(func(r *http.Request, in status) error {
		return p.SetImageStatus(r.PathValue("name"), in.Status)
	}))
	mux.HandleFunc("PUT /images/{name}/parent", control(func(r *http.Request, in struct {
		Name string `json:"name"`
	},
	) error {
		return p.SetParent(r.PathValue("name"), in.Name)
	}))
	mux.HandleFunc("PUT /jobs/{id}/status", control(func(r *http.Request, in status) error { return p.SetJobStatus(r.PathValue("id"), in.Status) }))
	mux.HandleFunc("PUT /failures/{package}", control(func(r *http.Request, in struct {
		Failure Failure `json:"failure"`
	},
	) error {
		return p.Fail(r.PathValue("package"), in.Failure)
	}))
	mux.HandleFunc("DELETE /failures/{package}", control(func(r *http.Request, _ struct{}) error { return p.Fail(r.PathValue("package"), "") }))
	mux.HandleFunc("PUT /build-time", control(func(_ *http.Request, in struct {
		BuildTime string `json:"build_time"`
	},
	) error {
		d, err := time.ParseDuration(in.BuildTime)
		if err == nil {
			p.SetBuildTime(d)
		}
		return err
	}))
	return mux
}

// control serves an action that has no answer.
func control[T any](do func(*http.Request, T) error) http.HandlerFunc {
	return fault.Action(func(r *http.Request, in T) (any, error) { return nil, do(r, in) })
}
