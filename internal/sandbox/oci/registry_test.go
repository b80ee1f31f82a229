package oci_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

const (
	imageType = "application/vnd.oci.image.manifest.v1+json"
	indexType = "application/vnd.oci.image.index.v1+json"
)

// start starts a registry for the test.
func start(t *testing.T, o oci.Options) *oci.Server {
	t.Helper()
	server, err := oci.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("closing the registry: %v", err)
		}
	})
	return server
}

func digest(content string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))) }

type reply struct {
	Status int
	Code   string // of the first error
	Digest string // the header
	Type   string // of a manifest
	Link   bool
	Tags   []string
	Body   string // of a manifest
}

// send sends one request to a registry.
func send(t *testing.T, method, url, contentType, body string) (reply, http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("Accept", imageType+", "+indexType)
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := reply{Status: response.StatusCode, Digest: response.Header.Get("Docker-Content-Digest"), Link: response.Header.Get("Link") != ""}
	if kind := response.Header.Get("Content-Type"); strings.HasPrefix(kind, "application/vnd.oci.image") {
		got.Type, got.Body = kind, string(text)
		return got, response.Header
	}
	var parsed struct {
		Tags   []string
		Errors []struct{ Code string }
	}
	_ = json.Unmarshal(text, &parsed) // an answer without JSON has nothing to compare
	slices.Sort(parsed.Tags)          // Debian's registry lists them in the order of its directory
	got.Tags = parsed.Tags
	if len(parsed.Errors) > 0 {
		got.Code = parsed.Errors[0].Code
	}
	return got, response.Header
}

// pushBlob uploads a blob in the two steps that every registry takes.
func pushBlob(t *testing.T, base, repository, content string) {
	t.Helper()
	opened, header := send(t, http.MethodPost, base+"/v2/"+repository+"/blobs/uploads/", "", "")
	if opened.Status != http.StatusAccepted {
		t.Fatalf("opening an upload: %+v", opened)
	}
	location := header.Get("Location")
	if strings.HasPrefix(location, "/") {
		location = base + location
	}
	separator := "?"
	if strings.Contains(location, "?") {
		separator = "&"
	}
	if put, _ := send(t, http.MethodPut, location+separator+"digest="+digest(content), "application/octet-stream", content); put.Status != http.StatusCreated {
		t.Fatalf("uploading: %+v", put)
	}
}

func imageManifest(config string, layers ...string) string {
	descriptor := func(kind, content string) map[string]any {
		return map[string]any{"mediaType": kind, "digest": digest(content), "size": len(content)}
	}
	list := []any{}
	for _, l := range layers {
		list = append(list, descriptor("application/vnd.oci.image.layer.v1.tar", l))
	}
	text, _ := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": imageType, "config": descriptor("application/vnd.oci.image.config.v1+json", config), "layers": list,
	})
	return string(text)
}

func indexManifest(children ...string) string {
	list := []any{}
	for _, c := range children {
		list = append(list, map[string]any{
			"mediaType": imageType, "digest": digest(c), "size": len(c), "platform": map[string]string{"os": "linux", "architecture": "amd64"},
		})
	}
	text, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": list})
	return string(text)
}

