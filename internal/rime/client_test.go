package rime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// answering is a registry at a server of that one answer.
func answering(t *testing.T, answer http.HandlerFunc, edits ...func(*rime.Config)) *rime.Registry {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	c := config(server.URL, "hunter2hunter2")
	c.Retries = -1
	for _, edit := range edits {
		edit(&c)
	}
	registry, err := rime.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

func TestAPIError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status      int
		contentType string
		body        string
		retryAfter  string
		code        int
		html        bool
		words       string // what comes after the address
	}{
		"status as documented": {403, "application/json", `{"code":7,"message":"permission denied","details":[{"@type":"x"}]}`, "", 7, false, "403 Forbidden: permission denied"},
		"code as text":         {403, "application/json", `{"code":"7","message":"no"}`, "", 7, false, "403 Forbidden: no"},
		"escaped, many lines":  {400, "application/json", `{"code":3,"message":"bad &lt;name&gt;\nsecond\tline"}`, "", 3, false, "400 Bad Request: bad <name> second line"},
		"impossible code":      {400, "application/json", `{"code":99999999999,"message":"x"}`, "", 1 << 16, false, "400 Bad Request: x"},
		"no code":              {400, "application/json", `{"error":"x"}`, "", 0, false, "400 Bad Request"},
		"nginx":                {401, "text/html", unauthorized, "", 0, true, "401 Unauthorized: a web page answered, not the API: 401 Authorization Required"},
		"a page of no type":    {502, "", "<html><body>Bad gateway, sorry</body></html>", "", 0, true, "502 Bad Gateway: a web page answered, not the API: Bad gateway, sorry"},
		"text":                 {503, "text/plain", "upstream connect\nerror", "", 0, false, "503 Service Unavailable: upstream connect error"},
		"empty":                {504, "", "", "", 0, false, "504 Gateway Timeout"},
		"its own status":       {499, "application/json", `{"code":1,"message":"context canceled"}`, "", 1, false, "499: context canceled"},
		"when to come back":    {429, "application/json", `{"code":8,"message":"slow down"}`, "3600", 8, false, "429 Too Many Requests: slow down (Retry-After: 3600)"},
		"quotes the key":       {400, "application/json", `{"code":3,"message":"key hunter2hunter2 is odd"}`, "", 3, false, "400 Bad Request: key [API key] is odd"},
		"quotes it in a page":  {500, "text/html", "<title>hunter2hunter2</title>", "", 0, true, "500 Internal Server Error: a web page answered, not the API: [API key]"},
		"quotes an address":    {400, "application/json", `{"code":3,"message":"no https://u:p@index.test/hunter2"}`, "", 3, false, "400 Bad Request: no https://index.test/***"},
		"long":                 {500, "text/plain", strings.Repeat("x", 10_000), "", 0, false, "500 Internal Server Error: " + strings.Repeat("x", 400) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				if test.contentType != "" {
					w.Header().Set("Content-Type", test.contentType)
				}
				if test.retryAfter != "" {
					w.Header().Set("Retry-After", test.retryAfter)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := registry.Get(t.Context(), "churn")
			answer := apiError(t, err)
			if answer.Method != http.MethodGet || answer.StatusCode != test.status || int(answer.Code) != test.code || answer.HTML != test.html {
				t.Errorf("%+v", answer)
			}
			if words, _ := strings.CutPrefix(err.Error(), "GET "+answer.URL+": "); words != test.words {
				t.Errorf("%q, want %q", words, test.words)
			}
		})
	}
}

// TestRedirects shows that no redirect is followed: the API key would go along.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var visits sync.Map
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { visits.Store(r.URL.Path, r.Header) }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, target := range map[string]string{"elsewhere": elsewhere.URL + "/login?state=hunter3", "here": "/v1/images/other", "nowhere": ""} {
			registry := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				if target != "" {
					w.Header().Set("Location", target)
				}
				w.WriteHeader(status)
			})
			_, err := registry.Get(t.Context(), "churn")
			answer := apiError(t, err)
			if answer.StatusCode != status || answer.Transient() || !strings.Contains(answer.Message, "redirects") || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%d to %s: %v", status, name, err)
			}
			if name == "elsewhere" && !strings.Contains(err.Error(), elsewhere.URL+"/***") {
				t.Errorf("it does not say where: %v", err)
			}
			if _, _, err := registry.Create(t.Context(), spec("churn")); apiError(t, err).StatusCode != status {
				t.Errorf("create: %v", err)
			}
		}
	}
	visits.Range(func(path, header any) bool {
		t.Errorf("%v was visited with %v", path, header)
		return true
	})
}

