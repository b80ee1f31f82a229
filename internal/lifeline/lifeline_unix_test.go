//go:build linux || darwin || freebsd

package lifeline

import (
	"os"
	"syscall"
	"testing"
)

// TestCreations_forked cuts and probes a lifeline while something else has its file open as this process has it, as a process does
// that is about to start: that keeps nobody from inheriting it.
func TestCreations_forked(t *testing.T) {
	t.Parallel()
	const id = "abcdefghij0123456789"
	lines := Lines{Directory: t.TempDir()}
	first, second := Creations{Lines: lines}, Creations{Lines: lines}
	first.Begin(id)
	open, err := syscall.Dup(int(first.held[id].file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	child := os.NewFile(uintptr(open), "child")
	defer func() { _ = child.Close() }()
	if lines.Cut(id) {
		t.Error("a living holder counts as dead")
	}
	first.Fail(id)
	for range 2 {
		if !lines.Cut(id) {
			t.Error("a dead holder counts as living")
		}
	}
	if _, ok := second.Inherit(id); !ok {
		t.Error("the creation cannot be inherited")
	}
	second.Settle()
}
