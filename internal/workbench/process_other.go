//go:build !linux

package workbench

import "syscall"

func daemonAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
