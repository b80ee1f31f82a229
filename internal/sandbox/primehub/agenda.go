package primehub

import (
	"slices"
	"time"
)

// agenda is what will happen, the earliest first; of two at the same time, the one that was planned first.
type agenda []event

type event struct {
	at time.Time
	do func(at time.Time)
}

// plan makes something happen at a time, or at once if that has passed. The lock must be held.
func (p *Platform) plan(at time.Time, do func(at time.Time)) {
	if at.Before(p.clock) {
		at = p.clock
	}
	i, _ := slices.BinarySearchFunc(p.due, at, func(e event, at time.Time) int {
		if e.at.After(at) {
			return 1
		}
		return -1
	})
	p.due = slices.Insert(p.due, i, event{at, do})
}

// catchUp lets everything happen that has become due, each at its time, and returns the time. The lock must be held.
func (p *Platform) catchUp() time.Time {
	now := p.options.Clock()
	for len(p.due) > 0 && !p.due[0].at.After(now) {
		next := p.due[0]
		p.due = p.due[1:]
		p.clock = next.at
		next.do(next.at)
	}
	p.clock = now
	return now
}
