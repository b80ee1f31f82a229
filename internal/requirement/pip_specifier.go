package requirement

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"
)

// operators are PEP 440's, in the order the canonical form has them: what fixes a version, what bounds it from below, from above, what excludes.
var operators = []string{"===", "==", "~=", ">=", ">", "<=", "<", "!="}

// clause is one comparison of a specifier set.
type clause struct {
	operator string
	// version is the version compared with, without the ".*".
	version pep440.Version
	// prefix is set for "==1.2.*" and "!=1.2.*".
	prefix bool
	// arbitrary is set for "===" with a text that is no version.
	arbitrary bool
	// text is the canonical clause.
	text string
}

// clausePattern takes an operator, blanks, a version and ".*", each optional but the version. The characters of the version are
// all that PEP 440 knows; whether it is one is the library's to say.
var clausePattern = regexp.MustCompile(`^(===|==|~=|!=|<=|>=|<|>|) *([A-Za-z0-9](?:[A-Za-z0-9.!+_-]*[A-Za-z0-9])?)(\.\*)?$`)

// matchSpecifier is the clauses of a specifier set, each once and in canonical order, or the first that is none.
func matchSpecifier(text string) ([]clause, *refusedClause) {
	trimmed := strings.Trim(text, " ")
	switch {
	case trimmed == "":
		return nil, nil
	case len(text) > maxText:
		return nil, &refusedClause{offending: text, problem: "is too long"}
	}
	// pip takes a comma at the end.
	parts := strings.Split(strings.TrimSuffix(trimmed, ","), ",")
	clauses := make([]clause, 0, len(parts))
	for _, part := range parts {
		c, refused := parseClause(strings.Trim(part, " "), len(parts) == 1)
		if refused != nil {
			return nil, refused
		}
		clauses = append(clauses, c)
	}
	return sortClauses(clauses), nil
}

// sortClauses brings clauses into canonical order, each once.
func sortClauses(clauses []clause) []clause {
	slices.SortFunc(clauses, func(a, b clause) int {
		return cmp.Or(
			cmp.Compare(slices.Index(operators, a.operator), slices.Index(operators, b.operator)),
			strings.Compare(a.text, b.text),
		)
	})
	return slices.CompactFunc(clauses, func(a, b clause) bool { return a.text == b.text })
}

