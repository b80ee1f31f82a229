package pythonindex

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Address is where a distribution is that no index has. [ParseAddress] makes them.
type Address struct {
	// URL is that of an archive, or of a repository of git.
	URL string
	// Git tells a repository; Revision is what of it: a branch, a tag, a commit, or what its HEAD is where it is empty.
	Git      bool
	Revision string
	// Subdirectory is where the distribution is within the archive or the repository. Empty is its top.
	Subdirectory string
	// SHA256 is the hash that the archive has to have, in hexadecimal digits, empty for any.
	SHA256 string
}

var (
	errAddress      = errors.New("its address cannot be read")
	errUser         = errors.New("its address has a user in it, which everybody could read; put the user and the password into a netrc file")
	errSubdirectory = errors.New("the subdirectory in its address is no path within the archive")
	errHash         = errors.New("the hash in its address is no SHA-256, which has 64 hexadecimal digits")
)

var (
	wholeSHA256 = regexp.MustCompile(`^[0-9a-f]{64}$`)
	// unsafeInAddress is what has no place in an address, or a meaning of its own in a requirements file.
	unsafeInAddress = regexp.MustCompile("[^!-~]|[\"'`\\\\$<>{}|^]")
)

// ParseAddress reads the address of a requirement: "https://example.com/a-1.0.tar.gz#sha256=0a…&subdirectory=a", or
// "git+https://example.com/a.git@v1.0". The error does not have the address.
func ParseAddress(text string) (Address, error) {
	plain, isGit := strings.CutPrefix(text, "git+")
	u, err := url.Parse(plain)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", unsafeInAddress.MatchString(text):
		return Address{}, errAddress
	case u.User != nil:
		return Address{}, errUser
	}
	a := Address{Git: isGit}
	for part := range strings.SplitSeq(u.EscapedFragment(), "&") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "subdirectory":
			if a.Subdirectory, err = url.PathUnescape(value); err != nil || !isWithin(a.Subdirectory) {
				return Address{}, errSubdirectory
			}
			a.Subdirectory = strings.Trim(a.Subdirectory, "/")
		case "sha256":
			if a.SHA256 = strings.ToLower(value); !wholeSHA256.MatchString(a.SHA256) {
				return Address{}, errHash
			}
		}
	}
	before, _, _ := strings.Cut(plain, "#")
	if a.URL = before; isGit {
		return a.withRevision(u)
	}
	return a, nil
}

// isWithin tells a path that leads to no other place than below where it begins. It goes into an address again.
func isWithin(directory string) bool {
	return directory != "" && !strings.HasPrefix(directory, "/") && !strings.ContainsAny(directory, "#&%?") &&
		!unsafeInAddress.MatchString(directory) && !slices.Contains(strings.Split(directory, "/"), "..")
}

// withRevision takes the revision off the path of a repository, as pip does.
func (a Address) withRevision(u *url.URL) (Address, error) {
	before, query, _ := strings.Cut(a.URL, "?")
	if at := strings.LastIndexByte(before, '@'); at > strings.LastIndex(before, "://")+2 {
		var err error
		if a.Revision, err = url.PathUnescape(before[at+1:]); err != nil || a.Revision == "" || unsafeInAddress.MatchString(a.Revision) {
			return Address{}, errAddress
		}
		before = before[:at]
	}
	if strings.Trim(strings.TrimPrefix(before, u.Scheme+"://"+u.Host), "/") == "" || query != "" {
		return Address{}, errAddress
	}
	a.URL = before
	return a, nil
}

// fragment is what stands behind the address of the archive, for pip.
func (d *Direct) fragment() string {
	if d.Subdirectory == "" {
		return ""
	}
	return "#subdirectory=" + d.Subdirectory
}

// fileName is the name of the file at an address.
func fileName(u *url.URL) string { return path.Base("/" + u.Path) }

// wholeCommit is the whole name of a commit, of either kind that git has.
var wholeCommit = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// commitArchive is the address of the archive that the host of a repository makes of a commit, if the host is known to make some.
func commitArchive(repository *url.URL, commit string) (string, bool) {
	trimmed := strings.TrimSuffix(strings.Trim(repository.EscapedPath(), "/"), ".git")
	parts := strings.Split(trimmed, "/")
	base := repository.Scheme + "://" + repository.Host + "/" + trimmed
	switch host := strings.ToLower(repository.Hostname()); {
	case host == "github.com" && len(parts) == 2:
		// It leads on to codeload.github.com. This address has a name that pip knows for an archive.
		return base + "/archive/" + commit + ".tar.gz", true
	case (host == "gitlab.com" || strings.HasPrefix(host, "gitlab.")) && len(parts) >= 2:
		return base + "/-/archive/" + commit + "/" + parts[len(parts)-1] + "-" + commit + ".tar.gz", true
	case host == "bitbucket.org" && len(parts) == 2:
		return base + "/get/" + commit + ".tar.gz", true
	}
	return "", false
}
