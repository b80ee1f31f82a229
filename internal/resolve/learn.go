package resolve

import (
	"context"
	"maps"
	"slices"
)

// learn finds candidates that can be in no answer, whatever else is chosen: what they need cannot be had beside what the user requires, or only
// in versions of which the same is known. It tells whether it found any. pip does not look for them, and may search for hours among choices that have
// nothing to do with it: each search has to come to the same conflict by itself, for all the versions of all that is pinned before it.
//
// It would change the order in which pip searches, and so its answers. Where pip has no answer, there is none to change.
func (r *resolution) learn(ctx context.Context) (found bool, err error) {
	asked := r.states[0].criteria
	for more := true; more; {
		more = false
		for _, v := range r.candidates {
			for _, c := range v.known {
				if c.hopeless || c.needs == nil && c.broken == nil {
					continue
				}
				conflict, err := r.addAll(ctx, maps.Clone(asked), c.needs)
				if err != nil {
					return false, err
				}
				if conflict != nil || c.broken != nil {
					c.hopeless, c.obstacle, more, found = true, conflict, true, true
					r.learned++
				}
			}
		}
	}
	return found, nil
}

// obstacles are the needs that are in the way of what is needed, as far as they were learned.
func (r *resolution) obstacles(needs []*need) []*need {
	var all []*need
	for _, n := range needs {
		for _, c := range slices.SortedFunc(maps.Values(r.versions(n.name).known), func(a, b *candidate) int { return b.version.Compare(a.version) }) {
			all = append(all, c.obstacle...)
		}
	}
	return distinct(all)
}
