package pep508

import "strings"

// NormalizeName is the normal form of a distribution's or an extra's name: lower case, single hyphens (PEP 503, PEP 685).
func NormalizeName(name string) string {
	if isNormal(name) {
		return name
	}
	var b strings.Builder
	b.Grow(len(name))
	separated := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '-' || c == '_' || c == '.':
			separated = true
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		if separated {
			b.WriteByte('-')
			separated = false
		}
		b.WriteByte(c)
	}
	if separated {
		b.WriteByte('-')
	}
	return b.String()
}

// isNormal tells most names, which need no work.
func isNormal(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c == '_' || c == '.' || 'A' <= c && c <= 'Z' || c == '-' && i > 0 && name[i-1] == '-' {
			return false
		}
	}
	return true
}

// isName tells a name as PEP 508 has it: letters and digits, with other characters only inside.
func isName(text string) bool {
	for i := range len(text) {
		c := text[i]
		inside := i > 0 && i < len(text)-1
		if isSeparator := c == '-' || c == '_' || c == '.'; !isAlphanumeric(c) && (!inside || !isSeparator) {
			return false
		}
	}
	return text != ""
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isWord tells what a word of a marker, or a name, is made of.
func isWord(c byte) bool { return isAlphanumeric(c) || c == '_' || c == '.' }
