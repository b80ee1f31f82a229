package lockfile

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pylock"
)

// makeAnew is what to do about a lock that does not hold for the image.
const makeAnew = "make the lock anew, for the image's Python and for Linux"

// fromPylock makes an [*Error] of each fault that package pylock has found.
func fromPylock(err error) []error {
	var errs []error
	for _, fault := range unjoin(err) {
		ofPackage, ok := errors.AsType[*pylock.PackageError](fault)
		if !ok {
			errs = append(errs, newError(0, "", "", "cannot be read: "+fault.Error(), ""))
			continue
		}
		for _, each := range unjoin(ofPackage.Err) {
			errs = append(errs, newError(0, ofPackage.Name, "", "cannot be installed: "+each.Error(), ""))
		}
	}
	return errs
}

// secretIndexes are the packages whose index has credentials in its address.
func secretIndexes(lock pylock.Lock) []error {
	var errs []error
	for _, p := range lock.Packages {
		if u, err := url.Parse(p.Index); err == nil && u.User != nil {
			errs = append(errs, newError(0, p.Name, "", "has an index with credentials in its address, which would be in the plan and in the state",
				"make the lock anew without them: the provider has those of its indexes in embedded_registry.pip"))
		}
	}
	return errs
}

// unjoin are the errors that errors.Join has joined.
func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// forPylock is [File.For] of a pylock.toml.
func forPylock(lock *pylock.Lock, environment pep508.Environment) ([]Entry, error) {
	packages, err := lock.For(environment)
	if err != nil {
		return nil, newError(0, "", "", "does not hold for the image: "+err.Error(), makeAnew)
	}
	fits := fitting(environment)
	entries := make([]Entry, 0, len(packages))
	var errs []error
	for _, p := range packages {
		entry, fault := entryOf(p, fits)
		if fault != nil {
			errs = append(errs, fault)
		}
		entries = append(entries, entry)
	}
	return entries, errors.Join(errs...)
}

// entryOf is a distribution of a pylock.toml.
func entryOf(p pylock.Package, fits func(file string) bool) (Entry, *Error) {
	e := Entry{Name: p.Name, Version: p.Version}
	files := p.Wheels
	if p.Sdist != nil {
		files = append(slices.Clip(files), *p.Sdist)
	}
	switch {
	case p.VCS != nil:
		return commitOf(e, p.VCS)
	case p.Archive != nil:
		files = []pylock.File{*p.Archive}
		e.Address = p.Archive.URL + fragment(p.Archive.Subdirectory)
	}
	anyFits := false
	for _, file := range files {
		e.Files, e.Hashes = append(e.Files, file), append(e.Hashes, file.SHA256)
		anyFits = anyFits || fits(file.Name)
		if file.URL == "" && p.Archive == nil { // an index has it, by its hash
			continue
		}
		u, err := url.Parse(file.URL)
		if err != nil || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return e, newError(0, p.Name, "", "has a file at an address that is not of https, or that has credentials in it",
				"make the lock anew without them: the provider has those of its indexes in embedded_registry.pip")
		}
	}
	if !anyFits {
		return e, newError(0, p.Name, "", "has files for other platforms or Pythons only", makeAnew)
	}
	return e, nil
}

// commit is the whole name of one, of either kind that git has.
var commit = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// commitOf is the entry of a commit.
func commitOf(e Entry, vcs *pylock.VCS) (Entry, *Error) {
	u, err := url.Parse(vcs.URL)
	switch {
	case !commit.MatchString(vcs.CommitID):
		return e, newError(0, e.Name, "", "is of a commit whose name is not whole", "make the lock anew")
	case err != nil || u.User != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return e, newError(0, e.Name, "", "is a repository that is not at an address of https, or has credentials in it",
			"make the lock anew, with an address that everybody can read")
	}
	u.Fragment, u.RawFragment = "", ""
	e.Address = "git+" + u.String() + "@" + vcs.CommitID + fragment(vcs.Subdirectory)
	if vcs.Archive != nil {
		e.Hashes = []string{vcs.Archive.SHA256}
	}
	return e, nil
}

func fragment(subdirectory string) string {
	if subdirectory == "" {
		return ""
	}
	return "#subdirectory=" + subdirectory
}

// fitting tells which files can be for an environment. It knows neither the C library nor whether Python has threads without
// a lock, and lets files for all of them through.
func fitting(environment pep508.Environment) func(file string) bool {
	var tags []*pep425.Tags
	minor := 0
	if python, err := pep440.Parse(environment["python_full_version"]); err == nil && len(python.Release()) > 1 {
		minor, _ = strconv.Atoi(python.Release()[1])
	}
	for _, threaded := range []bool{false, true} {
		p := pep425.Platform{Minor: min(minor, newest), Threaded: threaded, Machine: environment["platform_machine"], LibcMinor: newest}
		p.Libc, p.LibcMajor = pep425.Glibc, 2
		tags = append(tags, pep425.NewTags(p))
		p.Libc, p.LibcMajor = pep425.Musl, 1
		tags = append(tags, pep425.NewTags(p))
	}
	return func(file string) bool {
		if !strings.HasSuffix(file, ".whl") {
			return true
		}
		wheel, err := pep425.ParseWheel(file)
		if err != nil {
			return false
		}
		for _, t := range tags {
			if _, ok := t.Rank(wheel); ok {
				return true
			}
		}
		return false
	}
}

// newest is a minor version that neither Python nor a C library has these days.
const newest = 99
