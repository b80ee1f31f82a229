package lockfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// Error is one reason why a lock cannot be obeyed. Addresses in it are as [redact.Input] shows them (G7 of README).
type Error struct {
	// Line is that of a requirements file, from one; 0 where the fault is of no line.
	Line int
	// Package is the distribution at fault in a pylock.toml, empty where it is of none.
	Package string
	// Text is the line as it was written. Empty for a pylock.toml.
	Text string
	// Problem is what is wrong, as the rest of a sentence that starts with the line, the package or the lock.
	Problem string
	// Suggestion is what to do, in the imperative. Empty when there is nothing better to say.
	Suggestion string
}

// Error implements error.
func (e *Error) Error() string {
	subject := "the lock"
	switch {
	case e.Package != "":
		subject = fmt.Sprintf("the package %q of the lock", e.Package)
	case e.Line > 0:
		subject = fmt.Sprintf("line %d of the lock: %s", e.Line, quote(e.Text))
	}
	message := subject + " " + e.Problem
	if e.Suggestion != "" {
		message += "; " + e.Suggestion
	}
	return message
}

// newError is the only way to make an [Error]. Addresses lose what may be secret here.
func newError(line int, name, text, problem, suggestion string) *Error {
	return &Error{
		Line: line, Package: redact.Input(name), Text: redact.Input(text), Problem: redact.Input(problem), Suggestion: redact.Input(suggestion),
	}
}

// maxQuoted is how much of a line an error quotes, in bytes.
const maxQuoted = 120

func quote(text string) string {
	if len(text) <= maxQuoted {
		return fmt.Sprintf("%q", text)
	}
	cut := maxQuoted
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(text[:cut], ""))
}
