package requirement

import (
	"errors"
	"regexp"
	"strings"
)

// bestKnown are packages of Debian whose names do not pass, with those that bring them.
var bestKnown = map[string]string{"g++": "build-essential", "libstdc++6": "build-essential", "libstdc++-dev": "build-essential"}

// checkAptToken holds a token against Debian's rules for names and versions.
func checkAptToken(token string) (problem, proposal string) {
	apt := rulesOf[PackageTypeApt]
	name, version, found := strings.Cut(token, "=")
	switch {
	case strings.HasPrefix(version, "="):
		return `has "==", where apt-get takes one "="`, name + "=" + strings.TrimLeft(version, "=")
	case strings.Contains(name, "::"):
		return "has a channel, which is conda's", ""
	case len(name) > maxName || !apt.name.MatchString(name):
		if lower := strings.ToLower(name); apt.name.MatchString(lower) {
			return "has upper case letters, which no package of Debian has", lower + token[len(name):]
		}
		return "is not the name of a package of Debian: " + apt.nameWords, ""
	case found && !apt.version.MatchString(version):
		return "is not name=version, with " + apt.versionWords, name
	}
	return "", ""
}

// proposeApt spells a token of apt so that it passes.
func proposeApt(token string) (proposal, meaning string) {
	if known, ok := bestKnown[token]; ok {
		return known, ", which brings it"
	}
	if name, _, found := strings.Cut(token, "/"); found {
		return name, " without the release"
	}
	if end := strings.IndexAny(token, "=<>~! "); end > 0 {
		return token[:end], ", which is the version that the base image's distribution has"
	}
	return "", ""
}

// checkCondaToken holds a token against conda's match specifications.
func checkCondaToken(token string) (problem, proposal string) {
	spec, err := ParseCondaSpec(token)
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Problem, suggestedText(refused.Suggestion)
	}
	if spec.Namespace != "" && spec.Channel == "" {
		return `has one ":", where two stand between a channel and a package`, spec.Namespace + "::" + strings.TrimPrefix(token, spec.Namespace+":")
	}
	return "", ""
}

// suggestedText is the text that a suggestion says to write, if it is simple.
func suggestedText(suggestion string) string {
	text, ok := strings.CutPrefix(suggestion, `write "`)
	if !ok || !strings.HasSuffix(text, `"`) {
		return ""
	}
	return strings.TrimSuffix(text, `"`)
}

// proposeConda spells a match specification so that it passes: what a range or a wild card says, as conda's "name=version", which takes any version that begins so.
func proposeConda(token string) (proposal, meaning string) {
	spec, ok := matchConda(token)
	if !ok {
		return "", ""
	}
	for key, field := range map[string]*string{"channel": &spec.Channel, "version": &spec.Version, "build": &spec.Build} {
		if value, set := spec.Attributes[key]; set && *field == "" {
			*field = value
		}
	}
	if version, valid := canonicalCondaVersion(strings.ReplaceAll(spec.Version, " ", ""), false); valid {
		spec.Version = version
	}
	version, meaning := passingCondaVersion(spec.Version)
	proposal = spec.Name + version
	if version != "" && spec.Build != "" && passing.MatchString(spec.Build) && !strings.ContainsAny(spec.Build, "=:") {
		proposal = spec.Name + "=" + strings.TrimLeft(version, "=") + "=" + spec.Build
	}
	if spec.Channel != "" && passing.MatchString(spec.Channel) && !strings.ContainsAny(spec.Channel, "=:") {
		proposal = spec.Channel + "::" + proposal
	}
	return proposal, meaning
}

// condaLowest is a comparison that names a version to begin with.
var condaLowest = regexp.MustCompile(`^(==|=|>=|~=)([0-9A-Za-z][0-9A-Za-z._]*?)(?:\.?\*)?$`)

// passingCondaVersion is the closest to a version that passes.
func passingCondaVersion(version string) (spelled, meaning string) {
	for clause := range strings.FieldsFuncSeq(version, func(r rune) bool { return r == ',' || r == '|' }) {
		m := condaLowest.FindStringSubmatch(clause)
		if m == nil || strings.HasSuffix(m[2], ".") {
			continue
		}
		operator, lowest := m[1], m[2]
		switch {
		case operator == "==" && clause == version:
			return version, ""
		case operator == "~=" && strings.Contains(lowest, "."):
			lowest = lowest[:strings.LastIndexByte(lowest, '.')]
		}
		return "=" + lowest, ", which is any " + lowest + " version"
	}
	if version == "" {
		return "", ""
	}
	return "", ", which is the newest version"
}

var (
	// pipToken is what pip takes of what passes: a name, or an exact version.
	pipToken = regexp.MustCompile(`^(` + identifier + `)(?:(===?)([^=]+))?$`)
	// pipLoose is a requirement with more than passes.
	pipLoose = regexp.MustCompile(`^(` + identifier + `)(?:\[[^\]]*\])?(?:(===?|~=|>=|<=|!=|<|>)([0-9][0-9A-Za-z.!_-]*?)(?:\.\*|\*)?(?:\+[^,;]*)?((?:,[^;]*)?))?(?:;.*)?$`)
)

// checkPipToken holds a token against PEP 508 and PEP 440.
func checkPipToken(token string) (problem, proposal string) {
	if channel, rest, found := strings.Cut(token, "::"); found && channel != "" {
		return "has a channel, which is conda's", strings.Replace(rest, "=", "==", 1)
	}
	m := pipToken.FindStringSubmatch(token)
	if m == nil {
		if name, version, found := strings.Cut(token, "="); found && name != "" && version != "" && !strings.Contains(version, "=") {
			return `has one "=", where pip takes "=="`, name + "==" + version
		}
		return "is neither a name nor name==version, as pip takes them", ""
	}
	if _, ok := matchPipName(m[1]); !ok || m[2] == "" && archivePattern.MatchString(m[1]) {
		return "is not the name of a package on a Python package index", ""
	}
	if m[2] == "" {
		return "", ""
	}
	if _, refused := matchSpecifier(m[2] + m[3]); refused != nil {
		return "has a version that is none as PEP 440 has it", m[1]
	}
	return "", ""
}

// proposePip spells a requirement so that it passes: pip takes exact versions only then, or the newest.
func proposePip(token string) (proposal, meaning string) {
	m := pipLoose.FindStringSubmatch(strings.ReplaceAll(token, " ", ""))
	if m == nil {
		return "", ""
	}
	name, operator, version := m[1], m[2], m[3]
	switch {
	case operator == "", operator == ">=" && m[4] == "":
		return name, ", which is the newest version"
	case operator == "<", operator == ">", operator == "!=":
		return name, ", which is the newest version, or an exact one"
	}
	return name + "==" + version, " for exactly that version"
}
