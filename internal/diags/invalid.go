package diags

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// Problem is what a check of a single value found.
type Problem struct {
	// Text ends the sentence that begins with the value: "must be …", "is not …".
	Text string
	// Suggestion is what to do, in the imperative: `write "my-image"`. Empty when there is no telling.
	Suggestion string
	// Secret tells that the value must not be shown.
	Secret bool
}

// InvalidValue describes what a check of the value at that path found.
func InvalidValue(summary string, at path.Path, value string, problem *Problem) diag.Diagnostic {
	subject := fmt.Sprintf("%s = %q", at, value)
	if problem.Secret || len(value) > maxShown {
		subject = at.String()
	}
	return diag.NewAttributeErrorDiagnostic(at, summary, text(subject+" "+problem.Text+".", sentence(problem.Suggestion)))
}

// NotWhole describes a number that is a fraction, or larger than any number of ours.
func NotWhole(at path.Path, written string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Invalid Number", text(fmt.Sprintf("%s = %s is not a whole number. Write one, such as 2.", at, written)))
}

// InvalidRequirements describes what package requirement found wrong in an attribute, one diagnostic for each finding.
// The path is that of the element at fault, or of the attribute when the finding is about the set.
func InvalidRequirements(summary, attribute string, at path.Path, err error) diag.Diagnostics {
	var all diag.Diagnostics
	for _, err := range split(err) {
		refused, ok := errors.AsType[*requirement.Error](err)
		if !ok {
			all.Append(diag.NewAttributeErrorDiagnostic(at, summary, text(sentence(err.Error()))))
			continue
		}
		all.Append(diag.NewAttributeErrorDiagnostic(at, summary, text(
			fmt.Sprintf("%s: %s %s.", attribute, shortened(refused.Text), problemOf(refused)),
			sentence(refused.Suggestion),
		)))
	}
	return all
}

// problemOf goes on after the text of the field.
func problemOf(refused *requirement.Error) string {
	if refused.Offending == "" || refused.Offending == refused.Text {
		return refused.Problem
	}
	return fmt.Sprintf("cannot be used: %q %s", refused.Offending, refused.Problem)
}

// split takes joined errors apart.
func split(err error) []error {
	type joined interface {
		error
		Unwrap() []error
	}
	if all, ok := errors.AsType[joined](err); ok {
		return all.Unwrap()
	}
	return []error{err}
}

// sentence begins a clause with a capital letter and ends it with a full stop.
func sentence(clause string) string {
	if clause == "" {
		return ""
	}
	clause = strings.ToUpper(clause[:1]) + strings.TrimSuffix(clause[1:], ".")
	if strings.Contains(clause, "\n") && strings.HasSuffix(clause, "}") {
		return clause // It ends with something to copy.
	}
	return clause + "."
}
