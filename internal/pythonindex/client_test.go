package pythonindex_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// packages has a little of everything.
var packages = []pypi.Package{
	{Name: "Some.Thing", Releases: []pypi.Release{
		{Version: "1.0", Requires: []string{"other>=1", "win; sys_platform == 'win32'"}, Extras: map[string][]string{"s3": {"store"}}, RequiresPython: ">=3.9"},
		{Version: "1.1", Yanked: "broken", Uploaded: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		{Version: "1.2", Tag: "cp311-cp311-manylinux_2_28_x86_64", PayloadBytes: 300_000, Requires: []string{"other"}},
		{Version: "1.3", Source: &pypi.Source{}, Requires: []string{"other<3"}},
	}},
	pypi.Simple("other", "1.0", "2.0"),
}

// serve starts a server for one test.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// client makes a client of those indexes, which does not wait long.
func client(t *testing.T, indexes ...pythonindex.Index) *pythonindex.Client {
	t.Helper()
	c, err := pythonindex.New(pythonindex.Options{Indexes: indexes, Retries: 2, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestClient reads the same from an index of today, one without JSON, and one without metadata beside its files.
func TestClient(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]pypi.Options{
		"of today": {}, "HTML": {HTML: true}, "no metadata": {NoMetadata: true}, "neither": {HTML: true, NoMetadata: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, pythonindex.Index{URL: serve(t, pypi.NewWith(options, packages...)) + "/simple"})
			files, err := c.Files(t.Context(), "some-thing")
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, file := range files {
				metadata, err := c.Metadata(t.Context(), file)
				if err != nil {
					t.Fatal(err)
				}
				line := []string{file.Name, file.RequiresPython, file.YankedReason, metadata.Version.String(), strings.Join(metadata.Extras, ",")}
				for _, r := range metadata.Requires {
					line = append(line, r.String())
				}
				if len(file.SHA256) != 64 || file.Uploaded.IsZero() != (options.HTML || file.Version.String() != "1.1") {
					t.Errorf("%+v", file)
				}
				told = append(told, strings.Join(line, "|"))
			}
			want := []string{
				`some_thing-1.0-py3-none-any.whl|>=3.9||1.0|s3|other>=1|win; sys_platform == "win32"|store; extra == "s3"`,
				`some_thing-1.1-py3-none-any.whl||broken|1.1|`,
				`some_thing-1.2-cp311-cp311-manylinux_2_28_x86_64.whl|||1.2||other`,
				`some_thing-1.3.tar.gz|||1.3||other<3`,
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Error(diff)
			}
			if files, err := c.Files(t.Context(), "absent"); err != nil || len(files) != 0 {
				t.Errorf("a distribution that is not there: %v, %v", files, err)
			}
		})
	}
}

// TestClient_once asks for everything once, and takes only parts of a large wheel.
func TestClient_once(t *testing.T) {
	t.Parallel()
	index := pypi.NewWith(pypi.Options{NoMetadata: true}, packages...)
	var asked atomic.Int64
	c := client(t, pythonindex.Index{URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasSuffix(r.URL.Path, ".whl") && r.Header.Get("Range") == "" {
			t.Errorf("%s is asked for as a whole", r.URL)
		}
		index.ServeHTTP(w, r)
	})) + "/simple/"})
	for range 3 {
		files, err := c.Files(t.Context(), "some-thing")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Metadata(t.Context(), files[2]); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); n > 3 { // the page, the end of the wheel, its METADATA
		t.Errorf("%d requests", n)
	}
}

// TestClient_brokenOnce asks once for metadata that cannot be used, however often a search comes to it.
func TestClient_brokenOnce(t *testing.T) {
	t.Parallel()
	index := pypi.New(pypi.Package{Name: "broken", Releases: []pypi.Release{{Version: "1.0", Requires: []string{"other (>=5.1.*)"}}}})
	var asked atomic.Int64
	c := client(t, pythonindex.Index{URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		index.ServeHTTP(w, r)
	})) + "/simple/"})
	for range 3 {
		files, err := c.Files(t.Context(), "broken")
		if err != nil {
			t.Fatal(err)
		}
		metadata, err := c.Metadata(t.Context(), files[0])
		if broken, ok := errors.AsType[*pythonindex.MetadataError](err); !ok || metadata != nil || broken.File != files[0].Name {
			t.Fatalf("%+v, %v", metadata, err)
		}
	}
	if n := asked.Load(); n > 2 { // the page, and the metadata
		t.Errorf("%d requests", n)
	}
}

