package primehub_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

func TestAwaitBuild_ready(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		image := w.create(built("churn", "numpy"))
		if image.Ready || image.Build == nil || image.Build.Phase != primehub.PhaseWaiting {
			t.Errorf("%+v", image)
		}
		var seen []primehub.Phase
		began := time.Now()
		image, err := w.AwaitBuild(t.Context(), image.Ref(), func(p primehub.Progress) {
			if len(seen) == 0 || seen[len(seen)-1] != p.Phase {
				seen = append(seen, p.Phase)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		// The platform notices the end of a build up to 30 s later, and we that within a second.
		if took := time.Since(began); took < 5*time.Minute || took > 5*time.Minute+35*time.Second {
			t.Errorf("it took %s", took)
		}
		equal(t, "phases", seen, []primehub.Phase{primehub.PhaseWaiting, primehub.PhasePending, primehub.PhaseRunning})
		if want := recipe("numpy").Hash(); !image.Ready || !strings.HasSuffix(image.URL, ":"+want) || image.Build.BuiltImage != image.URL || image.Build.Phase != primehub.PhaseSucceeded {
			t.Errorf("%+v, want hash %s", image, want)
		}
	})
}

// TestAwaitBuild_repositoryTags is the other way in which platforms name what they build.
func TestAwaitBuild_repositoryTags(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{PushRepo: "registry.test/all"}, func(t *testing.T, w *world) {
		if image := w.ready(built("churn", "numpy")); image.URL != "registry.test/all:churn-"+recipe("numpy").Hash() {
			t.Error(image.URL)
		}
	})
}

// TestAwaitBuild_rebuild shows that what the platform goes on showing of the build before is not believed.
func TestAwaitBuild_rebuild(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]*primehub.Recipe{"something else": recipe("pandas"), "the same": recipe("numpy")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{Reaction: 5 * time.Second}, func(t *testing.T, w *world) {
				before := w.ready(built("churn", "numpy"))
				ref, err := w.Rebuild(t.Context(), "churn", *next)
				if err != nil {
					t.Fatal(err)
				}
				if now := w.get("churn"); now.Build.Phase != primehub.PhaseSucceeded || now.URL != before.URL {
					t.Fatalf("the platform shows no stale success: %+v", now)
				}
				began := time.Now()
				image, err := w.AwaitBuild(t.Context(), ref, nil)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < 5*time.Minute {
					t.Errorf("a stale success was believed after %s", took)
				}
				if !strings.HasSuffix(image.URL, next.Hash()) || len(w.Builds("churn")) != 2 {
					t.Errorf("%s after %d builds", image.URL, len(w.Builds("churn")))
				}
			})
		})
	}
}

// TestRebuild_withinASecond shows that two rebuilds are kept apart that the platform would take for one.
func TestRebuild_withinASecond(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{WriteDelay: -1}, func(t *testing.T, w *world) {
		w.create(built("churn", "numpy"))
		var last primehub.BuildRef
		for _, pip := range []string{"pandas", "scipy"} {
			ref, err := w.Rebuild(t.Context(), "churn", *recipe(pip))
			if err != nil {
				t.Fatal(err)
			}
			if !ref.RequestedAt.After(last.RequestedAt) {
				t.Errorf("%s after %s", ref.RequestedAt, last.RequestedAt)
			}
			last = ref
		}
		if asked := w.CountOperations("rebuildImage"); asked != 2 {
			t.Errorf("asked %d times", asked)
		}
		image, err := w.AwaitBuild(t.Context(), last, nil)
		if err != nil || !strings.HasSuffix(image.URL, recipe("scipy").Hash()) {
			t.Errorf("%s, %v", image.URL, err)
		}
	})
}

// TestRebuild_withinAPersonsSecond falls into the second in which a person in the portal has asked for a rebuild.
func TestRebuild_withinAPersonsSecond(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{WriteDelay: -1}, func(t *testing.T, w *world) {
		w.ready(built("churn", "numpy"))
		pip := "pandas"
		w.must(w.RebuildInPortal("churn", sandbox.PortalBuild{BaseImage: baseImage, Pip: &pip}))
		ref, err := w.Rebuild(t.Context(), "churn", *recipe("scipy"))
		if err != nil || w.CountOperations("rebuildImage") != 2 {
			t.Fatalf("%v after %d rebuilds", err, w.CountOperations("rebuildImage"))
		}
		if image, err := w.AwaitBuild(t.Context(), ref, nil); err != nil || !strings.HasSuffix(image.URL, recipe("scipy").Hash()) {
			t.Errorf("%s, %v", image.URL, err)
		}
	})
}

