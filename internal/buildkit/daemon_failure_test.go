package buildkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// TestBuild_fails goes through the failures that a user can cause, with the real tools.
func TestBuild_fails(t *testing.T) {
	t.Parallel()
	b := newBench(t,
		pypi.Simple("tiny", "1.0", "2.0"),
		pypi.Package{Name: "needs-tiny", Releases: []pypi.Release{{Version: "1.0", Requires: []string{"tiny<2"}}}},
		pypi.Package{Name: "broken", Releases: []pypi.Release{{Version: "1.0", Source: &pypi.Source{Failure: "error: no compiler"}}}},
		pypi.Package{Name: "full", Releases: []pypi.Release{{Version: "1.0", Source: &pypi.Source{Failure: "OSError: [Errno 28] No space left on device"}}}},
	)
	debian := b.variant("base/failing", withFiles(map[string]string{"etc/apt/sources.list": debianMirror(t, deb{name: "hello", version: "1.0"})}))
	apt := func(name, version string) func(*Request, *Options) {
		return func(r *Request, _ *Options) {
			r.Base = debian
			r.Packages = []requirement.Package{{Name: name, VersionSpecifier: version, Type: requirement.PackageTypeApt}}
		}
	}
	pip := func(pips ...string) func(*Request, *Options) {
		return func(r *Request, _ *Options) { r.Pip = parsePips(t, pips...) }
	}
	base := func(ref string) func(*Request, *Options) { return func(r *Request, _ *Options) { r.Base = ref } }
	without := func(repository, whiteout string) func(*Request, *Options) {
		return base(b.variant("base/"+repository, withFiles(map[string]string{whiteout: ""})))
	}
	const userInput, network, baseImage = imageregistry.FailureUserInput, imageregistry.FailureNetwork, imageregistry.FailureBaseImage
	for name, c := range map[string]struct {
		change func(*Request, *Options)
		want   imageregistry.BuildFailure // Message is a part of the message
	}{
		"unknown":         {pip("no-such-lib"), imageregistry.BuildFailure{Class: userInput, Step: stepPip, Requirement: "no-such-lib", RequirementKind: "pip", Message: "no-such-lib"}},
		"bad version":     {pip("tiny==9"), imageregistry.BuildFailure{Class: userInput, Step: stepPip, Requirement: "tiny", RequirementKind: "pip", Message: "1.0, 2.0"}},
		"conflict":        {pip("needs-tiny", "tiny>=2"), imageregistry.BuildFailure{Class: userInput, Step: stepPip, Requirement: "tiny", RequirementKind: "pip", Message: "exclude each other"}},
		"broken build":    {pip("broken"), imageregistry.BuildFailure{Class: userInput, Step: stepPip, Requirement: "broken", RequirementKind: "pip", Message: "no compiler"}},
		"disk full":       {pip("full"), imageregistry.BuildFailure{Class: imageregistry.FailureOutOfDisk, Step: stepPip, Message: "No space left on device"}},
		"index gone":      {func(_ *Request, o *Options) { o.Pip.IndexURL = "http://127.0.0.1:1/simple" }, imageregistry.BuildFailure{Class: network, Step: stepPip, Message: "Connection refused"}},
		"index 503":       {func(_ *Request, o *Options) { o.Pip.IndexURL = refusing(t, http.StatusServiceUnavailable) }, imageregistry.BuildFailure{Class: network, Step: stepPip, Message: "503"}},
		"index 403":       {func(_ *Request, o *Options) { o.Pip.IndexURL = refusing(t, http.StatusForbidden) }, imageregistry.BuildFailure{Class: network, Step: stepPip, Message: "403"}},
		"unknown package": {apt("no-such-package", ""), imageregistry.BuildFailure{Class: userInput, Step: stepSystem, Requirement: "no-such-package", RequirementKind: "package", Message: "Unable to locate"}},
		"package pattern": {apt("hell.", ""), imageregistry.BuildFailure{Class: userInput, Step: stepSystem, Requirement: "hell.", RequirementKind: "package", Message: "Unable to locate"}},
		"package version": {apt("hello", "9"), imageregistry.BuildFailure{Class: userInput, Step: stepSystem, Requirement: "hello", RequirementKind: "package", Message: "'9'"}},
		"no yum here": {func(r *Request, _ *Options) {
			r.Packages = []requirement.Package{{Name: "hello", Type: requirement.PackageTypeRockyLinux}}
		}, imageregistry.BuildFailure{Class: baseImage, Step: stepSystem, Message: "none of dnf, microdnf and yum"}},
		"other Python":      {func(r *Request, _ *Options) { r.PythonVersion = "3.12" }, imageregistry.BuildFailure{Class: baseImage, Step: stepProbe, Message: "the base image has Python 3.11, and Python 3.12 was asked for"}},
		"no Python":         {without("nopython", "usr/bin/.wh.python3"), imageregistry.BuildFailure{Class: baseImage, Step: stepProbe, Message: "no python3"}},
		"no pip":            {without("nopip", "usr/lib/python3/dist-packages/.wh.pip"), imageregistry.BuildFailure{Class: baseImage, Step: stepProbe, Message: "no pip"}},
		"no shell":          {without("noshell", "usr/bin/.wh.sh"), imageregistry.BuildFailure{Class: baseImage, Step: stepProbe, Message: "cannot run /bin/sh"}},
		"empty base":        {base(b.variant("base/empty", emptyImage)), imageregistry.BuildFailure{Class: baseImage, Step: stepProbe, Message: "mount / has no input"}},
		"base not there":    {base(b.registry + "/nope@" + testDigest), imageregistry.BuildFailure{Class: baseImage, Step: stepPull, Message: "not found"}},
		"base unreachable":  {base("127.0.0.1:1/nope@" + testDigest), imageregistry.BuildFailure{Class: baseImage, Step: stepPull, Message: "connection refused"}},
		"base other system": {base(b.push("base/arm", armImage(t))), imageregistry.BuildFailure{Class: imageregistry.FailurePlatform, Step: stepProbe, Message: "exec format error"}},
		"platform":          {func(_ *Request, o *Options) { o.Platforms = []string{"linux/s390x"} }, imageregistry.BuildFailure{Class: imageregistry.FailurePlatform, Message: "cannot run linux/s390x"}},
		"target gone":       {func(r *Request, _ *Options) { r.Target = "127.0.0.1:1/x:tag" }, imageregistry.BuildFailure{Class: imageregistry.FailurePush, Step: stepPush, Message: "connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, options := b.request("tiny"), b.options
			options.Pip.Config = fewRetries
			c.change(&req, &options)
			builder, err := New(options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = builder.Close() })
			_, err = builder.Build(t.Context(), req)
			failed, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			got := failed.Failure
			if !strings.Contains(got.Message, c.want.Message) {
				t.Errorf("the message is %q, without %q", got.Message, c.want.Message)
			}
			got.LogTail, got.Message = nil, c.want.Message
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s\n%s\n%s", diff, failed, strings.Join(failed.Failure.LogTail, "\n"))
			}
		})
	}
}

