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
	for _, name := range slices.Concat(unwatched, partly, slow) {
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
	if got := phases[1]; !slices.Equal(got.packages, in("internal/provider")) || !slices.Equal(got.args, []string{"-race", "-run=" + concurrent}) {
		t.Errorf("together: %+v", got)
	}
	if got := phases[2]; !slices.Equal(got.packages, in("internal/acctest", "internal/provider", "cmd/rime-test")) ||
		!slices.Equal(got.args, []string{"-skip=" + concurrent}) {
		t.Errorf("not watched: %+v", got)
	}
}

// TestSplit_concurrent looks into the sources: a test of that name in another package would not run at all, and a package with
// concurrency has to be watched.
func TestSplit_concurrent(t *testing.T) {
	t.Parallel()
	test, concurrency := regexp.MustCompile(`(?m)^func (Test\w*)\(`), regexp.MustCompile(`(?m)^\s*go |\.Go\(|"sync(/atomic)?"|AfterFunc`)
	matched := map[string]int{}
	err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		directory := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../../")
		if !strings.HasSuffix(path, "_test.go") {
			if slices.Contains(sequential, directory) && concurrency.Match(content) {
				t.Errorf("%s has concurrency, so %s has to be watched", path, directory)
			}
			return nil
		}
		for _, found := range test.FindAllSubmatch(content, -1) {
			if !regexp.MustCompile(concurrent).Match(found[1]) {
				continue
			}
			matched[directory]++
			if !slices.Contains(partly, directory) || strings.Contains(string(content), "helper/resource") {
				t.Errorf("%s: %s runs Terraform, or is in none of %q", path, found[1], partly)
			}
		}
		return nil
	})
	if err != nil || len(matched) != len(partly) {
		t.Errorf("%v: %v", matched, err)
	}
}
