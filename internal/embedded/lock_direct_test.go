package embedded

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/buildkit"
	"github.com/managed-images/terraform-provider-rime/internal/compose"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// commits is GitHub, and any other host, with one repository whose branch main is at a commit that a test moves.
type commits struct{ main string }

func (c *commits) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	switch path := req.URL.Path; {
	case strings.HasSuffix(path, "/info/refs"):
		rec.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		_, _ = fmt.Fprintf(rec, "001e# service=git-upload-pack\n0000003d%s refs/heads/main\n0000", c.main)
	case strings.HasPrefix(path, "/o/a/archive/"):
		commit := strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], ".tar.gz")
		_, _ = rec.Write(archiveOf("[project]\nname='a'\nversion='1." + commit[:1] + "0'"))
	case strings.HasPrefix(path, "/o/dynamic/archive/"):
		_, _ = rec.Write(archiveOf("[project]\nname='a'\ndynamic=['version']"))
	default:
		rec.WriteHeader(http.StatusNotFound)
	}
	return rec.Result(), nil
}

func archiveOf(pyproject string) []byte {
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	err := w.WriteHeader(&tar.Header{Name: "a/pyproject.toml", Size: int64(len(pyproject))})
	if _, werr := w.Write([]byte(pyproject)); errors.Join(err, werr, w.Close(), g.Close()) != nil {
		panic("an archive cannot be written")
	}
	return b.Bytes()
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// lockOf is the lock that the spec leads to on Python 3.11, or its error. A new client has forgotten what others saw.
func (c *commits) lockOf(t *testing.T, spec imageregistry.Spec, keep string) (imageregistry.Lock, error) {
	t.Helper()
	index, err := pythonindex.New(pythonindex.Options{Transport: c})
	if err != nil {
		t.Fatal(err)
	}
	target, err := resolve.NewTarget(pep440.MustParse("3.11.7"), pep425.Platform{Minor: 11, Machine: "x86_64", Libc: pep425.Glibc, LibcMajor: 2, LibcMinor: 36})
	if err != nil {
		t.Fatal(err)
	}
	l := &locking{index: index, spec: spec}
	if open := l.read(); open != "" {
		t.Fatal(open)
	}
	b := &compose.Base{Target: target}
	find := l.resolve
	if spec.PipLockFile != "" {
		find = l.obey
	}
	if err := find(t.Context(), b, keep); err != nil {
		return imageregistry.Lock{}, err
	}
	return l.finish(imageregistry.Lock{}, b)
}

func requiring(t *testing.T, texts ...string) imageregistry.Spec {
	t.Helper()
	var spec imageregistry.Spec
	for _, text := range texts {
		pip, err := requirement.ParsePip(text)
		if err != nil {
			t.Fatal(err)
		}
		spec.PipRequirements = append(spec.PipRequirements, pip)
	}
	return spec
}

// TestLocking_commit keeps a commit while its requirement stays, wherever the branch moves to.
func TestLocking_commit(t *testing.T) {
	t.Parallel()
	one, two := strings.Repeat("1", 40), strings.Repeat("2", 40)
	c := &commits{main: one}
	const address = "a @ git+https://github.com/o/a.git@main#subdirectory="
	wants := func(keep, address, version, commit string) string {
		t.Helper()
		lock, err := c.lockOf(t, requiring(t, strings.TrimSuffix(address, "#subdirectory=")), keep)
		if err != nil {
			t.Fatal(err)
		}
		installs, err := locked(lock.Pylock)
		if err != nil {
			t.Fatal(err)
		}
		archive := "https://github.com/o/a/archive/" + commit + ".tar.gz"
		want := []buildkit.Locked{{Name: "a", Version: version, Address: archive, Hashes: []string{hashOf(archiveOf("[project]\nname='a'\nversion='" + version + "'"))}}}
		if len(installs) == 1 {
			want[0].Marker = installs[0].Marker
		}
		if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(installs)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]imageregistry.Source{{Name: "a", Version: version}}, lock.Sources); diff != "" {
			t.Error(diff)
		}
		return lock.Pylock
	}
	first := wants("", address, "1.10", one)
	c.main = two
	wants(first, address, "1.10", one)
	wants("", address, "1.20", two)
	wants(first, "a @ git+https://github.com/o/a.git@"+two, "1.20", two)

	for address, want := range map[string]string{
		"a @ git+https://git.test/o/a.git@main":           "write the address of an archive of the commit instead",
		"a @ git+https://github.com/o/dynamic.git@" + one: `has "version" among what is dynamic`,
	} {
		_, err := c.lockOf(t, requiring(t, address), "")
		if open, ok := errors.AsType[*pythonindex.UnlockableError](err); !ok || open.Name != "a" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := c.lockOf(t, requiring(t, "a @ git+https://github.com/o/a.git@mian"), ""); err == nil || !strings.Contains(err.Error(), `similar ones are "main"`) {
		t.Error(err)
	}
	if _, err := c.lockOf(t, requiring(t, "a @ https://h.test/a.zip", "a @ https://i.test/a.zip"), ""); err == nil {
		t.Error("two addresses are taken for one")
	}
}

// TestLocking_lockFile obeys lock files with addresses, as far as their hashes hold.
func TestLocking_lockFile(t *testing.T) {
	t.Parallel()
	one := strings.Repeat("1", 40)
	c := &commits{main: one}
	hash := hashOf(archiveOf("[project]\nname='a'\nversion='1.10'"))
	dynamic := hashOf(archiveOf("[project]\nname='a'\ndynamic=['version']"))
	lock, err := c.lockOf(t, requiring(t, "a @ git+https://github.com/o/a.git"+"@main"), "")
	if err != nil {
		t.Fatal(err)
	}
	const toml = "lock-version = '1.0'\n[[packages]]\nname = 'a'\n"
	for text, want := range map[string]string{
		lock.Pylock: "a 1.10", strings.ReplaceAll(lock.Pylock, hash, strings.Repeat("0", 64)): "is not what was locked: its SHA-256 is " + hash,
		strings.ReplaceAll(lock.Pylock, `"1.10"`, `"1.11"`):                                                                    "is version 1.10, and the lock has 1.11",
		"a @ git+https://github.com/o/a.git@" + one:                                                                            "a 1.10",
		"a @ https://h.test/o/a/archive/1.tar.gz --hash=sha256:" + hash:                                                        "a 1.10",
		"a @ https://h.test/o/a/archive/1.tar.gz --hash=sha256:" + strings.Repeat("0", 64):                                     "is not what was locked",
		"--only-binary :all:\na @ https://h.test/o/a/archive/1.tar.gz --hash=sha256:" + hash:                                   "has no wheel at its address",
		"a @ git+https://git.test/o/a.git@" + one:                                                                              "only a build can tell",
		toml + "version = '7'\narchive = {url='https://h.test/o/dynamic/archive/1.tar.gz', hashes={sha256='" + dynamic + "'}}": "a 7",
		toml + "archive = {url='https://h.test/o/dynamic/archive/1.tar.gz', hashes={sha256='" + dynamic + "'}}":                "only a build can tell",
		toml + "archive = {url='https://h.test/none/1.tar.gz', hashes={sha256='" + dynamic + "'}}":                             "404 Not Found",
	} {
		lock, err := c.lockOf(t, imageregistry.Spec{PipLockFile: text}, "")
		got := fmt.Sprint(err)
		if err == nil && len(lock.Libraries) == 1 {
			got = lock.Libraries[0].Name + " " + lock.Libraries[0].Version
		}
		if !strings.Contains(got, want) || err == nil && got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}
