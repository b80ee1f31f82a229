package embedded

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// python is the layer of an image with that Python, which has pip 24.0 already.
func python(t *testing.T, version string) v1.Image {
	t.Helper()
	minor := version[:strings.LastIndexByte(version, '.')]
	library := "usr/local/lib/python" + minor
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: v1.Config{Env: []string{"PATH=/usr/local/bin"}}})
	if err != nil {
		t.Fatal(err)
	}
	return withFiles(t, image, map[string]string{
		"lib/x86_64-linux-gnu/libc.so.6":                       "stable release version 2.36.\n",
		"usr/local/bin/python3":                                "\x00" + version + "\x00",
		library + "/os.py":                                     "",
		library + "/site-packages/pip-24.0.dist-info/METADATA": "Name: pip\nVersion: 24.0\n",
	})
}

// withFiles is the image with one more layer.
func withFiles(t *testing.T, image v1.Image, files map[string]string) v1.Image {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeReg, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	if image, err = mutate.AppendLayers(image, layer); err != nil {
		t.Fatal(err)
	}
	return image
}

// lockBench is a registry whose base image has a Python, with a package index.
type lockBench struct {
	*world
	t     *testing.T
	index *pypi.Index
}

func newLockBench(t *testing.T, packages ...pypi.Package) *lockBench {
	t.Helper()
	b := &lockBench{world: newWorld(t), t: t, index: pypi.New(packages...)}
	b.publish(python(t, "3.12.4"))
	return b
}

// publish makes that the base image for Python 3.12.
func (b *lockBench) publish(image v1.Image) {
	b.t.Helper()
	if err := remote.Write(mustParse(b.t, basePython), image, remote.WithTransport(b.wire), remote.WithContext(b.t.Context())); err != nil {
		b.t.Fatal(err)
	}
}

// process is a process whose package index is that of the bench. It counts how often blobs are read.
func (b *lockBench) begin(blobs *atomic.Int32) *process {
	b.t.Helper()
	client, err := pythonindex.New(pythonindex.Options{Indexes: []pythonindex.Index{{URL: "http://index.test/simple/"}}, Transport: inMemory(b.index)})
	if err != nil {
		b.t.Fatal(err)
	}
	return b.process(b.t, "a", func(c *Config) {
		c.Index = client
		wire := c.Transport
		c.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
			if blobs != nil && strings.Contains(req.URL.Path, "/base/python/blobs/") {
				blobs.Add(1)
			}
			return wire.RoundTrip(req)
		})
	})
}

func pips(t *testing.T, texts ...string) (parsed []requirement.Pip) {
	t.Helper()
	for _, text := range texts {
		pip, err := requirement.ParsePip(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, pip)
	}
	return parsed
}

func libraryTexts(libraries []imageregistry.PipLibrary) string {
	texts := make([]string, len(libraries))
	for i, l := range libraries {
		texts[i] = l.Name + " " + l.Version
	}
	return strings.Join(texts, ", ")
}

// TestLock finds the versions, keeps those of a lock that fit, and moves on where nothing is to be kept.
func TestLock(t *testing.T) {
	t.Parallel()
	app := pypi.Package{Name: "app", Releases: []pypi.Release{{Version: "1.0", Requires: []string{"lib", "pip"}}, {Version: "2.0", Requires: []string{"lib>=2"}}}}
	b := newLockBench(t, app, pypi.Simple("lib", "1.0", "2.0"), pypi.Simple("pip", "99.0"), pypi.Package{Name: "old", Releases: []pypi.Release{{Version: "1.0", Source: &pypi.Source{}}}})
	p := b.begin(nil)
	lock := func(keep string, requirements ...string) imageregistry.Lock {
		t.Helper()
		found, err := p.Lock(t.Context(), imageregistry.LockRequest{Spec: imageregistry.Spec{Name: "model", PythonVersion: "3.12", PipRequirements: pips(t, requirements...)}, Keep: keep})
		if err != nil || found.Open != "" {
			t.Fatalf("%v, %q", err, found.Open)
		}
		return found
	}
	first := lock("", "app<2")
	if got := libraryTexts(first.Libraries); got != "app 1.0, lib 2.0, pip 24.0" || first.Base.Name != basePython || first.Base.Digest == "" || strings.Contains(first.Pylock, `"pip"`) {
		t.Errorf("found %s on %+v\n%s", got, first.Base, first.Pylock)
	}
	if again := lock("", "app<2"); again.Pylock != first.Pylock {
		t.Errorf("found\n%s\nand then\n%s", first.Pylock, again.Pylock)
	}
	for _, c := range []struct{ keep, want string }{{first.Pylock, "app 1.0, lib 2.0, pip 24.0"}, {"", "app 2.0, lib 2.0, pip 24.0"}, {"nonsense", "app 2.0, lib 2.0, pip 24.0"}} {
		if got := libraryTexts(lock(c.keep, "app").Libraries); got != c.want {
			t.Errorf("with %q kept: %s, want %s", c.keep, got, c.want)
		}
	}
	if got := lock("", "old"); len(got.Sources) != 1 || got.Sources[0] != (imageregistry.Source{Name: "old", Version: "1.0"}) {
		t.Errorf("built from source: %v", got.Sources)
	}
	if got := lock("", "pip"); got.Pylock != "" || libraryTexts(got.Libraries) != "pip 24.0" {
		t.Errorf("what the base has comes to %+v", got)
	}
	if got := lock("", "pip>24"); libraryTexts(got.Libraries) != "pip 99.0" {
		t.Errorf("what replaces something of the base comes to %+v", got)
	} else if got := lock(got.Pylock, "pip<99"); got.Pylock != "" || libraryTexts(got.Libraries) != "pip 24.0" {
		t.Errorf("back to what the base has: %+v", got)
	}
}

