package rime_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// names are the names of images in the order they come.
func names(t *testing.T, images iter.Seq2[imageregistry.Image, error]) []string {
	t.Helper()
	var all []string
	for image, err := range images {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, image.Name)
	}
	return all
}

func TestList_ends(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]sandbox.ListEnd{
		"the same token": sandbox.EndEcho, "an empty token": sandbox.EndEmpty, "no token": sandbox.EndMissing, "an empty page": sandbox.EndStalled,
	} {
		for _, images := range []int{0, 1, 99, 100, 101, 250} {
			t.Run(fmt.Sprintf("%s after %d", name, images), func(t *testing.T) {
				t.Parallel()
				w := start(t, sandbox.Options{ListEnd: end, HideSystemImages: true, Preload: sandbox.Preload{Images: images}})
				got := names(t, w.List(t.Context(), imageregistry.Filter{}))
				if diff := cmp.Diff(w.ImageNames(), got); diff != "" {
					t.Error(diff)
				}
				if most := images/100 + 2; len(w.Requests()) > most {
					t.Errorf("%d requests, at most %d are needed", len(w.Requests()), most)
				}
			})
		}
	}
}

func TestList_filters(t *testing.T) {
	t.Parallel()
	// A small greatest page makes several, where the filters must not come along; the platform refuses that.
	w := start(t, sandbox.Options{PageSize: 3, MaxPageSize: 3, Preload: sandbox.Preload{Images: 60}})
	all := map[string]imageregistry.Image{}
	for image, err := range w.List(t.Context(), imageregistry.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all[image.Name] = image
	}
	has := func(image imageregistry.Image, name, version string) bool {
		return slices.ContainsFunc(image.PipLibraries, func(l imageregistry.PipLibrary) bool {
			return l.Name == name && (version == "" || l.Version == version)
		})
	}
	for name, filter := range map[string][]imageregistry.PipLibrary{
		"one": {{Name: "catboost"}}, "one and its version": {{Name: "catboost", Version: "1.2.3"}}, "both": {{Name: "catboost"}, {Name: "xgboost", Version: "1.7.6"}},
		"another version": {{Name: "catboost", Version: "0"}},
	} {
		var want []string
		for _, image := range all {
			if !slices.ContainsFunc(filter, func(l imageregistry.PipLibrary) bool { return !has(image, l.Name, l.Version) }) {
				want = append(want, image.Name)
			}
		}
		slices.Sort(want)
		got := names(t, w.List(t.Context(), imageregistry.Filter{PipLibraries: filter}))
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(want) < 4 && name != "another version" {
			t.Errorf("%s: %d images are too few to make pages", name, len(want))
		}
	}
}

func TestList_stopsWhenAsked(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{Preload: sandbox.Preload{Images: 500}})
	for image, err := range w.List(t.Context(), imageregistry.Filter{}) {
		if err != nil || image.Name == "" {
			t.Errorf("%+v, %v", image, err)
		}
		break
	}
	if n := len(w.Requests()); n != 1 {
		t.Errorf("%d pages were read for one image", n)
	}
}

// pager is a server that answers lists with raw JSON, by the token that is sent.
type pager struct {
	mu    sync.Mutex
	asked []map[string]any
}

func (p *pager) start(t *testing.T, answer func(token string) string) *rime.Registry {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		p.asked = append(p.asked, body)
		p.mu.Unlock()
		token, _ := body["pageToken"].(string)
		_, _ = fmt.Fprint(w, answer(token))
	}))
	t.Cleanup(server.Close)
	registry, err := rime.New(config(server.URL, "key"))
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

