package acctest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Builds counts the processes on this machine that build the source distribution of that name right now: what BuildKit really runs, whatever
// anybody says. The name should be one that no other test builds.
func Builds(distribution string) int {
	return len(processesWith("rime-sandbox-build:" + distribution + "=="))
}

// KillDaemon kills the BuildKit daemon of [workbenchtest.OwnBuildKit] at that address.
func KillDaemon(t testing.TB, address string) {
	t.Helper()
	pids := processesWith("buildkitd", filepath.Dir(strings.TrimPrefix(address, "unix://")))
	if len(pids) != 1 {
		t.Fatalf("%d daemons at %s", len(pids), address)
	}
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// processesWith are the processes on this machine whose command line has all these words. There are none to be seen where there is no /proc.
//
// Tests look many times a second, so that a look costs one read of each process and as little else as can be.
func processesWith(words ...string) []int {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer func() { _ = proc.Close() }()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil
	}
	var found []int
	command := make([]byte, 64<<10)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		line := readOnce("/proc/"+name+"/cmdline", command)
		if !slices.ContainsFunc(words, func(word string) bool { return !bytes.Contains(line, []byte(word)) }) {
			found = append(found, pid)
		}
	}
	return found
}

// readOnce is what one read of a file gives, which is all of the kernel's own short ones. A process may end while it is looked at; then there is nothing.
func readOnce(file string, buffer []byte) []byte {
	fd, err := syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = syscall.Close(fd) }()
	n, err := syscall.Read(fd, buffer)
	if err != nil {
		return nil
	}
	return buffer[:n]
}

// parentOf is the parent of a process, or 0: it reads /proc/PID/stat, whose second field after the name, which stands in parentheses and may
// hold anything, it is.
func parentOf(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // none of a process that has ended
	_, rest, _ := strings.Cut(string(status[max(0, bytes.LastIndexByte(status, ')')):]), ")")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1]) // the kernel's own number
	return parent
}
