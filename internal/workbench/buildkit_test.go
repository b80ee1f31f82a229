package workbench_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"

	"github.com/managed-images/terraform-provider-rime/internal/workbench"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// TestMain is also the process that TestBuildKit_diesWithItsProcess kills.
func TestMain(m *testing.M) {
	if os.Getenv("RIME_TEST_HOLD_BUILDKIT") == "1" {
		d, err := workbench.BuildKit(context.Background(), workbench.Options{CacheDir: os.Getenv("RIME_TEST_CACHE")})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_, _ = fmt.Fprintln(os.Stdout, d.Address)
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed; select {} may be a deadlock to the runtime
		os.Exit(1)
	}
	workbenchtest.Main(m)
}

// start gets a daemon. A test that wants one of its own has to hide BUILDKIT_HOST first.
func start(t *testing.T, o workbench.Options) *workbench.Daemon {
	t.Helper()
	d, err := workbench.BuildKit(t.Context(), o)
	workbenchtest.SkipUnavailable(t, err)
	return d
}

// ownCache is a cache directory that no other process looks at, with the tools of the common one.
func ownCache(t *testing.T) string {
	t.Helper()
	tools, err := filepath.Abs("../../.cache/tools")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(tools, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(tools, filepath.Join(dir, "tools")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBuildKit_stopLeavesNothing(t *testing.T) {
	t.Setenv("BUILDKIT_HOST", "")
	d := start(t, workbench.Options{CacheDir: ownCache(t), Fresh: true})
	if !strings.HasPrefix(d.Address, "unix://") {
		t.Skipf("the daemon is %s: nothing of it to be seen here", d.Origin)
	}
	registry := workbenchtest.DockerRegistry(t)
	base := workbenchtest.BaseImage(t, registry)

	// A step that would run for an hour, for a client that does not go away.
	c, err := client.New(t.Context(), d.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	marker := "rime-workbench-marker-" + filepath.Base(filepath.Dir(d.Address))
	built := make(chan error, 1)
	go func() {
		built <- solve(t.Context(), c, llb.Image(base).Run(llb.Args([]string{"python3", "-c", "import time; time.sleep(3600)", marker})).Root())
	}()
	eventually(t, 5*time.Minute, "the step to run", func() bool { return len(processesWith(t, marker)) > 0 })
	root, cgroup := setting(t, d.Address, "root"), setting(t, d.Address, "defaultCgroupParent")
	if len(mountsWith(t, root)) == 0 {
		t.Error("no mount while a step runs: this test looks in the wrong place")
	}

	began := time.Now()
	if err := d.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if took := time.Since(began); took > 5*time.Minute { // the step would take an hour
		t.Errorf("Stop took %s", took)
	}
	if err := <-built; err == nil {
		t.Error("the build succeeded")
	}
	if left := processesWith(t, marker); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	if left := mountsWith(t, root); len(left) > 0 {
		t.Errorf("mounts left: %v", left)
	}
	for _, left := range []string{root, strings.TrimPrefix(filepath.Dir(d.Address), "unix:")} {
		if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", left, err)
		}
	}
	for _, hierarchy := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
		if left, _ := filepath.Glob(hierarchy + cgroup); len(left) > 0 {
			t.Errorf("control groups left: %v", left)
		}
	}
}

func TestBuildKit_diesWithItsProcess(t *testing.T) {
	t.Setenv("BUILDKIT_HOST", "")
	cache := ownCache(t)
	probe := start(t, workbench.Options{CacheDir: cache})
	if err := probe.Stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(probe.Address, "unix://") {
		t.Skipf("the daemon is %s: it does not depend on this process", probe.Origin)
	}
	holder := exec.CommandContext(t.Context(), os.Args[0])
	holder.Env = append(os.Environ(), "RIME_TEST_HOLD_BUILDKIT=1", "RIME_TEST_CACHE="+cache)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.StdinPipe(); err != nil { // stays open as long as this process lives
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "unix://") {
		t.Fatalf("the holder said %q: %v", line, err)
	}
	address := strings.TrimSpace(line)
	root := setting(t, address, "root")
	daemon := processesWith(t, filepath.Join(filepath.Dir(strings.TrimPrefix(address, "unix://")), "buildkitd.toml"))
	if len(daemon) != 1 {
		t.Fatalf("processes of the daemon: %v", daemon)
	}

	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait()
	eventually(t, 5*time.Minute, "the daemon to die", func() bool {
		_, err := os.Stat("/proc/" + daemon[0])
		return errors.Is(err, os.ErrNotExist)
	})

	again := start(t, workbench.Options{CacheDir: cache})
	if got := setting(t, again.Address, "root"); got != root {
		t.Errorf("the next daemon works in %s, want the place of the dead one, %s", got, root)
	}
	if err := again.Stop(); err != nil {
		t.Error(err)
	}
}

func TestBuildKit_eachProcessItsOwn(t *testing.T) {
	t.Setenv("BUILDKIT_HOST", "")
	first := start(t, workbench.Options{})
	second := start(t, workbench.Options{})
	if first.Address == second.Address {
		t.Errorf("both daemons are at %s", first.Address)
	}
	for _, d := range []*workbench.Daemon{first, second} {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestBuildKit_hostFromEnvironment(t *testing.T) {
	t.Setenv("BUILDKIT_HOST", workbenchtest.BuildKit(t))
	d, err := workbench.BuildKit(t.Context(), workbench.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Address != os.Getenv("BUILDKIT_HOST") || d.Origin != "BUILDKIT_HOST" {
		t.Errorf("got %s from %s", d.Address, d.Origin)
	}
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := workbench.BuildKit(t.Context(), workbench.Options{}); err != nil {
		t.Errorf("Stop ended a daemon that it had not started: %v", err)
	}

	t.Setenv("BUILDKIT_HOST", "unix:///nowhere/buildkitd.sock")
	_, err = workbench.BuildKit(t.Context(), workbench.Options{})
	unavailable, ok := errors.AsType[*workbench.UnavailableError](err)
	if !ok || !strings.Contains(unavailable.Error(), "BUILDKIT_HOST is unix:///nowhere/buildkitd.sock") {
		t.Errorf("got %v", err)
	}
}

// solve builds and keeps nothing.
func solve(ctx context.Context, c *client.Client, state llb.State) error {
	definition, err := state.Marshal(ctx)
	if err != nil {
		return err
	}
	_, err = c.Solve(ctx, definition, client.SolveOpt{}, nil)
	return err
}

func eventually(t *testing.T, patience time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

// processesWith returns the ids of the processes that have this argument.
func processesWith(t *testing.T, argument string) (ids []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		line, _ := os.ReadFile(f) // it may be gone by now
		if bytes.Contains(line, []byte("\x00"+argument+"\x00")) {
			ids = append(ids, filepath.Base(filepath.Dir(f)))
		}
	}
	return ids
}

func mountsWith(t *testing.T, dir string) (lines []string) {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		if strings.Contains(line, " "+dir+"/") {
			lines = append(lines, line)
		}
	}
	return lines
}

// setting reads one value of the daemon's configuration.
func setting(t *testing.T, address, name string) string {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(filepath.Dir(strings.TrimPrefix(address, "unix://")), "buildkitd.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(config)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" = "); ok {
			return strings.Trim(value, `"`)
		}
	}
	t.Fatalf("no %s in\n%s", name, config)
	return ""
}
