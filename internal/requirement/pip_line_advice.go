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
	// suggest returns the suggestion, given the submatches.
	suggest func(m []string) string
}

const (
	fromIndex  = "distributions are installed from a package index, by version"
	publishIt  = "publish the distribution in an index and write its name"
	inConfig   = "config of pip in the provider's embedded_registry"
	isTheirs   = "tells where pip finds distributions, which is a setting of the provider for all of its images"
	repository = "is the address of a repository of source code; " + fromIndex
)

// variable is what pip replaces by the value of an environment variable.
var variable = regexp.MustCompile(`\$\{[A-Z0-9_]+\}`)

// diagnoseVariable says what to do about such a variable, if the text has one.
func diagnoseVariable(line, text string) *Error {
	found := variable.FindString(text)
	if found == "" {
		return nil
	}
	return newError(FieldPip, line, found, "is a variable of pip's environment, which is not at hand here",
		"put its value into the text first")
}

// lineDiagnoses are tried in this order.
var lineDiagnoses = []lineDiagnosis{
	{
		regexp.MustCompile(`^(?P<bad>-i|--index-url|--extra-index-url|--pypi-url)(?:[\s=]|$)`), isTheirs,
		constant("leave the line out, and set index_url or extra_index_urls of pip in the provider's embedded_registry; " +
			"images that need another index are made by an aliased provider, and on a platform its administrator sets the index"),
	},
	{
		regexp.MustCompile(`^(?P<bad>-f|--find-links|--no-index|--trusted-host)(?:[\s=]|$)`), isTheirs,
		func(m []string) string {
			option := strings.TrimLeft(strings.Replace(m[1], "-f", "--find-links", 1), "-")
			return "leave the line out, and set " + option + " in " + inConfig + "; on a platform, its administrator does"
		},
	},
	{
		regexp.MustCompile(`^(?P<bad>-r|--requirement)(?:[=\s]|$)`), "names another file, which cannot be part of a requirement",
		constant("read it with the function parse_pip_requirements"),
	},
	{
		regexp.MustCompile(`^(?P<bad>-c|--constraint)(?:[=\s]|$)`), "names constraints, which cannot be part of a requirement",
		constant("read them with the function parse_pip_requirements"),
	},
	{
		regexp.MustCompile(`^(?:-e|--editable)[\s=]*(?:` + identifier + `(?:\[[^\]]*\])? ?@ ?)?(?P<bad>(?:git|hg|svn|bzr)\+.*|git@.*)$`),
		repository, constant(publishIt),
	},
	{
		regexp.MustCompile(`^(?P<bad>-e|--editable)(?:[\s=]|$)`), "installs a directory, and an image has none; " + fromIndex,
		constant(publishIt),
	},
	{
		regexp.MustCompile(`^(?P<bad>--pre)$`), "makes pip take pre-releases of everything, which is no requirement",
		constant("leave the line out, and write pre = true in " + inConfig +
			", or ask for a pre-release where one is wanted, for example \"torch>=2.5.dev0\""),
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
		constant("leave the line out; what pip.conf can say may stand in " + inConfig),
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
	{
		regexp.MustCompile(`^(?P<bad>(?:git|hg|svn|bzr)\+[^;\s]*.*)$`), repository, constant(publishIt),
	},
	{
		regexp.MustCompile(`(?i)^(?P<bad>~?[^;@\s=<>!~]*(?:/|\\|\.(?:whl|zip|tar|tgz|tbz|txz|tlz|tar\.[a-z0-9]+)(?:$|[ ;\[])).*)$`),
		"is an address or a path; " + fromIndex, constant(publishIt),
	},
	{
		regexp.MustCompile(`^(?P<bad>[a-z][a-z0-9+.-]*://.*)$`), "is an address; " + fromIndex, constant(publishIt),
	},
}

// diagnoseAddress says what is wrong with the address of a direct reference ("name @ address").
func diagnoseAddress(address string) (problem, suggestion string) {
	scheme, _, _ := strings.Cut(address, ":")
	switch {
	case scheme == "file":
		return "is a file of the machine where the list was written, as pip freeze names what conda has built",
			"write the list with pip list --format=freeze, which gives name==version"
	case strings.Contains(scheme, "+"):
		return repository, "publish the distribution in an index and write its version"
	}
	return "is a direct reference; " + fromIndex, "publish the distribution in an index and write its version"
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