// TestKeyStaysSecret looks for the key in everything that anybody but the platform gets to see.
func TestKeyStaysSecret(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	var mu sync.Mutex
	var seen []httpx.Exchange
	registry := w.registry(as(sandbox.KeyExpired), func(c *rime.Config) {
		c.Observe = func(_ context.Context, e httpx.Exchange) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, e)
		}
	})
	_, _, createErr := registry.Create(t.Context(), spec("churn"))
	told := false
	for _, err := range []error{
		second(registry.Get(t.Context(), "churn")), second(registry.Build(t.Context(), "0b6f")), createErr, registry.Delete(t.Context(), "churn"), registry.CancelBuild(t.Context(), "0b6f"),
	} {
		if answer := apiError(t, err); answer.StatusCode != http.StatusUnauthorized || !answer.HTML || answer.Transient() {
			t.Errorf("%v", err)
		}
		if before := apiError(t, err).ToldBefore(); before != told {
			t.Errorf("told before: %t, want %t", before, told)
		}
		told = true
		silent(t, err, sandbox.KeyExpired)
		if text := fmt.Sprintf("%+v %#v", err, err); strings.Contains(text, sandbox.KeyExpired) {
			t.Errorf("the key is in the error's fields: %s", text)
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d exchanges were observed", len(seen))
	}
	for _, e := range seen {
		if text := fmt.Sprintf("%+v", e); strings.Contains(text, sandbox.KeyExpired) || e.Status != http.StatusUnauthorized || !strings.HasSuffix(e.URL, " at "+w.URL) {
			t.Errorf("observed: %s", text)
		}
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T) {
		w := start(t, sandbox.Options{})
		w.ready("churn")
		impatient := w.registry(func(c *rime.Config) { c.RequestTimeout, c.Retries = 4*time.Second, 10 })
		w.Forget()
		w.faults(fault.Rule{Delay: fault.Duration(time.Minute)})
		began := time.Now()
		_, err := impatient.Get(t.Context(), "churn")
		late, ok := errors.AsType[*httpx.TimeoutError](err)
		if !ok || late.After > 4*time.Second || !apiError(t, err).Transient() || time.Since(began) > 30*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if n := len(w.Requests()); n < 2 {
			t.Errorf("a read that hangs was tried %d times", n)
		}

		// A request that may not be repeated has all the time there is.
		w.Forget()
		w.faults(fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", Delay: fault.Duration(time.Minute)})
		_, _, err = impatient.Create(t.Context(), spec("other"))
		late, ok = errors.AsType[*httpx.TimeoutError](err)
		if !ok || late.After != 4*time.Second || w.count(http.MethodPost, "^/v1/images$") != 1 {
			t.Errorf("%v after %d requests", err, w.count(http.MethodPost, "^/v1/images$"))
		}

		// The end of the caller's own time is theirs.
		w.faults(fault.Rule{Delay: fault.Duration(time.Minute)})
		why := errors.New("the resource's time-out")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
		defer cancel()
		_, err = impatient.Get(ctx, "churn")
		if !errors.Is(err, why) || !errors.Is(err, context.DeadlineExceeded) || apiError(t, err).Transient() {
			t.Errorf("%v", err)
		}
	})
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	encrypted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(encrypted.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for name, test := range map[string]struct {
		endpoint  string
		transient bool
		words     string
	}{
		"nobody listens":          {"http://127.0.0.1:1", true, "connection refused"},
		"no such host":            {"https://nowhere.invalid", false, "nowhere.invalid"},
		"an unknown certificate":  {encrypted.URL, false, "certificate"},
		"TLS with a plain server": {strings.Replace(plain.URL, "http://", "https://", 1), false, "server gave HTTP response to HTTPS client"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(test.endpoint, "key")
			c.Retries = -1
			within(time.Millisecond)(&c)
			registry, err := rime.New(c)
			if err != nil {
				t.Fatal(err)
			}
			_, _, createErr := registry.Create(t.Context(), spec("churn"))
			for _, err := range []error{second(registry.Get(t.Context(), "churn")), createErr, registry.Delete(t.Context(), "churn")} {
				answer := apiError(t, err)
				if answer.StatusCode != 0 || !strings.Contains(err.Error(), test.words) || strings.Count(err.Error(), test.endpoint) != 1 {
					t.Errorf("%v", err)
				}
				if answer.Transient() != test.transient && name != "no such host" { // without a name server, that may pass
					t.Errorf("transient: %t: %v", answer.Transient(), err)
				}
				never(t, err, imageregistry.ErrNotFound)
			}
		})
	}
}

// TestForeignAnswers has the platform answer about something else than it was asked for.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"image":{"name":"other"},"job":{"jobId":"7"}}`, `{"image":{}}`, `{"image":null}`, `{}`, `{"images":[]}`} {
		registry := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }, within(time.Millisecond))
		_, _, createErr := registry.Create(t.Context(), spec("churn"))
		for _, err := range []error{second(registry.Get(t.Context(), "churn")), createErr} {
			if answer := apiError(t, err); !answer.Broken || !answer.Transient() {
				t.Errorf("%s: %v", body, err)
			}
			never(t, err, imageregistry.ErrNotFound)
		}
	}
}

// TestDefaults makes a registry as a caller would who has nothing to say.
func TestDefaults(t *testing.T) {
	t.Parallel()
	w, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	registry, err := rime.New(rime.Config{Endpoint: w.URL, APIKey: sandbox.KeyUser})
	if err != nil {
		t.Fatal(err)
	}
	restarting := fault.Rule{Times: 2, Status: http.StatusServiceUnavailable, RetryAfter: "0", JSON: json.RawMessage(`{"code":14,"message":"restarting"}`)}
	if err := w.SetFaults(restarting); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Get(t.Context(), systemImage); err != nil {
		t.Error(err)
	}
	requests := w.Requests()
	if len(requests) != 3 || requests[0].UserAgent != "terraform-provider-rime" {
		t.Errorf("%+v", requests)
	}
}
