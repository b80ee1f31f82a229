package pythonindex_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// secrets are what no error and no other origin may see.
var secrets = []string{"s3cret", "T0KEN"}

// world is all hosts there are: "index.test" is the index, and asks for credentials.
type world struct {
	t       *testing.T
	handler http.HandlerFunc

	mu    sync.Mutex
	asked []string
}

func (w *world) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked = append(w.asked, r.Host+r.URL.Path)
	w.mu.Unlock()
	if strings.ToLower(strings.TrimSuffix(r.Host, ":80")) != "index.test" {
		for name, values := range r.Header {
			for _, secret := range append(secrets, "Basic") {
				if strings.Contains(strings.Join(values, " "), secret) {
					w.t.Errorf("%s is told %s: %s", r.Host, name, values)
				}
			}
		}
	} else if _, password, _ := r.BasicAuth(); password != "s3cret" {
		w.t.Errorf("%s is asked for without credentials", r.URL.Path)
	}
	w.handler(answer, r)
}

// serveWorld makes a client of the index in a bubble, in which time passes at once where all wait.
func serveWorld(t *testing.T, handler http.HandlerFunc) (*world, *pythonindex.Client) {
	t.Helper()
	w := &world{t: t, handler: handler}
	network := fault.NewNetwork()
	server := &http.Server{Handler: w, ReadHeaderTimeout: time.Hour}
	go func() { _ = server.Serve(network) }()
	t.Cleanup(func() { _ = server.Close() })
	c, err := pythonindex.New(pythonindex.Options{
		Indexes:   []pythonindex.Index{{Name: "the index", URL: "http://reader:s3cret@index.test/T0KEN/simple/"}},
		Transport: network.Transport(), Retries: 2, Patience: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	pythonindex.Limit(c, 8<<20, 10_000)
	return w, c
}

// check holds an error of the index.
func (w *world) check(err error, want string, requests int) {
	w.t.Helper()
	told, ok := errors.AsType[*pythonindex.Error](err)
	if !ok || told.Index != "the index" || told.Project != "a" || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "the index") {
		w.t.Errorf("%v, want %s", err, want)
	}
	w.checkText(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.asked) != requests {
		w.t.Errorf("%d requests, want %d: %.300q", len(w.asked), requests, w.asked)
	}
}

// checkText holds that an error has no secret, and is one line of some length.
func (w *world) checkText(err error) {
	w.t.Helper()
	if err == nil {
		return
	}
	for _, secret := range append(secrets, "\n", "\x1b", "\x00") {
		if strings.Contains(err.Error(), secret) || len(err.Error()) > 1000 {
			w.t.Errorf("%q in %.1000q", secret, err)
		}
	}
}

// forever writes again and again, until nobody listens or a gigabyte was written.
func forever(contentType, begin, again string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, err := io.WriteString(w, begin)
		piece := []byte(strings.Repeat(again, 1+64<<10/len(again)))
		for n := 0; err == nil && n < 1<<30; n += len(piece) {
			_, err = w.Write(piece)
		}
	}
}

// bomb is a compressed answer of that size.
func bomb(contentType, begin string, size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer func() { _ = z.Close() }()
		_, err := io.WriteString(z, begin)
		blanks := bytes.Repeat([]byte(" "), 1<<20)
		for n := 0; err == nil && n < size; n += len(blanks) {
			_, err = z.Write(blanks)
		}
	}
}

func redirect(location string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{location}
		w.WriteHeader(http.StatusFound)
	}
}

// raw answers with just that text.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

func answer(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, text)
	}
}

func status(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.Error(w, "see https://index.test/T0KEN/help?s3cret, reader:s3cret@index.test\x1b[31m", status)
	}
}

