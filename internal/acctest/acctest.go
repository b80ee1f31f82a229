// Package acctest is the harness of tests that run the real Terraform CLI with the real provider binary against real
// parts: a BuildKit daemon, an OCI registry that can be made to fail, a base image, a package index.
//
// A package that uses it needs
//
//	func TestMain(m *testing.M) { acctest.Main(m) }
package acctest

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// shared is what all tests of a process use together: it is costly to make, and no test changes it.
var shared struct {
	mu       sync.Mutex
	binary   string
	base     string
	baseDir  string
	index    string
	cleanups []func()
}

// Main runs the tests and ends what they shared.
func Main(m *testing.M) { workbenchtest.Main(run{m}) }

// run is a test run that cleans up before the workbench stops BuildKit.
type run struct{ *testing.M }

// Run runs the tests.
func (r run) Run() int {
	code := r.M.Run()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	for _, cleanup := range shared.cleanups {
		cleanup()
	}
	return code
}

// Binary returns the path of the provider's binary: the one that `make test` has built and RIME_TEST_PROVIDER names, else one
// that is built here, once. It has no race detector: what it consists of is watched by the tests of its packages.
func Binary(t testing.TB) string {
	t.Helper()
	if built := os.Getenv("RIME_TEST_PROVIDER"); built != "" {
		return built
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.binary != "" {
		return shared.binary
	}
	dir, err := os.MkdirTemp("", "rime-acctest-") //nolint:usetesting // it outlives the test that asks first
	if err != nil {
		t.Fatal(err)
	}
	shared.cleanups = append(shared.cleanups, func() { _ = os.RemoveAll(dir) })
	binary := filepath.Join(dir, "terraform-provider-rime")
	cmd := exec.Command("go", "build", "-o", binary, ".") //nolint:noctx // all tests share the result, whichever of them asks first
	cmd.Dir, cmd.Env = repositoryRoot(t), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the provider: %v\n%s", err, out)
	}
	shared.binary = binary
	return binary
}

// BaseImage returns a reference to an image with Python 3.11 and pip that the builder can pull. Its registry is not that of any test.
func BaseImage(t testing.TB) string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.base == "" {
		dir, err := os.MkdirTemp("", "rime-base-") //nolint:usetesting // it outlives the test that asks first
		if err != nil {
			t.Fatal(err)
		}
		shared.cleanups = append(shared.cleanups, func() { _ = os.RemoveAll(dir) })
		server, err := oci.Start(oci.Options{DataDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		shared.cleanups = append(shared.cleanups, func() { _ = server.Close() })
		shared.base, shared.baseDir = workbenchtest.BaseImage(t, server.Host), dir
	}
	return shared.base
}

// baseBlobs makes a data directory of a registry that has the layers of the base image already, so that they need not be pushed to
// it, which is the most work of a build that BuildKit has cached.
func baseBlobs(t testing.TB) (dir string) {
	t.Helper()
	BaseImage(t)
	dir = t.TempDir()
	blobs, err := filepath.Glob(filepath.Join(shared.baseDir, "blobs", "sha256", "*"))
	if err != nil || len(blobs) == 0 {
		t.Fatalf("the base image has no layers in %s: %v", shared.baseDir, err)
	}
	to := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, blob := range blobs {
		if err := os.Link(blob, filepath.Join(to, filepath.Base(blob))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// PackageIndex returns the address of a package index with a few tiny distributions: what a test asks to be installed.
func PackageIndex(t testing.TB) string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.index == "" {
		address, stop := workbenchtest.Serve(packages)
		shared.index = address + "/simple/"
		shared.cleanups = append(shared.cleanups, stop)
	}
	return shared.index
}

// packages are what the index of [PackageIndex] has.
var packages = pypi.New(Packages()...)

// Publish adds a test's own distributions to the index of [PackageIndex], or other versions of them. What else the test builds
// from that index, other tests have built already.
func Publish(published ...pypi.Package) { packages.Replace(published...) }

func repositoryRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "terraform-registry-manifest.json")); err == nil {
			return dir
		}
	}
	t.Fatal("not inside the repository")
	return ""
}
