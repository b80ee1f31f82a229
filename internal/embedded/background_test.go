package embedded

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// TestClose ends a process in the midst of a build and of a look at a base image: nothing of it goes on, and others see at
// once that the build has ended.
func TestClose(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1", func(c *Config) {
			c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if strings.Contains(req.URL.Path, "/base/python/") && strings.HasSuffix(req.URL.Path, "3.11") {
					<-req.Context().Done() // its registry never answers
					return nil, req.Context().Err()
				}
				return w.wire.RoundTrip(req)
			})
		})
		p.builder.takes = time.Hour
		_, build, err := p.Create(t.Context(), specOf("model"))
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan error, 1)
		go func() {
			_, err := p.bases.digest(t.Context(), w.host+"/base/python:3.11")
			asked <- err
		}()
		pass(time.Second)

		began := time.Now()
		p.Close()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		if err := <-asked; err == nil {
			t.Error("a look that was ended has a result")
		}
		if n := w.running.Load(); n != 0 {
			t.Errorf("%d builds go on", n)
		}
		seen, err := w.process(t, "a/2").Build(t.Context(), build.ID)
		if err != nil || seen.Status != imageregistry.BuildCancelled || !strings.Contains(seen.Failure.Message, "the provider ended") {
			t.Errorf("%+v, %v", seen, err)
		}
		p.Close() // once more does no harm
	})
}
