package pythonindex_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

// advertised is a list of refs as git sends it.
func advertised(refs ...string) string {
	lines := []string{"# service=git-upload-pack\n", ""}
	for i, ref := range refs {
		if i == 0 {
			ref += "\x00multi_ack side-band-64k symref=HEAD:refs/heads/main agent=git/2.47"
		}
		lines = append(lines, ref+"\n")
	}
	var b strings.Builder
	for _, line := range append(lines, "") {
		if line == "" {
			b.WriteString("0000")
		} else {
			fmt.Fprintf(&b, "%04x%s", len(line)+4, line)
		}
	}
	return b.String()
}

// id is the name of a commit: a digit over and over.
func id(digit string) string { return strings.Repeat(digit, 40) }

var repository = advertised(
	id("1")+" HEAD", id("1")+" refs/heads/main", id("2")+" refs/heads/release/1.x", id("3")+" refs/heads/both", id("4")+" refs/pull/7/head", id("5")+" refs/tags/both",
	id("6")+" refs/tags/v1.0", id("7")+" refs/tags/v1.0^{}", id("8")+" refs/tags/v1.1",
)

func TestReadRefs(t *testing.T) {
	t.Parallel()
	for revision, want := range map[string]string{
		"": id("1"), "HEAD": id("1"), "main": id("1"), "release/1.x": id("2"), "both": id("3"), "refs/pull/7/head": id("4"), "pull/7/head": id("4"), "v1.0": id("7"), "refs/tags/v1.0": id("7"),
		"tags/v1.1": id("8"),
	} {
		if got, err := pythonindex.ReadRefs(strings.NewReader(repository), revision); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", revision, got, err, want)
		}
	}
	const none = `the repository has no branch and no tag of the name behind the "@"`
	for revision, want := range map[string]string{
		"mian": none + `; similar ones are "main"`, "1.1": none + `; similar ones are "v1.1"`, "S3CRET-S3CRET": none, "0123456": "may be the beginning of the name of a commit",
	} {
		if got, err := pythonindex.ReadRefs(strings.NewReader(repository), revision); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "S3CRET") {
			t.Errorf("%q: %s, %v, want %s", revision, got, err, want)
		}
	}
	for name, list := range map[string]string{
		"nothing": "", "a page": "<html>", "another service": "001d# service=git-receive-pack\n0000", "no end": strings.TrimSuffix(repository, "0000"), "a short line": repository[:60],
		"no name": "001e# service=git-upload-pack\n0000" + "0030" + id("1") + "main", "no length": "001e# service=git-upload-pack\n00000003",
	} {
		if got, err := pythonindex.ReadRefs(strings.NewReader(list), "main"); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
	if _, err := pythonindex.ReadRefs(strings.NewReader(advertised(strings.Repeat("0", 40)+" capabilities^{}")), ""); err == nil || err.Error() != "the repository has no commit" {
		t.Error(err)
	}
}

// TestReadRefs_git reads what git itself writes.
func TestReadRefs_git(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	git := func(arguments ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", directory, "-c", "user.name=a", "-c", "user.email=a@b.test"}, arguments...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+filepath.Join(directory, "none"), "GIT_CONFIG_NOSYSTEM=1", "GIT_PROTOCOL=")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %s: %v", strings.Join(arguments, " "), err)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet", "--initial-branch=main")
	git("commit", "--quiet", "--allow-empty", "--message=a")
	git("tag", "--annotate", "--message=b", "v1")
	first := git("rev-parse", "HEAD")
	git("commit", "--quiet", "--allow-empty", "--message=c")
	list := "001e# service=git-upload-pack\n0000" + git("upload-pack", "--http-backend-info-refs", ".")
	for revision, want := range map[string]string{"v1": first, "main": git("rev-parse", "main"), "": git("rev-parse", "HEAD")} {
		if got, err := pythonindex.ReadRefs(strings.NewReader(list), revision); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", revision, got, err, want)
		}
	}
}

func FuzzReadRefs(f *testing.F) {
	f.Add(repository, "main")
	f.Add(advertised(id("0")+" capabilities^{}"), "")
	f.Fuzz(func(t *testing.T, list, revision string) {
		got, err := pythonindex.ReadRefs(strings.NewReader(list), revision)
		if err == nil && len(got) != 40 && len(got) != 64 {
			t.Errorf("%q at %q: %q", list, revision, got)
		}
	})
}

