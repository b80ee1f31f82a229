package pythonindex_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

// TestHostile_metadata holds what an index does with metadata that nobody should believe. Where only the file is at fault, others
// may be taken.
func TestHostile_metadata(t *testing.T) {
	t.Parallel()
	const name = "a-1-py3-none-any.whl"
	good := archive{"a-1.dist-info/METADATA": "Name: a\nVersion: 1\nRequires-Dist: b\n"}.bytes(t)
	whole := func(content []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		}
	}
	// part answers with these bytes, and says that they are the part.
	part := func(says string, content []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", says)
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(content)
		}
	}
	all := fmt.Sprintf("bytes 0-%d/%d", len(good)-1, len(good))
	tests := map[string]struct {
		handler http.HandlerFunc // of the wheel
		want    string           // of an error
		ofFile  bool
	}{
		"right":                  {whole(good), "", false},
		"without parts":          {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(good) }, "", false},
		"without ends":           {refuseEnds(whole(good)), "", false},
		"large":                  {whole(archive{"a-1.dist-info/METADATA": "Name: a\nVersion: 1\n\n", "a/noise": noise(200_000)}.bytes(t)), "", false},
		"large without parts":    {refuseEnds(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(good) }), "", false},
		"with a large directory": {whole(zip64(good)), "", false},
		"after a script":         {whole(append([]byte("#!/bin/sh\n"), good...)), "", false},
		"elsewhere":              {whole(archive{"x/a-1.dist-info/METADATA": "Name: a\nVersion: 1\n", "b-1.dist-info/METADATA": "Name: a\nVersion: 1\n"}.bytes(t)), "has no METADATA", true},
		"of another":             {whole(archive{"a-1.dist-info/METADATA": "Name: b\x1b[31m\nVersion: 1\n"}.bytes(t)), "it is that of b", true},
		"of another version":     {whole(archive{"a-1.dist-info/METADATA": "Name: a\nVersion: 2\n"}.bytes(t)), "it is that of a 2", true},
		"not even that":          {whole(archive{"a-1.dist-info/METADATA": ""}.bytes(t)), "no name or no version", true},
		"a requirement with a secret": {
			whole(archive{"a-1.dist-info/METADATA": "Name: a\nVersion: 1\nRequires-Dist: b @ https://u:s3cret@h.test/T0KEN/b.zip x\n"}.bytes(t)), "has \"x\" after its address", true,
		},
		"many mistakes":      {whole(archive{"a-1.dist-info/METADATA": "Name: a\nVersion: 1\n" + strings.Repeat("Requires-Dist: ???\n", 100_000)}.bytes(t)), "does not begin", true},
		"many requirements":  {whole(archive{"a-1.dist-info/METADATA": "Name: a\nVersion: 1\n" + strings.Repeat("Requires-Dist: b\n", 100_000)}.bytes(t)), "too much", true},
		"long fields":        {whole(archive{"a-1.dist-info/METADATA": "Description:" + strings.Repeat(" x\n", 1_000_000) + "Name: a\nVersion: 1\n"}.bytes(t)), "", false},
		"a bomb":             {whole(archive{"a-1.dist-info/METADATA": strings.Repeat(" ", 20<<20)}.bytes(t)), "too large", true},
		"a bomb that lies":   {whole(lying(t, 20<<20)), "METADATA is broken", true},
		"another sum":        {whole(bytes.Replace(good, []byte("Dist: b"), []byte("Dist: c"), 1)), "METADATA is broken", true},
		"no wheel":           {whole([]byte("<html>s3cret")), "no wheel", true},
		"nothing":            {whole(nil), "Content-Range", false},
		"a cut wheel":        {whole(good[:len(good)-30]), "no wheel", true},
		"a cut directory":    {whole(good[len(good)-60:]), "no wheel", true},
		"another part":       {part("bytes 5-9/100", []byte("PK\x05\x06x")), "Content-Range", false},
		"a part of nothing":  {part("bytes 0-0/0", []byte("x")), "Content-Range", false},
		"half a part":        {part(all, good[:50]), "unexpected EOF", false},
		"a negative part":    {part("bytes -5-9/10", good), "Content-Range", false},
		"an endless part":    {part("bytes 9223372036854700000-9223372036854775806/9223372036854775807", good), "Content-Range", false},
		"a secret part":      {part("https://u:s3cret@h.test/T0KEN", nil), "Content-Range", false},
		"several parts":      {part("", []byte("--x\r\n")), "Content-Range", false},
		"a large directory":  {whole(claiming(good, 12, 0xfffffff0)), "no wheel", true},
		"many members":       {whole(claiming(good, 8, 0xffffffff)), "", false}, // nobody believes the number
		"a far directory":    {whole(claiming(good, 16, 0x7fffffff)), "no wheel", true},
		"parts, then none":   {thenWhole(t), "and then none", false},
		"parts of something": {thenOther(t), "Content-Range", false},
		"404":                {status(404), "404 Not Found", false},
		"403":                {status(403), "403 Forbidden", false},
		"416":                {status(416), "416", false},
		"endless":            {forever("application/zip", "PK", "s3cret"), "too large", false},
		"a large promise":    {raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nPK"), "gives no parts of it", false},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, c := serveWorld(t, func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, ".whl") {
						test.handler(w, r)
						return
					}
					answer(typeJSON, files(name, "http://index.test/T0KEN/"+name))(w, r)
				})
				files, err := c.Files(t.Context(), "a")
				if err != nil || len(files) != 1 {
					t.Fatalf("%v, %v", files, err)
				}
				metadata, err := c.Metadata(t.Context(), files[0])
				w.checkText(err)
				_, ofFile := errors.AsType[*pythonindex.MetadataError](err)
				_, ofIndex := errors.AsType[*pythonindex.Error](err)
				switch {
				case test.want == "" && (err != nil || metadata.Name != "a"):
					t.Error(err)
				case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || ofFile != test.ofFile || ofIndex == test.ofFile):
					t.Errorf("%v (of the file: %t, of the index: %t), want %s", err, ofFile, ofIndex, test.want)
				}
			})
		})
	}
}

