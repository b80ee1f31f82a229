package pep440

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// operators are PEP 440's, in the order that the canonical form has them: what fixes a version, what bounds it from below,
// from above, what excludes. No operator is the beginning of one after it.
var operators = []string{"===", "==", "~=", ">=", ">", "<=", "<", "!="}

// Specifier is a set of clauses, all of which a version has to meet. The zero value allows every version.
type Specifier struct{ clauses []Clause }

// ParseSpecifier reads clauses with commas between them (">=1,<2"). A comma too many is taken, as `packaging` takes it.
func ParseSpecifier(text string) (Specifier, error) {
	var clauses []Clause
	for part := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		clause, err := ParseClause(part)
		if err != nil {
			return Specifier{}, err
		}
		clauses = append(clauses, clause)
	}
	return NewSpecifier(clauses...), nil
}

// NewSpecifier is the specifier of those clauses.
func NewSpecifier(clauses ...Clause) Specifier {
	sorted := slices.Clone(clauses)
	slices.SortFunc(sorted, func(a, b Clause) int {
		return cmp.Or(
			cmp.Compare(slices.Index(operators, a.operator), slices.Index(operators, b.operator)),
			strings.Compare(a.text, b.text),
		)
	})
	return Specifier{slices.CompactFunc(sorted, func(a, b Clause) bool { return a.text == b.text })}
}

// String is the canonical form: clauses in a fixed order, each once.
func (s Specifier) String() string {
	texts := make([]string, len(s.clauses))
	for i, clause := range s.clauses {
		texts[i] = clause.text
	}
	return strings.Join(texts, ",")
}

// Clauses are the clauses, in the order of the canonical form.
func (s Specifier) Clauses() []Clause { return slices.Clone(s.clauses) }

// And is the specifier that allows what both allow.
func (s Specifier) And(other Specifier) Specifier {
	switch {
	case len(s.clauses) == 0:
		return other
	case len(other.clauses) == 0, s.includes(other):
		return s
	case other.includes(s):
		return other
	}
	return NewSpecifier(slices.Concat(s.clauses, other.clauses)...)
}

// includes tells that all the clauses of the other are among those of this one.
func (s Specifier) includes(other Specifier) bool {
	at := 0
	for i := range other.clauses {
		for at < len(s.clauses) && s.clauses[at].text != other.clauses[i].text {
			at++
		}
		if at == len(s.clauses) {
			return false
		}
	}
	return true
}

// Same tells whether both have the same clauses.
func (s Specifier) Same(other Specifier) bool {
	return len(s.clauses) == len(other.clauses) && s.includes(other)
}

// Allows tells whether the version meets every clause. Pre-releases are versions like others here; see
// [Specifier.NamesPrerelease].
func (s Specifier) Allows(version Version) bool {
	for i := range s.clauses {
		if !allows(&s.clauses[i], &version) {
			return false
		}
	}
	return true
}

// Stretch is the first of the versions that the specifier may allow, and the first after them, of versions that are sorted, the
// newest first; at gives the one at a place. Some between the two may be excluded all the same, if whole is false.
func (s Specifier) Stretch(n int, at func(int) Version) (first, after int, whole bool) {
	after, whole = n, true
	for i := range s.clauses {
		c := &s.clauses[i]
		if c.operator == "===" || c.operator == "!=" {
			whole = false
			continue
		}
		first = max(first, sort.Search(n, func(i int) bool { return at(i).key < c.span.high }))
		after = min(after, sort.Search(n, func(i int) bool { return at(i).key < c.span.low }))
	}
	return first, max(first, after), whole
}

// NamesPrerelease tells that a clause asks for a pre-release, which lets in all that the specifier allows. Without one,
// they are taken only where nothing else is left.
func (s Specifier) NamesPrerelease() bool {
	return slices.ContainsFunc(s.clauses, func(c Clause) bool { return c.operator != "!=" && c.version.pre })
}

// Clause is one comparison with a version.
type Clause struct {
	operator string
	// version is the version compared with, without the ".*"; the zero value for "===" with a text that is none.
	version  Version
	wildcard bool
	// text is the canonical clause.
	text string
	// span is what the clause allows, or for "!=" excludes. "===" compares texts and has none.
	span span
}

// ParseClause reads one clause (">= 1.0").
func ParseClause(text string) (Clause, error) {
	text = strings.TrimSpace(text)
	i := slices.IndexFunc(operators, func(operator string) bool { return strings.HasPrefix(text, operator) })
	if i < 0 {
		return Clause{}, fmt.Errorf("%q is not a clause of a version specifier (PEP 440)", text)
	}
	operator := operators[i]
	compared := strings.TrimSpace(text[len(operator):])
	clause, ok := newClause(operator, compared)
	if !ok {
		return Clause{}, fmt.Errorf("%q is not a clause of a version specifier (PEP 440)", text)
	}
	return clause, nil
}

// newClause is the clause of that operator and text.
func newClause(operator, compared string) (Clause, bool) {
	if operator == "===" {
		// The version may be of any kind, even none; only its text counts.
		version, _ := Parse(compared)
		return Clause{operator: operator, version: version, text: operator + strings.ToLower(compared)},
			compared != "" && !strings.ContainsAny(compared, " \t\r\n\v\f;)")
	}
	compared, wildcard := strings.CutSuffix(compared, ".*")
	p, ok := scan(compared)
	if !ok || strings.TrimSpace(compared) != compared {
		return Clause{}, false
	}
	c := Clause{operator: operator, version: p.version(), wildcard: wildcard}
	equality := operator == "==" || operator == "!="
	switch {
	case wildcard && (!equality || c.version.String() != c.version.Base()):
		return Clause{}, false
	case operator == "~=" && len(p.release) < 2:
		return Clause{}, false
	case !equality && c.version.Local() != "":
		return Clause{}, false
	}
	c.text, c.span = operator+c.canonical(), c.newSpan(p)
	return c, true
}

// canonical is the version in its shortest form. Zeros at the end of the release mean nothing where versions are compared
// by value (1.0 == 1), but everything where their number is the meaning: "~=1.0" is ">=1,==1.*" and "~=1.0.0" is
// ">=1,==1.0.*"; "==1.0.*" excludes 1.1 and "==1.*" does not.
func (c Clause) canonical() string {
	text, base := c.version.String(), c.version.Base()
	switch {
	case c.wildcard:
		return base + ".*"
	case c.operator == "~=":
		return text
	}
	short := base
	for strings.HasSuffix(short, ".0") {
		short = strings.TrimSuffix(short, ".0")
	}
	return short + text[len(base):]
}

// String is the canonical form.
func (c Clause) String() string { return c.text }

// Operator is the comparison.
func (c Clause) Operator() string { return c.operator }

// Version is the version compared with, without the ".*". It is the zero value for "===" with a text that is no version.
func (c Clause) Version() Version { return c.version }

// Wildcard tells "==1.2.*" and "!=1.2.*".
func (c Clause) Wildcard() bool { return c.wildcard }

// Allows tells whether the version meets the clause.
func (c Clause) Allows(version Version) bool { return allows(&c, &version) }

// allows is [Clause.Allows] without copies.
func allows(c *Clause, version *Version) bool {
	if c.operator == "===" {
		return strings.EqualFold(version.text, c.text[len(c.operator):])
	}
	return c.span.holds(version.key) == (c.operator != "!=")
}
