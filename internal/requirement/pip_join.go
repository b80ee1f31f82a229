package requirement

import (
	"maps"
	"slices"
	"strings"
)

// JoinPips joins the requirements of one distribution as pip does: the extras of all, and every comparison has to hold.
// The result is in a fixed order. Where it is certain that no version can meet the comparisons, the error joins one
// [*Error] for each distribution.
func JoinPips(pips []Pip) ([]Pip, error) {
	var faults []*Error
	joined := joinPips(pips)
	for _, j := range joined {
		if fault := j.fault(quote); fault != nil {
			faults = append(faults, fault)
		}
	}
	return pipsOf(joined), joinErrors(faults)
}

// CanonicalPips is the set that the requirements make: canonical, those of one distribution joined, in a fixed order. It
// takes anything, for values that a server sent: what does not parse is joined with nothing.
func CanonicalPips(pips []Pip) []Pip { return pipsOf(joinPips(pips)) }

// joinedPip is all that is asked of one distribution.
type joinedPip struct {
	pip     Pip
	clauses []clause
	// from are the places of those that it was joined from, in the list that was given.
	from []int
}

// fault is the refusal of what no version can meet, nil when one might; show says how a comparison is shown.
func (j *joinedPip) fault(show func(clause string) string) *Error {
	why := contradiction(j.clauses)
	if why == nil {
		return nil
	}
	shown := make([]string, len(why.clauses))
	for i, c := range why.clauses {
		shown[i] = show(c)
	}
	problem := "can be met by no version: " + strings.Join(shown, " and ") + " " + why.words
	return newError(FieldPip, j.pip.String(), "", problem, "remove one of the comparisons")
}

// joinPips joins the requirements of each distribution, in a fixed order.
func joinPips(pips []Pip) []*joinedPip {
	joined := map[string]*joinedPip{}
	for i, pip := range pips {
		name, clauses, ok := pip.parts()
		key, _, _ := strings.Cut(name, "[")
		if !ok {
			pip = pip.Canonical()
			key = "\x00" + pip.Name + "\x00" + pip.VersionSpecifier // It stands for itself.
		} else {
			pip = Pip{Name: name}
		}
		j := joined[key]
		switch {
		case j == nil:
			j = &joinedPip{pip: pip, clauses: clauses}
			joined[key] = j
		case ok:
			j.pip.Name = joinExtras(j.pip.Name, name)
			j.clauses = sortClauses(slices.Concat(j.clauses, clauses))
		}
		if ok {
			j.pip.VersionSpecifier = joinClauses(j.clauses)
		}
		j.from = append(j.from, i)
	}
	return slices.SortedFunc(maps.Values(joined), func(a, b *joinedPip) int { return comparePips(a.pip, b.pip) })
}

// parts are the canonical name and the clauses of a requirement, if both parse.
func (p Pip) parts() (name string, clauses []clause, ok bool) {
	name, ok = matchPipName(strings.TrimSpace(p.Name))
	clauses, refused := matchSpecifier(strings.TrimSpace(p.VersionSpecifier))
	return name, clauses, ok && refused == nil
}

// joinExtras is the name of both, with the extras of both.
func joinExtras(a, b string) string {
	name, first, _ := strings.Cut(strings.TrimSuffix(a, "]"), "[")
	_, second, _ := strings.Cut(strings.TrimSuffix(b, "]"), "[")
	extras := strings.FieldsFunc(first+","+second, func(r rune) bool { return r == ',' })
	if len(extras) == 0 {
		return name
	}
	slices.Sort(extras)
	return name + "[" + strings.Join(slices.Compact(extras), ",") + "]"
}

func pipsOf(joined []*joinedPip) []Pip {
	pips := make([]Pip, len(joined))
	for i, j := range joined {
		pips[i] = j.pip
	}
	return pips
}
