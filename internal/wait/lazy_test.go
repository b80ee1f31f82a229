package wait_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// One of many callers makes the value, a failure leaves it to the next, and who gives up waiting gets no value.
func TestLazy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lazy, failure := wait.NewLazy[int64](), errors.New("not now")
		var made atomic.Int64
		produce := func(context.Context) (int64, error) {
			<-time.After(time.Second)
			if made.Add(1) == 1 {
				return 0, failure
			}
			return made.Load(), nil
		}
		if _, err := lazy.Get(t.Context(), wait.Always, produce); !errors.Is(err, failure) {
			t.Errorf("%v", err)
		}
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if value, err := lazy.Get(t.Context(), wait.Always, produce); value != 2 || err != nil {
					t.Errorf("%d, %v", value, err)
				}
			})
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		synctest.Wait()
		if value, err := lazy.Get(impatient, wait.Always, produce); value != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d, %v", value, err)
		}
		group.Wait()
		if value, err := lazy.Get(t.Context(), func(value int64) bool { return value > 2 }, produce); value != 3 || err != nil {
			t.Errorf("%d, %v", value, err)
		}
	})
}
