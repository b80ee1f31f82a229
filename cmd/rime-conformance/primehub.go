package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	client "github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// primehubWorld is what a script is told of the platforms that have been started for it.
type primehubWorld struct {
	// Endpoints are platforms by what is special about them.
	Endpoints map[string]string `json:"endpoints"`
	Tokens    map[string]string `json:"tokens"`
	// Preloaded is how many images there are on the platform of that name.
	Preloaded int `json:"preloaded"`
	// Images are images that the provider's client has made on the enterprise platform.
	Images []readImage `json:"images"`
}

// readImage is what the official client has to read of an image that the provider's client has made.
type readImage struct {
	Name string `json:"name"`
	// Fields are fields of the image as they are on the wire.
	Fields map[string]any `json:"fields"`
	Groups []string       `json:"groups"`
	// System tells an image that belongs to no group.
	System bool `json:"system"`
	// BaseImage and Packages are what the image is built of. Packages is nil if it is not built.
	BaseImage string              `json:"base_image"`
	Packages  map[string][]string `json:"packages"`
}

// startPrimeHub starts the platforms.
func startPrimeHub(ctx context.Context) (w primehubWorld, stop func(), err error) {
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
	if err == nil {
		w.Images, err = makeGroupImages(ctx, w.Endpoints["enterprise"])
	}
	if err != nil {
		stop()
		return primehubWorld{}, nil, err
	}
	return w, stop, nil
}

// makeGroupImages makes images with the provider's own client: one that exists, for everyone, one that is built, and one that is built for a group.
func makeGroupImages(ctx context.Context, endpoint string) ([]readImage, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("the platform did not answer within a minute"))
	defer cancel()
	c, err := client.New(client.Config{Endpoint: endpoint, APIToken: primehub.TokenAdmin})
	if err != nil {
		return nil, err
	}
	group, err := c.Group(ctx, primehub.GroupDataScience)
	if err != nil {
		return nil, err
	}
	research, err := c.Group(ctx, primehub.GroupResearch)
	if err != nil {
		return nil, err
	}
	packages := client.Packages{Apt: []string{"curl"}, Conda: []string{"-c", "pytorch", "fastai"}, Pip: []string{"numpy==1.17.4"}}
	recipe := &client.Recipe{BaseImage: "jupyter/base-notebook", Packages: packages}
	onTheWire := map[string][]string{"apt": packages.Apt, "conda": packages.Conda, "pip": packages.Pip}
	made := []struct {
		client.Spec
		read readImage
	}{
		{
			client.Spec{
				Name: "made-for-everyone", DisplayName: "Everyone's", Description: "made by the provider", Type: client.TypeUniversal, Global: true,
				Existing: &client.Existing{URL: "a/b:1", URLForGPU: "a/b:1-gpu", PullSecret: "image-dockerhub"},
			},
			readImage{Fields: map[string]any{
				"displayName": "Everyone's", "description": "made by the provider", "type": "both", "global": true, "url": "a/b:1",
				"urlForGpu": "a/b:1-gpu", "useImagePullSecret": "image-dockerhub",
			}, Groups: []string{}, System: true},
		},
		{
			client.Spec{Name: "made-to-order", DisplayName: "made.to-order", Type: client.TypeCPU, Groups: []client.GroupRef{research.GroupRef}, Recipe: recipe},
			readImage{
				Fields: map[string]any{"displayName": "made.to-order", "type": "cpu", "global": false},
				Groups: []string{research.Name}, System: true, BaseImage: recipe.BaseImage, Packages: onTheWire,
			},
		},
		{
			client.Spec{Name: "made-for-a-group", DisplayName: "made-for-a-group", Type: client.TypeGPU, Owner: group.GroupRef, Recipe: recipe},
			readImage{
				Fields: map[string]any{"displayName": "made-for-a-group", "type": "gpu", "global": false},
				Groups: []string{group.Name}, BaseImage: recipe.BaseImage, Packages: onTheWire,
			},
		},
	}
	var images []readImage
	for _, m := range made {
		if _, err := c.Create(ctx, m.Spec); err != nil {
			return nil, fmt.Errorf("make the image %s: %w", m.Name, err)
		}
		m.read.Name = m.Name
		images = append(images, m.read)
	}
	return images, nil
}
