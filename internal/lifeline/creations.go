package lifeline

import (
	"os"
	"sync"
)

// Creations are what this process has created and Terraform may not have saved yet: it saves them some time after it was told, and the provider learns of that only
// by being ended in good order. Until then each has a lifeline. One that was cut tells others on this machine that the run which created the thing died, so that it
// may be in no state at all. It is safe for concurrent use.
type Creations struct {
	// Lines is where the lifelines are.
	Lines Lines

	swept sync.Once
	mu    sync.Mutex
	held  map[string]*line
}

// Begin gives something that is about to be created a lifeline of that name. One that a dead process left is done with. It tells whether there is one now:
// not if somebody else, or another goroutine, is creating the same.
func (c *Creations) Begin(id string) bool {
	c.swept.Do(c.Lines.sweep)
	l := c.Lines.hold(id, os.O_CREATE|os.O_EXCL)
	if l == nil {
		l = c.Lines.hold(id, 0)
	}
	if l == nil {
		return false
	}
	l.note("")
	c.keep(id, l)
	return true
}

// Note leaves a text of at most 256 bytes for whoever inherits the creation.
func (c *Creations) Note(id, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[id].note(text)
}

// Fail is for a create of which Terraform hears an error, and so saves nothing, whatever has come of it.
func (c *Creations) Fail(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[id].cut()
	delete(c.held, id)
}

// Drop is for what is certainly not there, or not there any more.
func (c *Creations) Drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[id].release()
	delete(c.held, id)
	c.Lines.Forget(id)
}

// Inherit makes the creation of a run that died one of ours. It returns what that run noted, and whether the creation was still to be had.
func (c *Creations) Inherit(id string) (note string, ok bool) {
	l := c.Lines.hold(id, 0)
	if l == nil {
		return "", false
	}
	c.keep(id, l)
	return l.noted(), true
}

func (c *Creations) keep(id string, l *line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = map[string]*line{}
	}
	c.held[id] = l
}

// Settle tells that Terraform has ended in good order, and so has everything that was created here in a state. From then on, nobody takes it over.
func (c *Creations) Settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.held {
		l.release()
	}
	clear(c.held)
}
