package provider

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// claimingRegistry is a registry that can be told that a state has an image.
type claimingRegistry struct{ updatingRegistry }

// Claim implements imageregistry.Claimer.
func (r claimingRegistry) Claim(_ context.Context, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.begin("Claim", name)
	r.alter(name, func(i *imageregistry.Image) { i.Unclaimed = err != nil })
	return err
}

// After a crash, an image that the state has may be in doubt: it is claimed before anybody takes it over. Where that fails, nothing else does.
func TestManagedImage_claimsWhatTheStateHas(t *testing.T) {
	t.Parallel()
	registry := claimingRegistry{newUpdatingRegistry()}
	doubt := registry.edit("sklearn", func(i *imageregistry.Image) { i.Unclaimed = true })
	run(t, registry,
		resource.TestStep{Config: basicConfig},
		resource.TestStep{PreConfig: doubt, Config: basicConfig, PlanOnly: true},
		resource.TestStep{
			PreConfig: func() {
				registry.expectChanges(t, "Create sklearn", "Claim sklearn")
				registry.set(func(f *fakeRegistry) { f.errs["Claim"] = errors.New("503 Service Unavailable") })()
				doubt()
			},
			Config: basicConfig, PlanOnly: true,
		},
	)
}

func TestEnd(t *testing.T) {
	t.Parallel()
	var none *End
	none.add(func() { t.Error("done, with nobody to say when") })
	var end End
	var done []string
	end.add(func() { done = append(done, "first") })
	end.add(func() { done = append(done, "second") })
	if len(done) > 0 {
		t.Errorf("before the end: %v", done)
	}
	end.Come()
	end.Come()
	if want := []string{"first", "second"}; !slices.Equal(done, want) {
		t.Errorf("at the end: %v, want %v", done, want)
	}
}
