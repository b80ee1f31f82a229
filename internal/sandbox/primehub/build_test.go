package primehub_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

func TestBuild_succeeds(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	created := p.create(custom("churn", "jupyter/base-notebook", object{"apt": []any{"curl"}}))
	if d := diff(object{"isReady": false, "jobStatus": nil, "url": nil, "type": "both", "imageSpec": object{
		"baseImage": "jupyter/base-notebook", "pullSecret": nil, "cancel": false, "updateTime": "2024-03-01T12:00:00.000Z",
		"packages": object{"apt": []any{"curl"}, "pip": []any{}, "conda": []any{}},
	}}, created); d != "" {
		t.Errorf("the answer (-want +got)\n%s", d)
	}
	const target = "registry.sandbox.invalid/primehub/churn:96ff7925"
	passed := 0.0
	for _, step := range []struct {
		at   float64
		want string
	}{
		{0, "null false <nil>"},
		{0.2, `"" false <nil>`},
		{0.4, `"Pending" false <nil>`},
		{30, `"Pending" false <nil>`},
		{42, `"Running" false <nil>`}, // the pod runs after 30 s, and is looked at after 10 s and 40 s
		{305, `"Running" false <nil>`},
		{311, `"Succeeded" true ` + target},
	} {
		p.pass(step.at - passed)
		passed = step.at
		if got := p.state("churn"); got != step.want {
			t.Errorf("after %v s: %s, want %s", step.at, got, step.want)
		}
	}
	if d := diff(object{
		"url": target, "urlForGpu": target, "useImagePullSecret": "primehub-controller-custom-image-push-secret",
		"jobStatus": object{"phase": "Succeeded", "image": target}, "imageSpec": object{
			"baseImage": "jupyter/base-notebook", "pullSecret": nil, "cancel": nil, "updateTime": "2024-03-01T12:00:00Z",
			"packages": object{"apt": []any{"curl"}, "pip": []any{}, "conda": []any{}},
		},
	}, p.image("churn")); d != "" {
		t.Errorf("in the end (-want +got)\n%s", d)
	}
}

const base = "registry.sandbox.invalid/primehub/"

// built makes an image whose build is over.
func (p *platform) built(name string, packages object) {
	p.t.Helper()
	p.create(custom(name, "jupyter/base-notebook", packages))
	p.pass(400)
}

// step is what an image shows after so many more seconds.
type step struct {
	pass float64
	want string
}

func (p *platform) follow(name string, steps ...step) {
	p.t.Helper()
	for i, s := range steps {
		p.pass(s.pass)
		if got := p.state(name); got != s.want {
			p.t.Errorf("step %d: %s, want %s", i, got, s.want)
		}
	}
}

// Right after a rebuild the image shows the phase of the build before, and its URL and readiness until the end.
func TestRebuild(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.built("churn", object{"apt": []any{"curl"}})
	rebuilt := p.rebuild("churn", object{"baseImage": "jupyter/base-notebook", "packages": object{"apt": []any{"curl"}, "pip": []any{"pytest"}}})
	if d := diff(object{"isReady": true, "jobStatus": object{"phase": "Succeeded", "image": base + "churn:96ff7925"}, "imageSpec": object{
		"baseImage": "jupyter/base-notebook", "pullSecret": nil, "cancel": false, "updateTime": "2024-03-01T12:06:40.000Z",
		"packages": object{"apt": []any{"curl"}, "pip": []any{"pytest"}, "conda": []any{}},
	}}, rebuilt); d != "" {
		t.Errorf("the answer (-want +got)\n%s", d)
	}
	const before, after = " true " + base + "churn:96ff7925", " true " + base + "churn:aa49a29d"
	p.follow("churn", step{0, `"Succeeded"` + before}, step{0.2, `"Succeeded"` + before}, step{0.1, `""` + before}, step{0.3, `"Pending"` + before},
		step{50, `"Running"` + before}, step{265, `"Succeeded"` + after})
}

// A rebuild that fails leaves the image as it was, but for the phase.
func TestRebuild_fails(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.built("churn", object{"apt": []any{"curl"}})
	p.rebuild("churn", object{"baseImage": "jupyter/base-notebook", "packages": object{"pip": []any{"sandbox-not-found==1.0"}}})
	p.follow("churn", step{1, `"Pending" true ` + base + "churn:96ff7925"}, step{300, `"Failed" true ` + base + "churn:96ff7925"})
	if status, _ := p.image("churn")["jobStatus"].(object); status["image"] != base+"churn:96ff7925" {
		t.Errorf("%v", status)
	}
	builds := p.Builds("churn")
	if len(builds) != 2 || !builds[0].Deleted || builds[1].Deleted || builds[1].Phase != "Failed" || !builds[1].Requested.After(builds[0].Requested) {
		t.Errorf("builds: %+v", builds)
	}
}