func TestAwaitBuild_failed(t *testing.T) {
	t.Parallel()
	spec := func(change func(*primehub.Recipe)) primehub.Spec {
		s := built("churn", "numpy")
		change(s.Recipe)
		return s
	}
	for name, test := range map[string]struct {
		spec               primehub.Spec
		step               primehub.Step
		installer, culprit string
		hint               string
	}{
		"pip":    {built("churn", "numpy", "sandbox-not-found==1.0"), primehub.StepBuild, "pip", "sandbox-not-found==1.0", "Check the name and the version"},
		"apt":    {spec(func(r *primehub.Recipe) { r.Packages.Apt = []string{"sandbox-not-found"} }), primehub.StepBuild, "apt", "sandbox-not-found", "distribution has the package"},
		"conda":  {spec(func(r *primehub.Recipe) { r.Packages.Conda = []string{"x::sandbox-not-found=1"} }), primehub.StepBuild, "conda", "x::sandbox-not-found=1", "Name the channel"},
		"clash":  {built("churn", "sandbox-unresolvable"), primehub.StepBuild, "pip", "sandbox-unresolvable", "go together"},
		"clash2": {spec(func(r *primehub.Recipe) { r.Packages.Conda = []string{"sandbox-unresolvable"} }), primehub.StepBuild, "conda", "sandbox-unresolvable", "go together"},
		"option": {spec(func(r *primehub.Recipe) { r.Packages.Conda = []string{"-c"} }), primehub.StepBuild, "conda", "-c", "Write the channel after -c"},
		"memory": {built("churn", "sandbox-out-of-memory"), primehub.StepBuild, "pip", "", "more memory"},
		"push":   {built("churn", "sandbox-push-denied"), primehub.StepPush, "", "", "push secret"},
		"base":   {spec(func(r *primehub.Recipe) { r.BaseImage = "registry.test/sandbox-not-found:1" }), primehub.StepBuild, "", "", "Check base_image_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				image, err := w.AwaitBuild(t.Context(), w.create(test.spec).Ref(), nil)
				failure := failed[*primehub.BuildFailedError](t, err)
				if failure.Name != "churn" || failure.Step != test.step || failure.Installer != test.installer || failure.Package != test.culprit || !strings.Contains(failure.Hint, test.hint) {
					t.Errorf("%v\n%+v", err, failure)
				}
				if failure.LogErr != nil || len(failure.LogTail) == 0 || len(failure.LogTail) > 40 || image.Build.Phase != primehub.PhaseFailed {
					t.Errorf("%v, %d lines, %s", failure.LogErr, len(failure.LogTail), image.Build.Phase)
				}
			})
		})
	}
}

// TestAwaitBuild_failedWithoutLog has a build fail for somebody who may not read its log.
func TestAwaitBuild_failedWithoutLog(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		ref := w.create(built("churn", "sandbox-not-found")).Ref()
		_, err := w.as(sandbox.TokenMember).AwaitBuild(t.Context(), ref, nil)
		failure := failed[*primehub.BuildFailedError](t, err)
		if why := failed[*primehub.APIError](t, failure.LogErr); why.Kind != primehub.KindForbidden || !strings.Contains(err.Error(), "its log could not be read") {
			t.Errorf("%v", err)
		}
	})
}

func TestAwaitBuild_cancelled(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"before its job exists": 0, "at work": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{Reaction: 5 * time.Second}, func(t *testing.T, w *world) {
				ref := w.create(built("churn", "numpy")).Ref()
				time.Sleep(after)
				if err := w.CancelBuild(t.Context(), "churn"); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				_, err := w.AwaitBuild(t.Context(), ref, nil)
				wants[*primehub.BuildCancelledError](t, err)
				if took := time.Since(began); took > time.Minute {
					t.Errorf("it took %s to notice", took)
				}
				// Cancelling once more does nothing, and a rebuild begins anew.
				if err := w.CancelBuild(t.Context(), "churn"); err != nil || w.CountOperations("cancelImageBuild") != 1 {
					t.Errorf("%v after %d cancels", err, w.CountOperations("cancelImageBuild"))
				}
				again, err := w.Rebuild(t.Context(), "churn", *recipe("numpy"))
				if err != nil {
					t.Fatal(err)
				}
				if image, err := w.AwaitBuild(t.Context(), again, nil); err != nil || !image.Ready {
					t.Errorf("%+v, %v", image, err)
				}
			})
		})
	}
}

