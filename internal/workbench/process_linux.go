package workbench

import "syscall"

// daemonAttributes make a daemon end when this process dies, however it dies.
func daemonAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
