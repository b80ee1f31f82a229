package requirement

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// CondaSpec is a match specification of conda: which builds of a package are meant.
//
// Its grammar, as the documents have it, is (channel(/subdir):(namespace):)name(version(build))[key1=value1,key2=value2].
type CondaSpec struct {
	// Channel is where the package comes from: a name or an address. Empty for those that conda is configured with.
	Channel string
	// Subdir is the platform's directory of the channel, such as "linux-64". Empty for the machine's own.
	Subdir string
	// Namespace is reserved by conda, and mostly empty.
	Namespace string
	// Name is in lower case, as conda has it.
	Name string
	// Version is comparisons without spaces, each with its operator: "==1.17.4" is that version, "=1.17" any that begins so. "," is and, "|" is or. Empty for any.
	Version string
	// Build is the text of the build, perhaps with "*". Empty for any.
	Build string
	// Attributes are what stands in brackets.
	Attributes map[string]string
}

const (
	condaName    = `[A-Za-z0-9_][A-Za-z0-9._-]*`
	condaVersion = `(?:==|=|!=|<=|>=|<|>|~=)? *[0-9A-Za-z*][0-9A-Za-z._+!*-]*`
)

var (
	condaBrackets  = regexp.MustCompile(`^([^\[\]]*)\[([^\[\]]*)\]$`)
	condaAttribute = regexp.MustCompile(`^[, ]*([a-z][a-z0-9_]*)=(?:"([^"]*)"|'([^']*)'|([^,\s'"]+))(?:$|[, ])`)
	condaBody      = regexp.MustCompile(`^(?:(?:([^\s:](?:[^\s]*[^\s:])?):)?([A-Za-z0-9._-]*):)?(` + condaName + `)([ =<>!~].*)?$`)
	condaSubdir    = regexp.MustCompile(`^(.+)/(noarch|[a-z]+-[a-z0-9]+)$`)
	condaRest      = regexp.MustCompile(`^ *(` + condaVersion + `(?: *[,|] *` + condaVersion + `)*)(?:(?: *=| +)([A-Za-z0-9_.*+-]+))?$`)
	condaClause    = regexp.MustCompile(`^(==|=|!=|<=|>=|<|>|~=)?([^=<>!~].*)$`)
)

// ParseCondaSpec validates a match specification and takes it apart. A refusal is an [*Error] about [FieldConda].
func ParseCondaSpec(text string) (CondaSpec, error) {
	spec, ok := matchConda(text)
	if !ok {
		return CondaSpec{}, diagnoseConda(text)
	}
	return spec, nil
}

// matchConda takes a match specification apart, if it is one.
func matchConda(text string) (spec CondaSpec, ok bool) {
	if len(text) > maxText {
		return CondaSpec{}, false
	}
	body := strings.Trim(text, " ")
	if m := condaBrackets.FindStringSubmatch(body); m != nil {
		if spec.Attributes, ok = condaAttributes(m[2]); !ok || unknownKey(spec.Attributes) != "" {
			return CondaSpec{}, false
		}
		body = strings.TrimRight(m[1], " ")
	}
	m := condaBody.FindStringSubmatch(body)
	if m == nil || len(m[3]) > maxName {
		return CondaSpec{}, false
	}
	spec.Channel, spec.Namespace, spec.Name = m[1], m[2], strings.ToLower(m[3])
	if spec.Channel == "" && spec.Namespace == "" && strings.Contains(body, ":") {
		return CondaSpec{}, false
	}
	if subdir := condaSubdir.FindStringSubmatch(spec.Channel); subdir != nil {
		spec.Channel, spec.Subdir = subdir[1], subdir[2]
	}
	if strings.Trim(m[4], " ") == "" {
		return spec, true
	}
	rest := condaRest.FindStringSubmatch(m[4])
	if rest == nil {
		return CondaSpec{}, false
	}
	spec.Build = rest[2]
	spec.Version, ok = canonicalCondaVersion(strings.ReplaceAll(rest[1], " ", ""), spec.Build != "")
	return spec, ok
}

// isConda tells whether a text is a match specification.
func isConda(text string) bool {
	_, ok := matchConda(text)
	return ok
}

// condaAttributes reads what stands in brackets.
func condaAttributes(text string) (attributes map[string]string, ok bool) {
	attributes = map[string]string{}
	for strings.Trim(text, ", ") != "" {
		m := condaAttribute.FindStringSubmatch(text)
		if m == nil {
			return nil, false
		}
		if _, twice := attributes[m[1]]; twice {
			return nil, false
		}
		attributes[m[1]] = m[2] + m[3] + m[4] // one of which matched
		text = text[len(m[0]):]
	}
	return attributes, len(attributes) > 0
}

// condaKeys are what may stand in brackets (conda's documentation, "Package match specifications").
var condaKeys = []string{
	"build", "build_number", "channel", "features", "fn", "license", "license_family", "md5", "name", "sha256", "subdir",
	"track_features", "url", "version",
}

// unknownKey is a key that conda does not know: it would restrict nothing. Empty for none.
func unknownKey(attributes map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		if !slices.Contains(condaKeys, key) {
			return key
		}
	}
	return ""
}

