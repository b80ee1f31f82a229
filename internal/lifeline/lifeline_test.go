package lifeline

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMain lets this binary be the process that dies: with this variable set, it ties a lifeline and waits to be killed.
func TestMain(m *testing.M) {
	if directory := os.Getenv("RIME_TEST_LIFELINE"); directory != "" {
		defer Lines{Directory: directory}.Tie("model/abcdefghij")() // what nobody refers to any more is closed
		_, _ = os.Stdout.WriteString("tied\n")
		_, _ = io.Copy(io.Discard, os.Stdin) // it never ends, and select {} would be a deadlock to the runtime
	}
	os.Exit(m.Run())
}

func TestLines(t *testing.T) {
	t.Parallel()
	const id = "model/abcdefghij"
	here := Lines{Directory: t.TempDir()}
	if here.Cut(id) {
		t.Error("a file that is not there was taken for a death")
	}
	release := here.Tie(id)
	if here.Cut(id) {
		t.Error("a living holder counts as dead")
	}
	here.Forget(id)
	release()
	if here.Cut(id) {
		t.Error("a released lifeline counts as cut")
	}
	if left, _ := filepath.Glob(here.Directory + "/*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), "RIME_TEST_LIFELINE="+here.Directory)
	says, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := says.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if here.Cut(id) {
		t.Error("another process that lives counts as dead")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed
	for range 2 {    // looking changes nothing
		if !here.Cut(id) {
			t.Error("a killed process does not count as dead")
		}
	}
	here.Forget(id)
	if left, _ := filepath.Glob(here.Directory + "/*"); len(left) > 0 || here.Cut(id) {
		t.Errorf("left behind: %v", left)
	}
}

// What a record says is no path, and without a directory there are no lifelines.
func TestLines_none(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for _, id := range []string{"", "x", "model/", "../../etc/passwd", "model/..", "model/ABCDEFGHIJ", "model/abc.defghij"} {
		Lines{Directory: directory}.Tie(id)()
		if (Lines{Directory: directory}).Cut(id) {
			t.Errorf("%q is cut", id)
		}
	}
	release := Lines{}.Tie("model/abcdefghij")
	defer release()
	if _, err := os.Stat("terraform-provider-rime-abcdefghij.lock"); err == nil {
		t.Error("a file came to be in the working directory")
	}
}
