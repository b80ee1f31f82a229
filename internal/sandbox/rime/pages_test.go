package rime_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// page asks for one page by either way.
func (p *platform) page(byBody bool, token string, size int) ([]string, any) {
	p.t.Helper()
	var got map[string]any
	if byBody {
		got = p.ok(http.MethodPost, "/v1/images/list", fmt.Sprintf(`{"pageToken": %q, "pageSize": "%d"}`, token, size))
	} else {
		got = p.ok(http.MethodGet, fmt.Sprintf("/v1/images?pageToken=%s&pageSize=%d", url.QueryEscape(token), size), "")
	}
	next, there := got["nextPageToken"]
	if !there {
		next = "missing"
	}
	return names(got["images"]), next
}

func TestList_ends(t *testing.T) {
	t.Parallel()
	for end, want := range map[rime.ListEnd][]string{
		// one word per page: the number of its images, and what its token is
		rime.EndEcho:    {"2 new", "2 new", "1 same"},
		rime.EndEmpty:   {"2 new", "2 new", "1 empty"},
		rime.EndMissing: {"2 new", "2 new", "1 missing"},
		rime.EndStalled: {"2 new", "2 new", "1 new", "0 same"},
	} {
		for _, byBody := range []bool{false, true} {
			p := start(t, rime.Options{ListEnd: end, HideSystemImages: true, Preload: rime.Preload{Images: 5}})
			var got, all []string
			for token := ""; len(got) < 10; {
				page, next := p.page(byBody, token, 2)
				all = append(all, page...)
				kind := "new"
				switch next {
				case token:
					kind = "same"
				case "":
					kind = "empty"
				case "missing":
					kind = "missing"
				}
				got = append(got, fmt.Sprint(len(page), " ", kind))
				if kind != "new" {
					break
				}
				token, _ = next.(string)
			}
			if !slices.Equal(got, want) || !slices.Equal(all, p.ImageNames()) {
				t.Errorf("end %v, by body %v: %q, want %q; %q", end, byBody, got, want, all)
			}
			// A list of one page ends with the token that was sent: none.
			wantNext := any("")
			switch end {
			case rime.EndMissing:
				wantNext = "missing"
			case rime.EndStalled:
				continue
			case rime.EndEcho, rime.EndEmpty:
			}
			if page, next := p.page(byBody, "", 5); len(page) != 5 || next != wantNext {
				t.Errorf("end %v: one page has %d images and the token %q", end, len(page), next)
			}
		}
	}
}

func TestList_sizes(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{HideSystemImages: true, PageSize: 3, MaxPageSize: 5, Preload: rime.Preload{Images: 8}})
	for body, want := range map[string]int{
		``: 3, `{}`: 3, `{"pageSize": 0}`: 3, `{"pageSize": "2"}`: 2, `{"page_size": 2}`: 2, `{"pageSize": 2.0}`: 2, `{"pageSize": 2e0}`: 2,
		`{"pageSize": 100}`: 5, `{"pageSize": null}`: 3, `{"pageSize": "9223372036854775807"}`: 5,
	} {
		if got := len(names(p.ok(http.MethodPost, "/v1/images/list", body)["images"])); got != want {
			t.Errorf("%s: %d images, want %d", body, got, want)
		}
	}
	for query, want := range map[string]int{"": 3, "?pageSize=2": 2, "?page_size=2": 2, "?pageSize=0": 3, "?pageSize=100": 5, "?unknown=1": 3} {
		if got := len(names(p.ok(http.MethodGet, "/v1/images"+query, "")["images"])); got != want {
			t.Errorf("%s: %d images, want %d", query, got, want)
		}
	}
	for _, body := range []string{
		`{"pageSize": -1}`, `{"pageSize": "many"}`, `{"pageSize": 1.5}`, `{"pageSize": 1e30}`, `{"pageSize": true}`, `{"pageToken": 5}`, `{"pageToken": "made-up"}`,
		`{"pageSize": 1, "page_size": 1}`, `{"pipLibraries": [{}]}`, `{"pipLibraries": {"name": "numpy"}}`, `{"pipLibraries": [{"name": 1}]}`,
	} {
		p.refused(http.StatusBadRequest, 3, http.MethodPost, "/v1/images/list", body)
	}
	for _, query := range []string{"?pageSize=-1", "?pageSize=", "?pageSize=x", "?pageToken=made-up", "?pageSize=1&page_size=1", "?pageToken=a&pageToken=b"} {
		p.refused(http.StatusBadRequest, 3, http.MethodGet, "/v1/images"+query, "")
	}
}

