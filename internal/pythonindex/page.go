package pythonindex

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

const (
	typeJSON = "application/vnd.pypi.simple.v1+json"
	typeHTML = "application/vnd.pypi.simple.v1+html"
	accept   = typeJSON + ", " + typeHTML + ";q=0.2, text/html;q=0.01"
)

// limits bound a page.
type limits struct {
	// page is how many bytes it may have, unpacked, and files how many files it may list.
	page  int64
	files int
}

// pageLimits are those of a page. The largest of the public index has about 20 MB.
var pageLimits = limits{page: 128 << 20, files: 200_000}

// page reads what one index has of a distribution (PEP 503, PEP 691). A 404 of the index is no file.
func (c *Client) page(ctx context.Context, x *index, name string) (*page, error) {
	var found *page
	err := c.get(ctx, request{
		url: x.url.JoinPath(name, "/"), index: x, header: map[string]string{"Accept": accept},
		read: func(resp *http.Response) (err error) {
			found, err = readPage(resp, newListing(name, x, resp.Request.URL, &c.kinds, c.limits))
			return err
		},
	})
	if answer, ok := errors.AsType[*statusError](err); ok {
		if answer.status == http.StatusNotFound {
			return &page{}, nil
		}
		told := &Error{Index: x.name, Project: name, What: "page"}
		told.answered(answer)
		return nil, told
	}
	if err != nil {
		return nil, &Error{Index: x.name, Project: name, What: "page", Err: err}
	}
	return found, nil
}

// readPage reads a page in either form.
func readPage(resp *http.Response, l *listing) (*page, error) {
	contentType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	body := &limited{r: resp.Body, left: l.limits.page}
	var err error
	switch contentType {
	case typeJSON, "application/json":
		err = l.readJSON(body)
	case typeHTML, "text/html":
		err = l.readHTML(body)
	default:
		err = fmt.Errorf("it has the type %q, and is no page of a package index (PEP 503, PEP 691): %w", httpx.OneLine(contentType), errUnusable)
	}
	if err != nil {
		return nil, err
	}
	return l.finish(), nil
}

// limited reads as much as is left, and then fails.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, httpx.ErrAnswerTooLarge
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// entry is a file in the words of PEP 691, PEP 700 and PEP 714. Its texts are valid until the next one is read.
type entry struct {
	filename, url, sha256, requiresPython, uploadTime []byte
	size                                              int64
	yanked, coreMetadata, distInfo                    mark
}

// mark is true, false, a text, or hashes.
type mark struct {
	set  bool
	text []byte
}
