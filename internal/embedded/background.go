package embedded

import (
	"context"
	"fmt"
	"sync"
)

// errClosed is why what goes on in the background is ended by [Registry.Close].
var errClosed = fmt.Errorf("%w: the provider ended", errCancelled)

// background is what goes on after the call that began it: builds, and looks at base images.
type background struct {
	running sync.WaitGroup

	mu   sync.Mutex
	last int
	ends map[int]context.CancelCauseFunc
}

// run does it in a goroutine of its own. end makes it end.
func (b *background) run(end context.CancelCauseFunc, do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	id := b.last
	b.ends[id] = end
	b.running.Go(func() {
		defer b.forget(id)
		defer end(nil)
		do()
	})
}

func (b *background) forget(id int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ends, id)
}

// end makes everything end for that cause, and waits for it.
func (b *background) end(cause error) {
	b.mu.Lock()
	for _, end := range b.ends {
		end(cause)
	}
	b.mu.Unlock()
	b.running.Wait()
}

// Close cancels the builds of this process that have not ended, writes that down, and returns when nothing goes on in the
// background any more. Nothing may be asked of the registry from then on.
func (r *Registry) Close() { r.background.end(errClosed) }