// TestHostile_pages holds what an index does with a page that nobody should believe.
func TestHostile_pages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler  http.HandlerFunc
		want     string
		requests int
	}{
		"endless files":        {forever(typeJSON, `{"files":[{}`, `,{}`), "too large", 1},
		"endless other files":  {forever(typeJSON, `{"files":[{}`, `,{"filename":"b-1.tar.gz","url":"https://h.test/b-1.tar.gz"}`), "too large", 1},
		"an endless file":      {forever(typeJSON, `{"files":[{"filename":"`, `x`), "too large", 1},
		"an endless list":      {forever(typeJSON, `{"versions":["`, `","`), "too large", 1},
		"endless nests":        {forever(typeJSON, `{"files":[{"x":`, `[`), "too large", 1},
		"endless keys":         {forever(typeJSON, `{"x":1`, `,"x":1`), "too large", 1},
		"endless links":        {forever("text/html", ``, `<a href="a">a-1.tar.gz</a>`), "too large", 1},
		"an endless tag":       {forever("text/html", `<a href="`, `x`), "too long", 1},
		"an endless name":      {forever("text/html", `<a href="a">`, `<b>`+strings.Repeat("x", 1000)), "too large", 1},
		"an endless text":      {forever("text/html", `<a href="a">`, `x`), "too long", 1},
		"endless words":        {forever("text/plain", ``, `s3cret `), "no page of a package index", 1},
		"a bomb":               {bomb(typeJSON, `{"files":[`, 10<<20), "too large", 1},
		"a bomb in HTML":       {bomb("text/html", `<html>`, 10<<20), "too long", 1},
		"a large promise":      {raw("HTTP/1.1 200 OK\r\nContent-Type: " + typeJSON + "\r\nContent-Length: 9223372036854775807\r\n\r\n{\"files\":["), "unexpected EOF", 3},
		"a nonsense promise":   {raw("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"), "Content-Length", 3},
		"no HTTP":              {raw("SSH-2.0-OpenSSH_9.9\r\n"), "malformed", 3},
		"nothing":              {raw(""), "EOF", 3},
		"a cut page":           {raw("HTTP/1.1 200 OK\r\nContent-Type: " + typeJSON + "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"fil\r\n"), "unexpected EOF", 3},
		"HTML for JSON":        {answer(typeJSON, "<!DOCTYPE html><html><title>Sign in</title>"), "was to be expected", 1},
		"JSON for HTML":        {answer("text/html", `{"files":[]}`), "web page without a link", 1},
		"another shape":        {answer(typeJSON, `{"files":{"a-1.tar.gz":"https://index.test/T0KEN/x"}}`), "was to be expected", 1},
		"a secret for a type":  {answer("text/https://x:s3cret@h/T0KEN", `{}`), "no page of a package index", 1},
		"a circle":             {redirect("/T0KEN/simple/a/"), "redirects lead nowhere", 21},
		"a redirect to a file": {redirect("file:///etc/passwd"), "begins with file", 1},
		"a broken redirect":    {redirect("http://reader:s3cret@h%zz/T0KEN/"), "Location", 3},
		"nowhere":              {status(302), "302 Found", 1},
		"401":                  {status(401), "401 Unauthorized", 1},
		"403":                  {status(403), "403 Forbidden", 1},
		"410":                  {status(410), "410 Gone", 1},
		"418":                  {status(418), "418", 1},
		"500":                  {status(500), "500 Internal Server Error", 3},
		"503 for a while":      {status(503, "Retry-After", "30"), "; it asks for a pause of 30s", 3},
		"429 for long":         {status(429, "Retry-After", "86400"), "; it asks for a pause of more than a minute", 1},
		"429 for ages":         {status(429, "Retry-After", "99999999999999999999999"), "429 Too Many Requests", 1},
		"a page in pieces":     {status(206), "206 Partial Content", 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, c := serveWorld(t, test.handler)
				_, err := c.Files(t.Context(), "a")
				w.check(err, test.want, test.requests)
			})
		})
	}
}

// TestHostile_slow gives no answer more time than there is patience.
func TestHostile_slow(t *testing.T) {
	t.Parallel()
	drip := func(begin string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if begin != "" {
				w.Header().Set("Content-Type", typeJSON)
				_, _ = io.WriteString(w, begin)
			}
			for r.Context().Err() == nil {
				select {
				case <-r.Context().Done():
				case <-time.After(10 * time.Second):
				}
				if begin != "" {
					_, _ = io.WriteString(w, " ")
					_ = http.NewResponseController(w).Flush()
				}
			}
		}
	}
	for name, handler := range map[string]http.HandlerFunc{"no answer": drip(""), "drip": drip("{")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, c := serveWorld(t, handler)
				began := time.Now()
				_, err := c.Files(t.Context(), "a")
				w.check(err, "no answer within 1m0s", 3)
				if took := time.Since(began); took < 3*time.Minute || took > 4*time.Minute {
					t.Errorf("it took %s", took)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began = time.Now()
				if _, err = c.Files(ctx, "b"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
					t.Errorf("%v after %s", err, time.Since(began))
				}
			})
		})
	}
}

