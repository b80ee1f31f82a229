// Command rime-workbench runs a command with a BuildKit daemon at hand: it gets a daemon as package workbench does, sets
// BUILDKIT_HOST for the command, passes signals on, and stops what it started when the command has ended.
//
//	go run ./cmd/rime-workbench -- go test ./...
//
// Where BuildKit cannot be had, the command runs without it, unless this is Debian and the user is root: there it always can.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/managed-images/terraform-provider-rime/internal/workbench"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: rime-workbench [--] COMMAND [ARGUMENT...]")
		os.Exit(2)
	}
	code, err := runWithBuildKit(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rime-workbench:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func runWithBuildKit(args []string) (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	daemon, err := workbench.BuildKit(ctx, workbench.Options{Progress: report})
	if _, missing := errors.AsType[*workbench.UnavailableError](err); missing && !workbench.MustHaveTools() {
		report("going on without BuildKit: " + err.Error())
		return run(ctx, args)
	}
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, daemon.Stop()) }()
	report("BuildKit at " + daemon.Address + " (" + daemon.Origin + ")")
	return run(ctx, args, "BUILDKIT_HOST="+daemon.Address)
}

// run runs the command to its end. At a terminal, Ctrl-C reaches the command by itself; other signals to us are passed on.
func run(ctx context.Context, args []string, env ...string) (int, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), env...)
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(cmd.ProcessState.ExitCode(), 1), nil // the command has said itself what was wrong
	}
	return 0, err
}

func report(line string) { fmt.Fprintln(os.Stderr, "rime-workbench:", line) }
