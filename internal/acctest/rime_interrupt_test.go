package acctest_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

var cancelPath = regexp.MustCompile("^/v1/jobs/cancel/")

// slowBuild is longer than any command before the end of a build takes on a busy machine.
const slowBuild = 2 * time.Minute

// slowPlatform is a platform whose builds end only when its clock is put forward, or when they are cancelled.
func slowPlatform(t *testing.T, cancel sandbox.CancelMode) (*platform, *clock) {
	t.Helper()
	var c clock
	// A twentieth of it passes until a build that was cancelled has ended.
	return newPlatform(t, sandbox.Options{Clock: c.now, BuildTime: slowBuild, ImageLag: time.Millisecond, Cancel: cancel}), &c
}

// startUntilWaiting starts a command and waits until it waits for a build.
func (p *platform) startUntilWaiting(args ...string) *acctest.Process {
	p.t.Helper()
	p.Forget()
	process := p.Start(args...)
	acctest.Eventually(p.t, "the wait for a build", func() bool { return process.Ended() || p.Count(http.MethodGet, "^/v1/jobs/") > 0 })
	if process.Ended() {
		p.t.Fatalf("the command has ended:\n%s", process.Output())
	}
	return process
}

// Ctrl-C, or a SIGTERM from a CI system, tells the platform at once; the build ends, and the next apply makes a new one.
func TestRIME_interrupt(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*acctest.Process){"SIGINT": (*acctest.Process).Interrupt, "SIGTERM": (*acctest.Process).Terminate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := slowPlatform(t, sandbox.CancelAllowed)
			p.Write("main.tf", model)
			process := p.startUntilWaiting("apply", "-auto-approve")
			stopped := time.Now()
			stop(process)
			r := process.Wait()
			if r.ExitCode != 1 {
				t.Errorf("exit status %d", r.ExitCode)
			}
			shows(t, r, "Managed Image Build Interrupted", "The build was cancelled and has ended.", "Apply again to finish the job.")
			requests := p.Requests()
			i := slices.IndexFunc(requests, func(r fault.Request) bool { return cancelPath.MatchString(r.Path) })
			if i < 0 {
				t.Fatalf("no build was cancelled: %v", requests)
			}
			if took := requests[i].At.Sub(stopped); took > acctest.Patience {
				t.Errorf("the platform was told only after %s", took)
			}
			if image, _ := p.Image("a"); image.Text("status") != "failed" || image.Text("build", "status") != "cancelled" {
				t.Errorf("the state after the interrupt: %v", image)
			}
			p.SetBuildTime(time.Millisecond)
			p.Apply()
			p.PlanIsEmpty()
			p.expectBuilds("model", 2)
		})
	}
}

// A platform that cancels no build goes on with it, and the next apply waits for its end: nothing is built twice.
func TestRIME_interruptWithoutCancel(t *testing.T) {
	t.Parallel()
	p, c := slowPlatform(t, sandbox.CancelRefused)
	p.Write("main.tf", model)
	process := p.startUntilWaiting("apply", "-auto-approve")
	process.Interrupt()
	shows(t, process.Wait(), "Managed Image Build Continues", "The build could not be cancelled, so it goes on.", "Apply again to wait for its end.")
	if image, _ := p.Image("a"); image.Tainted || image.Text("status") != "building_first_time" {
		t.Errorf("the state after the interrupt: %v", image)
	}
	process = p.startUntilWaiting("apply", "-auto-approve")
	c.forward(slowBuild)
	if r := process.Wait(); r.ExitCode != 0 {
		t.Errorf("exit status %d\n%s", r.ExitCode, r.Output)
	} else {
		shows(t, r, `+ rebuild_reason = "a build that was not waited for is under way"`, "Resources: 0 added, 1 changed, 0 destroyed.")
	}
	p.PlanIsEmpty()
	p.expectBuilds("model", 1)
}

