package requirement

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// clausePattern takes an operator, blanks, a version and ".*", each optional but the version. The characters of the version are
// all that PEP 440 knows; whether it is one is package pep440's to say.
var clausePattern = regexp.MustCompile(`^(===|==|~=|!=|<=|>=|<|>|) *([A-Za-z0-9](?:[A-Za-z0-9.!+_-]*[A-Za-z0-9])?)(\.\*)?$`)

// matchSpecifier is the specifier, or the first of its clauses that is none.
func matchSpecifier(text string) (pep440.Specifier, *refusedClause) {
	trimmed := strings.Trim(text, " ")
	switch {
	case trimmed == "":
		return pep440.Specifier{}, nil
	case len(text) > maxText:
		return pep440.Specifier{}, &refusedClause{offending: text, problem: "is too long"}
	}
	// pip takes a comma at the end.
	parts := strings.Split(strings.TrimSuffix(trimmed, ","), ",")
	clauses := make([]pep440.Clause, 0, len(parts))
	for _, part := range parts {
		c, refused := parseClause(strings.Trim(part, " "), len(parts) == 1)
		if refused != nil {
			return pep440.Specifier{}, refused
		}
		clauses = append(clauses, c)
	}
	return pep440.NewSpecifier(clauses...), nil
}

// refusedClause is a clause that was refused. The clause is quoted by whoever knows the whole text.
type refusedClause struct {
	offending string
	problem   string
	// repaired is the clause as it should have been written; "" is to leave it out, nil is not known.
	repaired *string
	// advice is what to do where there is no such clause. Empty for an example.
	advice string
}

// parseClause validates one clause. Only a lone one may go without an operator, for "==".
func parseClause(text string, alone bool) (pep440.Clause, *refusedClause) {
	m := clausePattern.FindStringSubmatch(text)
	if m == nil {
		return pep440.Clause{}, diagnoseClause(text)
	}
	operator, versionText, wildcard := m[1], m[2], m[3] != ""
	version, err := pep440.Parse(versionText)
	switch {
	case err != nil && operator == "===" && !wildcard: // It compares texts, whatever they say.
	case err != nil:
		return pep440.Clause{}, diagnoseClause(text)
	case operator == "" && !alone: // "1,2" may be anything, a decimal comma for one.
		return pep440.Clause{}, &refusedClause{offending: text, problem: "has no operator, without which a version has to stand alone"}
	case operator == "" && wildcard:
		return pep440.Clause{}, refuse(text, "has no operator", "=="+text)
	default:
		if refused := checkClause(text, operator, version, wildcard); refused != nil {
			return pep440.Clause{}, refused
		}
	}
	if operator == "" {
		text = "==" + text
	}
	c, err := pep440.ParseClause(text)
	if err != nil {
		return pep440.Clause{}, diagnoseClause(text)
	}
	return c, nil
}

// checkClause holds a clause against PEP 440's rules on which version goes with which operator.
func checkClause(text, operator string, version pep440.Version, wildcard bool) *refusedClause {
	equality := operator == "" || operator == "==" || operator == "!="
	switch {
	case wildcard && !equality:
		return refuse(text, fmt.Sprintf("has \".*\", which goes with \"==\" and \"!=\" only, not with %q", operator),
			withoutWildcard(operator, version))
	case wildcard && version.String() != version.Base():
		// PEP 440's text would allow some of it, pip allows none.
		return refuse(text, "has \".*\" after more than release numbers", operator+version.Base()+".*")
	case operator == "~=" && len(version.Release()) < 2:
		return refuse(text, "has one release segment where \"~=\" needs two", compatible(version))
	case version.Local() != "" && !equality && operator != "===":
		return refuse(text, fmt.Sprintf("has a local version (\"+%s\"), which goes with \"==\" and \"!=\" only, not with %q",
			version.Local(), operator), operator+version.Public().String())
	}
	return nil
}

// compatible repairs "~=1": two segments with the same meaning as one was thought to have.
func compatible(version pep440.Version) string {
	return "~=" + version.Base() + ".0" + strings.TrimPrefix(version.Public().String(), version.Base())
}
