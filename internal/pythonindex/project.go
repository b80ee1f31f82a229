package pythonindex

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// pyproject is what of a pyproject.toml says what the distribution is (PEP 621).
type pyproject struct {
	Project *struct {
		Name           string              `toml:"name"`
		Version        string              `toml:"version"`
		RequiresPython string              `toml:"requires-python"`
		Dependencies   []string            `toml:"dependencies"`
		Optional       map[string][]string `toml:"optional-dependencies"`
		Dynamic        []string            `toml:"dynamic"`
	} `toml:"project"`
}

// dynamicError is metadata that only a build can tell.
type dynamicError struct{ reason string }

// Error implements error.
func (e *dynamicError) Error() string { return e.reason }

// parseProject reads the metadata that a pyproject.toml has in its [project] table. Where a build decides on any of it, it has
// none.
func parseProject(text string) (*Metadata, error) {
	var read pyproject
	if _, err := toml.Decode(text, &read); err != nil {
		return nil, fmt.Errorf("its pyproject.toml is no TOML: %w", err)
	}
	p := read.Project
	if p == nil {
		return nil, &dynamicError{"its pyproject.toml has no table [project]"}
	}
	for _, needed := range []string{"version", "dependencies", "optional-dependencies", "requires-python"} {
		if slices.Contains(p.Dynamic, needed) {
			return nil, &dynamicError{fmt.Sprintf("its pyproject.toml has %q among what is dynamic", needed)}
		}
	}
	m := &Metadata{Name: pep508.NormalizeName(p.Name)}
	var errs []error
	var err error
	if m.Version, err = pep440.Parse(p.Version); err != nil || !isName(p.Name) {
		errs = append(errs, errors.New("its pyproject.toml has no name, or no version that is one"))
	}
	if m.RequiresPython, err = pep440.ParseSpecifier(p.RequiresPython); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, m.require(p.Dependencies, ""))
	for _, extra := range slices.Sorted(maps.Keys(p.Optional)) {
		if !isName(extra) {
			errs = append(errs, fmt.Errorf("its pyproject.toml has the extra %q, which is no name", extra))
			continue
		}
		m.Extras = append(m.Extras, pep508.NormalizeName(extra))
		errs = append(errs, m.require(p.Optional[extra], pep508.NormalizeName(extra)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.Sort(m.Extras)
	m.Extras = slices.Compact(m.Extras)
	return m, nil
}

// isName tells a name of a distribution or of an extra.
func isName(text string) bool {
	r, err := pep508.Parse(text)
	return err == nil && r.String() == pep508.NormalizeName(text)
}

// require adds what is needed, with that extra only where it is not empty.
func (m *Metadata) require(texts []string, extra string) error {
	for _, text := range texts {
		r, err := pep508.Parse(text)
		if err == nil && extra != "" {
			marker := fmt.Sprintf("extra == %q", extra)
			if !r.Marker.IsZero() {
				marker = "(" + r.Marker.String() + ") and " + marker
			}
			r.Marker, err = pep508.ParseMarker(marker)
		}
		if err != nil {
			return err
		}
		if m.Requires = append(m.Requires, r); len(m.Requires) > maxRequires {
			return errors.New("it says too much")
		}
	}
	return nil
}

// told is the metadata of a source archive, out of the files that were found in it.
func (s *sources) metadata() (*Metadata, error) {
	switch info, project := s.file("PKG-INFO"), s.file("pyproject.toml"); {
	case s.submodules:
		return nil, &dynamicError{"its repository has submodules, which are not in the archive that its host makes of a commit"}
	case s.filtered:
		return nil, &dynamicError{"its .gitattributes make the archive of a commit another thing than the commit"}
	case info != nil:
		return s.packaged(string(info))
	case project != nil:
		return parseProject(strings.TrimPrefix(string(project), "\ufeff"))
	}
	return nil, &dynamicError{"it has neither a PKG-INFO nor a pyproject.toml where it is built"}
}

// packaged is the metadata of a source distribution. What tools wrote before PEP 643 has requirements in a file of setuptools, if
// it has none in PKG-INFO.
func (s *sources) packaged(info string) (*Metadata, error) {
	m, err := ParseMetadata(info)
	switch {
	case err != nil:
		return nil, fmt.Errorf("its PKG-INFO cannot be used: %w", err)
	case m.Dynamic:
		return nil, &dynamicError{"its PKG-INFO leaves its requirements to the build"}
	case len(m.Requires) == 0 && s.requires:
		return nil, &dynamicError{"its PKG-INFO does not tell its requirements"}
	}
	return m, nil
}