// What is stored is what was there with what was sent merged into it, whatever the answer looks like.
func TestRebuild_merges(t *testing.T) {
	t.Parallel()
	full := object{"baseImage": "a", "pullSecret": "image-dockerhub", "packages": object{"apt": []any{"vim"}, "pip": []any{"x"}, "conda": []any{"y"}}}
	spec := func(base, secret any, apt, pip, conda []any) object {
		return object{"baseImage": base, "pullSecret": secret, "packages": object{"apt": apt, "pip": pip, "conda": conda}}
	}
	none := []any{}
	for name, tc := range map[string]struct{ sent, answered, stored object }{
		"nothing": {
			object{"cancel": true},
			object{"baseImage": nil, "pullSecret": nil, "packages": nil, "cancel": false},
			spec("a", "image-dockerhub", []any{"vim"}, []any{"x"}, []any{"y"}),
		},
		"base image":   {object{"baseImage": "b"}, object{"baseImage": "b", "packages": nil}, spec("b", "image-dockerhub", []any{"vim"}, []any{"x"}, []any{"y"})},
		"null secret":  {object{"pullSecret": nil}, object{"pullSecret": nil}, spec("a", nil, []any{"vim"}, []any{"x"}, []any{"y"})},
		"empty secret": {object{"pullSecret": ""}, object{"pullSecret": ""}, spec("a", "", []any{"vim"}, []any{"x"}, []any{"y"})},
		"one list": {
			object{"packages": object{"pip": []any{"z"}}},
			object{"packages": object{"apt": none, "pip": []any{"z"}, "conda": none}},
			spec("a", "image-dockerhub", none, []any{"z"}, none),
		},
		"null list": {object{"packages": object{"pip": nil}}, object{"packages": object{"apt": none, "pip": none, "conda": none}}, spec("a", "image-dockerhub", none, none, none)},
		"null packages": {
			object{"packages": nil}, object{"packages": nil}, object{"baseImage": "a", "pullSecret": "image-dockerhub", "packages": nil},
		},
		"an invalid list": { // the patch fails, and nobody hears of it
			object{"baseImage": "b", "packages": object{"pip": []any{nil}}},
			object{"baseImage": "b"},
			spec("a", "image-dockerhub", []any{"vim"}, []any{"x"}, []any{"y"}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, primehub.Options{Reaction: time.Hour}) // before the controller writes anything
			p.create(object{"name": "churn", "imageSpec": full})
			p.pass(2)
			rebuilt := p.rebuild("churn", tc.sent)
			answered, _ := rebuilt["imageSpec"].(object)
			if d := diff(tc.answered, answered); d != "" {
				t.Errorf("the answer (-want +got)\n%s", d)
			}
			p.pass(1)
			stored, _ := p.image("churn")["imageSpec"].(object)
			if d := diff(tc.stored, stored); d != "" {
				t.Errorf("stored (-want +got)\n%s", d)
			}
		})
	}
}

// A rebuild makes any image one that is built, and nothing makes it the other kind again.
func TestRebuild_ofAnExistingImage(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.create(object{"name": "churn", "url": "u"})
	p.rebuild("churn", object{"packages": object{"pip": []any{"x"}}}) // without a base image there is nothing to store
	p.follow("churn", step{10, "null true u"})
	p.rebuild("churn", object{"baseImage": "jupyter/base-notebook"})
	p.follow("churn", step{0, "null true u"}, step{1, `"Pending" true u`})
	// The controller writes a structure of packages, even of none.
	none := []any{}
	if spec, _ := p.image("churn")["imageSpec"].(object); diff(object{"packages": object{"apt": none, "pip": none, "conda": none}}, object{"packages": spec["packages"]}) != "" {
		t.Errorf("packages: %v", spec["packages"])
	}
	p.follow("churn", step{400, `"Succeeded" true ` + base + "churn:c9011819"})
	p.refused("failed to rebuild image (INTERNAL_ERROR)", rebuildDocument, object{"where": object{"id": "none"}, "data": object{}})
}

// Two rebuilds within a second are one: the second is stored, and not built.
func TestRebuild_withinASecond(t *testing.T) {
	t.Parallel()
	for step, want := range map[time.Duration]string{0: "96ff7925", time.Millisecond: "aa49a29d"} {
		p := start(t, primehub.Options{TimeStep: step})
		p.create(custom("churn", "jupyter/base-notebook", object{"apt": []any{"curl"}}))
		p.pass(0.5)
		p.rebuild("churn", object{"baseImage": "jupyter/base-notebook", "packages": object{"apt": []any{"curl"}, "pip": []any{"pytest"}}})
		p.pass(400)
		if got := p.image("churn")["url"]; got != base+"churn:"+want {
			t.Errorf("%v, want %s", got, want)
		}
		spec, _ := p.image("churn")["imageSpec"].(object)
		if packages, _ := spec["packages"].(object); fmt.Sprint(packages["pip"]) != "[pytest]" {
			t.Errorf("stored: %v", spec)
		}
	}
}

