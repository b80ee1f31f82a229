// Package diags turns errors into Terraform diagnostics, and is the only place that does.
//
// A summary is static, in title case and used once. A detail says what was tried, then quotes the other side
// word for word, then says what to do next, and ends with a block of facts. Nothing is classified by the text of a message:
// errors are recognised by their type. Golden files hold every message whole, so that a change of wording is reviewed.
package diags

import (
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// text joins paragraphs with empty lines; empty paragraphs are left out.
func text(paragraphs ...string) string {
	kept := make([]string, 0, len(paragraphs))
	for _, p := range paragraphs {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return redact.Text(strings.Join(kept, "\n\n"))
}

// fact is one line of the block that closes a detail.
type fact struct{ key, value string }

// facts writes the block of facts; a fact without a value is left out.
func facts(block ...fact) string {
	lines := make([]string, 0, len(block))
	for _, f := range block {
		if f.value != "" {
			lines = append(lines, f.key+": "+f.value)
		}
	}
	return strings.Join(lines, "\n")
}
