package oci

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// manifestStore keeps the manifests and tags of all repositories as files:
//
//	REPOSITORY/_manifests/ALGORITHM/HEX   the content type, an end of line, the manifest
//	REPOSITORY/_tags/TAG                  a digest
//
// No component of a repository's name begins with an underscore, so repositories within repositories are told apart.
type manifestStore struct {
	dir string
	mu  sync.RWMutex
}

// manifest is a manifest as it was pushed.
type manifest struct {
	contentType string
	content     []byte
	digest      v1.Hash
}

const (
	manifestsDir = "_manifests"
	tagsDir      = "_tags"
)

func (s *manifestStore) manifestFile(repository string, digest v1.Hash) string {
	return filepath.Join(s.dir, filepath.FromSlash(repository), manifestsDir, digest.Algorithm, digest.Hex)
}

func (s *manifestStore) tagFile(repository, tag string) string {
	return filepath.Join(s.dir, filepath.FromSlash(repository), tagsDir, tag)
}

// exists tells whether anything was ever pushed to the repository. As in other registries, one that was emptied still exists.
func (s *manifestStore) exists(repository string) bool {
	_, err := os.Stat(filepath.Join(s.dir, filepath.FromSlash(repository), manifestsDir))
	return err == nil
}

// get returns the manifest of a tag or digest, or [fs.ErrNotExist].
func (s *manifestStore) get(repository, reference string) (manifest, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	digest, err := s.resolve(repository, reference)
	if err != nil {
		return manifest{}, err
	}
	return s.read(repository, digest)
}

// resolve returns the digest of a tag, or the digest itself.
func (s *manifestStore) resolve(repository, reference string) (v1.Hash, error) {
	if isDigest(reference) {
		return v1.NewHash(reference)
	}
	text, err := os.ReadFile(s.tagFile(repository, reference))
	if err != nil {
		return v1.Hash{}, err
	}
	return v1.NewHash(string(text))
}

func (s *manifestStore) read(repository string, digest v1.Hash) (manifest, error) {
	text, err := os.ReadFile(s.manifestFile(repository, digest))
	if err != nil {
		return manifest{}, err
	}
	contentType, content, _ := bytes.Cut(text, []byte("\n"))
	return manifest{contentType: string(contentType), content: content, digest: digest}, nil
}

var errImmutable = errors.New("the tag exists and cannot be overwritten")

// put stores a manifest under its digest and, if the reference is one, under a tag.
func (s *manifestStore) put(repository, reference string, m manifest, immutableTags bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	isTag := !isDigest(reference)
	if isTag && immutableTags {
		if old, err := s.resolve(repository, reference); err == nil && old != m.digest {
			return errImmutable
		}
	}
	stored := bytes.NewReader(append([]byte(m.contentType+"\n"), m.content...))
	if err := writeFile(s.manifestFile(repository, m.digest), stored); err != nil {
		return err
	}
	if !isTag {
		return nil
	}
	return writeFile(s.tagFile(repository, reference), strings.NewReader(m.digest.String()))
}

// remove removes a tag, or a manifest with every tag that refers to it. It returns [fs.ErrNotExist] for what is not there.
func (s *manifestStore) remove(repository, reference string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !isDigest(reference) {
		return os.Remove(s.tagFile(repository, reference))
	}
	digest, err := v1.NewHash(reference)
	if err != nil {
		return err
	}
	if err := os.Remove(s.manifestFile(repository, digest)); err != nil {
		return err
	}
	tags, err := s.list(repository)
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if d, err := s.resolve(repository, tag); err == nil && d == digest {
			if err := os.Remove(s.tagFile(repository, tag)); err != nil {
				return err
			}
		}
	}
	return nil
}

// tags lists the tags of a repository in lexical order.
func (s *manifestStore) tags(repository string) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.list(repository)
}

func (s *manifestStore) list(repository string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, filepath.FromSlash(repository), tagsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	tags := []string{}
	for _, e := range entries {
		if validTag.MatchString(e.Name()) { // a broken upload begins with a dot
			tags = append(tags, e.Name())
		}
	}
	slices.Sort(tags)
	return tags, nil
}

// digests lists all manifests of a repository, with and without a tag, in lexical order.
func (s *manifestStore) digests(repository string) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	dir := filepath.Join(s.dir, filepath.FromSlash(repository), manifestsDir)
	digests := []string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") { // a broken upload
			return err
		}
		digests = append(digests, filepath.Base(filepath.Dir(path))+":"+entry.Name())
		return nil
	})
	slices.Sort(digests)
	return digests, err
}

// repositories lists the repositories in lexical order.
func (s *manifestStore) repositories() ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := []string{}
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || !strings.HasPrefix(entry.Name(), "_") {
			return err
		}
		if entry.Name() == manifestsDir {
			name, err := filepath.Rel(s.dir, filepath.Dir(path))
			if err != nil {
				return err
			}
			names = append(names, filepath.ToSlash(name))
		}
		return fs.SkipDir
	})
	slices.Sort(names)
	return names, err
}

// missing returns the first thing that the manifest refers to and that is not here: a manifest of the same repository or a blob.
func (s *manifestStore) missing(repository string, m manifest, blobs blobStore) (v1.Hash, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var parts struct {
		Config    *v1.Descriptor  `json:"config"`
		Layers    []v1.Descriptor `json:"layers"`
		Manifests []v1.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(m.content, &parts); err != nil { // checked before; a manifest of another kind refers to nothing we know
		return v1.Hash{}, false
	}
	for _, d := range parts.Manifests {
		if _, err := os.Stat(s.manifestFile(repository, d.Digest)); err != nil {
			return d.Digest, true
		}
	}
	if parts.Config != nil {
		parts.Layers = append(parts.Layers, *parts.Config)
	}
	for _, d := range parts.Layers {
		if len(d.URLs) == 0 && !blobs.has(d.Digest) {
			return d.Digest, true
		}
	}
	return v1.Hash{}, false
}
