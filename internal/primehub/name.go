package primehub

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
)

const (
	// maxName is Kubernetes' limit for names of objects.
	maxName = 253
	// maxBuiltName is its limit for label values: an image of a longer name would never be built (CONTRACT §4.1).
	maxBuiltName = 63
	// maxStem and suffixLength are the portal's (CONTRACT §5.3).
	maxStem      = 57
	suffixLength = 5
)

// namePattern is the rule of the administrators' portal and of the SDK (CONTRACT §5.2).
var namePattern = regexp.MustCompile(`\A[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\z`)

// NameError is a text that cannot be the name of an image.
type NameError struct {
	Name string
	// Problem is the rest of a sentence that starts with the name.
	Problem string
}

// Error implements error.
func (e *NameError) Error() string { return fmt.Sprintf("%q %s", e.Name, e.Problem) }

// CheckName validates the name of an image, which for one that is built may be shorter only. A refusal is a [*NameError].
func CheckName(name string, built bool) error {
	switch {
	case !namePattern.MatchString(name):
		return &NameError{Name: name, Problem: "cannot be the name of an image: lower-case letters, digits, \"-\" and \".\", " +
			"with a letter or digit at both ends and around each \".\""}
	case built && len(name) > maxBuiltName:
		return &NameError{Name: name, Problem: fmt.Sprintf("is longer than %d characters, so that PrimeHub would never build it", maxBuiltName)}
	case len(name) > maxName:
		return &NameError{Name: name, Problem: fmt.Sprintf("is longer than %d characters", maxName)}
	}
	return nil
}

// notWord is what the portal replaces.
var notWord = regexp.MustCompile(`[^0-9A-Za-z]`)

// GenerateName makes the name of a new image from its display name, as the group portal does (CONTRACT §5.3): all but ASCII letters and digits
// become hyphens, and something random follows. Unlike the portal it never begins with a hyphen, which the platform would refuse after having left its role behind.
func GenerateName(displayName string) string {
	return stemOf(displayName) + "-" + strings.ToLower(rand.Text())[:suffixLength] // base 32, and all its characters are the portal's, too
}

// stemOf is what [GenerateName] puts before what is random.
func stemOf(displayName string) string {
	stem := strings.TrimLeft(strings.ToLower(notWord.ReplaceAllString(displayName, "-")), "-")
	stem = strings.TrimRight(stem[:min(len(stem), maxStem)], "-")
	return cmp.Or(stem, "image")
}
