// Package workbenchtest gives tests what package workbench provides. A test that needs something this machine cannot provide is
// skipped with the reason, but fails where everything can be had: as root on Debian.
package workbenchtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/workbench"
)

// SkipUnavailable ends the test if err is not nil: skipped for a [*workbench.UnavailableError] where something may be missing,
// else failed.
func SkipUnavailable(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if _, missing := errors.AsType[*workbench.UnavailableError](err); missing && !workbench.MustHaveTools() {
		t.Skip(err)
	}
	t.Fatal(err)
}

// daemon is shared by the tests of one process: a daemon runs many builds at a time.
var daemon struct {
	sync.Mutex
	*workbench.Daemon
	err error
}

// Main runs the tests of a package that uses [BuildKit] and stops the daemon afterwards:
//
//	func TestMain(m *testing.M) { workbenchtest.Main(m) }
//
// m is a [*testing.M], or what runs one and has more to clean up.
func Main(m interface{ Run() int }) {
	code := m.Run()
	daemon.Lock()
	defer daemon.Unlock()
	if daemon.Daemon != nil {
		if err := daemon.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping BuildKit:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// BuildKit returns the address of the BuildKit daemon that the tests of this process share. The package needs [Main].
func BuildKit(t testing.TB) (address string) {
	t.Helper()
	daemon.Lock()
	defer daemon.Unlock()
	if daemon.Daemon == nil && daemon.err == nil {
		// The first build of buildkitd takes long; the test that happens to ask first must not take the daemon with it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Minute)
		defer cancel()
		daemon.Daemon, daemon.err = workbench.BuildKit(ctx, options())
	}
	SkipUnavailable(t, daemon.err)
	return daemon.Address
}

// OwnBuildKit starts a BuildKit daemon for one test to mistreat, with all its state in the directory, and returns its address.
func OwnBuildKit(t testing.TB, directory string) (address string) {
	t.Helper()
	o := options()
	o.StateDir = directory
	own, err := workbench.BuildKit(t.Context(), o)
	SkipUnavailable(t, err)
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Errorf("stopping BuildKit: %v", err)
		}
	})
	return own.Address
}

// BaseImage pushes an image with Python 3.11 and pip to the registry ("127.0.0.1:5000") and returns its reference. It is always
// made from Debian's packages, so that a test meets the same image everywhere.
func BaseImage(t testing.TB, registryHost string) (ref string) {
	t.Helper()
	ref, err := workbench.LocalBaseImage(t.Context(), registryHost, options())
	SkipUnavailable(t, err)
	return ref
}

// DockerRegistry starts Debian's docker-registry for one test and returns its host and port.
func DockerRegistry(t testing.TB) (host string) {
	t.Helper()
	return dockerRegistry(t, workbench.DockerRegistry)
}

// DockerRegistryWithoutDeletes starts one that deletes nothing.
func DockerRegistryWithoutDeletes(t testing.TB) (host string) {
	t.Helper()
	return dockerRegistry(t, workbench.DockerRegistryWithoutDeletes)
}

func dockerRegistry(t testing.TB, start func(context.Context, workbench.Options) (*workbench.Registry, error)) (host string) {
	t.Helper()
	registry, err := start(t.Context(), options())
	SkipUnavailable(t, err)
	t.Cleanup(func() {
		if err := registry.Stop(); err != nil {
			t.Errorf("stopping docker-registry: %v", err)
		}
	})
	return registry.Host
}

// Skopeo returns the path of skopeo.
func Skopeo(t testing.TB) (path string) {
	t.Helper()
	return Tool(t, "skopeo")
}

// Tool returns the path of a program that Debian has.
func Tool(t testing.TB, program string) (path string) {
	t.Helper()
	path, err := workbench.Tool(t.Context(), options(), program)
	SkipUnavailable(t, err)
	return path
}

// Python returns the path of a Python 3 that has pip.
func Python(t testing.TB) (path string) {
	t.Helper()
	path, err := workbench.Python(t.Context(), options())
	SkipUnavailable(t, err)
	return path
}

// options report on standard error, at once: an output of the test itself would be shown only when the wait is over.
func options() workbench.Options {
	return workbench.Options{Progress: func(line string) { fmt.Fprintln(os.Stderr, "workbench:", line) }}
}