// TestHostile_elsewhere follows the index to other places without what is for the index only.
func TestHostile_elsewhere(t *testing.T) {
	t.Parallel()
	const file = `{"files":[{"filename":"a-1.tar.gz","url":%q}]}`
	archive := source(t, map[string]string{"a-1/PKG-INFO": "Name: a\nVersion: 1\n"})
	for _, address := range []string{
		"http://other.test/a-1.tar.gz", "//other.test/a-1.tar.gz", "http://user:pass@other.test/a-1.tar.gz", "http://index.test:8080/a-1.tar.gz",
		"http://index.test.evil.test/a-1.tar.gz", "http://index.test@other.test/a-1.tar.gz", "/moved/a-1.tar.gz", "/moved-with-user/a-1.tar.gz", "http://INDEX.test:80/ok",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, c := serveWorld(t, func(w http.ResponseWriter, r *http.Request) {
					switch {
					case r.Host == "index.test" && strings.HasPrefix(r.URL.Path, "/T0KEN/simple/"):
						http.Redirect(w, r, "http://third.test/simple/a/", http.StatusFound)
					case r.Host == "third.test":
						if !strings.Contains(address, "//") {
							answer(typeJSON, fmt.Sprintf(file, "http://index.test"+address))(w, r)
							return
						}
						answer(typeJSON, fmt.Sprintf(file, address))(w, r)
					case strings.HasPrefix(r.URL.Path, "/moved/"):
						redirect("http://other.test/x")(w, r)
					case strings.HasPrefix(r.URL.Path, "/moved-with-user/"):
						redirect("http://Basic:Basic@other.test/x")(w, r)
					default:
						_, _ = w.Write(archive)
					}
				})
				files, err := c.Files(t.Context(), "a")
				if err != nil || len(files) != 1 {
					t.Fatalf("%v, %v", files, err)
				}
				if _, err := c.Metadata(t.Context(), files[0]); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// source is a source distribution with these files.
func source(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmp.Or(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// roundTrip is a transport.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := f(req)
	resp.Request, resp.Proto, resp.ProtoMajor = req, "HTTP/1.1", 1
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	return resp, nil
}

// TestHostile_downgrade does not leave https.
func TestHostile_downgrade(t *testing.T) {
	t.Parallel()
	asked := 0
	c, err := pythonindex.New(pythonindex.Options{
		Indexes: []pythonindex.Index{{URL: "https://reader:s3cret@index.test/T0KEN/"}}, Retries: 3,
		Transport: roundTrip(func(*http.Request) *http.Response {
			asked++
			return &http.Response{StatusCode: http.StatusMovedPermanently, Header: http.Header{"Location": {"http://index.test/T0KEN/?s3cret"}}}
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Files(t.Context(), "a")
	const want = `the page of "a" on the package index https://index.test could not be read: a redirect leads away from https, to http://index.test: the answer cannot be used`
	if err == nil || err.Error() != want || asked != 1 {
		t.Errorf("%v after %d requests, want %s", err, asked, want)
	}
}

// TestCredentials_unavailable tells why there are none, and asks nobody without.
func TestCredentials_unavailable(t *testing.T) {
	t.Parallel()
	asked, tried := 0, 0
	c, err := pythonindex.New(pythonindex.Options{
		Indexes: []pythonindex.Index{{Name: "ours", URL: "https://index.test/simple/"}}, Retries: 3,
		Transport: roundTrip(func(*http.Request) *http.Response {
			asked++
			return &http.Response{StatusCode: http.StatusUnauthorized}
		}),
		Credentials: func(_ context.Context, address *url.URL) (user, password string, ok bool, err error) {
			tried++
			return "", "", false, fmt.Errorf("no role; log in at %s", address)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Files(t.Context(), "a")
	const want = `the page of "a" on the package index ours could not be read: there are no credentials for it: no role; log in at https://index.test/***`
	if _, ok := errors.AsType[*pythonindex.CredentialsError](err); !ok || err.Error() != want || asked != 0 || tried != 1 {
		t.Errorf("%v after %d requests, want %s", err, asked, want)
	}
}
