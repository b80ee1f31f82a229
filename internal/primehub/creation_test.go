package primehub_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// run is a run of Terraform in a directory, whose processes show each other in lifelines that they live.
func (w *world) run(directory, lifelines string) *primehub.Client {
	w.t.Helper()
	return w.as(sandbox.TokenAdmin, func(c *primehub.Config) { c.Workspace, c.Lifelines = directory, lifelines })
}

// generated is the spec with a name that was made for this attempt.
func generated(spec primehub.Spec) primehub.Spec {
	spec.Name, spec.Generated = primehub.GenerateName(spec.DisplayName), true
	return spec
}

// TestCreate_inherits takes over what a run that died had created: only here, and only once, whether its name was given or made.
func TestCreate_inherits(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]func() primehub.Spec{
		"a name":           func() primehub.Spec { return built("churn", "numpy") },
		"a generated name": func() primehub.Spec { return generated(built("", "numpy")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, elsewhere := t.TempDir(), t.TempDir()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				dead := w.run("directory", here)
				image, err := dead.Create(t.Context(), spec())
				w.must(err)
				anew := func(what string, c *primehub.Client) {
					t.Helper()
					again := spec()
					other, err := c.Create(t.Context(), again)
					if again.Generated && (err != nil || other.Name == image.Name) || !again.Generated && !errors.Is(err, primehub.ErrAlreadyExists) {
						t.Errorf("%s: %s, %v", what, other.Name, err)
					}
					c.Settle()
				}
				anew("while it lives", w.run("directory", here))
				dead.Die(image.Name)
				anew("another directory", w.run("other", here))
				anew("another machine", w.run("directory", elsewhere))
				anew("without any of that", w.run("", ""))

				heir := w.run("directory", here)
				taken, err := heir.Create(t.Context(), spec())
				if err != nil || taken.Name != image.Name {
					t.Fatalf("%s, %v, want %s", taken.Name, err, image.Name)
				}
				if got, err := heir.AwaitBuild(t.Context(), taken.Ref(), nil); err != nil || !got.Ready || len(w.Builds(image.Name)) != 1 {
					t.Errorf("%+v, %v, %d builds", got, err, len(w.Builds(image.Name)))
				}
				anew("taken over", w.run("directory", here))
				heir.Settle()
				anew("in a state", w.run("directory", here))
			})
		})
	}
}

// TestCreate_inheritsDebris makes whole what a run had left half-made, or asked for otherwise.
func TestCreate_inheritsDebris(t *testing.T) {
	t.Parallel()
	const name = "churn"
	for what, test := range map[string]struct {
		before primehub.Spec
		// disturb is done before the create, after is done before the death.
		disturb, after func(*world)
		now            primehub.Spec
		builds         int
	}{
		"without groups": {
			before: existing(name), now: existing(name),
			disturb: func(w *world) {
				w.outages(sandbox.Outage{Backend: sandbox.Keycloak, Verb: sandbox.MapRole, Times: 1})
			},
		},
		"built, without groups": {
			before: built(name, "numpy"), now: built(name, "numpy"), builds: 1,
			disturb: func(w *world) {
				w.outages(sandbox.Outage{Backend: sandbox.Keycloak, Verb: sandbox.MapRole, Times: 1})
			},
		},
		"a recipe that was never written": {
			before: built(name, "numpy"), now: built(name, "numpy"), builds: 1,
			disturb: func(w *world) {
				w.outages(sandbox.Outage{Backend: sandbox.Kubernetes, Verb: sandbox.Patch, Times: 1})
			},
		},
		"a build that was cancelled": {
			before: built(name, "numpy"), now: built(name, "numpy"), builds: 2,
			after: func(w *world) { time.Sleep(time.Minute); w.must(w.CancelBuild(w.t.Context(), name)) },
		},
		"a build that failed": {
			before: built(name, "sandbox-not-found"), now: built(name, "numpy"), builds: 2,
			after: func(*world) { time.Sleep(10 * time.Minute) },
		},
		"another recipe": {
			before: built(name, "scipy"), now: built(name, "numpy"), builds: 2,
			after: func(*world) { time.Sleep(time.Minute) },
		},
		"another address":     {before: existing(name), now: primehub.Spec{Name: name, DisplayName: "Other", Type: primehub.TypeGPU, Existing: &primehub.Existing{URL: "other:1"}}},
		"built by now":        {before: existing(name), now: built(name, "numpy"), builds: 1},
		"not built any more":  {before: built(name, "numpy"), now: existing(name)},
		"of everybody by now": {before: existing(name), now: primehub.Spec{Name: name, DisplayName: "An image", Type: primehub.TypeCPU, Global: true, Existing: &primehub.Existing{URL: "other:1"}}},
		"of nobody's by now": {
			before: primehub.Spec{Name: name, DisplayName: "An image", Global: true, Existing: &primehub.Existing{URL: "other:1"}},
			now:    existing(name),
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			here := t.TempDir()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				research := []primehub.GroupRef{w.group(sandbox.GroupResearch)}
				test.before.Groups, test.now.Groups = research, research
				dead, heir := w.run("directory", here), w.run("directory", here)
				if test.disturb != nil {
					test.disturb(w)
				}
				if _, err := dead.Create(t.Context(), test.before); err != nil {
					wants[*primehub.IncompleteError](t, err)
				}
				if test.after != nil {
					test.after(w)
				}
				dead.Die(name)
				image, err := heir.Create(t.Context(), test.now)
				if err != nil {
					t.Fatal(err)
				}
				if test.now.Recipe != nil {
					_, err := heir.AwaitBuild(t.Context(), image.Ref(), nil)
					w.must(err)
				}
				got := w.get(name)
				if got.DisplayName != test.now.DisplayName || got.Description != test.now.Description || got.Type != test.now.Type || got.Global != test.now.Global ||
					(got.Build == nil) != (test.now.Recipe == nil) || !got.Ready || len(w.Builds(name)) != test.builds {
					t.Errorf("%+v after %d builds", got, len(w.Builds(name)))
				}
				if r := test.now.Recipe; r != nil && !got.Build.Same(*r) || r == nil && got.URL != test.now.Existing.URL {
					t.Errorf("%+v", got)
				}
				equal(t, "groups", groupNames(got), []string{sandbox.GroupResearch})
				equal(t, "roles", w.Roles(), []string{name})
			})
		})
	}
}

