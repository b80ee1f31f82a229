package rime_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// run is a run of Terraform in a directory, whose processes show each other in lifelines that they live.
func (w *world) run(directory, lifelines string, edits ...func(*rime.Config)) *rime.Registry {
	here := func(c *rime.Config) { c.Workspace, c.Lifelines = directory, lifelines }
	return w.registry(append(edits, here)...)
}

// orphan has a run ask for an image and never hear what became of that.
func (w *world) orphan(directory, lifelines, name string) {
	w.t.Helper()
	w.faults(
		fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", DropAnswer: true},
		fault.Rule{Method: http.MethodGet, Path: "^/v1/images/", Nth: 2, Status: 403},
	)
	r := w.run(directory, lifelines, within(100*time.Millisecond))
	if _, _, err := r.Create(w.t.Context(), spec(name)); err == nil {
		w.t.Fatal("nothing went wrong")
	}
	w.faults()
}

// TestCreate_inherits takes over what a run that died had asked for: only here, only the same, and only once.
func TestCreate_inherits(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	here := t.TempDir()
	w.orphan("directory", here, "churn")

	other := spec("churn")
	other.PipRequirements = append(other.PipRequirements, requirement.Pip{Name: "numpy"})
	for name, create := range map[string]func() (imageregistry.Image, imageregistry.Build, error){
		"another directory": func() (imageregistry.Image, imageregistry.Build, error) {
			return w.run("other", here).Create(t.Context(), spec("churn"))
		},
		"another machine": func() (imageregistry.Image, imageregistry.Build, error) {
			return w.run("directory", t.TempDir()).Create(t.Context(), spec("churn"))
		},
		"other inputs": func() (imageregistry.Image, imageregistry.Build, error) {
			return w.run("directory", here).Create(t.Context(), other)
		},
		"without any of that": func() (imageregistry.Image, imageregistry.Build, error) {
			return w.run("", "").Create(t.Context(), spec("churn"))
		},
	} {
		if _, _, err := create(); !errors.Is(err, imageregistry.ErrAlreadyExists) {
			t.Errorf("%s: %v", name, err)
		}
	}
	heir := w.run("directory", here)
	if image, err := heir.Get(t.Context(), "churn"); err != nil || !image.Unclaimed {
		t.Errorf("unclaimed: %t, %v", image.Unclaimed, err)
	}
	if image, _, err := heir.Create(t.Context(), spec("churn")); err != nil || image.Unclaimed || image.Name != "churn" {
		t.Errorf("%+v, %v", image, err)
	}
	if _, _, err := w.run("directory", here).Create(t.Context(), spec("churn")); !errors.Is(err, imageregistry.ErrAlreadyExists) {
		t.Errorf("what a living process has was taken over: %v", err)
	}
	heir.Settle()
	if _, _, err := w.run("directory", here).Create(t.Context(), spec("churn")); !errors.Is(err, imageregistry.ErrAlreadyExists) {
		t.Errorf("what a run that ended in good order has was taken over: %v", err)
	}
	if builds := w.Builds("churn"); len(builds) != 1 {
		t.Errorf("%d builds", len(builds))
	}
}

// TestCreate_inheritsFailed builds an image anew whose build failed after the death of who asked for it.
func TestCreate_inheritsFailed(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	here := t.TempDir()
	w.orphan("directory", here, "churn")
	if err := w.SetImageStatus("churn", "STATUS_FAILED"); err != nil {
		t.Fatal(err)
	}
	if _, build, err := w.run("directory", here).Create(t.Context(), spec("churn")); err != nil || build.ID == "" {
		t.Errorf("%+v, %v", build, err)
	}
	if builds := w.Builds("churn"); len(builds) != 2 {
		t.Errorf("%d builds", len(builds))
	}
}

// TestCreate_twice has two resources of one run ask for one image: the one that was later takes nothing from the other.
func TestCreate_twice(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	here := t.TempDir()
	r := w.run("directory", here)
	w.faults(fault.Rule{Method: http.MethodGet, Path: "^/v1/images/churn$", Times: 2, Status: 404, JSON: json.RawMessage(`{"code":5,"message":"not found"}`)})
	if _, _, err := r.Create(t.Context(), spec("churn")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Create(t.Context(), spec("churn")); !errors.Is(err, imageregistry.ErrAlreadyExists) || w.count(http.MethodPost, "^/v1/images$") != 2 {
		t.Errorf("%v", err)
	}
	runtime.GC() // what nobody refers to any more is closed
	if image, err := w.run("directory", here).Get(t.Context(), "churn"); err != nil || image.Unclaimed {
		t.Errorf("unclaimed: %t, %v", image.Unclaimed, err)
	}
	r.Settle()
	if left, _ := filepath.Glob(here + "/*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestClaim says that a state has an image after all: then nobody takes it over.
func TestClaim(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	here := t.TempDir()
	w.orphan("directory", here, "churn")
	r := w.run("directory", here)
	if err := r.Claim(t.Context(), "churn"); err != nil {
		t.Fatal(err)
	}
	if image, err := r.Get(t.Context(), "churn"); err != nil || image.Unclaimed {
		t.Errorf("unclaimed: %t, %v", image.Unclaimed, err)
	}
}
