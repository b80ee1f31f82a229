package wait

import (
	"context"
	"sync"
)

// Unlocked waits until done is closed, or ctx ends. It is called with the lock held, gives it up meanwhile, and returns with it.
func Unlocked(ctx context.Context, held sync.Locker, done <-chan struct{}) {
	held.Unlock()
	defer held.Lock()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
