package main

import (
	"encoding/json"
	"errors"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// primehubWorld is what a script is told of the platforms that have been started for it.
type primehubWorld struct {
	// Endpoints are platforms by what is special about them.
	Endpoints map[string]string `json:"endpoints"`
	Tokens    map[string]string `json:"tokens"`
	// Preloaded is how many images there are on the platform of that name.
	Preloaded int `json:"preloaded"`
	// Images are images that the provider has made on the enterprise platform, with every attribute that Terraform has of them.
	Images json.RawMessage `json:"images"`
}

// startPrimeHub starts the platforms.
func startPrimeHub() (w primehubWorld, stop func(), err error) {
	var servers []*primehub.Server
	stop = func() {
		for _, s := range servers {
			_ = s.Close() // nothing of it is needed any more
		}
	}
	w = primehubWorld{
		Endpoints: map[string]string{},
		Tokens: map[string]string{
			"admin": primehub.TokenAdmin, "group_admin": primehub.TokenGroupAdmin, "member": primehub.TokenMember, "researcher": primehub.TokenResearcher,
		},
		Preloaded: 3 * preloaded, // a quarter of them belongs to no group
	}
	for name, o := range map[string]primehub.Options{
		"enterprise": {}, "community": {Edition: primehub.Community}, "old": {OldErrors: true}, "preloaded": {Preload: primehub.Preload{Images: 3 * preloaded, Seed: 1}},
	} {
		o.BuildTime = buildTime
		s, startErr := primehub.Start(o)
		if startErr != nil {
			err = errors.Join(err, startErr)
			continue
		}
		servers = append(servers, s)
		w.Endpoints[name] = s.Endpoint()
	}
	if err != nil {
		stop()
		return primehubWorld{}, nil, err
	}
	return w, stop, nil
}
