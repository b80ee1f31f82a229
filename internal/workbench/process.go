package workbench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is a daemon that was started here. It outlives the context that it was started with, but never this process.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process is gone
	result error         // of Wait; valid when ended is closed
}

// startProcess starts a daemon. It gets its own process group, so that a Ctrl-C at the terminal reaches it only through stop, in
// the order that the caller wants.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = daemonAttributes()
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The signal at the parent's death is really one at the death of the thread that started it (golang.org/issue/27505): keep that thread.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.result = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// stop asks the process to end and kills it, with its whole group, after the grace period.
func (p *process) stop(grace time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended already
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

// await calls ready until it returns nil, the process ends, or ctx does.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at once: %w", p.cmd.Path, p.result)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w (%w)", p.cmd.Path, err, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// run runs a command to its end. Its last words are part of the error.
func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := command(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, lastLines(string(out)))
	}
	return nil
}

// command is exec.CommandContext for a command that may have children: it is asked to end first, and killed a little later.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// lastLines are the lines of an output that are worth repeating in an error.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
