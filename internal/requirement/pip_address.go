package requirement

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// fragments are what may stand behind the "#" of an address: where the distribution is in it, its name, its hash.
var fragments = []string{"subdirectory", "egg", "sha256"}

// matchAddress is the canonical form of an address that a distribution can be fetched from by everybody who builds the
// image, if it is one: of an archive, or of a repository of git, over http. Credentials have no place in it. A name in it
// says what stands before it already.
func matchAddress(text string) (string, bool) {
	scheme, rest, isGit := strings.Cut(text, "git+")
	if !isGit {
		rest = text
	}
	u, err := url.Parse(rest)
	switch {
	case err != nil, scheme != "" && isGit, u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil:
		return "", false
	case strings.ContainsAny(text, "\"'`\\$<>{}|^ "):
		return "", false
	case isGit && strings.Trim(u.Path, "/") == "", !isGit && !archivePattern.MatchString(u.Path):
		return "", false
	}
	var kept []string
	for part := range strings.SplitSeq(u.Fragment, "&") {
		name, value, _ := strings.Cut(part, "=")
		switch {
		case part == "", name == "egg":
		case !slices.Contains(fragments, name) || value == "":
			return "", false
		default:
			kept = append(kept, part)
		}
	}
	before, _, _ := strings.Cut(text, "#")
	if len(kept) > 0 {
		before += "#" + strings.Join(kept, "&")
	}
	return before, true
}

// matchBareAddress is the requirement that an address stands for without a name before it, if the address tells the name:
// by "egg=", or as the name of a wheel or a source distribution.
func matchBareAddress(line string) (Pip, bool) {
	address, marker, hasMarker := strings.Cut(line, " ;")
	address = strings.TrimRight(address, " ")
	canonical, ok := matchAddress(address)
	if !ok {
		return Pip{}, false
	}
	name := nameInAddress(address)
	if hasMarker && strings.TrimSpace(marker) != "" {
		marker = "; " + strings.TrimSpace(marker)
	} else {
		marker = ""
	}
	if name == "" {
		return Pip{}, false
	}
	return matchPip(name + " @ " + canonical + " " + marker)
}

// nameInAddress is the name, with extras, that an address tells. Empty where it tells none.
func nameInAddress(address string) string {
	before, fragment, _ := strings.Cut(address, "#")
	for part := range strings.SplitSeq(fragment, "&") {
		if name, found := strings.CutPrefix(part, "egg="); found {
			if _, ok := matchPipName(name); ok {
				return name
			}
			return ""
		}
	}
	before, _, _ = strings.Cut(before, "?")
	file := path.Base(before)
	if wheel, err := pep425.ParseWheel(file); err == nil {
		return wheel.Name
	}
	if strings.HasPrefix(address, "git+") {
		return ""
	}
	// The version of a source distribution has no hyphen (PEP 625).
	stem := file[:len(file)-len(archivePattern.FindString(file))]
	if i := strings.LastIndexByte(stem, '-'); i > 0 {
		if _, err := pep440.Parse(stem[i+1:]); err == nil {
			return stem[:i]
		}
	}
	return ""
}