func TestList_wire(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pages map[string]string
		want  []string
		asked int
	}{
		"snake case":           {map[string]string{"": `{"images":[{"name":"a"}],"next_page_token":"t"}`, "t": `{"images":[{"name":"b"}]}`}, []string{"a", "b"}, 2},
		"a number for a token": {map[string]string{"": `{"images":[{"name":"a"}],"nextPageToken":7}`, "7": `{"images":[]}`}, []string{"a"}, 2},
		"null for a list":      {map[string]string{"": `{"images":null,"nextPageToken":null}`}, nil, 1},
		"nothing at all":       {map[string]string{"": `{}`}, nil, 1},
		"hasMore says no":      {map[string]string{"": `{"images":[{"name":"a"}],"nextPageToken":"t","hasMore":false}`}, []string{"a"}, 1},
		"hasMore says yes":     {map[string]string{"": `{"images":[{"name":"a"}],"nextPageToken":"t","hasMore":true}`, "t": `{"hasMore":true}`}, []string{"a"}, 2},
		"an empty page in between": {
			map[string]string{"": `{"images":[],"nextPageToken":"t"}`, "t": `{"images":[{"name":"a"}],"nextPageToken":"t"}`}, []string{"a"}, 2,
		},
		"an image moves on": {
			map[string]string{"": `{"images":[{"name":"a"},{"name":"b"}],"nextPageToken":"t"}`, "t": `{"images":[{"name":"b"},{"name":"c"}]}`}, []string{"a", "b", "c"}, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &pager{}
			registry := p.start(t, func(token string) string { return test.pages[token] })
			got := names(t, registry.List(t.Context(), imageregistry.Filter{PipLibraries: []imageregistry.PipLibrary{{Name: "numpy"}, {Name: "six", Version: "1.0"}}}))
			if !slices.Equal(got, test.want) || len(p.asked) != test.asked {
				t.Errorf("%v in %d pages", got, len(p.asked))
			}
			first := map[string]any{"pageSize": "100", "pipLibraries": []any{map[string]any{"name": "numpy"}, map[string]any{"name": "six", "version": "1.0"}}}
			if diff := cmp.Diff(first, p.asked[0]); diff != "" {
				t.Errorf("the first page was asked for with %s", diff)
			}
			for _, body := range p.asked[1:] {
				if _, filtered := body["pipLibraries"]; filtered || body["pageToken"] == "" || body["pageSize"] != "100" {
					t.Errorf("a later page was asked for with %v", body)
				}
			}
		})
	}
}

func TestList_nonsense(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no list": `{"images":"a"}`, "no images": `{"images":["a"]}`, "a nameless image": `{"images":[{"name":"a"},{}]}`, "an array": `[]`, "cut short": `{"images":[{"na`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := (&pager{}).start(t, func(string) string { return body })
			var last error
			for image, err := range registry.List(t.Context(), imageregistry.Filter{}) {
				last = err
				if err == nil {
					t.Errorf("it yields %+v", image)
				}
			}
			if answer := apiError(t, last); !answer.Broken || !answer.Transient() {
				t.Errorf("%v", last)
			}
		})
	}
}

// TestList_loops shows that no server can keep us for ever.
func TestList_loops(t *testing.T) {
	t.Parallel()
	following := map[string]string{"": "a", "a": "b", "b": "c", "c": "a"}
	p := &pager{}
	registry := p.start(t, func(token string) string {
		return fmt.Sprintf(`{"images":[{"name":"image%s"}],"nextPageToken":%q}`, token, following[token])
	})
	var last error
	for _, err := range registry.List(t.Context(), imageregistry.Filter{}) {
		last = err
	}
	endless, ok := errors.AsType[*rime.PagingError](last)
	if !ok || endless.Pages != 4 || !strings.Contains(last.Error(), "given up after 4 pages") {
		t.Errorf("%v after %d pages", last, len(p.asked))
	}

	count := 0
	c := config("rime.test", "key")
	c.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		count++
		return serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, `{"nextPageToken":"t%d"}`, count) }), req), nil
	})
	registry, err := rime.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range registry.List(t.Context(), imageregistry.Filter{}) {
		last = err
	}
	if endless, ok := errors.AsType[*rime.PagingError](last); !ok || endless.Pages != 10_000 || count != 10_000 {
		t.Errorf("%v", last)
	}
}
