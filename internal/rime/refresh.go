package rime

import (
	"context"
	"sync"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

const (
	// fewReads is how many reads are made one by one before a list is begun.
	fewReads = 3
	// walkLifetime is how old what a walk has read may be when it is handed out: as long as the refresh of some thousand images takes on a slow machine.
	walkLifetime = 5 * time.Minute
)

// Refresh implements [imageregistry.Refresher].
//
// Terraform refreshes a plan's resources one by one, ten at a time, and each waits for its answer. For a thousand images that would be a thousand requests, so
// from the fourth read on they share a list of all images, which is read page by page as far as somebody still waits for an image that was not on a page yet.
// An image that is on no page is asked for by itself, so only the platform's own word makes it missing.
//
// The list costs little where it does not help: a page is read only while fewer pages than reads have been asked for, so that five images among
// five thousand cost five pages at most, and never more than twice the requests of reads made one by one.
//
// Staleness: an image may be as it was when the list began, at most five minutes before the call, and is handed out once. That is sound for a refresh. Terraform reads the
// resources of a plan in no certain order over just that span of time, so what it gets is what it could have got by asking for this image
// first; and what the plan then changes is looked at again with Get. What this process writes ends the list, before and after: a read that begins after a write is
// never answered from a list that began before its end.
func (r *Registry) Refresh(ctx context.Context, name string) (imageregistry.Image, error) {
	if w := r.shared.join(r); w != nil {
		if image, ok := w.find(ctx, name); ok {
			return image, nil
		}
	}
	return r.Get(ctx, name)
}

// shared is the list that reads have in common at the moment.
type shared struct {
	mu   sync.Mutex
	walk *walk
}

// forget ends the list: something is about to change, or has.
func (s *shared) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.walk = nil
}

// join counts a read, and returns the list to look into. It is nil for the first few reads.
func (s *shared) join(r *Registry) *walk {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.walk == nil || time.Since(s.walk.began) > walkLifetime {
		s.walk = &walk{began: time.Now(), pages: r.pages(imageregistry.Filter{}), images: map[string]imageregistry.Image{}}
	}
	if s.walk.count() <= fewReads {
		return nil
	}
	return s.walk
}

// walk is a list of all images that is read as far as somebody needs it, by whoever needs it.
type walk struct {
	began time.Time

	mu sync.Mutex
	// asked is how many reads there have been.
	asked int
	pages *pages
	// images have been read and not been handed out.
	images map[string]imageregistry.Image
	// reading is closed when the page that is being read is there. Nil when none is. Only its reader touches pages meanwhile.
	reading chan struct{}
	// over is set at the end of the list, and when it cannot be read any further.
	over bool
}

// count counts a read.
func (w *walk) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return w.asked
}

// find returns the image if it is on a page that has been read, or is worth reading. It gives up when ctx ends.
func (w *walk) find(ctx context.Context, name string) (imageregistry.Image, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ctx.Err() == nil {
		if image, ok := w.images[name]; ok {
			delete(w.images, name)
			return image, true
		}
		switch {
		case w.reading != nil:
			wait.Unlocked(ctx, &w.mu, w.reading)
		case w.over || w.pages.read >= w.asked:
			return imageregistry.Image{}, false
		default:
			w.read(ctx)
		}
	}
	return imageregistry.Image{}, false
}

// read reads the next page. It is called with the lock held, and gives it up meanwhile.
func (w *walk) read(ctx context.Context) {
	done := make(chan struct{})
	w.reading = done
	w.mu.Unlock()
	images, err := w.pages.next(ctx)
	w.mu.Lock()
	w.reading = nil
	close(done)
	if err != nil {
		// A page that its reader was called away from is read by another; for anything else, the reads go on one by one and say it themselves.
		w.over = ctx.Err() == nil
		return
	}
	w.over = w.pages.ended
	for _, image := range images {
		w.images[image.Name] = image
	}
}