// TestClient_manyFiles has a wheel whose directory is longer than what is read of its end: the directory is read in one piece.
func TestClient_manyFiles(t *testing.T) {
	t.Parallel()
	var wheel bytes.Buffer
	w := zip.NewWriter(&wheel)
	for i := range 20_000 {
		name := fmt.Sprintf("big/some/directory/with/header_%d.h", i)
		if i == 100 {
			name = "big-1.0.dist-info/METADATA"
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: name}) // to compress each would take a minute
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("Name: big\nVersion: 1.0\nRequires-Dist: other\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	c := client(t, pythonindex.Index{URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".whl") {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(`<a href="/big-1.0-py3-none-any.whl">big-1.0-py3-none-any.whl</a>`))
			return
		}
		asked.Add(1)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(wheel.Bytes()))
	})) + "/simple/"})
	files, err := c.Files(t.Context(), "big")
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := c.Metadata(t.Context(), files[0])
	if err != nil || len(metadata.Requires) != 1 {
		t.Fatalf("%+v, %v", metadata, err)
	}
	if n := asked.Load(); n > 3 { // the end, the directory, METADATA
		t.Errorf("%d requests", n)
	}
}

// TestClient_indexes has distributions that come from one index only, and others that come from all others.
func TestClient_indexes(t *testing.T) {
	t.Parallel()
	public := serve(t, pypi.New(pypi.Simple("ours", "99"), pypi.Simple("other", "1.0")))
	own := serve(t, pypi.New(pypi.Simple("ours", "1.0"), pypi.Simple("other", "99")))
	extra := serve(t, pypi.New(pypi.Simple("other", "1.1")))
	c := client(t,
		pythonindex.Index{Name: "public", URL: public + "/simple/"},
		pythonindex.Index{Name: "own", URL: own + "/simple/", Packages: []string{"Ours"}},
		pythonindex.Index{Name: "extra", URL: extra + "/simple/"},
	)
	for name, want := range map[string]string{"ours": "own 1.0", "other": "public 1.0, extra 1.1"} {
		files, err := c.Files(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, file := range files {
			told = append(told, file.Index+" "+file.Version.String())
		}
		if got := strings.Join(told, ", "); got != want {
			t.Errorf("%s comes from %s, want %s", name, got, want)
		}
	}
	if own, other := c.Own("ours"), c.Own("other"); !slices.Equal(own, []string{"own"}) || other != nil {
		t.Errorf("ours comes from %q only, and other from %q", own, other)
	}
}

// TestClient_credentials sends credentials to the index that they are for, and to none that it leads to.
func TestClient_credentials(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials went elsewhere")
		}
		pypi.New(pypi.Simple("moved", "1.0")).ServeHTTP(w, r)
	}))
	private := pypi.NewWith(pypi.Options{User: "reader", Password: "s3cret"}, packages...)
	own := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/simple/moved/") {
			http.Redirect(w, r, elsewhere+r.URL.Path, http.StatusFound)
			return
		}
		private.ServeHTTP(w, r)
	}))
	address, err := url.Parse(own + "/simple/")
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword("reader", "s3cret")
	c := client(t, pythonindex.Index{URL: address.String()})
	for _, name := range []string{"some-thing", "moved"} {
		files, err := c.Files(t.Context(), name)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", name, files, err)
		}
		if _, err := c.Metadata(t.Context(), files[0]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	address.User = url.UserPassword("reader", "wr0ng")
	if _, err = client(t, pythonindex.Index{URL: address.String()}).Files(t.Context(), "other"); err == nil || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestClient_faults holds what is told of an index that does not answer as it should.
func TestClient_faults(t *testing.T) {
	t.Parallel()
	good := pypi.New(packages...)
	status := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "the reason why", status) }
	}
	body := func(contentType, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write([]byte(text))
		}
	}
	const json = "application/vnd.pypi.simple.v1+json"
	tests := map[string]struct {
		handler http.Handler
		want    string
	}{
		"401":     {status(401), ": 401 Unauthorized (the reason why)"},
		"403":     {status(403), ": 403 Forbidden (the reason why)"},
		"500":     {status(500), ": 500 Internal Server Error (the reason why)"},
		"429":     {status(429), ": 429 Too Many Requests (the reason why)"},
		"no page": {body("text/html", "<html><title>Sign in</title><body>who are you</body></html>"), "it is a web page without a link"},
		"an API":  {body("text/plain", "hello"), `it has the type "text/plain"`},
		"cut":     {body(json, `{"meta": {"api-version": "1.0"}, "files": [{"filename": "oth`), "unexpected EOF"},
		"a list":  {body(json, `[]`), "was to be expected"},
		"files":   {body(json, `{"files": [{"filename": 7}]}`), "it lists a file that cannot be read"},
		"a circle": {
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }),
			"redirects lead nowhere",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, pythonindex.Index{Name: "the index", URL: serve(t, test.handler) + "/simple/"})
			_, err := c.Files(t.Context(), "other")
			told, ok := errors.AsType[*pythonindex.Error](err)
			if !ok || !strings.Contains(err.Error(), test.want) || told.Index != "the index" || told.Project != "other" {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
	t.Run("passing", func(t *testing.T) {
		t.Parallel()
		var asked atomic.Int64
		c := client(t, pythonindex.Index{URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) < 3 {
				http.Error(w, "busy", http.StatusServiceUnavailable)
				return
			}
			good.ServeHTTP(w, r)
		})) + "/simple/"})
		if files, err := c.Files(t.Context(), "other"); err != nil || len(files) != 2 {
			t.Errorf("%v, %v", files, err)
		}
	})
}

