package pythonindex

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

const (
	// maxSources bounds how much is unpacked of a source archive, in bytes, and maxMembers how many files it has.
	maxSources = 2 << 30
	maxMembers = 1_000_000
	// maxAttributes bounds a .gitattributes in bytes.
	maxAttributes = 1 << 20
)

// sources are the files of a source archive that tell what it is.
type sources struct {
	// subdirectory is where the distribution is within the archive.
	subdirectory string
	// checkout tells that it stands for a commit, as git would check it out.
	checkout bool
	// found are files by their whole path, and left is how many more bytes of files are read.
	found map[string][]byte
	left  int64
	// top is the directory that everything is in. It is not single where there are others beside it.
	top    string
	single bool
	// requires tells that setuptools has written down what is required.
	requires bool
	// submodules and filtered tell what makes a commit more than its archive.
	submodules, filtered bool
	members              int
}

func newSources(subdirectory string, checkout bool) *sources {
	return &sources{subdirectory: subdirectory, checkout: checkout, found: map[string][]byte{}, left: maxMetadata, single: true}
}

// file is the file of that name in the directory that the distribution is built in, nil where there is none. pip leaves out a
// directory that all the rest is in.
func (s *sources) file(name string) []byte {
	if s.single {
		return s.found[path.Join(s.top, s.subdirectory, name)]
	}
	return s.found[path.Join(s.subdirectory, name)]
}

// take looks at a member of the archive.
func (s *sources) take(name string, open func() (io.Reader, error)) error {
	if s.members++; s.members > maxMembers {
		return httpx.ErrAnswerTooLarge
	}
	top, rest, _ := strings.Cut(name, "/")
	if s.members == 1 {
		s.top = top
	}
	s.single = s.single && top == s.top
	switch base := path.Base(name); {
	case strings.HasSuffix(name, "/"):
		return nil
	case base == "PKG-INFO", base == "pyproject.toml":
		if name != path.Join(s.subdirectory, base) && rest != path.Join(s.subdirectory, base) {
			return nil
		}
		content, err := s.content(open, maxMetadata)
		s.found[name] = content
		return err
	case base == "requires.txt" && strings.HasSuffix(path.Dir(name), ".egg-info"):
		content, err := s.content(open, maxMetadata)
		s.requires = s.requires || len(bytes.TrimSpace(content)) > 0
		return err
	case s.checkout && rest == ".gitmodules":
		s.submodules = true
	case s.checkout && base == ".gitattributes":
		content, err := s.content(open, maxAttributes)
		s.filtered = s.filtered || filtering.Match(content)
		return err
	}
	return nil
}

// filtering are the attributes of git that make an archive of a commit differ from the commit checked out.
var filtering = regexp.MustCompile(`(?m)^[^#\n]*\s(?:filter=|export-ignore|export-subst)`)

// content is a whole file. All of them together are bounded.
func (s *sources) content(open func() (io.Reader, error), most int64) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(&limited{r: r, left: min(s.left, most) + 1})
	s.left -= int64(len(content))
	return content, err
}

// unknownArchiveError is an archive of a kind that is not read here.
type unknownArchiveError struct{}

// Error implements error.
func (unknownArchiveError) Error() string { return "its archive is of a kind that is not read here" }

// read reads the archive, of which the first bytes tell the kind.
func (s *sources) read(archive io.ReaderAt, size int64) error {
	first := make([]byte, 512)
	n, err := archive.ReadAt(first, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	first = first[:n]
	whole := io.NewSectionReader(archive, 0, size)
	switch {
	case bytes.HasPrefix(first, []byte("PK")):
		return s.readZip(archive, size)
	case bytes.HasPrefix(first, []byte("\x1f\x8b")):
		unpacked, err := gzip.NewReader(whole)
		if err != nil {
			return err
		}
		return s.readTar(unpacked)
	case bytes.HasPrefix(first, []byte("BZh")):
		return s.readTar(bzip2.NewReader(whole))
	case len(first) > 262 && string(first[257:262]) == "ustar":
		return s.readTar(whole)
	}
	return unknownArchiveError{}
}

func (s *sources) readTar(unpacked io.Reader) error {
	entries := tar.NewReader(&limited{r: unpacked, left: maxSources})
	for {
		header, err := entries.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case header.Typeflag == tar.TypeXGlobalHeader:
			continue
		}
		name := header.Name
		if header.Typeflag != tar.TypeReg {
			name = strings.TrimSuffix(name, "/") + "/"
		}
		if err := s.take(name, func() (io.Reader, error) { return entries, nil }); err != nil {
			return err
		}
	}
}

func (s *sources) readZip(archive io.ReaderAt, size int64) error {
	p, err := localParts(archive, size)
	if err != nil {
		return err
	}
	err = p.members(func(m member, before int64) (done bool, err error) {
		return false, s.take(m.name, func() (io.Reader, error) {
			content, err := p.unpacked(m, before)
			return bytes.NewReader(content), err
		})
	})
	if errors.Is(err, errNoWheel) {
		return errors.New("it is no zip archive")
	}
	return err
}

// localParts are the parts of a file that is here.
func localParts(file io.ReaderAt, size int64) (*parts, error) {
	p := &parts{local: file, size: size}
	at := max(0, size-tail)
	content := make([]byte, size-at)
	if _, err := io.ReadFull(io.NewSectionReader(file, at, size-at), content); err != nil {
		return nil, fmt.Errorf("the archive cannot be read again: %w", err)
	}
	p.known = []part{{at, content}}
	return p, nil
}
