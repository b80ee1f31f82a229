package workbench

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// What kills and unmounts must not be talked into more than its own.
func TestSweep_refusesEverything(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", "/", ".", "relative/dir"} {
		if err := unmountBelow(dir); err == nil {
			t.Errorf("unmountBelow(%q) went ahead", dir)
		}
	}
	for _, group := range []string{"", "*", "/", "user.slice", "../rime-workbench-x"} {
		if err := killCgroup(group); err == nil {
			t.Errorf("killCgroup(%q) went ahead", group)
		}
	}
}

func TestUnmountBelow(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounting takes root")
	}
	base := t.TempDir()
	ours, neighbour := filepath.Join(base, "with blank"), filepath.Join(base, "with blank too")
	points := []string{filepath.Join(ours, "a"), filepath.Join(ours, "a", "b"), filepath.Join(neighbour, "c")}
	for _, point := range points {
		if err := os.MkdirAll(point, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", point, "tmpfs", 0, ""); err != nil {
			t.Skipf("this machine does not let root mount: %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(point, syscall.MNT_DETACH) })
	}
	if got, err := mountsBelow(ours); err != nil || !slices.Equal(got, points[:2]) {
		t.Fatalf("mountsBelow: %q, %v", got, err)
	}
	if err := unmountBelow(ours); err != nil {
		t.Fatal(err)
	}
	if got, err := mountsBelow(base); err != nil || !slices.Equal(got, points[2:]) {
		t.Errorf("left: %q, %v; want the neighbour's only", got, err)
	}
}

func TestOmitted(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]bool{
		"./usr/lib/python3.11/EXTERNALLY-MANAGED": true,
		"./etc/resolv.conf":                       true,
		"./etc/hostname":                          true,
		"./etc/hosts":                             false,
		"./usr/lib/python3.11/os.py":              false,
		"./":                                      false,
	} {
		if omitted(file) != want {
			t.Errorf("omitted(%q) is %t", file, !want)
		}
	}
}

func TestUnavailableError_saysWhatToDo(t *testing.T) {
	t.Parallel()
	err := &UnavailableError{What: "BuildKit", Tried: []string{"BUILDKIT_HOST is not set", "this is plan9"}, Remedy: "Use Linux."}
	if got, want := err.Error(), "BuildKit is not available here: BUILDKIT_HOST is not set; this is plan9. Use Linux."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRepositoryRoot(t *testing.T) {
	root, err := repositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "internal/workbench/workbench.go")); err != nil {
		t.Errorf("%s is not the top of the repository: %v", root, err)
	}
	t.Chdir(t.TempDir())
	if root, err := repositoryRoot(); err == nil {
		t.Errorf("found %s from outside", root)
	}
}
