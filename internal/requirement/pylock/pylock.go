// Package pylock is PEP 751: a lock of Python distributions as a pylock.toml.
package pylock

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// Version is the version of the format that is read and written.
const Version = "1.0"

// Lock is a set of distributions, each at one version and with the files to take it from. A field that is empty is not there.
type Lock struct {
	// Environments are where the lock holds. None is everywhere that the files of it run.
	Environments []pep508.Marker
	// RequiresPython is the versions of Python that the lock is for.
	RequiresPython pep440.Specifier
	// DefaultGroups are the groups of dependencies that are installed where nobody asks for others.
	DefaultGroups []string
	// CreatedBy is the tool that made the lock.
	CreatedBy string
	Packages  []Package
}

// Package is one distribution of a lock.
type Package struct {
	// Name is normalised.
	Name string
	// Version is the zero value where only the file knows it.
	Version pep440.Version
	// Marker is where the distribution is to be installed.
	Marker         pep508.Marker
	RequiresPython pep440.Specifier
	// Index is the address of the index.
	Index string
	// Dependencies are the names of those that this one needs.
	Dependencies []string
	// Wheels and Sdist are files of an index; Archive is a file at an address, VCS a commit.
	Wheels  []File
	Sdist   *File
	Archive *File
	VCS     *VCS
}

// File is a file with its hash.
type File struct {
	// Name is empty where it is the last part of the URL.
	Name string
	// URL is empty where the lock does not tell it: an index has the file by its name.
	URL string
	// SHA256 is in hexadecimal digits. A lock that has only weaker hashes is refused.
	SHA256 string
	// Size is in bytes, 0 where it is not told.
	Size     int64
	Uploaded time.Time
	// Subdirectory is where the distribution is within an archive.
	Subdirectory string
}

// VCS is a commit.
type VCS struct {
	// Type is "git"; others are read and can be refused.
	Type, URL, CommitID, RequestedRevision, Subdirectory string
	// Archive is what the repository's host makes of the commit, nil where the lock does not tell. PEP 751 has no place for both,
	// so that it stands in the table of the tool that we are.
	Archive *File
}

// document is the file as TOML has it.
type document struct {
	LockVersion    string     `toml:"lock-version"`
	Environments   []string   `toml:"environments"`
	RequiresPython string     `toml:"requires-python"`
	DefaultGroups  []string   `toml:"default-groups"`
	CreatedBy      string     `toml:"created-by"`
	Packages       []packaged `toml:"packages"`
}

type packaged struct {
	Name           string         `toml:"name"`
	Version        string         `toml:"version"`
	Marker         string         `toml:"marker"`
	RequiresPython string         `toml:"requires-python"`
	Index          string         `toml:"index"`
	Dependencies   []dependency   `toml:"dependencies"`
	Wheels         []file         `toml:"wheels"`
	Sdist          *file          `toml:"sdist"`
	Archive        *file          `toml:"archive"`
	VCS            *vcs           `toml:"vcs"`
	Directory      map[string]any `toml:"directory"`
	Tool           struct {
		Ours struct {
			Archive *file `toml:"archive"`
		} `toml:"terraform-provider-rime"`
	} `toml:"tool"`
}

type dependency struct {
	Name string `toml:"name"`
}

type file struct {
	Name         string            `toml:"name"`
	URL          string            `toml:"url"`
	Path         string            `toml:"path"`
	Size         int64             `toml:"size"`
	UploadTime   time.Time         `toml:"upload-time"`
	Hashes       map[string]string `toml:"hashes"`
	Subdirectory string            `toml:"subdirectory"`
}

type vcs struct {
	Type              string `toml:"type"`
	URL               string `toml:"url"`
	Path              string `toml:"path"`
	RequestedRevision string `toml:"requested-revision"`
	CommitID          string `toml:"commit-id"`
	Subdirectory      string `toml:"subdirectory"`
}

// PackageError is what is wrong with one distribution of a lock.
type PackageError struct {
	// Name is as the lock has it.
	Name string
	// Err joins one error for each fault.
	Err error
}

// Error implements error.
func (e *PackageError) Error() string { return fmt.Sprintf("the package %q: %v", e.Name, e.Err) }

// Unwrap gives the faults.
func (e *PackageError) Unwrap() error { return e.Err }

