package pythonindex

import (
	"archive/tar"
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
	"strings"
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
	if file.Direct != nil {
		return file.Direct.Metadata, nil
	}
	found, err := c.details.Get(ctx, file.URL, func(ctx context.Context) (d detail, err error) {
		d.metadata, err = c.readMetadata(ctx, file)
		if broken, ok := errors.AsType[*MetadataError](err); ok {
			return detail{broken: broken}, nil
		}
		return d, err
	})
	if err == nil && found.broken != nil {
		return nil, found.broken
	}
	return found.metadata, err
}

// detail is what a file says of itself, or why that cannot be used. The latter is remembered as well: a search may come to the
// file again and again.
type detail struct {
	metadata *Metadata
	broken   *MetadataError
}

// readMetadata reads it, and looks whether it is that of the file.
func (c *Client) readMetadata(ctx context.Context, file *File) (*Metadata, error) {
	text, err := c.metadataText(ctx, file)
	if err != nil {
		return nil, c.explain(file, err)
	}
	metadata, err := parseMetadata(string(text), &c.requirements)
	if err == nil && (metadata.Name != file.project || metadata.Version.Compare(file.Version) != 0) {
		err = fmt.Errorf("it is that of %s %s", metadata.Name, metadata.Version)
	}
	if err != nil {
		return nil, c.explain(file, &MetadataError{File: file.Name, Err: err})
	}
	return metadata, nil
}

// explain makes the error of metadata that could not be read.
func (c *Client) explain(file *File, err error) error {
	if broken, ok := errors.AsType[*MetadataError](err); ok {
		broken.Index = file.Index
		return broken
	}
	told := &Error{Index: file.Index, Project: file.project, What: "metadata of " + file.Name}
	if answer, ok := errors.AsType[*statusError](err); ok {
		told.answered(answer)
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
	if address.Path += suffix; address.RawPath != "" {
		address.RawPath += suffix
	}
	return c.get(ctx, request{url: address, index: file.index, header: header, read: read})
}

// insideSource reads PKG-INFO out of a source distribution, which has to be read up to there.
func (c *Client) insideSource(ctx context.Context, file *File) (text []byte, err error) {
	if !strings.HasSuffix(file.Name, ".tar.gz") && !strings.HasSuffix(file.Name, ".tgz") {
		return nil, &MetadataError{File: file.Name, Err: errors.New("its metadata cannot be read without unpacking it")}
	}
	err = c.getFile(ctx, file, "", wholeBytes, func(resp *http.Response) (err error) {
		body := &watched{r: resp.Body}
		if text, err = pkgInfo(body); err != nil && body.err == nil {
			err = &MetadataError{File: file.Name, Err: fmt.Errorf("it is no source distribution: %w", err)}
		}
		return err
	})
	if err == nil && text == nil {
		err = &MetadataError{File: file.Name, Err: errors.New("it has no PKG-INFO")}
	}
	return text, err
}

// wholeBytes asks for a file as it is.
var wholeBytes = map[string]string{"Accept-Encoding": "identity"}

// watched remembers what went wrong with reading.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
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
