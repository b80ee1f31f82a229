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

// readHTML reads the links of a page (PEP 503).
func (l *listing) readHTML(body io.Reader) error {
	z := html.NewTokenizer(body)
	z.SetMaxBuf(1 << 20)
	var link *entry
	ofIndex := false // some page that a proxy or a login shows is not
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return err
			}
			if l.seen == 0 && !ofIndex {
				return fmt.Errorf("it is a web page without a link, and no page of a package index (PEP 503): %w", errUnusable)
			}
			return nil
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			switch token.Data {
			case "meta":
				ofIndex = ofIndex || slices.Contains(token.Attr, html.Attribute{Key: "name", Val: "pypi:repository-version"})
			case "base":
				l.rebase(token)
			case "a":
				link = newLink(token)
			}
		case html.TextToken:
			if link != nil {
				link.filename = append(link.filename, z.Text()...)
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "a" && link != nil {
				link.filename = bytes.TrimSpace([]byte(html.UnescapeString(string(link.filename))))
				if err := l.add(link); err != nil {
					return err
				}
				link = nil
			}
		}
	}
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
