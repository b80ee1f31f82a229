package pythonindex_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

// members are the files of an archive, by name.
type members map[string]string

func (m members) targz(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "0a"}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(m[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), g.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (m members) zip(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const (
	project  = "[project]\nname = 'A.B'\nversion = '1.0'\ndependencies = ['c>=1']\nrequires-python = '>=3.8'\n[project.optional-dependencies]\nX = [\"d; os_name == 'posix'\"]\n"
	packed   = "Metadata-Version: 2.2\nName: a-b\nVersion: 1.0\nRequires-Dist: c>=1\n"
	wheelDir = "A_B-1.0.dist-info/METADATA"
)

// web serves texts by their paths, for every host, and remembers what was asked for.
type web struct {
	texts map[string]string
	asked []string
}

func (w *web) RoundTrip(req *http.Request) (*http.Response, error) {
	user, _, _ := req.BasicAuth()
	w.asked = append(w.asked, strings.TrimPrefix(user+"@", "@")+req.URL.String())
	rec := httptest.NewRecorder()
	text, ok := w.texts[req.URL.String()]
	to, redirects := strings.CutPrefix(text, "to ")
	switch {
	case !ok:
		http.Error(rec, "nothing at "+req.URL.String(), http.StatusNotFound)
	case redirects:
		http.Redirect(rec, req, to, http.StatusFound)
	default:
		if strings.Contains(req.URL.Path, "info/refs") {
			rec.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		}
		_, _ = rec.WriteString(text)
	}
	return rec.Result(), nil
}

func (w *web) client(t *testing.T, credentials pythonindex.Credentials) *pythonindex.Client {
	t.Helper()
	c, err := pythonindex.New(pythonindex.Options{
		Indexes:   []pythonindex.Index{{URL: "https://u:T0KEN@h.test/simple/"}},
		Transport: w, Credentials: credentials, Retries: 1, Pause: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

// TestClient_Direct reads what there is at addresses, or says why it is none to lock.
func TestClient_Direct(t *testing.T) {
	t.Parallel()
	whole := `a-b 1.0 c>=1|d; os_name == "posix" and extra == "x" x >=3.8`
	tests := map[string]struct {
		file, content, fragment string
		want                    string
	}{
		"a wheel":                      {file: "A_B-1.0-py3-none-any.whl", content: members{wheelDir: packed}.zip(t), want: "a-b 1.0 c>=1"},
		"a source distribution":        {content: members{"a/PKG-INFO": packed, "a/pyproject.toml": "x"}.targz(t), want: "a-b 1.0 c>=1"},
		"a project":                    {content: members{"a/pyproject.toml": project, "a/README": ""}.targz(t), want: whole},
		"a zip":                        {file: "a.zip", content: members{"a/pyproject.toml": project, "a/README": ""}.zip(t), want: whole},
		"nothing around it":            {file: "a.zip", content: members{"pyproject.toml": project, "README": "", "a/pyproject.toml": "x"}.zip(t), want: whole},
		"a subdirectory":               {content: members{"a/b/c/pyproject.toml": project, "a/pyproject.toml": "x"}.targz(t), fragment: "subdirectory=b/c", want: whole},
		"another subdirectory":         {content: members{"a/b/pyproject.toml": project}.targz(t), fragment: "subdirectory=c", want: "neither a PKG-INFO nor a pyproject.toml where it is built"},
		"a wheel of another name":      {file: "c-1.0-py3-none-any.whl", content: members{wheelDir: packed}.zip(t), want: "it is a wheel of c"},
		"a project of another name":    {content: members{"a/pyproject.toml": "[project]\nname='x'\nversion='2'"}.targz(t), want: "it is x 2"},
		"a wheel of another version":   {file: "a_b-2.0-py3-none-any.whl", content: members{"a_b-2.0.dist-info/METADATA": packed}.zip(t), want: "has the version 1.0, and its name has 2.0"},
		"no name of a wheel":           {file: "S3CRET.whl", content: "", want: "not in the name of a wheel"},
		"no wheel":                     {file: "a_b-1.0-py3-none-any.whl", content: "PK", want: "it is no wheel"},
		"a wrong hash":                 {content: members{"a/PKG-INFO": packed}.targz(t), fragment: "sha256=" + sum("x"), want: "and the address has " + sum("x")},
		"no hash":                      {content: "", fragment: "sha256=0a", want: "is no SHA-256"},
		"out of the archive":           {content: "", fragment: "subdirectory=a/../..", want: "no path within the archive"},
		"dynamic":                      {content: members{"a/pyproject.toml": "[project]\nname='a-b'\ndynamic=['version']"}.targz(t), want: `only a build can tell what it needs: its pyproject.toml has "version" among what is dynamic`},
		"no project":                   {content: members{"a/pyproject.toml": "[build-system]"}.targz(t), want: "has no table [project]"},
		"no TOML":                      {content: members{"a/pyproject.toml": "x"}.targz(t), want: "is no TOML"},
		"setup.py alone":               {content: members{"a/setup.py": ""}.targz(t), want: "only a build can tell"},
		"requirements left to a build": {content: members{"a/PKG-INFO": packed + "Dynamic: Requires-Dist\n"}.targz(t), want: "leaves its requirements to the build"},
		"requirements elsewhere": {
			content: members{"a/PKG-INFO": "Name: a-b\nVersion: 1\n", "a/a_b.egg-info/requires.txt": "c\n"}.targz(t), want: "its PKG-INFO does not tell its requirements",
		},
		"an empty file":                 {content: "", want: "of a kind that is not read here"},
		"a web page":                    {content: "<html>", want: "of a kind that is not read here"},
		"a truncated archive":           {content: members{"a/b": strings.Repeat("x", 2000)}.targz(t)[:80], want: "its archive is broken: unexpected EOF"},
		"an archive that is encrypted":  {file: "a.zip", content: strings.ReplaceAll(members{"pyproject.toml": project}.zip(t), "PK\x01\x02\x14\x00\x14\x00\x08", "PK\x01\x02\x14\x00\x14\x00\x09"), want: "its pyproject.toml is encrypted"},
		"requirements that are nothing": {content: members{"a/pyproject.toml": "[project]\nname='a-b'\nversion='1'\ndependencies=['?']"}.targz(t), want: "does not begin with the name"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.file == "" {
				test.file = "v1.tar.gz"
			}
			address := "https://h.test/S3CRET/" + test.file
			w := &web{texts: map[string]string{address: test.content}}
			file, err := w.client(t, nil).Direct(t.Context(), "A_B", address+"#"+test.fragment, "")
			var got string
			if err != nil {
				got = err.Error()
			} else {
				got = told(file)
				if file.SHA256 != sum(test.content) || file.Size != int64(len(test.content)) {
					t.Errorf("hash or size: %+v", file)
				}
			}
			if !strings.Contains(got, test.want) || err == nil && got != test.want || strings.Contains(got, "S3CRET") || strings.Contains(got, "T0KEN") {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
			if err != nil && !strings.Contains(got, "a-b") {
				t.Errorf("it does not name the requirement: %s", got)
			}
		})
	}
}

func told(file *pythonindex.File) string {
	m := file.Direct.Metadata
	requires := make([]string, len(m.Requires))
	for i, r := range m.Requires {
		requires[i] = r.String()
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", m.Name, file.Version, strings.Join(requires, "|"), strings.Join(m.Extras, ","), m.RequiresPython))
}

// TestClient_Direct_requests asks once, with the credentials of a netrc file and none of an index, and tells what went wrong.
func TestClient_Direct_requests(t *testing.T) {
	t.Parallel()
	wheel := members{wheelDir: packed}.zip(t)
	w := &web{texts: map[string]string{
		"https://h.test/a_b-1.0-py3-none-any.whl": "to https://other.test/a_b-1.0-py3-none-any.whl", "https://other.test/a_b-1.0-py3-none-any.whl": wheel,
	}}
	c := w.client(t, nil)
	for range 2 {
		if _, err := c.Direct(t.Context(), "a-b", "https://h.test/a_b-1.0-py3-none-any.whl", ""); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"https://h.test/a_b-1.0-py3-none-any.whl", "https://other.test/a_b-1.0-py3-none-any.whl"}, w.asked); diff != "" {
		t.Error(diff)
	}
	w.asked = nil
	c = w.client(t, pythonindex.ParseNetrc("machine h.test login me password x").Lookup)
	if _, err := c.Direct(t.Context(), "a-b", "https://h.test/a_b-1.0-py3-none-any.whl", ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"me@https://h.test/a_b-1.0-py3-none-any.whl", "https://other.test/a_b-1.0-py3-none-any.whl"}, w.asked); diff != "" {
		t.Error(diff)
	}
	_, err := c.Direct(t.Context(), "a-b", "https://h.test/S3CRET/a_b-1.0-py3-none-any.whl", "")
	direct, ok := errors.AsType[*pythonindex.DirectError](err)
	if !ok || direct.Status != http.StatusNotFound || direct.Transient() || strings.Contains(err.Error(), "S3CRET") || !strings.Contains(err.Error(), "on https://h.test,") {
		t.Error(err)
	}
}

// TestDirectError_Transient tells what another attempt may not meet from what is there to stay.
func TestDirectError_Transient(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{http.StatusOK: false, http.StatusForbidden: false, http.StatusServiceUnavailable: true} {
		for _, address := range []string{"/a_b-1.0-py3-none-any.whl", "/c.tar.gz#sha256=" + sum("x")} {
			server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
			_, err := client(t).Direct(t.Context(), "a-b", server+address, "")
			if direct, ok := errors.AsType[*pythonindex.DirectError](err); !ok || direct.Transient() != want {
				t.Errorf("%d at %s: %v", status, address, err)
			}
		}
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	_, err := client(t).Direct(t.Context(), "a-b", closed.URL+"/a.zip", "")
	if direct, ok := errors.AsType[*pythonindex.DirectError](err); !ok || !direct.Transient() {
		t.Errorf("a server that is down: %v", err)
	}
}

// FuzzReadSources: an archive of a stranger does no harm.
func FuzzReadSources(f *testing.F) {
	f.Add([]byte(members{"a/pyproject.toml": project, "a/.gitattributes": "x export-ignore"}.targz(f)), "")
	f.Add([]byte(members{"a/b/PKG-INFO": packed, "c": ""}.targz(f)), "a/b")
	f.Add([]byte(members{"a/pyproject.toml": project, "a/a.egg-info/requires.txt": "x"}.zip(f)), "")
	f.Fuzz(func(t *testing.T, archive []byte, subdirectory string) {
		if m, err := pythonindex.ReadSources(archive, subdirectory); err == nil && m.Name == "" {
			t.Errorf("%q has metadata without a name", archive)
		}
	})
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://h.test/a.zip?x=1#egg=a":                           "https://h.test/a.zip?x=1 false   ",
		"https://h.test/a.zip#subdirectory=a/b/&sha256=" + sum(""): "https://h.test/a.zip false  a/b " + sum(""),
		"git+https://h.test/a.git@v1#subdirectory=a":               "https://h.test/a.git true v1 a ",
		"git+https://h.test/a@feature/x":                           "https://h.test/a true feature/x  ",
		"git+http://h.test/@b/a.git@main":                          "http://h.test/@b/a.git true main  ",
		"git+https://h.test/a":                                     "https://h.test/a true   ",
	} {
		a, err := pythonindex.ParseAddress(text)
		if got := fmt.Sprint(a.URL, " ", a.Git, " ", a.Revision, " ", a.Subdirectory, " ", a.SHA256); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "a.zip", "file:///a.zip", "https:///a.zip", "https://u:p@h.test/a.zip", "https://h.test/a b.zip", "https://h.test/${A}.zip", "git+https://h.test", "git+https://h.test/@v1",
		"git+https://h.test/a@", "git+ssh://h.test/a", "git+https://h.test/a@v%0A1", "https://h.test/a.zip#subdirectory=/a", "https://h.test/a.zip#subdirectory=a%20b", "https://h.test/a.zip\n#x",
		"https://h.test/a.zip#subdirectory=%2e%2e",
	} {
		if a, err := pythonindex.ParseAddress(text); err == nil {
			t.Errorf("%q is taken for %+v", text, a)
		}
	}
}

// FuzzParseAddress: what is taken is safe in a requirements file.
func FuzzParseAddress(f *testing.F) {
	f.Add("https://h.test/a.zip#subdirectory=a/b&sha256=0a")
	f.Add("git+https://h.test/a.git@feature/x#subdirectory=a")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := pythonindex.ParseAddress(text)
		if err != nil {
			return
		}
		u, err := url.Parse(a.URL)
		if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
			t.Errorf("%q: %+v", text, a)
		}
		for _, part := range []string{a.URL, a.Revision, a.Subdirectory} {
			if strings.ContainsAny(part, " \n\r\t\"'$\\") {
				t.Errorf("%q: %q", text, part)
			}
		}
	})
}

func FuzzParseProject(f *testing.F) {
	f.Add(project)
	f.Add("[project]\nname='a'\ndynamic=['version']")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := pythonindex.ParseProject(text)
		if err != nil {
			return
		}
		again, err := pythonindex.ParseMetadata(m.String())
		if err != nil || again.Name != m.Name || len(again.Requires) != len(m.Requires) {
			t.Errorf("%q: %v, %+v", text, err, m)
		}
	})
}
