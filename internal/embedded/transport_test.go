package embedded

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// newRequest makes a request of that method, with a body where it has one.
func newRequest(ctx context.Context, t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// statusOf makes a request and returns the status of the answer.
func statusOf(tr http.RoundTripper, req *http.Request) (int, error) {
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func TestRetry_whatIsRepeated(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method string
		status int // 0: the connection is reset
		want   int // attempts
	}{
		{http.MethodGet, 503, 5},
		{http.MethodHead, 500, 5},
		{http.MethodPut, 502, 5},
		{http.MethodDelete, 504, 5},
		{http.MethodGet, 408, 5},
		{http.MethodGet, 0, 5},
		{http.MethodPut, 0, 5},
		{http.MethodPost, 0, 1},
		{http.MethodPost, 503, 1},
		{http.MethodPatch, 500, 1},
		{http.MethodPost, 429, 5},
		{http.MethodPatch, 429, 5},
		{http.MethodGet, 401, 1},
		{http.MethodGet, 404, 1},
		{http.MethodGet, 501, 1},
		{http.MethodGet, 200, 1},
	} {
		t.Run(test.method, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				attempts := 0
				tr := newRetry(roundTripper(func(req *http.Request) (*http.Response, error) {
					attempts++
					if body, err := io.ReadAll(req.Body); err != nil || string(body) != "the body" {
						t.Errorf("attempt %d has the body %q, %v", attempts, body, err)
					}
					if test.status == 0 {
						return nil, errReset
					}
					return answer(req, test.status, "application/json", "{}"), nil
				}), &clock{}, 4, 100*time.Millisecond)
				began := time.Now()
				status, err := statusOf(tr, newRequest(t.Context(), t, test.method, "https://r.test/v2/x", "the body"))
				if (err == nil) != (test.status != 0) || status != test.status || attempts != test.want {
					t.Errorf("%s %d: %d attempts, %v", test.method, test.status, attempts, err)
				}
				if took := time.Since(began); test.want > 1 && (took < 700*time.Millisecond || took > 1600*time.Millisecond) {
					t.Errorf("the attempts took %s", took)
				}
			})
		})
	}
}

func TestRetry_after(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"5":                             5 * time.Second,
		"60":                            time.Minute,
		"61":                            0, // reported at once
		"999999999999":                  0,
		"Sat, 01 Jan 2000 00:00:20 GMT": 20 * time.Second, // a bubble's time begins at midnight
		"Sat, 01 Jan 2000 03:00:00 GMT": 0,
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				attempts := 0
				tr := newRetry(roundTripper(func(req *http.Request) (*http.Response, error) {
					attempts++
					resp := answer(req, http.StatusTooManyRequests, "application/json", "{}")
					resp.Header.Set("Retry-After", value)
					return resp, nil
				}), &clock{}, 1, time.Millisecond)
				began := time.Now()
				if _, err := statusOf(tr, newRequest(t.Context(), t, http.MethodGet, "https://r.test/v2/x", "")); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != want || (want > 0) != (attempts == 2) {
					t.Errorf("%d attempts in %s, want %s", attempts, took, want)
				}
			})
		})
	}
}

// TestRetry_context finds that no wait goes on when the caller has gone, and that none begins that the deadline does not leave room for.
func TestRetry_context(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		tr := newRetry(roundTripper(func(req *http.Request) (*http.Response, error) {
			resp := answer(req, http.StatusServiceUnavailable, "application/json", "{}")
			resp.Header.Set("Retry-After", "30")
			return resp, nil
		}), &clock{}, 4, time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if _, err := statusOf(tr, newRequest(ctx, t, http.MethodGet, "https://r.test/v2/x", "")); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %s", took)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began = time.Now()
		status, err := statusOf(tr, newRequest(ctx, t, http.MethodGet, "https://r.test/v2/x", ""))
		if err != nil || status != http.StatusServiceUnavailable || time.Since(began) != 0 {
			t.Errorf("with a near deadline: %v after %s", err, time.Since(began))
		}
	})
}

