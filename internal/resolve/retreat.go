package resolve

import (
	"context"
	"errors"
	"slices"
)

// errTooDeep is a search that found no end.
var errTooDeep = errors.New("no answer was found in the number of steps that pip allows itself")

// retreat goes back to a state from which something else can be tried.
func (r *resolution) retreat(ctx context.Context, causes []*need) error {
	ok, err := r.backjump(ctx, causes)
	if err != nil {
		return err
	}
	switch {
	case ok:
		r.top().causes = causes
		return nil
	case r.optimism > 0 && r.saved != nil:
		r.sober()
		return nil
	}
	return &impossible{causes}
}

// sober goes back to where the optimism began, and has none from there on.
func (r *resolution) sober() {
	r.optimism = 0
	r.states, r.saved = r.saved, nil
}

// backjump takes pins back up to one that has to do with the causes, and excludes it. It is not ok where none is left.
func (r *resolution) backjump(ctx context.Context, causes []*need) (ok bool, err error) {
	involved := map[string]bool{}
	for _, n := range causes {
		for _, k := range n.nodes() {
			involved[k] = true
		}
	}
	for len(r.states) >= 3 {
		r.states = r.states[:len(r.states)-1]
		broken, pin, err := r.lastInvolved(ctx, involved)
		if err != nil || pin == nil {
			return false, err
		}
		r.states = append(r.states, r.top().clone())
		if ok, err := r.exclude(ctx, broken, pin); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// lastInvolved takes pins back until one needs something that is involved, and gives it with the state that had it. The
// pin is nil where there is none.
func (r *resolution) lastInvolved(ctx context.Context, involved map[string]bool) (*state, *candidate, error) {
	for len(r.states) > 0 {
		broken := r.top()
		r.states = r.states[:len(r.states)-1]
		pin := broken.unpin()
		if pin == nil {
			return nil, nil, nil
		}
		if !involved[pin.key] {
			if r.optimism == 0 {
				// Only a pin that is involved itself may be passed over for certain.
				return broken, pin, nil
			}
			r.save()
		}
		needs, err := r.needsOf(ctx, pin)
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(needs, func(n *need) bool { return involved[n.key] }) || len(broken.order) == 0 {
			return broken, pin, nil
		}
		if len(r.states) <= 1 {
			return nil, nil, nil
		}
	}
	return nil, nil, nil
}

// save keeps how things were where the optimism began.
func (r *resolution) save() {
	if r.saved != nil {
		return
	}
	for _, s := range r.states {
		r.saved = append(r.saved, s.clone())
	}
}

// exclude excludes the pin, and all that the broken state had excluded, from the newest state. It is not ok where that
// leaves a node without candidates.
func (r *resolution) exclude(ctx context.Context, broken *state, pin *candidate) (ok bool, err error) {
	for k, c := range broken.criteria {
		if ok, err := r.excludeFrom(ctx, k, c.excluded); !ok || err != nil {
			return false, err
		}
	}
	ok, err = r.excludeFrom(ctx, pin.key, places(nil).with(pin.place))
	if c := r.top().criteria[pin.key]; ok && c != nil {
		r.follow(c, nil)
	}
	return ok, err
}

func (r *resolution) excludeFrom(ctx context.Context, k string, excluded places) (ok bool, err error) {
	criteria := r.top().criteria
	known := criteria[k]
	if known == nil || len(excluded) == 0 {
		return true, nil
	}
	next := &criterion{needs: known.needs, demand: known.demand, excluded: known.excluded.union(excluded)}
	if err := r.fill(ctx, criteria, k, next, known); err != nil {
		return false, err
	}
	criteria[k] = next
	return !r.isEmpty(next), nil
}

// forget drops what was needed by pins that are satisfying no longer: those that were, and are not since the last pin.
func (r *resolution) forget(st *state, satisfied []string) {
	gone := map[string]bool{}
	for _, k := range satisfied {
		if !st.satisfied(k) {
			gone[k] = true
		}
	}
	if len(gone) == 0 {
		return
	}
	stale := func(n *need) bool { return n.parent != nil && gone[n.parent.key] }
	for k, c := range st.criteria {
		if slices.ContainsFunc(c.needs, stale) {
			left := slices.DeleteFunc(slices.Clone(c.needs), stale)
			st.criteria[k] = &criterion{needs: left, demand: demandOf(left), choice: c.choice, narrowed: true, excluded: c.excluded}
		}
	}
}
