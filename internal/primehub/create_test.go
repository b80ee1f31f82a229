package primehub_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

func TestCreate_system(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		spec := existing("tf")
		spec.Type, spec.Global = primehub.TypeUniversal, true
		spec.Existing = &primehub.Existing{URL: "registry.test/tf:1", URLForGPU: "registry.test/tf:1-gpu", PullSecret: "image-dockerhub"}
		spec.Groups = []primehub.GroupRef{w.group(sandbox.GroupResearch), w.group(sandbox.GroupDataScience), w.group(sandbox.GroupResearch)}
		w.create(spec)
		got := w.get("tf")
		if got.DisplayName != spec.DisplayName || got.Description != spec.Description || got.Type != spec.Type || got.URL != spec.Existing.URL ||
			got.URLForGPU != spec.Existing.URLForGPU || got.PullSecret != "image-dockerhub" || got.Group != "" || !got.Global || !got.Ready || got.Build != nil {
			t.Errorf("%+v", got)
		}
		equal(t, "groups", groupNames(got), []string{sandbox.GroupDataScience, sandbox.GroupResearch})
	})
}

// TestCreate_group is an image that a group's administrator makes for the group.
func TestCreate_group(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.Client = w.as(sandbox.TokenGroupAdmin)
		spec := built("churn", "numpy")
		spec.Owner = w.group(sandbox.GroupDataScience)
		w.ready(spec)
		got := w.get("churn")
		if got.Group != sandbox.GroupDataScience || got.Global || got.PullSecret == "" || !got.Build.Same(*spec.Recipe) {
			t.Errorf("%+v", got)
		}
		equal(t, "groups", groupNames(got), []string{sandbox.GroupDataScience})
		// What a recipe is made of comes back as it was written, and nothing else.
		if !slices.Equal(got.Build.Packages.Conda, []string{}) || got.Build.BaseImage != baseImage || got.Build.PullSecret != "" {
			t.Errorf("%+v", got.Build)
		}
	})
}

func TestCreate_forbidden(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		_, err := w.as(sandbox.TokenMember).Create(t.Context(), existing("tf"))
		if got := failed[*primehub.APIError](t, err); got.Kind != primehub.KindForbidden || got.Code != "NOT_AUTH" {
			t.Errorf("%v", err)
		}
		if len(w.Roles()) > 0 {
			t.Errorf("%v are left", w.Roles())
		}
	})
}

func TestCreate_exists(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.create(existing("tf"))
		if _, err := w.Create(t.Context(), existing("tf")); !errors.Is(err, primehub.ErrAlreadyExists) || w.CountOperations("createImage") != 1 {
			t.Errorf("%v", err)
		}
		_, err := w.Create(t.Context(), existing("Not a name"))
		wants[*primehub.NameError](t, err)
	})
}

// TestCreate_orphanedRole has a name that only Keycloak knows.
func TestCreate_orphanedRole(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.must(w.AddRole("tf"))
		_, err := w.Create(t.Context(), existing("tf"))
		if got := failed[*primehub.OrphanedRoleError](t, err); primehub.Role(got.Name) != "img:tf" || !strings.Contains(err.Error(), "RESOURCE_CONFLICT") {
			t.Errorf("%v", err)
		}
		never(t, err, primehub.ErrAlreadyExists, primehub.ErrNotFound)
	})
}

// TestCreate_fails has Kubernetes fail after Keycloak's role was made: a second attempt meets the debris of the first.
func TestCreate_fails(t *testing.T) {
	t.Parallel()
	for _, edition := range []sandbox.Edition{sandbox.Enterprise, sandbox.Community} {
		inWorldOf(t, edition, func(t *testing.T, w *world) {
			w.outages(sandbox.Outage{Backend: sandbox.Kubernetes, Verb: sandbox.Create, Times: 1})
			_, err := w.Create(t.Context(), existing("tf"))
			wants[*primehub.FailedCreateError](t, err)
			_, err = w.Create(t.Context(), existing("tf"))
			wants[*primehub.OrphanedRoleError](t, err)
		})
	}
}

// TestCreate_neverBegun has Keycloak fail before the platform knows who asks: nothing can be left behind, and nothing is looked for.
func TestCreate_neverBegun(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.faults(graphQLRule("/createImage$", 500, "INTERNAL_SERVER_ERROR", "Context creation failed: socket hang up"))
		_, err := w.Create(t.Context(), existing("tf"))
		if _, looked := errors.AsType[*primehub.FailedCreateError](err); looked || !failed[*primehub.APIError](t, err).Refused() || w.CountOperations("image") > 0 {
			t.Errorf("%T: %v", err, err)
		}
	})
}

