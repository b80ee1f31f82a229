package requirement

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
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
	var lines []int
	for _, l := range logicalLines(text) {
		pip, faults := parsePip(l.text)
		for _, fault := range faults {
			refused = append(refused, &RefusedLine{Line: l.number, Err: fault})
		}
		if len(faults) == 0 {
			pips = append(pips, pip)
			lines = append(lines, l.number)
		}
	}
	joined := joinPips(pips)
	for _, j := range joined {
		if fault := j.faultOf(pips, lines); fault != nil {
			refused = append(refused, fault)
		}
	}
	slices.SortStableFunc(refused, func(a, b *RefusedLine) int { return cmp.Compare(a.Line, b.Line) })
	return pipsOf(joined), refused
}

// faultOf is the refusal of what no version can meet, with the line that each comparison is from.
func (j *joinedPip) faultOf(pips []Pip, lines []int) *RefusedLine {
	last := 0
	fault := j.fault(func(text string) string {
		for _, i := range j.from {
			if clauses, _ := matchSpecifier(pips[i].VersionSpecifier); slices.ContainsFunc(clauses, func(c clause) bool { return c.text == text }) {
				last = max(last, lines[i])
				return fmt.Sprintf("%s of line %d", quote(text), lines[i])
			}
		}
		return quote(text)
	})
	if fault == nil {
		return nil
	}
	return &RefusedLine{Line: last, Err: fault}
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
