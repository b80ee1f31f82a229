package acctest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// addedImage is an image of a group whose name is generated, with whose create nothing goes on for long.
const addedImage = `
resource "rime_group_image" "a" {
  display_name = "R 4"
  group        = "data-science"
  existing     = { url = "r-base:4" }
}
`

// killWithin starts an apply, and kills Terraform and its provider once every one of the rules has applied.
func (b *hubBench) killWithin(rules ...fault.Rule) {
	b.t.Helper()
	b.must(b.hub.SetFaults(rules...))
	p := b.Start("apply", "-auto-approve")
	acctest.Eventually(b.t, "the point to kill at", func() bool {
		met := slices.DeleteFunc(b.hub.Requests(), func(r fault.Request) bool { return !r.Fault })
		return p.Ended() || len(met) == len(rules)
	})
	if p.Ended() {
		b.t.Fatalf("the apply has ended before:\n%s", p.Output())
	}
	p.Kill()
	p.Wait()
	b.must(b.hub.SetFaults())
	b.must(b.hub.SetOutages())
}

// A create that is killed at any point leaves what the next apply makes whole: one image, under one generated name, for its group.
func TestGroupImage_kill(t *testing.T) {
	t.Parallel()
	const create, read = "/createImage$", "/image$"
	hold := func(path string, nth int) fault.Rule {
		return fault.Rule{Method: http.MethodPost, Path: path, Nth: nth, Delay: fault.Duration(time.Hour)}
	}
	once := func(backend primehub.Backend, verb primehub.Verb) []primehub.Outage {
		return []primehub.Outage{{Backend: backend, Verb: verb, Times: 1}}
	}
	for name, test := range map[string]struct {
		outages []primehub.Outage
		rules   []fault.Rule
		// creates is how often an image is asked for in all, and left how many roles the killed apply leaves for good, as nothing in PrimeHub removes them.
		creates, left int
	}{
		"nothing yet": {rules: []fault.Rule{hold(create, 1)}, creates: 2},
		"an image that the provider does not know": {rules: []fault.Rule{{Path: create, DropAnswer: true, Times: 1}, hold(read, 1)}, creates: 1},
		"an image that the state does not have":    {rules: []fault.Rule{hold(read, 2)}, creates: 1},
		"an image that its group cannot use":       {outages: once(primehub.Keycloak, primehub.MapRole), rules: []fault.Rule{hold(read, 1)}, creates: 1},
		"a role without image":                     {outages: once(primehub.Kubernetes, primehub.Create), rules: []fault.Rule{hold(read, 1)}, creates: 2, left: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newHubBench(t, primehub.Options{}, primehub.TokenGroupAdmin, addedImage)
			b.must(b.hub.SetOutages(test.outages...))
			b.killWithin(test.rules...)
			left := b.hub.ImageNames()
			b.Apply()
			b.values("a", map[string]any{"groups": []any{"data-science"}, "is_ready": true})
			if images := b.hub.ImageNames(); len(images) != 1 || images[0] != b.name("a") || len(left) == 1 && left[0] != images[0] {
				t.Errorf("%q, then %q, and the state has %q", left, images, b.name("a"))
			}
			b.expectImage(b.name("a"), map[string]any{"displayName": "R 4", "url": "r-base:4", "groupName": "data-science", "groups": []any{map[string]any{"name": "data-science"}}})
			if asked := b.count("createImage"); asked != test.creates {
				t.Errorf("%d images were asked for", asked)
			}
			b.PlanIsEmpty()
			b.Destroy()
			if images, roles := b.hub.ImageNames(), b.hub.Roles(); len(images) > 0 || len(roles) != test.left {
				t.Errorf("left behind: images %q, roles %q", images, roles)
			}
		})
	}
}