func TestScheme_noPlainHTTP(t *testing.T) {
	t.Parallel()
	for url, test := range map[string]struct {
		insecure string
		want     bool
	}{
		"https://r.example.com/v2/":   {"", true},
		"http://r.example.com/v2/":    {"", false},
		"http://r.example.com/v2/x":   {"r.example.com", true},
		"http://other.example.com/v2": {"r.example.com", false},
		"http://10.0.0.7:5000/v2/":    {"", false},
		"http://localhost:5000/v2/":   {"", true},
		"http://127.0.0.1:5000/v2/":   {"", true},
		"http://[::1]:5000/v2/":       {"", true},
		"http://127.0.0.1.nip.io/v2/": {"", false},
	} {
		asked := false
		tr := &schemeTransport{insecureHost: test.insecure, next: roundTripper(func(req *http.Request) (*http.Response, error) {
			asked = true
			return answer(req, 200, "application/json", "{}"), nil
		})}
		_, err := statusOf(tr, newRequest(t.Context(), t, http.MethodPut, url, "secret"))
		var refused *plainHTTPError
		if asked != test.want || errors.As(err, &refused) == test.want {
			t.Errorf("%s: asked %t, %v", url, asked, err)
		}
	}
}

// TestPing_remembered finds that a registry is asked once how it wants to be spoken to, on real connections and without TLS, and again after a while.
func TestPing_remembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var pings, requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(resp http.ResponseWriter, req *http.Request) {
		requests.Add(1)
		if req.URL.Path == "/v2/" {
			pings.Add(1)
		}
		out := newRequest(req.Context(), t, req.Method, "https://"+testHost+req.URL.RequestURI(), "")
		out.Body, out.Header, out.ContentLength = req.Body, req.Header, req.ContentLength
		in, err := w.wire.RoundTrip(out)
		if err != nil {
			t.Error(err)
			return
		}
		maps.Copy(resp.Header(), in.Header)
		resp.WriteHeader(in.StatusCode)
		_, _ = io.Copy(resp, in.Body)
		_ = in.Body.Close()
	}))
	t.Cleanup(server.Close)
	for _, image := range []string{"model-a", "model-b", "model-c"} {
		w.process(t, "a/1").mustCreate(t, specOf(image, "numpy"))
	}
	requests.Store(0)
	p := w.process(t, "b/2", func(c *Config) {
		c.URL, c.Transport = strings.TrimPrefix(server.URL, "http://"), nil
		c.BaseImages, c.Timing.BaseCheckTTL = map[string]string{"3.12": c.URL + "/base/python:3.12"}, time.Minute
	})
	for _, image := range []string{"model-a", "model-b", "model-c"} {
		if got := p.mustGet(t, image); got.Status != imageregistry.StatusReady {
			t.Errorf("%s is %q: %s", image, got.Status, got.StatusReason)
		}
	}
	// Two requests for each image, and one for the base they share.
	if pings.Load() != 1 || requests.Load() != 1+2*3+1 {
		t.Errorf("%d pings among %d requests for 3 images", pings.Load(), requests.Load())
	}
}

func TestWebPage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		contentType, body string
		want              bool
	}{
		{"text/html", "", true},
		{"text/html; charset=utf-8", "x", true},
		{"text/plain", " \n<!DOCTYPE HTML><p>", true},
		{"application/json", "<HTML>", true},
		{"application/json", `{"a":"<html>"}`, false},
		{"", "", false},
	} {
		if got := httpx.IsWebPage(http.Header{"Content-Type": {test.contentType}}, []byte(test.body)); got != test.want {
			t.Errorf("%+v: %t", test, got)
		}
	}
}

