package compose

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// tree is the files of an image that matter here, by their cleaned absolute paths.
type tree map[string]*entry

// entry is a file of an image.
type entry struct {
	kind byte // as archive/tar has it
	// target is where a symbolic link leads, as it is written.
	target string
	// found is what [look] kept of the content.
	found []byte
}

const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// layer is what one layer adds and removes.
type layer struct {
	added tree
	// removed are paths that are gone with all that is below, emptied are directories whose former content is gone.
	removed, emptied []string
}

// readTree reads the layers of an image, several at one time.
func readTree(ctx context.Context, image v1.Image) (tree, error) {
	blobs, err := image.Layers()
	if err != nil {
		return nil, err
	}
	layers := make([]*layer, len(blobs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, blob := range blobs {
		group.Go(func() (err error) {
			layers[i], err = readLayer(ctx, blob)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return merge(layers), nil
}

func readLayer(ctx context.Context, blob v1.Layer) (l *layer, err error) {
	content, err := blob.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	l = &layer{added: tree{}}
	for entries := tar.NewReader(content); ; {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return nil, err
		}
		if err := l.take(header, entries); err != nil {
			return nil, fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

// take takes one entry of a layer.
func (l *layer) take(header *tar.Header, content io.Reader) error {
	name := path.Clean("/" + header.Name)
	directory, base := path.Split(name)
	switch {
	case base == opaque:
		l.emptied = append(l.emptied, path.Clean(directory))
		return nil
	case strings.HasPrefix(base, whiteout):
		l.removed = append(l.removed, directory+strings.TrimPrefix(base, whiteout))
		return nil
	}
	e := &entry{kind: header.Typeflag}
	switch header.Typeflag {
	case tar.TypeSymlink:
		e.target = header.Linkname
	case tar.TypeLink:
		// It is what it links to, which came before it.
		if linked := l.added[path.Clean("/"+header.Linkname)]; linked != nil {
			e = linked
		}
	case tar.TypeReg:
		keep := look(name)
		if keep == nil {
			return nil
		}
		found, err := keep(content)
		if err != nil {
			return err
		}
		e.found = found
	case tar.TypeDir:
	default:
		return nil
	}
	l.added[name] = e
	return nil
}

// merge lays the layers on each other, the first lowest.
func merge(layers []*layer) tree {
	merged := tree{}
	for _, l := range layers {
		for _, gone := range l.removed {
			delete(merged, gone)
			merged.empty(gone)
		}
		for _, gone := range l.emptied {
			merged.empty(gone)
		}
		for name, e := range l.added {
			if before := merged[name]; before != nil && before.kind == tar.TypeDir && e.kind != tar.TypeDir {
				merged.empty(name)
			}
			merged[name] = e
		}
	}
	return merged
}

// empty removes what is below a directory.
func (t tree) empty(directory string) {
	for name := range t {
		if strings.HasPrefix(name, directory+"/") {
			delete(t, name)
		}
	}
}

// maxLinks bounds how many symbolic links lead to a file, as Linux does.
const maxLinks = 40

// resolve follows symbolic links, of directories as well. It is not ok where they lead nowhere.
func (t tree) resolve(name string) (resolved string, ok bool) {
	for range maxLinks {
		next, linked := t.follow(name)
		if !linked {
			return name, t[name] != nil
		}
		name = next
	}
	return "", false
}

// follow replaces the first symbolic link on the way to a file.
func (t tree) follow(name string) (next string, linked bool) {
	for i := 1; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		e := t[name[:i]]
		if e == nil || e.kind != tar.TypeSymlink {
			continue
		}
		target := e.target
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(name[:i]), target)
		}
		return path.Clean(target + name[i:]), true
	}
	return name, false
}

// has tells that there is such a file or directory, wherever links lead.
func (t tree) has(name string) bool {
	_, ok := t.resolve(name)
	return ok
}
