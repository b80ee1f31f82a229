package requirement

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"
)

// CheckPips finds what is wrong with requirements as a set, each of which [ParsePip] accepts: a distribution that is asked for twice
// with different specifiers, and a specifier that no version can meet. The latter is reported only when it is certain. The error joins
// one [*Error] for each finding; requirements that do not parse are left to ParsePip.
func CheckPips(pips []Pip) error {
	var errs []error
	specifiers := map[string]Pip{}
	for _, pip := range CanonicalPips(pips) {
		// What does not parse says nothing about its versions.
		if clauses, refused := matchSpecifier(pip.VersionSpecifier); refused == nil {
			if why := contradiction(clauses); why != "" {
				errs = append(errs, newError(FieldVersionSpecifier, pip.VersionSpecifier, "",
					fmt.Sprintf("of %q can be met by no version: %s", pip.Name, why), "remove one of the comparisons").of(pip.Name))
			}
		}
		name := pip.Distribution()
		other, found := specifiers[name]
		switch {
		case !found:
			specifiers[name] = pip
		case other.VersionSpecifier != pip.VersionSpecifier:
			errs = append(errs, newError(FieldName, pip.Name, "",
				fmt.Sprintf("is required twice with different version specifiers, %q and %q", other.VersionSpecifier, pip.VersionSpecifier),
				"keep one of them, or join them with a comma").of(pip.Name))
		}
	}
	return errors.Join(errs...)
}

// bound is one end of an interval of versions. Its clause is the one that set it; without one, the end is open.
type bound struct {
	version   pep440.Version
	inclusive bool
	clause    *clause
}

// interval is a stretch of public versions, in PEP 440's order.
type interval struct{ low, high bound }

// contradiction says in words why no version can meet all clauses, or is empty when one might. Each clause
// is replaced by an interval that holds everything it allows, so that an empty intersection is certain and one that is not proves
// nothing.
func contradiction(clauses []clause) string {
	if culprit := localContradiction(clauses); culprit != "" {
		return culprit
	}
	var allowed interval
	for i := range clauses {
		c := &clauses[i]
		if c.operator == "!=" {
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
		return fmt.Sprintf("%q and %q exclude each other", allowed.low.clause.text, allowed.high.clause.text)
	}
	for _, c := range clauses {
		// What a local version excludes leaves its public version allowed.
		if c.operator == "!=" && c.version.Local() == "" && allowed.inside(c.interval()) {
			return fmt.Sprintf("%q excludes all that the others allow", c.text)
		}
	}
	return ""
}

// localContradiction finds exact local versions that differ, or that are excluded again. Intervals know public versions only.
func localContradiction(clauses []clause) string {
	var exact *clause
	for i := range clauses {
		c := &clauses[i]
		if c.operator != "==" || c.version.Local() == "" {
			continue
		}
		if exact != nil && exact.text != c.text {
			return fmt.Sprintf("%q and %q exclude each other", exact.text, c.text)
		}
		exact = c
	}
	if exact == nil {
		return ""
	}
	excluded := slices.IndexFunc(clauses, func(c clause) bool {
		return c.operator == "!=" && strings.TrimPrefix(c.text, "!=") == strings.TrimPrefix(exact.text, "==")
	})
	if excluded < 0 {
		return ""
	}
	return fmt.Sprintf("%q and %q exclude each other", exact.text, clauses[excluded].text)
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
