package embedded

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// lifelines tell the processes of a machine which of them have died, so that after a crash nobody there has to wait for the lease of a dead one to run
// out. Whoever takes a lease or raises a claim locks a file of its name; the system lets go of the lock with the process, however that ends.
//
// A file that is there and not locked is proof of a death. A file that is not there proves nothing: the holder may be on another machine, or have other ideas of
// where temporary files go.
type lifelines struct {
	// directory is where the files are. Empty: there are none.
	directory string
}

// lifelineID is what leases and claims are called; anything else is not taken for part of a path.
var lifelineID = regexp.MustCompile(`\A[a-z0-9]{10,32}\z`)

func (l lifelines) path(id string) (string, bool) {
	name := id[strings.LastIndexByte(id, '/')+1:] // a lease is called image/random
	return filepath.Join(l.directory, "terraform-provider-rime-"+name+".lock"), l.directory != "" && lifelineID.MatchString(name)
}

// tie shows that the holder of that name lives, until it dies or releases it. Where that cannot be done, others wait for longer, and that is all.
func (l lifelines) tie(id string) (release func()) {
	return l.hold(id, os.O_CREATE|os.O_EXCL).release
}

// hold ties a lifeline, or with no flags one that was cut. It is nil where that cannot be done.
func (l lifelines) hold(id string, flags int) *lifeline {
	path, ok := l.path(id)
	if !ok {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|flags, 0o600)
	if err != nil {
		return nil
	}
	if !tryLock(file) || !leadsTo(path, file) {
		_ = file.Close()
		return nil
	}
	return &lifeline{path, file}
}

// lifeline is one that this process holds. Nil is none.
type lifeline struct {
	path string
	file *os.File
}

// release lets go of it in good order.
func (l *lifeline) release() {
	if l == nil {
		return
	}
	// Removed first: a file that can be locked is that of a dead process.
	_ = os.Remove(l.path)
	_ = l.file.Close()
}

// cut lets go of it as the death of this process would.
func (l *lifeline) cut() {
	if l != nil {
		_ = l.file.Close()
	}
}

// cut tells whether the holder of that name has certainly died.
func (l lifelines) cut(id string) bool {
	path, ok := l.path(id)
	if !ok {
		return false
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	if !tryLock(file) {
		return false
	}
	// A holder that released it in this very moment did not die: then the path leads nowhere any more.
	return leadsTo(path, file)
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

// forget removes what a dead process left behind.
func (l lifelines) forget(id string) {
	if path, ok := l.path(id); ok && l.cut(id) {
		_ = os.Remove(path)
	}
}
