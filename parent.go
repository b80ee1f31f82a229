package main

import (
	"os"
	"time"
)

// grace is how long what Terraform's death interrupts may take: a build is stopped, and its end is written down. Whatever takes longer is left to the next apply,
// as after a crash.
const grace = 10 * time.Second

// exitAfter ends this process some time after its parent. Terraform ends its providers, but when it is killed it leaves them behind for good.
func exitAfter(parent int) {
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
