package rime_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// systemImage is an image of the platform itself, the base of those for Python 3.9.
const systemImage = "rime-base-python-3-9"

const deletes = `^/v1/images/[^/]+$`

func TestDelete(t *testing.T) {
	t.Parallel()
	t.Run("gone", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			w.ready("churn")
			w.Forget()
			if err := w.Delete(t.Context(), "churn"); err != nil {
				t.Fatal(err)
			}
			if len(w.ImageNames()) != 0 || w.count(http.MethodDelete, deletes) != 1 || len(w.Requests()) > 4 {
				t.Errorf("%v after %v", w.ImageNames(), w.Requests())
			}
		})
	})
	t.Run("was not there", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			if err := w.Delete(t.Context(), "churn"); !errors.Is(err, imageregistry.ErrNotFound) || w.count(http.MethodDelete, "") != 0 {
				t.Error(err)
			}
		})
	})
	t.Run("failed images can be deleted", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			build := w.create("churn")
			if err := w.CancelBuild(t.Context(), build.ID); err == nil {
				t.Error("the clock stands still, so the build cannot have ended")
			}
			w.clock.Advance(time.Hour)
			if err := w.Delete(t.Context(), "churn"); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("not by just anybody", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			w.ready("churn")
			for _, key := range []string{sandbox.KeyUser, sandbox.KeyWorkspaceAdmin, sandbox.KeyViewer} {
				err := w.registry(as(key)).Delete(t.Context(), "churn")
				refused, ok := errors.AsType[*rime.DeleteRefusedError](err)
				if !ok || refused.Name != "churn" || apiError(t, err).StatusCode != http.StatusForbidden || !strings.Contains(err.Error(), "Organization Administrator") {
					t.Errorf("%s: %v", key, err)
				}
			}
		})
	})
	t.Run("not what the platform needs", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			err := w.Delete(t.Context(), systemImage)
			if refused, ok := errors.AsType[*rime.SystemImageError](err); !ok || refused.Name != systemImage {
				t.Error(err)
			}
			if w.count(http.MethodDelete, "") != 0 {
				t.Error("the platform was asked to delete its own image")
			}
		})
	})
	t.Run("not while it is built", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			w.create("churn")
			err := w.Delete(t.Context(), "churn")
			building, ok := errors.AsType[*rime.BuildingError](err)
			if !ok || building.Status != imageregistry.StatusBuildingFirstTime || !errors.Is(err, imageregistry.ErrBusy) || apiError(t, err).StatusCode != http.StatusBadRequest {
				t.Error(err)
			}
		})
	})
	t.Run("unless the platform does not mind", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{DeleteWhileBuilding: true})
			w.create("churn")
			if err := w.Delete(t.Context(), "churn"); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("not what others are built on", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			w.ready("base")
			w.ready("child")
			if err := w.SetParent("child", "base"); err != nil {
				t.Fatal(err)
			}
			err := w.Delete(t.Context(), "base")
			parent, ok := errors.AsType[*rime.ChildrenError](err)
			if !ok || len(parent.Children) != 1 || parent.Children[0] != "child" || apiError(t, err).Code != 9 || !strings.Contains(err.Error(), "(child)") {
				t.Error(err)
			}
		})
	})
	t.Run("for a reason that is not known", func(t *testing.T) {
		t.Parallel()
		simulated(t, func(t *testing.T) {
			w := start(t, sandbox.Options{})
			w.ready("churn")
			w.faults(fault.Rule{Method: http.MethodDelete, Path: deletes, Status: http.StatusBadRequest, JSON: json.RawMessage(`{"code":9,"message":"not today"}`)})
			if err := w.Delete(t.Context(), "churn"); apiError(t, err).Message != "not today" {
				t.Error(err)
			}
		})
	})
}

func TestDelete_lost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule fault.Rule
		gone bool
	}{
		"the answer, once":       {fault.Rule{DropAnswer: true, Times: 1}, true},
		"the answer, for ever":   {fault.Rule{DropAnswer: true}, true},
		"the request, once":      {fault.Rule{Reset: true, Times: 1}, true},
		"the request, for ever":  {fault.Rule{Reset: true}, false},
		"half of the answer":     {fault.Rule{Truncate: 1}, true},
		"a page in between":      {html(200, "Maintenance"), false},
		"not available for long": {fault.Rule{Status: 503}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulated(t, func(t *testing.T) {
				w := start(t, sandbox.Options{})
				w.ready("churn")
				test.rule.Method, test.rule.Path = http.MethodDelete, deletes
				w.faults(test.rule)
				err := w.Delete(t.Context(), "churn")
				if gone := len(w.ImageNames()) == 0; gone != test.gone || (err == nil) != test.gone {
					t.Errorf("gone: %t, %v", gone, err)
				}
				never(t, err, imageregistry.ErrNotFound)
			})
		})
	}
}

// TestDelete_lingers has the platform say that the image is deleted, and still show it.
func TestDelete_lingers(t *testing.T) {
	t.Parallel()
	simulated(t, func(t *testing.T) {
		w := start(t, sandbox.Options{}, within(2*time.Second))
		w.ready("churn")
		w.faults(fault.Rule{Method: http.MethodDelete, Path: deletes, Status: http.StatusOK, JSON: json.RawMessage(`{}`)})
		err := w.Delete(t.Context(), "churn")
		lingering, ok := errors.AsType[*rime.StillThereError](err)
		if !ok || lingering.Status != imageregistry.StatusReady || lingering.After != 2*time.Second {
			t.Errorf("%v", err)
		}

		done := make(chan error)
		go func() { done <- w.registry(within(30*time.Second)).Delete(t.Context(), "churn") }()
		for w.count(http.MethodDelete, deletes) < 2 {
			time.Sleep(time.Millisecond)
		}
		if err := w.Remove("churn"); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Errorf("an image that goes a little later: %v", err)
		}
	})
}
