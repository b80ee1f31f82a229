package requirement

import (
	"regexp"
	"slices"
	"strings"
)

// verdict is what is known of a condition without knowing the image's Python version.
type verdict int

const (
	unknown verdict = iota
	always
	never
)

// markerVariables are what markers compare (PEP 508).
var markerVariables = []string{
	"os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release", "platform_system",
	"platform_version", "python_version", "python_full_version", "implementation_name", "implementation_version", "extra",
}

// linux is what markers can ask about every image (PEP 508, "Environment Markers").
var linux = map[string]string{"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}

// markerTerm is one comparison of a marker; its value may stand first.
var markerTerm = regexp.MustCompile(`^(?:(\w+) ?(==|!=) ?["']([^"']*)["']|["']([^"']*)["'] ?(==|!=) ?(\w+))$`)

// judgeMarker tells whether a marker is always or never true on Linux. What it does not understand is unknown.
func judgeMarker(marker string) verdict {
	if inner, found := strings.CutPrefix(marker, "("); found {
		marker = strings.TrimSuffix(inner, ")")
	}
	if strings.ContainsAny(marker, "()") {
		return unknown
	}
	some := never
	for alternative := range strings.SplitSeq(marker, " or ") {
		all := always
		for term := range strings.SplitSeq(alternative, " and ") {
			switch v := judgeTerm(strings.TrimSpace(term)); {
			case v == never || all == never:
				all = never
			case v == unknown:
				all = unknown
			}
		}
		switch {
		case all == always || some == always:
			some = always
		case all == unknown:
			some = unknown
		}
	}
	return some
}

func judgeTerm(term string) verdict {
	m := markerTerm.FindStringSubmatch(term)
	if m == nil {
		return unknown
	}
	actual, known := linux[m[1]+m[6]] // one of which matched
	switch {
	case !known:
		return unknown
	case (actual == m[3]+m[4]) == (m[2]+m[5] == "=="):
		return always
	}
	return never
}

// diagnoseMarker says what to do about a marker; before is what stands before it.
func diagnoseMarker(marker, before string) (problem, suggestion string) {
	marker = strings.TrimSpace(marker)
	if _, ok := matchPip(marker); ok && !slices.Contains(markerVariables, nameAndRest.FindStringSubmatch(marker)[1]) {
		return "begins a second requirement", oneEach
	}
	switch judgeMarker(marker) {
	case never:
		return "is an environment marker that is true on no image, because an image is Linux", "leave the requirement out"
	case always:
		return "is an environment marker that is true on every image, because an image is Linux", suggestPip(before)
	case unknown:
	}
	return "is an environment marker; the image has one Python version and one platform, " +
			"so that a requirement holds for it or does not",
		"write the requirement without the marker if it holds for the image, and leave it out if not " +
			"(uv pip compile --python-version 3.11 --python-platform linux writes no markers)"
}