// joinClauses is the specifier set that the clauses make.
func joinClauses(clauses []clause) string {
	texts := make([]string, len(clauses))
	for i, c := range clauses {
		texts[i] = c.text
	}
	return strings.Join(texts, ",")
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
func parseClause(text string, alone bool) (clause, *refusedClause) {
	m := clausePattern.FindStringSubmatch(text)
	if m == nil {
		return clause{}, diagnoseClause(text)
	}
	operator, versionText, prefix := m[1], m[2], m[3] != ""
	version, err := pep440.Parse(versionText)
	switch {
	case err != nil && operator == "===" && !prefix: // It compares texts, whatever they say.
		return clause{operator: operator, arbitrary: true, text: operator + strings.ToLower(versionText)}, nil
	case err != nil:
		return clause{}, diagnoseClause(text)
	}
	switch {
	case operator == "" && !alone: // "1,2" may be anything, a decimal comma for one.
		return clause{}, &refusedClause{offending: text, problem: "has no operator, without which a version has to stand alone"}
	case operator == "" && prefix:
		return clause{}, refuse(text, "has no operator", "=="+text)
	case operator == "":
		operator = "=="
	}
	if err := checkClause(text, operator, version, prefix); err != nil {
		return clause{}, err
	}
	c := clause{operator: operator, version: version, prefix: prefix}
	c.text = operator + canonicalVersion(operator, versionText, version, prefix)
	return c, nil
}

// checkClause holds a clause against PEP 440's rules on which version goes with which operator.
func checkClause(text, operator string, version pep440.Version, prefix bool) *refusedClause {
	equality := operator == "==" || operator == "!="
	switch {
	case prefix && !equality:
		return refuse(text, fmt.Sprintf("has \".*\", which goes with \"==\" and \"!=\" only, not with %q", operator),
			withoutWildcard(operator, version))
	case prefix && version.String() != version.BaseVersion():
		// PEP 440's text would allow some of it, pip allows none.
		return refuse(text, "has \".*\" after more than release numbers", operator+version.BaseVersion()+".*")
	case operator == "~=" && len(release(version).numbers) < 2:
		return refuse(text, "has one release segment where \"~=\" needs two", release(version).compatible(version))
	case version.Local() != "" && !equality && operator != "===":
		return refuse(text, fmt.Sprintf("has a local version (\"+%s\"), which goes with \"==\" and \"!=\" only, not with %q",
			version.Local(), operator), operator+version.Public())
	}
	return nil
}

// canonicalVersion is the version of a clause in PEP 440's normal form. Zeros at the end of the release mean nothing where versions
// are compared by value (1.0 == 1), but everything where their number is the meaning: "~=1.0" is ">=1,==1.*" and
// "~=1.0.0" is ">=1,==1.0.*"; "==1.0.*" excludes 1.1 and "==1.*" does not; "===" compares text.
func canonicalVersion(operator, text string, version pep440.Version, prefix bool) string {
	if operator == "===" {
		return strings.ToLower(text)
	}
	normal, base := normalVersion(version), version.BaseVersion()
	switch {
	case prefix:
		return base + ".*"
	case operator == "~=":
		return normal
	}
	return trimZeros(base) + strings.TrimPrefix(normal, base)
}

// trimZeros removes the zero segments at the end of a release, but not the only one.
func trimZeros(base string) string {
	for strings.HasSuffix(base, ".0") {
		base = strings.TrimSuffix(base, ".0")
	}
	return base
}

// normalVersion is PEP 440's normal form. The library leaves local versions alone but for their case.
func normalVersion(version pep440.Version) string {
	local := version.Local()
	if local == "" {
		return version.String()
	}
	segments := separatorPattern.Split(local, -1)
	for i, segment := range segments {
		if strings.Trim(segment, "0123456789") == "" {
			segments[i] = cmp.Or(strings.TrimLeft(segment, "0"), "0")
		}
	}
	return version.Public() + "+" + strings.Join(segments, ".")
}

// releaseSegments is the release part of a version, which the library does not give out.
type releaseSegments struct {
	// epoch is "1!" or empty.
	epoch   string
	numbers []uint64
}

// release takes the release out of a version.
func release(version pep440.Version) releaseSegments {
	var segments releaseSegments
	base := version.BaseVersion()
	if epoch, rest, found := strings.Cut(base, "!"); found {
		segments.epoch, base = epoch+"!", rest
	}
	for part := range strings.SplitSeq(base, ".") {
		// The library has made the text from uint64s, so that this cannot fail.
		number, _ := strconv.ParseUint(part, 10, 64)
		segments.numbers = append(segments.numbers, number)
	}
	return segments
}

// compatible repairs "~=1": two segments with the same meaning as one was thought to have.
func (s releaseSegments) compatible(version pep440.Version) string {
	return "~=" + version.BaseVersion() + ".0" + strings.TrimPrefix(version.Public(), version.BaseVersion())
}

// next is the release whose last of the first n numbers is one higher: the first that does not start with them.
// It is not ok where the number is the highest there is.
func (s releaseSegments) next(n int) (text string, ok bool) {
	numbers := slices.Clone(s.numbers[:n])
	numbers[n-1]++
	if numbers[n-1] == 0 {
		return "", false
	}
	return s.epoch + joinNumbers(numbers), true
}

// joinNumbers is the text of a release.
func joinNumbers(numbers []uint64) string {
	texts := make([]string, len(numbers))
	for i, number := range numbers {
		texts[i] = strconv.FormatUint(number, 10)
	}
	return strings.Join(texts, ".")
}
