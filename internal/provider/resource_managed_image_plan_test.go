package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// modelOf is the state of an image.
func modelOf(t *testing.T, image imageregistry.Image, build imageregistry.Build) managedImageModel {
	t.Helper()
	var d diag.Diagnostics
	model := managedImageModel{Name: types.StringValue(image.Name), Triggers: types.MapNull(types.StringType)}
	model.setInputs(image)
	model.setFacts(t.Context(), image, &d)
	model.Build = newBuildObject(t.Context(), build, &d)
	if d.HasError() {
		t.Fatal(d)
	}
	return model
}

func TestDecide(t *testing.T) {
	t.Parallel()
	ready := imageregistry.Image{
		Name: "sklearn", Status: imageregistry.StatusReady, PythonVersion: "3.11",
		PipRequirements: []requirement.Pip{{Name: "numpy", VersionSpecifier: ">=1"}, {Name: "pandas"}},
	}
	in := func(status imageregistry.Status, reason string) imageregistry.Image {
		image := ready
		image.Status, image.StatusReason = status, reason
		return image
	}
	succeeded := imageregistry.Build{ID: "sklearn/1", Status: imageregistry.BuildSucceeded}
	running := imageregistry.Build{ID: "sklearn/2", Status: imageregistry.BuildRunning}
	triggers := func(values map[string]attr.Value) func(*managedImageModel) {
		return func(m *managedImageModel) { m.Triggers = types.MapValueMust(types.StringType, values) }
	}
	rebuildOutdated := func(m *managedImageModel) { m.RebuildWhenOutdated = types.BoolValue(true) }
	python := func(v types.String) func(*managedImageModel) {
		return func(m *managedImageModel) { m.PythonVersion = v }
	}
	for name, test := range map[string]struct {
		image  imageregistry.Image
		build  imageregistry.Build
		plan   func(*managedImageModel)
		task   task
		reason types.String
	}{
		"nothing":                   {image: ready, build: succeeded, task: taskNone, reason: types.StringNull()},
		"outdated, not to be built": {image: in(imageregistry.StatusOutdated, "moved on"), build: succeeded, task: taskNone, reason: types.StringNull()},
		"outdated":                  {image: in(imageregistry.StatusOutdated, ""), build: succeeded, plan: rebuildOutdated, task: taskRebuild, reason: types.StringValue("the base image has moved on")},
		"failed":                    {image: in(imageregistry.StatusFailed, ""), build: succeeded, task: taskRepair, reason: types.StringValue("the last build failed")},
		"missing":                   {image: in(imageregistry.StatusMissing, ""), build: succeeded, task: taskRepair, reason: types.StringValue("the published image is gone")},
		"moved":                     {image: in(imageregistry.StatusMoved, ""), build: succeeded, task: taskRepair, reason: types.StringValue("the tag of the image refers to something else")},
		"moved, in its own words":   {image: in(imageregistry.StatusMoved, "The tag moved."), build: succeeded, task: taskRepair, reason: types.StringValue("The tag moved")},
		"first build":               {image: in(imageregistry.StatusBuildingFirstTime, ""), task: taskAwait, reason: types.StringValue("a build that was not waited for is under way")},
		"rebuilding":                {image: in(imageregistry.StatusRebuilding, ""), build: running, task: taskAwait, reason: types.StringValue("a build that was not waited for is under way")},
		"rebuilding by itself":      {image: in(imageregistry.StatusRebuilding, ""), build: succeeded, task: taskNone, reason: types.StringNull()},
		"a status we do not know":   {image: in("refurbishing", "?"), build: succeeded, task: taskNone, reason: types.StringNull()},
		"python":                    {image: ready, build: succeeded, plan: python(types.StringValue("3.12")), task: taskUpdate, reason: types.StringValue("python version changed: 3.11 -> 3.12")},
		"python, not known":         {image: ready, build: succeeded, plan: python(types.StringUnknown()), task: taskUpdate, reason: types.StringUnknown()},
		"trigger":                   {image: ready, build: succeeded, plan: triggers(map[string]attr.Value{"b": types.StringValue("2"), "a": types.StringValue("1")}), task: taskRebuild, reason: types.StringValue("triggers changed: a, b")},
		"trigger, not known":        {image: ready, build: succeeded, plan: triggers(map[string]attr.Value{"a": types.StringUnknown()}), task: taskUpdate, reason: types.StringUnknown()},
		"triggers, not known":       {image: ready, build: succeeded, plan: func(m *managedImageModel) { m.Triggers = types.MapUnknown(types.StringType) }, task: taskUpdate, reason: types.StringUnknown()},
		"a lock for the first time": {image: ready, build: succeeded, plan: func(m *managedImageModel) { m.Pylock = types.StringValue("[lock]") }, task: taskUpdate, reason: types.StringValue("the image was built without a lock")},
		"empty triggers":            {image: ready, build: succeeded, plan: triggers(map[string]attr.Value{}), task: taskNone, reason: types.StringNull()},
		"everything at once": {
			image: in(imageregistry.StatusMissing, "the tag is gone"), build: succeeded,
			plan: func(m *managedImageModel) {
				m.PythonVersion = types.StringValue("3.12")
				m.Triggers = types.MapValueMust(types.StringType, map[string]attr.Value{"a": types.StringValue("1")})
			},
			task: taskUpdate, reason: types.StringValue("python version changed: 3.11 -> 3.12; triggers changed: a; the tag is gone"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := modelOf(t, test.image, test.build)
			plan := state
			if test.plan != nil {
				test.plan(&plan)
			}
			got := decide(nil, state, plan)
			if got.task != test.task || !got.reason.Equal(test.reason) {
				t.Errorf("got %d %s, want %d %s", got.task, got.reason, test.task, test.reason)
			}
		})
	}
}

