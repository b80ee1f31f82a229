package pythonindex

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// ParsePage reads a page of a project as it comes from an index.
func ParsePage(contentType, text, project string) ([]*File, error) {
	x := &index{name: "index", url: &url.URL{Scheme: "https", Host: "index.test", Path: "/simple/"}}
	return readPage(&http.Response{
		Header:  http.Header{"Content-Type": {contentType}},
		Body:    io.NopCloser(strings.NewReader(text)),
		Request: &http.Request{URL: x.url.JoinPath(project, "/")},
	}, x, project)
}
