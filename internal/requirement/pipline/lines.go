// Package pipline takes the lines of pip's requirements files apart (pip's documentation, "Requirements File Format"): what
// is a line, which part of it is a requirement, and which are options.
package pipline

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is one line or more, joined by backslashes, without comment and not empty.
type Line struct {
	// Number is that of the first of them, from one.
	Number int
	Text   string
}

// Lines reads lines as pip does: a backslash at the end joins the next one, and a line that is a comment ends that.
func Lines(text string) []Line {
	var lines []Line
	var joined strings.Builder
	begun := 0
	end := func() {
		if content := withoutComment(joined.String()); content != "" {
			lines = append(lines, Line{begun, content})
		}
		joined.Reset()
		begun = 0
	}
	for i, line := range splitLines(strings.TrimPrefix(text, "\ufeff")) {
		if begun == 0 {
			begun = i + 1
		}
		comment := strings.HasPrefix(strings.TrimFunc(line, isPythonSpace), "#")
		if comment {
			line = " " + line // after a backslash, too, it is one
		}
		if strings.HasSuffix(line, `\`) && !comment {
			joined.WriteString(strings.Trim(line, `\`))
			continue
		}
		joined.WriteString(line)
		end()
	}
	end()
	return lines
}

// splitLines splits where Python's str.splitlines does.
func splitLines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var lines []string
	for text != "" {
		end := strings.IndexFunc(text, endsLine)
		if end < 0 {
			return append(lines, text)
		}
		lines = append(lines, text[:end])
		_, size := utf8.DecodeRuneInString(text[end:])
		text = text[end+size:]
	}
	return lines
}

// endsLine tells the characters at which Python's str.splitlines splits.
func endsLine(r rune) bool {
	switch r {
	case '\n', '\v', '\f', '\r', '\x1c', '\x1d', '\x1e', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// withoutComment is a line without its comment, which begins the line or follows white space.
func withoutComment(line string) string {
	before := ' '
	for i, r := range line {
		if r == '#' && isPythonSpace(before) {
			line = line[:i]
			break
		}
		before = r
	}
	return strings.TrimFunc(line, isPythonSpace)
}

// isPythonSpace tells white space as Python's str.strip and its regular expressions do.
func isPythonSpace(r rune) bool { return unicode.IsSpace(r) || r >= '\x1c' && r <= '\x1f' }