func TestList_filters(t *testing.T) {
	t.Parallel()
	p := start(t, rime.Options{})
	for name, pip := range map[string]string{
		"old": `[{"name": "catboost", "versionSpecifier": "==1.0.3"}, {"name": "tensorflow"}]`,
		"new": `[{"name": "catboost"}, {"name": "tensorflow"}]`, "cat": `[{"name": "catboost", "versionSpecifier": "1.0.3"}]`,
		"broken": `[{"name": "catboost"}, {"name": "sandbox-not-found"}]`,
	} {
		p.ok(http.MethodPost, "/v1/images", fmt.Sprintf(`{"name": %q, "pipRequirements": %s}`, name, pip))
	}
	list := func(p *platform, filters string) []string {
		t.Helper()
		got := names(p.ok(http.MethodPost, "/v1/images/list", `{"pipLibraries": `+filters+`}`)["images"])
		slices.Sort(got)
		return got
	}
	if got := list(p, `[{"name": "catboost"}]`); len(got) > 0 {
		t.Errorf("nothing is installed before the builds end: %q", got)
	}
	p.pass(200)
	for filters, want := range map[string][]string{
		`[{"name": "catboost"}]`:                                                 {"cat", "new", "old"},
		`[{"name": "catboost", "version": "1.0.3"}]`:                             {"cat", "old"},
		`[{"name": "catboost", "version": "1.0.3"}, {"name": "tensorflow"}]`:     {"old"}, // both of them
		`[{"name": "catboost", "version": ""}, {"name": "TensorFlow"}]`:          {"new", "old"},
		`[{"name": "catboost", "version": "==1.0.3"}]`:                           {},
		`[{"name": "sandbox-not-found"}]`:                                        {},             // asked for, but not installed
		`[{"name": "six"}, {"name": "tensorflow"}]`:                              {"new", "old"}, // installed, but not asked for
		`[{"name": "pyyaml", "version": "6.0.1"}, {"name": "catboost"}]`:         {"cat", "new", "old"},
		`[{"name": "rime_engine", "version": "2.13.2"}, {"name": "tensorflow"}]`: {"new", "old"},
	} {
		if got := list(p, filters); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", filters, got, want)
		}
	}
	if got := len(list(p, `[]`)); got != 8 {
		t.Errorf("an empty filter is none, and lists %d images", got)
	}
	exact := start(t, rime.Options{ExactFilters: true})
	if got := list(exact, `[{"name": "pyyaml"}]`); len(got) > 0 {
		t.Errorf("exact: %q", got)
	}
	if got := len(list(exact, `[{"name": "PyYAML"}]`)); got != 4 {
		t.Errorf("exact: %d", got)
	}
}

// A token carries the filters of the first page, and stands in for them.
func TestList_filtersAndToken(t *testing.T) {
	t.Parallel()
	for _, ignore := range []bool{false, true} {
		p := start(t, rime.Options{IgnoreFiltersWithToken: ignore, HideSystemImages: true})
		for i := range 6 {
			p.create(fmt.Sprintf("image-%d", i), []string{"catboost", "torch"}[i%2])
		}
		p.pass(200)
		first := p.ok(http.MethodPost, "/v1/images/list", `{"pageSize": 2, "pipLibraries": [{"name": "torch"}]}`)
		next := fmt.Sprintf(`"pageToken": %q`, first["nextPageToken"])
		second := p.ok(http.MethodPost, "/v1/images/list", `{`+next+`, "pipLibraries": []}`)
		if got := append(names(first["images"]), names(second["images"])...); !slices.Equal(got, []string{"image-1", "image-3", "image-5"}) {
			t.Errorf("got %q", got)
		}
		both := `{` + next + `, "pipLibraries": [{"name": "catboost"}]}`
		if !ignore {
			p.refused(http.StatusBadRequest, 3, http.MethodPost, "/v1/images/list", both)
		} else if got := names(p.ok(http.MethodPost, "/v1/images/list", both)["images"]); !slices.Equal(got, []string{"image-5"}) {
			t.Errorf("the filters were not ignored: %q", got)
		}
		// What comes and goes between two pages is neither told twice nor makes another be left out.
		if err := p.Remove("image-1"); err != nil {
			t.Fatal(err)
		}
		if got := names(p.ok(http.MethodPost, "/v1/images/list", `{`+next+`}`)["images"]); !slices.Equal(got, []string{"image-5"}) {
			t.Errorf("after a removal: %q", got)
		}
	}
}
