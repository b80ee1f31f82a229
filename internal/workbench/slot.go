package workbench

import (
	"fmt"
	"os"
	"path/filepath"
)

// slot is one of the places where a daemon can keep its cache. A daemon has its slot for itself, so there are as many slots as
// daemons ever ran at one time, and every one of them is warm at its next use.
type slot struct {
	dir  string
	lock *os.File
}

const maxSlots = 64

// takeSlot takes the first place that no other process has.
func takeSlot(o Options) (*slot, error) {
	if o.StateDir != "" {
		dir := filepath.Join(o.StateDir, "buildkit")
		f, err := tryLock(dir + ".lock")
		return &slot{dir: dir, lock: f}, err
	}
	base, err := o.cacheDir("buildkit")
	if err != nil {
		return nil, err
	}
	for n := range maxSlots {
		dir := filepath.Join(base, fmt.Sprint(n))
		f, lockErr := tryLock(dir + ".lock")
		if lockErr == nil {
			return &slot{dir: dir, lock: f}, nil
		}
		err = lockErr
	}
	return nil, fmt.Errorf("all %d places for a BuildKit daemon are taken: %w", maxSlots, err)
}

// release lets another process have the slot. A daemon that still runs keeps it.
func (s *slot) release() { _ = s.lock.Close() }