// TestCreate_incomplete has a group that does not exist: the image is there all the same, and an update repairs it.
func TestCreate_incomplete(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		spec := existing("tf")
		research := w.group(sandbox.GroupResearch)
		spec.Groups = []primehub.GroupRef{{ID: "nowhere", Name: "nowhere"}}
		image, err := w.Create(t.Context(), spec)
		wants[*primehub.IncompleteError](t, err)
		if image.Name != "tf" || failed[*primehub.APIError](t, err).Kind != primehub.KindKeycloak {
			t.Errorf("%+v, %v", image, err)
		}
		err = w.Update(t.Context(), "tf", primehub.Update{
			DisplayName: spec.DisplayName, Description: spec.Description, Type: spec.Type, Existing: spec.Existing, Connect: []string{research.ID},
		})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "groups", groupNames(w.get("tf")), []string{sandbox.GroupResearch})
	})
}

// TestCreate_ranInto has somebody else create the image between our look and our request.
func TestCreate_ranInto(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.hook("createImage", func() { w.create(existing("tf")) })
		_, err := w.hooked.Create(t.Context(), existing("tf"))
		if !errors.Is(err, primehub.ErrAlreadyExists) {
			t.Errorf("%v", err)
		}
	})
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		spec := existing("tf")
		research, science := w.group(sandbox.GroupResearch), w.group(sandbox.GroupDataScience)
		spec.Groups, spec.Existing.PullSecret = []primehub.GroupRef{research}, "image-internal"
		w.create(spec)
		err := w.Update(t.Context(), "tf", primehub.Update{
			DisplayName: "Other", Type: primehub.TypeUniversal, Existing: &primehub.Existing{URL: "registry.test/image:2"},
			Global: new(true), Connect: []string{science.ID}, Disconnect: []string{research.ID},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := w.get("tf")
		if got.DisplayName != "Other" || got.Description != "" || got.Type != primehub.TypeUniversal || got.URL != "registry.test/image:2" ||
			got.URLForGPU != got.URL || got.PullSecret != "" || !got.Global || got.Group != "" {
			t.Errorf("%+v", got)
		}
		equal(t, "groups", groupNames(got), []string{sandbox.GroupDataScience})
		// What is not spoken of stays.
		if err := w.Update(t.Context(), "tf", primehub.Update{DisplayName: "Other", Type: primehub.TypeGPU, Existing: &primehub.Existing{URL: got.URL}}); err != nil {
			t.Fatal(err)
		}
		if again := w.get("tf"); !again.Global || len(again.Groups) != 1 || again.Type != primehub.TypeGPU {
			t.Errorf("%+v", again)
		}
	})
}

// TestUpdate_built keeps what the platform has put into an image that it has built.
func TestUpdate_built(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		spec := built("churn", "numpy")
		spec.Owner = w.group(sandbox.GroupDataScience)
		before := w.ready(spec)
		dana := w.as(sandbox.TokenGroupAdmin)
		err := dana.Update(t.Context(), "churn", primehub.Update{DisplayName: "Other", Type: primehub.TypeGPU, Group: sandbox.GroupDataScience})
		if err != nil {
			t.Fatal(err)
		}
		got := w.get("churn")
		if got.URL != before.URL || got.PullSecret != before.PullSecret || got.Group != sandbox.GroupDataScience || got.DisplayName != "Other" || got.Build.Phase != primehub.PhaseSucceeded {
			t.Errorf("%+v", got)
		}
		// A group's administrator who does not name it is refused.
		err = dana.Update(t.Context(), "churn", primehub.Update{DisplayName: "Mine", Type: primehub.TypeGPU})
		if failed[*primehub.APIError](t, err).Kind != primehub.KindForbidden {
			t.Errorf("%v", err)
		}
	})
}

// TestUpdate_afterRebuild shows that an update waits for a rebuild to be written, which would undo it.
func TestUpdate_afterRebuild(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{WriteDelay: 3 * time.Second}, func(t *testing.T, w *world) {
		w.ready(built("churn", "numpy"))
		ref, err := w.Rebuild(t.Context(), "churn", *recipe("scipy"))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Update(t.Context(), "churn", primehub.Update{DisplayName: "Other", Type: primehub.TypeCPU}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.AwaitBuild(t.Context(), ref, nil); err != nil {
			t.Fatal(err)
		}
		if got := w.get("churn"); got.DisplayName != "Other" || !got.Build.Same(*recipe("scipy")) {
			t.Errorf("%+v", got)
		}
	})
}

