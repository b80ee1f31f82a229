package buildkit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

func TestRedactor(t *testing.T) {
	t.Parallel()
	r := newRedactor("password", "pass", "my-password-is-long", "abc")
	for in, want := range map[string]string{
		"nothing here":                                     "nothing here",
		"password":                                         "***",
		"my-password-is-long, password, pass":              "***, ***, ***",
		"abc is too short to hide everywhere":              "abc is too short to hide everywhere",
		"https://u:abc@host/simple":                        "https://***@host/simple",
		"https://token@host/simple and http://a:b@c/":      "https://***@host/simple and http://***@c/",
		"http://u:p@ss:w@rd@host/x":                        "http://***@host/x",
		"git+https://u:p@host/x":                           "git+https://***@host/x",
		"https://host/x@y":                                 "https://host/x@y",
		"https://s3/x?a=1&X-Amz-Signature=beef&b=2":        "https://s3/x?a=1&X-Amz-Signature=***&b=2",
		"https://blob/x?sv=1&sig=beef%3D":                  "https://blob/x?sv=1&sig=***",
		"https://host/?access_token=beef#x":                "https://host/?access_token=***",
		"mail someone@example.com about http://host:80/":   "mail someone@example.com about http://host:80/",
		`"https://u:p@host/" and 'https://u:p@other/'`:     `"https://***@host/" and 'https://***@other/'`,
		"unix:///run/buildkit/buildkitd.sock stays itself": "unix:///run/buildkit/buildkitd.sock stays itself",
	} {
		if got := r.clean(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
	r.addCredentials("user", "late-comer")
	if got := r.clean("late-comer dXNlcjpsYXRlLWNvbWVy"); got != "*** ***" {
		t.Errorf("a credential that came late is shown: %q", got)
	}
}

// TestBuildLog_secretAtTheCut moves a secret over the place where a long line is cut: no part of it may stay.
func TestBuildLog_secretAtTheCut(t *testing.T) {
	t.Parallel()
	const secret = "0123456789-secret"
	for before := maxLineBytes - 3*len(secret); before < maxLineBytes+3*len(secret); before++ {
		for _, filler := range []string{strings.Repeat("x", before), strings.Repeat(secret, before/len(secret)) + strings.Repeat("x", before%len(secret))} {
			log := newBuildLog(newRedactor(secret), nil)
			updates := make(chan *client.SolveStatus, 1)
			updates <- &client.SolveStatus{Logs: []*client.VertexLog{{Vertex: digest.FromString("x"), Data: []byte(filler + secret + strings.Repeat("y", 99))}}}
			close(updates)
			log.follow(updates)
			_, lines := log.failed("")
			if len(lines) != 1 || strings.Contains(lines[0], secret[:4]) {
				t.Fatalf("%d bytes before the secret leave %q", before, lines)
			}
		}
	}
}

func TestReadSecrets(t *testing.T) {
	t.Parallel()
	s, err := Options{Pip: PipOptions{
		IndexURL:       "https://user:p%40ss'word@index.example.com/simple/",
		ExtraIndexURLs: []string{"https://only-a-token@extra.example.com/simple", "http://open.example.com/simple"},
		Config:         "[global]\nindex-url = https://conf:conf-secret@conf.example.com/simple\nproxy = http://p:proxy-secret@proxy:3128\n",
	}}.readSecrets()
	if err != nil {
		t.Fatal(err)
	}
	wantIndex := "--index-url https://user:p%40ss%27word@index.example.com/simple/\n" +
		"--extra-index-url https://only-a-token@extra.example.com/simple\n--extra-index-url http://open.example.com/simple\n"
	if diff := cmp.Diff(wantIndex, string(s.files[secretIndex])); diff != "" {
		t.Error(diff)
	}
	wantIndexes := []string{
		"https://***@index.example.com/simple/", "https://***@extra.example.com/simple", "http://open.example.com/simple",
		"https://***@conf.example.com/simple", "http://***@proxy:3128",
	}
	if diff := cmp.Diff(wantIndexes, s.indexes); diff != "" {
		t.Error(diff)
	}
	r := newRedactor(s.words...)
	for _, secret := range []string{"p@ss'word", "p%40ss'word", "only-a-token", "conf-secret", "proxy-secret"} {
		if got := r.clean("it is " + secret); got != "it is ***" {
			t.Errorf("%q is shown as %q", secret, got)
		}
	}
	if s.has(secretCA) || !s.has(secretPipConfig) {
		t.Error("wrong secrets")
	}
}

func TestReadSecrets_none(t *testing.T) {
	t.Parallel()
	s, err := Options{Pip: PipOptions{Config: " \n"}}.readSecrets()
	if err != nil || s.has(secretIndex) || s.has(secretPipConfig) || s.has(secretCA) {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := (Options{CAFile: t.TempDir() + "/missing.pem"}).readSecrets(); err == nil {
		t.Error("a missing CA file is no error")
	}
}
