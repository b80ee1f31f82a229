package requirement

import (
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// refuse is a clause refused as a whole, with what it should have been.
func refuse(text, problem, repaired string) *refusedClause {
	return &refusedClause{offending: text, problem: problem, repaired: &repaired}
}

// clauseRepair recognises one way to get a clause wrong and says what it should have been.
type clauseRepair struct {
	// pattern matches the clause; its submatch "bad" is the part at fault.
	pattern *regexp.Regexp
	problem string
	// repair returns the right clause, given the clause's submatches. Its text is offered only if it parses.
	repair func(m []string) string
}

// clauseRepairs are tried in this order.
var clauseRepairs = []clauseRepair{
	{regexp.MustCompile(`^(?P<bad>=)([^=<>!~].*)$`), `is not an operator of PEP 440`, prefixed("==")},
	{regexp.MustCompile(`^(?P<bad>=>)(.*)$`), `is not an operator of PEP 440`, prefixed(">=")},
	{regexp.MustCompile(`^(?P<bad>=<)(.*)$`), `is not an operator of PEP 440`, prefixed("<=")},
	{regexp.MustCompile(`^(?P<bad><>|=!|!(?:=?!)?)([^=].*)$`), `is not an operator of PEP 440`, prefixed("!=")},
	{regexp.MustCompile(`^(?P<bad>\^)(.*)$`), `is an operator of other package managers, not of PEP 440`, func(m []string) string { return caret(m[2]) }},
	{regexp.MustCompile(`^(?P<bad>~>?)([^=>].*)$`), `is an operator of other package managers, not of PEP 440`, func(m []string) string { return tilde(m[2]) }},
	{regexp.MustCompile(`^(?P<bad>([<>!~=]) +=)(.*)$`), `has white space inside the operator`, func(m []string) string { return m[2] + "=" + m[3] }},
	{newestWord, `is not a version`, func([]string) string { return "" }},
	{regexp.MustCompile(`^(?P<bad>[<>=!~]+)$`), `has no version behind it`, nil},
	{regexp.MustCompile(`(?i)^([<>=!~]*) *([0-9v][0-9.!]*)(?P<bad>\.x)$`), `is not PEP 440's wild card, which is ".*"`, func(m []string) string { return orEquals(m[1]) + m[2] + ".*" }},
	{regexp.MustCompile(`^[^|]*(?P<bad>\|\|?).*$`), `is not PEP 440: every comparison of a specifier has to hold, there is no "or"`, nil},
	{regexp.MustCompile("^([=<>!~]*) *(?P<bad>[\"'`])(.*?)[\"'`]?$"), `is a quotation mark`, func(m []string) string { return m[1] + m[3] }},
	{regexp.MustCompile(`^[=<>!~^]* *[^ ,=<>!~^]+(?P<bad> +)[=<>!~^].*$`), `separates two comparisons, which a comma has to do`, commas},
	{regexp.MustCompile(`^[=<>!~^]* *[^ ,=<>!~^]+(?P<bad>[=<>!~^]+).*$`), `starts a second comparison without a comma before it`, commas},
	{regexp.MustCompile(`^[^ ]+(?P<bad> +).*$`), `is white space inside a version`, func(m []string) string { return strings.ReplaceAll(m[0], " ", "") }},
}

// isBroken tells a version with blanks inside, such as "==1.0 rc1".
func isBroken(text string) bool {
	_, err := pep440.Parse(strings.TrimLeft(strings.ReplaceAll(text, " ", ""), "=<>!~"))
	return err == nil
}

// newestWord stands for the newest version elsewhere.
var newestWord = regexp.MustCompile(`(?i)^(?:[<>=!~]*) *(?P<bad>latest|newest|any|stable|current|\*)$`)

// secondRequirement is a name where a comparison should be, or behind one.
var secondRequirement = regexp.MustCompile(`^(?:[=<>!~^]* ?[^ ,=<>!~^]+ )?(?P<bad>[A-Za-uw-z]` +
	`[A-Za-z0-9._-]*(?:\[[^\]]*\])?(?: ?[=<>!~^].*)?)$`)

// diagnoseClause says what is wrong with a clause that the grammar refused.
func diagnoseClause(text string) *refusedClause {
	if text == "" {
		return refuse(",", "separates nothing", "")
	}
	if m := secondRequirement.FindStringSubmatch(text); m != nil && !newestWord.MatchString(text) && !isBroken(text) {
		offending := offendingPart(secondRequirement, m)
		return &refusedClause{offending: offending, problem: "begins a second requirement", advice: oneEach}
	}
	for _, r := range clauseRepairs {
		m := r.pattern.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		refused := &refusedClause{offending: offendingPart(r.pattern, m), problem: r.problem}
		if r.repair != nil {
			repaired := r.repair(m)
			refused.repaired = &repaired
		}
		return refused
	}
	return &refusedClause{offending: strings.TrimLeft(text, "=<>!~^ "), problem: "is not a version as PEP 440 has it"}
}

// maxRepairs is how often a text is repaired: a repair can uncover the next fault ("(=1.0 <2)").
const maxRepairs = 4

// repairSpecifier repairs every clause it can, and is not ok unless the outcome is a specifier.
func repairSpecifier(text string) (string, bool) {
	for range maxRepairs {
		if _, refused := matchSpecifier(text); refused == nil {
			return strings.TrimSpace(text), true
		}
		repaired, ok := repairClauses(text)
		if !ok {
			return "", false
		}
		text = repaired
	}
	return "", false
}

// refusedClauses are those that are none.
func refusedClauses(specifier string) []*refusedClause {
	var refused []*refusedClause
	parts := strings.Split(strings.TrimSuffix(specifier, ","), ",")
	for _, part := range parts {
		if _, r := parseClause(strings.TrimSpace(part), len(parts) == 1); r != nil {
			refused = append(refused, r)
		}
	}
	return refused
}

// repairClauses replaces each refused clause by what it should have been. It is not ok where that is not known.
func repairClauses(text string) (string, bool) {
	parts := strings.Split(text, ",")
	kept := parts[:0]
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if _, err := parseClause(part, len(parts) == 1); err != nil {
			if err.repaired == nil {
				return "", false
			}
			part = *err.repaired
		}
		if part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ","), true
}

