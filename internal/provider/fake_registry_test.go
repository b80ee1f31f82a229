package provider

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// fakeRegistry is a registry of managed images in memory: it keeps state, does what a registry does to it, and records what it was asked.
// It can only create and delete, as a RIME platform does; updatingRegistry is the one that can change images.
type fakeRegistry struct {
	mu     sync.Mutex
	images map[string]imageregistry.Image
	builds map[string]imageregistry.Build
	calls  []string
	serial int

	// errs fails the operation of that name ("Get", "Create", …) with that error, until it is taken away.
	errs map[string]error
	// afterCreate fails a Create with that error after it took effect: an answer that was lost.
	afterCreate error
	// failure makes new builds fail.
	failure *imageregistry.BuildFailure
	// endless makes new builds run until they are cancelled or released.
	endless bool
	// endsWhenCancelled makes builds end well just when they are asked to stop.
	endsWhenCancelled bool
	// namesNoBuilds is a registry whose images do not tell their builds, as those of a RIME platform do not.
	namesNoBuilds bool
	// uncancellable is a registry that does not stop builds.
	uncancellable bool
	// ends ends a build after that many more looks at it.
	ends map[string]int
	// elsewhere is a registry that looks for its images in another place than it has created them.
	elsewhere bool
	// started is told the id of each build that has started.
	started chan string
}

func newFakeRegistry() *fakeRegistry {
	return &fakeRegistry{
		images:  map[string]imageregistry.Image{},
		builds:  map[string]imageregistry.Build{},
		errs:    map[string]error{},
		ends:    map[string]int{},
		started: make(chan string, 100),
	}
}

// updatingRegistry is a fakeRegistry that can change and rebuild images, as the embedded registry can.
type updatingRegistry struct{ *fakeRegistry }

func newUpdatingRegistry() updatingRegistry { return updatingRegistry{newFakeRegistry()} }

var (
	_ imageregistry.Registry  = (*fakeRegistry)(nil)
	_ imageregistry.Locator   = (*fakeRegistry)(nil)
	_ imageregistry.Updater   = updatingRegistry{}
	_ imageregistry.Rebuilder = updatingRegistry{}
)

// Location implements imageregistry.Locator.
func (f *fakeRegistry) Location() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.elsewhere {
		return "elsewhere.test/ml"
	}
	return "registry.test/ml"
}

// begin records a call and returns the error that was asked for. The caller holds the lock.
func (f *fakeRegistry) begin(operation, name string) error {
	f.calls = append(f.calls, operation+" "+name)
	return f.errs[operation]
}

// build starts a build of the image. The caller holds the lock.
func (f *fakeRegistry) build(spec imageregistry.Spec, status imageregistry.Status) (imageregistry.Image, imageregistry.Build) {
	f.serial++
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b := imageregistry.Build{
		ID: fmt.Sprintf("%s/%d", spec.Name, f.serial), Status: imageregistry.BuildRunning, CreatedAt: now, StartedAt: now.Add(time.Second),
	}
	image := f.images[spec.Name]
	image.Name, image.Status, image.StatusReason = spec.Name, status, "It is being built."
	image.RoleType, image.RepoURI, image.BuildID = imageregistry.RoleTypeUserDefined, "registry.test/ml/"+spec.Name, b.ID
	image.PythonVersion = spec.PythonVersion
	if image.PythonVersion == "" {
		image.PythonVersion = "3.11"
	}
	image.PipRequirements = requirement.CanonicalPips(spec.PipRequirements)
	image.PackageRequirements = requirement.CanonicalPackages(spec.PackageRequirements)
	image.Unclaimed = false
	f.images[spec.Name], f.builds[b.ID] = image, b
	if !f.endless {
		f.end(b.ID)
	}
	select {
	case f.started <- b.ID:
	default:
	}
	return image, b // as the build was accepted, before its end
}

