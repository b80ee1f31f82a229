package pythonindex

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

const (
	// tail is how much of a wheel's end is read at once, in bytes: its directory, and METADATA as a rule.
	tail = 64 << 10
	// ahead is how much more is read than is needed for certain.
	ahead = 1 << 10
	// maxWhole bounds a file of which the server gives no parts, in bytes; keptWhole is how much of its end is kept.
	maxWhole  = 64 << 20
	keptWhole = 4 << 20
)

// part is a part of a file that is there.
type part struct {
	at    int64
	bytes []byte
}

// parts reads a file by parts: its end at once, and others where they are asked for.
type parts struct {
	ctx    context.Context //nolint:containedctx // that of one call
	client *Client
	file   *File
	size   int64
	// local is the file where it is here, nil where the client asks for it.
	local io.ReaderAt
	// known begins with the end of the file.
	known []part
	// shift is where in the file the archive begins.
	shift int64
	// whole tells that the server gives no parts.
	whole bool
	// failed tells that the server is at fault, and not the file.
	failed bool
}

// openParts reads the end of a file.
func (c *Client) openParts(ctx context.Context, file *File) (*parts, error) {
	p := &parts{ctx: ctx, client: c, file: file, size: -1}
	err := p.request(fmt.Sprintf("bytes=-%d", tail), p.takeEnd)
	if answer, ok := errors.AsType[*statusError](err); ok && withoutParts[answer.status] {
		err = p.request("", p.takeWhole)
	}
	return p, err
}

// withoutParts are the answers of servers that know no parts, or none that are counted from the end.
var withoutParts = map[int]bool{
	http.StatusRequestedRangeNotSatisfiable: true, http.StatusBadRequest: true, http.StatusNotImplemented: true,
}

// request asks for a part, or for the whole file.
func (p *parts) request(spec string, take func(*http.Response) error) error {
	header := map[string]string{"Accept-Encoding": "identity"}
	if spec != "" {
		header["Range"] = spec
	}
	return p.client.getFile(p.ctx, p.file, "", header, take)
}

// read is that part of the file.
func (p *parts) read(at, length int64) ([]byte, error) {
	for _, known := range p.known {
		if at >= known.at && at+length <= known.at+int64(len(known.bytes)) {
			return known.bytes[at-known.at:][:length], nil
		}
	}
	if p.local != nil {
		return exactly(io.NewSectionReader(p.local, at, length), length)
	}
	p.failed = true
	if p.whole {
		return nil, fmt.Errorf("the index has no metadata beside the file, and gives no parts of it: %w", errUnusable)
	}
	err := p.request(fmt.Sprintf("bytes=%d-%d", at, at+length-1), func(resp *http.Response) error {
		return p.take(resp, at, length)
	})
	if err != nil {
		return nil, err
	}
	p.failed = false
	return p.known[len(p.known)-1].bytes, nil
}

// takeEnd takes the end of the file.
func (p *parts) takeEnd(resp *http.Response) error {
	if resp.StatusCode != http.StatusPartialContent {
		return p.takeWhole(resp)
	}
	at, length, size, err := contentRange(resp)
	if err != nil {
		return err
	}
	if at+length != size || length > tail {
		return wrongRange(resp)
	}
	content, err := exactly(resp.Body, length)
	p.size, p.known = size, []part{{at, content}}
	return err
}

// take takes the part that was asked for.
func (p *parts) take(resp *http.Response, at, length int64) error {
	if resp.StatusCode != http.StatusPartialContent {
		return fmt.Errorf("it gives parts of the file, and then none: %w", errUnusable)
	}
	gotAt, gotLength, size, err := contentRange(resp)
	if err != nil {
		return err
	}
	if gotAt != at || gotLength != length || size != p.size {
		return wrongRange(resp)
	}
	content, err := exactly(resp.Body, length)
	if err == nil {
		p.known = append(p.known, part{at, content})
	}
	return err
}

// contentRange is the part that an answer has, by its own words.
func contentRange(resp *http.Response) (at, length, size int64, err error) {
	text, isBytes := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes ")
	first, rest, _ := strings.Cut(text, "-")
	last, all, _ := strings.Cut(rest, "/")
	at, firstErr := strconv.ParseInt(first, 10, 64)
	end, lastErr := strconv.ParseInt(last, 10, 64)
	size, allErr := strconv.ParseInt(all, 10, 64)
	if !isBytes || errors.Join(firstErr, lastErr, allErr) != nil || at < 0 || end < at || size <= end {
		return 0, 0, 0, wrongRange(resp)
	}
	return at, end - at + 1, size, nil
}

func wrongRange(resp *http.Response) error {
	return fmt.Errorf("it answers a part with the header Content-Range %q: %w", httpx.OneLine(resp.Header.Get("Content-Range")), errUnusable)
}

// exactly reads that many bytes.
func exactly(body io.Reader, length int64) ([]byte, error) {
	content := make([]byte, length)
	_, err := io.ReadFull(body, content)
	return content, truncated(err)
}

// takeWhole reads the whole file, and keeps its end.
func (p *parts) takeWhole(resp *http.Response) error {
	p.whole = true
	if resp.ContentLength > maxWhole {
		return fmt.Errorf("the index has no metadata beside the file, and gives no parts of it, which has %d bytes: %w", resp.ContentLength, errUnusable)
	}
	body := &limited{r: resp.Body, left: maxWhole}
	var content []byte
	buffer := make([]byte, tail)
	p.size = 0
	for {
		n, err := body.Read(buffer)
		p.size += int64(n)
		content = append(content, buffer[:n]...)
		if len(content) > 2*keptWhole {
			content = content[:copy(content, content[len(content)-keptWhole:])]
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	p.known = []part{{p.size - int64(len(content)), content}}
	return nil
}