// A patch that fails is lost, and nobody hears of it: neither of one that begins a build nor of one that ends it.
func TestRebuild_isLost(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.built("churn", object{"apt": []any{"curl"}})
	before := p.image("churn")
	for _, do := range []func(){
		func() { p.rebuild("churn", object{"baseImage": "other"}) },
		func() { p.ok(cancelDocument, where("churn")) },
	} {
		if err := p.SetOutages(primehub.Outage{Backend: primehub.Kubernetes, Verb: primehub.Patch, Times: 1}); err != nil {
			t.Fatal(err)
		}
		do()
		p.pass(400)
		if d := cmp.Diff(before, p.image("churn")); d != "" || len(p.Builds("churn")) != 1 {
			t.Errorf("builds %v (-before +after)\n%s", p.Builds("churn"), d)
		}
	}
}

// An update while the patch of a rebuild is on its way is undone by it.
func TestRebuild_undoesAnUpdate(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.built("churn", nil)
	p.rebuild("churn", object{"baseImage": "jupyter/base-notebook"})
	p.update("churn", object{"displayName": "New"})
	p.pass(1)
	if got := p.image("churn")["displayName"]; got != "churn" {
		t.Errorf("display name %v", got)
	}
	p.update("churn", object{"displayName": "New"})
	p.pass(1)
	if got := p.image("churn")["displayName"]; got != "New" {
		t.Errorf("display name %v", got)
	}
}

// While a built image's job is there, edits of what the controller has written are reverted.
func TestBuild_isReasserted(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.built("churn", object{"apt": []any{"curl"}})
	updated := p.update("churn", object{"url": "mine", "useImagePullSecret": "image-dockerhub", "description": "", "type": "cpu"})
	if d := diff(object{"url": "mine", "urlForGpu": "mine", "useImagePullSecret": "image-dockerhub", "description": ""}, updated); d != "" {
		t.Errorf("the answer (-want +got)\n%s", d)
	}
	p.pass(1)
	want := object{
		"url": base + "churn:96ff7925", "urlForGpu": base + "churn:96ff7925", "useImagePullSecret": "primehub-controller-custom-image-push-secret",
		"description": nil, "type": "cpu",
	}
	if d := diff(want, p.image("churn")); d != "" {
		t.Errorf("later (-want +got)\n%s", d)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.create(custom("churn", "jupyter/base-notebook", object{"apt": []any{"curl"}}))
	p.pass(60)
	cancelled, _ := p.ok(cancelDocument, where("churn")).(object)
	if spec, _ := cancelled["imageSpec"].(object); spec["cancel"] != true {
		t.Errorf("the answer: %v", cancelled)
	}
	p.follow("churn", step{0, `"Running" false <nil>`}, step{1, `"Cancelled" false <nil>`}, step{1000, `"Cancelled" false <nil>`})
	p.rebuild("churn", object{"baseImage": "jupyter/base-notebook", "packages": object{"apt": []any{"curl"}}})
	p.follow("churn", step{0.3, `"Cancelled" false <nil>`}, step{0.5, `"Pending" false <nil>`}, step{400, `"Succeeded" true ` + base + "churn:96ff7925"})
	// Cancelling what has succeeded takes nothing away.
	p.ok(cancelDocument, where("churn"))
	p.follow("churn", step{1, `"Cancelled" true ` + base + "churn:96ff7925"})

	p.create(object{"name": "existing", "url": "u"})
	for _, id := range []string{"existing", "none"} {
		p.refused("failed to cancel image build (INTERNAL_ERROR)", cancelDocument, where(id))
	}
}

// A build that has not begun cannot be cancelled, and no phase tells.
func TestCancel_tooEarly(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{Reaction: time.Second})
	p.create(custom("churn", "jupyter/base-notebook", nil))
	p.ok(cancelDocument, where("churn"))
	p.follow("churn", step{2, "null false <nil>"}, step{1000, "null false <nil>"})
	p.rebuild("churn", object{"baseImage": "jupyter/base-notebook"})
	p.follow("churn", step{400, `"Succeeded" true ` + base + "churn:c9011819"})
}

