package embedded

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

func TestCreate_basic(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		p.builder.takes, p.builder.platforms = 45*time.Second, 2
		spec := specOf("model-a", "numpy==1.0", "pandas")
		if _, err := p.Get(t.Context(), "model-a"); !errors.Is(err, imageregistry.ErrNotFound) {
			t.Fatalf("before the create, Get returns %v", err)
		}
		began := time.Now()
		image, b, err := p.Create(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if image.Status != imageregistry.StatusBuildingFirstTime || image.BuildID != b.ID || !strings.HasPrefix(b.ID, "model-a/") {
			t.Errorf("Create returns %+v, %+v", image, b)
		}
		pass(20 * time.Second)
		if got := p.mustGet(t, "model-a"); got.Status != imageregistry.StatusBuildingFirstTime || got.StatusReason != "its first build is under way on a/1" {
			t.Errorf("during the build, status %q: %q", got.Status, got.StatusReason)
		}
		running, err := p.Build(t.Context(), b.ID)
		if err != nil || running.Status != imageregistry.BuildRunning || running.RunningTime < 19*time.Second {
			t.Errorf("during the build, Build returns %+v, %v", running, err)
		}
		p.wait()
		if took := time.Since(began); took > 46*time.Second {
			t.Errorf("a build of 45 s took %s", took)
		}
		// Another process sees the same.
		got := w.process(t, "b/2").mustGet(t, "model-a")
		if got.Status != imageregistry.StatusReady || got.StatusReason != "" || got.Unclaimed {
			t.Errorf("status %q (%q), unclaimed %t", got.Status, got.StatusReason, got.Unclaimed)
		}
		if !regexp.MustCompile(`^3\.12-[0-9a-f]{12}$`).MatchString(got.Tag) {
			t.Errorf("tag %q", got.Tag)
		}
		want := imageregistry.Image{
			Name: "model-a", Status: imageregistry.StatusReady, RoleType: imageregistry.RoleTypeUserDefined,
			Tag: got.Tag, Digest: got.Digest, RepoURI: testHost + "/ml/model-a", Size: 4242, PythonVersion: "3.12", BuildID: b.ID,
			BaseImage:       imageregistry.ImageReference{Name: basePython, ReferenceType: imageregistry.ReferenceTypeExternal, Digest: got.BaseImage.Digest},
			PipRequirements: spec.PipRequirements,
			PipLibraries:    []imageregistry.PipLibrary{{Name: "numpy", Version: "1.0"}, {Name: "pandas", Version: "1.0"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Get (-want +got):\n%s", diff)
		}
		if !w.exists(t, got.URI()) || !w.exists(t, got.RepoURI+":"+got.Tag) {
			t.Errorf("%s is not there", got.URI())
		}
		ended, err := w.process(t, "b/2").Build(t.Context(), b.ID)
		if err != nil || ended.Status != imageregistry.BuildSucceeded || ended.RunningTime != 45*time.Second {
			t.Errorf("after the build, Build returns %+v, %v", ended, err)
		}
		if tags := w.tags(t, got.RepoURI); !slices.Equal(tags, []string{got.Tag, recordTag}) {
			t.Errorf("tags %q", tags)
		}
		r := p.builder.requests[0]
		if r.Base != basePython+"@"+got.BaseImage.Digest || r.Target != got.RepoURI+":"+got.Tag || r.Fresh {
			t.Errorf("the builder was asked for %+v", r)
		}
		wantLabels := map[string]string{
			"org.opencontainers.image.title": "model-a", "org.opencontainers.image.version": got.Tag,
			"org.opencontainers.image.base.name": basePython, "org.opencontainers.image.base.digest": got.BaseImage.Digest,
			labelName: "model-a", labelInputHash: spec.Hash(), labelBaseDigest: got.BaseImage.Digest, labelProviderVersion: "1.2.3",
		}
		if diff := cmp.Diff(wantLabels, r.Labels); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
		p.mustDelete(t, "model-a")
		if tags := w.tags(t, got.RepoURI); len(tags) != 0 {
			t.Errorf("after the delete, tags %q", tags)
		}
	})
}

func TestCreate_pythonVersion(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		p := newWorld(t).process(t, "a/1")
		spec := specOf("model-a")
		spec.PythonVersion = ""
		if got := p.mustCreate(t, spec); got.PythonVersion != "3.12" || !strings.HasPrefix(got.Tag, "3.12-") {
			t.Errorf("the default is %q, under the tag %q", got.PythonVersion, got.Tag)
		}
		spec.Name, spec.PythonVersion = "model-b", "3.13"
		_, _, err := p.Create(t.Context(), spec)
		var unsupported *UnsupportedPythonError
		if !errors.As(err, &unsupported) || err.Error() != "no base image is configured for Python 3.13; base_images has 3.11, 3.12" {
			t.Errorf("Create returns %v", err)
		}
		if _, err := p.Get(t.Context(), "model-b"); !errors.Is(err, imageregistry.ErrNotFound) {
			t.Errorf("Get returns %v", err)
		}
	})
}