// TestCancelBuild_afterRebuild interrupts a rebuild at once, while the platform still shows the success of the build before.
func TestCancelBuild_afterRebuild(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"not written yet": 500 * time.Millisecond, "written": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{WriteDelay: delay, Reaction: 5 * time.Second}, func(t *testing.T, w *world) {
				w.ready(built("churn", "numpy"))
				ref, err := w.Rebuild(t.Context(), "churn", *recipe("scipy"))
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				if err := w.CancelBuild(t.Context(), "churn"); err != nil {
					t.Fatal(err)
				}
				for _, o := range w.Operations() {
					if slices.Contains(o.Fields, "cancelImageBuild") && o.At.Sub(began) > 2*time.Second {
						t.Errorf("the cancel was sent after %s", o.At.Sub(began))
					}
				}
				_, err = w.AwaitBuild(t.Context(), ref, nil)
				wants[*primehub.BuildCancelledError](t, err)
				if got := w.get("churn"); !got.Build.Same(*recipe("scipy")) {
					t.Errorf("the cancel has undone the rebuild: %+v", got.Build)
				}
			})
		})
	}
}

// TestAwaitBuild_lostTime has a create whose time is never written. The platform builds all the same.
func TestAwaitBuild_lostTime(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.outages(sandbox.Outage{Backend: sandbox.Kubernetes, Verb: sandbox.Patch, Times: 1})
		image := w.ready(built("churn", "numpy"))
		if !image.Build.RequestedAt.IsZero() || !image.Ready {
			t.Errorf("%+v", image.Build)
		}
	})
}

// TestAwaitBuild_cancelledByAPerson has a person cancel in the portal what is waited for.
func TestAwaitBuild_cancelledByAPerson(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		ref := w.create(built("churn", "numpy")).Ref()
		time.AfterFunc(time.Minute, func() { w.must(w.CancelInPortal("churn")) })
		began := time.Now()
		_, err := w.AwaitBuild(t.Context(), ref, nil)
		wants[*primehub.BuildCancelledError](t, err)
		if took := time.Since(began); took > 70*time.Second {
			t.Errorf("noticed after %s", took)
		}
	})
}

// TestAwaitBuild_superseded has a person rebuild in the portal, once or twice, what is waited for: the wait ends with their last build, and says how that ended.
func TestAwaitBuild_superseded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		others []string
		ready  bool
		ended  func(error) bool
	}{
		"well":  {[]string{"scipy"}, true, func(err error) bool { return err == nil }},
		"twice": {[]string{"scipy", "pandas"}, true, func(err error) bool { return err == nil }},
		"failed": {[]string{"sandbox-not-found"}, false, func(err error) bool {
			_, failed := errors.AsType[*primehub.BuildFailedError](err)
			return failed
		}},
		"deleted": {[]string{"scipy", ""}, false, func(err error) bool { return errors.Is(err, primehub.ErrNotFound) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				ref := w.create(built("churn", "numpy")).Ref()
				for i, pip := range test.others {
					time.AfterFunc(time.Duration(i+1)*time.Minute, func() {
						if pip == "" {
							w.must(w.Remove("churn"))
							return
						}
						w.must(w.RebuildInPortal("churn", sandbox.PortalBuild{BaseImage: baseImage, Pip: &pip}))
					})
				}
				image, err := w.AwaitBuild(t.Context(), ref, nil)
				other := failed[*primehub.BuildSupersededError](t, err)
				if !other.At.After(ref.RequestedAt) || !test.ended(other.Err) || image.Ready != test.ready {
					t.Errorf("%v, %+v", err, image)
				}
			})
		})
	}
}

// TestAwaitBuild_shortOfSecret has a wait end before the platform can be said to hang: the missing secret is named all the same.
func TestAwaitBuild_shortOfSecret(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		spec := built("churn", "numpy")
		spec.Recipe.PullSecret = "image-nowhere"
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		_, err := w.AwaitBuild(ctx, w.create(spec).Ref(), nil)
		if stuck := failed[*primehub.BuildUnfinishedError](t, err); stuck.MissingSecret != "image-nowhere" || stuck.Hint == "" {
			t.Errorf("%v", err)
		}
	})
}

