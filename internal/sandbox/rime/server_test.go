package rime_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

func TestAuthentication(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{Keys: []rime.Key{
		{Value: "forever", Role: rime.User},
		{Value: "brief", Role: rime.User, Expires: time.Date(2024, 3, 1, 12, 1, 0, 0, time.UTC)},
	}})
	for _, key := range []string{"forever", "brief"} {
		p.as(key).ok(http.MethodGet, "/v1/images", "")
	}
	p.pass(60)
	for _, key := range []string{"", "brief", "Forever", "wrong", rime.KeyOrgAdmin} {
		for path, method := range map[string]string{
			"/v1/images": http.MethodGet, "/v1/images/churn": http.MethodDelete, "/v1/jobs/1": http.MethodGet, "/v1/unknown": http.MethodGet,
			"/v1-beta/jobs/1": http.MethodGet, "/internal/images/update-info": http.MethodPost, "/v1/images/list": http.MethodPost,
		} {
			a := p.as(key).call(method, path, "")
			if a.status != http.StatusUnauthorized || a.contentType != "text/html" || !strings.Contains(a.body, "<h1>401 Authorization Required</h1>") {
				t.Errorf("key %q: %s: %+v", key, path, a)
			}
		}
	}
	p.as("forever").ok(http.MethodGet, "/v1/images", "")
}

func TestRoles(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	for key, may := range map[string]bool{rime.KeyOrgAdmin: true, rime.KeyWorkspaceAdmin: true, rime.KeyUser: true, rime.KeyViewer: false} {
		name := strings.TrimPrefix(key, "rime-sandbox-")
		as := p.as(key)
		if may {
			as.create(name, "numpy")
		} else {
			as.refused(http.StatusForbidden, 7, http.MethodPost, "/v1/images", `{"name": "`+name+`"}`)
		}
		as.ok(http.MethodGet, "/v1/images", "")
		as.ok(http.MethodGet, "/v1/images/rime-base-python-3-9", "")
		as.ok(http.MethodPost, "/v1/images/list", "")
	}
}

func TestFrontEnd(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	for path, method := range map[string]string{"/": http.MethodGet, "/images/churn": http.MethodGet, "/images": http.MethodPost, "/api/v1/images": http.MethodGet} {
		for _, key := range []string{"", rime.KeyOrgAdmin} {
			if a := p.as(key).call(method, path, ""); a.status != http.StatusOK || !strings.HasPrefix(a.contentType, "text/html") || !strings.HasPrefix(a.body, "<!doctype html>") {
				t.Errorf("%s: %+v", path, a)
			}
		}
	}
}

func TestGateway(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	for _, path := range []string{"/v1", "/v1/unknown", "/v1/images/", "/v1/images/a/b", "/v1/jobs", "/v1/jobs/", "/v1-beta/images", "/v1-beta/logs/1", "/internal/images/update-info"} {
		if message := p.refused(http.StatusNotFound, 5, http.MethodGet, path, ""); message != "Not Found" {
			t.Errorf("%s: %s", path, message)
		}
	}
	for path, method := range map[string]string{"/v1/images": http.MethodPut, "/v1/images/churn": http.MethodPatch, "/v1/images/list": http.MethodPut} {
		if message := p.refused(http.StatusNotImplemented, 12, method, path, ""); message != "Method Not Allowed" {
			t.Errorf("%s: %s", path, message)
		}
	}
	if a := p.call(http.MethodPost, "/v1/images", `{"name": "`+strings.Repeat("a", 9<<20)+`"}`); a.status != http.StatusRequestEntityTooLarge || a.contentType != "text/html" {
		t.Errorf("a body of 9 MiB: %d, %s", a.status, a.contentType)
	}
}

func TestRegistryDisabled(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{RegistryDisabled: true})
	for path, method := range map[string]string{
		"/v1/images": http.MethodGet, "/v1/images/churn": http.MethodDelete, "/v1/images/list": http.MethodPost, "/v1/images/a/b": http.MethodGet,
	} {
		if a := p.call(method, path, ""); a.status != http.StatusNotFound || strings.Contains(a.contentType, "json") || strings.Contains(a.body, "{") {
			t.Errorf("%s: %+v", path, a)
		}
		if a := p.as("wrong").call(method, path, ""); a.status != http.StatusUnauthorized {
			t.Errorf("%s without a good key: %+v", path, a)
		}
	}
	p.refused(http.StatusBadRequest, 3, http.MethodGet, "/v1/jobs/nonsense", "") // the job reader is another service
}

