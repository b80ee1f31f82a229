// Package requirement holds the dependencies a user can ask an image to contain: pip requirements, packages of
// the operating system, match specifications of conda, and the lists that PrimeHub hands to their installers. Text from
// users is parsed and validated here once; what passes carries no white space, no shell and no Dockerfile syntax, so it
// can be handed to a package manager as an argument or a line of a file.
package requirement

import (
	"cmp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// Pip is one distribution to be installed with pip.
type Pip struct {
	// Name is the distribution's name, with its extras if any ("uvicorn[standard]").
	Name string
	// VersionSpecifier is a PEP 440 specifier set (">=1,<2"); a bare version, which servers send, means "==". Empty means
	// any version.
	VersionSpecifier string
	// URL is where the distribution is: an archive, or a repository of git ("git+https://example.com/x.git@v1"). Empty means a
	// package index.
	URL string
	// Marker is the condition under which the distribution is installed (PEP 508). Empty means always.
	Marker string
}

// Canonical is the one spelling of all requirements that mean the same: name and extras in lower case with single
// hyphens, extras sorted; clauses of the specifier sorted and each there once, versions in PEP 440's normal form,
// trailing zeros gone where they mean nothing. It takes anything, for values that a server sent: a field that does not
// parse is only trimmed.
func (p Pip) Canonical() Pip {
	name, specifier := strings.TrimSpace(p.Name), strings.TrimSpace(p.VersionSpecifier)
	if canonical, ok := matchPipName(name); ok {
		name = canonical
	}
	if parsed, refused := matchSpecifier(specifier); refused == nil {
		specifier = parsed.String()
	}
	marker := strings.TrimSpace(p.Marker)
	if parsed, err := pep508.ParseMarker(marker); err == nil {
		marker = parsed.String()
	}
	address := strings.TrimSpace(p.URL)
	if canonical, ok := matchAddress(address); ok {
		address = canonical
	}
	return Pip{Name: name, VersionSpecifier: specifier, URL: address, Marker: marker}
}

// Distribution is the canonical name without the extras: what the package index and "pip list" know it by.
func (p Pip) Distribution() string {
	name, _, _ := strings.Cut(p.Canonical().Name, "[")
	return name
}

// String is the requirement as people write it ("numpy>=1,<2"), which [ParsePip] reads again.
func (p Pip) String() string {
	text, separator := p.Name, "; "
	switch {
	case p.URL != "":
		text, separator = text+" @ "+p.URL, " ; " // An address ends at a blank.
	case p.VersionSpecifier != "" && !strings.ContainsAny(p.VersionSpecifier[:1], "=<>!~ "):
		text += "==" + p.VersionSpecifier
	default:
		text += p.VersionSpecifier
	}
	if p.Marker != "" {
		text += separator + p.Marker
	}
	return text
}

// CanonicalPackages is the set that the requirements make: canonical, each there once, in a fixed order.
func CanonicalPackages(packages []Package) []Package {
	set := make([]Package, 0, len(packages))
	for _, p := range packages {
		set = append(set, p.Canonical())
	}
	slices.SortFunc(set, func(a, b Package) int {
		return cmp.Or(
			cmp.Compare(a.Type, b.Type),
			strings.Compare(a.Name, b.Name),
			strings.Compare(a.VersionSpecifier, b.VersionSpecifier),
		)
	})
	return slices.Compact(set)
}

// comparePips is the fixed order of requirements.
func comparePips(a, b Pip) int {
	return cmp.Or(
		strings.Compare(a.Name, b.Name),
		strings.Compare(a.VersionSpecifier, b.VersionSpecifier),
		strings.Compare(a.URL, b.URL),
		strings.Compare(a.Marker, b.Marker),
	)
}
