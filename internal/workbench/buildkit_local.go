//go:build linux

package workbench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// localDaemon runs buildkitd here: its state is in the slot, its socket in a short-lived directory of its own (the path of a
// socket is limited to some hundred bytes, that of a checkout is not).
func localDaemon(ctx context.Context, o Options) (*Daemon, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("running buildkitd here takes root")
	}
	if _, err := o.need(ctx, "runc"); err != nil {
		return nil, err
	}
	binary, err := o.buildkitd(ctx)
	if err != nil {
		return nil, err
	}
	s, err := takeSlot(o)
	if err != nil {
		return nil, err
	}
	l := newLocalState(s, o.Fresh || o.StateDir != "")
	if err := l.prepare(); err != nil {
		return nil, errors.Join(err, l.stop())
	}
	if err := l.start(ctx, binary); err != nil {
		return nil, errors.Join(err, l.stop())
	}
	return &Daemon{Address: l.address(), Origin: "buildkitd, started here", stop: l.stop}, nil
}

// localState is everything a daemon started here has on this machine.
type localState struct {
	slot    *slot
	fresh   bool
	root    string // state and cache
	run     string // socket, configuration, temporary files
	cgroup  string // of the build steps
	process *process
}

func newLocalState(s *slot, fresh bool) *localState {
	root := s.dir
	if fresh {
		root += "-fresh"
	}
	return &localState{
		slot: s, fresh: fresh, root: root,
		run:    filepath.Join(os.TempDir(), "rime-buildkit-"+key(root)),
		cgroup: cgroupPrefix + key(root),
	}
}

func (l *localState) address() string { return "unix://" + filepath.Join(l.run, "buildkitd.sock") }

func (l *localState) logFile() string { return l.slot.dir + ".log" }

func (l *localState) prepare() error {
	// A process that was killed may have left something in this place.
	if err := l.sweep(); err != nil {
		return err
	}
	if err := os.Mkdir(l.run, 0o700); err != nil {
		return err
	}
	config := fmt.Sprintf(`root = %q
[grpc]
  address = [%q]
[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  networkMode = "host"
  defaultCgroupParent = %q
  gc = false
[cdi]
  disabled = true
`, l.root, l.address(), "/"+l.cgroup)
	return os.WriteFile(filepath.Join(l.run, "buildkitd.toml"), []byte(config), 0o600)
}

func (l *localState) start(ctx context.Context, binary string) error {
	log, err := os.Create(l.logFile())
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(binary, "--config", filepath.Join(l.run, "buildkitd.toml")) //nolint:noctx // the daemon outlives the context of its start; Stop ends it
	cmd.Stdout, cmd.Stderr = log, log
	// runc may be outside the PATH of a user who became root with su. The daemon mounts the secrets of builds among its temporary files,
	// and leaves them there when it is killed.
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "TMPDIR="+l.run)
	// The daemon holds the slot's lock too: should this process be killed, nobody takes the slot before the daemon is gone.
	cmd.ExtraFiles = []*os.File{l.slot.lock}
	if l.process, err = startProcess(cmd); err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err := l.process.await(ready, func(ctx context.Context) error { return answers(ctx, l.address()) }); err != nil {
		words, _ := os.ReadFile(l.logFile())
		return fmt.Errorf("%w\n%s", err, lastLines(string(words)))
	}
	return trim(ready, l.address())
}

// stop ends the daemon and removes everything but the cache. The daemon is given time to end its build steps; a client that stays
// connected makes it wait for that time in vain.
func (l *localState) stop() error {
	defer l.slot.release()
	if l.process != nil {
		l.process.stop(10 * time.Second)
	}
	return l.sweep()
}

// sweep ends build steps without a daemon, unmounts what they had mounted, and removes the socket and a throw-away cache.
func (l *localState) sweep() error {
	err := errors.Join(killCgroup(l.cgroup), unmountBelow(l.root), unmountBelow(l.run), os.RemoveAll(l.run))
	if l.fresh && err == nil {
		err = os.RemoveAll(l.root)
	}
	return err
}

const buildkitdPackage = "github.com/moby/buildkit/cmd/buildkitd"

// buildkitd builds the daemon from the tools module, once per version of it.
func (o Options) buildkitd(ctx context.Context) (string, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	requirements, err := os.ReadFile(filepath.Join(repository, toolsModule))
	if err != nil {
		return "", err
	}
	dir, err := o.cacheDir("tools")
	if err != nil {
		return "", err
	}
	unlock, err := lock(ctx, filepath.Join(dir, "buildkitd.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	binary := filepath.Join(dir, "buildkitd-"+key(string(requirements)))
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	o.progress("building buildkitd, 1-2 minutes")
	env := []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false"}
	if err := run(ctx, repository, env, "go", "build", "-modfile="+toolsModule, "-o", binary+".new", buildkitdPackage); err != nil {
		return "", err
	}
	return binary, os.Rename(binary+".new", binary)
}
