// Command rime-test runs every test of the repository once, and says what it is doing: it gets the tools that the tests need,
// builds the provider, starts BuildKit, and runs the packages in two phases (see phases.go). In the end it looks for what was left
// behind: temporary files, processes, changes of the repository.
//
//	go run ./cmd/rime-test [ARGUMENT OF go test...]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/managed-images/terraform-provider-rime/internal/workbench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r := &runner{began: time.Now(), out: os.Stdout}
	err := r.run(ctx, os.Args[1:])
	r.say("DONE %s in %s", r.totals, round(time.Since(r.began)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "rime-test:", err)
		os.Exit(1)
	}
}

// errFailed is a failure that has been told already.
var errFailed = errors.New("tests failed")

// runner is one run of all tests.
type runner struct {
	began  time.Time
	out    io.Writer
	mu     sync.Mutex
	totals totals
}

// say writes a line, with the time since the beginning. It may be called by several at once.
func (r *runner) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprintf(r.out, "%6s  %s\n", round(time.Since(r.began)), fmt.Sprintf(format, args...)) // who reads it has gone
}

func round(d time.Duration) time.Duration { return d.Round(time.Second) }

// run runs everything and then looks for what was left behind, whatever came of it.
func (r *runner) run(ctx context.Context, args []string) (err error) {
	before, err := gitStatus(ctx)
	if err != nil {
		return err
	}
	temporary, err := workbench.UseTemporary()
	if err != nil {
		return err
	}
	defer func() {
		r.say("looking for what was left behind")
		after, statusErr := gitStatus(context.WithoutCancel(ctx))
		if statusErr == nil && after != before {
			statusErr = fmt.Errorf("the tests changed the repository; git status was\n%sand is\n%s", before, after)
		}
		err = errors.Join(err, statusErr, temporary.Close())
	}()
	return r.prepared(ctx, temporary.Dir, args)
}

// gitStatus is what is not committed, or nothing where this is no clone.
func gitStatus(ctx context.Context) (string, error) {
	if _, err := os.Stat(".git"); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	out, err := exec.CommandContext(ctx, "git", "status", "--porcelain").Output()
	if err != nil {
		return "", fmt.Errorf("git status: %w", err)
	}
	return string(out), nil
}

// prepared gets what the tests need, runs them, and stops what it started.
func (r *runner) prepared(ctx context.Context, dir string, args []string) (err error) {
	o := workbench.Options{Progress: func(line string) { r.say("%s", line) }}
	r.say("getting the tools")
	if err := r.missing(workbench.Tools(ctx, o)); err != nil {
		return err
	}
	binary := filepath.Join(dir, "provider", "terraform-provider-rime")
	defer func() { err = errors.Join(err, os.RemoveAll(filepath.Dir(binary))) }()
	env := []string{"RIME_TEST_PROVIDER=" + binary}
	// One goes to work while another waits for the network.
	r.say("building the provider, BuildKit and a base image")
	var group errgroup.Group
	var daemon *workbench.Daemon
	group.Go(func() error { return build(ctx, binary) })
	group.Go(func() error { return r.missing(workbench.MakeLocalBase(ctx, o)) })
	group.Go(func() (err error) {
		daemon, err = workbench.BuildKit(ctx, o)
		return r.missing(err)
	})
	err = group.Wait()
	if daemon != nil {
		defer func() { err = errors.Join(err, daemon.Stop()) }()
		env = append(env, "BUILDKIT_HOST="+daemon.Address)
	}
	if err != nil {
		return err
	}
	return r.phases(ctx, env, args)
}

// missing is the error, unless it says that something is missing on a machine where something may be: tests skip then.
func (r *runner) missing(err error) error {
	if _, missing := errors.AsType[*workbench.UnavailableError](err); missing && !workbench.MustHaveTools() {
		r.say("going on without: %v", err)
		return nil
	}
	return err
}

func build(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
