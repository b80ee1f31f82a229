package provider

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// lockingRegistry is a registry that cannot tell versions, for that reason.
type lockingRegistry struct {
	*fakeRegistry
	err error
}

// Lock implements imageregistry.Locker.
func (r lockingRegistry) Lock(context.Context, imageregistry.LockRequest) (imageregistry.Lock, error) {
	return imageregistry.Lock{}, r.err
}

// TestPlanLock_index has a package index fail a plan that needs it, unless this machine has no way to it: where the plan is
// carried out, there may be one. An image that stays as it is needs no index.
func TestPlanLock_index(t *testing.T) {
	t.Parallel()
	silent := &pythonindex.Error{Index: "https://pypi.test", Project: "numpy", Err: &httpx.TimeoutError{After: time.Minute}}
	down := &pythonindex.Error{Index: "https://pypi.test", Project: "numpy", Status: http.StatusServiceUnavailable}
	refused := &pythonindex.Error{Index: "https://pypi.test", Project: "numpy", Status: http.StatusForbidden}
	resource := managedImageResource{resourceBase{connected{clients: &clients{}}}}
	for name, test := range map[string]struct {
		err     error
		task    task
		upgrade string
		want    string
	}{
		"silent, to create":            {silent, taskCreate, "", "Warning: Versions Not Known Yet"},
		"silent, to build":             {silent, taskUpdate, "", "Warning: Versions Not Known Yet"},
		"down, to create":              {down, taskCreate, "", "Error: Unable to Read Package Index"},
		"refused, to build":            {refused, taskRebuild, "", "Error: Unable to Read Package Index"},
		"silent, nothing to do":        {silent, taskNone, pipUpgradeAlways, "Warning: Newer Versions Not Checked"},
		"down, nothing to do":          {down, taskNone, pipUpgradeAlways, "Warning: Newer Versions Not Checked"},
		"no versions, nothing to do":   {&resolve.ConflictError{}, taskNone, pipUpgradeAlways, "Warning: Newer Versions Not Checked"},
		"down, and nothing may change": {down, taskNone, "", ""},
	} {
		registry := lockingRegistry{newFakeRegistry(), test.err}
		plan := managedImageModel{Name: stringValue("sklearn"), Triggers: types.MapNull(types.StringType)}
		plan.PythonVersion, plan.PipUpgrade = stringValue("3.11"), stringValue(test.upgrade)
		got := ""
		for _, d := range resource.planLock(t.Context(), registry, &plan, plan, plan, test.task, "", func([]byte) {}) {
			got += d.Severity().String() + ": " + d.Summary()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
