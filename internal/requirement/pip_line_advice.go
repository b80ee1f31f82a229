package requirement

import (
	"regexp"
	"strings"
)

// lineDiagnosis recognises what pip or another tool takes for a line, and no image can have.
type lineDiagnosis struct {
	// pattern matches the line; its submatch "bad" is the part at fault.
	pattern *regexp.Regexp
	problem string
	// suggest returns the suggestion, given the submatches. Nil is for an address, of which [diagnoseAddress] speaks.
	suggest func(m []string) string
}

const (
	fromIndex = "distributions are installed from a package index, by version"
	publishIt = "publish the distribution in an index and write its name"
	isTheirs  = "tells where pip finds distributions, which is a setting of the provider for all of its images"
	isPath    = "is a path, and an image cannot have files of the machine that the list is from"
	nameIt    = "write the distribution's name before it: \"name @ address\""
)

// variable is what pip replaces by the value of an environment variable.
var variable = regexp.MustCompile(`\$\{[A-Z0-9_]+\}`)

// variableAdvice is what to do about it.
const variableAdvice = "read the file with templatefile, which puts values in such places, or write the value"

// diagnoseVariable says what to do about such a variable, if the text has one.
func diagnoseVariable(line, text string) *Error {
	found := variable.FindString(text)
	if found == "" {
		return nil
	}
	return newError(FieldPip, line, found, "is a variable of pip's environment, which is not at hand here",
		variableAdvice)
}

// lineDiagnoses are tried in this order.
var lineDiagnoses = []lineDiagnosis{
	{
		regexp.MustCompile(`^(?P<bad>-i|--index-url|--extra-index-url|--pypi-url)(?:[\s=]|$)`), isTheirs,
		constant("leave the line out, and set index_url or extra_index_urls of pip in the provider's embedded_registry; " +
			"images that need another index are made by an aliased provider, and on a platform its administrator sets the index"),
	},
	{
		regexp.MustCompile(`^(?P<bad>-f|--find-links)(?:[\s=]|$)`), isTheirs,
		constant("leave the line out, and set find-links in config of pip in the provider's embedded_registry; on a platform, its administrator does"),
	},
	{
		regexp.MustCompile(`^(?P<bad>--trusted-host)(?:[\s=]|$)`), "is a setting of the provider, and no requirement",
		constant("leave the line out"),
	},
	{
		regexp.MustCompile(`^(?P<bad>-r|--requirement)(?:[=\s]|$)`), "names another file, which cannot be part of a requirement",
		constant("read it with the function parse_pip_requirements or read_pip_file"),
	},
	{
		regexp.MustCompile(`^(?P<bad>-c|--constraint)(?:[=\s]|$)`), "names constraints, which cannot be part of a requirement",
		constant("write them to pip_constraints, or read them with the function read_pip_file"),
	},
	{
		regexp.MustCompile(`^(?:-e|--editable)[\s=]+(?:` + identifier + `(?:\[[^\]]*\])? ?@ ?)?` +
			`(?P<bad>(?:(?:git|hg|svn|bzr)\+|git@|(?:ssh|git|https?)://).*)$`),
		"", nil,
	},
	{
		regexp.MustCompile(`^(?P<bad>-e|--editable)(?:[\s=]|$)`), "installs a directory, and an image has none; " + fromIndex,
		constant(publishIt),
	},
	{
		regexp.MustCompile(`^(?P<bad>--hash)\b`), "fixes the archive of the line before it, which does not end in a backslash", constant(hashAdvice),
	},
	{
		regexp.MustCompile(`^(?P<bad>-) (.+)$`), "begins an entry of a list in YAML",
		func(m []string) string { return suggestPip(m[2]) },
	},
	{
		regexp.MustCompile(`^(?P<bad>-[^\s=]*)`), "is an option of pip, not a requirement",
		constant("leave the line out"),
	},
	{
		regexp.MustCompile("^(?P<bad>\"|'|`)(.*)[\"'`],?$"), "is a quotation mark; the requirement stands in quotes",
		func(m []string) string { return suggestPip(m[2]) },
	},
	{
		// Without white space before it, it may be the end of an address.
		regexp.MustCompile(`^(?:(.*?)(?:^| )|([^:/@#]*))(?P<bad>#.*)$`), "is a comment, which is no part of a requirement",
		func(m []string) string { return suggestPip(m[1] + m[2]) },
	},
	{
		regexp.MustCompile(`^(?P<bad>[A-Za-z_-]+:)(?: [^/].*)?$`), "is a key of a YAML file, such as environment.yml",
		constant("read such a file with yamldecode, and take its list of requirements"),
	},
	{
		regexp.MustCompile(`^(?P<bad>\[+[A-Za-z][A-Za-z0-9_. -]*\]+)$`), "is a table of a TOML file, such as pyproject.toml",
		constant("pass a requirements file: uv pip compile pyproject.toml writes one"),
	},
	{regexp.MustCompile(`^(?P<bad>\.{1,2}(?:\[[^\]]*\])?)$`), "is a path; " + fromIndex, constant(publishIt)},
	{regexp.MustCompile(`^(?P<bad>(?:(?:git|hg|svn|bzr)\+|git@|[A-Za-z][A-Za-z0-9+.-]*://).*)$`), "", nil},
	{
		regexp.MustCompile(`(?i)^(?P<bad>~?[^;@\s=<>!~]*(?:/|\\|\.(?:whl|zip|tar|tgz|tbz|txz|tlz|tar\.[a-z0-9]+)(?:$|[ ;\[])).*)$`),
		"is an address or a path; " + fromIndex, constant(publishIt),
	},
}

// diagnose says what is wrong with what was matched. A diagnosis without a suggestion is one of an address.
func (d lineDiagnosis) diagnose(line string, m []string) *Error {
	part := offendingPart(d.pattern, m)
	if d.suggest != nil {
		return newError(FieldPip, line, part, d.problem, d.suggest(m))
	}
	if rest := editable.ReplaceAllString(line, ""); rest != line && isPip(rest) {
		return newError(FieldPip, line, strings.Trim(editable.FindString(line), "= "), "is an option of pip, which an image has no use for", "leave it out")
	}
	part, _ = cutMarker(part)
	problem, suggestion := diagnoseAddress(part)
	return newError(FieldPip, line, part, problem, suggestion)
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