// TestClient_Direct_commits takes the archives that hosts make of commits, and leaves alone what they leave out.
func TestClient_Direct_commits(t *testing.T) {
	t.Parallel()
	archive := members{"a-b/pyproject.toml": project, "a-b/sub/pyproject.toml": "[project]\nname='a-b'\nversion='2'", "a-b/.gitattributes": "* text=auto\n"}.targz(t)
	w := &web{texts: map[string]string{}}
	for _, base := range []string{
		"https://github.com/o/a.git", "https://gitlab.com/o/p/a.git", "https://gitlab.h.test:8443/o/a", "https://bitbucket.org/o/a", "https://other.test/o/a.git", "https://github.com/o/b", "https://github.com/o/c",
	} {
		w.texts[base+"/info/refs?service=git-upload-pack"] = repository
	}
	for digit, address := range map[string]string{
		"2": "to https://codeload.github.com/o/a/tar.gz/2", "1": "https://gitlab.com/o/p/a/-/archive/%s/a-%s.tar.gz", "7": "https://gitlab.h.test:8443/o/a/-/archive/%s/a-%s.tar.gz", "9": "https://bitbucket.org/o/a/get/%s.tar.gz",
	} {
		if to, redirect := strings.CutPrefix(address, "to "); redirect {
			w.texts["https://github.com/o/a/archive/"+id(digit)+".tar.gz"], w.texts[to] = address, archive
			continue
		}
		w.texts[strings.ReplaceAll(address, "%s", id(digit))] = archive
	}
	w.texts["https://github.com/o/b/archive/"+id("1")+".tar.gz"] = members{"b/pyproject.toml": project, "b/.gitmodules": ""}.targz(t)
	w.texts["https://github.com/o/c/archive/"+id("1")+".tar.gz"] = members{"c/pyproject.toml": project, "c/x/.gitattributes": "# a\n_version.py export-subst\n"}.targz(t)
	c := w.client(t, nil)
	for address, want := range map[string]string{
		"git+https://github.com/o/a.git@release/1.x":              "1.0 " + id("2") + " release/1.x https://github.com/o/a/archive/" + id("2") + ".tar.gz",
		"git+https://gitlab.com/o/p/a.git#subdirectory=sub":       "2 " + id("1") + "  https://gitlab.com/o/p/a/-/archive/" + id("1") + "/a-" + id("1") + ".tar.gz#subdirectory=sub",
		"git+https://gitlab.h.test:8443/o/a@v1.0":                 "1.0 " + id("7") + " v1.0 https://gitlab.h.test:8443/o/a/-/archive/" + id("7") + "/a-" + id("7") + ".tar.gz",
		"git+https://bitbucket.org/o/a@" + id("9"):                "1.0 " + id("9") + " " + id("9") + " https://bitbucket.org/o/a/get/" + id("9") + ".tar.gz",
		"git+https://other.test/o/a.git@main":                     "a-b comes from an address, and only a build can tell what it needs: nobody knows where https://other.test has archives of commits; write the address of an archive",
		"git+https://github.com/o/b":                              "has submodules",
		"git+https://github.com/o/c@main":                         "make the archive of a commit another thing",
		"git+https://github.com/o/a.git@mian":                     `on https://github.com, could not be read: the repository has no branch and no tag of the name behind the "@"; similar ones are "main"`,
		"git+https://github.com/o/a.git@0123456":                  "write the whole name of the commit",
		"git+https://github.com/o/S3CRET@main":                    "404 Not Found",
		"git+https://github.com/o/a@" + strings.Repeat("a", 64):   "404 Not Found",
		"git+https://github.com/o/a/b@" + strings.Repeat("a", 64): "nobody knows where",
	} {
		file, err := c.Direct(t.Context(), "a-b", address, "")
		var got string
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprint(file.Version, " ", file.Direct.Commit, " ", file.Direct.Revision, " ", file.Address())
		}
		if !strings.Contains(got, want) || strings.Contains(got, "S3CRET") {
			t.Errorf("%s:\n got %s\nwant %s", address, got, want)
		}
	}
	_, err := c.Direct(t.Context(), "a-b", "git+https://github.com/o/a.git@mian", "")
	if ref, ok := errors.AsType[*pythonindex.RefError](err); !ok || cmp.Diff([]string{"main"}, ref.Similar) != "" {
		t.Error(err)
	}
	w.asked = nil
	if file, err := c.Direct(t.Context(), "a-b", "git+https://github.com/o/a.git@main", id("2")); err != nil || file.Direct.Commit != id("2") || file.Direct.Revision != "main" {
		t.Errorf("a commit that is kept: %+v, %v", file, err)
	}
	if strings.Contains(strings.Join(w.asked, " "), "info/refs") {
		t.Errorf("a commit that is known is asked for: %s", w.asked)
	}
}
