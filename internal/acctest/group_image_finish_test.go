package acctest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// refusal is an answer of the platform that no other attempt makes better.
func refusal(path string) fault.Rule {
	return fault.Rule{
		Method: http.MethodPost, Path: path, Status: http.StatusOK,
		JSON: json.RawMessage(`{"errors":[{"message":"HTTP request failed","extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":null}`),
	}
}

// What goes wrong in a create once its image can be used is a warning; while it cannot, it is an error. The image stays, after `terraform untaint` in the latter case: the next apply finishes it,
// without another image or another build.
func TestGroupImage_finishedLater(t *testing.T) {
	t.Parallel()
	keycloak := func(verb primehub.Verb) func(*hubBench) error {
		return func(b *hubBench) error {
			return b.hub.SetOutages(primehub.Outage{Backend: primehub.Keycloak, Verb: verb})
		}
	}
	for name, test := range map[string]struct {
		// before is done before the apply, and meanwhile while it waits for the build.
		before, meanwhile func(*hubBench) error
		// ends tells that the build ends before the apply does.
		ends bool
		// says is what the apply says, and next what the next plan does.
		says, next string
	}{
		"no groups at the end": {
			meanwhile: keycloak(primehub.ReadGroups),
			ends:      true,
			says:      "Warning: PrimeHub Image Is Not Finished",
		},
		"no mapping at all": {
			before: keycloak(primehub.MapRole),
			ends:   true,
			says:   "Warning: PrimeHub Image Access Is Incomplete", next: "0 to add, 1 to change, 0 to destroy",
		},
		"no look any more": {
			meanwhile: func(b *hubBench) error { return b.hub.SetFaults(refusal("/image$")) },
			says:      "Error: PrimeHub Image Is Not Built Yet", next: "0 to add, 1 to change, 0 to destroy",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := slowHub(t, oneBuild("xgboost"))
			if test.before != nil {
				b.must(test.before(b))
			}
			p := b.startBuilding(1)
			if test.meanwhile != nil {
				b.must(test.meanwhile(b))
			}
			if test.ends {
				c.forward(hubSlowBuild)
			}
			r := p.Wait()
			shows(t, r, test.says)
			unusable := !test.ends
			if image, found := b.GroupImage("a"); (r.ExitCode == 1) != unusable || !found || image.Tainted != unusable || (image.Text("url") == "") != unusable {
				t.Errorf("exit status %d, %+v", r.ExitCode, image)
			}
			b.must(b.hub.SetOutages())
			b.must(b.hub.SetFaults())
			if unusable {
				shows(t, r, "run `terraform untaint`")
				b.MustRun("untaint", "rime_group_image.a")
			}
			if test.next == "" {
				b.PlanIsEmpty()
			} else {
				planShows(t, b.Workspace, test.next)
			}
			if test.ends {
				b.Apply()
			} else {
				b.ends(b.startBuilding(1), c)
			}
			b.values("a", map[string]any{"phase": "succeeded", "is_ready": true, "groups": []any{"data-science"}})
			b.expectImage("churn", map[string]any{"groups": []any{map[string]any{"name": "data-science"}}})
			b.expectBuiltOnce()
		})
	}
}

