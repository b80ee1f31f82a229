// Package pep508 is PEP 508: what a distribution requires, and the environment markers that say where. It is the grammar
// of METADATA and of requirements alike, without advice for people; package requirement has that.
package pep508

import (
	"fmt"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// Requirement is one requirement: a distribution, its extras, and either the versions or the address that it may come
// from. [Parse] makes them.
type Requirement struct { //nolint:recvcheck // a value once it is read, a pointer while it is
	// Name is normalised, and so are the extras, which are sorted, each there once.
	Name   string
	Extras []string
	// Specifier is the versions that are allowed. It allows all where there is a URL.
	Specifier pep440.Specifier
	// URL is where the distribution is, empty for an index.
	URL string
	// Marker is where the requirement holds.
	Marker Marker
}

// Parse reads a requirement (`Uvicorn[standard] >= 0.30; python_version >= "3.9"`, `pkg @ https://example.com/pkg.zip`).
func Parse(text string) (Requirement, error) {
	rest := strings.Trim(text, " \t")
	end := 0
	for end < len(rest) && (isWord(rest[end]) || rest[end] == '-') {
		end++
	}
	name := rest[:end]
	if !isName(name) {
		return Requirement{}, refuse(text, "does not begin with the name of a distribution")
	}
	r := Requirement{Name: NormalizeName(name)}
	rest, err := r.takeExtras(text, strings.TrimLeft(rest[end:], " \t"))
	if err != nil {
		return Requirement{}, err
	}
	var marker string
	var found bool
	if address, ok := strings.CutPrefix(rest, "@"); ok {
		marker, found, err = r.takeURL(text, strings.TrimLeft(address, " \t"))
	} else {
		marker, found, err = r.takeSpecifier(text, rest)
	}
	if err == nil && found {
		r.Marker, err = ParseMarker(marker)
	}
	return r, err
}

// refuse is the error of a text that is no requirement.
func refuse(text, problem string) error {
	return fmt.Errorf("the requirement %q %s (PEP 508)", text, problem)
}

// takeExtras reads "[a, b]", and gives what follows it.
func (r *Requirement) takeExtras(text, rest string) (string, error) {
	inside, found := strings.CutPrefix(rest, "[")
	if !found {
		return rest, nil
	}
	list, rest, closed := strings.Cut(inside, "]")
	if !closed {
		return "", refuse(text, "has no \"]\" after its extras")
	}
	if strings.Trim(list, " \t") != "" {
		for extra := range strings.SplitSeq(list, ",") {
			if extra = strings.Trim(extra, " \t"); !isName(extra) {
				return "", refuse(text, fmt.Sprintf("has %q among its extras", extra))
			}
			r.Extras = append(r.Extras, NormalizeName(extra))
		}
	}
	slices.Sort(r.Extras)
	r.Extras = slices.Compact(r.Extras)
	return strings.TrimLeft(rest, " \t"), nil
}

// takeURL reads the address, which a blank ends, and finds the marker behind it.
func (r *Requirement) takeURL(text, rest string) (marker string, found bool, err error) {
	end := strings.IndexAny(rest, " \t\r\n\v\f")
	if end < 0 {
		end = len(rest)
	}
	r.URL, rest = rest[:end], strings.Trim(rest[end:], " \t")
	marker, found = strings.CutPrefix(rest, ";")
	switch {
	case r.URL == "":
		return "", false, refuse(text, `has no address after "@"`)
	case rest != "" && !found:
		return "", false, refuse(text, fmt.Sprintf("has %q after its address", rest))
	}
	return marker, found, nil
}

// takeSpecifier reads the clauses, which may stand in parentheses, and finds the marker behind them.
func (r *Requirement) takeSpecifier(text, rest string) (marker string, found bool, err error) {
	specifier, marker, found := strings.Cut(rest, ";")
	specifier = strings.Trim(specifier, " \t")
	if inside, open := strings.CutPrefix(specifier, "("); open {
		inside, closed := strings.CutSuffix(inside, ")")
		if !closed {
			return "", false, refuse(text, `has no ")" after its versions`)
		}
		specifier = strings.Trim(inside, " \t")
	}
	if specifier == "" {
		return marker, found, nil
	}
	// One comma may follow the last clause, none may stand alone.
	for part := range strings.SplitSeq(strings.TrimSuffix(specifier, ","), ",") {
		if strings.Trim(part, " \t") == "" {
			return "", false, refuse(text, "has a comma that separates nothing")
		}
	}
	r.Specifier, err = pep440.ParseSpecifier(specifier)
	if err != nil {
		return "", false, fmt.Errorf("the requirement %q: %w", text, err)
	}
	return marker, found, nil
}

// String is the canonical form, which [Parse] reads again.
func (r Requirement) String() string {
	text := r.Name
	if len(r.Extras) > 0 {
		text += "[" + strings.Join(r.Extras, ",") + "]"
	}
	text += r.Specifier.String()
	separator := "; "
	if r.URL != "" {
		text, separator = text+" @ "+r.URL, " ; "
	}
	if !r.Marker.IsZero() {
		text += separator + r.Marker.String()
	}
	return text
}
