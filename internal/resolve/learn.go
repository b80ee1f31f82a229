package resolve

import (
	"context"
	"maps"
	"slices"
)

// Candidates are hopeless that can be in no answer, whatever else is chosen: what they need cannot be had beside what
// the user requires, or only in versions of which the same is known. pip does not look for them, and may search for
// hours among choices that have nothing to do with it: it comes to the same conflict anew with each version of all that
// is pinned before.
//
// To leave them out changes the order in which pip searches, and so might change its answers. So it is done only where
// pip has none, or none in a time that anybody waits: it does some 20 rounds a second.

// leaveOut has the next search leave out what is hopeless. It tells whether that is more than before.
func (r *resolution) leaveOut(ctx context.Context) (more bool, err error) {
	before := r.leftOut
	err = r.learn(ctx)
	return r.leftOut > before, err
}

// isLost tells that something hopeless is pinned, and was when this was asked last, with all that is pinned before it.
// pip has to go through all that can be pinned after it, which took it thousands of rounds since then.
func (r *resolution) isLost(ctx context.Context) (bool, error) {
	before := r.leftOut
	if err := r.learn(ctx); err != nil {
		return false, err
	}
	r.leftOut = before
	last := r.stuck
	r.stuck = nil
	st := r.top()
	for i, k := range st.order {
		if _, hopeless := r.hopeless[st.pins[k]]; hopeless {
			for _, k := range st.order[:i+1] {
				r.stuck = append(r.stuck, st.pins[k])
			}
			break
		}
	}
	return r.stuck != nil && slices.Equal(r.stuck, last), nil
}

// learn finds what is hopeless among the candidates whose needs are known, and has it left out.
func (r *resolution) learn(ctx context.Context) error {
	r.leftOut = len(r.hopeless)
	for more := true; more; {
		more = false
		for _, v := range r.candidates {
			for _, c := range v.known {
				hopeless, err := r.judge(ctx, c)
				if err != nil {
					return err
				}
				more = more || hopeless
			}
		}
	}
	return nil
}

// judge tells that the candidate is one more that is hopeless.
func (r *resolution) judge(ctx context.Context, c *candidate) (bool, error) {
	if _, known := r.hopeless[c]; known || c.needs == nil && c.broken == nil {
		return false, nil
	}
	conflict, err := r.addAll(ctx, maps.Clone(r.states[0].criteria), c.needs)
	if err != nil || conflict == nil && c.broken == nil {
		return false, err
	}
	r.hopeless[c] = conflict
	r.leftOut = len(r.hopeless)
	return true, nil
}

// obstacles are the needs that are in the way of what is needed, as far as they were learned.
func (r *resolution) obstacles(needs []*need) []*need {
	var all []*need
	for _, n := range needs {
		for _, c := range slices.SortedFunc(maps.Values(r.versions(n.name).known), func(a, b *candidate) int { return b.version.Compare(a.version) }) {
			all = append(all, r.hopeless[c]...)
		}
	}
	return distinct(all)
}
