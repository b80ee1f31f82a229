package wait_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

func TestUnlocked(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"done", "context"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var mu sync.Mutex
				done, returned := make(chan struct{}), make(chan bool)
				go func() {
					mu.Lock()
					wait.Unlocked(ctx, &mu, done)
					held := !mu.TryLock()
					mu.Unlock()
					returned <- held
				}()
				synctest.Wait()
				if !mu.TryLock() {
					t.Fatal("the lock is held while it waits")
				}
				mu.Unlock()
				if end == "done" {
					close(done)
				} else {
					cancel()
				}
				if held := <-returned; !held {
					t.Error("it returned without the lock")
				}
			})
		})
	}
}
