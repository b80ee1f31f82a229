package acctest_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// slowBench is a workspace with packages of its own whose builds take their time: no other test builds them, so that their processes tell what BuildKit does.
type slowBench struct {
	*acctest.Workspace
	t        *testing.T
	registry *oci.Server
	// slow takes an hour, stubborn does so and ignores SIGTERM, and brief takes a few seconds.
	slow, stubborn, brief string
}

// hurry publishes a version of the slow package that is installed at once. What builds already takes its time.
func (b *slowBench) hurry() { acctest.Publish(pypi.Simple(b.slow, "1.1")) }

var slugs atomic.Int64

// slug is the test's name in the alphabet of packages, and something that no other test has, nor this one when it runs again.
func slug(t *testing.T) string {
	t.Helper()
	return strings.ToLower(strings.NewReplacer("/", "-", "_", "-", " ", "-").Replace(t.Name())) + fmt.Sprintf("-%d", slugs.Add(1))
}

func newSlowBench(t *testing.T, settings ...string) *slowBench {
	t.Helper()
	own := slug(t)
	b := &slowBench{
		t: t, registry: acctest.StartRegistry(t, oci.Options{}),
		slow: "slow-" + own, stubborn: "stubborn-" + own, brief: "brief-" + own,
	}
	acctest.Publish(
		acctest.Source(b.slow, pypi.Source{Sleep: time.Hour}),
		acctest.Source(b.stubborn, pypi.Source{Sleep: time.Hour, IgnoreSIGTERM: true}),
		acctest.Source(b.brief, pypi.Source{Sleep: 5 * time.Second}),
	)
	b.Workspace = acctest.NewEmbeddedWorkspace(t, b.registry.Host, settings...)
	return b
}

// applyUntilBuilding starts an apply and waits until that package is being built.
func (b *slowBench) applyUntilBuilding(distribution string) *acctest.Process {
	b.t.Helper()
	p, begun := b.applyUntilBuildingOrEnd(distribution)
	if !begun {
		b.t.Fatalf("the apply has ended:\n%s", p.Output())
	}
	return p
}

// applyUntilBuildingOrEnd starts an apply that may end before that package is being built, and tells whether it has begun.
func (b *slowBench) applyUntilBuildingOrEnd(distribution string) (p *acctest.Process, begun bool) {
	b.t.Helper()
	p = b.Start("apply", "-auto-approve")
	acctest.Eventually(b.t, "the build of "+distribution+", or the end of the apply", func() bool {
		begun = acctest.Builds(distribution) > 0
		return begun || p.Ended()
	})
	return p, begun
}

// expectGone expects that nothing builds that package any more, very soon.
func (b *slowBench) expectGone(distribution string) {
	b.t.Helper()
	acctest.Eventually(b.t, "the end of the build of "+distribution, func() bool { return acctest.Builds(distribution) == 0 })
}

// expectEnd expects that the command ends soon, with an error that has these texts.
func (b *slowBench) expectEnd(p *acctest.Process, texts ...string) acctest.Result {
	b.t.Helper()
	began := time.Now()
	r := p.Wait()
	if took := time.Since(began); took > acctest.Patience {
		b.t.Errorf("Terraform ended only after %s", took)
	}
	if r.ExitCode != 1 {
		b.t.Errorf("exit status %d\n%s", r.ExitCode, r.Output)
	}
	shows(b.t, r, texts...)
	return r
}

// finish applies what can be built, expects that this does the job, and that a destroy leaves nothing.
func (b *slowBench) finish(config string) {
	b.t.Helper()
	b.Write("main.tf", config)
	b.Apply()
	b.PlanIsEmpty()
	if image, _ := b.Image("model"); image.Text("status") != "ready" || image.Tainted {
		b.t.Errorf("not ready in the end: %v", image)
	}
	b.Destroy()
	expectNothingLeft(b.t, b.registry, "model")
}