// TestRegistry_answersLikeDockerRegistry sends the same requests to this registry and to Debian's docker-registry.
func TestRegistry_answersLikeDockerRegistry(t *testing.T) {
	t.Parallel()
	ours := start(t, oci.Options{}).URL
	theirs := "http://" + workbenchtest.DockerRegistry(t)

	config, layer := `{"architecture":"amd64","os":"linux"}`, "a layer"
	first, second := imageManifest(config, layer), imageManifest(config)
	index := indexManifest(first)
	for _, base := range []string{ours, theirs} {
		pushBlob(t, base, "team/app", config)
		pushBlob(t, base, "team/app", layer)
	}
	for _, step := range []struct{ name, method, path, contentType, body string }{
		{"version", "GET", "/v2/", "", ""},
		{"no repository", "GET", "/v2/team/none/manifests/latest", "", ""},
		{"no repository's tags", "GET", "/v2/team/none/tags/list", "", ""},
		{"blob", "HEAD", "/v2/team/app/blobs/" + digest(layer), "", ""},
		{"no blob", "HEAD", "/v2/team/app/blobs/" + digest("other"), "", ""},
		{"manifest of missing blobs", "PUT", "/v2/team/app/manifests/v1", imageType, imageManifest(config, "never uploaded")},
		{"index of missing manifests", "PUT", "/v2/team/app/manifests/v1", indexType, index},
		{"manifest that is no JSON", "PUT", "/v2/team/app/manifests/v1", imageType, "{"},
		{"manifest under another's digest", "PUT", "/v2/team/app/manifests/" + digest(second), imageType, first},
		{"manifest", "PUT", "/v2/team/app/manifests/v1", imageType, first},
		{"its tag", "GET", "/v2/team/app/manifests/v1", "", ""},
		{"its digest", "HEAD", "/v2/team/app/manifests/" + digest(first), "", ""},
		{"the same again", "PUT", "/v2/team/app/manifests/v1", imageType, first},
		{"index", "PUT", "/v2/team/app/manifests/multi", indexType, index},
		{"index by tag", "GET", "/v2/team/app/manifests/multi", "", ""},
		{"second tag", "PUT", "/v2/team/app/manifests/v1-too", imageType, first},
		{"another", "PUT", "/v2/team/app/manifests/" + digest(second), imageType, second},
		{"moved tag", "PUT", "/v2/team/app/manifests/v2", imageType, first},
		{"moved tag 2", "PUT", "/v2/team/app/manifests/v2", imageType, second},
		{"moved tag seen", "HEAD", "/v2/team/app/manifests/v2", "", ""},
		{"tags", "GET", "/v2/team/app/tags/list", "", ""},
		{"no such tag", "GET", "/v2/team/app/manifests/v3", "", ""},
		{"no such digest", "GET", "/v2/team/app/manifests/" + digest("other"), "", ""},
		{"delete no digest", "DELETE", "/v2/team/app/manifests/" + digest("other"), "", ""},
		{"delete by digest", "DELETE", "/v2/team/app/manifests/" + digest(first), "", ""},
		{"and its tags are gone", "GET", "/v2/team/app/tags/list", "", ""},
		{"and so is it", "HEAD", "/v2/team/app/manifests/" + digest(first), "", ""},
		{"delete again", "DELETE", "/v2/team/app/manifests/" + digest(first), "", ""},
		{"the index is still there", "HEAD", "/v2/team/app/manifests/multi", "", ""},
		{"delete the index", "DELETE", "/v2/team/app/manifests/" + digest(index), "", ""},
		{"delete the other", "DELETE", "/v2/team/app/manifests/" + digest(second), "", ""},
		{"tags of an emptied repository", "GET", "/v2/team/app/tags/list", "", ""},
		{"method", "POST", "/v2/team/app/manifests/v1", "", ""},
	} {
		got, _ := send(t, step.method, ours+step.path, step.contentType, step.body)
		want, _ := send(t, step.method, theirs+step.path, step.contentType, step.body)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s %s (-docker-registry +ours)\n%s", step.name, step.method, step.path, diff)
		}
	}
}

func TestRegistry_deletesTags(t *testing.T) {
	t.Parallel()
	url := start(t, oci.Options{}).URL
	pushBlob(t, url, "app", "{}")
	m := imageManifest("{}")
	for _, tag := range []string{"a", "b"} {
		send(t, http.MethodPut, url+"/v2/app/manifests/"+tag, imageType, m)
	}
	if got, _ := send(t, http.MethodDelete, url+"/v2/app/manifests/a", "", ""); got.Status != http.StatusAccepted {
		t.Errorf("DELETE of a tag: %+v", got)
	}
	if got, _ := send(t, http.MethodDelete, url+"/v2/app/manifests/a", "", ""); got.Status != http.StatusNotFound {
		t.Errorf("DELETE of no tag: %+v", got)
	}
	for reference, want := range map[string]int{"a": 404, "b": 200, digest(m): 200} {
		if got, _ := send(t, http.MethodGet, url+"/v2/app/manifests/"+reference, "", ""); got.Status != want {
			t.Errorf("GET %s: %+v, want %d", reference, got, want)
		}
	}
}

