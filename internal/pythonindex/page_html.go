package pythonindex

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// maxName bounds the name of a file in bytes.
const maxName = 4 << 10

// links reads a page in HTML.
type links struct {
	*listing

	link *entry
	// ofIndex tells a page from one that a proxy or a login shows.
	ofIndex bool
}

// readHTML reads the links of a page (PEP 503).
func (l *listing) readHTML(body io.Reader) error {
	z := html.NewTokenizer(body)
	z.SetMaxBuf(1 << 20)
	for links := (links{listing: l}); ; {
		if z.Next() == html.ErrorToken {
			return links.end(z.Err())
		}
		if err := links.take(z); err != nil {
			return err
		}
	}
}

// take takes what the tokenizer has.
func (l *links) take(z *html.Tokenizer) error {
	switch token := z.Token(); token.Type {
	case html.StartTagToken, html.SelfClosingTagToken:
		switch token.Data {
		case "meta":
			l.ofIndex = l.ofIndex || slices.Contains(token.Attr, html.Attribute{Key: "name", Val: "pypi:repository-version"})
		case "base":
			l.rebase(token)
		case "a":
			l.link = newLink(token)
		}
	case html.TextToken:
		if l.link != nil {
			l.link.filename = append(l.link.filename, token.Data...)
			if len(l.link.filename) > maxName {
				l.link = nil
			}
		}
	case html.EndTagToken:
		if link := l.link; token.Data == "a" && link != nil {
			l.link = nil
			link.filename = bytes.TrimSpace(link.filename)
			return l.add(link)
		}
	case html.ErrorToken, html.CommentToken, html.DoctypeToken:
	}
	return nil
}

// end is what the end of the page means.
func (l *links) end(err error) error {
	switch {
	case errors.Is(err, html.ErrBufferExceeded):
		return fmt.Errorf("it has a tag or a text that is too long: %w", errUnusable)
	case !errors.Is(err, io.EOF):
		return err
	case l.seen == 0 && !l.ofIndex:
		return fmt.Errorf("it is a web page without a link, and no page of a package index (PEP 503): %w", errUnusable)
	}
	return nil
}

// rebase takes what relative links are relative to.
func (l *listing) rebase(token html.Token) {
	for _, a := range token.Attr {
		if a.Key == "href" {
			if base, err := l.base.Parse(a.Val); err == nil {
				l.base = base
			}
		}
	}
}

// newLink is a file as the attributes of its link tell it.
func newLink(token html.Token) *entry {
	e := &entry{}
	for _, a := range token.Attr {
		value := []byte(a.Val)
		switch a.Key {
		case "href":
			e.url = value
		case "data-requires-python":
			e.requiresPython = value
		case "data-yanked": // empty where no reason is given
			e.yanked = mark{true, value}
		case "data-core-metadata":
			e.coreMetadata = htmlMark(a.Val)
		case "data-dist-info-metadata":
			e.distInfo = htmlMark(a.Val)
		}
	}
	return e
}

// htmlMark reads "true", "false" or "sha256=…".
func htmlMark(text string) mark {
	return mark{text != "" && text != "false", []byte(strings.TrimPrefix(text, "sha256="))}
}
