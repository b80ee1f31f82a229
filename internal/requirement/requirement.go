// Package requirement holds the dependencies a user can ask an image to contain: pip requirements, packages of
// the operating system, match specifications of conda, and the lists that PrimeHub hands to their installers. Text from users is parsed and validated here once; what passes carries no white space, no
// shell and no Dockerfile syntax, so it can be handed to a package manager as an argument or a line of a file.
package requirement

import (
	"cmp"
	"slices"
	"strings"
)

// Pip is one distribution to be installed with pip.
type Pip struct {
	// Name is the distribution's name, with its extras if any ("uvicorn[standard]").
	Name string
	// VersionSpecifier is a PEP 440 specifier set (">=1,<2"); a bare version means "==". Empty means any version.
	VersionSpecifier string
}

// ParsePip validates one pip requirement and returns its canonical form: the name and its extras normalised as PEP
// 503 has it, the specifier as [Pip.Canonical] describes. A refusal is an [*Error].
//
// The specifier may hold spaces where PEP 440 lets them stand; the result never does.
func ParsePip(name, specifier string) (Pip, error) {
	canonicalName, err := parsePipName(name)
	if err != nil {
		return Pip{}, err
	}
	clauses, err := parseSpecifier(specifier)
	if err != nil {
		return Pip{}, err
	}
	return Pip{Name: canonicalName, VersionSpecifier: joinClauses(clauses)}, nil
}

// Canonical is the one spelling of all requirements that mean the same: name and extras in lower case with single
// hyphens, extras sorted; clauses of the specifier sorted and each there once, versions in PEP 440's normal form, trailing zeros gone where they
// mean nothing. It takes anything, for values that a server sent: a field that does not parse is only trimmed.
func (p Pip) Canonical() Pip {
	name, specifier := strings.TrimSpace(p.Name), strings.TrimSpace(p.VersionSpecifier)
	if canonical, ok := matchPipName(name); ok {
		name = canonical
	}
	if clauses, refused := matchSpecifier(specifier); refused == nil {
		specifier = joinClauses(clauses)
	}
	return Pip{Name: name, VersionSpecifier: specifier}
}

// Distribution is the canonical name without the extras: what the package index and "pip list" know it by.
func (p Pip) Distribution() string {
	name, _, _ := strings.Cut(p.Canonical().Name, "[")
	return name
}

// String is the requirement as a line of a requirements file ("numpy>=1,<2").
func (p Pip) String() string { return p.Name + p.VersionSpecifier }

// CanonicalPips is the set that the requirements make: canonical, each there once, in a fixed order.
func CanonicalPips(pips []Pip) []Pip {
	return canonicalSet(pips, Pip.Canonical, func(a, b Pip) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.VersionSpecifier, b.VersionSpecifier))
	})
}

// CanonicalPackages is the set that the requirements make: canonical, each there once, in a fixed order.
func CanonicalPackages(packages []Package) []Package {
	return canonicalSet(packages, Package.Canonical, func(a, b Package) int {
		return cmp.Or(
			cmp.Compare(a.Type, b.Type),
			strings.Compare(a.Name, b.Name),
			strings.Compare(a.VersionSpecifier, b.VersionSpecifier),
		)
	})
}

// canonicalSet brings every element into its canonical form, and the whole into order without repetitions.
func canonicalSet[T comparable](elements []T, canonical func(T) T, compare func(a, b T) int) []T {
	set := make([]T, 0, len(elements))
	for _, element := range elements {
		set = append(set, canonical(element))
	}
	slices.SortFunc(set, compare)
	return slices.Compact(set)
}