func TestAwaitBuild_missingSecret(t *testing.T) {
	t.Parallel()
	for secret, hint := range map[string]string{"image-nowhere": "Name an image pull secret that exists", "dockerhub": `whose id is "image-dockerhub"`} {
		t.Run(secret, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				spec := built("churn", "numpy")
				spec.Recipe.PullSecret = secret
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				_, err := w.AwaitBuild(ctx, w.create(spec).Ref(), nil)
				stuck := failed[*primehub.BuildUnfinishedError](t, err)
				if stuck.MissingSecret != secret || stuck.Phase != primehub.PhaseWaiting || !strings.Contains(stuck.Hint, hint) || time.Since(began) > 3*time.Minute {
					t.Errorf("%v after %s: %s", err, time.Since(began), stuck.Hint)
				}
			})
		})
	}
}

// TestSecretMeant finds a secret that is given by its name, and leaves alone what may be an id: of a secret that the platform does not list, or that comes to be there later.
func TestSecretMeant(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		expect := func(text, want string) {
			t.Helper()
			if meant, found, err := w.SecretMeant(t.Context(), text); err != nil || meant.ID != want && found || found != (want != "") {
				t.Errorf("%q: %+v, %t, %v", text, meant, found, err)
			}
		}
		expect("", "")
		expect("dockerhub", "image-dockerhub")
		expect("image-dockerhub", "")
		expect("later", "")
		w.must(w.AddSecret(sandbox.Secret{Name: "later"}))
		expect("later", "image-later")
		w.must(w.AddSecret(sandbox.Secret{Name: "image-later"}))
		expect("image-later", "") // that is an id, too
		asked := w.CountOperations("secrets")
		for range 10 {
			expect("image-dockerhub", "")
		}
		if more := w.CountOperations("secrets") - asked; more > 1 {
			t.Errorf("%d questions", more)
		}
		w.outages(sandbox.Outage{Backend: sandbox.Keycloak, Verb: sandbox.Authenticate})
		if _, found, err := w.as(sandbox.TokenGroupAdmin).SecretMeant(t.Context(), "dockerhub"); found || err == nil {
			t.Errorf("%t, %v", found, err)
		}
	})
}

// TestAwaitBuild_secretComesLater has a pull secret be made a moment after the image that names it.
func TestAwaitBuild_secretComesLater(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		spec := built("churn", "numpy")
		spec.Recipe.PullSecret = "image-later"
		time.AfterFunc(time.Minute, func() { w.must(w.AddSecret(sandbox.Secret{Name: "later"})) })
		if image := w.ready(spec); !image.Ready {
			t.Errorf("%+v", image)
		}
	})
}

// TestAwaitBuild_missingSecretAfterCancel has the platform show the cancel before for as long as the new build cannot begin.
func TestAwaitBuild_missingSecretAfterCancel(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.create(built("churn", "numpy"))
		time.Sleep(time.Minute)
		w.must(w.CancelBuild(t.Context(), "churn"))
		time.Sleep(time.Minute)
		next := recipe("numpy")
		next.PullSecret = "image-nowhere"
		ref, err := w.Rebuild(t.Context(), "churn", *next)
		w.must(err)
		image, err := w.AwaitBuild(t.Context(), ref, nil)
		if stuck := failed[*primehub.BuildUnfinishedError](t, err); stuck.MissingSecret != "image-nowhere" || image.Build.Phase != primehub.PhaseWaiting {
			t.Errorf("%v", err)
		}
	})
}

// TestAwaitBuild_pending has a platform whose image builder is not configured: the wait ends with the caller's patience, and says why.
func TestAwaitBuild_pending(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{BuilderUnconfigured: true}, func(t *testing.T, w *world) {
		timeout := errors.New("the time-out of create, 10 m")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Minute, timeout)
		defer cancel()
		var hints []string
		image, err := w.AwaitBuild(ctx, w.create(built("churn", "numpy")).Ref(), func(p primehub.Progress) { hints = append(hints, p.Hint) })
		stuck := failed[*primehub.BuildUnfinishedError](t, err)
		if stuck.Phase != primehub.PhasePending || !strings.Contains(stuck.Hint, "customImage") || !errors.Is(err, timeout) || image.Name != "churn" {
			t.Errorf("%v", err)
		}
		wants[*wait.ExpiredError](t, err)
		if hints[0] != "" || !strings.Contains(hints[len(hints)-1], "customImage") {
			t.Errorf("%q", slices.Compact(hints))
		}
	})
}