// States that never end, and what ends them.
func TestBuild_stuck(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	p.create(object{"name": "secretless", "imageSpec": object{"baseImage": "python", "pullSecret": "image-none"}})
	p.create(custom("pending", "python", object{"pip": []any{"sandbox-stuck-pending"}}))
	p.create(custom("lost", "python", object{"pip": []any{"sandbox-node-lost"}}))
	p.create(custom(strings.Repeat("n", 64), "python", nil))
	p.pass(5000)
	p.follow("secretless", step{0, `"" false <nil>`})
	p.follow("pending", step{0, `"Pending" false <nil>`})
	p.follow("lost", step{0, `"Unknown" false <nil>`})
	p.follow(strings.Repeat("n", 64), step{0, "null false <nil>"})
	if err := p.AddSecret(primehub.Secret{Name: "none"}); err != nil {
		t.Fatal(err)
	}
	p.pass(400)
	if got := p.state("secretless"); !strings.HasPrefix(got, `"Succeeded" true`) {
		t.Errorf("with its secret: %s", got)
	}
}

func TestBuild_builderUnconfigured(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{BuilderUnconfigured: true})
	p.create(custom("churn", "jupyter/base-notebook", nil))
	p.follow("churn", step{5000, `"Pending" false <nil>`})
}

// A new image of the name of one that is gone may find the other's job, and shows its end for a moment.
func TestBuild_staleJob(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{CollectionDelay: 2 * time.Second, WriteDelay: 500 * time.Millisecond})
	p.built("churn", object{"apt": []any{"curl"}})
	p.ok(deleteDocument, where("churn"))
	p.create(custom("churn", "jupyter/base-notebook", object{"apt": []any{"curl"}, "pip": []any{"pytest"}}))
	p.follow("churn", step{0, "null false <nil>"}, step{0.3, `"Succeeded" true ` + base + "churn:96ff7925"})
	p.pass(400)
	if got, want := p.state("churn"), `"Succeeded" true `+base+"churn:aa49a29d"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Within one second, the other's job is taken for the new image's own, until it is collected.
func TestBuild_staleJobOfTheSameSecond(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{
		BuildTime: 200 * time.Millisecond, Reaction: time.Millisecond, WriteDelay: time.Millisecond,
		FirstLook: 10 * time.Millisecond, NextLook: 10 * time.Millisecond, CollectionDelay: 300 * time.Millisecond,
	})
	p.create(custom("churn", "jupyter/base-notebook", object{"apt": []any{"curl"}}))
	p.pass(0.1)
	p.ok(deleteDocument, where("churn"))
	p.create(custom("churn", "jupyter/base-notebook", object{"pip": []any{"pytest"}}))
	p.follow("churn", step{0.01, `"Running" false <nil>`}, step{0.15, `"Succeeded" true ` + base + "churn:96ff7925"},
		step{0.2, `"Running" true ` + base + "churn:96ff7925"}, step{0.3, `"Succeeded" true ` + base + "churn:fc9f45f0"})
}

// The watcher may hear so late of an image that is gone that it deletes the role of the next one of that name.
func TestDelete_lateWatcher(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{WatcherDelay: 3 * time.Second})
	p.create(object{"name": "churn", "global": true})
	p.ok(deleteDocument, where("churn"))
	p.pass(1)
	p.create(object{"name": "churn", "global": true})
	p.pass(5)
	if p.sharedWith("churn") != "" || !slices.Contains(p.Roles(), "churn") {
		t.Errorf("shared with %q, roles %q", p.sharedWith("churn"), p.Roles())
	}
}

// The names of what is built, in both forms of the chart's values, and the hash's test vectors.
func TestTarget(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		options  primehub.Options
		packages object
		want     string
	}{
		{primehub.Options{}, nil, base + "churn:c9011819"},
		{primehub.Options{PushRepo: "hub/images"}, nil, "hub/images:churn-c9011819"},
		{primehub.Options{PushRepoPrefix: "hub"}, nil, "hub/churn:c9011819"},
		{primehub.Options{PushRepoPrefix: "hub"}, object{"pip": []any{"pytest"}}, "hub/churn:fc9f45f0"},
		{primehub.Options{PushRepoPrefix: primehub.NoPrefix}, nil, "churn:c9011819"},
		{primehub.Options{}, object{"apt": []any{"vim"}, "pip": []any{"a", "b"}, "conda": []any{"-c", "pytorch", "fastai"}}, base + "churn:9a631272"},
	} {
		p := start(t, tc.options)
		p.built("churn", tc.packages)
		if got := p.image("churn")["url"]; got != tc.want {
			t.Errorf("%v, want %s", got, tc.want)
		}
	}
}

// How long a build takes can depend on its image.
func TestBuild_timeOfEach(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{FirstLook: time.Second, NextLook: time.Second, BuildTimeFor: func(image string) time.Duration {
		return map[string]time.Duration{"quick": 10 * time.Second, "slow": 100 * time.Second}[image]
	}})
	for _, name := range []string{"quick", "slow"} {
		p.create(custom(name, "python", nil))
	}
	p.pass(50)
	got := []any{p.image("quick")["isReady"], p.image("slow")["isReady"]}
	if d := cmp.Diff([]any{true, false}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
