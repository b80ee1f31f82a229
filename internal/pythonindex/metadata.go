package pythonindex

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// Metadata is what a distribution says of itself, as far as resolving needs it (core metadata specification).
type Metadata struct {
	Name    string // normalised
	Version pep440.Version
	// Requires is what the distribution needs, in the order it is written.
	Requires []pep508.Requirement
	// Extras are the extras there are, normalised.
	Extras []string
	// RequiresPython allows every version where it is not written, or is nonsense, as for pip.
	RequiresPython pep440.Specifier
	// Dynamic tells a source distribution whose requirements are only known once it is built.
	Dynamic bool
}

const (
	// maxRequires bounds requirements and extras of a distribution. Some have a thousand.
	maxRequires = 20_000
	// maxErrors bounds how much is told of what is wrong.
	maxErrors = 10
)

// ParseMetadata reads a METADATA or PKG-INFO file. The error says what is wrong with it; what could be read is there all the
// same.
func ParseMetadata(text string) (*Metadata, error) {
	return parseMetadata(text, &requirements{})
}

// requirements are those that were read, by their text. Most versions of a distribution have the same ones as the
// version before, which take room once.
type requirements struct{ known sync.Map }

func (r *requirements) parse(text string) (pep508.Requirement, error) {
	if known, ok := r.known.Load(text); ok {
		return known.(pep508.Requirement), nil //nolint:forcetypeassert // nothing else is stored
	}
	// What is kept does not keep the whole text.
	text = strings.Clone(text)
	parsed, err := pep508.Parse(text)
	if err == nil {
		r.known.Store(text, parsed)
	}
	return parsed, err
}

func parseMetadata(text string, known *requirements) (*Metadata, error) {
	m := &Metadata{}
	var errs []error
	for field, value := range fields(text) {
		if err := m.take(field, strings.TrimSpace(value), known); err != nil {
			errs = append(errs, err)
		}
		if len(m.Requires)+len(m.Extras) > maxRequires || len(errs) > maxErrors {
			errs = append(errs, errors.New("it says too much"))
			break
		}
	}
	if m.Name == "" || m.Version == (pep440.Version{}) {
		errs = append(errs, errors.New("it has no name or no version"))
	}
	m.Requires = slices.Clone(m.Requires) // without room for more
	slices.Sort(m.Extras)
	m.Extras = slices.Compact(m.Extras)
	return m, errors.Join(errs...)
}

// String is the metadata as a METADATA file has it; [ParseMetadata] reads it again.
func (m *Metadata) String() string {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	field("Name", m.Name)
	field("Version", m.Version.String())
	field("Requires-Python", m.RequiresPython.String())
	for _, r := range m.Requires {
		field("Requires-Dist", r.String())
	}
	for _, extra := range m.Extras {
		field("Provides-Extra", extra)
	}
	if m.Dynamic {
		field("Dynamic", "Requires-Dist")
	}
	return b.String()
}

// take reads one field. The last name and version count, of the others all.
func (m *Metadata) take(field, value string, known *requirements) (err error) {
	switch strings.ToLower(field) {
	case "name":
		m.Name = pep508.NormalizeName(strings.Clone(value))
	case "version":
		m.Version, err = pep440.Parse(strings.Clone(value))
	case "requires-dist":
		var requirement pep508.Requirement
		if requirement, err = known.parse(value); err == nil {
			m.Requires = append(m.Requires, requirement)
		}
	case "provides-extra":
		m.Extras = append(m.Extras, pep508.NormalizeName(strings.Clone(value)))
	case "requires-python":
		// What cannot be read allows everything, as for pip.
		m.RequiresPython, _ = pep440.ParseSpecifier(strings.Clone(value))
	case "dynamic":
		m.Dynamic = m.Dynamic || strings.EqualFold(value, "requires-dist")
	}
	return err
}

// fields are the header fields of a message (RFC 822), each with the lines that continue it. A blank line ends them.
func fields(text string) func(yield func(field, value string) bool) {
	return func(yield func(field, value string) bool) {
		for text != "" && text[0] != '\n' && !strings.HasPrefix(text, "\r\n") {
			end := fieldEnd(text)
			field, value, _ := strings.Cut(text[:end], ":")
			if strings.Contains(value, "\r") {
				value = strings.ReplaceAll(value, "\r\n", "\n")
			}
			if !yield(field, value) {
				return
			}
			text = text[end:]
		}
	}
}

// fieldEnd is where the first field ends: with the first line that no other continues.
func fieldEnd(text string) int {
	for end := 0; ; {
		line := strings.IndexByte(text[end:], '\n')
		if line < 0 {
			return len(text)
		}
		if end += line + 1; end == len(text) || text[end] != ' ' && text[end] != '\t' {
			return end
		}
	}
}

// MetadataError is metadata that cannot be used. Others of the distribution's files may have better.
type MetadataError struct {
	// File is the name of the file, and Index that of the index that has it, empty where that is not known.
	File, Index string
	Err         error
}

// Error implements error.
func (e *MetadataError) Error() string {
	of := e.File
	if e.Index != "" {
		of += " on the package index " + e.Index
	}
	return fmt.Sprintf("the metadata of %s cannot be used: %s", of, httpx.OneLine(e.Err.Error()))
}

// Unwrap implements errors' interface.
func (e *MetadataError) Unwrap() error { return e.Err }
