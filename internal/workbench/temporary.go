package workbench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Temporary is the directory for temporary files of one run, which has to leave nothing in it.
type Temporary struct {
	// Dir is its absolute path. It is short: sockets are made in it, whose paths are limited to some hundred bytes.
	Dir      string
	previous string
}

// UseTemporary makes a directory and has this process and all that it starts from now on take it for temporary files.
func UseTemporary() (*Temporary, error) {
	dir, err := os.MkdirTemp("", "rime-")
	if err != nil {
		return nil, err
	}
	t := &Temporary{Dir: dir, previous: os.Getenv("TMPDIR")}
	// apt reads what root made there as a user of its own.
	return t, errors.Join(os.Chmod(dir, 0o755), os.Setenv("TMPDIR", dir))
}

// Close removes the directory. The error names what was left in it, and the processes that were started here and still run,
// which are killed.
func (t *Temporary) Close() error {
	restore := os.Unsetenv("TMPDIR")
	if t.previous != "" {
		restore = os.Setenv("TMPDIR", t.previous)
	}
	left := t.processes()
	// What removes a directory must not reach into the system's own that are mounted there, as mmdebstrap does.
	if err := unmountBelow(t.Dir); err != nil {
		return errors.Join(left, restore, err)
	}
	return errors.Join(left, t.files(), restore, os.RemoveAll(t.Dir))
}

// files names what is in the directory.
func (t *Temporary) files() error {
	var left []string
	err := filepath.WalkDir(t.Dir, func(path string, _ fs.DirEntry, err error) error {
		if path != t.Dir {
			left = append(left, path)
		}
		return err
	})
	if len(left) == 0 {
		return err
	}
	more := ""
	if len(left) > 50 {
		more = fmt.Sprintf("\n  and %d more", len(left)-50)
	}
	return fmt.Errorf("left behind in the directory for temporary files:\n  %s%s", strings.Join(left[:min(50, len(left))], "\n  "), more)
}

// processes kills and names the processes that have the directory in their environment. None are seen where there is no /proc.
func (t *Temporary) processes() error {
	found, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return err
	}
	var left []string
	for _, file := range found {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		environment, readErr := os.ReadFile(file) // it may have ended, or be somebody else's
		if err != nil || readErr != nil || pid == os.Getpid() || !t.startedWith(environment) {
			continue
		}
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if len(command) == 0 {
			continue // a zombie that its parent has not looked at yet
		}
		left = append(left, fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(bytes.TrimRight(command, "\x00"), []byte{0}, []byte(" "))))
		_ = syscall.Kill(pid, syscall.SIGKILL) // an error means that it has ended
	}
	if len(left) == 0 {
		return nil
	}
	return fmt.Errorf("left running:\n  %s", strings.Join(left, "\n  "))
}

// startedWith tells whether an environment has the directory, or one within it, for temporary files.
func (t *Temporary) startedWith(environment []byte) bool {
	return slices.ContainsFunc(bytes.Split(environment, []byte{0}), func(variable []byte) bool {
		dir, ok := bytes.CutPrefix(variable, []byte("TMPDIR="))
		return ok && (string(dir) == t.Dir || bytes.HasPrefix(dir, []byte(t.Dir+"/")))
	})
}
