package acctest_test

import (
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// TestManagedImage_lockAddress locks a wheel and a source archive that no index has: the plan names their versions and what they
// need, a lock file with them is obeyed, and what is no longer the same is refused.
func TestManagedImage_lockAddress(t *testing.T) {
	t.Parallel()
	w, _, _ := lockWorld(t, pypi.Simple("lib", "1.0", "1.1"), pypi.Simple("more", "4.0"))
	elsewhere := pypi.New(
		pypi.Package{Name: "model", Releases: []pypi.Release{{Version: "2.0", Requires: []string{"lib<1.1"}}}},
		pypi.Package{Name: "tool", Releases: []pypi.Release{
			{Version: "3.0", Requires: []string{"lib"}, Extras: map[string][]string{"x": {"more"}}, Source: &pypi.Source{}},
		}},
	)
	address, stop := workbenchtest.Serve(elsewhere)
	t.Cleanup(stop)
	wheel := "model @ " + address + "/files/model/model-2.0-py3-none-any.whl"
	source := "tool[x] @ " + address + "/files/tool/tool-3.0.tar.gz"
	w.Write("main.tf", imageOf("first", wheel, source))
	plan := w.MustRun("plan", "-no-color")
	shows(t, plan, `+ "lib" = "1.0"`, `+ "model" = "2.0"`, `+ "more" = "4.0"`, `+ "tool" = "3.0"`, `archive = { url = "`+address, "Packages Built from Source", "tool 3.0")
	if strings.Contains(plan.Output, "Versions Known After the Build") {
		t.Errorf("the lock is left open:\n%s", plan.Output)
	}
	w.Apply()
	w.PlanIsEmpty()

	lock := w.Values("rime_managed_image.first")["pylock"].(string)
	w.Write("pylock.toml", lock)
	w.Write("copy.tf", `
resource "rime_managed_image" "copy" {
  name           = "copy"
  python_version = "3.11"
  pip_lock_file  = file("pylock.toml")
}
output "copied" { value = rime_managed_image.copy.pip_libraries["tool"] }
`)
	shows(t, w.Apply(), `copied = "3.0"`)

	w.Write("second.tf", imageOf("second", wheel))
	w.MustRun("plan", "-out=saved.tfplan")
	elsewhere.Replace(pypi.Package{Name: "model", Releases: []pypi.Release{{Version: "2.0", PayloadBytes: 10}}})
	fails(t, w, []string{"apply", "saved.tfplan"}, `pip_requirements["model"]`, "the file of model at its address is not the one that was locked: Expected sha256", "Class: integrity")
	w.Write("second.tf", strings.Replace(imageOf("second"), "pip_requirements = [\n  ]", `pip_lock_file = file("pylock.toml")`, 1))
	fails(t, w, []string{"plan"}, "what is at the address of model is not what was locked")
	w.Write("second.tf", imageOf("second", strings.Replace(wheel, "2.0", "2.1", 1)))
	fails(t, w, []string{"plan"}, "Unable to Read Address", "404 Not Found", "Correct the address of model.")
	w.Write("second.tf", imageOf("second", wheel, "model @ "+address+"/files/tool/tool-3.0.tar.gz"))
	fails(t, w, []string{"plan"}, "No Versions Meet the Requirements", "More than one address is given for model")
	w.Write("second.tf", imageOf("second", "model @ "+address+"/files/tool/tool-3.0.tar.gz"))
	fails(t, w, []string{"plan"}, "Unable to Read Address", "it is tool 3.0")
}
