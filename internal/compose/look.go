package compose

import (
	"bytes"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"
)

const (
	// maxKept bounds what is kept of a file, in bytes.
	maxKept = 1 << 20
	// window is how much of a program is searched at one time, in bytes, and overlap how much of it is searched again with
	// what follows.
	window  = 256 << 10
	overlap = 64
)

var (
	pythonName  = regexp.MustCompile(`^python3?(?:\.\d+t?)?$`)
	libraryName = regexp.MustCompile(`^libpython3\.\d+t?\.so\.1\.0$`)
	glibcName   = regexp.MustCompile(`^libc(?:\.so\.6|-2\.\d+\.so)$`)
	muslName    = regexp.MustCompile(`^(?:ld-musl-\w+\.so\.1|libc\.musl-\w+\.so\.1)$`)

	// pythonVersion is PY_VERSION of patchlevel.h, which Py_GetVersion has as a string of its own.
	pythonVersion = regexp.MustCompile(`\x00(3\.\d{1,2}\.\d{1,3}(?:(?:a|b|rc)\d{1,2})?\+?)\x00`)
	glibcVersion  = regexp.MustCompile(`(?:stable|development) release version (\d+\.\d+)`)
	muslVersion   = regexp.MustCompile(`\x00(1\.\d{1,2}\.\d{1,2})(?:-git-[^\x00]*)?\x00`)
)

// look says what of a file's content is to be kept, nil where the file does not matter: versions that are built into
// programs, the metadata of distributions, and a few small files whole.
func look(name string) func(io.Reader) ([]byte, error) {
	directory, base := path.Split(name)
	parent := path.Base(directory)
	switch {
	case pythonName.MatchString(base) && parent == "bin", libraryName.MatchString(base):
		return search(pythonVersion)
	case glibcName.MatchString(base):
		return search(glibcVersion)
	case muslName.MatchString(base):
		return search(muslVersion)
	case base == "METADATA" && strings.HasSuffix(parent, ".dist-info"), base == "PKG-INFO" && strings.HasSuffix(parent, ".egg-info"),
		strings.HasSuffix(base, ".egg-info"):
		return header
	case base == "pyvenv.cfg", strings.HasSuffix(base, ".pth"), base == "os-release", base == "EXTERNALLY-MANAGED":
		return whole
	case base == "os.py" && strings.HasPrefix(parent, "python3."):
		return nothing
	}
	return nil
}

// nothing keeps that the file is there.
func nothing(io.Reader) ([]byte, error) { return nil, nil }

// whole keeps a small file.
func whole(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxKept)) }

// header keeps what is before the first blank line.
func header(r io.Reader) ([]byte, error) {
	text, err := whole(r)
	if end := bytes.Index(text, []byte("\n\n")); end >= 0 {
		text = text[:end+1]
	}
	return text, err
}

// search keeps all that the pattern finds in a program, each on a line.
func search(pattern *regexp.Regexp) func(io.Reader) ([]byte, error) {
	return func(r io.Reader) ([]byte, error) {
		var found []byte
		buffer := make([]byte, 0, window+overlap)
		for {
			n, err := io.ReadFull(r, buffer[len(buffer):cap(buffer)])
			buffer = buffer[:len(buffer)+n]
			for _, m := range pattern.FindAllSubmatch(buffer, -1) {
				if len(found) < maxKept {
					found = append(append(found, m[1]...), '\n')
				}
			}
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return found, nil
			}
			if err != nil {
				return nil, err
			}
			buffer = buffer[:copy(buffer, buffer[len(buffer)-overlap:])]
		}
	}
}
