package requirement

import (
	"errors"
	"regexp"
	"strings"
)

// RefusedLine is what is wrong with one line of a requirements file.
type RefusedLine struct {
	// Line is the number of the line, or of the first of those that backslashes join, from one.
	Line int
	// Err is what is wrong.
	Err *Error
}

// ParsePipFile is the requirements of a text in the format of pip's requirements files (pip's documentation, "Requirements File Format"): canonical, each there once,
// in a fixed order. Everything in it that a requirement of an image cannot hold is refused, and never left out: options, references to other files and to
// archives, environment markers, hashes.
func ParsePipFile(text string) (pips []Pip, refused []*RefusedLine) {
	for _, l := range logicalLines(text) {
		pip, err := parsePipLine(l.text)
		if e, ok := errors.AsType[*Error](err); ok {
			refused = append(refused, &RefusedLine{Line: l.number, Err: e})
			continue
		}
		pips = append(pips, pip)
	}
	return CanonicalPips(pips), refused
}

// logicalLine is one line or more, joined by backslashes, without comment and not empty.
type logicalLine struct {
	number int
	text   string
}

// lineComment is a comment, which begins a line or follows white space.
var lineComment = regexp.MustCompile(`(?:^|\s)#.*$`)

// logicalLines reads lines as pip does: a backslash at the end joins the next one, and a line that is a comment ends that.
func logicalLines(text string) []logicalLine {
	var lines []logicalLine
	var joined strings.Builder
	begun := 0
	end := func() {
		// Blanks and tabs are one to pip.
		if words := strings.Fields(lineComment.ReplaceAllString(joined.String(), "")); len(words) > 0 {
			lines = append(lines, logicalLine{begun, strings.Join(words, " ")})
		}
		joined.Reset()
		begun = 0
	}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if begun == 0 {
			begun = number
		}
		comment := strings.HasPrefix(strings.TrimSpace(line), "#")
		if comment {
			line = " " + line // after a backslash, too, it is one
		}
		if before, more := strings.CutSuffix(line, `\`); more && !comment {
			joined.WriteString(before)
			continue
		}
		joined.WriteString(line)
		end()
	}
	end()
	return lines
}

// requirementLine is a name, its extras, and the rest: PEP 508 lets blanks stand between them.
var requirementLine = regexp.MustCompile(`^(` + identifier + `)\s*(\[[^\]]*\])?\s*(.*)$`)

// parenthesised is a specifier in parentheses, which PEP 508 takes as well.
var parenthesised = regexp.MustCompile(`^\(([^()]*)\)$`)

// parsePipLine is the requirement of one line. A refusal is an [*Error].
func parsePipLine(line string) (Pip, error) {
	if err := diagnoseLine(line); err != nil {
		return Pip{}, err
	}
	m := requirementLine.FindStringSubmatch(line)
	if m == nil {
		return Pip{}, diagnoseRest(line, "", "is not a requirement", `write a name and comparisons, for example "numpy>=1.26,<2"`)
	}
	specifier := m[3]
	if inner := parenthesised.FindStringSubmatch(specifier); inner != nil {
		specifier = inner[1]
	}
	if specifier != "" && !strings.ContainsAny(specifier[:1], "=<>!~^") {
		suggestion := exampleComparisons
		if pip, err := ParsePip(m[1], specifier); err == nil {
			suggestion = write(pip.String())
		}
		return Pip{}, diagnoseRest(line, specifier, "follows the name without a comparison", suggestion)
	}
	pip, err := ParsePip(m[1]+strings.ReplaceAll(m[2], " ", ""), specifier)
	if refused, ok := errors.AsType[*Error](err); ok {
		return Pip{}, refused.ofLine(line)
	}
	return pip, err
}

// ofLine is the same error about a line, not about an attribute of its own.
func (e *Error) ofLine(line string) *Error {
	suggestion := e.Suggestion
	switch {
	case suggestion == exampleSpecifier:
		suggestion = exampleComparisons
	case e.Field == FieldVersionSpecifier && strings.HasPrefix(suggestion, "write "):
		suggestion += " after the name"
	}
	return newError(FieldPip, line, e.Offending, e.Problem, suggestion)
}

// exampleComparisons is proposed where it cannot be told what was meant: unlike an attribute, a line takes no version alone.
const exampleComparisons = `write comparisons after the name, for example ">=1.2,<2"`

// diagnoseRest finds characters that no line may hold, else says that.
func diagnoseRest(line, offending, problem, suggestion string) error {
	if err := diagnoseText(FieldPip, line); err != nil {
		return err
	}
	return newError(FieldPip, line, offending, problem, suggestion)
}

// lineDiagnoses recognise what pip takes in a line, and a requirement of an image cannot hold; the submatch "bad" is the part at fault. They are tried in this order.
var lineDiagnoses = []struct {
	pattern    *regexp.Regexp
	problem    string
	suggestion string
}{
	{
		regexp.MustCompile(`(?P<bad>\$\{[A-Z0-9_]+\})`), "is a variable of pip's environment, which is not at hand here",
		"put its value into the text first",
	},
	{
		regexp.MustCompile(`^(?P<bad>-r|--requirement)`), "names another file, which is not read",
		`join the texts of both files: join("\n", [file("…"), file("…")])`,
	},
	{
		regexp.MustCompile(`^(?P<bad>-c|--constraint)`), "names constraints, which are not read",
		"write the versions of that file into the requirements",
	},
	{
		regexp.MustCompile(`^(?P<bad>-i|--index-url|--extra-index-url|--pypi-url|-f|--find-links|--no-index|--trusted-host)(?:[\s=]|$)`), "tells where pip finds distributions, which is the provider's to know",
		"remove the line, and see pip in the provider's embedded_registry",
	},
	{
		regexp.MustCompile(`^(?P<bad>-e|--editable)(?:[\s=]|$)`), "installs a directory, and an image has none; distributions are installed from a package index, by version",
		"publish the distribution in an index and write its name",
	},
	{regexp.MustCompile(`^(?P<bad>-[^\s=]+)`), "is an option of pip, not a requirement", "remove the line"},
	{
		regexp.MustCompile(`\s(?P<bad>--hash)\b`), "fixes the archive, and an image's requirements hold versions only",
		"write the file without hashes (pip-compile --no-generate-hashes, uv export --no-hashes)",
	},
	{regexp.MustCompile(`\s(?P<bad>--?[A-Za-z][^\s=]*)`), "is an option of pip, not part of a requirement", "remove it"},
	{
		regexp.MustCompile(`^\s*` + identifier + `\s*(?:\[[^\]]*\])?\s*(?P<bad>@.*)$`), "is a direct reference; distributions are installed from a package index, by version",
		"publish the distribution in an index and write its version",
	},
	{
		regexp.MustCompile(`^(?P<bad>[^;\s]*(?:/|\\|\.whl|\.zip|\.tar\.[a-z0-9]+).*)$`), "is an address or a path; distributions are installed from a package index, by version",
		"publish the distribution in an index and write its name",
	},
	{
		regexp.MustCompile(`(?P<bad>;.*)$`), "is an environment marker; the image has one Python version and one platform, so that a requirement holds for it or does not",
		"write the line without the marker if it holds for the image, and remove it if not (uv pip compile --python-version 3.11 --python-platform linux writes no markers)",
	},
}

// diagnoseLine finds what pip takes in a line, and a requirement of an image cannot hold.
func diagnoseLine(line string) error {
	for _, d := range lineDiagnoses {
		if m := d.pattern.FindStringSubmatch(line); m != nil {
			return newError(FieldPip, line, offendingPart(d.pattern, m), d.problem, d.suggestion)
		}
	}
	return nil
}
