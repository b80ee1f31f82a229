package workbench

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// unmountBelow unmounts everything below dir, innermost first.
func unmountBelow(dir string) error {
	if !filepath.IsAbs(dir) || dir == "/" {
		return fmt.Errorf("will not unmount everything below %q", dir)
	}
	points, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, point := range slices.Backward(points) {
		if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil {
			errs = append(errs, &os.PathError{Op: "unmount", Path: point, Err: err})
		}
	}
	return errors.Join(errs...)
}

// mountsBelow lists the mount points below dir in the order in which they were mounted.
func mountsBelow(dir string) ([]string, error) {
	table, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer func() { _ = table.Close() }()
	var points []string
	scanner := bufio.NewScanner(table)
	scanner.Buffer(nil, 1<<20) // an overlay of many layers has a long line
	for scanner.Scan() {
		// The fifth field is the mount point, with blanks written in octal.
		if fields := strings.Fields(scanner.Text()); len(fields) > 4 {
			if point := unescape(fields[4]); strings.HasPrefix(point, dir+"/") {
				points = append(points, point)
			}
		}
	}
	return points, scanner.Err()
}

var mountEscapes = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func unescape(field string) string { return mountEscapes.Replace(field) }

// cgroupPrefix begins the name of every control group that is ours to kill.
const cgroupPrefix = "rime-workbench-"

// killCgroup kills every process in the control group and the ones below it, and removes them. The group may stand in several
// hierarchies (version 1) or one (version 2).
func killCgroup(name string) error {
	if !strings.HasPrefix(name, cgroupPrefix) {
		return fmt.Errorf("will not kill control group %q", name)
	}
	var errs []error
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		groups, err := filepath.Glob(pattern + name)
		if err != nil {
			return err
		}
		for _, group := range groups {
			errs = append(errs, killGroup(group))
		}
	}
	return errors.Join(errs...)
}

// killGroup kills until nothing is left to kill: a process may have been forked while the list was read.
func killGroup(group string) error {
	deadline := time.Now().Add(30 * time.Second)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		groups, pids, err := membersOf(group)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return removeGroups(groups)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v of control group %s do not die", pids, group)
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // an error means that it is gone
		}
		<-ticker.C
	}
}

// membersOf lists the groups of a tree, outermost first, and the processes in all of them.
func membersOf(group string) (groups []string, pids []int, err error) {
	err = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone since it was listed
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			groups = append(groups, path)
		case entry.Name() == "cgroup.procs":
			list, _ := os.ReadFile(path)
			for field := range strings.FieldsSeq(string(list)) {
				if pid, err := strconv.Atoi(field); err == nil && pid > 0 { // 0: of another pid namespace
					pids = append(pids, pid)
				}
			}
		}
		return nil
	})
	return groups, pids, err
}

func removeGroups(groups []string) error {
	var errs []error
	for _, group := range slices.Backward(groups) {
		// A control group is removed with rmdir, in spite of the files that it shows.
		if err := syscall.Rmdir(group); err != nil && !errors.Is(err, syscall.ENOENT) {
			errs = append(errs, &os.PathError{Op: "rmdir", Path: group, Err: err})
		}
	}
	return errors.Join(errs...)
}
