package wait

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestUntil_wake shows that work that tells its end costs few looks and no time.
func TestUntil_wake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &work{began: time.Now(), takes: 61 * time.Second}
		ended := make(chan struct{})
		time.AfterFunc(w.takes, func() { close(ended) })
		if _, err := Until(t.Context(), Options{Wake: ended, jitter: steady}, w.look, w.done, nil); err != nil {
			t.Fatal(err)
		}
		if elapsed := time.Since(w.began); elapsed != w.takes {
			t.Errorf("the end was noticed after %s, not at once after %s", elapsed, w.takes)
		}
		if len(w.looks) != 8 { // at 0, 10, … 60 s, and at the end
			t.Errorf("%d looks: %v", len(w.looks), w.looks)
		}
	})
}

// TestUntil_wakeTooEarly shows that a wake-up before the end falls back to looking.
func TestUntil_wakeTooEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &work{began: time.Now(), takes: 2 * time.Second}
		ended := make(chan struct{})
		close(ended)
		if _, err := Until(t.Context(), Options{Wake: ended, jitter: steady}, w.look, w.done, nil); err != nil {
			t.Fatal(err)
		}
		if len(w.looks) != 4 { // at 0, at once again, and each second
			t.Errorf("%d looks: %v", len(w.looks), w.looks)
		}
	})
}
