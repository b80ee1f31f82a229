package main

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// rimeWorld is what a script is told of the platforms that have been started for it.
type rimeWorld struct {
	Endpoint string            `json:"endpoint"`
	Keys     map[string]string `json:"keys"`
	// ListEnds are platforms by the sign that ends their lists.
	ListEnds map[string]string `json:"list_ends"`
	// Cloud and Disabled are platforms without managed images.
	Cloud    string `json:"cloud"`
	Disabled string `json:"disabled"`
	// Preloaded is how many images there are on the platforms of ListEnds.
	Preloaded int `json:"preloaded"`
	// Images are images that the provider has made, with every attribute that Terraform has of them.
	Images json.RawMessage `json:"images"`
}

const (
	preloaded = 45
	buildTime = 400 * time.Millisecond
)

// startRIME starts the platforms.
func startRIME(version string) (w rimeWorld, stop func(), err error) {
	var servers []*rime.Server
	stop = func() {
		for _, s := range servers {
			_ = s.Close() // nothing of it is needed any more
		}
	}
	start := func(o rime.Options) string {
		o.Version, o.BuildTime, o.JobRoutes = version, buildTime, jobRoutes(version)
		s, startErr := rime.Start(o)
		if startErr != nil {
			err = errors.Join(err, startErr)
			return ""
		}
		servers = append(servers, s)
		return s.URL
	}
	images := rime.Preload{Images: preloaded, Seed: 1}
	w = rimeWorld{
		Endpoint: start(rime.Options{Preload: images}),
		Keys: map[string]string{
			"org_admin": rime.KeyOrgAdmin, "workspace_admin": rime.KeyWorkspaceAdmin, "user": rime.KeyUser, "viewer": rime.KeyViewer, "expired": rime.KeyExpired,
		},
		ListEnds: map[string]string{
			"echoed":  start(rime.Options{Preload: images}),
			"empty":   start(rime.Options{Preload: images, ListEnd: rime.EndEmpty}),
			"missing": start(rime.Options{Preload: images, ListEnd: rime.EndMissing}),
			"stalled": start(rime.Options{Preload: images, ListEnd: rime.EndStalled}),
		},
		Cloud:     start(rime.Options{Deployment: rime.Cloud}),
		Disabled:  start(rime.Options{RegistryDisabled: true}),
		Preloaded: preloaded,
	}
	if err != nil {
		stop()
		return rimeWorld{}, nil, err
	}
	return w, stop, nil
}

// jobRoutes is where a client of that version looks for jobs.
func jobRoutes(version string) rime.JobRoutes {
	switch {
	case strings.HasPrefix(version, "2.0.0b"):
		return rime.JobsBeta
	case strings.HasPrefix(version, "2.0.0rc"):
		return rime.JobsBoth
	}
	return rime.JobsV1
}
