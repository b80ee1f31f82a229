package requirement

import (
	"maps"
	"regexp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// linux is what markers can ask about every image (PEP 508, "Environment Markers").
var linux = pep508.Environment{
	"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "implementation_name": "cpython",
	"platform_python_implementation": "CPython", "extra": "",
}

// Reduce is what the requirements come to on CPython on Linux, canonical: without those whose marker does not hold there, and without
// markers that do. A marker that asks about more stays. Python is the version, "X.Y", empty where it is not known.
func Reduce(pips []Pip, python string) []Pip {
	var reduced []Pip
	for _, pip := range pips {
		switch judge(pip.Marker, python) {
		case pep508.False:
			continue
		case pep508.True:
			pip.Marker = ""
		case pep508.Unknown:
		}
		reduced = append(reduced, pip)
	}
	return CanonicalPips(reduced)
}

// judge is what is known of a marker there.
func judge(marker, python string) pep508.Verdict {
	parsed, err := pep508.ParseMarker(marker)
	switch {
	case marker == "":
		return pep508.True
	case err != nil:
		return pep508.Unknown
	case python == "":
		return parsed.Judge(linux)
	}
	// Of the whole version only the first two numbers are known. A verdict that the first and the last of them share holds,
	// unless one in between is asked for.
	if exactPatch.MatchString(parsed.String()) {
		return parsed.Judge(environmentOf(python, "")) // of what is known
	}
	first, last := parsed.Judge(environmentOf(python, ".0")), parsed.Judge(environmentOf(python, ".999"))
	if first != last {
		return pep508.Unknown
	}
	return first
}

// exactPatch is a comparison of the whole version that a single one can meet, or fail to.
var exactPatch = regexp.MustCompile(`_full_version (?:[=!~]=|in|not)|(?:[=!~]=|in) python_full_version|implementation_version`)

func environmentOf(python, patch string) pep508.Environment {
	environment := maps.Clone(linux)
	environment["python_version"] = python
	if patch == "" {
		return environment
	}
	environment["python_full_version"] = python + patch
	environment["implementation_version"] = python + patch
	return environment
}
