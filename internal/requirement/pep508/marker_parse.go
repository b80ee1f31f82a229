package pep508

import (
	"fmt"
	"slices"
	"strings"
)

// maxNesting bounds the parentheses of a marker, as `packaging` does.
const maxNesting = 200

// variables are what a marker can ask about, by every name they have.
var variables = map[string]string{
	"os_name": "os_name", "os.name": "os_name",
	"sys_platform": "sys_platform", "sys.platform": "sys_platform",
	"platform_machine": "platform_machine", "platform.machine": "platform_machine",
	"platform_version": "platform_version", "platform.version": "platform_version",
	"platform_python_implementation": "platform_python_implementation",
	"platform.python_implementation": "platform_python_implementation",
	"python_implementation":          "platform_python_implementation",
	"platform_release":               "platform_release",
	"platform_system":                "platform_system",
	"python_version":                 "python_version",
	"python_full_version":            "python_full_version",
	"implementation_name":            "implementation_name",
	"implementation_version":         "implementation_version",
	"extra":                          "extra",
	// These two are of lock files (PEP 751).
	"extras": "extras", "dependency_groups": "dependency_groups",
}

// comparisons are the operators of a marker; none is the beginning of one after it.
var comparisons = []string{"===", "==", "~=", "!=", "<=", ">=", "<", ">"}

// ParseMarker reads an environment marker (`python_version >= "3.9" and extra == "s3"`).
//
// What `packaging` takes and nobody writes is refused: two variables or two texts compared with each other, and
// backslashes in a text.
func ParseMarker(text string) (Marker, error) {
	p := markerParser{text: text}
	marker, err := p.marker(0)
	if err == nil && p.rest() != "" {
		err = p.refuse(`"and", "or" or the end`)
	}
	return marker, err
}

// markerParser reads a marker from left to right.
type markerParser struct {
	text string
	at   int
}

func (p *markerParser) rest() string { return p.text[p.at:] }

func (p *markerParser) blanks() {
	p.at = len(p.text) - len(strings.TrimLeft(p.rest(), " \t"))
}

// refuse says what should stand where the parser is.
func (p *markerParser) refuse(expected string) error {
	return fmt.Errorf("the environment marker %q has %q where %s has to stand (PEP 508)", p.text, p.rest(), expected)
}

// word takes that word, if it stands there alone.
func (p *markerParser) word(word string) bool {
	rest, found := strings.CutPrefix(p.rest(), word)
	if !found || rest != "" && isWord(rest[0]) {
		return false
	}
	p.at += len(word)
	return true
}

func (p *markerParser) marker(depth int) (Marker, error) {
	var m Marker
	terms := []term{}
	for {
		t, err := p.term(depth)
		if err != nil {
			return Marker{}, err
		}
		terms = append(terms, t)
		switch {
		case p.word("and"):
		case p.word("or"):
			m.alternatives, terms = append(m.alternatives, terms), nil
		default:
			m.alternatives = append(m.alternatives, terms)
			return m, nil
		}
	}
}

func (p *markerParser) term(depth int) (term, error) {
	p.blanks()
	defer p.blanks()
	if !strings.HasPrefix(p.rest(), "(") {
		c, err := p.comparison()
		return term{comparison: c}, err
	}
	if depth == maxNesting {
		return term{}, p.refuse(fmt.Sprintf("no further parenthesis (%d are the most)", maxNesting))
	}
	p.at++
	group, err := p.marker(depth + 1)
	switch {
	case err != nil:
		return term{}, err
	case !strings.HasPrefix(p.rest(), ")"):
		return term{}, p.refuse(`"and", "or" or ")"`)
	}
	p.at++
	return term{group: &group}, nil
}

func (p *markerParser) comparison() (comparison, error) {
	left, leftIsText, err := p.operand()
	if err != nil {
		return comparison{}, err
	}
	p.blanks()
	operator, ok := p.operator()
	if !ok {
		return comparison{}, p.refuse(`an operator ("==", "!=", ">=", ">", "<=", "<", "~=", "in", "not in")`)
	}
	p.blanks()
	before := p.at
	right, rightIsText, err := p.operand()
	switch {
	case err != nil:
		return comparison{}, err
	case leftIsText && rightIsText:
		p.at = before
		return comparison{}, p.refuse("a variable")
	case !leftIsText && !rightIsText:
		p.at = before
		return comparison{}, p.refuse("a text in quotation marks")
	}
	c := comparison{variable: left, operator: operator, text: right}
	if leftIsText {
		c = comparison{variable: right, operator: operator, text: left, reversed: true}
	}
	if c.variable == "extra" {
		c.text = NormalizeName(c.text)
	}
	return c, nil
}

// operand takes a variable or a text.
func (p *markerParser) operand() (value string, isText bool, err error) {
	rest := p.rest()
	if rest != "" && (rest[0] == '\'' || rest[0] == '"') {
		text, _, found := strings.Cut(rest[1:], rest[:1])
		if !found || strings.ContainsAny(text, "\\\n\r\x00") {
			return "", true, p.refuse("a text in quotation marks, without backslashes and line ends,")
		}
		p.at += len(text) + 2
		return text, true, nil
	}
	end := 0
	for end < len(rest) && isWord(rest[end]) {
		end++
	}
	variable, known := variables[rest[:end]]
	if !known {
		return "", false, p.refuse("a variable or a text in quotation marks")
	}
	p.at += end
	return variable, false, nil
}

func (p *markerParser) operator() (string, bool) {
	if i := slices.IndexFunc(comparisons, func(o string) bool { return strings.HasPrefix(p.rest(), o) }); i >= 0 {
		p.at += len(comparisons[i])
		return comparisons[i], true
	}
	if p.word("in") {
		return "in", true
	}
	if !p.word("not") {
		return "", false
	}
	before := p.at
	p.blanks()
	return "not in", p.at > before && p.word("in")
}
