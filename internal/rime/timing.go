package rime

import (
	"cmp"
	"time"
)

// Timing is how long things are waited for that the platform does in its own time. Zero fields take the defaults.
type Timing struct {
	// Settle is how long an image may take to show that its create got through (CONTRACT §8 item 16).
	// Default 10 s.
	Settle time.Duration
	// Interrupted is the same for a caller who was interrupted, and who is to be gone soon. Default 2 s.
	Interrupted time.Duration
	// Outage is how long a platform that answers no question about that may take to be well again. Default 1 min.
	Outage time.Duration
	// Cancel is how long a build that was told to end is watched. It leaves time to say so before an interrupted
	// Terraform is killed. Default 20 s.
	Cancel time.Duration
	// Gone is how long an image may take to go after the platform has agreed to delete it. Default 5 min.
	Gone time.Duration
}

func (t Timing) withDefaults() Timing {
	return Timing{
		Settle: cmp.Or(t.Settle, 10*time.Second), Interrupted: cmp.Or(t.Interrupted, 2*time.Second),
		Outage: cmp.Or(t.Outage, time.Minute), Cancel: cmp.Or(t.Cancel, 20*time.Second), Gone: cmp.Or(t.Gone, 5*time.Minute),
	}
}
