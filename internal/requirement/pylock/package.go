package pylock

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// Hashes are the SHA-256 of all files of the distribution, in hexadecimal digits.
func (p Package) Hashes() []string {
	var hashes []string
	for _, w := range p.Wheels {
		hashes = append(hashes, w.SHA256)
	}
	archive, _ := p.Direct()
	for _, f := range []*File{p.Sdist, archive} {
		if f != nil {
			hashes = append(hashes, f.SHA256)
		}
	}
	return hashes
}

// Direct is the archive that the distribution comes from where that is at an address of its own, and where it is built there. It
// is nil for a distribution of an index, and for a commit of which the lock has no archive.
func (p Package) Direct() (archive *File, subdirectory string) {
	switch {
	case p.Archive != nil:
		return p.Archive, p.Archive.Subdirectory
	case p.VCS != nil:
		return p.VCS.Archive, p.VCS.Subdirectory
	}
	return nil, ""
}

// For is the distributions that are installed in that environment, without extras and with the default groups, sorted by
// name. The error is a lock that does not hold there, or has two of one name.
func (l Lock) For(environment pep508.Environment) ([]Package, error) {
	python, err := pep440.Parse(environment["python_full_version"])
	if err != nil {
		return nil, err
	}
	environment = maps.Clone(environment)
	environment["extras"], environment["dependency_groups"] = "", strings.Join(l.DefaultGroups, ",")
	if !l.RequiresPython.Allows(python) {
		return nil, fmt.Errorf("the lock is for Python %s, and the image has %s", l.RequiresPython, python)
	}
	if err := l.holds(environment); err != nil {
		return nil, err
	}
	var here []Package
	for _, p := range l.Packages {
		switch holds, err := p.Marker.Holds(environment); {
		case err != nil:
			return nil, err
		case !holds:
		case !p.RequiresPython.Allows(python):
			return nil, fmt.Errorf("%s %s of the lock is for Python %s, and the image has %s", p.Name, p.Version, p.RequiresPython, python)
		default:
			here = append(here, p)
		}
	}
	slices.SortStableFunc(here, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(here); i++ {
		if here[i].Name == here[i-1].Name {
			return nil, fmt.Errorf("the lock has two of %s for the image: %s and %s", here[i].Name, here[i-1].Version, here[i].Version)
		}
	}
	return here, nil
}

// holds is the error of a lock that is for other environments.
func (l Lock) holds(environment pep508.Environment) error {
	if len(l.Environments) == 0 {
		return nil
	}
	texts := make([]string, len(l.Environments))
	for i, marker := range l.Environments {
		holds, err := marker.Holds(environment)
		if holds || err != nil {
			return err
		}
		texts[i] = marker.String()
	}
	return fmt.Errorf("the lock is for other environments than the image (Python %s on %s): %s",
		environment["python_full_version"], environment["platform_machine"], strings.Join(texts, ", "))
}