// end ends a build as it was asked for. The caller holds the lock.
func (f *fakeRegistry) end(id string) {
	b := f.builds[id]
	name, _, _ := strings.Cut(id, "/")
	image := f.images[name]
	b.CompletedAt, b.RunningTime = b.StartedAt.Add(90*time.Second), 90*time.Second
	b.Status, b.Failure = imageregistry.BuildSucceeded, nil
	image.Status, image.StatusReason = imageregistry.StatusReady, ""
	if f.failure != nil {
		b.Status, b.Failure = imageregistry.BuildFailed, f.failure
		image.Status, image.StatusReason = imageregistry.StatusFailed, "its last build failed: "+f.failure.Message
	} else {
		image.Tag = fmt.Sprintf("%s-%s", image.PythonVersion, image.Spec().Hash()[:12])
		image.Digest = "sha256:" + strings.Repeat(fmt.Sprint(f.serial%10), 64)
		image.Size = 123456
		image.BaseImage = imageregistry.ImageReference{
			Name: "python:" + image.PythonVersion + "-slim", ReferenceType: imageregistry.ReferenceTypeExternal, Digest: "sha256:" + strings.Repeat("b", 64),
		}
		image.PipLibraries = []imageregistry.PipLibrary{{Name: "pip", Version: "24.0"}}
		for _, p := range image.PipRequirements {
			image.PipLibraries = append(image.PipLibraries, imageregistry.PipLibrary{Name: p.Distribution(), Version: "1.0"})
		}
	}
	f.images[name], f.builds[id] = image, b
}

// Create implements imageregistry.Registry.
func (f *fakeRegistry) Create(_ context.Context, spec imageregistry.Spec) (imageregistry.Image, imageregistry.Build, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("Create", spec.Name); err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	if image, found := f.images[spec.Name]; found && !image.Unclaimed {
		return imageregistry.Image{}, imageregistry.Build{}, imageregistry.ErrAlreadyExists
	}
	image, b := f.build(spec, imageregistry.StatusBuildingFirstTime)
	return image, b, f.afterCreate
}

// Get implements imageregistry.Registry.
func (f *fakeRegistry) Get(_ context.Context, name string) (imageregistry.Image, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("Get", name); err != nil {
		return imageregistry.Image{}, err
	}
	image, found := f.images[name]
	if !found {
		return imageregistry.Image{}, fmt.Errorf("image %q: %w", name, imageregistry.ErrNotFound)
	}
	if f.namesNoBuilds {
		image.BuildID = ""
	}
	return image, nil
}

// List implements imageregistry.Registry.
func (f *fakeRegistry) List(_ context.Context, filter imageregistry.Filter) iter.Seq2[imageregistry.Image, error] {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.begin("List", fmt.Sprint(filter.PipLibraries))
	names := slices.Sorted(maps.Keys(f.images))
	slices.Reverse(names) // in no order that a caller could rely on
	images := maps.Clone(f.images)
	return func(yield func(imageregistry.Image, error) bool) {
		for _, name := range names {
			if has(images[name], filter) && !yield(images[name], nil) {
				return
			}
		}
		if err != nil {
			yield(imageregistry.Image{}, err)
		}
	}
}

func has(image imageregistry.Image, filter imageregistry.Filter) bool {
	for _, wanted := range filter.PipLibraries {
		if !slices.ContainsFunc(image.PipLibraries, func(l imageregistry.PipLibrary) bool {
			return l.Name == wanted.Name && (wanted.Version == "" || l.Version == wanted.Version)
		}) {
			return false
		}
	}
	return true
}

// Delete implements imageregistry.Registry.
func (f *fakeRegistry) Delete(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("Delete", name); err != nil {
		return err
	}
	if _, found := f.images[name]; !found {
		return imageregistry.ErrNotFound
	}
	delete(f.images, name)
	return nil
}

