package pythonindex

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
)

// ParsePage reads a page of a project as it comes from an index.
func ParsePage(contentType, text, project string) ([]*File, error) {
	p, err := parsePage(contentType, text, project)
	if err != nil {
		return nil, err
	}
	return p.files(nil), nil
}

func parsePage(contentType, text, project string) (*page, error) {
	x := &index{name: "index", url: &url.URL{Scheme: "https", Host: "index.test", Path: "/simple/"}}
	resp := &http.Response{Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(text))}
	return readPage(resp, newListing(project, x, x.url.JoinPath(project, "/"), &kinds{}, pageLimits))
}

// Limit bounds the pages that a client reads.
func Limit(c *Client, page int64, files int) { c.limits = limits{page, files} }

// Kept is what a client keeps of a page.
type Kept struct{ page *page }

// Keep reads a page as it comes from an index.
func Keep(contentType, text, project string) (Kept, error) {
	p, err := parsePage(contentType, text, project)
	return Kept{p}, err
}

// Fitting is [Client.Fitting] of a page.
func (k Kept) Fitting(tags *pep425.Tags) (files []Listed, others int) {
	return k.page.fitting(nil, tags)
}

// ReadWheel is the METADATA in a wheel of a distribution.
func ReadWheel(content []byte, project string) ([]byte, error) {
	p := &parts{file: &File{project: project}, size: int64(len(content)), known: []part{{0, content}}, whole: true}
	return p.metadata()
}

// ReadSources is the metadata of a source archive.
func ReadSources(archive []byte, subdirectory string) (*Metadata, error) {
	s := newSources(subdirectory, true)
	if err := s.read(bytes.NewReader(archive), int64(len(archive))); err != nil {
		return nil, err
	}
	return s.metadata()
}

// ParseProject is the metadata of a pyproject.toml.
func ParseProject(text string) (*Metadata, error) { return parseProject(text) }

// ReadRefs is the commit that a list of refs has for a revision.
func ReadRefs(list io.Reader, revision string) (string, error) {
	r := newRefs(revision)
	if err := r.read(list); err != nil {
		return "", err
	}
	return r.commit()
}

// Requirements are those that were read.
type Requirements = requirements

// ParseMetadataWith is [ParseMetadata] with those that were read before.
func ParseMetadataWith(text string, known *Requirements) (*Metadata, error) {
	return parseMetadata(text, known)
}
