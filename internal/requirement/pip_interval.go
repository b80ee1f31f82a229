package requirement

import (
	"slices"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"
)

// bound is one end of an interval of versions. Its clause is the one that set it; without one, the end is open.
type bound struct {
	version   pep440.Version
	inclusive bool
	clause    *clause
}

// interval is a stretch of public versions, in PEP 440's order.
type interval struct{ low, high bound }

// conflict is why no version can meet all comparisons: the clauses at fault, and what is wrong with them.
type conflict struct {
	clauses []string
	words   string
}

// excludeEachOther is the conflict of two clauses.
func excludeEachOther(a, b *clause) *conflict {
	return &conflict{[]string{a.text, b.text}, "exclude each other"}
}

// contradiction says why no version can meet all clauses, or is nil when one might. Each clause is replaced by an
// interval that holds everything it allows, so that an empty intersection is certain and one that is not proves nothing.
func contradiction(clauses []clause) *conflict {
	if why := exactContradiction(clauses); why != nil {
		return why
	}
	var allowed interval
	for i := range clauses {
		c := &clauses[i]
		if c.operator == "!=" || c.arbitrary {
			continue
		}
		within := c.interval()
		if allowed.low.clause == nil || within.low.clause != nil && isHigherLow(within.low, allowed.low) {
			allowed.low = within.low
		}
		if allowed.high.clause == nil || within.high.clause != nil && isLowerHigh(within.high, allowed.high) {
			allowed.high = within.high
		}
	}
	if allowed.empty() {
		return excludeEachOther(allowed.low.clause, allowed.high.clause)
	}
	for _, c := range clauses {
		// What a local version excludes leaves its public version allowed.
		if c.operator == "!=" && c.version.Local() == "" && allowed.inside(c.interval()) {
			return &conflict{[]string{c.text}, "excludes all that the others allow"}
		}
	}
	return nil
}

// exactContradiction finds exact versions that differ where intervals do not know it, or that are excluded again:
// intervals know public versions only, and no text that is compared as such.
func exactContradiction(clauses []clause) *conflict {
	exact := map[bool]*clause{} // by whether it is compared as text
	for i := range clauses {
		c := &clauses[i]
		text := c.operator == "==="
		if !text && (c.operator != "==" || c.version.Local() == "") {
			continue
		}
		if other := exact[text]; other != nil && other.text != c.text {
			return excludeEachOther(other, c)
		}
		exact[text] = c
	}
	local := exact[false]
	if local == nil {
		return nil
	}
	excluded := slices.IndexFunc(clauses, func(c clause) bool {
		return c.operator == "!=" && strings.TrimPrefix(c.text, "!=") == strings.TrimPrefix(local.text, "==")
	})
	if excluded < 0 {
		return nil
	}
	return excludeEachOther(local, &clauses[excluded])
}

// interval is the smallest stretch of public versions that holds all the clause speaks of: allows, or for "!=" excludes.
func (c *clause) interval() interval {
	public := pep440.MustParse(c.version.Public())
	at := func(inclusive bool) bound { return bound{version: public, inclusive: inclusive, clause: c} }
	switch c.operator {
	case ">=":
		return interval{low: at(true)}
	case ">":
		return interval{low: at(false)}
	case "<=":
		return interval{high: at(true)}
	case "<":
		return interval{high: at(false)}
	case "~=":
		segments := release(public)
		return interval{low: at(true), high: c.before(segments, len(segments.numbers)-1)}
	}
	if !c.prefix {
		return interval{low: at(true), high: at(true)}
	}
	// The lowest of all versions with that prefix is its first development release.
	lowest := bound{version: pep440.MustParse(public.String() + ".dev0"), inclusive: true, clause: c}
	segments := release(public)
	return interval{low: lowest, high: c.before(segments, len(segments.numbers))}
}

// before is the bound below the first version that does not start with the first n numbers of the release.
func (c *clause) before(segments releaseSegments, n int) bound {
	next, ok := segments.next(n)
	if !ok {
		return bound{}
	}
	return bound{version: pep440.MustParse(next + ".dev0"), clause: c}
}

// empty tells that no version lies in the interval.
func (i interval) empty() bool {
	if i.low.clause == nil || i.high.clause == nil {
		return false
	}
	order := i.low.version.Compare(i.high.version)
	return order > 0 || order == 0 && (!i.low.inclusive || !i.high.inclusive)
}

// inside tells that all of the interval lies in another one.
func (i interval) inside(outer interval) bool {
	return i.low.clause != nil && i.high.clause != nil && outer.low.clause != nil && outer.high.clause != nil &&
		!isHigherLow(outer.low, i.low) && !isLowerHigh(outer.high, i.high)
}

// isHigherLow tells that a leaves out versions at the lower end that b allows.
func isHigherLow(a, b bound) bool {
	order := a.version.Compare(b.version)
	return order > 0 || order == 0 && !a.inclusive && b.inclusive
}

// isLowerHigh tells that a leaves out versions at the upper end that b allows.
func isLowerHigh(a, b bound) bool {
	order := a.version.Compare(b.version)
	return order < 0 || order == 0 && !a.inclusive && b.inclusive
}
