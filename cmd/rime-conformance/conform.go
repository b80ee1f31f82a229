package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

//go:embed *.py
var scripts embed.FS

// errUnavailable tells that a client cannot be had: most often, that the package index cannot be reached.
var errUnavailable = errors.New("the client could not be installed from the Python package index")

// looseDependencies are what rime-sdk needs. Its own bounds exclude every pandas that exists for a present-day Python.
var looseDependencies = []string{
	"click", "deprecated<2", "importlib-metadata", "numpy", "pandas<3", "protobuf", "python-dateutil", "requests", "schema", "semver<3", "simplejson",
	"six", "tqdm", "typing_extensions", "urllib3", "certifi",
}

var distribution = regexp.MustCompile(`^[A-Za-z0-9_-]+`)

// conform installs a client and drives the stand-in with it.
func conform(ctx context.Context, python, dir, client string, out *log.Logger) error {
	out.Printf("%s: installing", client)
	venv, err := install(ctx, python, filepath.Join(dir, strings.NewReplacer("=", "-", ".", "-").Replace(client)), client)
	if err != nil {
		return err
	}
	name := distribution.FindString(client)
	version, err := exec.CommandContext(ctx, venv, "-c", "import importlib.metadata as m, sys; print(m.version(sys.argv[1]), end='')", name).Output()
	if err != nil {
		return fmt.Errorf("ask for the version of %s: %w", name, err)
	}
	world, stop, err := startWorld(ctx, string(version))
	if err != nil {
		return err
	}
	defer stop()
	out.Printf("%s: version %s", client, version)
	return drive(ctx, venv, dir, scriptOf(client), world, out)
}

// scriptOf is the script that drives a client.
func scriptOf(client string) string {
	return "drive_" + strings.ReplaceAll(distribution.FindString(client), "-", "_") + ".py"
}

// install makes a virtual environment with the client in it, and returns its interpreter.
func install(ctx context.Context, python, dir, client string) (string, error) {
	venv := filepath.Join(dir, "bin", "python")
	if text, err := exec.CommandContext(ctx, python, "-m", "venv", dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("make a virtual environment: %w\n%s", err, text)
	}
	installs := [][]string{{client}}
	if strings.HasPrefix(client, "rime-sdk") {
		installs = [][]string{looseDependencies, {"--no-deps", client}}
	}
	for _, args := range installs {
		pip := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, args...)
		if text, err := exec.CommandContext(ctx, venv, pip...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w; is it reachable? pip says: %w\n%s", client, errUnavailable, err, strings.TrimSpace(string(text)))
		}
	}
	return venv, nil
}

// world is what a script is told of the platforms that have been started for it.
type world struct {
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

// startWorld starts the platforms.
func startWorld(ctx context.Context, version string) (w world, stop func(), err error) {
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
	w = world{
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
		return world{}, nil, err
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

// drive runs a script.
func drive(ctx context.Context, venv, dir, script string, w world, out *log.Logger) error {
	files, err := scripts.ReadDir(".")
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := scripts.ReadFile(file.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file.Name()), text, 0o600); err != nil {
			return err
		}
	}
	told, err := json.Marshal(w)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 5*time.Minute, errors.New("the script did not end within five minutes"))
	defer cancel()
	cmd := exec.CommandContext(ctx, venv, "-W", "ignore", filepath.Join(dir, script))
	cmd.Env = append(os.Environ(), "RIME_CONFORMANCE="+string(told), "NO_PROXY=127.0.0.1")
	cmd.Stdout, cmd.Stderr = out.Writer(), out.Writer()
	if err := cmd.Run(); err != nil {
		return errors.Join(fmt.Errorf("the client does not agree with the stand-in: %w", err), context.Cause(ctx))
	}
	return nil
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