// canonicalCondaVersion gives each comparison its operator. Without one, a version stands for itself; so does one after a single "=" where a build follows.
func canonicalCondaVersion(text string, hasBuild bool) (string, bool) {
	var version strings.Builder
	for text != "" {
		end := strings.IndexAny(text, ",|")
		if end < 0 {
			end = len(text)
		}
		m := condaClause.FindStringSubmatch(text[:end])
		if m == nil {
			return "", false
		}
		operator := m[1]
		switch glob := strings.Contains(m[2], "*"); {
		case operator == "" && glob, operator == "==" && glob:
			operator = "="
		case operator == "", operator == "=" && hasBuild && !glob:
			operator = "=="
		}
		version.WriteString(operator + m[2])
		if text = text[end:]; text != "" {
			version.WriteByte(text[0])
			text = text[1:]
		}
	}
	return version.String(), true
}

// String is the specification in its one spelling, as conda takes it.
func (s CondaSpec) String() string {
	text := s.Name + s.Version
	if s.Build != "" {
		// Where a build follows, conda takes a version after one "=" for itself.
		text = s.Name + strings.Replace(s.Version, "==", "=", 1) + "=" + s.Build
	}
	channel := s.Channel
	if s.Subdir != "" {
		channel += "/" + s.Subdir
	}
	switch {
	case channel != "":
		text = channel + ":" + s.Namespace + ":" + text
	case s.Namespace != "":
		text = s.Namespace + ":" + text
	}
	if len(s.Attributes) == 0 {
		return text
	}
	pairs := make([]string, 0, len(s.Attributes))
	for _, key := range slices.Sorted(maps.Keys(s.Attributes)) {
		quotes := "'"
		if strings.Contains(s.Attributes[key], quotes) {
			quotes = `"`
		}
		pairs = append(pairs, key+"="+quotes+s.Attributes[key]+quotes)
	}
	return text + "[" + strings.Join(pairs, ",") + "]"
}

// condaExample is proposed where it cannot be told what was meant.
const condaExample = `write a package, for example "numpy" or "conda-forge::numpy=1.26"`

// condaMistakes are ways to get a specification wrong that have a better answer than the grammar.
var condaMistakes = []struct {
	pattern *regexp.Regexp
	problem string
	repair  func(m []string) string
}{
	{regexp.MustCompile(`^(.*?[^=])===([^=].*)$`), `has "===", which is pip's`, func(m []string) string { return m[1] + "==" + m[2] }},
	{regexp.MustCompile(`^(.*[^=<>!~ ]) *([=<>!~]+) *$`), "has no version behind its operator", first},
	{regexp.MustCompile(`^:+(.+)$`), "begins with a colon, before which a channel has to stand", first},
	{regexp.MustCompile(`^(.+?):+$`), "ends with a colon, after which a package has to stand", nil},
	{
		regexp.MustCompile(`^(?:-c|--channel)[ =]+([^\s:]+) +([^\s].*)$`), "begins with an option, which is not part of a specification",
		func(m []string) string { return m[1] + "::" + m[2] },
	},
	{regexp.MustCompile(`^- +(.+)$`), "begins an entry of a list in YAML", first},
	{regexp.MustCompile(`^(.*?) *#.*$`), "has a comment, which is no part of a specification", first},
	{regexp.MustCompile(`^(.*)=([<>].*)$`), `has an operator that conda does not know`, func(m []string) string { return m[1] + m[2][:1] + "=" + m[2][1:] }},
	{regexp.MustCompile(`^(.+?)[, ]*,[, ]*$`), "ends with a comma, after which a version has to stand", first},
	{regexp.MustCompile(`^([^ (]+) *\((.+)\)$`), "has parentheses, which conda does not know", func(m []string) string { return m[1] + " " + m[2] }},
	{
		regexp.MustCompile(`^([^=]+==?[^=]+?) *== *([^= ]+)$`), `has "==" before the build, where one "=" stands`,
		func(m []string) string { return m[1] + "=" + m[2] },
	},
	{regexp.MustCompile(`^(.+?) *\[ *\]$`), "has nothing in its brackets", first},
	{regexp.MustCompile(`^--?[A-Za-z][a-z-]*[ =]+([^ ]+)$`), "begins with an option, which is not part of a specification", first},
	{regexp.MustCompile(`^--?[A-Za-z]`), "begins with an option, which is not part of a specification", nil},
	{regexp.MustCompile(`^["'](.*)["']$`), "stands in quotes, which mean nothing here", first},
	{regexp.MustCompile(`^(.+?)@(.+)$`), `has an "@", which conda does not know`, func(m []string) string { return m[1] + "==" + m[2] }},
}

// diagnoseConda says what is wrong with a match specification that the grammar refused.
func diagnoseConda(text string) error {
	if strings.TrimSpace(text) == "" {
		return newError(FieldConda, text, "", "is empty", condaExample)
	}
	if err := diagnoseText(FieldConda, text, writeIf(isConda)); err != nil {
		return err
	}
	if m := condaBrackets.FindStringSubmatch(strings.Trim(text, " ")); m != nil {
		attributes, _ := condaAttributes(m[2])
		if key := unknownKey(attributes); key != "" {
			return newError(FieldConda, text, key, "is no key of a match specification", "write one of "+strings.Join(condaKeys, ", "))
		}
	}
	for _, mistake := range condaMistakes {
		m := mistake.pattern.FindStringSubmatch(strings.TrimSpace(text))
		if m == nil {
			continue
		}
		suggestion := condaExample
		if mistake.repair != nil {
			if repaired, ok := matchConda(mistake.repair(m)); ok {
				suggestion = write(repaired.String())
			}
		}
		return newError(FieldConda, text, "", mistake.problem, suggestion)
	}
	return newError(FieldConda, text, "", "is not a match specification of conda: (channel(/subdir):(namespace):)name(version(build))[key=value,…]", condaExample)
}
