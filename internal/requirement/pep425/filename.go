// Package pep425 is what the name of a distribution's file says: the distribution, its version, and for a wheel the
// interpreters and platforms that it runs on (PEP 425, PEP 427, PEP 600, PEP 625, PEP 656).
package pep425

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// maxTags bounds how many tags the name of a wheel may stand for.
const maxTags = 1000

// Wheel is the name of a wheel taken apart. [ParseWheel] makes them.
type Wheel struct {
	// Name is normalised.
	Name    string
	Version pep440.Version
	// buildNumber and buildText are the build tag, a number and what follows it; both are empty for none.
	buildNumber, buildText string
	// The wheel runs where one of each is supported together.
	interpreters, abis, platforms []string
}

// ParseWheel takes the name of a wheel's file apart (PEP 427).
func ParseWheel(filename string) (Wheel, error) {
	refuse := func(problem string) (Wheel, error) {
		return Wheel{}, fmt.Errorf("%q is not the name of a wheel: %s (PEP 427)", filename, problem)
	}
	stem, isWheel := strings.CutSuffix(filename, ".whl")
	parts := strings.Split(stem, "-")
	if !isWheel || len(parts) != 5 && len(parts) != 6 {
		return refuse("it does not have the form name-version-python-abi-platform.whl")
	}
	if !isEscapedName(parts[0]) {
		return refuse(fmt.Sprintf("%q is not the name of a distribution", parts[0]))
	}
	w := Wheel{Name: pep508.NormalizeName(parts[0])}
	var err error
	if w.Version, err = pep440.Parse(parts[1]); err != nil {
		return refuse(err.Error())
	}
	if len(parts) == 6 {
		w.buildText = strings.TrimLeft(parts[2], "0123456789")
		w.buildNumber = strings.TrimLeft(strings.TrimSuffix(parts[2], w.buildText), "0")
		if w.buildText == parts[2] {
			return refuse(fmt.Sprintf("the build tag %q does not begin with a number", parts[2]))
		}
	}
	tags := parts[len(parts)-3:]
	w.interpreters, w.abis, w.platforms = split(tags[0]), split(tags[1]), split(tags[2])
	switch {
	case slices.Contains(slices.Concat(w.interpreters, w.abis, w.platforms), ""):
		return refuse("a tag is empty")
	case slices.ContainsFunc(w.interpreters, func(t string) bool { return !isIdentifier(t) }):
		return refuse(fmt.Sprintf("%q is not an interpreter", tags[0]))
	case len(w.interpreters)*len(w.abis)*len(w.platforms) > maxTags:
		return refuse(fmt.Sprintf("it stands for more than %d tags", maxTags))
	}
	return w, nil
}

// split takes a compressed set of tags apart.
func split(tags string) []string { return strings.Split(strings.ToLower(tags), ".") }

// isEscapedName tells a distribution's name as a file name has it.
func isEscapedName(text string) bool {
	return text != "" && !strings.Contains(text, "__") && strings.IndexFunc(text, func(r rune) bool {
		return !isIdentifierRune(r) && r != '.'
	}) < 0
}

func isIdentifier(text string) bool {
	return text != "" && (text[0] < '0' || text[0] > '9') && strings.IndexFunc(text, func(r rune) bool { return !isIdentifierRune(r) }) < 0
}

func isIdentifierRune(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// CompareBuild orders wheels of one version by their build tags. One without a tag is the first.
func (w Wheel) CompareBuild(other Wheel) int {
	return cmp.Or(
		cmp.Compare(len(w.buildNumber), len(other.buildNumber)),
		strings.Compare(w.buildNumber, other.buildNumber),
		strings.Compare(w.buildText, other.buildText),
	)
}

// sdistSuffixes are the archives that a source distribution can be (PEP 625 has the first only).
var sdistSuffixes = []string{".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar", ".tbz", ".tar.xz", ".txz", ".tar.lzma", ".tar.lz", ".tlz"}

// SdistVersion is the version in the name of a source distribution of that distribution, whose name is normalised. It is
// not ok where the file is none.
func SdistVersion(filename, name string) (version pep440.Version, ok bool) {
	i := slices.IndexFunc(sdistSuffixes, func(suffix string) bool { return strings.HasSuffix(filename, suffix) })
	if i < 0 {
		return pep440.Version{}, false
	}
	stem := strings.TrimSuffix(filename, sdistSuffixes[i])
	// The name may have hyphens, and so may the version of an old one: the end of the name is known.
	for at := range len(stem) {
		if stem[at] == '-' && pep508.NormalizeName(stem[:at]) == name {
			version, err := pep440.Parse(stem[at+1:])
			return version, err == nil
		}
	}
	return pep440.Version{}, false
}