// Ctrl-C, or a SIGTERM from a CI system, ends the build for real, says so, and lets the next apply finish the job.
func TestManagedImage_interruptCreate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		distribution func(*slowBench) string
		stop         func(*acctest.Process)
	}{
		"Ctrl-C":                     {func(b *slowBench) string { return b.slow }, (*acctest.Process).Interrupt},
		"Ctrl-C of a stubborn build": {func(b *slowBench) string { return b.stubborn }, (*acctest.Process).Interrupt},
		"SIGTERM":                    {func(b *slowBench) string { return b.slow }, (*acctest.Process).Terminate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSlowBench(t)
			distribution := c.distribution(b)
			b.Write("main.tf", imageOf("model", distribution))
			p := b.applyUntilBuilding(distribution)
			c.stop(p)
			b.expectGone(distribution)
			b.expectEnd(p, "Managed Image Build Interrupted", `Waiting for the build of managed image "model" was interrupted. The build was cancelled and has ended.`,
				"Apply again to finish the job.", "Managed image: model", "Build: model/")
			image, ok := b.Image("model")
			if !ok || image.Text("status") != "failed" || image.Text("build", "status") != "cancelled" || image.Text("status_reason") != "its last build was cancelled" {
				t.Errorf("the state after the interrupt: %t %v", ok, image)
			}
			b.finish(imageOf("model", "tiny-model"))
		})
	}
}

// The same configuration finishes the job too, when the user only wanted to stop for now.
func TestManagedImage_interruptAndContinue(t *testing.T) {
	t.Parallel()
	b := newSlowBench(t)
	config := imageOf("model", b.slow)
	b.Write("main.tf", config)
	p := b.applyUntilBuilding(b.slow)
	p.Interrupt()
	b.expectGone(b.slow)
	b.expectEnd(p, "Managed Image Build Interrupted")
	b.hurry()
	b.finish(config)
}

// Whoever presses Ctrl-C twice gets no answer from the provider any more; the build ends nevertheless, and the next apply knows.
func TestManagedImage_interruptTwice(t *testing.T) {
	t.Parallel()
	b := newSlowBench(t)
	quick := imageOf("quick", "tiny-model")
	b.Write("main.tf", imageOf("model", b.stubborn)+quick)
	p := b.applyUntilBuilding(b.stubborn)
	acctest.Eventually(t, "the other image", func() bool { return strings.Contains(p.Output(), "rime_managed_image.quick: Creation complete") })
	p.Interrupt()
	p.Interrupt()
	b.expectGone(b.stubborn)
	b.expectEnd(p)
	b.finish(imageOf("model", "tiny-model") + quick)
	expectNothingLeft(t, b.registry, "quick")
}

func TestManagedImage_interruptUpdate(t *testing.T) {
	t.Parallel()
	b := newSlowBench(t)
	b.Write("main.tf", imageOf("model", "tiny-model"))
	b.Apply()
	before, _ := b.Image("model")
	b.Write("main.tf", imageOf("model", "tiny-model", b.slow))
	p := b.applyUntilBuilding(b.slow)
	p.Interrupt()
	b.expectGone(b.slow)
	b.expectEnd(p, "Managed Image Build Interrupted")

	after, _ := b.Image("model")
	if after.Tainted || after.Text("status") != "failed" || after.Text("build", "status") != "cancelled" {
		t.Errorf("the state after the interrupt: %v", after)
	}
	if after.Text("image_uri") != before.Text("image_uri") {
		t.Errorf("image_uri was %q and is %q, though nothing new was published", before.Text("image_uri"), after.Text("image_uri"))
	}
	repo := repositoryOf(t, b.registry.Host, "model")
	for _, reference := range []string{before.Text("image_digest"), before.Text("rime_tag")} {
		if err := repo.pull(reference); err != nil {
			t.Errorf("%s cannot be pulled after the interrupt: %v", reference, err)
		}
	}
	planShows(t, b.Workspace, "will be updated in-place", `-> "its last build was cancelled"`)
	b.finish(imageOf("model", "tiny-model<2"))
}

func TestManagedImage_timeouts(t *testing.T) {
	t.Parallel()
	for operation, before := range map[string]string{"create": "", "update": imageOf("model", "tiny-model")} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			b := newSlowBench(t)
			if before != "" {
				b.Write("main.tf", before)
				b.Apply()
			}
			b.Write("main.tf", imageWith("model", fmt.Sprintf("timeouts = { %s = \"1m\" }", operation), b.slow))
			p, begun := b.applyUntilBuildingOrEnd(b.slow)
			says := `Managed image "model" was not built within 1m.`
			if begun { // on a slow machine, the time-out comes before
				says += " The build was cancelled and has ended."
			}
			b.expectEnd(p, "Managed Image Build Timed Out", says, "Apply again, with a longer `timeouts."+operation+"` if such builds take longer.")
			b.expectGone(b.slow)
			if image, _ := b.Image("model"); begun && image.Text("build", "status") != "cancelled" || image.Tainted != (operation == "create") {
				t.Errorf("the state after the time-out: %v", image)
			}
			b.finish(imageOf("model", "tiny-model"))
		})
	}
}