// finishWait lets a command that waits for an image have it.
func (p *platform) finishWait(process *acctest.Process, c *clock) {
	p.t.Helper()
	acctest.Eventually(p.t, "the wait for the image", func() bool { return process.Ended() || p.Count(http.MethodGet, "^/v1/images/model$") > 2 })
	c.forward(slowBuild)
	if r := process.Wait(); r.ExitCode != 0 {
		p.t.Errorf("exit status %d\n%s", r.ExitCode, r.Output)
	}
}

// Two applies of one name at once, from two directories: one of them builds, and the other is told, or with adopt_existing waits for it and shares the image.
func TestRIME_twoApplies(t *testing.T) {
	t.Parallel()
	p, c := slowPlatform(t, sandbox.CancelAllowed)
	p.Write("main.tf", model)
	other := p.Clone()
	first := p.startUntilWaiting("apply", "-auto-approve")
	fails(t, other, []string{"apply", "-auto-approve"}, "Managed Image Already Exists", "`adopt_existing = true`")
	other.Write("main.tf", strings.Replace(model, `"3.11"`, "\"3.11\"\n  adopt_existing   = true", 1))
	p.Forget()
	p.finishWait(other.Start("apply", "-auto-approve"), c)
	if r := first.Wait(); r.ExitCode != 0 {
		t.Errorf("exit status %d\n%s", r.ExitCode, r.Output)
	}
	p.PlanIsEmpty()
	other.PlanIsEmpty()
	p.expectBuilds("model", 1)
}

// Terraform that is killed remembers nothing. The next apply in its place waits for the build that it had begun, and has the image.
func TestRIME_kill(t *testing.T) {
	t.Parallel()
	p, c := slowPlatform(t, sandbox.CancelAllowed)
	p.Write("main.tf", model)
	process := p.startUntilWaiting("apply", "-auto-approve")
	process.Kill()
	process.Wait()
	p.finishWait(p.startUntilWaiting("apply", "-auto-approve"), c)
	if image, _ := p.Image("a"); image.Text("build", "id") != p.Builds("model")[0].JobID || image.Text("build", "status") != "succeeded" {
		t.Errorf("the build is not that of the image: %v", image)
	}
	p.PlanIsEmpty()
	p.expectBuilds("model", 1)
	p.Destroy()
	p.expectNoImages()
}

// Elsewhere, nobody can tell whose the image is, so it is not taken over unasked.
func TestRIME_killElsewhere(t *testing.T) {
	t.Parallel()
	p, c := slowPlatform(t, sandbox.CancelAllowed)
	p.Write("main.tf", model)
	process := p.startUntilWaiting("apply", "-auto-approve")
	process.Kill()
	process.Wait()
	p.Env["TMPDIR"] = t.TempDir()
	fails(t, p.Workspace, []string{"apply", "-auto-approve"}, "Managed Image Already Exists", "`adopt_existing = true`")
	p.Write("main.tf", strings.Replace(model, `"3.11"`, "\"3.11\"\n  adopt_existing   = true", 1))
	p.Forget()
	p.finishWait(p.Start("apply", "-auto-approve"), c)
	p.PlanIsEmpty()
	p.expectBuilds("model", 1)
	p.Destroy()
	p.expectNoImages()
}

// Terraform's death alone: its provider notices and cancels the build, so that the next apply makes another.
func TestRIME_killTerraform(t *testing.T) {
	t.Parallel()
	p, _ := slowPlatform(t, sandbox.CancelAllowed)
	p.Write("main.tf", model)
	p.Env["TF_LOG_SDK"] = "trace" // to a pipe that nobody reads any more
	process := p.startUntilWaiting("apply", "-auto-approve")
	providers := process.KillTerraform()
	acctest.Eventually(t, "the end of the provider", func() bool { return providers() == 0 })
	process.Wait()
	if cancelled := p.Count(http.MethodPost, cancelPath.String()); cancelled != 1 {
		t.Errorf("%d builds were cancelled", cancelled)
	}
	acctest.Eventually(t, "the end of the build", func() bool { return !p.Builds("model")[0].Settled.IsZero() })
	p.SetBuildTime(time.Millisecond)
	p.Apply()
	p.PlanIsEmpty()
	p.expectBuilds("model", 2)
}