func TestCreate_alreadyExists(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.process(t, "a/1"), w.process(t, "b/2")
		a.builder.takes = time.Minute
		if _, _, err := a.Create(t.Context(), specOf("model-a", "numpy")); err != nil {
			t.Fatal(err)
		}
		_, _, err := b.Create(t.Context(), specOf("model-a", "scipy"))
		if !errors.Is(err, imageregistry.ErrAlreadyExists) || !errors.Is(err, imageregistry.ErrBusy) || !strings.Contains(err.Error(), "a/1") {
			t.Errorf("while it is being built, Create returns %v", err)
		}
		if _, _, err := b.Update(t.Context(), specOf("model-a", "scipy")); !errors.Is(err, imageregistry.ErrBusy) {
			t.Errorf("while it is being built, Update returns %v", err)
		}
		if err := b.Delete(t.Context(), "model-a"); !errors.Is(err, imageregistry.ErrBusy) {
			t.Errorf("while it is being built, Delete returns %v", err)
		}
		a.wait()
		_, _, err = b.Create(t.Context(), specOf("model-a", "numpy"))
		if !errors.Is(err, imageregistry.ErrAlreadyExists) || errors.Is(err, imageregistry.ErrBusy) {
			t.Errorf("when it is ready, Create returns %v", err)
		}
		// A second resource of the same process has no right to it either.
		if _, _, err := a.Create(t.Context(), specOf("model-a", "numpy")); !errors.Is(err, imageregistry.ErrAlreadyExists) {
			t.Errorf("the same process's second Create returns %v", err)
		}
		if n := w.builds.Load(); n != 1 {
			t.Errorf("%d builds", n)
		}
	})
}

func TestCreate_takesOverWhatTerraformNeverHeardOf(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		sameDirectory := func(c *Config) { c.Options.Workspace = "here" }
		first := w.process(t, "a/1", sameDirectory).mustCreate(t, specOf("model-a", "numpy"))

		next := w.process(t, "a/2", sameDirectory)
		if next.mustGet(t, "model-a").Unclaimed {
			t.Error("the image of a process that lives is unclaimed")
		}
		w.cutLifelines(t)
		if w.process(t, "a/2", func(c *Config) { c.Options.Workspace = "elsewhere" }).mustGet(t, "model-a").Unclaimed {
			t.Error("the image of another directory is unclaimed")
		}
		if !next.mustGet(t, "model-a").Unclaimed {
			t.Error("the image of a process of this directory that died is not unclaimed")
		}
		image, b, err := next.Create(t.Context(), specOf("model-a", "NumPy"))
		if err != nil || image.Digest != first.Digest || image.Status != imageregistry.StatusReady || image.Unclaimed || b.Status != imageregistry.BuildSucceeded {
			t.Errorf("Create returns %+v, %+v, %v", image, b, err)
		}
		if n := w.builds.Load(); n != 1 {
			t.Errorf("%d builds for what was there already", n)
		}
		if _, _, err := next.Create(t.Context(), specOf("model-a", "numpy")); !errors.Is(err, imageregistry.ErrAlreadyExists) {
			t.Errorf("a second resource's Create returns %v", err)
		}
		// Other inputs: taken over and built.
		w.cutLifelines(t)
		last := w.process(t, "a/3", sameDirectory).mustCreate(t, specOf("model-a", "scipy"))
		if last.Digest == first.Digest || last.Status != imageregistry.StatusReady {
			t.Errorf("after a create with other inputs: %+v", last)
		}
	})
}

