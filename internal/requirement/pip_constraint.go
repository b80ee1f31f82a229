package requirement

import "strings"

// ParseConstraint is [ParsePip] for a bound, which installs nothing: it has neither extras nor an address.
func ParseConstraint(text string) (Pip, error) {
	pip, err := ParsePip(text)
	switch {
	case err != nil:
		return pip, err
	case strings.Contains(pip.Name, "["):
		return Pip{}, newError(FieldPip, text, "", "has extras, which constraints cannot have", "write it without them")
	case pip.URL != "":
		return Pip{}, newError(FieldPip, text, "", "has an address, which constraints cannot have", "make it a requirement")
	case pip.VersionSpecifier == "":
		return Pip{}, newError(FieldPip, text, "", "bounds nothing", "write the versions that it allows, as in urllib3<2")
	}
	return pip, nil
}
