package acctest_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// A builder whose disk is full, and one that dies in the midst of a build, are told apart from a build that fails. With a builder that works, the next apply
// does the job.
func TestManagedImage_brokenBuilder(t *testing.T) {
	t.Parallel()
	slow := "slow-" + slug(t)
	registry := acctest.StartRegistry(t, oci.Options{})
	e := acctest.Embedded{
		Registry: registry.Host, BuildKit: workbenchtest.OwnBuildKit(t, smallDisk(t, 400<<20)),
		Index: acctest.StartIndex(t, pypi.Simple("tiny-model", "1.0"), acctest.Source(slow, pypi.Source{Sleep: time.Hour}),
			pypi.Package{Name: "huge", Releases: []pypi.Release{{Version: "1.0", PayloadBytes: 200 << 20}}}),
	}
	w := e.NewWorkspace(t)
	w.Write("main.tf", imageOf("model", "huge"))
	fails(t, w, []string{"apply", "-auto-approve"}, "Managed Image Build Failed", "the builder's disk is full", "No space left on device", "Class: out_of_disk",
		"Free disk space on the builder", "Managed image: model")
	if image, _ := w.Image("model"); image.Text("status") != "failed" {
		t.Errorf("the state: %v", image)
	}

	w.Write("main.tf", imageOf("model", slow))
	p := w.Start("apply", "-auto-approve")
	acctest.Eventually(t, "the build", func() bool { return acctest.Builds(slow) > 0 })
	acctest.KillDaemon(t, e.BuildKit)
	r := p.Wait()
	shows(t, r, "Managed Image Build Failed", "the connection to the BuildKit daemon was lost", "Class: platform", "Managed image: model", "apply again")
	if image, _ := w.Image("model"); r.ExitCode != 1 || image.Text("status") != "failed" {
		t.Errorf("exit status %d, the state: %v", r.ExitCode, image)
	}

	e.BuildKit = workbenchtest.BuildKit(t)
	e.Configure(t, w)
	w.Write("main.tf", imageOf("model", "tiny-model"))
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
	expectNothingLeft(t, registry, "model")
}

// smallDisk is a directory that cannot hold more than that.
func smallDisk(t *testing.T, bytes int) (directory string) {
	t.Helper()
	directory = t.TempDir()
	if err := syscall.Mount("rime-test", directory, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		workbenchtest.SkipUnavailable(t, &workbench.UnavailableError{What: "a disk of one's own", Tried: []string{"mounting a tmpfs: " + err.Error()}, Remedy: "Run as root on Linux."})
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(directory, 0); err != nil {
			t.Error(err)
		}
	})
	return directory
}