// TestAwaitBuild_outage has Kubernetes, then Keycloak, down in the middle of a build.
func TestAwaitBuild_outage(t *testing.T) {
	t.Parallel()
	for _, backend := range []sandbox.Backend{sandbox.Kubernetes, sandbox.Keycloak} {
		t.Run(string(backend), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				ref := w.create(built("churn", "numpy")).Ref()
				time.AfterFunc(time.Minute, func() { w.outages(sandbox.Outage{Backend: backend}) })
				time.AfterFunc(time.Minute+30*time.Second, func() { w.outages() })
				if image, err := w.AwaitBuild(t.Context(), ref, nil); err != nil || !image.Ready {
					t.Errorf("%+v, %v", image, err)
				}
			})
		})
	}
}

// TestAwaitBuild_gone has somebody delete the image that is being built.
func TestAwaitBuild_gone(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		ref := w.create(built("churn", "numpy")).Ref()
		time.AfterFunc(time.Minute, func() { w.must(w.Remove("churn")) })
		if _, err := w.AwaitBuild(t.Context(), ref, nil); !errors.Is(err, primehub.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

// TestAwaitBuild_lostWrite has the platform agree to a rebuild and then fail to write it, which nobody is told.
func TestAwaitBuild_lostWrite(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.ready(built("churn", "numpy"))
		w.outages(sandbox.Outage{Backend: sandbox.Kubernetes, Verb: sandbox.Patch, Times: 1})
		ref, err := w.Rebuild(t.Context(), "churn", *recipe("scipy"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.AwaitBuild(t.Context(), ref, nil)
		wants[*primehub.LostWriteError](t, err)
	})
}

// TestAwaitBuild_resumed has another process come back to a build.
func TestAwaitBuild_resumed(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.create(built("churn", "numpy"))
		time.Sleep(time.Minute)
		other := w.as(sandbox.TokenAdmin)
		image, err := other.Get(t.Context(), "churn")
		if err != nil || image.Build.Phase != primehub.PhaseRunning {
			t.Fatalf("%+v, %v", image, err)
		}
		if image, err = other.AwaitBuild(t.Context(), image.Resume(), nil); err != nil || !image.Ready {
			t.Errorf("%+v, %v", image, err)
		}
		// One that has ended is believed after a while, though nobody saw it at work.
		began := time.Now()
		if _, err = other.AwaitBuild(t.Context(), image.Resume(), nil); err != nil || time.Since(began) > 35*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

// TestAwaitBuild_unexpectedImage has a success whose address belongs to something else.
func TestAwaitBuild_unexpectedImage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		phase := "Running"
		client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"data":{"image":{"id":"churn","name":"churn","url":"registry.test/other:latest","jobStatus":{"phase":%q},
				"imageSpec":{"baseImage":"b","updateTime":"2000-01-01T00:00:00Z"}}}}`, phase)
			phase = "Succeeded"
		})
		ref := primehub.BuildRef{Name: "churn", Recipe: primehub.Recipe{BaseImage: "b"}}
		_, err := client.AwaitBuild(t.Context(), ref, nil)
		if got := failed[*primehub.UnexpectedImageError](t, err); got.URL != "registry.test/other:latest" || got.Hash != ref.Recipe.Hash() {
			t.Errorf("%v", err)
		}
		_, err = client.AwaitBuild(t.Context(), primehub.BuildRef{Name: "churn"}, nil)
		wants[*primehub.NotBuiltError](t, err)
	})
}

// TestAwaitBuild_leavesKeycloakAlone shows that who may use an image, which costs the platform a call for each group there is, is not asked by those who do not need it.
func TestAwaitBuild_leavesKeycloakAlone(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		spec := built("churn", "numpy")
		spec.Owner = w.group(sandbox.GroupDataScience)
		w.ready(spec)
		ref, err := w.Rebuild(t.Context(), "churn", *recipe("scipy"))
		w.must(err)
		time.Sleep(time.Minute)
		w.must(w.CancelBuild(t.Context(), "churn"))
		_, err = w.AwaitBuild(t.Context(), ref, nil)
		wants[*primehub.BuildCancelledError](t, err)
		if calls := w.KeycloakCalls(); calls > 0 {
			t.Errorf("Keycloak was asked %d times", calls)
		}
		if w.get("churn"); w.KeycloakCalls() == 0 {
			t.Error("nobody counts")
		}
	})
}
