package requirement

import (
	"errors"
	"regexp"
	"strings"
)

// bestKnown are packages of Debian whose names do not pass, with those that bring them.
var bestKnown = map[string]string{"g++": "build-essential", "libstdc++6": "build-essential", "libstdc++-dev": "build-essential"}

// ownVersion says which version a name alone means to apt.
const ownVersion = "which is the version that the base image's distribution has"

// checkAptToken holds a token against Debian's rules for names and versions.
func checkAptToken(token string) (problem string, p proposal) {
	apt := rulesOf[PackageTypeApt]
	name, version, found := strings.Cut(token, "=")
	switch {
	case strings.HasPrefix(version, "="):
		return `has "==", where apt-get takes one "="`, proposal{text: name + "=" + strings.TrimLeft(version, "=")}
	case strings.Contains(name, "::"):
		return "has a channel, which is conda's", proposal{}
	case len(name) > maxName || !apt.name.MatchString(name):
		if lower := strings.ToLower(name); apt.name.MatchString(lower) {
			return "has upper case letters, which no package of Debian has", proposal{text: lower + token[len(name):]}
		}
		return "is not the name of a package of Debian: " + apt.nameWords, proposal{}
	case found && !apt.version.MatchString(version):
		return "is not name=version, with " + apt.versionWords, proposal{name, []string{ownVersion}}
	}
	return "", proposal{}
}

// checkCondaToken holds a token against conda's match specifications.
func checkCondaToken(token string) (problem string, p proposal) {
	spec, err := ParseCondaSpec(token)
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Problem, proposal{text: suggestedText(refused.Suggestion)}
	}
	if spec.Namespace != "" && spec.Channel == "" {
		return `has one ":", where two stand between a channel and a package`, proposal{text: spec.Namespace + "::" + strings.TrimPrefix(token, spec.Namespace+":")}
	}
	return "", proposal{}
}

// suggestedText is the text that a suggestion says to write, if it is simple.
func suggestedText(suggestion string) string {
	text, ok := strings.CutPrefix(suggestion, `write "`)
	if !ok || !strings.HasSuffix(text, `"`) {
		return ""
	}
	return strings.TrimSuffix(text, `"`)
}

// pipToken is what pip takes of what passes: a name, or an exact version.
var pipToken = regexp.MustCompile(`^(` + identifier + `)(?:(===?)([^=]+))?$`)

// checkPipToken holds a token against PEP 508 and PEP 440.
func checkPipToken(token string) (problem string, p proposal) {
	if channel, rest, found := strings.Cut(token, "::"); found && channel != "" {
		return "has a channel, which is conda's", proposal{strings.Replace(rest, "=", "==", 1), []string{"without the channel " + quote(channel)}}
	}
	m := pipToken.FindStringSubmatch(token)
	if m == nil {
		if name, version, found := strings.Cut(token, "="); found && name != "" && version != "" && !strings.Contains(version, "=") {
			return `has one "=", where pip takes "=="`, proposal{text: name + "==" + version}
		}
		return "is neither a name nor name==version, as pip takes them", proposal{}
	}
	if _, ok := matchPipName(m[1]); !ok || m[2] == "" && archivePattern.MatchString(m[1]) {
		return "is not the name of a package on a Python package index", proposal{}
	}
	if m[2] == "" {
		return "", proposal{}
	}
	if _, refused := matchSpecifier(m[2] + m[3]); refused != nil {
		return "has a version that is none as PEP 440 has it", proposal{m[1], []string{"which is the newest version"}}
	}
	return "", proposal{}
}
