package requirement

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// exampleLine is proposed where it cannot be told what was meant.
const exampleLine = `write a name and comparisons, for example "numpy>=1.26,<2"`

// suggestNewest proposes a name without comparisons.
func suggestNewest(name string) string {
	if !isPip(name) { // It looks like an archive without them.
		return exampleOf(name)
	}
	return write(name) + " to get the newest version"
}

// oneEach is what to do with several requirements in one text.
const oneEach = "write each in a line or a string of its own"

// diagnosePip says all that is wrong with a requirement that the grammar refused.
func diagnosePip(line string) []*Error {
	if fault := diagnoseWhole(line); fault != nil {
		return []*Error{fault}
	}
	rest, faults := peelParts(line)
	if fault := diagnoseVariable(line, rest); fault != nil {
		return append(faults, fault)
	}
	if _, ok := matchPip(rest); !ok {
		faults = append(faults, diagnoseNameAndSpecifier(line, rest)...)
	}
	return faults
}

// diagnoseWhole finds what makes a whole line something other than a requirement.
func diagnoseWhole(line string) *Error {
	trimmed := strings.TrimSpace(line)
	if trimmed == "" {
		return newError(FieldPip, line, "", "is empty", exampleLine)
	}
	if fault := diagnoseText(FieldPip, line, writeIf(isPip)); fault != nil {
		return fault
	}
	if trimmed != line {
		odd := firstNotIn(line, func(r rune) bool { return r == ' ' || !unicode.IsSpace(r) })
		return newError(FieldPip, line, odd, "is "+nameOfSpace(odd)+", which no requirement has around it", suggestPip(trimmed))
	}
	for _, d := range lineDiagnoses {
		if m := d.pattern.FindStringSubmatch(line); m != nil {
			return d.diagnose(line, m)
		}
	}
	return nil
}

// nameOfSpace is what white space is called that is neither a blank nor a tab.
func nameOfSpace(space string) string {
	switch {
	case space == "\u00a0":
		return "a no-break space (U+00A0)"
	case slices.Contains(lineEnds, space) || space == "\u0085":
		return "a line break"
	}
	return fmt.Sprintf("white space (%U)", []rune(space)[0])
}

// lineEnds are the ends of lines that text editors write.
var lineEnds = []string{"\n", "\r", "\v", "\f", "\u2028", "\u2029"}

// isPip tells whether a text is a requirement.
func isPip(text string) bool {
	_, ok := matchPip(collapseBlanks(text))
	return ok
}

// suggestPip proposes a requirement, or an example where the text is none.
func suggestPip(text string) string {
	if isPip(text) {
		return write(collapseBlanks(text))
	}
	return exampleLine
}

// peelParts takes the parts off a line that pip knows and an image's requirements do not, with a fault for each.
func peelParts(line string) (rest string, faults []*Error) {
	rest = line
	if m := hashPart.FindStringSubmatch(rest); m != nil {
		faults = append(faults, newError(FieldPip, line, "--hash",
			hashProblem, hashAdvice))
		rest = strings.TrimSpace(hashPart.ReplaceAllString(rest, ""))
	}
	for _, m := range optionPart.FindAllStringSubmatch(rest, -1) {
		suggestion := "leave it out"
		if m[1] == "-r" || m[1] == "-c" || m[1] == "--requirement" || m[1] == "--constraint" {
			suggestion = "write it in a line of its own"
		}
		faults = append(faults, newError(FieldPip, line, m[1], "is an option of pip, not part of a requirement", suggestion))
	}
	if at := optionPart.FindStringIndex(rest); at != nil {
		rest = rest[:at[0]]
	}
	before, marker, found := strings.Cut(rest, ";")
	if directPart.MatchString(rest) {
		before, marker = cutMarker(rest)
		marker, found = strings.CutPrefix(marker, " ;")
	}
	if found {
		if strings.TrimSpace(marker) != "" { // pip takes a semicolon alone.
			if problem, suggestion, ok := diagnoseMarker(marker); !ok {
				faults = append(faults, newError(FieldPip, line, ";"+marker, problem, suggestion))
			}
		}
		rest = strings.TrimSpace(before)
	}
	if m := directPart.FindStringSubmatch(rest); m != nil && !bareVersion.MatchString(m[2]) {
		if _, ok := matchAddress(m[2]); !ok {
			problem, suggestion := diagnoseAddress(m[2])
			faults = append(faults, newError(FieldPip, line, strings.TrimSpace(rest[len(m[1]):]), problem, suggestion))
		}
		rest = m[1]
	}
	return rest, faults
}

var (
	hashPart   = regexp.MustCompile(` --hash(?:[= ]\S+|$)`)
	optionPart = regexp.MustCompile(` (--?[A-Za-z][^\s=]*)`)
	directPart = regexp.MustCompile(`^(` + identifier + ` ?(?:\[[^\]]*\])?) ?@ ?(.*)$`)
)

const (
	hashProblem = "fixes the file, and requirements hold versions only"
	hashAdvice  = "pass the whole text to pip_lock_file instead, which installs just the files that it fixes"
)

// nameAndRest is a name, its extras, and the rest: PEP 508 lets blanks stand between them.
var nameAndRest = regexp.MustCompile(`^(` + identifier + `) ?(\[[^\]]*\])? ?(.*)$`)

