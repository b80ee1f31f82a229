package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRunner_test runs `go test` for real, in a module of its own, and expects every kind of end to be told.
func TestRunner_test(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":              "module " + module + "\n\ngo 1.26\n",
		"good/good_test.go":   "package good\nimport \"testing\"\nfunc TestGood(t *testing.T) { t.Log(\"not told\"); t.Run(\"part\", func(*testing.T) {}) }\n",
		"skip/skip_test.go":   "package skip\nimport \"testing\"\nfunc TestSkip(t *testing.T) { t.Skip(\"the reason\") }\n",
		"bad/bad_test.go":     "package bad\nimport \"testing\"\nfunc TestBad(t *testing.T) { t.Error(\"what is wrong\") }\n",
		"dead/dead_test.go":   "package dead\nimport \"testing\"\nfunc TestDead(*testing.T) { panic(\"its last words\") }\n",
		"wrong/wrong_test.go": "package wrong\nfunc TestWrong(t *testing.T) {}\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	r := &runner{began: time.Now(), out: &out, totals: totals{packagesLeft: 5}}
	err := r.test(t.Context(), phase{name: "of a test", dir: dir, packages: []string{"./..."}}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "tests failed of a test") {
		t.Errorf("the error is %v", err)
	}
	for _, want := range []string{
		`(?m)ok  good  2 tests in [0-9.]+ s; \d packages left$`,
		`(?s)skip  skip TestSkip\n.*the reason`,
		`(?s)FAIL  bad TestBad\n.*what is wrong`,
		`(?m)FAIL  bad  1 tests in`,
		`(?s)FAIL  dead .*its last words`,
		`(?s)FAIL  cannot build ` + module + `/wrong.*undefined: testing`,
		`(?m)FAIL  wrong  0 tests in .*; \d packages left$`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "not told") {
		t.Errorf("it tells what a good test printed:\n%s", out.String())
	}
	if got, want := r.totals, (totals{tests: 5, skipped: 1, failed: 2, packages: 5}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

// Every name in the list is a package: a renamed one would be watched, slowly, and nobody would see why.
func TestSplit(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Concat(unwatched, slow) {
		if files, err := filepath.Glob(filepath.Join("../..", name, "*_test.go")); err != nil || len(files) == 0 {
			t.Errorf("%s has no tests: %v", name, err)
		}
	}
	in := func(names ...string) (packages []string) {
		for _, name := range names {
			packages = append(packages, module+"/"+name)
		}
		return packages
	}
	phases := split(in("cmd/rime-test", "internal/acctest", "internal/httpx", "internal/embedded", "internal/provider"))
	if got := phases[0]; !slices.Equal(got.packages, in("internal/embedded", "internal/httpx")) || got.args[0] != "-race" {
		t.Errorf("watched: %+v", got)
	}
	if got := phases[1]; !slices.Equal(got.packages, in("internal/provider")) || !slices.Equal(got.args, []string{"-race", "-run=^TestProto"}) {
		t.Errorf("the protocol: %+v", got)
	}
	if got := phases[2]; !slices.Equal(got.packages, in("internal/acctest", "internal/provider", "cmd/rime-test")) ||
		!slices.Equal(got.args, []string{"-skip=^TestProto"}) {
		t.Errorf("not watched: %+v", got)
	}
}

// A test that runs Terraform is slow under the race detector, and one of another package would not run at all by that name.
func TestSplit_protocol(t *testing.T) {
	t.Parallel()
	found := 0
	err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || !regexp.MustCompile(`(?m)^func TestProto`).Match(content) {
			return err
		}
		found++
		if filepath.Dir(path) != filepath.Join("../..", both) || strings.Contains(string(content), "helper/resource") {
			t.Errorf("%s: only tests of %s that run no Terraform may be named TestProto", path, both)
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d files: %v", found, err)
	}
}
