package internal_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxSourceBytes is more than a person reads in one file.
const maxSourceBytes = 300 << 10

// noSource are the names of what is made, packed or downloaded, and never written.
var noSource = regexp.MustCompile(`(?i)\.(7z|a|bin|bz2|class|deb|dll|dylib|egg|exe|gz|iso|jar|o|out|prof|pyc|rpm|so|tar|test|tgz|whl|xz|zip|zst)$` +
	`|(^|/)(terraform-provider-rime[^/]*|.*\.tfstate.*|tfplan|\.terraform|node_modules|__pycache__)(/|$)`)

// TestRepository_holdsOnlySources refuses whatever is no source: archives, packages, programs, states, and anything large.
func TestRepository_holdsOnlySources(t *testing.T) {
	t.Parallel()
	for _, name := range committed(t) {
		file, err := os.Open(filepath.Join("..", name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(io.LimitReader(file, maxSourceBytes+1))
		_ = file.Close()
		if err != nil {
			t.Fatal(err)
		}
		if why := notSource(name, text); why != "" {
			t.Errorf("%s is no source: %s", name, why)
		}
	}
}

// notSource says why a file is no source; empty if it is one.
func notSource(name string, text []byte) string {
	switch {
	case noSource.MatchString(name):
		return "its name is that of something that is made"
	case len(text) > maxSourceBytes:
		return "it is larger than 300 kB"
	case bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text):
		return "it is no text in UTF-8"
	}
	return ""
}

func TestNotSource(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]struct {
		text string
		want bool
	}{
		"internal/a.go":                 {"package a\n", true},
		"examples/a.tf":                 {"# ü\n", true},
		"internal/rpm_4.18.0_amd64.deb": {"!<arch>\n", false},
		"testdata/wheel.WHL":            {"PK", false},
		"acctest.test":                  {"text", false},
		"terraform-provider-rime":       {"text", false},
		"examples/terraform.tfstate":    {"{}", false},
		"program":                       {"\x7fELF\x00", false},
		"latin1.txt":                    {"\xfc", false},
		"large.json":                    {strings.Repeat("a", maxSourceBytes+1), false},
	} {
		if why := notSource(name, []byte(source.text)); (why == "") != source.want {
			t.Errorf("%s: %q", name, why)
		}
	}
}

// committed are the paths of the files of the repository, and of those that are about to be.
func committed(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	names := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	if len(names) < 100 {
		t.Fatalf("git knows only %d files", len(names))
	}
	return names
}