// diagnoseNameAndSpecifier says what is wrong with a name, its extras and its comparisons, once nothing else is left.
func diagnoseNameAndSpecifier(line, rest string) []*Error {
	m := nameAndRest.FindStringSubmatch(rest)
	if m == nil {
		return []*Error{diagnoseName(line, rest)}
	}
	name, extras, specifier := m[1], trimExtras(m[2]), m[3]
	var faults []*Error
	if _, ok := matchPipName(name + extras); !ok {
		faults = append(faults, diagnoseExtras(line, name, m[2]))
		extras = ""
	}
	switch {
	case specifier == "":
	case strings.ContainsAny(specifier[:1], "=<>!~^("):
		faults = append(faults, diagnoseSpecifier(line, name+extras, specifier)...)
	default:
		faults = append(faults, diagnoseBehind(line, name, extras, specifier))
	}
	return faults
}

// diagnoseName says what is wrong with a text that does not even begin with a name.
func diagnoseName(line, text string) *Error {
	if trimmed := strings.TrimLeft(text, "._-"); trimmed != text {
		before := text[:len(text)-len(trimmed)]
		return newError(FieldPip, line, before, "is before the name, where only a letter or a digit may be", suggestPip(trimmed))
	}
	bad := firstNotIn(text, isAlnum)
	return newError(FieldPip, line, bad, "cannot begin a requirement", exampleLine)
}

// diagnoseExtras says what is wrong with a name that has brackets behind it.
func diagnoseExtras(line, name, brackets string) *Error {
	if _, ok := matchPipName(name); !ok || brackets == "" || pipNamePattern.MatchString(name+trimExtras(brackets)) {
		return newError(FieldPip, line, "", fmt.Sprintf("has a name or an extra longer than %d bytes", maxName),
			"write the name that the package index has")
	}
	return newError(FieldPip, line, brackets, "is not a list of extras", `write extras as in "uvicorn[standard,extra]"`)
}

var (
	bareVersion = regexp.MustCompile(`^@? ?v?[0-9][0-9A-Za-z.!+*_-]*$`)
	nextPip     = regexp.MustCompile(`^` + identifier + `(?:\[[^\]]*\])?(?: ?[=<>!~^(@;].*)?$`)
	pipAlone    = regexp.MustCompile(`^` + identifier + `$`)
	separators  = regexp.MustCompile(`^[._-]+$`)
)

// diagnoseBehind says what is wrong with what stands behind a name and is no comparison.
func diagnoseBehind(line, name, extras, behind string) *Error {
	const without = "follows the name without a comparison"
	pinned := name + extras + "==" + strings.TrimLeft(behind, "@ ")
	if _, ok := matchPip(pinned); ok && bareVersion.MatchString(behind) {
		return newError(FieldPip, line, behind, without, write(pinned))
	}
	switch first, _, _ := strings.Cut(behind, " "); {
	case newestWord.MatchString(behind):
		return newError(FieldPip, line, behind, "is not a version", suggestNewest(name+extras))
	case behind == ",":
		return newError(FieldPip, line, ",", "separates nothing", write(name+extras))
	case behind[0] == ',':
		return newError(FieldPip, line, ",", "separates several requirements", oneEach)
	case behind[0] == '[' || behind[0] == ']':
		return newError(FieldPip, line, behind, "is not a list of extras", `write extras as in "uvicorn[standard,extra]"`)
	case nextPip.MatchString(first):
		suggestion := oneEach
		if joined := name + "-" + first; extras == "" && pipAlone.MatchString(behind) {
			suggestion += ", or " + quote(joined) + " if that is one name"
		}
		return newError(FieldPip, line, behind, "begins a second requirement", suggestion)
	case separators.MatchString(behind):
		return newError(FieldPip, line, behind, "is at the end of the name, where only a letter or a digit may be",
			write(name+extras))
	case strings.ContainsAny(behind[:1], "._-"):
		return newError(FieldPip, line, behind, without, exampleOf(name+extras))
	}
	return newError(FieldPip, line, behind[:1],
		"cannot be in a name, which is made of letters, digits and single \".\", \"-\" or \"_\" between them",
		exampleOf(name+extras))
}

// exampleOf proposes comparisons where it cannot be told which were meant.
func exampleOf(name string) string {
	return "write comparisons after the name, for example " + quote(name+">=1.2,<2")
}

// diagnoseSpecifier says what is wrong with the comparisons behind a name. One proposal mends all of them; where there
// is none, each is told.
func diagnoseSpecifier(line, name, specifier string) []*Error {
	inner := specifier
	if specifier[0] == '(' {
		inner = strings.Trim(specifier, "() ")
	}
	pinned := name + "==" + inner
	if _, ok := matchPip(pinned); ok && bareVersion.MatchString(inner) {
		return []*Error{newError(FieldPip, line, inner, "follows the name without a comparison", write(pinned))}
	}
	refused := refusedClauses(inner)
	if len(refused) == 0 {
		return []*Error{newError(FieldPip, line, specifier, "has parentheses that do not match", write(name+inner))}
	}
	if repaired, ok := repairSpecifier(inner); ok {
		problem := refused[0].problem
		if repaired == "" {
			return []*Error{newError(FieldPip, line, refused[0].offending, problem, suggestNewest(name))}
		}
		return []*Error{newError(FieldPip, line, refused[0].offending, problem, write(name+repaired))}
	}
	var faults []*Error
	for _, r := range refused {
		suggestion := r.advice
		if suggestion == "" {
			suggestion = exampleOf(name)
		}
		faults = append(faults, newError(FieldPip, line, r.offending, r.problem, suggestion))
	}
	return faults
}
