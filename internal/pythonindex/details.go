package pythonindex

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

const (
	// maxMetadata bounds the metadata of a distribution in bytes. Some have their whole handbook in it.
	maxMetadata = 16 << 20
	// maxSource bounds how much is read of a source distribution to find its metadata, unpacked.
	maxSource = 512 << 20
)

// Metadata is what a file says of itself: what lies beside it (PEP 658), else what is read out of the file, of a wheel with
// a few requests for parts of it. An error is an [*Error], or a [*MetadataError] where this file alone is at fault.
func (c *Client) Metadata(ctx context.Context, file *File) (*Metadata, error) {
	return c.details.Get(ctx, file.URL, func(ctx context.Context) (*Metadata, error) {
		text, err := c.metadataText(ctx, file)
		if err != nil {
			return nil, c.explain(file, err)
		}
		metadata, err := ParseMetadata(string(text))
		if err == nil && (metadata.Name != file.project || metadata.Version.Compare(file.Version) != 0) {
			err = fmt.Errorf("it is that of %s %s", metadata.Name, metadata.Version)
		}
		if err != nil {
			return nil, &MetadataError{File: file.Name, Err: err}
		}
		return metadata, nil
	})
}

// explain makes the error of metadata that could not be read.
func (c *Client) explain(file *File, err error) error {
	if broken, ok := errors.AsType[*MetadataError](err); ok {
		return broken
	}
	told := &Error{Index: file.Index, Project: file.project, What: "metadata of " + file.Name}
	if answer, ok := errors.AsType[*statusError](err); ok {
		told.Status, told.Words = answer.status, answer.words
	} else {
		told.Err = err
	}
	return told
}

func (c *Client) metadataText(ctx context.Context, file *File) ([]byte, error) {
	if file.MetadataSHA256 != "" {
		text, err := c.besideFile(ctx, file)
		if answer, ok := errors.AsType[*statusError](err); !ok || answer.status != http.StatusNotFound {
			return text, err
		}
	}
	if file.Wheel != nil {
		return c.insideWheel(ctx, file)
	}
	return c.insideSource(ctx, file)
}

// besideFile reads the metadata that the index has beside the file (PEP 658).
func (c *Client) besideFile(ctx context.Context, file *File) ([]byte, error) {
	var text []byte
	err := c.getFile(ctx, file, ".metadata", nil, func(resp *http.Response) (err error) {
		text, err = io.ReadAll(&limited{r: resp.Body, left: maxMetadata})
		return err
	})
	if err != nil || file.MetadataSHA256 == anyHash {
		return text, err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != file.MetadataSHA256 {
		return nil, fmt.Errorf("its SHA-256 is %x, and the index promised %s", sum, file.MetadataSHA256)
	}
	return text, nil
}

// getFile requests a file, or what lies beside it.
func (c *Client) getFile(ctx context.Context, file *File, suffix string, header map[string]string, read func(*http.Response) error) error {
	address, err := url.Parse(file.URL)
	if err != nil {
		return err
	}
	address.Path, address.RawPath = address.Path+suffix, ""
	r := request{url: address, index: file.index, header: header, read: read}
	if i := slices.IndexFunc(c.indexes, func(x *index) bool { return x.name == file.Index }); i >= 0 && r.index == nil {
		r.index = c.indexes[i]
	}
	return c.get(ctx, r)
}

// insideWheel reads METADATA out of a wheel.
func (c *Client) insideWheel(ctx context.Context, file *File) ([]byte, error) {
	parts, err := c.openParts(ctx, file)
	if err != nil {
		return nil, err
	}
	archive, err := zip.NewReader(parts, parts.size)
	if err != nil {
		return nil, wheelError(parts, file, fmt.Errorf("it is no wheel: %w", err))
	}
	for _, f := range archive.File {
		if !isMetadata(f.Name, file) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, wheelError(parts, file, err)
		}
		text, err := io.ReadAll(&limited{r: r, left: maxMetadata})
		return text, wheelError(parts, file, errors.Join(err, r.Close()))
	}
	return nil, &MetadataError{File: file.Name, Err: errors.New("it has no METADATA")}
}

// wheelError tells a wheel that is broken from one that could not be read.
func wheelError(parts *parts, file *File, err error) error {
	if err == nil || parts.err != nil {
		return parts.err
	}
	return &MetadataError{File: file.Name, Err: err}
}

