package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

const module = "github.com/managed-images/terraform-provider-rime"

// unwatched are the packages whose tests the race detector does not watch. The ones that take longest are first, so that the others
// run beside them.
//
// The first run other programs and wait for them: Terraform, BuildKit, pip, git. The detector would see only the test. The packages
// that those programs consist of have tests of their own, which are watched. The last start no goroutine and keep nothing that
// goroutines share.
var unwatched = slices.Concat([]string{
	"internal/acctest", "internal/provider", "internal/buildkit", "cmd/rime-quickstart", "internal/workbench", "internal",
	"cmd/rime-conformance", "cmd/rime-test", "cmd/rime-workbench",
}, sequential)

// sequential are the packages without concurrency.
var sequential = []string{"internal/requirement", "internal/redact", "internal/diags", "internal/imageregistry"}

// partly are the unwatched packages that have tests of what goes on at the same time. Those are watched, in a phase of their own.
var partly = []string{"internal/provider", "internal/buildkit"}

// concurrent are those tests.
const concurrent = `^TestProto(GroupImage|ManagedImage)_|^TestBuild_(waitsForItsTurn|parallel|cancel|daemonGone)$`

// slow are the ones of the others that take longest: they start first.
var slow = []string{"internal/embedded", "internal/awsregistry"}

// phase is a run of `go test`.
type phase struct {
	name     string
	packages []string
	args     []string
	env      []string
	dir      string // where it runs; empty: here
}

// split sorts the packages into phases. The ones with the race detector come first: they fail sooner.
func split(packages []string) []phase {
	cgo := func(enabled string) []string { return []string{"CGO_ENABLED=" + enabled} }
	watched := phase{name: "with the race detector", args: []string{"-race"}, env: cgo("1")}
	together := phase{name: "what goes on together, with the race detector", args: []string{"-race", "-run=" + concurrent}, env: cgo("1")}
	programs := phase{name: "what runs programs", args: []string{"-skip=" + concurrent}, env: cgo("0")}
	rank := func(p string, names []string) int { return slices.Index(names, strings.TrimPrefix(p, module+"/")) }
	for _, p := range packages {
		if rank(p, partly) >= 0 {
			together.packages = append(together.packages, p)
		}
		if rank(p, unwatched) < 0 {
			watched.packages = append(watched.packages, p)
		} else {
			programs.packages = append(programs.packages, p)
		}
	}
	sort := func(packages, names []string) {
		last := func(p string) uint { return uint(rank(p, names)) } // what is not named comes last
		slices.SortStableFunc(packages, func(a, b string) int { return cmp.Compare(last(a), last(b)) })
	}
	sort(watched.packages, slow)
	sort(programs.packages, unwatched)
	return []phase{watched, together, programs}
}

// phases runs all packages that have tests.
func (r *runner) phases(ctx context.Context, env, args []string) error {
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}", "./...").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	packages := strings.Fields(string(out))
	split := split(packages)
	for _, p := range split {
		r.totals.packagesLeft += len(p.packages)
	}
	var errs []error
	for _, p := range split {
		r.say("%s: %d packages", p.name, len(p.packages))
		errs = append(errs, r.test(ctx, p, env, args))
	}
	return errors.Join(errs...)
}

// test runs one phase and reports it as it goes. -vet=off: `make check` looks at all code, and once.
func (r *runner) test(ctx context.Context, p phase, env, args []string) error {
	all := slices.Concat([]string{"test", "-json", "-vet=off", "-shuffle=on", "-parallel=8", "-timeout=3h"}, p.args, args, p.packages)
	cmd := exec.CommandContext(ctx, "go", all...)
	cmd.Dir = p.dir
	// The tests have to hear of an interrupt, and not only go: it would wait for them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = time.Minute
	cmd.Env = slices.Concat(os.Environ(), p.env, env)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	reportErr := r.report(events)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w %s: %w", errFailed, p.name, err)
	}
	return reportErr
}
