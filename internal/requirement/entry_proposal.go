package requirement

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// proposal is a spelling that passes, and how its meaning differs from what was written: nothing changes in silence.
type proposal struct {
	text string
	// remarks go on after the text: "which is …", "without …".
	remarks []string
}

func (p *proposal) say(format string, arguments ...any) {
	p.remarks = append(p.remarks, fmt.Sprintf(format, arguments...))
}

// remark is what follows the text in a suggestion.
func (p *proposal) remark() string {
	var all strings.Builder
	for _, remark := range p.remarks {
		all.WriteString(", " + remark)
	}
	return all.String()
}

// newest says what a name alone means where comparisons were written. It is the same whatever their order.
func (p *proposal) newest(comparisons string, onlyFromBelow bool, pinned string) {
	if onlyFromBelow {
		p.say("which is the newest version")
		return
	}
	p.say("which is the newest version and need not meet %q, or write %s with one exact version that meets it", comparisons, pinned)
}

// proposeApt spells a token of apt so that it passes.
func proposeApt(token string) proposal {
	if known, ok := bestKnown[token]; ok {
		return proposal{known, []string{"which brings it"}}
	}
	if name, release, found := strings.Cut(token, "/"); found {
		return proposal{name, []string{fmt.Sprintf("without the release %q, which the sources of the base image decide", release)}}
	}
	if end := strings.IndexAny(token, "=<>~!( "); end > 0 {
		return proposal{token[:end], []string{ownVersion}}
	}
	return proposal{}
}

// proposePip spells a requirement so that it passes: pip takes exact versions only then, or the newest.
func proposePip(token string) proposal {
	text, marker, _ := strings.Cut(token, ";")
	m := pipPattern.FindStringSubmatch(text)
	if _, ok := matchPip(text); !ok {
		return proposal{}
	}
	name, extras, specifier := m[1], m[2], strings.Trim(m[3]+m[4], " ")
	p := proposal{text: name}
	comparisons, _ := matchSpecifier(specifier)
	clauses := comparisons.Clauses()
	exact := len(clauses) == 1 && clauses[0].Operator() == "==" && !clauses[0].Wildcard()
	version, local, hasLocal := strings.Cut(strings.Trim(specifier, "=, "), "+")
	switch {
	case exact && passing.MatchString(version):
		p.text += "==" + version
		if hasLocal {
			p.say("without the local version %q, so that the index decides which build it is", "+"+local)
		}
	case len(clauses) == 0:
		p.say("which is the newest version")
	default:
		p.newest(comparisons.String(), fromBelow(clauses), "name==version")
	}
	if strings.Trim(extras, "[] ") != "" {
		p.say("without the extras %s, whose packages are then entries of their own", extras)
	}
	if strings.TrimSpace(marker) != "" {
		p.say("if the marker holds for the image")
	}
	return p
}

// fromBelow tells that the newest version meets all comparisons, if any version does.
func fromBelow(clauses []pep440.Clause) bool {
	return !slices.ContainsFunc(clauses, func(c pep440.Clause) bool { return c.Operator() != ">=" && c.Operator() != ">" })
}

// proposeConda spells a match specification so that it passes.
func proposeConda(token string) proposal {
	spec, ok := matchConda(token)
	if !ok {
		return proposal{}
	}
	lost := takeAttributes(&spec)
	p := proposal{}
	version := p.condaVersion(spec.Version)
	p.text = spec.Name + version
	switch bare := strings.TrimLeft(version, "="); {
	case spec.Build == "":
	case version != "" && passing.MatchString(spec.Build) && !strings.ContainsAny(spec.Build, "=:"):
		p.text = spec.Name + "=" + bare + "=" + spec.Build
		if len(p.remarks) > 0 {
			p.remarks = []string{"which is version " + bare + " alone"} // as conda has it where a build follows
		}
	default:
		p.say("without the build %q", spec.Build)
	}
	switch {
	case spec.Channel == "":
	case passing.MatchString(spec.Channel) && !strings.ContainsAny(spec.Channel, "=:"):
		p.text = spec.Channel + "::" + p.text
	default:
		p.say("without the channel %q, which PrimeHub cannot pass on: the base image's .condarc can name it", spec.Channel)
	}
	if spec.Subdir != "" {
		p.say("without the subdir %q", spec.Subdir)
	}
	if spec.Namespace != "" {
		p.say("without the namespace %q", spec.Namespace)
	}
	for _, key := range lost {
		p.say("without %s", key)
	}
	return p
}

// takeAttributes moves what brackets say into the fields that say the same, and tells the keys that have none.
func takeAttributes(s *CondaSpec) (lost []string) {
	fields := map[string]*string{"channel": &s.Channel, "subdir": &s.Subdir, "version": &s.Version, "build": &s.Build}
	for _, key := range slices.Sorted(maps.Keys(s.Attributes)) {
		field, known := fields[key]
		switch value := s.Attributes[key]; {
		case !known, *field != "" && *field != value:
			lost = append(lost, key)
		default:
			*field = value
		}
	}
	if subdir := condaSubdir.FindStringSubmatch(s.Channel); subdir != nil {
		s.Channel, s.Subdir = subdir[1], subdir[2]
	}
	if version, valid := canonicalCondaVersion(strings.ReplaceAll(s.Version, " ", ""), false); valid {
		s.Version = version
	}
	return lost
}

// condaBegin is a comparison that says how a version begins.
var condaBegin = regexp.MustCompile(`^(=|~=)([0-9A-Za-z][0-9A-Za-z._]*?)(?:\.?\*)?$`)

// condaVersion is the closest to a version that passes, with a remark on how it differs.
func (p *proposal) condaVersion(version string) string {
	clauses := strings.FieldsFunc(version, func(r rune) bool { return r == ',' || r == '|' })
	if version == "=*" {
		return ""
	}
	if len(clauses) == 0 || len(clauses) == 1 && strings.HasPrefix(version, "==") && passing.MatchString(version) {
		return version
	}
	if m := condaBegin.FindStringSubmatch(version); m != nil && !strings.HasSuffix(m[2], ".") {
		begin, below := m[2], ""
		if dot := strings.LastIndexByte(begin, '.'); m[1] == "~=" && dot > 0 {
			begin, below = begin[:dot], ", also one below "+begin
		}
		p.say("which is any %s version%s", begin, below)
		return "=" + begin
	}
	if !strings.Contains(version, "|") {
		slices.Sort(clauses)
		version = strings.Join(clauses, ",")
	}
	onlyFromBelow := !strings.Contains(version, "|") && !slices.ContainsFunc(clauses, func(c string) bool { return !strings.HasPrefix(c, ">") })
	p.newest(version, onlyFromBelow, "name=version")
	return ""
}
