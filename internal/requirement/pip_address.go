package requirement

import (
	"net/url"
	"path"
	"regexp"
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
	address, marker := cutMarker(line)
	canonical, ok := matchAddress(address)
	if !ok {
		return Pip{}, false
	}
	name := nameInAddress(address)
	if name == "" {
		return Pip{}, false
	}
	return matchPip(name + " @ " + canonical + marker)
}

// cutMarker takes the marker off an address, with its semicolon and a blank before it. An address may hold semicolons; one
// that a blank follows is its end, as for pip.
func cutMarker(text string) (address, marker string) {
	at := strings.Index(text, "; ")
	if before := strings.Index(text, " ;"); before >= 0 && (at < 0 || before < at) {
		at = before + 1
	}
	if at < 0 {
		return strings.TrimRight(text, " ;"), ""
	}
	address, marker = strings.TrimRight(text[:at], " "), strings.TrimSpace(text[at+1:])
	if marker == "" {
		return address, ""
	}
	return address, " ; " + marker
}

// withRepositoryName writes the name of a repository before an address that tells no name, in a line of a file. Where the
// distribution is in a part of the repository, its name is most likely another one.
func withRepositoryName(line string) string {
	if !strings.Contains(line, "://") || isPip(line) {
		return line
	}
	address, marker := cutMarker(line)
	before, fragment, _ := strings.Cut(address, "#")
	m := repositoryName.FindStringSubmatch(before)
	if m == nil || strings.Contains(fragment, "subdirectory=") || strings.Contains(fragment, "egg=") {
		return line
	}
	if named := m[1] + m[2] + " @ " + address + marker; isPip(named) { // one of which matched
		return named
	}
	return line
}

// repositoryName is the name of a repository in the address of it, or of an archive that its host makes.
var repositoryName = regexp.MustCompile(`^git\+https?://[^/@]+/[^@]*?([^/@]+?)(?:\.git)?/?(?:@.*)?$|` +
	`^https?://[^/@]+/[^@]*?([^/@]+)/(?:-/)?(?:archive|zipball|tarball)/`)

// nameInAddress is the name, with extras, that an address tells. Empty where it tells none.
func nameInAddress(address string) string {
	before, fragment, _ := strings.Cut(address, "#")
	for part := range strings.SplitSeq(fragment, "&") {
		if name, found := strings.CutPrefix(part, "egg="); found {
			// pip before version 25 took a version as well, which decides nothing.
			name, _, _ = strings.Cut(name, "==")
			if _, ok := matchPipName(name); ok {
				return name
			}
			return ""
		}
	}
	before, _, _ = strings.Cut(before, "?")
	file := path.Base(before)
	if plain, err := url.PathUnescape(file); err == nil { // "%2B" is the "+" of a local version
		file = plain
	}
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
