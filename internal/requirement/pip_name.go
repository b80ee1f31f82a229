package requirement

import (
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// identifier is a name as PEP 508 has it, of a distribution or of an extra. (No case-insensitive flag: it would let the Kelvin sign and
// the long s through, which fold to ASCII letters.)
const identifier = `[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`

var (
	pipNamePattern = regexp.MustCompile(`^(` + identifier + `)(?:\[((?:` + identifier + `(?:,` + identifier + `)*)?)\])?$`)
	// archivePattern is what pip takes for a file, where no comparison follows.
	archivePattern = regexp.MustCompile(`(?i)\.(?:whl|zip|tar|tgz|tbz|txz|tlz|tar\.(?:gz|bz2|xz|lz|lzma))$`)
)

// matchPipName is the canonical form of a name, if it is one.
func matchPipName(text string) (name string, ok bool) {
	m := pipNamePattern.FindStringSubmatch(text)
	if m == nil || len(text) > maxText || len(m[1]) > maxName {
		return "", false
	}
	name = pep508.NormalizeName(m[1])
	if m[2] == "" {
		return name, true
	}
	extras := strings.Split(m[2], ",")
	for i, extra := range extras {
		if len(extra) > maxName {
			return "", false
		}
		extras[i] = pep508.NormalizeName(extra)
	}
	slices.Sort(extras)
	return name + "[" + strings.Join(slices.Compact(extras), ",") + "]", true
}
