package embedded

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

func TestList(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		for i, pip := range []string{"numpy", "scipy", "typing_extensions"} {
			p.mustCreate(t, specOf(fmt.Sprintf("model-%d", 2-i), pip))
		}
		p.builder.takes = time.Hour
		_, b, err := p.Create(t.Context(), specOf("building"))
		if err != nil {
			t.Fatal(err)
		}
		// None of these are images: no record, another prefix, no name of an image.
		w.push(t, testHost+"/ml/theirs:latest")
		w.push(t, testHost+"/mlx/model-0:latest")
		w.push(t, testHost+"/ml/model-0/cache:latest")
		list := func(libraries ...imageregistry.PipLibrary) []string {
			t.Helper()
			var names []string
			for image, err := range w.process(t, "b/2").List(t.Context(), imageregistry.Filter{PipLibraries: libraries}) {
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, image.Name+" "+string(image.Status))
			}
			return names
		}
		if got := list(); !slices.Equal(got, []string{"building building_first_time", "model-0 ready", "model-1 ready", "model-2 ready"}) {
			t.Errorf("%q", got)
		}
		if got := list(imageregistry.PipLibrary{Name: "Typing-Extensions"}); !slices.Equal(got, []string{"model-0 ready"}) {
			t.Errorf("%q", got)
		}
		if got := list(imageregistry.PipLibrary{Name: "numpy", Version: "1.0"}); !slices.Equal(got, []string{"model-2 ready"}) {
			t.Errorf("%q", got)
		}
		if got := list(imageregistry.PipLibrary{Name: "numpy", Version: "2.0"}); len(got) != 0 {
			t.Errorf("%q", got)
		}
		if got := list(imageregistry.PipLibrary{Name: "numpy"}, imageregistry.PipLibrary{Name: "scipy"}); len(got) != 0 {
			t.Errorf("%q", got)
		}
		for image, err := range p.List(t.Context(), imageregistry.Filter{}) {
			if err != nil || image.Name != "building" {
				t.Errorf("the first is %q, %v", image.Name, err)
			}
			break
		}
		if err := p.CancelBuild(t.Context(), b.ID); err != nil {
			t.Fatal(err)
		}
	})
}

// TestList_paged reads a catalog of several pages, with no more than so many requests at a time.
func TestList_paged(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const images = 100
		w := newWorld(t)
		repositories := make([]string, images)
		for i := range images {
			p := w.process(t, "a/1")
			p.mustCreate(t, specOf(fmt.Sprintf("model-%03d", i)))
			repositories[i] = fmt.Sprintf("ml/model-%03d", i)
		}
		var now, most atomic.Int32
		p := w.process(t, "b/2", func(c *Config) {
			c.Timing.BaseCheckTTL = time.Minute
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if strings.HasSuffix(req.URL.Path, "/_catalog") {
					return catalogPage(req, repositories), nil
				}
				if n := now.Add(1); strings.HasSuffix(req.URL.Path, recordTag) {
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
				}
				defer now.Add(-1)
				pass(50 * time.Millisecond)
				return w.wire.RoundTrip(req)
			})
		})
		n, began := 0, time.Now()
		for image, err := range p.List(t.Context(), imageregistry.Filter{}) {
			if err != nil || image.Name != fmt.Sprintf("model-%03d", n) || image.Status != imageregistry.StatusReady {
				t.Fatalf("%d: %+v, %v", n, image, err)
			}
			n++
		}
		if n != images || most.Load() < 4 || most.Load() > 16 {
			t.Errorf("%d images, %d requests at a time", n, most.Load())
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("100 images of 50 ms a request took %s", took)
		}
	})
}

// catalogPage answers with seven repositories and where the next are.
func catalogPage(req *http.Request, repositories []string) *http.Response {
	i, _ := slices.BinarySearch(repositories, req.URL.Query().Get("last")+"\x00")
	if req.URL.Query().Get("last") == "" {
		i = 0
	}
	page := repositories[i:min(i+7, len(repositories))]
	resp := answer(req, http.StatusOK, "application/json", fmt.Sprintf(`{"repositories":["%s"]}`, strings.Join(page, `","`)))
	if i+7 < len(repositories) {
		resp.Header.Set("Link", fmt.Sprintf(`</v2/_catalog?last=%s&n=7>; rel="next"`, page[6]))
	}
	return resp
}

func TestList_noCatalog(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status int
		code   string
		want   bool
	}{
		{401, "UNAUTHORIZED", true},
		{403, "DENIED", true},
		{404, "UNSUPPORTED", true},
		{404, "NAME_UNKNOWN", true},
		{405, "UNSUPPORTED", true},
		{500, "UNKNOWN", false},
		{429, "TOOMANYREQUESTS", false},
	} {
		t.Run(fmt.Sprint(test.status, test.code), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				p := w.process(t, "a/1", func(c *Config) {
					c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
						if strings.HasSuffix(req.URL.Path, "/_catalog") {
							return refusal(test.status, test.code)(nil, req)
						}
						return w.wire.RoundTrip(req)
					})
				})
				seen := 0
				for _, err := range p.List(t.Context(), imageregistry.Filter{}) {
					seen++
					var missing *CatalogError
					if errors.As(err, &missing) != test.want || err == nil || errors.Is(err, imageregistry.ErrNotFound) {
						t.Errorf("List yields %v", err)
					}
				}
				if seen != 1 {
					t.Errorf("List yields %d times", seen)
				}
			})
		})
	}
}

// TestList_oneUnreadable finds that a list that cannot be complete is an error, not a shorter list.
func TestList_oneUnreadable(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		p.mustCreate(t, specOf("model-a"))
		w.push(t, testHost+"/ml/model-b:"+recordTag)
		for image, err := range p.List(t.Context(), imageregistry.Filter{}) {
			if _, unreadable := errors.AsType[*RecordError](err); !unreadable {
				t.Errorf("List yields %+v, %v", image, err)
			}
		}
	})
}