// Build implements imageregistry.Registry.
func (f *fakeRegistry) Build(_ context.Context, id string) (imageregistry.Build, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("Build", id); err != nil {
		return imageregistry.Build{}, err
	}
	if looks, counted := f.ends[id]; counted {
		if f.ends[id]--; looks <= 1 {
			delete(f.ends, id)
			f.end(id)
		}
	}
	b, found := f.builds[id]
	if !found {
		return b, imageregistry.ErrNotFound
	}
	return b, nil
}

// CancelBuild implements imageregistry.Registry.
func (f *fakeRegistry) CancelBuild(ctx context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("CancelBuild", id); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b := f.builds[id]
	if b.Status.Ended() {
		return nil
	}
	if f.endsWhenCancelled {
		f.end(id)
		return nil
	}
	if f.uncancellable {
		return imageregistry.ErrCannotCancel
	}
	b.Status = imageregistry.BuildCancelled
	b.Failure = &imageregistry.BuildFailure{Class: imageregistry.FailureCancelled, Message: "the build was cancelled"}
	name, _, _ := strings.Cut(id, "/")
	image := f.images[name]
	image.Status, image.StatusReason = imageregistry.StatusFailed, "its last build was cancelled"
	f.images[name], f.builds[id] = image, b
	return nil
}

// Update implements imageregistry.Updater.
func (f updatingRegistry) Update(_ context.Context, spec imageregistry.Spec) (imageregistry.Image, imageregistry.Build, error) {
	return f.change("Update", spec.Name, func(imageregistry.Image) imageregistry.Spec { return spec })
}

// Rebuild implements imageregistry.Rebuilder.
func (f updatingRegistry) Rebuild(_ context.Context, name string, _ imageregistry.Lock) (imageregistry.Image, imageregistry.Build, error) {
	return f.change("Rebuild", name, imageregistry.Image.Spec)
}

func (f *fakeRegistry) change(operation, name string, spec func(imageregistry.Image) imageregistry.Spec) (imageregistry.Image, imageregistry.Build, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin(operation, name); err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	image, found := f.images[name]
	switch {
	case !found:
		return imageregistry.Image{}, imageregistry.Build{}, imageregistry.ErrNotFound
	case image.Status.Building():
		return imageregistry.Image{}, imageregistry.Build{}, imageregistry.ErrBusy
	}
	image, b := f.build(spec(image), imageregistry.StatusRebuilding)
	return image, b, nil
}

// endsAfter lets an endless build end after that many more looks at it. The caller holds the lock.
func (f *fakeRegistry) endsAfter(id string, looks int) { f.ends[id] = looks }

// put places an image in the registry, as if somebody else had created it.
func (f *fakeRegistry) put(spec imageregistry.Spec, change func(*imageregistry.Image)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.build(spec, imageregistry.StatusBuildingFirstTime)
	f.alter(spec.Name, change)
}

// edit changes an image behind Terraform's back.
func (f *fakeRegistry) edit(name string, change func(*imageregistry.Image)) func() {
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.alter(name, change)
	}
}

func (f *fakeRegistry) alter(name string, change func(*imageregistry.Image)) {
	image := f.images[name]
	if change != nil {
		change(&image)
	}
	f.images[name] = image
}

// set changes how the registry behaves from then on.
func (f *fakeRegistry) set(change func(*fakeRegistry)) func() {
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		change(f)
	}
}

// changes are the calls that changed something, since the last time this was asked.
func (f *fakeRegistry) changes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var changing []string
	for _, call := range f.calls {
		if operation, _, _ := strings.Cut(call, " "); !slices.Contains([]string{"Get", "List", "Build"}, operation) {
			changing = append(changing, call)
		}
	}
	f.calls = nil
	return changing
}

// expectChanges fails the test unless exactly these changing calls were made since the last time.
func (f *fakeRegistry) expectChanges(t *testing.T, want ...string) {
	t.Helper()
	if got := f.changes(); !slices.Equal(got, want) {
		t.Errorf("calls that change something: got %q, want %q", got, want)
	}
}