// caret is what "^" means elsewhere: up to the next change of the first number that is not zero.
func caret(text string) string {
	version, err := pep440.Parse(strings.TrimSpace(text))
	if err != nil {
		return ">=" + text
	}
	release := version.Release()
	n := slices.IndexFunc(release, func(number string) bool { return number != "0" }) + 1
	if n == 0 {
		n = len(release)
	}
	return ">=" + version.Public().String() + ",<" + version.Next(n).String()
}

// tilde is PEP 440's way of saying what "~" and "~>" say elsewhere.
func tilde(text string) string {
	version, err := pep440.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return "~=" + text
	case len(version.Release()) < 2:
		return compatible(version)
	}
	return "~=" + version.Public().String()
}

// withoutWildcard says with an ordinary comparison what one with ".*" was meant to say.
func withoutWildcard(operator string, version pep440.Version) string {
	public, next := version.Public().String(), version.Next(len(version.Release())).String()
	switch operator {
	case "~=", "===":
		return "==" + public + ".*"
	case ">":
		return ">=" + next
	case "<=":
		return "<" + next
	}
	return operator + public
}

// secondClause finds where a comparison starts that should have a comma before it.
var secondClause = regexp.MustCompile(`([0-9A-Za-z*]) *([=<>!~^])`)

// commas puts the commas between comparisons.
func commas(m []string) string { return secondClause.ReplaceAllString(m[0], "$1,$2") }

// prefixed is a repair that puts another operator before the second submatch.
func prefixed(operator string) func([]string) string {
	return func(m []string) string { return operator + strings.TrimSpace(m[2]) }
}

// first is a repair that keeps nothing but the first submatch.
func first(m []string) string { return m[1] }

// orEquals is the operator, or "==" for none.
func orEquals(operator string) string {
	if operator == "" {
		return "=="
	}
	return operator
}
