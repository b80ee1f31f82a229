// Package lockfile reads locks that other tools have made: a pylock.toml (PEP 751), or a requirements file that pins every
// distribution and has its hashes, as pip-compile, uv and Poetry write it. A lock is obeyed, and never resolved anew.
//
// The hashes fix the bytes, so what else a requirements file says decides nothing and is no error: where indexes are
// (the provider has its own), and which versions may be taken (--pre). Only what would choose another file
// among those with a hash, or ask for something that is not there, is refused.
package lockfile

import (
	"errors"
	"regexp"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pylock"
)

// File is a lock that was read. [Parse] makes it.
type File struct {
	// lock is a pylock.toml, nil for a requirements file, which has lines and a target.
	lock   *pylock.Lock
	lines  []*line
	target target
}

// Entry is one distribution to install.
type Entry struct {
	// Name is normalised.
	Name string
	// Version is the zero value where only the file knows it.
	Version pep440.Version
	// Hashes are the SHA-256 that a file may have, in hexadecimal digits. A commit, which is its own hash, has that of the archive
	// that its host makes of it, if the lock knows it.
	Hashes []string
	// Files are the files to choose from, wheels first. There are none where the lock does not tell their addresses.
	Files []pylock.File
	// Address is that of an archive, or of a commit ("git+https://example.com/x.git@0a1b…"). Empty means a package index.
	Address string
	// WheelsOnly tells that the lock forbids to build the distribution.
	WheelsOnly bool
	// Line is where a requirements file has it, 0 for a pylock.toml.
	Line int
}

// Parse reads a lock. The error joins an [*Error] for each fault. What concerns some environments only is left to
// [File.For].
func Parse(text string) (File, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	if kind := foreign(text); kind != nil {
		return File{}, kind
	}
	if !isPylock.MatchString(text) {
		return parseRequirements(text)
	}
	lock, err := pylock.Parse(text)
	return File{lock: &lock}, errors.Join(append(fromPylock(err), secretIndexes(lock)...)...)
}

// For is what is installed in that environment, sorted by name. The error joins an [*Error] for each reason why the lock does
// not hold there.
func (f File) For(environment pep508.Environment) ([]Entry, error) {
	if f.lock != nil {
		return forPylock(f.lock, environment)
	}
	return f.forLines(environment)
}

// isPylock is the key that every pylock.toml has.
var isPylock = regexp.MustCompile(`(?m)^[ \t]*["']?lock-version["']?[ \t]*=[ \t]*["']`)

// locks of other tools, by what only they have.
var locks = []struct {
	pattern    *regexp.Regexp
	name, make string
}{
	{regexp.MustCompile(`(?m)^content-hash = `), "a poetry.lock", "poetry export"},
	{regexp.MustCompile(`(?m)^\[metadata\]\s(?s:.*)^content_hash = `), "a pdm.lock", "pdm export --format pylock"},
	{regexp.MustCompile(`(?m)^version = \d+\s(?s:.*)^\[\[package\]\]`), "a uv.lock", "uv export --format pylock.toml"},
	{regexp.MustCompile(`^\s*\{(?s:.*)"_meta"`), "a Pipfile.lock", "pipenv requirements --hash"},
	{regexp.MustCompile(`(?m)^\[\[?(?:project|tool\.[a-z.]+|build-system)\]`), "a pyproject.toml", "uv pip compile --generate-hashes"},
}

// foreign is the refusal of a file that is another kind of lock, nil if it is none.
func foreign(text string) error {
	for _, l := range locks {
		if l.pattern.MatchString(text) && !isPylock.MatchString(text) {
			return newError(0, "", "", "is "+l.name+", which other tools do not read", "pass what "+l.make+" writes")
		}
	}
	return nil
}
