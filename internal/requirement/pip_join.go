package requirement

import (
	"maps"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
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
	pip       Pip
	specifier pep440.Specifier
	// from are the places of those that it was joined from, in the list that was given.
	from []int
}

// fault is the refusal of what no version can meet, nil when one might; show says how a comparison is shown.
func (j *joinedPip) fault(show func(clause string) string) *Error {
	excluding := j.specifier.Contradiction()
	if excluding == nil {
		return nil
	}
	shown := make([]string, len(excluding))
	for i, c := range excluding {
		shown[i] = show(c.String())
	}
	words := "exclude each other"
	if len(excluding) == 1 {
		words = "excludes all that the others allow"
	}
	problem := "can be met by no version: " + strings.Join(shown, " and ") + " " + words
	return newError(FieldPip, j.pip.String(), "", problem, "remove one of the comparisons")
}

// joinPips joins the requirements of each distribution, in a fixed order.
func joinPips(pips []Pip) []*joinedPip {
	joined := map[string]*joinedPip{}
	for i, pip := range pips {
		name, specifier, ok := pip.parts()
		key, _, _ := strings.Cut(name, "[")
		pip = pip.Canonical()
		key += "\x00" + pip.URL + "\x00" + pip.Marker
		if !ok {
			key = "\x00" + pip.Name + "\x00" + pip.VersionSpecifier + key // It stands for itself.
		}
		j := joined[key]
		switch {
		case j == nil:
			j = &joinedPip{pip: pip, specifier: specifier}
			joined[key] = j
		case ok:
			j.pip.Name = joinExtras(j.pip.Name, name)
			j.specifier = j.specifier.And(specifier)
		}
		if ok {
			j.pip.VersionSpecifier = j.specifier.String()
		}
		j.from = append(j.from, i)
	}
	return slices.SortedFunc(maps.Values(joined), func(a, b *joinedPip) int { return comparePips(a.pip, b.pip) })
}

// parts are the canonical name and the specifier of a requirement, if both parse.
func (p Pip) parts() (name string, specifier pep440.Specifier, ok bool) {
	name, ok = matchPipName(strings.TrimSpace(p.Name))
	specifier, refused := matchSpecifier(strings.TrimSpace(p.VersionSpecifier))
	return name, specifier, ok && refused == nil
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
