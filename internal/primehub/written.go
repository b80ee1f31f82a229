package primehub

import (
	"context"
	"sync"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// written remembers what this process has had the platform write that does so later.
type written struct {
	mu    sync.Mutex
	notes map[string]note
}

// note is a build that was asked for: by the platform's clock, and by ours.
type note struct{ requested, heard time.Time }

// note remembers the build of an answer that came from memory.
func (w *written) note(image Image) {
	if image.Build == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.notes == nil {
		w.notes = map[string]note{}
	}
	w.notes[image.Name] = note{requested: image.Build.RequestedAt, heard: time.Now()}
}

// pending tells whether something is still to be written that the image, as it was read, does not show.
func (w *written) pending(name string, read Image) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	noted, ok := w.notes[name]
	return ok && read.Build != nil && read.Build.RequestedAt.Before(noted.requested)
}

// age is how long ago the last build of an image was asked for, as far as this process knows.
func (w *written) age(name string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.notes[name].heard)
}

// forget is for an image that is gone.
func (w *written) forget(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.notes, name)
}

// quiet reads an image once nothing of this process is about to be written to it any more. Everything that changes an image does so by writing all of it, as it was
// read before (CONTRACT §2.8), so what overlaps is lost. It gives up waiting after a while, as such a write may itself be lost.
func (c *Client) quiet(ctx context.Context, name string, limit time.Duration) (Image, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	image, err := c.Peek(ctx, name)
	for attempt := 0; err == nil && c.written.pending(name, image); attempt++ {
		if httpx.Sleep(limited, httpx.Backoff(limit/100, attempt)) != nil {
			break
		}
		image, err = c.Peek(ctx, name)
	}
	return image, err
}
