package requirement

import (
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// diagnoseMarker says what is wrong with a text where a marker should be. It is not ok where it is one.
func diagnoseMarker(marker string) (problem, suggestion string, ok bool) {
	marker = strings.TrimSpace(marker)
	if _, err := pep508.ParseMarker(marker); err == nil {
		return "", "", true
	}
	if _, isRequirement := matchVersions(marker); isRequirement {
		return "begins a second requirement", oneEach, false
	}
	return "is not an environment marker (PEP 508)",
		`write comparisons of the image's Python with texts in quotes, for example ; python_version >= "3.9"`, false
}