// TestCreate_inheritsNobodys leaves alone what somebody else has made, when the run that died never came to ask for its image; what is just the same is as good as its own.
func TestCreate_inheritsNobodys(t *testing.T) {
	t.Parallel()
	here := t.TempDir()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.lose("createImage", false, func() {}, func(c *primehub.Config) { c.Workspace, c.Lifelines = "directory", here })
		if _, err := w.hooked.Create(t.Context(), existing("tf")); err == nil {
			t.Fatal("nothing went wrong")
		}
		w.create(primehub.Spec{Name: "tf", DisplayName: "Mine", Type: primehub.TypeCPU, Existing: &primehub.Existing{URL: "mine:1"}})
		heir := w.run("directory", here)
		if _, err := heir.Create(t.Context(), existing("tf")); !errors.Is(err, primehub.ErrAlreadyExists) {
			t.Errorf("%v", err)
		}
		if got := w.get("tf"); got.DisplayName != "Mine" || got.URL != "mine:1" {
			t.Errorf("%+v", got)
		}
		w.must(w.Remove("tf"))
		w.create(existing("tf"))
		if _, err := heir.Create(t.Context(), existing("tf")); err != nil {
			t.Error(err)
		}
	})
}

// TestCreate_afterOrphanedRole has a run die whose create left nothing but a role: a given name cannot be used any more, and another is generated.
func TestCreate_afterOrphanedRole(t *testing.T) {
	t.Parallel()
	here := t.TempDir()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		for _, spec := range []primehub.Spec{existing("tf"), generated(existing(""))} {
			w.outages(sandbox.Outage{Backend: sandbox.Kubernetes, Verb: sandbox.Create, Times: 1})
			_, err := w.run("directory", here).Create(t.Context(), spec)
			wants[*primehub.FailedCreateError](t, err)
			if spec.Generated {
				spec = generated(spec)
			}
			_, err = w.run("directory", here).Create(t.Context(), spec)
			if spec.Generated {
				w.must(err)
			} else {
				wants[*primehub.OrphanedRoleError](t, err)
			}
		}
	})
}

// TestClaim says that a state has the image after all, or that it is gone; then nobody takes it over, and nothing of it is kept on the machine.
func TestClaim(t *testing.T) {
	t.Parallel()
	here := t.TempDir()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		none := func(what string) {
			t.Helper()
			if left, err := filepath.Glob(filepath.Join(here, "*")); err != nil || len(left) > 0 {
				t.Errorf("%s: left behind: %v, %v", what, left, err)
			}
		}
		first := w.run("directory", here)
		_, err := first.Create(t.Context(), existing("tf"))
		w.must(err)
		first.Claim("tf") // its own
		first.Die("tf")
		w.run("directory", here).Claim("tf")
		none("claimed")
		second := w.run("directory", here)
		if _, err := second.Create(t.Context(), existing("tf")); !errors.Is(err, primehub.ErrAlreadyExists) {
			t.Errorf("%v", err)
		}
		_, err = second.Create(t.Context(), built("churn", "numpy"))
		w.must(err)
		w.must(second.Delete(t.Context(), "churn"))
		none("deleted")
		_, err = second.Create(t.Context(), built("churn", "numpy"))
		w.must(err)
		second.Settle()
		none("settled")
		// Who presses Ctrl-C twice may get no state.
		w.must(second.CancelBuild(t.Context(), "churn"))
		_, err = second.Create(t.Context(), existing("last"))
		w.must(err)
		second.Settle()
		second.Die("last")
		if _, err := w.run("directory", here).Create(t.Context(), existing("last")); err != nil {
			t.Error(err)
		}
	})
}
