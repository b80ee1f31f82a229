package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	// Images are images that another client has made.
	Images []madeImage `json:"images"`
}

type madeImage struct {
	Name          string `json:"name"`
	PythonVersion string `json:"python_version"`
	// Pip are names and version specifiers.
	Pip      [][2]string `json:"pip"`
	Packages []string    `json:"packages"`
}

// madeImages are made in the words of the provider: every field in camel case, and none left out.
var madeImages = []madeImage{
	{"made-by-another", "3.11", [][2]string{{"numpy", ">=1.24,<2"}, {"scikit-learn", ""}}, []string{"git", "vim"}},
	{"made-of-nothing", "3.8", [][2]string{}, []string{}},
}

const (
	preloaded = 45
	buildTime = 400 * time.Millisecond
)

// startRIME starts the platforms.
func startRIME(ctx context.Context, version string) (w rimeWorld, stop func(), err error) {
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
	if err == nil {
		w.Images, err = madeImages, makeImages(ctx, w.Endpoint)
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

// makeImages makes images as another client does.
func makeImages(ctx context.Context, endpoint string) error {
	for _, image := range madeImages {
		pip, packages := []map[string]string{}, []map[string]string{}
		for _, p := range image.Pip {
			pip = append(pip, map[string]string{"name": p[0], "versionSpecifier": p[1]})
		}
		for _, p := range image.Packages {
			packages = append(packages, map[string]string{"name": p, "versionSpecifier": "", "packageType": "PACKAGE_TYPE_ROCKYLINUX"})
		}
		body, err := json.Marshal(map[string]any{
			"name": image.Name, "pythonVersion": image.PythonVersion, "pipRequirements": pip, "packageRequirements": packages,
		})
		if err != nil {
			return err
		}
		if err := post(ctx, endpoint+"/v1/images", body); err != nil {
			return fmt.Errorf("make the image %s: %w", image.Name, err)
		}
	}
	return nil
}

func post(ctx context.Context, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("rime-api-key", rime.KeyUser)
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	return nil
}
