package embedded

import (
	"context"
	"os"
	"sync"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

var _ imageregistry.Claimer = (*Registry)(nil)

// creations are the images that this process has created and that Terraform may not have saved yet: it saves them some time after it was told, and
// the provider learns of that only by being ended in good order. Until then each has a lifeline. One that was cut tells others on this machine
// that the run which created the image died, so that the image may be in no state at all.
type creations struct {
	lifelines lifelines
	mu        sync.Mutex
	held      map[string]*lifeline
}

// begin gives an image that is about to be created a lifeline, and returns its name.
func (c *creations) begin(image string) (id string) {
	id = newBuildID(image)
	c.keep(id, c.lifelines.hold(id, os.O_CREATE|os.O_EXCL))
	return id
}

// fail is for a create of which Terraform hears an error, and so saves nothing, whatever has come of it in the registry.
func (c *creations) fail(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[id].cut()
	delete(c.held, id)
}

// inherit makes the creation of a run that died one of ours. It tells whether that was still to be had.
func (c *creations) inherit(id string) bool {
	l := c.lifelines.hold(id, 0)
	if l == nil {
		return false
	}
	c.keep(id, l)
	return true
}

func (c *creations) keep(id string, l *lifeline) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = map[string]*lifeline{}
	}
	c.held[id] = l
}

// Settle tells that Terraform has ended in good order, and so has every image that was created here in a state. From then on, nobody takes them over.
//
// An end in the midst of a build, or after one was made to end, is in no good order: whoever presses Ctrl-C twice may get no state.
func (r *Registry) Settle() {
	if r.works.interrupted() {
		return
	}
	r.creations.mu.Lock()
	defer r.creations.mu.Unlock()
	for _, l := range r.creations.held {
		l.release()
	}
	clear(r.creations.held)
}

// Claim implements [imageregistry.Claimer].
func (r *Registry) Claim(ctx context.Context, image string) error {
	repo, err := r.repository(image)
	if err != nil {
		return err
	}
	rec, _, err := r.store.readRecord(ctx, repo)
	if err != nil {
		return err
	}
	r.store.lifelines().forget(rec.Creation)
	return nil
}
