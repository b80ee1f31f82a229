package acctest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Process is a command of Terraform that runs.
type Process struct {
	t      testing.TB
	killed *atomic.Bool // of the workspace
	// interrupted tells that it was interrupted once.
	interrupted bool
	cmd         *exec.Cmd
	output      lockedBuffer
	// ended is closed when the command has ended; result is valid from then on.
	ended  chan struct{}
	result error
}

// Start starts a command of Terraform in a process group of its own. Terraform throws away the log of the provider's framework, which is a third of the
// provider's work, unless TF_LOG is set: it is written only then, or where the workspace's TF_LOG_SDK says so.
func (w *Workspace) Start(args ...string) *Process {
	w.t.Helper()
	p := &Process{t: w.t, killed: w.killed, ended: make(chan struct{})}
	// Longer than any test: a command that hangs ends with the test binary's own time-out and its stacks.
	p.cmd = exec.CommandContext(context.WithoutCancel(w.t.Context()), terraform(), args...)
	p.cmd.Dir = w.Dir
	p.cmd.Env = append(os.Environ(), "TF_IN_AUTOMATION=1", "TF_INPUT=0", "NO_COLOR=1", "TF_CLI_ARGS=-no-color", "CHECKPOINT_DISABLE=1",
		"GOGC=400",                // their memory is small, and not worth the time to collect it that often
		"TF_DISABLE_PLUGIN_TLS=1") // keys for each start of a provider are a third of a plan's work; the quickstart has them
	if w.Env["TF_LOG"] == "" {
		p.cmd.Env = append(p.cmd.Env, "TF_LOG_SDK=off")
	}
	for _, key := range slices.Sorted(maps.Keys(w.Env)) {
		p.cmd.Env = append(p.cmd.Env, key+"="+w.Env[key])
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = 10 * time.Second
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.result = p.cmd.Wait()
	}()
	return p
}

// terraform is the CLI to test with.
func terraform() string {
	if path := os.Getenv("TF_ACC_TERRAFORM_PATH"); path != "" {
		return path
	}
	return "terraform"
}

// Interrupt sends SIGINT to Terraform and its providers, as Ctrl-C at a terminal does. After a second one Terraform kills its
// providers.
func (p *Process) Interrupt() {
	p.t.Helper()
	if p.interrupted {
		p.killed.Store(true)
	}
	p.interrupted = true
	p.signal(-p.cmd.Process.Pid, syscall.SIGINT)
}

// Terminate sends SIGTERM to Terraform alone, as a CI system does when it cancels a job.
func (p *Process) Terminate() { p.signal(p.cmd.Process.Pid, syscall.SIGTERM) }

// Kill kills Terraform and its providers at once.
func (p *Process) Kill() { p.signal(-p.cmd.Process.Pid, syscall.SIGKILL) }

// KillTerraform kills Terraform and leaves its providers alone; the function tells how many of them still run.
func (p *Process) KillTerraform() (left func() int) {
	p.t.Helper()
	providers := p.providers()
	p.signal(p.cmd.Process.Pid, syscall.SIGKILL)
	return func() int {
		return len(slices.DeleteFunc(slices.Clone(providers), func(pid int) bool { return syscall.Kill(pid, 0) != nil }))
	}
}

// KillProviders kills the providers and leaves Terraform alone.
func (p *Process) KillProviders() {
	p.t.Helper()
	for _, pid := range p.providers() {
		p.signal(pid, syscall.SIGKILL)
	}
}

// providers are the processes of the providers.
func (p *Process) providers() []int {
	p.t.Helper()
	pids := slices.DeleteFunc(processesWith("terraform-provider-rime"), func(pid int) bool { return parentOf(pid) != p.cmd.Process.Pid })
	if len(pids) == 0 {
		p.t.Fatalf("Terraform runs no provider\n%s", p.Output())
	}
	return pids
}

func (p *Process) signal(pid int, s syscall.Signal) {
	p.t.Helper()
	if s == syscall.SIGKILL {
		p.killed.Store(true)
	}
	if err := syscall.Kill(pid, s); err != nil {
		p.t.Fatalf("signal %v: %v", s, err)
	}
}

// Output is what was printed so far.
func (p *Process) Output() string { return p.output.String() }

// Ended tells whether the command has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Wait waits for the end.
func (p *Process) Wait() Result {
	p.t.Helper()
	<-p.ended
	if _, exited := errors.AsType[*exec.ExitError](p.result); p.result != nil && !exited {
		p.t.Fatalf("%v: %v\n%s", p.cmd.Args, p.result, p.Output())
	}
	return Result{Output: p.Output(), ExitCode: p.cmd.ProcessState.ExitCode()}
}

// lockedBuffer is a buffer that can be read while the command still writes. It embeds nothing: io.Copy would find
// [bytes.Buffer.ReadFrom] and write past the lock.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

// String returns what was written so far.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