func TestAnswer_tooLarge(t *testing.T) {
	t.Parallel()
	tr := newAnswerTransport(roundTripper(func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, "application/json", strings.Repeat("x", maxAnswer+1)), nil
	}), &clock{}, testHost)
	if _, err := statusOf(tr, newRequest(t.Context(), t, http.MethodGet, "https://r.test/v2/x", "")); !errors.Is(err, httpx.ErrAnswerTooLarge) || temporary(err) {
		t.Errorf("%v", err)
	}
}

// TestClock compares two machines whose clocks differ by an hour. They work on one registry, whose time counts.
func TestClock(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		dated := roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := w.wire.RoundTrip(req)
			if err == nil {
				resp.Header.Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			}
			return resp, err
		})
		p := w.process(t, "a/1", func(c *Config) { c.Transport = dated })
		p.builder.takes = time.Minute
		if _, _, err := p.Create(t.Context(), specOf("model-a", "numpy")); err != nil {
			t.Fatal(err)
		}
		behind := w.process(t, "b/2", func(c *Config) { c.Transport = dated })
		if image := behind.mustGet(t, "model-a"); image.Status != imageregistry.StatusBuildingFirstTime {
			t.Errorf("it is %q: %s", image.Status, image.StatusReason)
		}
		if off := behind.store.clock.now().Sub(time.Now().Add(time.Hour)).Abs(); off > time.Second {
			t.Errorf("the registry's time is %s off", off)
		}
		p.wait()
	})
}

func TestClock_observe(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		c := &clock{}
		for date, want := range map[string]time.Duration{
			"":                              0,
			"yesterday":                     0,
			"Sat, 01 Jan 2000 00:00:01 GMT": 0, // within what seconds and the way take
			"Sat, 01 Jan 2000 00:00:10 GMT": 10 * time.Second,
			"Fri, 31 Dec 1999 23:00:00 GMT": -time.Hour,
		} {
			c.skew.Store(0)
			c.observe(date)
			if got := time.Until(c.now()); got != want {
				t.Errorf("%q: %s, want %s", date, got, want)
			}
		}
	})
}

// TestBases_askedOnce finds that many images on one base ask for it once, that a failure is remembered as well, and neither for long.
func TestBases_askedOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		var asked atomic.Int32
		var down atomic.Bool
		p := w.process(t, "a/1", func(c *Config) {
			c.Timing.BaseCheckTTL = 30 * time.Second
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if !strings.HasPrefix(req.URL.Path, "/v2/base/") {
					return w.wire.RoundTrip(req)
				}
				asked.Add(1)
				if down.Load() {
					<-req.Context().Done()
					return nil, req.Context().Err()
				}
				return w.wire.RoundTrip(req)
			})
		})
		p.builder.transport = w.wire
		p.mustCreate(t, specOf("model-a", "numpy"))
		pass(time.Minute)
		asked.Store(0)
		for range 100 {
			p.mustGet(t, "model-a")
		}
		if asked.Load() != 1 {
			t.Errorf("the base was asked for %d times", asked.Load())
		}
		down.Store(true)
		pass(time.Minute)
		began := time.Now()
		for range 100 {
			if image := p.mustGet(t, "model-a"); image.Status != imageregistry.StatusReady {
				t.Errorf("it is %q", image.Status)
			}
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("an unreachable base registry cost 100 looks %s", took)
		}
		down.Store(false)
		pass(time.Minute)
		w.push(t, basePython)
		if image := p.mustGet(t, "model-a"); image.Status != imageregistry.StatusOutdated {
			t.Errorf("in the end it is %q", image.Status)
		}
	})
}

