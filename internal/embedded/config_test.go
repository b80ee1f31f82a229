package embedded

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
)

func TestNew_invalid(t *testing.T) {
	t.Parallel()
	bases := map[string]string{"3.12": "python:3.12-slim-bookworm"}
	for _, test := range []struct {
		config Config
		field  string
		want   string
	}{
		{Config{BaseImages: bases}, "url", "url: is empty; give the registry as host[:port][/path]"},
		{Config{URL: "/path", BaseImages: bases}, "url", "url: is empty; give the registry as host[:port][/path]"},
		{Config{URL: "https://r.example.com/x", BaseImages: bases}, "url", `url: leave out the scheme: "r.example.com/x"`},
		{Config{URL: "http://r.example.com", BaseImages: bases}, "url", `url: leave out the scheme: "r.example.com" and, for plain http, set insecure = true`},
		{Config{URL: "http://r.example.com", Insecure: true, BaseImages: bases}, "url", `url: leave out the scheme: "r.example.com"`},
		{Config{URL: "r.example.com/UPPER", BaseImages: bases}, "url", ""},
		{Config{URL: "https://user:secret@r.example.com", BaseImages: bases}, "url", "url: holds credentials; leave them out and use `docker login` or a credential helper"},
		{Config{URL: "r.example.com", RepositoryPrefix: "Nope!", BaseImages: bases}, "repository_prefix", ""},
		{Config{URL: "r.example.com"}, "base_images", `base_images: is empty; give at least one, as in { "3.12" = "python:3.12-slim-bookworm" }`},
		{Config{URL: "r.example.com", BaseImages: map[string]string{"3": "python:3"}}, "base_images", `base_images: the key "3" is no Python version; write "X.Y", in quotes`},
		{Config{URL: "r.example.com", BaseImages: map[string]string{"3.12": ""}}, "base_images", ""},
		{Config{URL: "r.example.com", BaseImages: map[string]string{"3.12": "UPPER:x"}}, "base_images", ""},
	} {
		_, err := New(test.config)
		var invalid *ConfigError
		if !errors.As(err, &invalid) || invalid.Field != test.field || (test.want != "" && err.Error() != test.want) {
			t.Errorf("%+v: %v", test.config, err)
		}
	}
}

func TestNew_repositories(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		url, prefix string
		insecure    bool
		want        string
		scheme      string
	}{
		{"r.example.com", "", false, "r.example.com/model-a", "https"},
		{"r.example.com/", "/ml/", false, "r.example.com/ml/model-a", "https"},
		{"r.example.com:5000/team/x", "ml/images", true, "r.example.com:5000/team/x/ml/images/model-a", "http"},
		{"127.0.0.1:5000", "ml", false, "127.0.0.1:5000/ml/model-a", "http"},
		{"docker.io/me", "", false, "index.docker.io/me/model-a", "https"},
	} {
		r, err := New(Config{URL: test.url, RepositoryPrefix: test.prefix, Insecure: test.insecure, BaseImages: map[string]string{"3.12": "python:3.12"}})
		if err != nil {
			t.Fatal(err)
		}
		repo, err := r.repository("model-a")
		if err != nil || repo.Name() != test.want || repo.Scheme() != test.scheme {
			t.Errorf("%+v: %s over %s, %v", test, repo.Name(), repo.Scheme(), err)
		}
	}
}

func TestRepository_names(t *testing.T) {
	t.Parallel()
	r, err := New(Config{URL: "r.example.com", BaseImages: map[string]string{"3.12": "python:3.12"}})
	if err != nil {
		t.Fatal(err)
	}
	for image, want := range map[string]bool{
		"a": true, "model-a": true, "m0_x-y": true,
		"": false, "A": false, "0a": false, "a/b": false, "a--b": false, "a-": false, "../a": false, "a\n": false, "a.b": false, "a:b": false,
	} {
		_, err := r.repository(image)
		var invalid *NameError
		if (err == nil) != want || (err != nil && !errors.As(err, &invalid)) {
			t.Errorf("%q: %v", image, err)
		}
	}
}

func TestPythonVersions(t *testing.T) {
	t.Parallel()
	c := Config{BaseImages: map[string]string{"3.9": "a", "3.10": "b", "3.8": "c", "2.7": "d", "10.0": "e"}}
	if got := c.pythonVersions(); !slices.Equal(got, []string{"2.7", "3.8", "3.9", "3.10", "10.0"}) {
		t.Errorf("%q", got)
	}
}

func TestPinned(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string]string{
		"python:3.12-slim-bookworm":          "python:3.12-slim-bookworm@sha256:d",
		"r.example.com:5000/python":          "r.example.com:5000/python@sha256:d",
		"python:3.12-slim-bookworm@sha256:d": "python:3.12-slim-bookworm@sha256:d",
		"r.example.com/py@sha256:d":          "r.example.com/py@sha256:d",
		"127.0.0.1:5000/base/py:3.1":         "127.0.0.1:5000/base/py:3.1@sha256:d",
	} {
		if got := pinned(reference, "sha256:d"); got != want {
			t.Errorf("%s becomes %s", reference, got)
		}
	}
}

func TestImageTag(t *testing.T) {
	t.Parallel()
	a, b := imageTag("3.12", "in", "base"), imageTag("3.12", "inb", "ase")
	if a == b || a != imageTag("3.12", "in", "base") || len(a) != len("3.12-")+12 {
		t.Errorf("%s, %s", a, b)
	}
	if _, err := name.NewTag("r.example.com/x:"+a, name.StrictValidation); err != nil {
		t.Error(err)
	}
}
