package acctest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// killing is a command in whose midst SIGKILL comes.
type killing struct {
	// before and during are the configurations before the command and for it; that package takes a moment to build, and nobody has built it before.
	before, during func(distribution string) string
	// points are those that differ most: what there is when the request arrives that is not answered any more.
	points []killPoint
}

type killPoint struct {
	name string
	at   fault.Rule
}

// before is the point at which the nth request of that kind is to be answered.
func before(method, path string, nth int) fault.Rule {
	return fault.Rule{Method: method, Path: path, Nth: nth}
}

func killings() map[string]killing {
	const record, image, tags, upload = "/manifests/rime-record$", `/manifests/3\.11-`, "/tags/list$", "/blobs/uploads/."
	nothing := func(string) string { return "" }
	without := func(string) string { return imageOf("model", "tiny-model") }
	with := func(distribution string) string { return imageOf("model", "tiny-model", distribution) }
	return map[string]killing{
		"create": {nothing, with, []killPoint{
			{"a claim", before(http.MethodGet, tags, 1)},
			{"a record under a claim", before(http.MethodDelete, "", 1)},
			{"a build to begin", before(http.MethodHead, image, 1)},
			{"half an image", before(http.MethodPut, upload, 4)},
			{"an image without tag", before(http.MethodPut, image, 1)},
			{"an image that the record does not have", before(http.MethodPut, record, 3)},
			{"an image that the state does not have", before(http.MethodHead, image, 4)},
		}},
		"update": {without, with, []killPoint{
			{"a build to begin", before(http.MethodHead, image, 1)},
			{"half an image", before(http.MethodPut, upload, 2)},
			{"an image without tag", before(http.MethodPut, image, 1)},
			{"an image that the record does not have", before(http.MethodPut, record, 3)},
			{"an image that the state does not have", before(http.MethodHead, image, 4)},
		}},
		"destroy": {without, nothing, []killPoint{
			{"a claim", before(http.MethodGet, tags, 1)},
			{"a lease", before(http.MethodDelete, "", 1)},
			{"half an image", before(http.MethodDelete, "", 5)},
			{"a record without image", before(http.MethodGet, tags, 3)},
			{"no record", before(http.MethodHead, record, 1)},
		}},
	}
}

// mostRequests is more than any of the commands makes.
const mostRequests = 100

// everyPoint is before each request in turn.
func everyPoint() []killPoint {
	points := make([]killPoint, mostRequests)
	for i := range points {
		points[i] = killPoint{fmt.Sprint(i), before("", "", i+1)}
	}
	return points
}

// SIGKILL of Terraform and the provider, between any two requests, costs nothing but the time since: the next apply does the rest.
//
// With RIME_TEST_EXHAUSTIVE=1 it comes between any two, else at the points that differ most.
func TestManagedImage_kill(t *testing.T) {
	t.Parallel()
	exhaustive := os.Getenv("RIME_TEST_EXHAUSTIVE") == "1"
	for name, k := range killings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newKillBench(t)
			points := k.points
			if exhaustive {
				points = everyPoint()
			}
			survived := false
			for i, point := range points {
				t.Run(point.name, func(t *testing.T) { // one after the other, in one workspace
					if survived = b.killAndFinish(t, k, point, i); survived && !exhaustive {
						t.Error("the command makes no such request")
					}
				})
				if t.Failed() || survived {
					break
				}
			}
			if exhaustive && !survived && !t.Failed() {
				t.Errorf("the command makes more than %d requests", mostRequests)
			}
		})
	}
}

// killBench is a workspace whose commands are killed.
type killBench struct {
	*acctest.Workspace
	registry *oci.Server
	// name begins the names of its packages.
	name string
}

// distribution is the package for the kill of that number.
func (b *killBench) distribution(i int) string { return fmt.Sprintf("killed-%s-%d", b.name, i) }

