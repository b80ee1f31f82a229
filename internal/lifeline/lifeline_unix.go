//go:build linux || darwin || freebsd

package lifeline

import (
	"os"
	"syscall"
)

// canLock tells that the system knows locks that end with their process.
const canLock = true

// tryLock locks the file, unless it is locked, for as long as it is open.
func tryLock(file *os.File) bool {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// letGo ends the lock for all who have the file open as this process has it.
func letGo(file *os.File) { _ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }
