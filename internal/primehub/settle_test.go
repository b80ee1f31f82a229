package primehub_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// TestCreate_interrupted has Terraform be interrupted while a create is under way, which it cancels: the image is known all the same, and soon.
func TestCreate_interrupted(t *testing.T) {
	t.Parallel()
	for name, written := range map[string]bool{"the platform got it": true, "the platform did not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				ctx, interrupt := context.WithCancelCause(t.Context())
				why := errors.New("interrupted")
				w.lose("createImage", written, func() { interrupt(why) })
				began := time.Now()
				image, err := w.hooked.Create(ctx, built("churn", "numpy"))
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("it took %s", took)
				}
				switch {
				case written && (err != nil || image.Name != "churn" || image.Build == nil):
					t.Errorf("%+v, %v", image, err)
				case !written && !errors.Is(err, why):
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// TestCreate_lost loses the answer of a create whose image is not, or not all, there afterwards.
func TestCreate_lost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		instead primehub.Spec
		check   func(error) bool
	}{
		"somebody else's": {existing("tf"), func(err error) bool { return errors.Is(err, primehub.ErrAlreadyExists) }},
		"not global yet": {
			primehub.Spec{Name: "tf", DisplayName: "Mine", Type: primehub.TypeCPU, Existing: &primehub.Existing{URL: "x"}},
			func(err error) bool { _, ok := errors.AsType[*primehub.IncompleteError](err); return ok },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				w.lose("createImage", false, func() { w.create(test.instead) })
				_, err := w.hooked.Create(t.Context(), primehub.Spec{Name: "tf", DisplayName: "Mine", Type: primehub.TypeCPU, Global: true, Existing: &primehub.Existing{URL: "x"}})
				if !test.check(err) || !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// TestUpdate_lost loses the answer of an update that came half-way, or nowhere.
func TestUpdate_lost(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		spec := existing("tf")
		research := w.group(sandbox.GroupResearch)
		spec.Groups = []primehub.GroupRef{research}
		w.create(spec)
		update := primehub.Update{DisplayName: spec.DisplayName, Description: spec.Description, Type: spec.Type, Existing: spec.Existing}
		for name, change := range map[string]func(*primehub.Update){
			"global":     func(u *primehub.Update) { u.Global = new(true) },
			"connect":    func(u *primehub.Update) { u.Connect = []string{w.group(sandbox.GroupDataScience).ID} },
			"disconnect": func(u *primehub.Update) { u.Disconnect = []string{research.ID} },
		} {
			changed := update
			change(&changed)
			w.lose("updateImage", false, func() {})
			if _, ok := errors.AsType[*primehub.IncompleteError](w.hooked.Update(t.Context(), "tf", changed)); !ok {
				t.Error(name)
			}
			w.lose("updateImage", true, func() {})
			if err := w.hooked.Update(t.Context(), "tf", changed); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		update.Existing = &primehub.Existing{URL: "other"}
		w.lose("updateImage", false, func() {})
		if err := w.hooked.Update(t.Context(), "tf", update); failed[*primehub.APIError](t, err).Kind != primehub.KindNoAnswer {
			t.Errorf("%v", err)
		}
	})
}

// TestRebuild_lost loses the answer of a rebuild that was, or was not, written, or whose image is gone.
func TestRebuild_lost(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.ready(built("churn", "numpy"))
		w.lose("rebuildImage", true, func() {})
		ref, err := w.hooked.Rebuild(t.Context(), "churn", *recipe("scipy"))
		if err != nil {
			t.Fatal(err)
		}
		if image, err := w.hooked.AwaitBuild(t.Context(), ref, nil); err != nil || !image.Build.Same(*recipe("scipy")) {
			t.Errorf("%+v, %v", image, err)
		}
		w.lose("rebuildImage", false, func() {})
		if err := second(w.hooked.Rebuild(t.Context(), "churn", *recipe("pandas"))); failed[*primehub.APIError](t, err).Kind != primehub.KindNoAnswer {
			t.Errorf("%v", err)
		}
		w.lose("cancelImageBuild", false, func() { w.must(w.Remove("churn")) })
		if _, err := w.Rebuild(t.Context(), "churn", *recipe("pandas")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // it is at work
		if err := w.hooked.CancelBuild(t.Context(), "churn"); !errors.Is(err, primehub.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

// TestRebuild_goneMeanwhile has the image deleted just before a rebuild and a cancel.
func TestRebuild_goneMeanwhile(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		for operation, run := range map[string]func(string) error{
			"rebuildImage":     func(name string) error { return second(w.hooked.Rebuild(t.Context(), name, *recipe("scipy"))) },
			"cancelImageBuild": func(name string) error { return w.hooked.CancelBuild(t.Context(), name) },
		} {
			name := strings.ToLower(operation)
			w.create(built(name, "numpy"))
			w.hook(operation, func() { w.must(w.Remove(name)) })
			if err := run(name); !errors.Is(err, primehub.ErrNotFound) {
				t.Errorf("%s: %v", operation, err)
			}
		}
	})
}

// TestCancelBuild_lostWrite has the platform agree to a cancel, and fail to write it.
func TestCancelBuild_lostWrite(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.create(built("churn", "numpy"))
		time.Sleep(time.Minute)
		w.outages(sandbox.Outage{Backend: sandbox.Kubernetes, Verb: sandbox.Patch})
		if lost := failed[*primehub.LostWriteError](t, w.CancelBuild(t.Context(), "churn")); !strings.Contains(lost.Error(), "cancel the build") {
			t.Error(lost)
		}
	})
}

// TestRebuild_clockStandsStill has a platform that asks for no later build, however often it is asked.
func TestRebuild_clockStandsStill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const image = `{"id":"churn","name":"churn","imageSpec":{"baseImage":"b","updateTime":"2000-01-01T00:00:00Z"}}`
		asked := 0
		client := answering(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // what cannot be read is not counted
			asked += strings.Count(string(body), "rebuildImage(")
			say(200, "", `{"data":{"image":`+image+`,"rebuildImage":`+image+`}}`)(w, r)
		})
		if err := second(client.Rebuild(t.Context(), "churn", primehub.Recipe{BaseImage: "b"})); failed[*primehub.APIError](t, err).Kind != primehub.KindBroken || asked != 3 {
			t.Errorf("%v after %d", err, asked)
		}
		client = answering(t, say(200, "", `{"data":{"image":`+image+`,"rebuildImage":null}}`))
		if err := second(client.Rebuild(t.Context(), "churn", primehub.Recipe{BaseImage: "b"})); failed[*primehub.APIError](t, err).Kind != primehub.KindBroken {
			t.Errorf("%v", err)
		}
	})
}

