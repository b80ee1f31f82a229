package embedded

import (
	"net/http"
	"sync/atomic"
	"time"
)

// tolerance is how far the registry's clock may be off before it is believed: the Date of an answer has whole seconds and was sent a moment ago.
const tolerance = 2 * time.Second

// clock tells the registry's time. Leases of processes on several machines can only be compared by one clock, and the registry is what they have in
// common: a laptop that is five minutes behind must not take a live builder for a dead one.
type clock struct {
	skew atomic.Int64 // registry's time minus ours, as a time.Duration
}

// observe takes note of the Date header of an answer of the registry. One that is missing or no date changes nothing.
func (c *clock) observe(date string) {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return
	}
	skew := time.Until(theirs)
	if skew.Abs() < tolerance {
		skew = 0
	}
	c.skew.Store(int64(skew))
}

// now is the registry's time, as far as it is known.
func (c *clock) now() time.Time {
	return time.Now().Add(time.Duration(c.skew.Load()))
}