func newKillBench(t *testing.T) *killBench {
	t.Helper()
	b := &killBench{registry: acctest.StartEmptyRegistry(t, oci.Options{}), name: slug(t)}
	for i := range mostRequests {
		acctest.Publish(acctest.Source(b.distribution(i), pypi.Source{Sleep: 500 * time.Millisecond}))
	}
	b.Workspace = acctest.NewEmbeddedWorkspace(t, b.registry.Host)
	return b
}

// killAndFinish kills the command at that point and lets another do the rest. It tells whether the command had ended without coming there.
func (b *killBench) killAndFinish(t *testing.T, k killing, point killPoint, i int) (survived bool) {
	t.Helper()
	b.Workspace = b.For(t)
	distribution := b.distribution(i)
	if before := k.before(distribution); before != "" {
		b.Write("main.tf", before)
		b.Apply()
	}
	b.Write("main.tf", k.during(distribution))
	most := mostBuilds(t, distribution)
	survived = b.killAt(t, point.at)
	acctest.Eventually(t, "the end of the build", func() bool { return acctest.Builds(distribution) == 0 })
	orphans := orphansOf(t, b.registry, "model")

	b.Apply()
	b.PlanIsEmpty()
	if image, there := b.Image("model"); there != (k.during(distribution) != "") || (there && image.Text("status") != "ready") {
		t.Errorf("in the end: %t %v", there, image)
	}
	if k.during(distribution) != "" {
		b.Destroy()
	}
	expectNothingLeftBut(t, b.registry, "model", orphans)
	if n := most(); n > 1 {
		t.Errorf("%d builds ran at one time", n)
	}
	return survived
}

// killAt starts an apply and kills it at that point.
func (b *killBench) killAt(t *testing.T, point fault.Rule) (survived bool) {
	t.Helper()
	b.registry.Forget()
	point.Delay = fault.Duration(time.Hour)
	if err := b.registry.SetFaults(point); err != nil {
		t.Fatal(err)
	}
	arrived := func() bool {
		return slices.ContainsFunc(b.registry.Requests(), func(r fault.Request) bool { return r.Fault })
	}
	p := b.Start("apply", "-auto-approve", "-refresh=false")
	acctest.Eventually(t, "the point to kill at", func() bool { return arrived() || p.Ended() })
	survived = !arrived()
	if !survived {
		p.Kill()
	}
	p.Wait()
	if err := b.registry.SetFaults(); err != nil {
		t.Fatal(err)
	}
	return survived
}

// manifestsOf are the manifests in an image's repository.
func manifestsOf(t *testing.T, registry *oci.Server, image string) []string {
	t.Helper()
	manifests, err := registry.Manifests("ml/" + image)
	if err != nil {
		t.Fatal(err)
	}
	return manifests
}

