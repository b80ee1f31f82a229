package acctest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// published counts how often an image was published under a tag.
func published(gate *fault.Gate) int { return gate.Count(http.MethodPut, `/manifests/3\.11-`) }

// Two applies of one name at once, from two directories: one of them builds.
func TestManagedImage_twoApplies(t *testing.T) {
	t.Parallel()
	b := newSlowBench(t)
	b.Write("main.tf", imageOf("model", b.brief))
	other := b.Clone()
	most := mostBuilds(t, b.brief)
	applies := []*acctest.Process{b.Start("apply", "-auto-approve"), other.Start("apply", "-auto-approve")}
	first, second := applies[0].Wait(), applies[1].Wait()
	winner := b.Workspace
	if first.ExitCode != 0 {
		winner = other
		first, second = second, first
	}
	if first.ExitCode != 0 || second.ExitCode != 1 {
		t.Fatalf("exit status %d and %d\n%s\n%s", first.ExitCode, second.ExitCode, first.Output, second.Output)
	}
	// It depends on when it looked.
	if flat := second.Flat(); !strings.Contains(flat, "Managed Image Already Exists") && !strings.Contains(flat, "Managed Image Is Busy") {
		t.Errorf("the loser is told:\n%s", second.Output)
	}
	if n, pushes := most(), published(b.registry.Gate); n != 1 || pushes != 1 {
		t.Errorf("%d builds ran at one time, %d images were published", n, pushes)
	}
	winner.PlanIsEmpty()
	winner.Destroy()
	expectNothingLeft(t, b.registry, "model")
}

// With adopt_existing, the second apply waits for the first one's build and shares its image.
func TestManagedImage_twoAppliesAdopting(t *testing.T) {
	t.Parallel()
	b := newSlowBench(t)
	b.Write("main.tf", imageWith("model", "adopt_existing = true", b.brief))
	other := b.Clone()
	most := mostBuilds(t, b.brief)
	for _, p := range []*acctest.Process{b.Start("apply", "-auto-approve"), other.Start("apply", "-auto-approve")} {
		if r := p.Wait(); r.ExitCode != 0 {
			t.Errorf("exit status %d\n%s", r.ExitCode, r.Output)
		}
	}
	if n, pushes := most(), published(b.registry.Gate); n != 1 || pushes != 1 {
		t.Errorf("%d builds ran at one time, %d images were published", n, pushes)
	}
	mine, _ := b.Image("model")
	theirs, _ := other.Image("model")
	if mine.Text("image_uri") == "" || mine.Text("image_uri") != theirs.Text("image_uri") {
		t.Errorf("two images: %q and %q", mine.Text("image_uri"), theirs.Text("image_uri"))
	}
	b.PlanIsEmpty()
	other.PlanIsEmpty()
	b.Destroy()
	expectNothingLeft(t, b.registry, "model")
}

// Whoever wants what somebody else is at work on is told who, and until when at least.
func TestManagedImage_busy(t *testing.T) {
	t.Parallel()
	b := newSlowBench(t)
	b.Write("main.tf", imageOf("model", b.slow))
	other := b.Clone()
	p := b.applyUntilBuilding(b.slow)
	fails(t, other, []string{"apply", "-auto-approve"}, "Managed Image Is Busy", `Tried to create managed image "model"`, "Managed image: model")
	if n := acctest.Builds(b.slow); n != 1 {
		t.Errorf("%d builds run", n)
	}
	p.Interrupt()
	b.expectEnd(p)
	b.finish(imageOf("model", "tiny-model"))
}

// However much Terraform wants at once, no more builds run at one time than max_parallel_builds says.
func TestManagedImage_parallelism(t *testing.T) {
	t.Parallel()
	for parallelism, images := range map[int]int{10: 4, 1: 2} {
		t.Run(fmt.Sprint(parallelism), func(t *testing.T) {
			t.Parallel()
			registry := acctest.StartRegistry(t, oci.Options{})
			var packages []pypi.Package
			var names []string
			var config strings.Builder
			for i := range images {
				name := fmt.Sprintf("%s-%d", slug(t), i)
				names = append(names, name)
				// Long enough that two which may run at one time do, on a busy machine as well.
				packages = append(packages, acctest.Source(name, pypi.Source{Sleep: 5 * time.Second}))
				config.WriteString(imageOf(fmt.Sprintf("model%d", i), name))
			}
			w := acctest.Embedded{
				Registry: registry.Host, Index: acctest.StartIndex(t, packages...), Settings: []string{"max_parallel_builds = 2"},
			}.NewWorkspace(t)
			w.Write("main.tf", config.String())
			most := mostBuilds(t, names...)
			w.Apply(fmt.Sprintf("-parallelism=%d", parallelism))
			if n, want := most(), min(2, parallelism); n != want {
				t.Errorf("at most %d builds ran at one time, want %d", n, want)
			}
			w.PlanIsEmpty()
			w.Destroy()
			for i := range images {
				expectNothingLeft(t, registry, fmt.Sprintf("model%d", i))
			}
		})
	}
}
