package httpx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func transport(t *testing.T) *http.Transport {
	t.Helper()
	transport, err := httpx.NewTransport(httpx.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func get(t *testing.T, ctx context.Context, through http.RoundTripper, address string) (status int, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := through.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("an answer cannot be read though it was whole: %v", err)
	}
	return resp.StatusCode, string(text), nil
}

func TestWholeAnswers(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "0123456789")
		if r.URL.Path == "/short" {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	for name, test := range map[string]struct {
		max  int64
		path string
		want string
		err  error
	}{
		"whole":     {max: 10, path: "/", want: "0123456789"},
		"too large": {max: 9, path: "/", err: httpx.ErrAnswerTooLarge},
		"cut short": {max: 100, path: "/short", err: io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, body, err := get(t, t.Context(), &httpx.WholeAnswers{Next: transport(t), Max: test.max}, server.URL+test.path)
			if !errors.Is(err, test.err) || body != test.want {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.UserAgent()) })
	_, body, err := get(t, t.Context(), &httpx.UserAgent{Next: transport(t), Name: "terraform-provider-rime/1.2.3"}, server.URL)
	if err != nil || body != "terraform-provider-rime/1.2.3" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestObserver(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/lost" {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusTeapot)
	})
	type key struct{}
	var seen []httpx.Exchange
	observer := &httpx.Observer{Next: transport(t), Report: func(ctx context.Context, e httpx.Exchange) {
		if ctx.Value(key{}) != "the caller's" {
			t.Error("not the caller's context")
		}
		seen = append(seen, e)
	}}
	ctx := context.WithValue(t.Context(), key{}, "the caller's")
	for _, path := range []string{"/tea?token=hunter2", "/lost#hunter2"} {
		_, _, _ = get(t, ctx, observer, strings.Replace(server.URL, "http://", "http://ada:hunter2@", 1)+path) // the outcome is what is observed
	}
	if len(seen) != 2 {
		t.Fatalf("%d exchanges", len(seen))
	}
	if e := seen[0]; e.Method != http.MethodGet || e.URL != server.URL || e.Status != http.StatusTeapot || e.Err != nil || e.Elapsed <= 0 {
		t.Errorf("%+v", e)
	}
	if e := seen[1]; e.URL != server.URL || e.Status != 0 || e.Err == nil {
		t.Errorf("%+v", e)
	}
}

func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the server notices when the client goes
		<-r.Context().Done()
	})
	limited := &httpx.AttemptTimeout{Next: transport(t), After: 20 * time.Millisecond}

	_, _, err := get(t, t.Context(), limited, server.URL)
	if timeout, ok := errors.AsType[*httpx.TimeoutError](err); !ok || timeout.After != limited.After || !httpx.Temporary(err) {
		t.Errorf("an attempt that hangs: %v", err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, _, err = get(t, ctx, limited, server.URL)
	if !errors.Is(err, context.DeadlineExceeded) || httpx.Temporary(err) {
		t.Errorf("the caller's own deadline: %v", err)
	}

	began := time.Now()
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := limited.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) < 100*time.Millisecond {
		t.Errorf("a request that may not be repeated has the caller's time: %v after %s", err, time.Since(began))
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "",
		" one\r\n\ttwo \x00three ": "one two three",
		"\x1b[31mred\x1b[0m":       "[31mred[0m",
		"bad \xff byte":            "bad \uFFFD byte",
		strings.Repeat("ä", 500):   strings.Repeat("ä", 400) + "…",
		strings.Repeat("ä", 400):   strings.Repeat("ä", 400),
		strings.Repeat("x ", 195) + "https://host/hunter2": strings.Repeat("x ", 195) + "https://ho…",
	} {
		if got := httpx.OneLine(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestWebPages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		contentType, body string
		is                bool
		words             string
	}{
		"nginx": {
			"text/html", "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n<center><h1>401 Authorization Required</h1></center>", true,
			"401 Authorization Required",
		},
		"no type, doctype":  {"", "\n <!DOCTYPE HTML><title>\n RIME &amp; more </title>", true, "RIME & more"},
		"no title":          {"text/html; charset=utf-8", "<body><script>var x = '<b>'</script><style>b{}</style><h1>Log&nbsp;in</h1> please", true, "Log in please"},
		"empty title":       {"text/html", "<title> </title>down", true, "down"},
		"JSON":              {"application/json", `{"message":"<html>"}`, false, ""},
		"text":              {"text/plain", "upstream down", false, ""},
		"the header counts": {"text/html", "upstream down", true, "upstream down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := httpx.IsWebPage(http.Header{"Content-Type": {test.contentType}}, []byte(test.body)); got != test.is {
				t.Errorf("is a web page: %t", got)
			}
			if got := httpx.PageWords([]byte(test.body)); test.is && got != test.words {
				t.Errorf("says %q, want %q", got, test.words)
			}
		})
	}
}
