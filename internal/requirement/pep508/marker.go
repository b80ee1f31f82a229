package pep508

import (
	"fmt"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// Environment is what markers ask about, by variable ("python_version"). A variable that is not there is not known. The
// extra that is asked for is no part of it.
type Environment map[string]string

// Verdict is what is known of a marker. A greater one prevails in "or", a smaller one in "and".
type Verdict int

const (
	// False is a marker that does not hold.
	False Verdict = iota
	// Unknown is a marker that asks about what is not known.
	Unknown
	// True is a marker that holds.
	True
)

// Marker is a condition on the environment. [ParseMarker] makes them; the zero value always holds.
type Marker struct {
	// alternatives are joined by "or", the terms of each by "and".
	alternatives [][]term
}

// term is a comparison, or a marker in parentheses.
type term struct {
	comparison
	group *Marker
}

// comparison is one of a variable with a text.
type comparison struct {
	variable, operator, text string
	// reversed tells that the text stands first.
	reversed bool
}

// IsZero tells the marker that always holds because there is none.
func (m Marker) IsZero() bool { return len(m.alternatives) == 0 }

// Holds tells whether the marker holds there, with any of the extras asked for; no extras are the empty one. The error is
// for comparisons that have no meaning (PEP 508: "~=" of what is no version) and for variables that are not known.
func (m Marker) Holds(environment Environment, extras ...string) (bool, error) {
	if m.IsZero() {
		return true, nil
	}
	if len(extras) == 0 {
		extras = []string{""}
	}
	for _, extra := range extras {
		switch verdict, err := m.judge(environment, &extra); {
		case err != nil:
			return false, err
		case verdict == Unknown:
			return false, fmt.Errorf("the environment marker %q asks about what is not known of the image", m)
		case verdict == True:
			return true, nil
		}
	}
	return false, nil
}

// Judge is what is known of the marker where only a part of the environment is, and nothing of extras.
func (m Marker) Judge(environment Environment) Verdict {
	if m.IsZero() {
		return True
	}
	verdict, err := m.judge(environment, nil)
	if err != nil {
		return Unknown
	}
	return verdict
}

// judge evaluates all comparisons, so that one without a meaning is found wherever it is.
func (m Marker) judge(environment Environment, extra *string) (Verdict, error) {
	some := False
	for _, terms := range m.alternatives {
		all := True
		for _, t := range terms {
			verdict, err := t.judge(environment, extra)
			if err != nil {
				return Unknown, err
			}
			all = min(all, verdict)
		}
		some = max(some, all)
	}
	return some, nil
}

func (t term) judge(environment Environment, extra *string) (Verdict, error) {
	if t.group != nil {
		return t.group.judge(environment, extra)
	}
	actual, known := environment[t.variable]
	if t.variable == "extra" && extra != nil {
		actual, known = *extra, true
	}
	if !known {
		return Unknown, nil
	}
	holds, err := t.holds(actual)
	if err != nil || !holds {
		return False, err
	}
	return True, nil
}

// versionVariables are compared as versions where both sides are.
var versionVariables = map[string]bool{
	"python_version": true, "python_full_version": true, "implementation_version": true, "platform_release": true,
}

// setVariables are sets of names, whose value has commas between them.
var setVariables = map[string]bool{"extras": true, "dependency_groups": true}

// holdsInSet tells whether the text is one of the names.
func (c comparison) holdsInSet(names string) (bool, error) {
	isIn := slices.ContainsFunc(strings.Split(names, ","), func(name string) bool {
		return name != "" && NormalizeName(name) == NormalizeName(c.text)
	})
	switch {
	case c.reversed && c.operator == "in":
		return isIn, nil
	case c.reversed && c.operator == "not in":
		return !isIn, nil
	}
	return false, fmt.Errorf("the environment marker %q asks a set for more than what is in it", c)
}

// holds compares as `packaging` does: versions as such, other texts for equality only.
func (c comparison) holds(actual string) (bool, error) {
	if setVariables[c.variable] {
		return c.holdsInSet(actual)
	}
	left, right := actual, c.text
	if c.reversed {
		left, right = right, left
	}
	if versionVariables[c.variable] {
		if clause, err := pep440.ParseClause(c.operator + right); err == nil {
			version, err := pep440.Parse(left)
			if c.operator == "===" {
				return strings.EqualFold(left, strings.TrimSpace(right)), nil
			}
			return err == nil && clause.Allows(version), nil
		}
	}
	switch c.operator {
	case "==", "<=", ">=":
		return left == right, nil
	case "!=":
		return left != right, nil
	case "<", ">":
		return false, nil
	case "in":
		return strings.Contains(right, left), nil
	case "not in":
		return !strings.Contains(right, left), nil
	}
	return false, fmt.Errorf("the environment marker %q compares %q and %q, which are no versions", c, left, right)
}

// String is the marker in its canonical spelling, empty for none.
func (m Marker) String() string {
	alternatives := make([]string, len(m.alternatives))
	for i, terms := range m.alternatives {
		texts := make([]string, len(terms))
		for j, t := range terms {
			texts[j] = t.String()
		}
		alternatives[i] = strings.Join(texts, " and ")
	}
	return strings.Join(alternatives, " or ")
}

func (t term) String() string {
	switch {
	case t.group == nil:
		return t.comparison.String()
	case len(t.group.alternatives) == 1 && len(t.group.alternatives[0]) == 1:
		return t.group.String()
	}
	return "(" + t.group.String() + ")"
}

func (c comparison) String() string {
	quote := `"`
	if strings.Contains(c.text, quote) {
		quote = "'"
	}
	if c.reversed {
		return quote + c.text + quote + " " + c.operator + " " + c.variable
	}
	return c.variable + " " + c.operator + " " + quote + c.text + quote
}