// TestClient_metadataFaults holds what is told of metadata that is not what was promised.
func TestClient_metadataFaults(t *testing.T) {
	t.Parallel()
	good := pypi.New(packages...)
	none := pypi.NewWith(pypi.Options{NoMetadata: true}, packages...)
	replaced := func(index http.Handler, suffix string, answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, suffix) {
				answer(w, r)
				return
			}
			index.ServeHTTP(w, r)
		}
	}
	write := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	tests := map[string]struct {
		handler http.Handler
		want    string
		// unusable tells that the file is at fault, and no other.
		unusable bool
	}{
		"another hash":    {replaced(good, ".metadata", write("Name: other\nVersion: 1.0\n")), "and the index promised", false},
		"another name":    {replaced(none, ".whl", write("no wheel")), "it is no wheel", true},
		"gone":            {replaced(none, ".whl", http.NotFound), "404 Not Found", false},
		"forbidden":       {replaced(good, ".metadata", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }), "403 Forbidden", false},
		"nonsense range":  {replaced(none, ".whl", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) }), "Content-Range", false},
		"too long a file": {replaced(none, ".whl", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99999999999") }), "gives no parts of it", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, pythonindex.Index{Name: "the index", URL: serve(t, test.handler) + "/simple/"})
			files, err := c.Files(t.Context(), "other")
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Metadata(t.Context(), files[0])
			_, unusable := errors.AsType[*pythonindex.MetadataError](err)
			if err == nil || !strings.Contains(err.Error(), test.want) || unusable != test.unusable || !strings.Contains(err.Error(), "other-1.0") {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

func TestNew_refused(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"pypi.org/simple": "index 1: its address does not begin with https:// or http://", "https://": "index 1: its address has no host",
		"https://u:p%zz@h/": "index 1: its address cannot be read", "": "index 1: its address does not begin with https:// or http://",
	} {
		if _, err := pythonindex.New(pythonindex.Options{Indexes: []pythonindex.Index{{URL: address}}}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", address, err, want)
		}
	}
}