// isMetadata tells the METADATA of the wheel itself from those of what it has packed along.
func isMetadata(name string, file *File) bool {
	directory, found := strings.CutSuffix(name, ".dist-info/METADATA")
	distribution, _, _ := strings.Cut(directory, "-")
	return found && !strings.Contains(directory, "/") && pep508.NormalizeName(distribution) == file.Wheel.Name
}

// insideSource reads PKG-INFO out of a source distribution, which has to be read up to there.
func (c *Client) insideSource(ctx context.Context, file *File) (text []byte, err error) {
	if !strings.HasSuffix(file.Name, ".tar.gz") && !strings.HasSuffix(file.Name, ".tgz") {
		return nil, &MetadataError{File: file.Name, Err: errors.New("its metadata cannot be read without unpacking it")}
	}
	err = c.getFile(ctx, file, "", nil, func(resp *http.Response) (err error) {
		text, err = pkgInfo(resp.Body)
		return err
	})
	if err == nil && text == nil {
		err = &MetadataError{File: file.Name, Err: errors.New("it has no PKG-INFO")}
	}
	return text, err
}

// pkgInfo is the PKG-INFO at the top of a source distribution, nil where there is none.
func pkgInfo(archive io.Reader) ([]byte, error) {
	unpacked, err := gzip.NewReader(archive)
	if err != nil {
		return nil, err
	}
	entries := tar.NewReader(&limited{r: unpacked, left: maxSource})
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if directory, name := path.Split(path.Clean(header.Name)); name == "PKG-INFO" && strings.Count(directory, "/") == 1 {
			return io.ReadAll(&limited{r: entries, left: maxMetadata})
		}
	}
}

// part is a part of a file that is there.
type part struct {
	at    int64
	bytes []byte
}

// parts reads a file by parts: its end at once, and others where they are asked for.
type parts struct {
	ctx    context.Context //nolint:containedctx // io.ReaderAt has none
	client *Client
	file   *File
	size   int64
	known  []part
	err    error
}

const (
	// tail is how much of a wheel's end is read at once, in bytes: its directory, and METADATA as a rule.
	tail = 64 << 10
	// ahead is how much is read at least where more is needed.
	ahead = 16 << 10
	// maxWhole bounds a file of which the server gives no parts, in bytes.
	maxWhole = 64 << 20
)

// openParts reads the end of a file.
func (c *Client) openParts(ctx context.Context, file *File) (*parts, error) {
	p := &parts{ctx: ctx, client: c, file: file}
	return p, p.read(fmt.Sprintf("bytes=-%d", tail))
}

// read reads one part.
func (p *parts) read(spec string) error {
	header := map[string]string{"Range": spec, "Accept-Encoding": "identity"}
	return p.client.getFile(p.ctx, p.file, "", header, func(resp *http.Response) error {
		var got part
		most := int64(maxMetadata)
		if resp.StatusCode == http.StatusPartialContent {
			var end int64
			if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &got.at, &end, &p.size); err != nil {
				return fmt.Errorf("it answers a part with the header Content-Range %q: %w", resp.Header.Get("Content-Range"), errUnusable)
			}
		} else if most = maxWhole; resp.ContentLength > most {
			return fmt.Errorf("the index has no metadata beside the file, and gives no parts of it, which has %d bytes: %w", resp.ContentLength, errUnusable)
		}
		content, err := io.ReadAll(&limited{r: resp.Body, left: most})
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusOK {
			p.size = int64(len(content))
		}
		got.bytes = content
		p.known = append(p.known, got)
		return nil
	})
}

// ReadAt implements io.ReaderAt.
func (p *parts) ReadAt(buffer []byte, at int64) (int, error) {
	for range 2 {
		for _, known := range p.known {
			if at >= known.at && at+int64(len(buffer)) <= known.at+int64(len(known.bytes)) {
				return copy(buffer, known.bytes[at-known.at:]), nil
			}
		}
		if at >= p.size {
			return 0, io.EOF
		}
		end := min(max(at+int64(len(buffer)), at+ahead), p.size) - 1
		if p.err = p.read(fmt.Sprintf("bytes=%d-%d", at, end)); p.err != nil {
			return 0, p.err
		}
		// What is asked for beyond the end cannot be had.
		if at+int64(len(buffer)) > p.size {
			buffer = buffer[:p.size-at]
		}
	}
	return 0, io.ErrUnexpectedEOF
}
