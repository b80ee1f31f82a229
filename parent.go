package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// grace is how long what Terraform's death interrupts may take: a build is stopped, and its end is written down. Whatever takes longer is left to the next apply,
// as after a crash.
const grace = 10 * time.Second

// exitAfter ends this process some time after its parent. Terraform ends its providers, but when it is killed it leaves them behind for good.
//
// Until then it must outlive its log, which goes to a pipe that nobody reads any more.
func exitAfter(parent int) {
	signal.Ignore(syscall.SIGPIPE)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for range ticker.C {
		if os.Getppid() != parent {
			break
		}
	}
	<-time.After(grace)
	os.Exit(1)
}