func TestInputChanges(t *testing.T) {
	t.Parallel()
	many := imageregistry.Spec{}
	for letter := 'a'; letter < 'a'+14; letter++ {
		many.PipRequirements = append(many.PipRequirements, requirement.Pip{Name: "lib-" + string(letter)})
	}
	for name, test := range map[string]struct {
		before, after imageregistry.Spec
		want          []string
	}{
		"nothing": {},
		"only spelled differently": {
			before: imageregistry.Spec{PipRequirements: []requirement.Pip{{Name: "NumPy", VersionSpecifier: ">=1.0, <2"}, {Name: "a.b"}}},
			after:  imageregistry.Spec{PipRequirements: []requirement.Pip{{Name: "A_B"}, {Name: "numpy", VersionSpecifier: "<2,>=1"}, {Name: "a-b"}}},
		},
		"pip": {
			before: imageregistry.Spec{PipRequirements: []requirement.Pip{{Name: "numpy", VersionSpecifier: ">=1"}, {Name: "scipy"}, {Name: "torch"}}},
			after:  imageregistry.Spec{PipRequirements: []requirement.Pip{{Name: "numpy", VersionSpecifier: ">=2"}, {Name: "pandas", VersionSpecifier: "2.1"}, {Name: "torch", VersionSpecifier: "==2"}}},
			want:   []string{"pip requirements changed: + pandas ==2.1, ~ numpy >=1 -> >=2, ~ torch any -> ==2, - scipy"},
		},
		"packages": {
			before: imageregistry.Spec{PackageRequirements: []requirement.Package{{Name: "vim", Type: requirement.PackageTypeApt}}},
			after:  imageregistry.Spec{PackageRequirements: []requirement.Package{{Name: "vim", Type: requirement.PackageTypeRockyLinux}}},
			want:   []string{"rocky linux packages changed: + vim", "apt packages changed: - vim"},
		},
		"python": {
			after: imageregistry.Spec{PythonVersion: "3.12"},
			want:  []string{"python version changed: any -> 3.12"},
		},
		"more than anybody reads": {
			after: many,
			want:  []string{"pip requirements changed: + lib-a, + lib-b, + lib-c, + lib-d, + lib-e, + lib-f, + lib-g, + lib-h, + lib-i, + lib-j, and 4 more"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := inputChanges(test.before, test.after); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestGeneratedName(t *testing.T) {
	t.Parallel()
	base := func() managedImageModel {
		model := modelOf(t, imageregistry.Image{PythonVersion: "3.11", PipRequirements: []requirement.Pip{{Name: "numpy"}}}, imageregistry.Build{})
		model.NamePrefix = types.StringValue("a-")
		return model
	}
	reference := base()
	name := reference.generatedName()
	if !strings.HasPrefix(name.ValueString(), "a-") || len(name.ValueString()) != len("a-")+hashDigits || imageNameCheck.find(name.ValueString()) != nil {
		t.Errorf("%s is not a name", name)
	}
	for what, change := range map[string]struct {
		apply func(*managedImageModel)
		same  bool
	}{
		"nothing": {func(*managedImageModel) {}, true},
		"spelling": {func(m *managedImageModel) {
			m.PipRequirements = textSet([]string{"NumPy"})
		}, true},
		"no triggers": {func(m *managedImageModel) { m.Triggers = types.MapValueMust(types.StringType, nil) }, true},
		"python":      {func(m *managedImageModel) { m.PythonVersion = types.StringValue("3.12") }, false},
		"pip":         {func(m *managedImageModel) { m.PipRequirements = textSet(nil) }, false},
		"triggers": {func(m *managedImageModel) {
			m.Triggers = types.MapValueMust(types.StringType, map[string]attr.Value{"a": types.StringValue("1")})
		}, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			model := base()
			change.apply(&model)
			if got := model.generatedName(); got.Equal(name) != change.same {
				t.Errorf("%s against %s", got, name)
			}
		})
	}
	for what, change := range map[string]func(*managedImageModel){
		"prefix":   func(m *managedImageModel) { m.NamePrefix = types.StringUnknown() },
		"python":   func(m *managedImageModel) { m.PythonVersion = types.StringUnknown() },
		"pip":      func(m *managedImageModel) { m.PipRequirements = types.SetUnknown(types.StringType) },
		"triggers": func(m *managedImageModel) { m.Triggers = types.MapUnknown(types.StringType) },
	} {
		t.Run(what+" not known", func(t *testing.T) {
			t.Parallel()
			model := base()
			change(&model)
			if got := model.generatedName(); !got.IsUnknown() {
				t.Errorf("got %s", got)
			}
		})
	}
}

// What a registry answers in another spelling is no change of the state.
func TestSetInputs_keepsSpelling(t *testing.T) {
	t.Parallel()
	inputs := imageInputs{PythonVersion: types.StringValue("3.9"), PipRequirements: textSet([]string{"NumPy >= 1", "numpy<2"})}
	before := inputs.PipRequirements
	inputs.setInputs(imageregistry.Image{PythonVersion: "3.9.17", PipRequirements: []requirement.Pip{{Name: "numpy", VersionSpecifier: "<2,>=1"}}})
	if !inputs.PipRequirements.Equal(before) || inputs.PythonVersion.ValueString() != "3.9" {
		t.Errorf("got %s and python %s", inputs.PipRequirements, inputs.PythonVersion)
	}
	inputs.setInputs(imageregistry.Image{PythonVersion: "3.10", PipRequirements: []requirement.Pip{{Name: "numpy", VersionSpecifier: ">=2"}}})
	if !inputs.PipRequirements.Equal(textSet([]string{"numpy>=2"})) || inputs.PythonVersion.ValueString() != "3.10" {
		t.Errorf("a real change was not taken over: %s and python %s", inputs.PipRequirements, inputs.PythonVersion)
	}
	inputs.setInputs(imageregistry.Image{PackageRequirements: []requirement.Package{
		{Name: "git", Type: requirement.PackageTypeApt, VersionSpecifier: "1:2.39"}, {Name: "vim", Type: requirement.PackageTypeRockyLinux}, {Name: "nano"},
	}})
	if !inputs.AptPackages.Equal(textSet([]string{"git=1:2.39"})) || !inputs.RockyLinuxPackages.Equal(textSet([]string{"nano", "vim"})) {
		t.Errorf("packages %s and %s", inputs.AptPackages, inputs.RockyLinuxPackages)
	}
}

func TestSamePips(t *testing.T) {
	t.Parallel()
	for _, equal := range [][2][]string{
		{{"numpy>=1,<2"}, {"NumPy < 2.0", "numpy>=1"}},
		{{"pkg==1.3", "pkg[extra]"}, {"PKG[extra]==1.3.0"}},
		{{"spacy", "spacy>=3.5,<4"}, {"spacy<4,>=3.5"}},
		{{"a_b.c"}, {"A--b-C"}},
		{nil, {}},
	} {
		if !samePips(textSet(equal[0]), textSet(equal[1])) {
			t.Errorf("%q is a change of %q", equal[1], equal[0])
		}
	}
	for _, other := range [][2][]string{
		{{"numpy>=1"}, {"numpy>1"}},
		{{"pkg"}, {"pkg[extra]"}},
		{{"numpy"}, nil},
	} {
		if samePips(textSet(other[0]), textSet(other[1])) {
			t.Errorf("%q is no change of %q", other[1], other[0])
		}
	}
	partly := types.SetValueMust(types.StringType, []attr.Value{types.StringValue("numpy"), types.StringUnknown()})
	if pips, whole := pipRequirements(partly); whole || len(pips) != 1 || samePips(partly, partly) {
		t.Errorf("a set with an unknown element is %v, whole %t", pips, whole)
	}
}
