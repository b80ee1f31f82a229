// Package workbench gets the real tools that tests and the quickstart work with: a BuildKit daemon, a base image with
// Python and pip, and independent referees (Debian's docker-registry and skopeo). It uses what the machine has,
// installs or builds what it has not, keeps that in a cache directory, and stops everything that it started.
package workbench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Options are the same for everything the workbench provides. The zero value is what most callers want.
type Options struct {
	// CacheDir keeps what is costly to make. Empty means ".cache" at the top of this repository.
	CacheDir string
	// Fresh makes [BuildKit] start with an empty cache and throw it away in the end. It never makes it build or install its tools again.
	Fresh bool
	// StateDir makes [BuildKit] start a daemon here, whatever else there is, that keeps everything in this directory and throws it away in the
	// end: one for a test to mistreat.
	StateDir string
	// Progress is told what takes long, in one line without an end of line. Nil means silence.
	Progress func(line string)
}

// UnavailableError says that this machine cannot provide something, and what would change that.
type UnavailableError struct {
	// What is the thing, for the beginning of a sentence ("BuildKit").
	What string
	// Tried is what was tried, each with its outcome.
	Tried []string
	// Remedy is what the user can do, as one imperative sentence.
	Remedy string
}

// Error implements error.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("%s is not available here: %s. %s", e.What, strings.Join(e.Tried, "; "), e.Remedy)
}

func (o Options) progress(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// cacheDir returns the absolute path of a directory within the cache, made if need be.
func (o Options) cacheDir(elements ...string) (string, error) {
	base := o.CacheDir
	if base == "" {
		root, err := repositoryRoot()
		if err != nil {
			return "", err
		}
		base = filepath.Join(root, ".cache")
	}
	dir, err := filepath.Abs(filepath.Join(append([]string{base}, elements...)...))
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

const toolsModule = "internal/tools/go.mod"

// repositoryRoot finds the top of this repository from the working directory: the tools' module and the cache are there.
func repositoryRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, toolsModule)); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside the repository of terraform-provider-rime: no %s above it", start, toolsModule)
		}
	}
}

// lock takes the lock file and waits for other processes to let go of it. The system itself unlocks for a process that dies.
func lock(ctx context.Context, file string) (unlock func(), err error) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		f, err := tryLock(file)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for another process to release %s: %w", file, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// tryLock takes the lock file or returns EWOULDBLOCK. The lock is held until every copy of the file is closed.
func tryLock(file string) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(&os.PathError{Op: "lock", Path: file, Err: err}, f.Close())
	}
	return f, nil
}

// key names a cached thing by what it was made from.
func key(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}
