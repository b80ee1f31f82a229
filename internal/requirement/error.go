package requirement

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// Field is the kind of text an [Error] is about, by the name of what installs it.
type Field string

// The kinds of texts.
const (
	FieldApt        = Field(PackageTypeApt)
	FieldRockyLinux = Field(PackageTypeRockyLinux)
	FieldConda      = Field(InstallerConda)
	FieldPip        = Field(InstallerPip)
)

// Error is a requirement that was refused, with what is wrong about it and how to put it right.
type Error struct {
	// Field is the kind of text.
	Field Field
	// Text is the whole requirement as it was written, addresses as [redact.Input] shows them (G7 of README).
	Text string
	// Offending is the part of Text at fault, or the whole.
	Offending string
	// Problem is what is wrong, as the rest of a sentence that starts with the offending part.
	Problem string
	// Suggestion is what to do, in the imperative ("write \"==1.0\""). Empty when there is nothing better to say.
	Suggestion string
}

// Error implements error.
func (e *Error) Error() string {
	message := fmt.Sprintf("%s %s: %s %s", e.Field, quote(e.Text), quote(e.Offending), e.Problem)
	if e.Offending == e.Text {
		message = fmt.Sprintf("%s %s %s", e.Field, quote(e.Text), e.Problem)
	}
	if e.Suggestion != "" {
		message += "; " + e.Suggestion
	}
	return message
}

// newError is the only way to make an [Error]; an empty offending part is the whole text. Addresses lose what may be secret here.
func newError(field Field, text, offending, problem, suggestion string) *Error {
	if offending == "" {
		offending = text
	}
	shown, part := redact.Input(text), redact.Input(offending)
	if !strings.Contains(shown, part) {
		part = shown // what is at fault is within something that is hidden
	}
	return &Error{
		Field:      field,
		Text:       shown,
		Offending:  part,
		Problem:    redact.Input(problem),
		Suggestion: redact.Input(suggestion),
	}
}

// write words the suggestion to write that text.
func write(text string) string { return "write " + quote(text) }

// maxQuoted is how much of a text an error quotes, in bytes.
const maxQuoted = 120

// quote shows a text so that nothing in it stays invisible, cut to a length that still fits a message.
func quote(text string) string {
	if len(text) <= maxQuoted {
		return fmt.Sprintf("%q", text)
	}
	cut := maxQuoted
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return fmt.Sprintf("%q… (%d bytes)", text[:cut], len(text))
}
