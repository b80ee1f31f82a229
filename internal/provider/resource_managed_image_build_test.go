package provider

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// After an answer that was lost, only a look tells whether the image is ours.
func TestCreate_lostAnswer(t *testing.T) {
	t.Parallel()
	refused := errors.New("403 Forbidden")
	scipy := imageregistry.Spec{Name: "sklearn", PythonVersion: "3.11", PipRequirements: []requirement.Pip{{Name: "scipy"}}}
	for name, test := range map[string]struct {
		prepare func(*fakeRegistry)
		want    error
		calls   []string
	}{
		"created all the same": {
			prepare: func(f *fakeRegistry) { f.afterCreate = lostAnswerError{} },
			calls:   []string{"Create sklearn", "Get sklearn"},
		},
		"not created": {
			prepare: func(f *fakeRegistry) { f.errs["Create"] = lostAnswerError{} },
			want:    lostAnswerError{},
			calls:   []string{"Create sklearn", "Get sklearn"},
		},
		"not certain": {
			prepare: func(f *fakeRegistry) { f.afterCreate, f.errs["Get"] = lostAnswerError{}, refused },
			want:    lostAnswerError{},
			calls:   []string{"Create sklearn", "Get sklearn"},
		},
		"created by somebody else meanwhile": {
			prepare: func(f *fakeRegistry) {
				f.build(scipy, imageregistry.StatusBuildingFirstTime)
				f.errs["Create"] = lostAnswerError{}
			},
			want:  lostAnswerError{},
			calls: []string{"Create sklearn", "Get sklearn"},
		},
		"left half done": {
			prepare: func(f *fakeRegistry) {
				f.build(basicSpec, imageregistry.StatusBuildingFirstTime)
				f.alter("sklearn", func(i *imageregistry.Image) { i.Unclaimed = true })
				f.errs["Create"] = lostAnswerError{}
			},
			want:  lostAnswerError{}, // the registry keeps failing; with a working one this create takes over
			calls: []string{"Create sklearn", "Get sklearn", "Create sklearn"},
		},
		"refused": {
			prepare: func(f *fakeRegistry) { f.errs["Create"] = refused },
			want:    refused,
			calls:   []string{"Create sklearn"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := newUpdatingRegistry()
			test.prepare(registry.fakeRegistry)
			got, err := create(t.Context(), registry, basicSpec)
			if !errors.Is(err, test.want) || (test.want == nil && err != nil) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if err == nil && (!got.ours || got.build.ID != "sklearn/1") {
				t.Errorf("got build %q, ours: %t", got.build.ID, got.ours)
			}
			if !slices.Equal(registry.calls, test.calls) {
				t.Errorf("asked %q, want %q", registry.calls, test.calls)
			}
		})
	}
}

// Whoever waits for the build of a process that died builds itself; a build of its own that was given up is an error.
func TestFinish_abandoned(t *testing.T) {
	t.Parallel()
	for ours, calls := range map[bool][]string{false: {"Update sklearn"}, true: nil} {
		registry := newUpdatingRegistry()
		registry.failure = &imageregistry.BuildFailure{Class: imageregistry.FailureAbandoned, Message: "the process died"}
		image, build := registry.build(basicSpec, imageregistry.StatusRebuilding)
		registry.failure = nil
		var d diag.Diagnostics
		model := managedImageModel{Name: stringValue("sklearn")}
		model.setInputs(image)
		d.Append(model.finish(t.Context(), registry, diags.UpdateImage, wanted{image: image, build: build, ours: ours})...)
		if d.HasError() != ours || (model.Status.ValueString() == "ready") == ours {
			t.Errorf("ours %t: the image is %s, %v", ours, model.Status, d)
		}
		if changes := registry.changes(); !slices.Equal(changes, calls) {
			t.Errorf("ours %t: asked for %q, want %q", ours, changes, calls)
		}
	}
}

// hanging is a registry that does not answer questions about builds.
type hanging struct {
	updatingRegistry
	cancelled time.Time
}

// Build implements imageregistry.Registry.
func (h *hanging) Build(ctx context.Context, id string) (imageregistry.Build, error) {
	if h.cancelled.IsZero() {
		<-ctx.Done()
		return imageregistry.Build{}, ctx.Err()
	}
	return h.updatingRegistry.Build(ctx, id)
}

// CancelBuild implements imageregistry.Registry.
func (h *hanging) CancelBuild(ctx context.Context, id string) error {
	h.cancelled = time.Now()
	return h.updatingRegistry.CancelBuild(ctx, id)
}

// An interrupt cancels the build within 2 s, even while the registry keeps the provider waiting for an answer.
func TestFinish_interrupt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &hanging{updatingRegistry: newUpdatingRegistry()}
		registry.endless = true
		image, build := registry.build(basicSpec, imageregistry.StatusBuildingFirstTime)
		model := managedImageModel{Name: stringValue("sklearn")}
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, interrupt)
		began := time.Now()
		d := model.finish(ctx, registry, diags.CreateImage, wanted{image: image, build: build, ours: true})
		if after := registry.cancelled.Sub(began.Add(time.Minute)); after < 0 || after > 2*time.Second {
			t.Errorf("cancelled %s after the interrupt", after)
		}
		if len(d) != 1 || d[0].Summary() != "Managed Image Build Interrupted" {
			t.Errorf("got %v", d)
		}
	})
}
