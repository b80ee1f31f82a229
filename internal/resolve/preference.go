package resolve

import (
	"cmp"
	"math"
	"slices"
)

// choose is the node to pin next.
func (r *resolution) choose(st *state, open []string) string {
	if len(open) > 1 {
		open = r.narrow(st, open)
	}
	best := r.preference(st, open[0])
	for _, k := range open[1:] {
		if p := r.preference(st, k); p.compare(best) < 0 {
			best = p
		}
	}
	return best.key
}

// narrow is those of the open nodes that go before others: the Python, then what the last conflict was about, then what
// conflicts were often about.
func (r *resolution) narrow(st *state, open []string) []string {
	inConflict := map[string]bool{}
	for _, n := range st.causes {
		for _, k := range n.nodes() {
			inConflict[k] = true
			if _, pinned := st.pins[k]; !pinned {
				if r.conflicts[k]++; r.conflicts[k] >= promotion {
					r.promoted[k] = true
				}
			}
		}
	}
	if slices.Contains(open, pythonKey) {
		return []string{pythonKey}
	}
	if first := filter(open, inConflict); len(first) > 0 {
		return first
	}
	// What is part of a conflict is no longer among them here.
	if first := filter(open, r.promoted); len(first) > 0 {
		return first
	}
	return open
}

func filter(keys []string, wanted map[string]bool) []string {
	var some []string
	for _, k := range keys {
		if wanted[k] {
			some = append(some, k)
		}
	}
	return some
}

// nodes are the nodes of both ends.
func (n *need) nodes() []string {
	if n.parent == nil {
		return []string{n.key}
	}
	return []string{n.key, n.parent.key}
}

// preference orders nodes: what conflicts were often about, what is needed exactly, at one version, below a bound, in the
// order of the user, at some version; then by name.
type preference struct {
	promoted, exact, pinned, bounded bool
	asked                            int
	bound                            bool
	key                              string
}

func (p preference) compare(other preference) int {
	return cmp.Or(
		compareBool(p.promoted, other.promoted),
		compareBool(p.exact, other.exact),
		compareBool(p.pinned, other.pinned),
		compareBool(p.bounded, other.bounded),
		cmp.Compare(p.asked, other.asked),
		compareBool(p.bound, other.bound),
		cmp.Compare(p.key, other.key),
	)
}

// compareBool has true first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// preference is that of a node.
func (r *resolution) preference(st *state, k string) preference {
	p := preference{promoted: r.promoted[k], asked: math.MaxInt, key: k}
	for _, n := range st.criteria[k].needs {
		p.exact = p.exact || n.exact != nil || n.requirement.URL != ""
		p.pinned = p.pinned || n.pinned
		p.bounded = p.bounded || n.bounded
		p.bound = p.bound || n.bound
	}
	if at, ok := r.asked[k]; ok {
		p.asked = at
	}
	return p
}