// fewRetries is a pip.conf that makes pip give up soon.
const fewRetries = "[global]\nretries = 1\n"

// refusing serves an index that answers everything with one status. Pip keeps that to itself unless made to say it.
func refusing(t *testing.T, status int) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }) + "/simple"
}

// armImage is an image whose only program is for another processor.
func armImage(t *testing.T) v1.Image {
	t.Helper()
	// The head of an ELF file for AArch64; nothing else of it is read before the system refuses it.
	elf := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00\xb7\x00\x01\x00\x00\x00" + strings.Repeat("\x00", 100)
	base, err := emptyImage(fakeConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	image, err := withFiles(map[string]string{"bin/sh": elf, "etc/passwd": "root:x:0:0:root:/:/bin/sh\n", "etc/group": "root:x:0:\n"})(base)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// TestBuild_flood survives a build that writes too much: a line of 10 MB, many lines, bytes that are no text, and a line of secrets. (A million lines
// are in TestBuildLog_bounded; pip takes minutes to show them.)
func TestBuild_flood(t *testing.T) {
	t.Parallel()
	canary := fmt.Sprintf("canary%x", rand.Uint64())
	source := func(output []byte, repeat int) pypi.Package {
		return pypi.Package{Name: "flood", Releases: []pypi.Release{{Version: "1.0", Source: &pypi.Source{
			Output: output, OutputRepeat: repeat, Failure: "the end of the flood",
		}}}}
	}
	for name, p := range map[string]pypi.Package{
		"long line": source(append(bytes.Repeat([]byte("0123456789"), 1<<20), '\n'), 1),
		"lines":     source([]byte("one of many lines\n"), 50_000),
		"binary":    source([]byte("\x00\xff\xfe\x1b]0;title\x07\x1b[31m\r\xe5\n"), 1000),
		"secrets":   source([]byte(strings.Repeat(canary+" ", 200_000)+"\n"), 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, p)
			b.options.Pip.ExtraIndexURLs = []string{b.index + "?auth=" + canary} // so that all of it is searched for secrets
			failed := b.failureOf(t.Context(), b.request("flood"))
			if f := failed.Failure; f.Class != imageregistry.FailureUserInput || f.Requirement != "flood" || !strings.Contains(strings.Join(f.LogTail, "\n"), "the end of the flood") {
				t.Errorf("got %+v", f)
			}
			if len(failed.Failure.LogTail) > maxTailLines+1 {
				t.Errorf("%d lines", len(failed.Failure.LogTail))
			}
			for _, line := range failed.Failure.LogTail {
				if len(line) > maxLineBytes+100 || readable([]byte(line)) != line {
					t.Errorf("a line of %d bytes: %.100q", len(line), line)
				}
			}
			searchHistory(t, b.address, canary)
		})
	}
}