func TestRegistry_pages(t *testing.T) {
	t.Parallel()
	url := start(t, oci.Options{}).URL
	var want []string
	for n := range 7 {
		repository := fmt.Sprintf("team/app%d", n)
		pushBlob(t, url, repository, "{}")
		send(t, http.MethodPut, url+"/v2/"+repository+"/manifests/v1", imageType, imageManifest("{}"))
		send(t, http.MethodPut, url+"/v2/team/app0/manifests/"+fmt.Sprintf("t%d", n), imageType, imageManifest("{}"))
		want = append(want, fmt.Sprintf("t%d", n))
	}
	var tags []string
	requests := 0
	for next := "/v2/team/app0/tags/list?n=3"; next != ""; requests++ {
		got, header := send(t, http.MethodGet, url+next, "", "")
		tags = append(tags, got.Tags...)
		next, _, _ = strings.Cut(strings.TrimPrefix(header.Get("Link"), "<"), ">")
	}
	if want := append(want, "v1"); !slices.Equal(tags, want) || requests != 3 {
		t.Errorf("%d requests gave %v, want 3 and %v", requests, tags, want)
	}
	// A "last" that is no entry, and one beyond the end.
	for last, want := range map[string]int{"t3x": 4, "zzz": 0} {
		if got, _ := send(t, http.MethodGet, url+"/v2/team/app0/tags/list?last="+last, "", ""); len(got.Tags) != want {
			t.Errorf("after %s: %v, want %d", last, got.Tags, want)
		}
	}
	if got, _ := send(t, http.MethodGet, url+"/v2/team/app0/tags/list?n=x", "", ""); got.Status != http.StatusBadRequest {
		t.Errorf("n=x: %+v", got)
	}
}

func TestRegistry_refusesPathsOutOfItsDirectory(t *testing.T) {
	t.Parallel()
	url := start(t, oci.Options{}).URL
	pushBlob(t, url, "app", "{}")
	for _, path := range []string{"/v2/..%2f..%2fescape/manifests/v1", "/v2/app/manifests/..%2f..%2fx", "/v2/_app/manifests/v1", "/v2/App/manifests/v1", "/v2/app/manifests/.hidden", "/v2/app/manifests/sha256:123"} {
		got, _ := send(t, http.MethodPut, url+path, imageType, imageManifest("{}"))
		if got.Status < 400 || got.Status >= 500 {
			t.Errorf("PUT %s: %+v", path, got)
		}
	}
}

func TestRegistry_immutableTags(t *testing.T) {
	t.Parallel()
	url := start(t, oci.Options{ImmutableTags: true}).URL
	pushBlob(t, url, "app", "{}")
	pushBlob(t, url, "app", "layer")
	for _, step := range []struct {
		body string
		want int
	}{{imageManifest("{}"), 201}, {imageManifest("{}"), 201}, {imageManifest("{}", "layer"), 400}} {
		if got, _ := send(t, http.MethodPut, url+"/v2/app/manifests/v1", imageType, step.body); got.Status != step.want {
			t.Errorf("got %+v, want %d", got, step.want)
		}
	}
	if got, _ := send(t, http.MethodGet, url+"/v2/app/manifests/v1", "", ""); got.Digest != digest(imageManifest("{}")) {
		t.Errorf("the tag moved: %+v", got)
	}
}

func TestRegistry_basicAuthentication(t *testing.T) {
	t.Parallel()
	server := start(t, oci.Options{Username: "user", Password: "pass"})
	for credentials, want := range map[string]int{"": 401, "user:wrong@": 401, "user:@": 401, "user:pass@": 200} {
		got, header := send(t, http.MethodGet, "http://"+credentials+server.Host+"/v2/", "", "")
		if got.Status != want {
			t.Errorf("as %q: %+v, want %d", credentials, got, want)
		}
		if challenge := header.Get("WWW-Authenticate"); (want == 401) != strings.HasPrefix(challenge, "Basic ") {
			t.Errorf("as %q: challenge %q", credentials, challenge)
		}
	}
}

func TestRegistry_largeBlobIsWhole(t *testing.T) {
	t.Parallel()
	url := start(t, oci.Options{}).URL
	content := string(bytes.Repeat([]byte("0123456789abcdef"), 1<<20))
	pushBlob(t, url, "app", content)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v2/app/blobs/"+digest(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if got, err := io.ReadAll(response.Body); err != nil || string(got) != content {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}
