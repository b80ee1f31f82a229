package requirement

import (
	"fmt"
	"regexp"
	"strings"
)

// nameDiagnosis recognises one way to get a name wrong.
type nameDiagnosis struct {
	// pattern matches the text, blanks around it removed; its submatch "bad" is the part at fault.
	pattern *regexp.Regexp
	problem string
	// suggest returns the suggestion, given the submatches.
	suggest func(m []string) string
}

// pipNameDiagnoses are tried in this order: a URL may hold what looks like a version, a marker or comment may hold anything.
var pipNameDiagnoses = []nameDiagnosis{
	{
		regexp.MustCompile(`^(?P<bad>(?:-e|--editable)\b.*)$`),
		"asks for an editable install, which needs a source tree inside the image",
		constant("publish the project to a package index and write its name"),
	},
	{
		regexp.MustCompile(`^(?P<bad>-.*)$`),
		"is an option of pip, not a requirement",
		constant("write the name of a distribution; package indexes are configured in the provider"),
	},
	{
		regexp.MustCompile(`^(` + identifier + `(?:\[[^\]]*\])?)(?P<bad>(?: +|@)v?[0-9][0-9A-Za-z.]*)$`),
		"is a version, which has an attribute of its own",
		func(m []string) string { return suggestName(m[1] + "==" + strings.TrimLeft(m[2], " @")) },
	},
	{
		regexp.MustCompile(`^(` + identifier + `(?:\[[^\]]*\])?) *(?P<bad>@.*)$`),
		"is a direct reference; distributions are installed from a package index",
		func(m []string) string { return write(m[1]) },
	},
	{
		regexp.MustCompile(`^([^;#:/\\]*?) *(?P<bad>[;#].*)$`),
		"is not part of a name; the image has one Python version and one platform, so environment markers and comments have no meaning here",
		func(m []string) string { return suggestName(m[1]) },
	},
	{
		regexp.MustCompile(`(?P<bad>[A-Za-z][A-Za-z0-9+.-]*:.*)$`),
		"is a URL; distributions are installed from a package index",
		constant("publish the distribution to a package index and write its name"),
	},
	{
		regexp.MustCompile(`(?i)^(?P<bad>.*[/\\].*|.*\.(?:whl|zip|tar|tgz|tar\.(?:gz|bz2|xz)))$`),
		"is a path; distributions are installed from a package index",
		constant("publish the distribution to a package index and write its name"),
	},
	{
		regexp.MustCompile(`^(` + identifier + `(?:\[[^\]]*\])?) *\(? *(?P<bad>[=<>!~^].*?)\)?$`),
		"is a version specifier, which has an attribute of its own",
		func(m []string) string { return suggestName(m[0]) },
	},
	{
		regexp.MustCompile(`^[^\[,]+(?:\[[^\]]*\])?(?P<bad> *,).*$`),
		"separates several names",
		constant("write one requirement for each"),
	},
	{
		regexp.MustCompile(`^[^\[\]]*(?P<bad>\[.*|\].*)$`),
		"is not a list of extras",
		func(m []string) string { return suggestExtras(m[0]) },
	},
	{
		regexp.MustCompile(`^[A-Za-z0-9._-]+(?P<bad> +)[A-Za-z0-9._ -]+$`),
		"is white space inside the name",
		func(m []string) string { return suggestName(strings.Join(strings.Fields(m[0]), "-")) },
	},
	{
		regexp.MustCompile(`^(?:(?P<bad>[._-]+)[A-Za-z0-9].*|.*[A-Za-z0-9](?P<bad>[._-]+))$`),
		"is at an end of the name, where only a letter or a digit may be",
		func(m []string) string { return suggestName(strings.Trim(m[0], "._-")) },
	},
}

// diagnosePipName says what is wrong with a name that the grammar refused.
func diagnosePipName(text string) error {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return newError(FieldName, text, "", "is empty", "write the name of a distribution, for example \"numpy\"")
	}
	if err := diagnoseText(FieldName, text); err != nil {
		return err
	}
	if pipNamePattern.MatchString(text) && !archivePattern.MatchString(text) {
		return newError(FieldName, text, "", fmt.Sprintf("has a name or an extra longer than %d bytes", maxName), "")
	}
	for _, d := range pipNameDiagnoses {
		if m := d.pattern.FindStringSubmatch(trimmed); m != nil {
			return newError(FieldName, text, offendingPart(d.pattern, m), d.problem, d.suggest(m))
		}
	}
	if trimmed != text {
		return newError(FieldName, text, "", "has white space around it", suggestName(trimmed))
	}
	bad := firstNotIn(text, func(r rune) bool { return isAlnum(r) || strings.ContainsRune("._-", r) })
	return newError(FieldName, text, bad,
		"cannot be in a name, which is made of letters, digits and single \".\", \"-\" or \"_\" between them", "")
}

// nameAndSpecifier splits a line of a requirements file; the specifier may be anything.
var nameAndSpecifier = regexp.MustCompile(`^(` + identifier + `(?:\[[^\]]*\])?) *\(?([=<>!~^].*?)?\)?$`)

// suggestName proposes a name, and with it the specifier that was written into it.
func suggestName(text string) string {
	m := nameAndSpecifier.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return ""
	}
	name, ok := matchPipName(strings.ReplaceAll(m[1], " ", ""))
	switch {
	case !ok:
		return ""
	case m[2] == "":
		return write(name)
	}
	suggestion := fmt.Sprintf("write name = %q and version_specifier = ", name)
	if clauses, refused := matchSpecifier(m[2]); refused == nil {
		return suggestion + fmt.Sprintf("%q", joinClauses(clauses))
	}
	if repaired, ok := repairSpecifier(m[2]); ok {
		return suggestion + fmt.Sprintf("%q", repaired)
	}
	return fmt.Sprintf("write name = %q and the version in version_specifier", name)
}

// suggestExtras proposes the extras without the blanks PEP 508 would allow between them.
func suggestExtras(text string) string {
	if name, ok := matchPipName(strings.ReplaceAll(text, " ", "")); ok {
		return write(name)
	}
	return "write extras as in \"uvicorn[standard,extra]\""
}

// constant is a suggestion that does not depend on the text.
func constant(suggestion string) func([]string) string {
	return func([]string) string { return suggestion }
}

// offendingPart is the first submatch "bad" that took part in the match.
func offendingPart(pattern *regexp.Regexp, m []string) string {
	for i, group := range pattern.SubexpNames() {
		if group == "bad" && m[i] != "" {
			return m[i]
		}
	}
	return ""
}
