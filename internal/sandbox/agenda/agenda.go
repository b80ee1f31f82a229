// Package agenda is the future of a stand-in that runs no goroutine: whatever has become due happens when the next request, or the next call, comes in.
package agenda

import (
	"slices"
	"time"
)

// Agenda is what will happen, the earliest first; of two at the same time, the one that was planned first. It is not safe for concurrent use:
// a stand-in holds its lock.
type Agenda struct {
	clock func() time.Time
	now   time.Time
	due   []event
}

type event struct {
	at time.Time
	do func(at time.Time)
}

// New returns an empty agenda by this clock. Its present begins with the first [Agenda.CatchUp].
func New(clock func() time.Time) *Agenda { return &Agenda{clock: clock} }

// Now is the time of what happens at present: by the clock, or, while something late happens, the time at which it was due.
func (a *Agenda) Now() time.Time { return a.now }

// Plan makes something happen at a time, or at once if that has passed.
func (a *Agenda) Plan(at time.Time, do func(at time.Time)) {
	if at.Before(a.now) {
		at = a.now
	}
	i, _ := slices.BinarySearchFunc(a.due, at, func(e event, at time.Time) int {
		if e.at.After(at) {
			return 1
		}
		return -1
	})
	a.due = slices.Insert(a.due, i, event{at, do})
}

// CatchUp lets everything happen that has become due, each at its time, and returns the time by the clock.
func (a *Agenda) CatchUp() time.Time {
	now := a.clock()
	for len(a.due) > 0 && !a.due[0].at.After(now) {
		next := a.due[0]
		a.due = a.due[1:]
		a.now = next.at
		next.do(next.at)
	}
	a.now = now
	return now
}