// expectBuiltOnce expects one image and one build of it in all, nothing to do, and that a destroy leaves nothing.
func (b *hubBench) expectBuiltOnce() {
	b.t.Helper()
	if creates, builds := b.count("createImage"), len(b.hub.Builds("churn")); creates != 1 || builds != 1 {
		b.t.Errorf("%d creates, %d builds", creates, builds)
	}
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// Ctrl-C while the platform takes no cancel: the build goes on, and the next apply waits for it where the image is to stay.
func TestGroupImage_interruptUncancelled(t *testing.T) {
	t.Parallel()
	b, c := slowHub(t, oneBuild("xgboost"))
	p := b.startBuilding(1)
	b.must(b.hub.SetFaults(refusal("/cancelImageBuild$")))
	p.Interrupt()
	r := p.Wait()
	shows(t, r, "Error: PrimeHub Image Build Interrupted", "Cancelling the build failed too", "run `terraform untaint`")
	if image, found := b.GroupImage("a"); r.ExitCode != 1 || !found || !image.Tainted {
		t.Errorf("exit status %d, %+v", r.ExitCode, image)
	}
	b.MustRun("untaint", "rime_group_image.a")
	planShows(t, b.Workspace, "0 to add, 1 to change, 0 to destroy", "a build that was not waited for is under way")
	b.ends(b.startBuilding(1), c)
	b.values("a", map[string]any{"phase": "succeeded", "is_ready": true})
	b.expectBuiltOnce()
}

// An image that somebody deletes while its build is waited for is one error, and the next plan creates it.
func TestGroupImage_deletedMeanwhile(t *testing.T) {
	t.Parallel()
	b, _ := slowHub(t, oneBuild("xgboost"))
	p := b.startBuilding(1)
	b.must(b.hub.Remove("churn"))
	r := p.Wait()
	shows(t, r, "Error: PrimeHub Image Is Gone")
	if errors := strings.Count(r.Output, "Error: "); r.ExitCode != 1 || errors != 1 {
		t.Errorf("exit status %d, %d errors\n%s", r.ExitCode, errors, r.Output)
	}
	planShows(t, b.Workspace, "1 to add, 0 to change, 0 to destroy")
	b.expectNothingLeft()
}

// A create that is interrupted although its groups were not written cancels its build all the same.
func TestGroupImage_interruptIncomplete(t *testing.T) {
	t.Parallel()
	b, _ := slowHub(t, oneBuild("xgboost"))
	b.must(b.hub.SetOutages(primehub.Outage{Backend: primehub.Keycloak, Verb: primehub.MapRole}))
	p := b.startBuilding(1)
	p.Interrupt()
	shows(t, p.Wait(), "Error: PrimeHub Image Build Interrupted", "The build was cancelled.", "Warning: PrimeHub Image Access Is Incomplete")
	if b.building() > 0 || b.count("cancelImageBuild") != 1 {
		t.Errorf("%d builds, %d were cancelled", b.building(), b.count("cancelImageBuild"))
	}
	b.must(b.hub.SetOutages())
	b.expectNothingLeft()
}

// A rebuild that cannot be looked at any more is an error, but one that leaves the image in the state: the next apply waits for the same build.
func TestGroupImage_rebuildUnseen(t *testing.T) {
	t.Parallel()
	b, c := slowHub(t, oneBuild("xgboost"))
	b.ends(b.startBuilding(1), c)
	b.Write("main.tf", oneBuild("catboost"))
	p := b.startBuilding(1)
	b.must(b.hub.SetFaults(refusal("/image$")))
	r := p.Wait()
	shows(t, r, "Error: Unable to Update PrimeHub Image")
	if strings.Contains(r.Output, "invalid result") || r.ExitCode != 1 {
		t.Errorf("exit status %d\n%s", r.ExitCode, r.Output)
	}
	b.must(b.hub.SetFaults())
	b.values("a", map[string]any{"phase": "waiting", "is_ready": true})
	b.ends(b.startBuilding(1), c)
	if rebuilds := b.count("rebuildImage"); rebuilds != 1 {
		t.Errorf("%d rebuilds were asked for", rebuilds)
	}
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// A rebuild is waited for although Keycloak, which knows the groups, is down: nothing that the state has to know comes from there.
func TestGroupImage_rebuildWithoutGroups(t *testing.T) {
	t.Parallel()
	b, c := slowHub(t, oneBuild("xgboost"))
	b.ends(b.startBuilding(1), c)
	b.Write("main.tf", oneBuild("catboost"))
	b.MustRun("plan", "-out=tfplan")
	b.must(b.hub.SetOutages(primehub.Outage{Backend: primehub.Keycloak, Verb: primehub.ReadGroups}))
	b.hub.Forget()
	b.ends(b.startBuilding(1, "tfplan"), c)
	b.must(b.hub.SetOutages())
	b.values("a", map[string]any{"phase": "succeeded", "is_ready": true})
	b.PlanIsEmpty()
	b.expectNothingLeft()
}

// A change of where an image is whose outcome cannot be read is an error; the state knows the new address all the same, and nothing is left to do.
func TestGroupImage_changeUnseen(t *testing.T) {
	t.Parallel()
	b := newHubBench(t, primehub.Options{}, primehub.TokenGroupAdmin, addedImage)
	b.Apply()
	b.Edit("main.tf", "r-base:4", "r-base:5")
	b.MustRun("plan", "-out=tfplan")
	last := refusal("/image$")
	last.Nth = 3 // after those that find out what there is to change
	b.must(b.hub.SetFaults(last))
	r := b.Run("apply", "tfplan")
	shows(t, r, "Error: Unable to Read PrimeHub Image")
	if strings.Contains(r.Output, "invalid result") || b.count("updateImage") != 1 {
		t.Errorf("%d updates\n%s", b.count("updateImage"), r.Output)
	}
	b.values("a", map[string]any{"url": "r-base:5", "url_for_gpu": "r-base:5", "is_ready": true})
	b.must(b.hub.SetFaults())
	b.PlanIsEmpty()
	b.expectNothingLeft()
}