// TestUpdate_missing is of an image that is gone, in both editions and before November 2022.
func TestUpdate_missing(t *testing.T) {
	t.Parallel()
	for _, o := range []sandbox.Options{{}, {Edition: sandbox.Community}, {OldErrors: true}} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			inWorld(t, o, func(t *testing.T, w *world) {
				if err := w.Update(t.Context(), "tf", primehub.Update{}); !errors.Is(err, primehub.ErrNotFound) {
					t.Errorf("%v", err)
				}
				w.create(existing("tf"))
				w.hook("updateImage", func() { w.must(w.Remove("tf")) })
				err := w.hooked.Update(t.Context(), "tf", primehub.Update{DisplayName: "x"})
				if !errors.Is(err, primehub.ErrNotFound) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// TestUpdate_incomplete has Keycloak fail after the image was changed.
func TestUpdate_incomplete(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.create(existing("tf"))
		update := primehub.Update{DisplayName: "Other", Type: primehub.TypeCPU, Existing: existing("").Existing, Connect: []string{"nowhere"}}
		if incomplete := failed[*primehub.IncompleteError](t, w.Update(t.Context(), "tf", update)); incomplete.RoleMissing {
			t.Errorf("%v", incomplete)
		}
		if w.get("tf").DisplayName != "Other" {
			t.Error("the image was not changed")
		}
		// Without its role, nobody can be let use an image; the platform makes another after a while.
		w.must(w.RemoveRole("tf"))
		update.Connect, update.Global = nil, new(true)
		if incomplete := failed[*primehub.IncompleteError](t, w.Update(t.Context(), "tf", update)); !incomplete.RoleMissing {
			t.Errorf("%v", incomplete)
		}
		time.Sleep(11 * time.Minute)
		if err := w.Update(t.Context(), "tf", update); err != nil || !w.get("tf").Global {
			t.Errorf("%v", err)
		}
	})
}

func TestRebuild_notBuilt(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.create(existing("tf"))
		_, err := w.Rebuild(t.Context(), "tf", *recipe("numpy"))
		wants[*primehub.NotBuiltError](t, err)
		wants[*primehub.NotBuiltError](t, w.CancelBuild(t.Context(), "tf"))
		if w.get("tf").Build != nil {
			t.Error("it has become one that is built")
		}
		for _, err := range []error{w.CancelBuild(t.Context(), "x"), second(w.Rebuild(t.Context(), "x", *recipe("numpy")))} {
			if !errors.Is(err, primehub.ErrNotFound) {
				t.Errorf("%v", err)
			}
		}
	})
}

// TestRebuild_whole shows that nothing of the recipe before is left, though the platform merges.
func TestRebuild_whole(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		spec := built("churn", "numpy")
		spec.Recipe.PullSecret, spec.Recipe.Packages.Conda = "image-dockerhub", []string{"-c", "pytorch", "fastai"}
		w.ready(spec)
		next := primehub.Recipe{BaseImage: "python:3.12"}
		ref, err := w.Rebuild(t.Context(), "churn", next)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := w.AwaitBuild(t.Context(), ref, nil); err != nil || !got.Build.Same(next) || got.Build.PullSecret != "" {
			t.Errorf("%+v, %v", got.Build, err)
		}
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	for _, edition := range []sandbox.Edition{sandbox.Enterprise, sandbox.Community} {
		inWorldOf(t, edition, func(t *testing.T, w *world) {
			w.create(built("churn", "numpy")) // is being built
			if err := w.Delete(t.Context(), "churn"); err != nil {
				t.Fatal(err)
			}
			if len(w.ImageNames())+len(w.Roles()) > 0 {
				t.Errorf("%v and %v are left", w.ImageNames(), w.Roles())
			}
			if err := w.Delete(t.Context(), "churn"); !errors.Is(err, primehub.ErrNotFound) || w.CountOperations("deleteImage") != 1 {
				t.Errorf("%v", err)
			}
			w.create(existing("tf"))
			w.hook("deleteImage", func() { w.must(w.Remove("tf")) })
			if err := w.hooked.Delete(t.Context(), "tf"); err != nil {
				t.Errorf("somebody was faster: %v", err)
			}
		})
	}
}

// TestDelete_withoutRole cannot succeed before the platform has made another role.
func TestDelete_withoutRole(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.create(existing("tf"))
		w.must(w.RemoveRole("tf"))
		wants[*primehub.DeleteStuckError](t, w.Delete(t.Context(), "tf"))
		equal(t, "images", w.ImageNames(), []string{"tf"})
		time.Sleep(11 * time.Minute)
		if err := w.Delete(t.Context(), "tf"); err != nil {
			t.Error(err)
		}
	})
}

// TestReplace makes an image of the same name at once, whose job may still be there.
func TestReplace(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{CollectionDelay: 20 * time.Second}, func(t *testing.T, w *world) {
		w.ready(built("churn", "numpy"))
		if err := w.Delete(t.Context(), "churn"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		image := w.ready(built("churn", "scipy"))
		if !strings.HasSuffix(image.URL, recipe("scipy").Hash()) || time.Since(began) < 5*time.Minute {
			t.Errorf("%s after %s", image.URL, time.Since(began))
		}
	})
}

func second[T any](_ T, err error) error { return err }
