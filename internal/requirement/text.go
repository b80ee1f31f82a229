package requirement

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxName is the longest name of one distribution, extra or package, in bytes. The longest names on PyPI, in Debian and in
	// Fedora are below 100.
	maxName = 128
	// maxText is the longest text of one field: a name with many extras, or a specifier with many exclusions.
	maxText = 1024
)

// diagnoseText finds what no field may hold, whatever its grammar. It runs only on text that a grammar has refused.
// propose makes a suggestion of the text in ASCII, empty for none.
func diagnoseText(field Field, text string, propose func(text string) string) *Error {
	if len(text) > maxText {
		return newError(field, text, "", fmt.Sprintf("is longer than %d bytes", maxText), "")
	}
	if !utf8.ValidString(text) {
		return newError(field, text, "", "is not UTF-8 text", "")
	}
	for _, r := range strings.TrimSpace(text) {
		switch {
		case r == '\u00a0':
			return newError(field, text, string(r), "(U+00A0) is a no-break space", proposeASCII(text, propose))
		case unicode.IsSpace(r) && r < ' ':
			spaced := strings.Join(strings.Fields(text), " ")
			return newError(field, text, string(r), fmt.Sprintf("(%U) is a control character", r),
				cmp.Or(propose(spaced), "write a blank in its place, or each package in a string of its own"))
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			return newError(field, text, string(r), fmt.Sprintf("(%U) is a control character", r), "remove it")
		case r > unicode.MaxASCII:
			return newError(field, text, string(r), fmt.Sprintf("(%U) is not an ASCII character", r), proposeASCII(text, propose))
		}
	}
	return nil
}

// lookAlikes are the characters that word processors and keyboards of other scripts put in the place of ASCII ones.
var lookAlikes = strings.NewReplacer(
	"≥", ">=", "≤", "<=", "≠", "!=", "≈", "~=", "‐", "-", "‑", "-", "–", "-", "—", "-", "−", "-",
	"‘", "", "’", "", "“", "", "”", "", "\u00a0", " ",
	"а", "a", "с", "c", "е", "e", "і", "i", "ј", "j", "о", "o", "р", "p", "ѕ", "s", "х", "x", "у", "y", "м", "m",
	"ο", "o", "α", "a", "ν", "v",
)

// proposeASCII proposes the text with its look-alikes replaced, if that mends it.
func proposeASCII(text string, propose func(text string) string) string {
	folded := strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' { // the full-width forms of ASCII, in its order
			return r - '！' + '!'
		}
		return r
	}, lookAlikes.Replace(text))
	return cmp.Or(propose(strings.TrimSpace(folded)), "use ASCII characters only")
}

// writeIf makes a suggestion of a text that is right.
func writeIf(accepts func(text string) bool) func(text string) string {
	return func(text string) string {
		if !accepts(text) {
			return ""
		}
		return write(text)
	}
}

// firstNotIn is the first character of text that is not allowed, or empty.
func firstNotIn(text string, allowed func(r rune) bool) string {
	for _, r := range text {
		if !allowed(r) {
			return string(r)
		}
	}
	return ""
}

// isAlnum tells ASCII letters and digits.
func isAlnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