// Terraform ends its providers in good order even when it is made to exit without saving its state, by a second Ctrl-C.
func TestSettle_interrupted(t *testing.T) {
	t.Parallel()
	for name, interrupt := range map[string]func(*testing.T, *process, string){
		"the build was cancelled": func(t *testing.T, p *process, id string) {
			if err := p.CancelBuild(t.Context(), id); err != nil {
				t.Error(err)
			}
			p.Settle()
		},
		"the build runs": func(t *testing.T, p *process, id string) {
			p.Settle()
			if err := p.CancelBuild(t.Context(), id); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				sameDirectory := func(c *Config) { c.Options.Workspace = "here" }
				p := w.process(t, "a/1", sameDirectory)
				p.mustCreate(t, specOf("model-a", "numpy"))
				p.builder.takes = time.Hour
				_, b, err := p.Create(t.Context(), specOf("model-b", "numpy"))
				if err != nil {
					t.Fatal(err)
				}
				interrupt(t, p, b.ID)
				w.cutLifelines(t)
				next := w.process(t, "a/2", sameDirectory)
				for _, image := range []string{"model-a", "model-b"} {
					if !next.mustGet(t, image).Unclaimed {
						t.Errorf("%s, which may be in no state, is not unclaimed", image)
					}
				}
			})
		})
	}
}

// What Terraform has saved is nobody's to take over, from the same directory either: the state may be that of another workspace of Terraform,
// or the configuration may have the name twice.
func TestCreate_leavesWhatTerraformHas(t *testing.T) {
	t.Parallel()
	for name, saved := range map[string]func(*testing.T, *world, *process){
		"the process ended in good order": func(_ *testing.T, _ *world, p *process) { p.Settle() },
		"a state has it after a crash": func(t *testing.T, w *world, p *process) {
			w.cutLifelines(t)
			if err := p.Claim(t.Context(), "model-a"); err != nil {
				t.Error(err)
			}
		},
		"it was updated after a crash": func(t *testing.T, w *world, p *process) {
			w.cutLifelines(t)
			p.mustUpdate(t, specOf("model-a", "pandas"))
			w.cutLifelines(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				sameDirectory := func(c *Config) { c.Options.Workspace = "here" }
				p := w.process(t, "a/1", sameDirectory)
				p.mustCreate(t, specOf("model-a", "numpy"))
				saved(t, w, p)
				pass(leases)
				next := w.process(t, "a/2", sameDirectory)
				if next.mustGet(t, "model-a").Unclaimed {
					t.Error("the image is unclaimed")
				}
				for _, pip := range []string{"numpy", "scipy"} {
					if _, _, err := next.Create(t.Context(), specOf("model-a", pip)); !errors.Is(err, imageregistry.ErrAlreadyExists) {
						t.Errorf("a create returns %v", err)
					}
				}
			})
		})
	}
}

func TestUpdate_keepsOlderImages(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		p.builder.platforms = 1
		if _, _, err := p.Update(t.Context(), specOf("model-a")); !errors.Is(err, imageregistry.ErrNotFound) {
			t.Fatalf("Update of nothing returns %v", err)
		}
		if tags := w.tags(t, testHost+"/ml/model-a"); len(tags) != 0 {
			t.Fatalf("Update of nothing leaves %q", tags)
		}
		first := p.mustCreate(t, specOf("model-a", "numpy"))
		p.builder.takes = time.Minute
		image, b, err := p.Update(t.Context(), specOf("model-a", "scipy"))
		if err != nil || image.Status != imageregistry.StatusRebuilding || image.Digest != first.Digest || image.PipRequirements[0].Name != "scipy" {
			t.Errorf("Update returns %+v, %v", image, err)
		}
		if _, _, err := p.Update(t.Context(), specOf("model-a", "torch")); !errors.Is(err, imageregistry.ErrBusy) {
			t.Errorf("a second Update returns %v", err)
		}
		second := p.mustBuild(t, image, b, err)
		p.builder.takes = 0
		third := p.mustUpdate(t, specOf("model-a", "torch"))
		for _, image := range []imageregistry.Image{first, second, third} {
			if !w.exists(t, image.RepoURI+":"+image.Tag) || !w.exists(t, image.URI()) {
				t.Errorf("%s is gone", image.Tag)
			}
		}
		if len(map[string]bool{first.Tag: true, second.Tag: true, third.Tag: true}) != 3 {
			t.Errorf("tags %s, %s, %s", first.Tag, second.Tag, third.Tag)
		}
		w.process(t, "b/2").mustDelete(t, "model-a")
		for _, image := range []imageregistry.Image{first, second, third} {
			if w.exists(t, image.URI()) {
				t.Errorf("the delete left %s", image.Tag)
			}
		}
		if tags := w.tags(t, third.RepoURI); len(tags) != 0 {
			t.Errorf("the delete left %q", tags)
		}
	})
}

