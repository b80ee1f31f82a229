package primehub

import (
	"cmp"
	"time"
)

// Timing is how long things are waited for that the platform does in its own time. A stand-in whose time runs faster needs less of it.
type Timing struct {
	// Settle is how long an image may take to show that its create got through. Default 10 s.
	Settle time.Duration
	// Interrupted bounds what is done for a caller who was interrupted, and who is to be gone soon. Default 2 s.
	Interrupted time.Duration
	// Write is how long a rebuild or cancel may take to become visible after the platform has agreed to it: it writes them later (CONTRACT §2.8). Default 30 s.
	Write time.Duration
	// Believe is how long after the beginning of a wait the end of a build is believed that was never seen to begin (CONTRACT §4.5). Default 30 s.
	Believe time.Duration
	// Stuck is how long a build may show no sign of life before its pull secret is looked for. Default 2 min.
	Stuck time.Duration
	// Gone is how long an image may take to go after the platform has agreed to delete it. Default 2 min.
	Gone time.Duration
	// Relapse is how long after its deletion an image may still cost a new one of its name those who may use it (CONTRACT §4.4). Default 10 s.
	Relapse time.Duration
	// Tick is the least time between two rebuilds: the platform tells them apart by whole seconds (CONTRACT §4.4). Default 1100 ms.
	Tick time.Duration
}

func (p Timing) withDefaults() Timing {
	return Timing{
		Settle: cmp.Or(p.Settle, 10*time.Second), Interrupted: cmp.Or(p.Interrupted, 2*time.Second), Write: cmp.Or(p.Write, 30*time.Second),
		Believe: cmp.Or(p.Believe, 30*time.Second), Stuck: cmp.Or(p.Stuck, 2*time.Minute), Gone: cmp.Or(p.Gone, 2*time.Minute),
		Relapse: cmp.Or(p.Relapse, 10*time.Second), Tick: cmp.Or(p.Tick, 1100*time.Millisecond),
	}
}
