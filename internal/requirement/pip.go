package requirement

import (
	"errors"
	"regexp"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// ParsePip validates one requirement as people write it ("uvicorn[standard]>=0.30,<1": PEP 508) and returns its
// canonical form: the name and its extras normalised as PEP 503 has it, the specifier as [Pip.Canonical] describes. A
// refusal joins one [*Error] for each fault.
//
// What pip takes but an image's requirements cannot hold is refused with advice: paths, hashes, options.
func ParsePip(text string) (Pip, error) {
	pip, faults := parsePip(text)
	return pip, joinErrors(faults)
}

// parsePip is ParsePip for those who need the faults one by one.
func parsePip(text string) (Pip, []*Error) {
	line := collapseBlanks(text)
	if pip, ok := matchPip(line); ok {
		return pip, nil
	}
	return Pip{}, diagnosePip(line)
}

// collapseBlanks makes one blank of all that PEP 508 takes for one, and none at the ends.
func collapseBlanks(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' }), " ")
}

// pipPattern is a name, its extras, and comparisons, which PEP 508 takes in parentheses as well. pip takes a semicolon
// without a marker.
var pipPattern = regexp.MustCompile(`^(` + identifier + `) ?(\[[^\[\]]*\])? ?(?:\(([^()]*)\)|([=<>!~].*?))? ?;?$`)

// matchPip is the canonical form of a requirement, if it is one. Blanks are single.
func matchPip(line string) (Pip, bool) {
	if pip, ok := matchVersions(line); ok {
		return pip, true
	}
	if pip, ok := matchBareAddress(line); ok {
		return pip, true
	}
	if directPart.MatchString(line) { // pip takes a marker without a blank before it
		address, marker := cutMarker(line)
		line = address + marker
	}
	r, err := pep508.Parse(line)
	if err != nil || len(line) > maxText || !isPrintable(line) {
		return Pip{}, false
	}
	head, _, _ := strings.Cut(line, ";")
	if r.URL != "" {
		head = pep508.Requirement{Name: r.Name, Extras: r.Extras}.String()
	}
	pip, ok := matchVersions(strings.TrimRight(head, " "))
	if !ok {
		return Pip{}, false
	}
	if r.URL != "" {
		if pip.URL, ok = matchAddress(r.URL); !ok {
			return Pip{}, false
		}
	}
	pip.Marker = r.Marker.String()
	return pip, true
}

// isPrintable tells a text of ASCII characters that can be seen, and blanks.
func isPrintable(text string) bool {
	return firstNotIn(text, func(r rune) bool { return r >= ' ' && r <= '~' }) == ""
}

// matchVersions is the canonical form of a requirement that has neither an address nor a marker, if it is one.
func matchVersions(line string) (Pip, bool) {
	m := pipPattern.FindStringSubmatch(line)
	if m == nil {
		return Pip{}, false
	}
	name, ok := matchPipName(m[1] + trimExtras(m[2]))
	if !ok {
		return Pip{}, false
	}
	specifier := strings.Trim(m[3]+m[4], " ") // one of which matched
	if specifier == "" && archivePattern.MatchString(m[1]) {
		return Pip{}, false
	}
	if specifier != "" && !strings.ContainsAny(specifier[:1], "=<>!~") {
		return Pip{}, false // A version alone is a value of a server, not a requirement of PEP 508.
	}
	parsed, refused := matchSpecifier(specifier)
	if refused != nil {
		return Pip{}, false
	}
	return Pip{Name: name, VersionSpecifier: parsed.String()}, true
}

// trimExtras removes the blanks that PEP 508 lets stand around each extra.
func trimExtras(brackets string) string {
	parts := strings.Split(strings.Trim(brackets, "[]"), ",")
	for i, part := range parts {
		parts[i] = strings.Trim(part, " ")
	}
	if brackets == "" {
		return ""
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// joinErrors is nil for none.
func joinErrors(faults []*Error) error {
	errs := make([]error, len(faults))
	for i, fault := range faults {
		errs[i] = fault
	}
	return errors.Join(errs...)
}