func TestRebuild_sameInputs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		first := p.mustCreate(t, specOf("model-a", "numpy"))
		image, b, err := p.Rebuild(t.Context(), "model-a", imageregistry.Lock{})
		second := p.mustBuild(t, image, b, err)
		if second.Digest == first.Digest || second.Tag == first.Tag || !w.exists(t, first.RepoURI+":"+first.Tag) {
			t.Errorf("a rebuild took %s@%s to %s@%s", first.Tag, first.Digest, second.Tag, second.Digest)
		}
		if r := p.builder.requests[1]; !r.Fresh || r.Pip[0].Name != "numpy" {
			t.Errorf("the builder was asked for %+v", r)
		}
		if _, _, err := p.Rebuild(t.Context(), "model-b", imageregistry.Lock{}); !errors.Is(err, imageregistry.ErrNotFound) {
			t.Errorf("Rebuild of nothing returns %v", err)
		}
	})
}

func TestGet_drift(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		built := p.mustCreate(t, specOf("model-a", "numpy"))
		tag := built.RepoURI + ":" + built.Tag
		expect := func(status imageregistry.Status, reason string) {
			t.Helper()
			got := p.mustGet(t, "model-a")
			if got.Status != status || got.StatusReason != reason {
				t.Errorf("status %q (%q), want %q (%q)", got.Status, got.StatusReason, status, reason)
			}
		}
		expect(imageregistry.StatusReady, "")

		moved := w.push(t, tag)
		expect(imageregistry.StatusMoved, "the tag "+built.Tag+" refers to "+moved+" instead of "+built.Digest+", which was built")
		image, b, err := p.Rebuild(t.Context(), "model-a", imageregistry.Lock{})
		if repaired := p.mustBuild(t, image, b, err); repaired.Tag != built.Tag {
			t.Errorf("the repair of a moved tag is under %s instead of %s", repaired.Tag, built.Tag)
		}
		expect(imageregistry.StatusReady, "")

		w.remove(t, tag)
		expect(imageregistry.StatusMissing, "the tag "+built.Tag+" is gone from the registry")
		w.remove(t, p.mustGet(t, "model-a").URI())
		expect(imageregistry.StatusMissing, "the tag "+built.Tag+" and its manifest are gone from the registry")
		p.mustUpdate(t, specOf("model-a", "numpy"))
		expect(imageregistry.StatusReady, "")

		base := w.push(t, basePython)
		expect(imageregistry.StatusOutdated, "the base image "+basePython+" is now "+base)
		p.mustUpdate(t, specOf("model-a", "numpy"))
		expect(imageregistry.StatusReady, "")

		// A base that cannot be looked up is no drift.
		w.remove(t, basePython)
		expect(imageregistry.StatusReady, "")

		other := w.process(t, "b/2", func(c *Config) { c.BaseImages = map[string]string{"3.12": testHost + "/base/python:3.11"} })
		if got := other.mustGet(t, "model-a"); got.Status != imageregistry.StatusOutdated || got.StatusReason != "the base image is now "+testHost+"/base/python:3.11 instead of "+basePython {
			t.Errorf("with another base configured: %q (%q)", got.Status, got.StatusReason)
		}
		p.mustDelete(t, "model-a")
		if tags := w.tags(t, built.RepoURI); len(tags) != 0 {
			t.Errorf("the delete left %q", tags)
		}
	})
}
