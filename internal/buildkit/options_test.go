package buildkit

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
)

func TestNew_invalidOptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options Options
		option  string
	}{
		"no scheme":              {Options{Address: "localhost:1234"}, "Address"},
		"unknown scheme":         {Options{Address: "http://localhost:1234"}, "Address"},
		"unix without path":      {Options{Address: "unix://socket"}, "Address"},
		"tcp without port":       {Options{Address: "tcp://localhost"}, "Address"},
		"tcp without host":       {Options{Address: "tcp://:1234"}, "Address"},
		"nameless container":     {Options{Address: "docker-container://"}, "Address"},
		"nameless pod":           {Options{Address: "kube-pod://?namespace=x"}, "Address"},
		"unreadable":             {Options{Address: "tcp://%zz"}, "Address"},
		"certificate alone":      {Options{Address: "tcp://h:1", TLS: TLSOptions{Cert: "c"}}, "TLS"},
		"TLS on a socket":        {Options{Address: "unix:///x", TLS: TLSOptions{CACert: "c"}}, "TLS"},
		"no such platform":       {Options{Platforms: []string{"linux/amd64", "not a platform"}}, "Platforms"},
		"empty platform":         {Options{Platforms: []string{""}}, "Platforms"},
		"compression":            {Options{Compression: "rar"}, "Compression"},
		"cache mode":             {Options{Cache: CacheOptions{Mode: "all"}}, "Cache.Mode"},
		"cache reference":        {Options{Cache: CacheOptions{Ref: "UPPER CASE"}}, "Cache.Ref"},
		"index without scheme":   {Options{Pip: PipOptions{IndexURL: "pypi.org/simple"}}, "Pip.IndexURL"},
		"index in a file":        {Options{Pip: PipOptions{IndexURL: "file:///wheels"}}, "Pip.IndexURL"},
		"index with a line end":  {Options{Pip: PipOptions{IndexURL: "https://h/simple\n--pre"}}, "Pip.IndexURL"},
		"index with a space":     {Options{Pip: PipOptions{IndexURL: "https://h/simple --pre"}}, "Pip.IndexURL"},
		"extra index no host":    {Options{Pip: PipOptions{ExtraIndexURLs: []string{"https://ok/", "https:///simple"}}}, "Pip.ExtraIndexURLs"},
		"index secret malformed": {Options{Pip: PipOptions{IndexURL: "https://user:s3cr3t-canary@h:port/"}}, "Pip.IndexURL"},
		"index secret in path":   {Options{Pip: PipOptions{IndexURL: "ftp://h/s3cr3t-canary/simple"}}, "Pip.IndexURL"},
		"index secret in ftp":    {Options{Pip: PipOptions{IndexURL: "ftp://user:s3cr3t-canary@h/"}}, "Pip.IndexURL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(c.options)
			invalid, ok := errors.AsType[*OptionError](err)
			if !ok || invalid.Option != c.option {
				t.Fatalf("got %v, want an error about %s", err, c.option)
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the message has the password: %v", err)
			}
		})
	}
}

func TestNew_validOptions(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "unix:///run/buildkit/buildkitd.sock", "tcp://buildkitd:1234", "tcp://[::1]:1234", "docker-container://buildkitd",
		"docker-container://buildkitd?context=remote", "kube-pod://buildkitd-0?namespace=ci", "ssh://me@host:22/run/buildkitd.sock",
	} {
		options := Options{
			Address: address, Platforms: []string{"linux/amd64", "linux/arm64"}, Compression: "zstd",
			Cache: CacheOptions{Ref: "registry.example.com/cache:tag", Mode: "max"},
			Pip:   PipOptions{IndexURL: "https://user:p%40ss@pypi.example.com/simple", ExtraIndexURLs: []string{"http://localhost:8080/"}},
		}
		if strings.HasPrefix(address, "tcp://") {
			options.TLS = TLSOptions{CACert: "ca", Cert: "cert", Key: "key", ServerName: "name"}
		}
		if _, err := New(options); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestParsePlatforms_once(t *testing.T) {
	t.Parallel()
	got, err := parsePlatforms([]string{"linux/amd64", "linux/arm64", "linux/x86_64", "linux/arm64/v8"})
	if err != nil || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestOptions_insecure(t *testing.T) {
	t.Parallel()
	o := Options{Insecure: func(host string) bool { return host == "plain.example.com:5000" }}
	for reference, want := range map[string]bool{
		"plain.example.com:5000/a/b:tag": true,
		"other.example.com/a/b:tag":      false,
		"not a reference":                false,
	} {
		if o.insecure(reference) != want {
			t.Errorf("%s: not %t", reference, want)
		}
	}
	if (Options{}).insecure("plain.example.com:5000/a/b:tag") {
		t.Error("nothing is insecure by itself")
	}
}

func TestCacheReference(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 120)
	for _, c := range []struct{ configured, target, want string }{
		{"r.example.com:5000/cache:ml", "r.example.com:5000/ml/model-a:3.12-abc", "r.example.com:5000/cache:ml-ml-model-a"},
		{"r.example.com:5000/cache", "docker.io/team/model-a:tag", "r.example.com:5000/cache:latest-team-model-a"},
		{"cache@" + testDigest, "r.example.com/model:tag", "cache@" + testDigest},
		{"r/cache:ml", "r.example.com/" + long + "/model:tag", "r/cache:ml-2ba56ed5895d041f"},
		{"r/cache:" + long, "r.example.com/ml/model-a:tag", "r/cache:" + long[:111] + "-5d1c494f06a45c95"},
	} {
		got := cacheReference(c.configured, c.target)
		if got != c.want {
			t.Errorf("%s for %s gives %s, want %s", c.configured, c.target, got, c.want)
		}
		if _, err := name.ParseReference(got); err != nil {
			t.Error(err)
		}
	}
}