// TestDelete_stillThere has a platform that agrees to delete, and does not.
func TestDelete_stillThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := answering(t, say(200, "", `{"data":{"images":[{"id":"tf"}],"deleteImage":{"id":"tf"}}}`))
		began := time.Now()
		err := client.Delete(t.Context(), "tf")
		if still := failed[*primehub.StillThereError](t, err); still.After != time.Since(began) || still.Name != "tf" {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := client.Delete(ctx, "tf"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

// TestAwaitBuild_nodeLost waits for a build whose node is gone, as long as the caller does.
func TestAwaitBuild_nodeLost(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := w.AwaitBuild(ctx, w.create(built("churn", "sandbox-node-lost")).Ref(), nil)
		if stuck := failed[*primehub.BuildUnfinishedError](t, err); stuck.Phase != primehub.PhaseUnknown || !strings.Contains(stuck.Hint, "node") {
			t.Errorf("%v", err)
		}
	})
}

// TestAwaitBuild_unknownSecret waits for a build whose pull secret may or may not be there: only those that the platform lists can be told to be missing.
func TestAwaitBuild_unknownSecret(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		spec := built("churn", "numpy")
		spec.Recipe.PullSecret = "somebody-elses"
		_, err := w.AwaitBuild(ctx, w.create(spec).Ref(), nil)
		if stuck := failed[*primehub.BuildUnfinishedError](t, err); stuck.MissingSecret != "" || !strings.Contains(stuck.Hint, "pull secret") || !strings.Contains(err.Error(), "waiting to begin") {
			t.Errorf("%v", err)
		}
	})
}

// TestMessages shows that each error names the image.
func TestMessages(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&primehub.BuildFailedError{Name: "x", Step: "build", Installer: "pip", Package: "p", Message: "m"}, &primehub.BuildCancelledError{Name: "x"},
		&primehub.BuildUnfinishedError{Name: "x", MissingSecret: "s"}, &primehub.BuildSupersededError{Name: "x"}, &primehub.UnexpectedImageError{Name: "x"},
		&primehub.LostWriteError{Name: "x"}, &primehub.NotBuiltError{Name: "x"}, &primehub.StillThereError{Name: "x"},
	} {
		if text := err.Error(); !strings.Contains(text, `"x"`) || strings.HasSuffix(text, " ") || strings.HasSuffix(text, ":") {
			t.Errorf("%T: %q", err, text)
		}
	}
}
