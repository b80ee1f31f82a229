package oci

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blobStore keeps blobs as files, common to all repositories. (The one in go-containerregistry reads a blob from end to end
// to tell its size, and leaves the pieces of a broken upload.) It implements the registry's Blob*Handler interfaces.
type blobStore struct{ dir string }

func (s blobStore) file(h v1.Hash) string { return filepath.Join(s.dir, h.Algorithm, h.Hex) }

func (s blobStore) has(h v1.Hash) bool {
	_, err := os.Stat(s.file(h))
	return err == nil
}

// Stat implements [registry.BlobStatHandler].
func (s blobStore) Stat(_ context.Context, _ string, h v1.Hash) (int64, error) {
	info, err := os.Stat(s.file(h))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, registry.ErrNotFound
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Get implements [registry.BlobHandler].
func (s blobStore) Get(_ context.Context, _ string, h v1.Hash) (io.ReadCloser, error) {
	f, err := os.Open(s.file(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, registry.ErrNotFound
	}
	return f, err
}

// Put implements [registry.BlobPutHandler]. What it reads has been checked against the digest when the last byte is read.
func (s blobStore) Put(_ context.Context, _ string, h v1.Hash, content io.ReadCloser) error {
	return writeFile(s.file(h), content)
}

// writeFile writes a whole file or none, also when the process is killed.
func writeFile(file string, content io.Reader) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".upload-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err := io.Copy(f, content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