// Parse reads a pylock.toml. The error joins one for each fault, a [*PackageError] where a distribution has it.
func Parse(text string) (Lock, error) {
	var d document
	if _, err := toml.Decode(text, &d); err != nil {
		return Lock{}, fmt.Errorf("it is no TOML: %w", err)
	}
	major, _, _ := strings.Cut(d.LockVersion, ".")
	switch {
	case d.LockVersion == "":
		return Lock{}, errors.New("it has no lock-version, and is no pylock.toml (PEP 751)")
	case major != "1":
		return Lock{}, fmt.Errorf("it has the lock-version %q, and only %s is known", d.LockVersion, Version)
	}
	l := Lock{CreatedBy: d.CreatedBy, DefaultGroups: d.DefaultGroups}
	var errs []error
	for _, text := range d.Environments {
		marker, err := pep508.ParseMarker(text)
		l.Environments, errs = append(l.Environments, marker), append(errs, err)
	}
	var err error
	l.RequiresPython, err = pep440.ParseSpecifier(d.RequiresPython)
	errs = append(errs, err)
	for _, entry := range d.Packages {
		p, err := entry.parse()
		if err != nil {
			err = &PackageError{entry.Name, err}
		}
		l.Packages, errs = append(l.Packages, p), append(errs, err)
	}
	return l, errors.Join(errs...)
}

// parse reads one distribution.
func (e packaged) parse() (p Package, err error) {
	if p.Name = pep508.NormalizeName(e.Name); e.Name == "" {
		return p, errors.New("it has no name")
	}
	if e.Directory != nil {
		return p, errors.New("it is a directory on the machine where the lock was made, which an image cannot have")
	}
	var errs []error
	if e.Version != "" {
		p.Version, err = pep440.Parse(e.Version)
		errs = append(errs, err)
	}
	if e.Marker != "" {
		p.Marker, err = pep508.ParseMarker(e.Marker)
		errs = append(errs, err)
	}
	p.RequiresPython, err = pep440.ParseSpecifier(e.RequiresPython)
	errs = append(errs, err)
	p.Index = e.Index
	for _, d := range e.Dependencies {
		p.Dependencies = append(p.Dependencies, pep508.NormalizeName(d.Name))
	}
	for _, w := range e.Wheels {
		parsed, err := w.parse()
		p.Wheels, errs = append(p.Wheels, parsed), append(errs, err)
	}
	p.Sdist, err = optional(e.Sdist)
	errs = append(errs, err)
	p.Archive, err = optional(e.Archive)
	errs = append(errs, err)
	if e.VCS != nil {
		p.VCS, err = e.VCS.parse()
		errs = append(errs, err)
		p.VCS.Archive, err = optional(e.Tool.Ours.Archive)
		errs = append(errs, err)
	}
	if len(p.Wheels) == 0 && p.Sdist == nil && p.Archive == nil && p.VCS == nil {
		errs = append(errs, errors.New("it has no file"))
	}
	return p, errors.Join(errs...)
}

// optional reads a file that need not be there.
func optional(f *file) (parsed *File, err error) {
	if f != nil {
		var known File
		known, err = f.parse()
		parsed = &known
	}
	return parsed, err
}

func (f file) parse() (File, error) {
	name := cmp.Or(f.Name, lastPart(f.URL), lastPart(f.Path))
	parsed := File{Name: name, URL: f.URL, Size: f.Size, Uploaded: f.UploadTime, Subdirectory: f.Subdirectory}
	for algorithm, digits := range f.Hashes {
		if strings.EqualFold(algorithm, "sha256") {
			parsed.SHA256 = strings.ToLower(digits)
		}
	}
	switch {
	case name == "":
		return parsed, errors.New("a file of it has neither a name nor an address")
	case len(parsed.SHA256) != 64 || strings.Trim(parsed.SHA256, "0123456789abcdef") != "":
		return parsed, fmt.Errorf("%s has no SHA-256", shown(name))
	}
	return parsed, nil
}

// shown is the name of a file in a message. The last part of an address that is no name of a file may be a secret.
func shown(name string) string {
	for _, suffix := range []string{".whl", ".tar.gz", ".zip"} {
		if strings.HasSuffix(name, suffix) {
			return strconv.Quote(name)
		}
	}
	return "a file of it"
}

// lastPart is the name of the file at an address, where it has "%2B" for "+".
func lastPart(address string) string {
	if address == "" {
		return ""
	}
	if u, err := url.Parse(address); err == nil {
		return strings.TrimPrefix(path.Base("/"+u.Path), "/")
	}
	return address[strings.LastIndex(address, "/")+1:]
}

func (v vcs) parse() (*VCS, error) {
	parsed := &VCS{Type: v.Type, URL: v.URL, CommitID: v.CommitID, RequestedRevision: v.RequestedRevision, Subdirectory: v.Subdirectory}
	switch {
	case v.Type != "git":
		return parsed, fmt.Errorf("it comes from %q, and only git can be read", v.Type)
	case v.URL == "":
		return parsed, errors.New("its repository has no address")
	case v.CommitID == "":
		return parsed, errors.New("it has no commit-id")
	}
	return parsed, nil
}