// TestLock_refused has no answer: none that meets the requirements, none on that base, or none before a build.
func TestLock_refused(t *testing.T) {
	t.Parallel()
	b := newLockBench(t, pypi.Simple("app", "1.0"))
	p := b.begin(nil)
	lock := func(spec imageregistry.Spec) (imageregistry.Lock, error) {
		spec.Name = "model"
		return p.Lock(t.Context(), imageregistry.LockRequest{Spec: spec})
	}
	if _, err := lock(imageregistry.Spec{PythonVersion: "3.12", PipRequirements: pips(t, "app>1")}); !is[*resolve.ConflictError](err) {
		t.Errorf("a conflict: %v", err)
	}
	if _, err := lock(imageregistry.Spec{PythonVersion: "3.9", PipRequirements: pips(t, "app")}); !is[*UnsupportedPythonError](err) {
		t.Errorf("a Python without a base image: %v", err)
	}
	if _, err := lock(imageregistry.Spec{PythonVersion: "3.12", PipLockFile: "app==1.0 --hash=sha256:" + strings.Repeat("0", 64)}); !is[*LockFileError](err) {
		t.Errorf("a lock file with a file that nobody has: %v", err)
	}
	if nothing, err := lock(imageregistry.Spec{PythonVersion: "3.12"}); err != nil || nothing.Base.Digest != "" {
		t.Errorf("nothing to install comes to %+v, %v", nothing, err)
	}
	b.remove(t, basePython)
	if open, err := lock(imageregistry.Spec{PythonVersion: "3.12", PipRequirements: pips(t, "app")}); err != nil || !strings.Contains(open.Open, "the base image "+basePython+" could not be read") {
		t.Errorf("a base image that is gone: %+v, %v", open, err)
	}
	b.publish(python(t, "3.11.9"))
	p = b.begin(nil)
	if _, err := lock(imageregistry.Spec{PythonVersion: "3.12", PipRequirements: pips(t, "app")}); !is[*UnusableBaseError](err) || !strings.Contains(err.Error(), "has Python 3.11.9, not 3.12") {
		t.Errorf("a base image with another Python: %v", err)
	}
}

// TestLock_unclear leaves the versions to the build where the base image does not tell which Python it has, as one whose python3 is
// a script, unless only a lock will do.
func TestLock_unclear(t *testing.T) {
	t.Parallel()
	b := newLockBench(t, pypi.Simple("app", "1.0"))
	b.publish(withFiles(t, python(t, "3.12.4"), map[string]string{"usr/local/bin/python3": "#!/bin/sh\n"}))
	spec := imageregistry.Spec{Name: "model", PythonVersion: "3.12", PipRequirements: pips(t, "app")}
	p := b.begin(nil)
	if open, err := p.Lock(t.Context(), imageregistry.LockRequest{Spec: spec}); err != nil || !strings.Contains(open.Open, "does not say which one exactly") {
		t.Errorf("%+v, %v", open, err)
	}
	if image := p.mustCreate(t, spec); image.Status != imageregistry.StatusReady || image.Pylock != "" {
		t.Errorf("the image is %+v", image)
	}
	spec.PipRequirements, spec.PipLockFile = nil, "app==1.0 --hash=sha256:"+strings.Repeat("0", 64)
	if _, err := p.Lock(t.Context(), imageregistry.LockRequest{Spec: spec}); !is[*UnusableBaseError](err) {
		t.Errorf("with a lock file: %v", err)
	}
}

