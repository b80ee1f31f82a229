package wait

import (
	"slices"
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

// TestUntil_soon looks more often while the end is a matter of moments, but not at a server in trouble.
func TestUntil_soon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &work{began: time.Now(), takes: 3300 * time.Millisecond}
		soon := func() bool { age := time.Since(w.began); return age >= 2*time.Second && age < 3*time.Second }
		if _, err := Until(t.Context(), Options{Soon: soon, jitter: steady}, w.look, w.done, nil); err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, time.Second, 2 * time.Second, 2250 * time.Millisecond, 2500 * time.Millisecond, 2750 * time.Millisecond, 3 * time.Second, 4 * time.Second}
		if !slices.Equal(w.looks, want) {
			t.Errorf("looked at %v, want %v", w.looks, want)
		}
		always := Options{Soon: func() bool { return true }, jitter: steady}
		if got := always.interval(time.Second, 1); got != tight {
			t.Errorf("after an error, the next look is %s later", got)
		}
	})
}