// TestHostile_beside reads no more of what lies beside a file than it can be.
func TestHostile_beside(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"another hash": {answer("text/plain", "Name: a\nVersion: 1\ns3cret"), "and the index promised 00"},
		"endless":      {forever("text/plain", "Name: a\n", "s3cret"), "too large"},
		"a bomb":       {bomb("text/plain", "Name: a\n", 20<<20), "too large"},
		"a secret":     {redirect("gopher://u:s3cret@h.test/T0KEN"), "begins with gopher"},
		"403":          {status(403), "403 Forbidden"},
		"500":          {status(500), "500 Internal Server Error"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, c := serveWorld(t, func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, ".metadata") {
						test.handler(w, r)
						return
					}
					answer(typeJSON, `{"files":[{"filename":"a-1.tar.gz","url":"/T0KEN/a%2Fb/a-1.tar.gz","core-metadata":{"sha256":"`+strings.Repeat("0", 64)+`"}}]}`)(w, r)
				})
				files, err := c.Files(t.Context(), "a")
				if err != nil || len(files) != 1 {
					t.Fatalf("%v, %v", files, err)
				}
				_, err = c.Metadata(t.Context(), files[0])
				if told, ok := errors.AsType[*pythonindex.Error](err); !ok || !strings.Contains(err.Error(), test.want) || told.What != "metadata of a-1.tar.gz" {
					t.Errorf("%v, want %s", err, test.want)
				}
				w.checkText(err)
			})
		})
	}
}

// TestHostile_source reads no source distribution further than to its metadata.
func TestHostile_source(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
		ofFile  bool
	}{
		"right":        {answer("application/gzip", string(source(t, map[string]string{"a-1/PKG-INFO": "Name: a\nVersion: 1\n"}))), "", false},
		"none":         {answer("application/gzip", string(source(t, map[string]string{"a-1/x/PKG-INFO": "Name: a\nVersion: 1\n"}))), "it has no PKG-INFO", true},
		"no archive":   {answer("application/gzip", "hello"), "it is no source distribution", true},
		"a bomb":       {answer("application/gzip", string(source(t, map[string]string{"a-1/PKG-INFO": strings.Repeat(" ", 20<<20)}))), "too large", true},
		"a broken one": {answer("application/gzip", string(source(t, map[string]string{"a-1/PKG-INFO": "Name: a\nVersion: 1\n"})[:40])), "it is no source distribution", true},
		"a cut one":    {raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\x1f\x8b\x08\x00"), "unexpected EOF", false},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, c := serveWorld(t, func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, ".tar.gz") {
						test.handler(w, r)
						return
					}
					answer(typeJSON, files("a-1.tar.gz", "/T0KEN/a-1.tar.gz"))(w, r)
				})
				files, err := c.Files(t.Context(), "a")
				if err != nil || len(files) != 1 {
					t.Fatalf("%v, %v", files, err)
				}
				_, err = c.Metadata(t.Context(), files[0])
				_, ofFile := errors.AsType[*pythonindex.MetadataError](err)
				if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) || ofFile != test.ofFile {
					t.Errorf("%v (of the file: %t), want %s", err, ofFile, test.want)
				}
				w.checkText(err)
			})
		})
	}
}

