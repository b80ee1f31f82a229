package pythonindex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

const (
	// maxPage bounds the page of a project in bytes, unpacked. The largest of the public index has about 20 MB.
	maxPage = 256 << 20
	// maxFiles bounds how many files a page may list.
	maxFiles = 200_000

	typeJSON = "application/vnd.pypi.simple.v1+json"
	typeHTML = "application/vnd.pypi.simple.v1+html"
	accept   = typeJSON + ", " + typeHTML + ";q=0.2, text/html;q=0.01"
)

// page reads what one index has of a distribution (PEP 503, PEP 691). A 404 of the index is no file.
func (c *Client) page(ctx context.Context, x *index, name string) ([]*File, error) {
	var files []*File
	err := c.get(ctx, request{
		url: x.url.JoinPath(name, "/"), user: x.user, origin: x.url, header: map[string]string{"Accept": accept},
		read: func(resp *http.Response) (err error) {
			files, err = readPage(resp, x, name)
			return err
		},
	})
	if answer, ok := errors.AsType[*statusError](err); ok {
		if answer.status == http.StatusNotFound {
			return nil, nil
		}
		return nil, &Error{Index: x.name, Project: name, What: "page", Status: answer.status, Words: answer.words}
	}
	if err != nil {
		return nil, &Error{Index: x.name, Project: name, What: "page", Err: err}
	}
	return files, nil
}

// readPage reads a page in either form.
func readPage(resp *http.Response, x *index, name string) ([]*File, error) {
	contentType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	body := &limited{r: resp.Body, left: maxPage}
	l := &listing{name: name, index: x.name, base: resp.Request.URL}
	var err error
	switch contentType {
	case typeJSON, "application/json":
		err = l.readJSON(body)
	case typeHTML, "text/html":
		err = l.readHTML(body)
	default:
		err = fmt.Errorf("it has the type %q, and is no page of a package index (PEP 503, PEP 691): %w", httpx.OneLine(contentType), errUnusable)
	}
	return l.files, err
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

// listing is what is found on a page.
type listing struct {
	name, index string
	base        *url.URL
	files       []*File
	seen        int
}

// entry is a file in the words of PEP 691, PEP 700 and PEP 714.
type entry struct {
	Filename       string `json:"filename"`
	URL            string `json:"url"`
	Hashes         hashes `json:"hashes"`
	RequiresPython string `json:"requires-python"`
	Size           int64  `json:"size"`
	UploadTime     string `json:"upload-time"`
	Yanked         mark   `json:"yanked"`
	CoreMetadata   mark   `json:"core-metadata"`
	DistInfo       mark   `json:"dist-info-metadata"`
}

type hashes struct {
	SHA256 string `json:"sha256"`
}

// mark is true, false, a text, or hashes.
type mark struct {
	set  bool
	text string
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *mark) UnmarshalJSON(raw []byte) error {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return err
	}
	switch v := value.(type) {
	case bool:
		m.set = v
	case string:
		m.set, m.text = v != "", v
	case map[string]any:
		m.set = true
		m.text, _ = v["sha256"].(string)
	}
	return nil
}

// readJSON reads file after file, so that no page is in memory as a whole.
func (l *listing) readJSON(body io.Reader) error {
	d := json.NewDecoder(body)
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if key != "files" {
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return err
			}
			continue
		}
		if err := l.readFiles(d); err != nil {
			return err
		}
	}
	return expect(d, json.Delim('}'))
}

func (l *listing) readFiles(d *json.Decoder) error {
	if err := expect(d, json.Delim('[')); err != nil {
		return err
	}
	for d.More() {
		var e entry
		if err := d.Decode(&e); err != nil {
			return fmt.Errorf("it lists a file that cannot be read: %w: %w", err, errUnusable)
		}
		if err := l.add(e); err != nil {
			return err
		}
	}
	return expect(d, json.Delim(']'))
}

// expect takes one token.
func expect(d *json.Decoder, want json.Delim) error {
	switch token, err := d.Token(); {
	case err != nil:
		return err
	case token != want:
		return fmt.Errorf("it has %v where %q was to be expected: %w", token, want, errUnusable)
	}
	return nil
}

// add adds a file, if it is one of the distribution.
func (l *listing) add(e entry) error {
	if l.seen++; l.seen > maxFiles {
		return httpx.ErrAnswerTooLarge
	}
	address, err := l.base.Parse(e.URL)
	if err != nil || address.Scheme != "https" && address.Scheme != "http" {
		return nil // pip takes it for no file either
	}
	address.User = nil
	if address.Fragment != "" && e.Hashes.SHA256 == "" {
		e.Hashes.SHA256, _ = strings.CutPrefix(address.Fragment, "sha256=")
		if e.Hashes.SHA256 == address.Fragment {
			e.Hashes.SHA256 = ""
		}
	}
	address.Fragment = ""
	file := &File{
		Name: e.Filename, URL: address.String(), SHA256: strings.ToLower(e.Hashes.SHA256), Size: max(e.Size, 0), RequiresPython: e.RequiresPython,
		Yanked: e.Yanked.set, YankedReason: httpx.OneLine(e.Yanked.text), Index: l.index,
	}
	file.Uploaded, _ = time.Parse(time.RFC3339, e.UploadTime) // zero is not known
	for _, m := range []mark{e.CoreMetadata, e.DistInfo} {
		if m.set && file.MetadataSHA256 == "" {
			file.MetadataSHA256 = "any"
			if len(m.text) == sha256Digits {
				file.MetadataSHA256 = strings.ToLower(m.text)
			}
		}
	}
	if file.identify(l.name) {
		l.files = append(l.files, file)
	}
	return nil
}

const sha256Digits = 64

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
				link.Filename += string(z.Text())
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "a" && link != nil {
				link.Filename = strings.TrimSpace(html.UnescapeString(link.Filename))
				if err := l.add(*link); err != nil {
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
		switch a.Key {
		case "href":
			e.URL = a.Val
		case "data-requires-python":
			e.RequiresPython = a.Val
		case "data-yanked": // empty where no reason is given
			e.Yanked = mark{true, a.Val}
		case "data-core-metadata":
			e.CoreMetadata = htmlMark(a.Val)
		case "data-dist-info-metadata":
			e.DistInfo = htmlMark(a.Val)
		}
	}
	return e
}

// htmlMark reads "true", "false" or "sha256=…".
func htmlMark(text string) mark {
	return mark{text != "" && text != "false", strings.TrimPrefix(text, "sha256=")}
}