// TestLock_platform refuses a base image that is there for another platform only.
func TestLock_platform(t *testing.T) {
	t.Parallel()
	b := newLockBench(t, pypi.Simple("app", "1.0"))
	spec := imageregistry.Spec{Name: "model", PythonVersion: "3.12", PipRequirements: pips(t, "app")}
	for platforms, want := range map[string]string{
		"linux/amd64":             "",
		"linux/amd64/v3":          "",
		"linux/arm64":             "is for x86_64, and not there for linux/arm64",
		"linux/amd64,linux/arm64": "is for x86_64, and not there for linux/arm64",
	} {
		p := b.begin(nil)
		p.config.Platforms = strings.Split(platforms, ",")
		_, err := p.Lock(t.Context(), imageregistry.LockRequest{Spec: spec})
		if want == "" && err != nil || want != "" && (!is[*UnusableBaseError](err) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", platforms, err)
		}
	}
}

// TestLock_fileEdited refuses a lock whose version somebody has changed and whose hash is still that of another version.
func TestLock_fileEdited(t *testing.T) {
	t.Parallel()
	p := newLockBench(t, pypi.Simple("app", "1.0", "1.1", "2.0+cu118")).begin(nil)
	lockOf := func(file string) (imageregistry.Lock, error) {
		return p.Lock(t.Context(), imageregistry.LockRequest{Spec: imageregistry.Spec{Name: "model", PythonVersion: "3.12", PipLockFile: file}})
	}
	line := func(version string) string {
		found, err := p.Lock(t.Context(), imageregistry.LockRequest{Spec: imageregistry.Spec{Name: "model", PythonVersion: "3.12", PipRequirements: pips(t, "app=="+version)}})
		installs, broken := locked(found.Pylock)
		if err != nil || broken != nil || len(installs) != 1 {
			t.Fatal(err, broken, installs)
		}
		return "app==" + version + " --hash=sha256:" + installs[0].Hashes[0]
	}
	for text, want := range map[string]string{
		line("1.0"): "app 1.0, pip 24.0",
		strings.Replace(line("1.0"), "1.0", "1", 1):           "app 1.0, pip 24.0",
		strings.Replace(line("2.0+cu118"), "+cu118", "", 1):   "app 2.0+cu118, pip 24.0",
		strings.Replace(line("1.1"), "1.1", "1.0", 1):         "the lock has app 1.0 with the hash of app 1.1",
		strings.Replace(line("2.0+cu118"), "cu118", "cpu", 1): "the lock has app 2.0+cpu with the hash of app 2.0+cu118",
	} {
		lock, err := lockOf(text)
		got := libraryTexts(lock.Libraries)
		if is[*LockFileError](err) {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", text, got, err, want)
		}
	}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// TestLock_built builds what was planned although the index has moved on, on the base that was planned, and tells it. What the
// base has is read once in its life.
func TestLock_built(t *testing.T) {
	t.Parallel()
	b := newLockBench(t, pypi.Simple("app", "1.0"))
	var blobs atomic.Int32
	p := b.begin(&blobs)
	spec := imageregistry.Spec{Name: "model-a", PythonVersion: "3.12", PipRequirements: pips(t, "app")}
	planned, err := p.Lock(t.Context(), imageregistry.LockRequest{Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	b.index.Replace(pypi.Simple("app", "1.0", "2.0"))
	b.publish(python(t, "3.12.5"))
	spec.Lock = planned
	image := p.mustCreate(t, spec)
	if image.Pylock != planned.Pylock || libraryTexts(image.PipLibraries) != "app 1.0, pip 24.0" || image.BaseImage.Digest != planned.Base.Digest {
		t.Errorf("the image is %+v", image)
	}
	if image.Status != imageregistry.StatusOutdated {
		t.Errorf("the base has moved on since the plan, and the image is %s", image.Status)
	}
	p.Close()

	other := b.begin(&blobs)
	read := blobs.Load()
	unplanned := imageregistry.Spec{Name: "model-a", PythonVersion: "3.12", PipRequirements: pips(t, "app", "pip")}
	updated := other.mustUpdate(t, unplanned)
	if libraryTexts(updated.PipLibraries) != "app 1.0, pip 24.0" || updated.Pylock == "" {
		t.Errorf("an update that nobody planned comes to %+v", updated)
	}
	other.Close()
	read, before := blobs.Load(), read
	third := b.begin(&blobs)
	if _, err := third.Lock(t.Context(), imageregistry.LockRequest{Spec: spec}); err != nil || blobs.Load() != read || read == before {
		t.Errorf("the new base was read %d times, and again %d times: %v", read-before, blobs.Load()-read, err)
	}
	fresh := third.mustBuild(t, imageregistry.Image{}, rebuilt(t, third), nil)
	if libraryTexts(fresh.PipLibraries) != "app 2.0, pip 24.0" {
		t.Errorf("a rebuild comes to %+v", fresh)
	}
}

func rebuilt(t *testing.T, p *process) imageregistry.Build {
	t.Helper()
	_, build, err := p.Rebuild(t.Context(), "model-a", imageregistry.Lock{})
	if err != nil {
		t.Fatal(err)
	}
	return build
}