// FuzzReadWheel reads wheels as package archive/zip does, or not at all.
func FuzzReadWheel(f *testing.F) {
	good := archive{"a-1.dist-info/METADATA": "Name: a\n", "a/b": noise(100)}.bytes(f)
	f.Add(good)
	f.Add(append([]byte("#!/bin/sh\n"), good...))
	f.Add(archive{"a-1.dist-info/METADATA": strings.Repeat("x", 2000)}.bytes(f))
	f.Add(zip64(good))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := pythonindex.ReadWheel(content, "a")
		if err != nil {
			return
		}
		whole, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return // it looks at more than is needed
		}
		for _, file := range whole.File {
			if directory, found := strings.CutSuffix(file.Name, ".dist-info/METADATA"); !found || strings.ToLower(strings.SplitN(directory, "-", 2)[0]) != "a" {
				continue
			}
			r, err := file.Open()
			if err != nil {
				return
			}
			if want, err := io.ReadAll(r); err == nil && !bytes.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			return
		}
	})
}

// zip64 is the archive with a directory that may be larger.
func zip64(archive []byte) []byte {
	end := archive[len(archive)-22:]
	directory := archive[:len(archive)-22]
	large := make([]byte, 56+20)
	copy(large, "PK\x06\x06")
	binary.LittleEndian.PutUint64(large[4:], 44)
	count := uint64(binary.LittleEndian.Uint16(end[10:]))
	binary.LittleEndian.PutUint64(large[24:], count)
	binary.LittleEndian.PutUint64(large[32:], count)
	binary.LittleEndian.PutUint64(large[40:], uint64(binary.LittleEndian.Uint32(end[12:])))
	binary.LittleEndian.PutUint64(large[48:], uint64(binary.LittleEndian.Uint32(end[16:])))
	copy(large[56:], "PK\x06\x07")
	binary.LittleEndian.PutUint64(large[64:], uint64(len(directory)))
	binary.LittleEndian.PutUint32(large[72:], 1)
	small := bytes.Clone(end)
	binary.LittleEndian.PutUint32(small[12:], 0xffffffff)
	binary.LittleEndian.PutUint32(small[16:], 0xffffffff)
	return slices.Concat(directory, large, small)
}

// archive is the files of a zip archive, by name.
type archive map[string]string

func (a archive) bytes(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(a)) {
		method := zip.Store
		if len(a[name]) > 1000 && name != "a/noise" {
			method = zip.Deflate
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, a[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noise is that many bytes.
func noise(n int) string { return strings.Repeat("noise", n/5) }

// claiming is the archive with another number at that place of its end.
func claiming(archive []byte, at int, number uint32) []byte {
	archive = bytes.Clone(archive)
	binary.LittleEndian.PutUint32(archive[len(archive)-22+at:], number)
	return archive
}

// lying is a wheel whose METADATA is larger than its directory says.
func lying(t *testing.T, size int) []byte {
	t.Helper()
	content := archive{"a-1.dist-info/METADATA": strings.Repeat(" ", size)}.bytes(t)
	at := bytes.LastIndex(content, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(content[at+24:], 100)
	return content
}

// refuseEnds is a server that knows no parts counted from the end.
func refuseEnds(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Range"), "bytes=-") {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		next(w, r)
	}
}

// large is a wheel whose METADATA is not at its end.
func large(t *testing.T) []byte {
	t.Helper()
	return archive{"a-1.dist-info/METADATA": "Name: a\nVersion: 1\n", "a/noise": noise(200_000)}.bytes(t)
}

// thenWhole gives the end of a wheel, and then no more parts.
func thenWhole(t *testing.T) http.HandlerFunc {
	t.Helper()
	content := large(t)
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Range"), "bytes=-") {
			r.Header.Del("Range")
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// thenOther gives the end of a wheel, and then parts of another file.
func thenOther(t *testing.T) http.HandlerFunc {
	t.Helper()
	content := large(t)
	return func(w http.ResponseWriter, r *http.Request) {
		served := content
		if !strings.HasPrefix(r.Header.Get("Range"), "bytes=-") {
			served = content[:len(content)-1]
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(served))
	}
}
