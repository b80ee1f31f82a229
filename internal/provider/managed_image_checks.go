package provider

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// maxImageName is where names end before the repositories of common registries do (internal/rime/CONTRACT.md §2.12).
const maxImageName = 128

// hashDigits is how much of the input hash a generated name carries after its prefix.
const hashDigits = 8

// The grammar of names (internal/rime/CONTRACT.md §2.12); a prefix is what becomes a name with hexadecimal digits behind it.
var (
	imageName       = regexp.MustCompile(`^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$`)
	imageNamePrefix = regexp.MustCompile(`^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*[_-]?$`)
	notInName       = regexp.MustCompile(`[^a-z0-9_-]+`)
	separators      = regexp.MustCompile(`[_-]{2,}`)
)

const imageNameRule = "must start with a lower-case letter and hold only lower-case letters, digits and single hyphens or underscores between them"

var imageNameCheck = check{
	summary: "Invalid Managed Image Name",
	rule:    imageNameRule,
	find: func(value string) *diags.Problem {
		switch {
		case !imageName.MatchString(value):
			return &diags.Problem{Text: imageNameRule, Suggestion: proposeName(value, "")}
		case len(value) > maxImageName:
			return &diags.Problem{Text: fmt.Sprintf("is longer than %d characters, which is more than registries are sure to take", maxImageName)}
		default:
			return nil
		}
	},
}

var imageNamePrefixCheck = check{
	summary: "Invalid Managed Image Name Prefix",
	rule:    "must be the beginning of a name: start with a lower-case letter and hold only lower-case letters, digits and single hyphens or underscores",
	find: func(value string) *diags.Problem {
		switch {
		case !imageNamePrefix.MatchString(value):
			return &diags.Problem{
				Text:       "must start with a lower-case letter and hold only lower-case letters, digits and single hyphens or underscores",
				Suggestion: proposeName(value, "-"),
			}
		case len(value)+hashDigits > maxImageName:
			return &diags.Problem{Text: fmt.Sprintf("is longer than %d characters, which with %d more for the hash is more than registries are sure to take", maxImageName-hashDigits, hashDigits)}
		default:
			return nil
		}
	},
}

// proposeName is the suggestion of the nearest legal name, if there is one, with an end that may not be part of a name.
func proposeName(value, end string) string {
	if redact.Input(value) != value {
		return "" // a name made of an address could hold its secret
	}
	proposal := notInName.ReplaceAllString(strings.ToLower(value), "-")
	proposal = separators.ReplaceAllString(proposal, "-")
	proposal = strings.TrimLeft(proposal, "0123456789_-")
	proposal = strings.TrimRight(proposal, "_-")
	if !imageName.MatchString(proposal) {
		return ""
	}
	return write(proposal + end)
}
