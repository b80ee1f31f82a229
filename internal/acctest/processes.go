package acctest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Builds counts the processes on this machine that build the source distribution of that name right now: what BuildKit really runs, whatever
// anybody says. The name should be one that no other test builds.
func Builds(distribution string) int {
	marker := "rime-sandbox-build:" + distribution + "=="
	return len(processesWith(func(_ int, command string) bool { return strings.Contains(command, marker) }))
}

// KillDaemon kills the BuildKit daemon of [workbenchtest.OwnBuildKit] at that address.
func KillDaemon(t testing.TB, address string) {
	t.Helper()
	configuration := filepath.Dir(strings.TrimPrefix(address, "unix://"))
	pids := processesWith(func(_ int, command string) bool {
		return strings.Contains(command, "buildkitd") && strings.Contains(command, configuration)
	})
	if len(pids) != 1 {
		t.Fatalf("%d daemons at %s", len(pids), address)
	}
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// processesWith are the processes on this machine that match by parent and command line. There are none to be seen where there is no /proc.
func processesWith(match func(parent int, command string) bool) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// A process may end while it is looked at; then it does not count.
		command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || len(command) == 0 {
			continue
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil && match(parentOf(status), string(bytes.ReplaceAll(command, []byte{0}, []byte{' '}))) {
			found = append(found, pid)
		}
	}
	return found
}

// parentOf reads the parent from /proc/PID/stat: the second field after the name, which stands in parentheses and may hold anything.
func parentOf(status []byte) int {
	_, rest, _ := strings.Cut(string(status[max(0, bytes.LastIndexByte(status, ')')):]), ")")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1]) // the kernel's own number
	return parent
}