// orphansOf are the manifests of an image that no tag leads to. What BuildKit had pushed without coming to tag it is known to nobody: it is what a registry's
// garbage collection is for.
func orphansOf(t *testing.T, registry *oci.Server, image string) []string {
	t.Helper()
	repo := repositoryOf(t, registry.Host, image)
	known := map[string]bool{}
	for _, tag := range repo.tags() {
		found, err := remote.Get(repo.Tag(tag), remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		known[found.Digest.String()] = true
		var index v1.IndexManifest // of an image, it has no manifests
		if err := json.Unmarshal(found.Manifest, &index); err != nil {
			t.Fatal(err)
		}
		for _, child := range index.Manifests {
			known[child.Digest.String()] = true
		}
	}
	return slices.DeleteFunc(manifestsOf(t, registry, image), func(digest string) bool { return known[digest] })
}

// expectNothingLeftBut expects that a registry has nothing of the image besides these manifests.
func expectNothingLeftBut(t *testing.T, registry *oci.Server, image string, orphans []string) {
	t.Helper()
	if tags := repositoryOf(t, registry.Host, image).tags(); len(tags) > 0 {
		t.Errorf("the registry still has the tags %q of %s", tags, image)
	}
	for _, digest := range manifestsOf(t, registry, image) {
		if !slices.Contains(orphans, digest) {
			t.Errorf("the registry still has the manifest %s of %s", digest, image)
		}
	}
}

// mostBuilds watches from now on how many builds of that package run at one time; the function ends that and tells the most.
func mostBuilds(t *testing.T, distributions ...string) (most func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var seen int
	var watch sync.WaitGroup
	watch.Go(func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			running := 0
			for _, d := range distributions {
				running += acctest.Builds(d)
			}
			seen = max(seen, running)
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
	return func() int {
		cancel()
		watch.Wait()
		return seen
	}
}

// The provider's death alone, as the kernel brings it about when memory runs out: Terraform says so, and the next apply does the rest.
func TestManagedImage_killProvider(t *testing.T) {
	t.Parallel()
	b := newSlowBench(t)
	b.Write("main.tf", imageOf("model", b.slow))
	for range 2 { // the second finds what the first has left behind
		p := b.applyUntilBuilding(b.slow)
		p.KillProviders()
		b.expectGone(b.slow)
		b.expectEnd(p, "(*GRPCProvider).ApplyResourceChange") // "Plugin did not respond" or "Request cancelled", as it comes
	}
	b.finish(imageOf("model", "tiny-model"))
}

// Terraform's death alone: its provider notices, ends the build, writes that down, and does not stay behind.
func TestManagedImage_killTerraform(t *testing.T) {
	t.Parallel()
	b := newSlowBench(t)
	b.Env["TF_LOG_SDK"] = "trace" // to a pipe that nobody reads any more
	b.Write("main.tf", imageOf("model", b.slow))
	p := b.applyUntilBuilding(b.slow)
	providers := p.KillTerraform()
	b.expectGone(b.slow)
	p.Wait()
	// Until it has ended, what it has created is its own.
	acctest.Eventually(t, "the end of the provider", func() bool { return providers() == 0 })
	b.finish(imageOf("model", "tiny-model"))
}

// On another machine, or wherever else nobody can know that the process died, the next apply waits until its leases have run out, and does the rest.
func TestManagedImage_killElsewhere(t *testing.T) {
	t.Parallel()
	b := newSlowBench(t)
	b.Write("main.tf", imageOf("model", "tiny-model"))
	b.Apply()
	b.Write("main.tf", imageOf("model", b.slow)+imageOf("fresh", b.stubborn))
	p := b.applyUntilBuilding(b.slow)
	p.Kill()
	b.expectGone(b.slow)
	p.Wait()

	b.hurry()
	elsewhere := b.Clone()
	elsewhere.Env["TMPDIR"] = t.TempDir()
	elsewhere.Write("main.tf", imageOf("model", b.slow)+imageOf("fresh", "tiny-model"))
	shows(t, elsewhere.Apply(), "a build that was not waited for is under way")
	elsewhere.PlanIsEmpty()
	elsewhere.Destroy()
	expectNothingLeft(t, b.registry, "model")
	expectNothingLeft(t, b.registry, "fresh")
}

// A provider that nobody asks anything, and so does not notice, does not stay behind either. Terraform starts it no later than it asks for the list, and keeps
// it for the image.
func TestManagedImage_killTerraformIdle(t *testing.T) {
	t.Parallel()
	begun := filepath.Join(t.TempDir(), "begun")
	registry, w := setup(t, imageWith("model", "depends_on = [terraform_data.pause]", "tiny-model")+fmt.Sprintf(`
data "rime_managed_images" "all" {
  depends_on = [terraform_data.first]
}

resource "terraform_data" "first" {}

resource "terraform_data" "pause" {
  depends_on = [data.rime_managed_images.all]
  provisioner "local-exec" {
    command = "touch %s; sleep 20"
  }
}
`, begun))
	w.Env["TF_LOG_SDK"] = "trace"
	p := w.Start("apply", "-auto-approve")
	acctest.Eventually(t, "the pause", func() bool {
		_, err := os.Stat(begun)
		return err == nil || p.Ended()
	})
	asked := len(registry.Requests())
	providers := p.KillTerraform()
	acctest.Eventually(t, "the end of the provider", func() bool { return providers() == 0 })
	p.Wait()
	if requests := registry.Requests()[asked:]; len(requests) > 0 {
		t.Errorf("it asked the registry: %v", requests)
	}
}
