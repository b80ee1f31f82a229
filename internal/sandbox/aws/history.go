package aws

import (
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// history is what became of a thing that clients read with a lag: the newest last. A nil value means that it does not exist.
type history[T any] struct {
	states []state[T]
	// reads counts those since the last write that found more than one state to answer with.
	reads int
}

type state[T any] struct {
	value *T
	// everywhere is when every replica has it.
	everywhere time.Time
}

// newest is the truth: what a write builds on, and what tells whether a name is taken.
func (h *history[T]) newest() *T {
	if h == nil || len(h.states) == 0 {
		return nil
	}
	return h.states[len(h.states)-1].value
}

// set makes it the truth. No state reaches every replica before those that it replaces.
func (h *history[T]) set(value *T, everywhere time.Time) {
	if n := len(h.states); n > 0 && h.states[n-1].everywhere.After(everywhere) {
		everywhere = h.states[n-1].everywhere
	}
	h.states, h.reads = append(h.states, state[T]{value, everywhere}), 0
}

// seen is what a read finds: the last state that has reached every replica. Where reads flap it is the truth first, then that state, and then
// either by chance.
func (h *history[T]) seen(now time.Time, flapping bool, random *rand.Rand) *T {
	if h == nil {
		return nil
	}
	for len(h.states) > 1 && !h.states[1].everywhere.After(now) {
		h.states = h.states[1:]
	}
	settled := h.states[0].value
	if !flapping || len(h.states) == 1 {
		return settled
	}
	h.reads++
	if h.reads == 1 || h.reads > 2 && random.IntN(2) == 0 {
		return h.newest()
	}
	return settled
}

// gone tells that no replica knows it any more, nor will.
func (h *history[T]) gone(now time.Time) bool {
	n := len(h.states)
	return n == 0 || h.states[n-1].value == nil && !h.states[n-1].everywhere.After(now)
}

// shelf is a kind of thing by name.
type shelf[T any] struct {
	cloud  *Cloud
	things map[string]*history[T]
}

func newShelf[T any](c *Cloud) shelf[T] { return shelf[T]{c, map[string]*history[T]{}} }

// taken tells whether a thing of that name exists, as only the service itself knows.
func (s shelf[T]) taken(name string) bool { return s.things[name].newest() != nil }

// get is what a call finds of a thing, or nil.
func (s shelf[T]) get(name string) *T {
	if s.cloud.lag.ListsOnly {
		return s.truth(name)
	}
	return s.listed(name)
}

// all are the things that a list finds.
func (s shelf[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, name := range slices.Sorted(maps.Keys(s.things)) { // in the same order every time, because reads may flap by chance
			if thing := s.listed(name); thing != nil && !yield(thing) {
				return
			}
		}
	}
}

func (s shelf[T]) listed(name string) *T {
	return s.things[name].seen(s.cloud.now, s.cloud.lag.Flapping, s.cloud.random)
}

// truth is the thing as it is, or nil.
func (s shelf[T]) truth(name string) *T { return s.things[name].newest() }

// set replaces a thing. What was there before must not be changed: others still read it.
func (s shelf[T]) set(name string, value *T) {
	h := s.things[name]
	if h == nil {
		h = &history[T]{states: []state[T]{{}}}
		s.things[name] = h
	}
	h.set(value, s.cloud.everywhere())
	if h.gone(s.cloud.now) {
		delete(s.things, name)
	}
}

// update changes a copy of a thing that a call has found, and keeps it. What a read still finds may be gone: then missing is the error.
func (s shelf[T]) update(name string, missing error, change func(*T) error) error {
	old := s.truth(name)
	if old == nil {
		return missing
	}
	changed := *old
	if err := change(&changed); err != nil {
		return err
	}
	s.set(name, &changed)
	return nil
}
