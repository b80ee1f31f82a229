package rime

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

const (
	// pageSize is what the platform's own client once asked for by default; the greatest size it allows is not public.
	pageSize = 100
	// maxPages is more than there can be: at a hundred images each, a million images.
	maxPages = 10_000
)

// PagingError is a list of images that does not come to an end.
type PagingError struct {
	Pages   int
	Problem string
}

// Error implements error.
func (e *PagingError) Error() string {
	return fmt.Sprintf("listing images was given up after %d pages: %s", e.Pages, e.Problem)
}

// List implements [imageregistry.Registry]. The platform filters, by what is installed. An image that moves from one page to the next meanwhile
// comes only once.
func (r *Registry) List(ctx context.Context, filter imageregistry.Filter) iter.Seq2[imageregistry.Image, error] {
	return func(yield func(imageregistry.Image, error) bool) {
		seen := map[string]bool{}
		for pages := r.pages(filter); !pages.ended; {
			images, err := pages.next(ctx)
			if err != nil {
				yield(imageregistry.Image{}, err)
				return
			}
			for _, image := range images {
				if seen[image.Name] {
					continue
				}
				seen[image.Name] = true
				if !yield(image, nil) {
					return
				}
			}
		}
	}
}

// pages is a list of images that is read page by page. It is not safe for concurrent use.
type pages struct {
	registry *Registry
	request  listRequest
	read     int
	ended    bool
	tokens   map[string]bool
}

func (r *Registry) pages(filter imageregistry.Filter) *pages {
	return &pages{
		registry: r,
		request:  listRequest{PageSize: pageSize, PipLibraries: newPipLibraries(filter)},
		tokens:   map[string]bool{},
	}
}

// next reads the next page. After an error that may pass it can be asked again.
func (p *pages) next(ctx context.Context) ([]imageregistry.Image, error) {
	page, err := p.registry.page(ctx, p.request)
	if err != nil {
		return nil, err
	}
	p.read++
	// The end is told by a token that is missing, empty, or the one that was just sent: servers and clients disagree (CONTRACT §2.3). The API's
	// description also has a sample that reads hasMore, which no version is known to send.
	if page.token == "" || page.token == p.request.PageToken || page.last {
		p.ended = true
		return page.images, nil
	}
	switch {
	case p.tokens[page.token]:
		return nil, &PagingError{Pages: p.read, Problem: "the platform repeats a page token, so the list would begin anew"}
	case p.read >= maxPages:
		return nil, &PagingError{Pages: p.read, Problem: "there is always another page"}
	}
	p.tokens[page.token] = true
	p.request = listRequest{PageSize: pageSize, PageToken: page.token}
	return page.images, nil
}

// page is one page of images.
type page struct {
	images []imageregistry.Image
	token  string
	last   bool
}

// page asks for a page. An absence of the list itself is a [*NotEnabledError].
func (r *Registry) page(ctx context.Context, request listRequest) (page, error) {
	const path = imagesPath + "/list"
	got, err := r.client.do(ctx, call{method: http.MethodPost, path: path, body: request, asks: true})
	if hasStatus(err, http.StatusNotFound, http.StatusNotImplemented) {
		return page{}, &NotEnabledError{Endpoint: r.client.endpoint, Err: err}
	}
	if err != nil {
		return page{}, err
	}
	list, ok := got.objects("images")
	if !ok {
		return page{}, r.client.nonsense(http.MethodPost, path, errors.New("the answer's field images is no list of images"))
	}
	r.enabled.Store(true)
	result := page{token: got.text("nextPageToken"), last: got.isFalse("hasMore")}
	for _, o := range list {
		image, err := r.image(o)
		if err != nil {
			return page{}, r.client.nonsense(http.MethodPost, path, err)
		}
		result.images = append(result.images, image)
	}
	return result, nil
}
