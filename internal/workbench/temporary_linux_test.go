package workbench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTemporary(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	before := os.TempDir()
	clean, err := UseTemporary()
	if err != nil {
		t.Fatal(err)
	}
	if os.TempDir() != clean.Dir || filepath.Dir(clean.Dir) != before {
		t.Errorf("temporary files go to %s, want %s within %s", os.TempDir(), clean.Dir, before)
	}
	if err := clean.Close(); err != nil || os.TempDir() != before {
		t.Errorf("a run that left nothing: %v, and temporary files go to %s", err, os.TempDir())
	}

	untidy, err := UseTemporary()
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(untidy.Dir, "deep", "plugin1")
	if err := os.Mkdir(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// It inherits the directory, as whatever a run starts does.
	sleeper := exec.CommandContext(t.Context(), "sleep", "3600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	mounted := mountSystem(t, filepath.Join(untidy.Dir, "root", "proc"))
	err = untidy.Close()
	if points, mountErr := mountsBelow(untidy.Dir); mountErr != nil || len(points) > 0 {
		t.Errorf("still mounted: %v %v", points, mountErr)
	}
	if _, statErr := os.Stat(filepath.Join(mounted, "kept")); statErr != nil {
		t.Errorf("what was mounted there was removed: %v", statErr)
	}
	if sleeper.Wait() == nil {
		t.Error("the process was not killed")
	}
	if err == nil || !strings.Contains(err.Error(), socket) || !strings.Contains(err.Error(), "sleep 3600") {
		t.Errorf("it does not say what was left: %v", err)
	}
	if _, err := os.Stat(untidy.Dir); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
}

// mountSystem mounts a directory with a file at that place, as a tool does with the system's own, and returns the directory.
func mountSystem(t *testing.T, place string) (mounted string) {
	t.Helper()
	mounted = t.TempDir()
	if err := os.WriteFile(filepath.Join(mounted, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(place, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := syscall.Mount(mounted, place, "", syscall.MS_BIND, ""); err != nil {
			t.Logf("nothing mounted: %v", err)
		}
	}
	return mounted
}