// Terraform that is killed during builds remembers nothing. The next apply in its place waits for the builds that it had begun, of two that look alike as well, and has the images;
// in another place, a given name is taken.
func TestGroupImage_killDuringBuild(t *testing.T) {
	t.Parallel()
	b, c := slowHub(t, oneBuild("xgboost")+`
resource "rime_group_image" "twin" {
  count        = 2
  display_name = "Twin"
  group        = "data-science"
  build = {
    base_image_url = "jupyter/base-notebook"
    pip_packages = ["catboost"]
  }
}
`)
	p := b.startBuilding(3)
	p.Kill()
	p.Wait()
	images := b.hub.ImageNames()

	elsewhere := b.Clone()
	elsewhere.Write("main.tf", oneBuild("xgboost"))
	fails(t, elsewhere, []string{"apply", "-auto-approve"}, "PrimeHub Image Already Exists", "terraform import rime_group_image.NAME churn")

	b.ends(b.startBuilding(3), c)
	if now := b.hub.ImageNames(); !slices.Equal(now, images) || len(now) != 3 {
		t.Errorf("%q were %q", now, images)
	}
	for _, name := range images {
		if builds := b.hub.Builds(name); len(builds) != 1 {
			t.Errorf("%d builds of %s", len(builds), name)
		}
	}
	b.values("a", map[string]any{"phase": "succeeded", "rebuild_reason": nil})
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// Terraform's death alone: its provider notices and cancels the build, and the next apply builds the same image anew.
func TestGroupImage_killTerraform(t *testing.T) {
	t.Parallel()
	b, _ := slowHub(t, oneBuild("xgboost"))
	b.Env["TF_LOG_SDK"] = "trace" // to a pipe that nobody reads any more
	p := b.startBuilding(1)
	providers := p.KillTerraform()
	acctest.Eventually(t, "the end of the provider", func() bool { return providers() == 0 })
	p.Wait()
	if cancels := b.count("cancelImageBuild"); cancels != 1 {
		t.Errorf("%d builds were cancelled", cancels)
	}
	b.must(b.hub.SetBuildTime(hubBuildTime))
	b.Apply()
	b.values("a", map[string]any{"phase": "succeeded"})
	if creates, rebuilds := b.count("createImage"), b.count("rebuildImage"); creates != 1 || rebuilds != 1 {
		t.Errorf("%d creates, %d rebuilds", creates, rebuilds)
	}
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// An interrupt may leave an image in no state, so that the next apply takes it over; but once a state has been seen to have it, nobody does.
func TestGroupImage_claim(t *testing.T) {
	t.Parallel()
	b, _ := slowHub(t, oneBuild("xgboost"))
	for _, seen := range []bool{false, true} {
		b.must(b.hub.SetBuildTime(hubSlowBuild))
		b.hub.Forget()
		p := b.startBuilding(1)
		p.Interrupt()
		shows(t, p.Wait(), "The build was cancelled.")
		b.must(b.hub.SetBuildTime(hubBuildTime))
		if seen {
			b.MustRun("plan")
		}
		b.MustRun("state", "rm", "rime_group_image.a")
		if seen {
			fails(t, b.Workspace, []string{"apply", "-auto-approve"}, "PrimeHub Image Already Exists")
			continue
		}
		b.Apply()
		if creates, rebuilds := b.count("createImage"), b.count("rebuildImage"); creates != 1 || rebuilds != 1 {
			t.Errorf("%d creates, %d rebuilds", creates, rebuilds)
		}
		b.expectNothingLeft()
	}
}

// What an interrupted apply has left is in the state of its workspace. Another workspace of the same directory makes an image of its own, which the first one leaves alone.
func TestGroupImage_workspaces(t *testing.T) {
	t.Parallel()
	generated := strings.Replace(oneBuild("xgboost"), `  name         = "churn"`, "", 1)
	b, _ := slowHub(t, generated)
	p := b.startBuilding(1)
	p.Interrupt()
	shows(t, p.Wait(), "The build was cancelled.")
	first := b.name("a")
	b.must(b.hub.SetBuildTime(hubBuildTime))

	b.MustRun("workspace", "new", "prod")
	b.Apply()
	images := b.hub.ImageNames()
	if len(images) != 2 || b.count("createImage") != 2 {
		t.Fatalf("%q after %d creates", images, b.count("createImage"))
	}
	prod := images[0]
	if prod == first {
		prod = images[1]
	}
	b.MustRun("workspace", "select", "default")
	b.Destroy()
	b.Env["TF_WORKSPACE"] = "prod"
	b.PlanIsEmpty()
	if images := b.hub.ImageNames(); !slices.Equal(images, []string{prod}) {
		t.Errorf("%q are left, want %q", images, prod)
	}
	b.expectNothingLeft()
}
