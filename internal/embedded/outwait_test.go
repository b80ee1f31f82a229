package embedded

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// operations are those that a lease can stand in the way of.
func operations() map[string]func(*testing.T, *process) error {
	return map[string]func(*testing.T, *process) error{
		"Create": func(t *testing.T, p *process) error {
			_, _, err := p.Create(t.Context(), specOf("model-a", "numpy"))
			return err
		},
		"Update": func(t *testing.T, p *process) error {
			_, _, err := p.Update(t.Context(), specOf("model-a", "scipy"))
			return err
		},
		"Rebuild": func(t *testing.T, p *process) error {
			_, _, err := p.Rebuild(t.Context(), "model-a", imageregistry.Lock{})
			return err
		},
		"Delete": func(t *testing.T, p *process) error { return p.Delete(t.Context(), "model-a") },
	}
}

// Whoever comes right after a process that was killed on another machine waits until its lease has run out, and gets on.
func TestOutwait_dead(t *testing.T) {
	t.Parallel()
	for name, operate := range operations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				var dead atomic.Bool
				first := w.process(t, "a/1", func(c *Config) {
					c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
						if dead.Load() {
							return nil, errDead
						}
						return w.wire.RoundTrip(req)
					})
				})
				first.builder.takes = time.Hour
				if _, _, err := first.Create(t.Context(), specOf("model-a", "numpy")); err != nil {
					t.Fatal(err)
				}
				pass(time.Minute) // it lives, and says so
				dead.Store(true)
				began := time.Now()
				second := w.process(t, "b/1")
				if err := operate(t, second); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took < 15*time.Second || took > 35*time.Second {
					t.Errorf("took %s", took)
				}
				second.wait()
				first.wait()
			})
		})
	}
}

// Whoever comes while a process is at work on the image hears of it as soon as that is certain.
func TestOutwait_alive(t *testing.T) {
	t.Parallel()
	for name, operate := range operations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				first := w.process(t, "a/1")
				first.builder.takes = time.Hour
				if _, _, err := first.Create(t.Context(), specOf("model-a", "numpy")); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				if err := operate(t, w.process(t, "b/1")); !errors.Is(err, imageregistry.ErrBusy) {
					t.Errorf("got %v, want a busy image", err)
				}
				if took := time.Since(began); took > 15*time.Second {
					t.Errorf("took %s", took)
				}
				first.wait()
			})
		})
	}
}