// TestResolve_oddHeads asks registries that answer HEAD without the headers that matter, or not at all.
func TestResolve_oddHeads(t *testing.T) {
	t.Parallel()
	heads := map[string]func(*http.Request, *http.Response) *http.Response{
		"no digest": func(_ *http.Request, resp *http.Response) *http.Response {
			resp.Header.Del("Docker-Content-Digest")
			return resp
		},
		"no type": func(_ *http.Request, resp *http.Response) *http.Response {
			resp.Header.Del("Content-Type")
			return resp
		},
		"not allowed": func(req *http.Request, _ *http.Response) *http.Response {
			return answer(req, http.StatusMethodNotAllowed, "application/json", "{}")
		},
		"not found without words": func(req *http.Request, _ *http.Response) *http.Response {
			return answer(req, http.StatusNotFound, "application/json", "")
		},
	}
	for kind, spoil := range heads {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				want := w.push(t, basePython)
				p := w.process(t, "a/1", func(c *Config) {
					c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
						resp, err := w.wire.RoundTrip(req)
						if err == nil && req.Method == http.MethodHead {
							resp = spoil(req, resp)
						}
						return resp, err
					})
				})
				digest, err := p.store.resolve(t.Context(), mustParse(t, basePython))
				if err != nil || digest != want {
					t.Errorf("resolve returns %q, %v", digest, err)
				}
				gone := mustParse(t, testHost+"/base/python:gone")
				if _, err := p.store.resolve(t.Context(), gone); !errors.Is(err, errAbsent) {
					t.Errorf("of what is gone, resolve returns %v", err)
				}
			})
		})
	}
}

// TestPut_repositoryRemoved finds that a repository that was taken away, blobs and all, is pushed to anew.
func TestPut_repositoryRemoved(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		blobs := map[string]bool{}
		p := w.process(t, "a/1", func(c *Config) {
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if req.Method == http.MethodPost {
					blobs[req.URL.Path] = true
				}
				if _, manifest := strings.CutPrefix(req.URL.Path, "/v2/ml/model-a/manifests/"); manifest && req.Method == http.MethodPut && !blobs["/v2/ml/model-a/blobs/uploads/"] {
					return answer(req, http.StatusBadRequest, "application/json", `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}`), nil
				}
				if req.Method == http.MethodHead && strings.Contains(req.URL.Path, "/blobs/") {
					return answer(req, http.StatusNotFound, "application/json", ""), nil
				}
				return w.wire.RoundTrip(req)
			})
		})
		repo, err := name.NewRepository(testHost + "/ml/model-a")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			a, err := newArtifact(typeClaim, claimContent{})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.store.put(t.Context(), repo.Tag("x"), a); err != nil {
				t.Fatal(err)
			}
			clear(blobs) // the repository is removed
		}
	})
}

// TestPut_halfRead finds that Docker's registry, which now and then reads what another client is just writing, is asked again.
func TestPut_halfRead(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		refused := 0
		p := w.process(t, "a/1", func(c *Config) {
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if strings.Contains(req.URL.Path, "/ml/model-a/manifests/") && req.Method == http.MethodPut && refused < 2 {
					refused++
					return answer(req, http.StatusBadRequest, "application/json", `{"errors":[{"code":"DIGEST_INVALID"}]}`), nil
				}
				return w.wire.RoundTrip(req)
			})
		})
		p.mustCreate(t, specOf("model-a"))
		if refused != 2 {
			t.Errorf("refused %d times", refused)
		}
	})
}

// TestRemoveTag_leftBehind finds that a tag is gone even where the registry forgot to take it along with its manifest.
func TestRemoveTag_leftBehind(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		distribution := likeDistribution(w.wire)
		forgets := true
		p := w.process(t, "a/1", func(c *Config) {
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if req.Method == http.MethodDelete && strings.Contains(req.URL.Path, "sha256:") && forgets {
					forgets = false
					return w.wire.RoundTrip(req) // the manifest goes, its tags stay
				}
				return distribution.RoundTrip(req)
			})
		})
		image := p.mustCreate(t, specOf("model-a"))
		if tags := w.tags(t, image.RepoURI); forgets || !slices.Equal(tags, []string{image.Tag, recordTag}) {
			t.Errorf("tags %q", tags)
		}
	})
}