// TestBuild_daemonGone cuts the connection to the daemon in the midst of a step.
func TestBuild_daemonGone(t *testing.T) {
	t.Parallel()
	b := newBench(t, sleeper("gone", false))
	proxy := newSeverable(t, b.address)
	b.options.Address = "unix://" + proxy.path
	go func() {
		awaitProcess(t, "gone")
		proxy.cut()
	}()
	failed := b.failureOf(t.Context(), b.request("gone"))
	if failed.Failure.Class != imageregistry.FailurePlatform || !strings.Contains(failed.Failure.Message, "connection to the BuildKit daemon was lost") {
		t.Errorf("got %+v", failed.Failure)
	}
	awaitNoProcess(t, "gone", cancelWithin) // the daemon ends what it did for a client that is gone

	// A Builder outlives its daemon: it says that there is none, and goes on with the next one.
	builder := b.builder()
	proxy.lost.Store(false)
	if _, err := builder.Build(t.Context(), b.request()); err != nil {
		t.Fatal(err)
	}
	proxy.cut()
	_, err := builder.Build(t.Context(), b.request())
	if connect, ok := errors.AsType[*ConnectError](err); !ok || connect.Attempts[0].Address != b.options.Address {
		t.Errorf("got %v", err)
	}
	proxy.lost.Store(false)
	for range 6000 { // gRPC waits a moment before it dials again
		if _, err = builder.Build(t.Context(), b.request()); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error(err)
}

// severable forwards a socket of its own to a daemon.
type severable struct {
	path  string
	conns chan net.Conn
	lost  atomic.Bool
}

func newSeverable(t *testing.T, address string) *severable {
	t.Helper()
	target, ok := strings.CutPrefix(address, "unix://")
	if !ok {
		t.Skipf("%s is no socket that can be forwarded", address)
	}
	dir, err := os.MkdirTemp("", "rime") //nolint:usetesting // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	p := &severable{path: filepath.Join(dir, "s"), conns: make(chan net.Conn, 100)}
	listener, err := net.Listen("unix", p.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close(); _ = os.RemoveAll(dir) })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("unix", target)
			if err != nil || p.lost.Load() {
				_ = from.Close()
				continue
			}
			p.conns <- from
			p.conns <- to
			go forward(from, to)
			go forward(to, from)
		}
	}()
	return p
}

