package lifeline

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestCreations(t *testing.T) {
	t.Parallel()
	const id = "abcdefghij0123456789"
	lines := Lines{Directory: t.TempDir()}
	expectNone := func(when string) {
		t.Helper()
		if left, _ := filepath.Glob(lines.Directory + "/*"); len(left) > 0 {
			t.Errorf("%s: left behind: %v", when, left)
		}
	}
	first, second := Creations{Lines: lines}, Creations{Lines: lines}
	if !first.Begin(id) || first.Begin(id) || second.Begin(id) {
		t.Error("two are creating the same")
	}
	first.Note(id, "a job of some length")
	first.Note(id, "job")
	if _, ok := second.Inherit(id); ok || lines.Cut(id) {
		t.Error("the creation of a living process was inherited")
	}
	first.Fail(id)
	if note, ok := second.Inherit(id); !ok || note != "job" {
		t.Errorf("inherited: %t, %q", ok, note)
	}
	second.Settle()
	expectNone("settled")
	if _, ok := first.Inherit(id); ok {
		t.Error("what was settled was inherited")
	}

	first.Begin(id)
	first.Note(id, "old")
	first.Fail(id)
	second.Begin(id) // what a dead process left is done with
	second.Fail(id)
	if note, ok := first.Inherit(id); !ok || note != "" {
		t.Errorf("inherited: %t, %q", ok, note)
	}
	first.Drop(id)
	second.Drop(id)
	expectNone("dropped")
}

// What died long ago goes with the next creation; what lives, or died just now, stays.
func TestCreations_sweep(t *testing.T) {
	t.Parallel()
	lines := Lines{Directory: t.TempDir()}
	living := Creations{Lines: lines}
	for _, id := range []string{"living0123", "longdead01", "justdied01"} {
		living.Begin(id)
	}
	living.Fail("longdead01")
	living.Fail("justdied01")
	long := time.Now().Add(-stale - time.Hour)
	for _, id := range []string{"living0123", "longdead01"} {
		path, _ := lines.path(id)
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	next := Creations{Lines: lines}
	next.Begin("another012")
	left, err := filepath.Glob(lines.Directory + "/*")
	if err != nil || len(left) != 3 || !lines.Cut("justdied01") || lines.Cut("longdead01") {
		t.Errorf("left: %v, %v", left, err)
	}
	living.Settle()
	next.Settle()
}

// Without a directory, nothing is known and nothing breaks.
func TestCreations_none(t *testing.T) {
	t.Parallel()
	var c Creations
	if c.Begin("abcdefghij") {
		t.Error("there is a lifeline nowhere")
	}
	c.Note("abcdefghij", "job")
	c.Fail("abcdefghij")
	if _, ok := c.Inherit("abcdefghij"); ok {
		t.Error("something was inherited from nowhere")
	}
	c.Drop("abcdefghij")
	c.Settle()
}