func TestCloud(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{Deployment: rime.Cloud})
	if message := p.refused(http.StatusNotImplemented, 12, http.MethodPost, "/v1/images", `{"name": "churn"}`); !strings.Contains(message, "Cloud deployment") {
		t.Errorf("message %q", message)
	}
	if got := names(p.ok(http.MethodGet, "/v1/images", "")["images"]); len(got) > 0 {
		t.Errorf("listed %q", got)
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{Version: "2.6.2", Customer: "acme", LicenseExpires: time.Date(2024, 4, 15, 0, 0, 0, 0, time.UTC)})
	want := map[string]any{
		"clusterInfoVersion": "2.6.2", "customerName": "acme", "expirationTime": "2024-04-15T00:00:00Z", "gracePeriodEndTime": "2024-05-15T00:00:00Z",
		"riPlan": "RI_PLAN_DEFAULT", "buildVersion": "2.6.2",
	}
	if diff := cmp.Diff(want, p.as("").ok(http.MethodGet, "/v1/rime-info", "")); diff != "" { // it needs no key
		t.Errorf("(-want +got)\n%s", diff)
	}
	const limits = "/v1/feature-flags/acme/limits/"
	for _, status := range []string{"STATUS_OK", "STATUS_WARN", "STATUS_ERROR"} {
		want := map[string]any{"limitStatus": map[string]any{"limit": "LICENSE_LIMIT_EXPIRATION", "limitStatus": status, "limitValue": "", "currentValue": ""}}
		if diff := cmp.Diff(want, p.ok(http.MethodGet, limits+"LICENSE_LIMIT_EXPIRATION", "")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		p.pass(30 * 86400)
	}
	p.refused(http.StatusBadRequest, 3, http.MethodGet, limits+"NONSENSE", "")
	p.refused(http.StatusNotImplemented, 12, http.MethodGet, limits+"LICENSE_LIMIT_MODELS", "")
	p.refused(http.StatusNotFound, 5, http.MethodGet, "/v1/feature-flags/other/limits/LICENSE_LIMIT_EXPIRATION", "")
	if a := p.as("").call(http.MethodGet, limits+"LICENSE_LIMIT_EXPIRATION", ""); a.status != http.StatusUnauthorized {
		t.Errorf("without a key: %+v", a)
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for want, options := range map[string]rime.Options{
		"no failure is called":              {Failures: map[string]rime.Failure{"x": "bad-luck"}},
		"needs a value and a role":          {Keys: []rime.Key{{Value: "x"}}},
		"no package type is called":         {PackageTypes: []string{"rpm"}},
		"the default Python":                {PythonVersions: []string{"3.12"}},
		"the build time cannot be negative": {BuildTime: -1},
		"cannot be had":                     {PageSize: 10, MaxPageSize: 5},
		"does not match":                    {Preload: rime.Preload{Images: 1, Pattern: "Image%d"}},
		"already exists":                    {Preload: rime.Preload{Images: 9, Pattern: "rime-base-python-3-%d"}},
		"has 5 characters, more than 4":     {MaxNameLength: 4, Preload: rime.Preload{Images: 1, Pattern: "long%d"}},
	} {
		if _, err := rime.New(options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// serve starts a server on its own port, in real time.
func serve(t *testing.T, o rime.Options) (*rime.Server, *platform) {
	t.Helper()
	s, err := rime.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, &platform{s.Platform, t, s.URL, nil, rime.KeyUser}
}

func TestServer(t *testing.T) {
	t.Parallel()
	s, p := serve(t, rime.Options{BuildTime: 40 * time.Millisecond})
	id := p.create("churn", "numpy")
	for deadline := time.Now().Add(30 * time.Minute); p.states(id, "churn") != "SUCCEEDED READY"; {
		if time.Now().After(deadline) {
			t.Fatalf("after half an hour: %s", p.states(id, "churn"))
		}
	}
	if err := s.SetFaults(fault.Rule{Service: rime.Service, Method: http.MethodPost, Path: "^/v1/images$", DropAnswer: true, Times: 1}); err != nil {
		t.Fatal(err)
	}
	s.Forget()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/images", strings.NewReader(`{"name": "lost"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("rime-api-key", rime.KeyUser)
	if response, err := (&http.Client{}).Do(request); err == nil {
		_ = response.Body.Close()
		t.Errorf("the answer was not lost: %s", response.Status)
	}
	p.refused(http.StatusConflict, 6, http.MethodPost, "/v1/images", `{"name": "lost"}`) // but the image was made
	if n := s.Count(http.MethodPost, "^/v1/images$"); n != 2 {
		t.Errorf("%d requests: %+v", n, s.Requests())
	}
	if a := p.as("").call(http.MethodGet, "/control/requests", ""); a.status != http.StatusOK || strings.Count(a.body, `"service":"rime"`) != 2 {
		t.Errorf("control: %+v", a)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if response, err := (&http.Client{}).Do(request.Clone(t.Context())); err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		t.Error("a closed server answers")
	}
}

func TestServer_invalid(t *testing.T) {
	t.Parallel()
	if _, err := rime.Start(rime.Options{BuildTime: -1}); err == nil {
		t.Error("no error")
	}
}