// cut closes all connections and refuses new ones.
func (p *severable) cut() {
	p.lost.Store(true)
	for {
		select {
		case c := <-p.conns:
			_ = c.Close()
		default:
			return
		}
	}
}

// cancelWithin is how soon a build that was cancelled is really gone. The target is 2 s; a slow machine that is busy with other tests may
// need much longer, and the step would take an hour.
const cancelWithin = 30 * time.Minute

// TestBuild_cancel ends builds whose step is asleep, or deaf to everything but SIGKILL.
func TestBuild_cancel(t *testing.T) {
	t.Parallel()
	for name, deaf := range map[string]bool{"asleep": false, "deaf": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sleeper(name, deaf))
			why := errors.New("the user pressed Ctrl-C")
			ctx, cancel := context.WithCancelCause(t.Context())
			var pressed time.Time
			go func() {
				awaitProcess(t, name)
				pressed = time.Now()
				cancel(why)
			}()
			failed := b.failureOf(ctx, b.request(name))
			if took := time.Since(pressed); took > cancelWithin {
				t.Errorf("Build returned after %s", took)
			}
			awaitNoProcess(t, name, cancelWithin-time.Since(pressed))
			t.Logf("gone after %s", time.Since(pressed))
			if f := failed.Failure; f.Class != imageregistry.FailureCancelled || f.Step != stepPip || f.Message != why.Error() || !errors.Is(failed, why) {
				t.Errorf("got %+v", f)
			}
			if len(failed.Failure.LogTail) == 0 {
				t.Error("no log")
			}
		})
	}
}

// sleeper is a package whose build takes forever.
func sleeper(name string, deaf bool) pypi.Package {
	return pypi.Package{Name: name, Releases: []pypi.Release{{Version: "1.0", Source: &pypi.Source{Sleep: time.Hour, IgnoreSIGTERM: deaf}}}}
}

// processes are the ids of this machine's processes that build the package.
func processes(t *testing.T, name string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte("rime-sandbox-build:"+name+"==")) {
			found = append(found, filepath.Base(filepath.Dir(file)))
		}
	}
	return found
}

func awaitProcess(t *testing.T, name string) {
	for range 36000 { // half an hour
		if len(processes(t, name)) > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("the build of %s never began", name)
}

func awaitNoProcess(t *testing.T, name string, limit time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		left := processes(t, name)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("processes %q are left", left)
			return
		}
	}
}

// TestBuild_parallel has two builds run on the daemon at one time, and a third one begin when one of them ends.
func TestBuild_parallel(t *testing.T) {
	t.Parallel()
	names := []string{"nap0", "nap1", "nap2"}
	var packages []pypi.Package
	for _, name := range names {
		packages = append(packages, sleeper(name, false))
	}
	b := newBench(t, packages...)
	b.options.MaxParallel = 2
	builder := b.builder()
	began, ended := make(chan string, len(names)), make(chan error, len(names))
	stops := map[string]context.CancelFunc{}
	for _, name := range names {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		stops[name] = stop
		req := b.request(name)
		req.Target = strings.TrimSuffix(req.Target, "tag") + name
		req.Begin = func() error {
			began <- name
			return nil
		}
		go func() {
			_, err := builder.Build(ctx, req)
			ended <- err
		}()
	}
	stop := func(name string) {
		stops[name]()
		if err := <-ended; err == nil {
			t.Error("a build that was cancelled has succeeded")
		}
	}
	first, second := <-began, <-began
	awaitProcess(t, first)
	awaitProcess(t, second) // both would take an hour
	if len(began) > 0 {
		t.Errorf("%s began beside two others", <-began)
	}
	stop(first)
	third := <-began
	stop(second)
	stop(third)
}
