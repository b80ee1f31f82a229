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
	r := newRedactor(hidingWords("password", "pass", "my-password-is-long", "abc")...)
	for in, want := range map[string]string{
		"nothing here":                          "nothing here",
		"password":                              "***",
		"my-password-is-long, password, pass":   "***, ***, ***",
		"abc is too short to hide everywhere":   "abc is too short to hide everywhere",
		"https://u:abc@host/simple?x=pass, abc": "https://host/***, abc",
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
			log := newBuildLog(newRedactor(hidingWords(secret)...), nil)
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
	r := newRedactor(s.hidings...)
	for _, secret := range []string{"p@ss'word", "p%40ss'word", "only-a-token", "conf-secret", "proxy-secret"} {
		if got := r.clean("it is " + secret); got != "it is ***" {
			t.Errorf("%q is shown as %q", secret, got)
		}
	}
	if s.has(secretCA) || !s.has(secretPipConfig) || !s.has(secretHidings) {
		t.Error("wrong secrets")
	}
}

// TestHidings_index shows what a step itself prints about an index with secrets in its address: BuildKit keeps that.
func TestHidings_index(t *testing.T) {
	t.Parallel()
	for index, lines := range map[string]map[string]string{
		"https://dl.cloudsmith.io/aBcDeF0123456789/org/repo/python/simple/": {
			"Looking in indexes: https://dl.cloudsmith.io/aBcDeF0123456789/org/repo/python/simple/":   "Looking in indexes: https://dl.cloudsmith.io/***/***/***/python/simple/",
			"https://dl.cloudsmith.io/aBcDeF0123456789/org/repo/python/simple/numpy/":                 "https://dl.cloudsmith.io/***/***/***/python/simple/numpy/",
			"https://dl.cloudsmith.io/aBcDeF0123456789/org/files/a.whl":                               "https://dl.cloudsmith.io/***/***/files/a.whl",
			"https://cdn.example.com/aBcDeF0123456789/a.whl":                                          "https://cdn.example.com/***/a.whl",
			"Max retries exceeded with url: /aBcDeF0123456789/org/repo/python/simple/a/ (Caused by x": "Max retries exceeded with url: /***/***/***/python/simple/a/ (Caused by x",
			"Collecting org; repo in /usr/lib/org/simple":                                             "Collecting org; repo in /usr/lib/org/simple",
		},
		"https://user:pass-word@h:8080/s3cr3t/": {
			"Looking in indexes: https://user:****@h:8080/s3cr3t/": "Looking in indexes: https://user:****@h:8080/***/",
			"https://h:8080/s3cr3t/numpy/, url: /s3cr3t/numpy/":    "https://h:8080/***/numpy/, url: /***/numpy/",
			"/usr/s3cr3t/x pass-word":                              "/usr/s3cr3t/x ***",
		},
		"https://h/sim%70le%2Ftoken/simple?auth=weak&lone-token-17&x=lone%2Ftoken": {
			"https://h/simple/token/simple/a": "https://h/simple/***/simple/a",
			"https://h/sim%70le%2Ftoken/":     "https://h/***/",
			"url: /a?auth=weak":               "url: /a?auth=***",
			"lone-token-17 and lone/token":    "*** and ***",
		},
		"https://pypi.org/simple/": {
			"https://pypi.org/simple/numpy/ and simple": "https://pypi.org/simple/numpy/ and simple",
		},
		"https://pypi.internal/ml/simple": {
			"failed to push pypi.internal/ml/model:tag": "failed to push pypi.internal/ml/model:tag",
		},
	} {
		s, err := Options{Pip: PipOptions{IndexURL: index}}.readSecrets()
		if err != nil {
			t.Fatal(err)
		}
		r := newRedactor(s.hidings...)
		for line, want := range lines {
			if got := r.replacer.Replace(line); got != want {
				t.Errorf("with the index %s, %q gives %q, want %q", index, line, got, want)
			}
		}
	}
}

func TestReadSecrets_none(t *testing.T) {
	t.Parallel()
	s, err := Options{Pip: PipOptions{Config: " \n"}}.readSecrets()
	if err != nil || s.has(secretIndex) || s.has(secretPipConfig) || s.has(secretCA) || s.has(secretHidings) {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := (Options{CAFile: t.TempDir() + "/missing.pem"}).readSecrets(); err == nil {
		t.Error("a missing CA file is no error")
	}
}
