// Package lifeline tells the processes of a machine which of them have died, so that after a crash nobody there has to guess what became of their work.
package lifeline

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Lines are the lifelines in a directory. Whoever is at work on something ties one of its name, which locks a file; the system lets go of the lock with the
// process, however that ends.
//
// A file that is there and not locked is proof of a death. A file that is not there proves nothing: the holder may be on another machine, or have other ideas of
// where temporary files go.
type Lines struct {
	// Directory is where the files are. Empty: there are none.
	Directory string
}

// validID is what lifelines are called; anything else is not taken for part of a path.
var validID = regexp.MustCompile(`\A[a-z0-9]{10,32}\z`)

// prefix and suffix are around the name of a lifeline in that of its file.
const prefix, suffix = "terraform-provider-rime-", ".lock"

func (l Lines) path(id string) (string, bool) {
	name := id[strings.LastIndexByte(id, '/')+1:] // a lease is called image/random
	return filepath.Join(l.Directory, prefix+name+suffix), canLock && l.Directory != "" && validID.MatchString(name)
}

// Tie shows that the holder of that name lives, until it dies or releases it. Where that cannot be done, others wait for longer, and that is all.
func (l Lines) Tie(id string) (release func()) {
	return l.hold(id, os.O_CREATE|os.O_EXCL).release
}

// hold ties a lifeline, or with no flags one that was cut. It is nil where that cannot be done.
func (l Lines) hold(id string, flags int) *line {
	path, ok := l.path(id)
	if !ok {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|flags, 0o600)
	if err != nil {
		return nil
	}
	// A holder that released it in this very moment did not die: then the path leads nowhere any more.
	if !tryLock(file) || !leadsTo(path, file) {
		unlock(file)
		return nil
	}
	return &line{path, file}
}

// line is a lifeline that this process holds. Nil is none.
type line struct {
	path string
	file *os.File
}

// release lets go of it in good order.
func (l *line) release() {
	if l == nil {
		return
	}
	// Removed first: a file that can be locked is that of a dead process.
	_ = os.Remove(l.path)
	_ = l.file.Close()
}

// cut lets go of it as the death of this process would.
func (l *line) cut() {
	if l != nil {
		unlock(l.file)
	}
}

// unlock lets go of the lock and closes the file. To close it does not suffice: a process that this one is about to start has the
// file as well, until it has become another program.
func unlock(file *os.File) {
	letGo(file)
	_ = file.Close()
}

// maxNote is more than anybody notes.
const maxNote = 256

// note leaves a text for whoever inherits it.
func (l *line) note(text string) {
	if l == nil || len(text) > maxNote {
		return
	}
	if l.file.Truncate(0) == nil {
		_, _ = l.file.WriteAt([]byte(text), 0) // without it, the heir knows less
	}
}

// noted is the text that was left.
func (l *line) noted() string {
	if l == nil {
		return ""
	}
	text := make([]byte, maxNote)
	n, _ := l.file.ReadAt(text, 0) // it ends before
	return string(text[:n])
}

// Cut tells whether the holder of that name has certainly died.
func (l Lines) Cut(id string) bool {
	dead := l.hold(id, 0)
	dead.cut() // it stays for whoever inherits it
	return dead != nil
}

// leadsTo tells whether the path still leads to the file.
func leadsTo(path string, file *os.File) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	found, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, found)
}

// stale is how long what a dead process left is kept for whoever inherits it. A run that comes later finds things by itself.
const stale = 30 * 24 * time.Hour

// sweep removes what processes left that died long ago and that nobody has inherited.
func (l Lines) sweep() {
	left, _ := filepath.Glob(filepath.Join(l.Directory, prefix+"*"+suffix)) // the pattern is a valid one
	for _, path := range left {
		id := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), prefix), suffix)
		if found, err := os.Lstat(path); err == nil && time.Since(found.ModTime()) > stale {
			l.Forget(id)
		}
	}
}

// Forget removes what a dead process left behind.
func (l Lines) Forget(id string) {
	if path, ok := l.path(id); ok && l.Cut(id) {
		_ = os.Remove(path)
	}
}
