package acctest_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// TestManagedImage runs, on every kind of registry, what has to be the same on all of them.
func TestManagedImage(t *testing.T) {
	t.Parallel()
	for kind, start := range map[string]func(*testing.T) stand{"embedded": startEmbedded, "rime": startRIME} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for name, test := range map[string]func(*testing.T, *world){
				"basic": basic, "minimal": minimal, "spelling": spelling, "import": imported, "dataSources": dataSources,
				"namePrefix": namePrefix, "triggers": triggers, "unknownValues": unknownValues, "unknownProvider": unknownProvider,
				"adoptExisting": adoptExisting, "takenName": takenName, "retain": retain, "disappears": disappears,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, newWorld(t, start(t)))
				})
			}
		})
	}
}

// world is a registry of some kind, and a workspace on it.
type world struct {
	*acctest.Workspace
	stand
}

func newWorld(t *testing.T, s stand) *world { return &world{s.workspace(t), s} }

// stand is a registry of some kind as a test sees it, behind the provider's back.
type stand interface {
	// Requests are those so far, and Forget forgets them.
	Requests() []fault.Request
	Forget()
	// address is where the registry is, as the provider's configuration has it.
	address() string
	// workspace makes a workspace whose provider has this registry, and nothing else.
	workspace(t *testing.T) *acctest.Workspace
	// inPlace tells that an image is changed under its name, and not replaced.
	inPlace() bool
	// version tells what there is under the name of an image: something else after each build, and nothing where there is no image.
	version(t *testing.T, image string) string
	// remove takes an image away.
	remove(t *testing.T, image string)
	// spoil makes an image unusable, which has that tag.
	spoil(t *testing.T, image, tag string)
	// publishes and deletes tell the requests that make the new content of an image available, and that delete any of it.
	publishes(r fault.Request, image string) bool
	deletes(r fault.Request, image string) bool
	// reads tells a request that changes nothing.
	reads(r fault.Request) bool
}

// planned is the file that planChanges writes.
const planned = "planned"

// planChanges expects a plan that changes the image for one reason, however the registry does that. What forces a replacement is its reason.
func (w *world) planChanges(t *testing.T, attribute, reason string) {
	t.Helper()
	r := w.MustRun("plan", "-out="+planned)
	if w.inPlace() {
		shows(t, r, address+" will be updated in-place", "Plan: 0 to add, 1 to change, 0 to destroy.", `+ rebuild_reason = "`+reason+`"`)
		return
	}
	shows(t, r, address+" must be replaced", "Plan: 1 to add, 0 to change, 1 to destroy.", `Managed image "model" is replaced: `+reason)
	if forced := regexp.MustCompile(`[~+-] ` + attribute + ` [^#]*# forces replacement`); !forced.MatchString(r.Flat()) {
		t.Errorf("%s does not force the replacement:\n%s", attribute, r.Output)
	}
}

// expectVersion expects that the registry has that under the name of the image.
func (w *world) expectVersion(t *testing.T, image, version string) {
	t.Helper()
	if got := w.version(t, image); got != version {
		t.Errorf("the registry has %q of %s, want %q", got, image, version)
	}
}

// expectGone expects that the registry has nothing of these images.
func (w *world) expectGone(t *testing.T, images ...string) {
	t.Helper()
	for _, image := range images {
		w.expectVersion(t, image, "")
	}
}

// expectOnlyReads expects that the registry was asked, and only asked, since the requests were forgotten.
func (w *world) expectOnlyReads(t *testing.T) {
	t.Helper()
	requests := w.Requests()
	if len(requests) == 0 {
		t.Error("the registry was not asked at all")
	}
	for _, r := range requests {
		if !w.reads(r) {
			t.Errorf("the registry got %s %s", r.Method, r.Path)
		}
	}
}

// embeddedStand is the embedded registry on an OCI registry and BuildKit.
type embeddedStand struct{ *oci.Server }

func startEmbedded(t *testing.T) stand { return embeddedStand{acctest.StartRegistry(t, oci.Options{})} }

func (s embeddedStand) address() string { return s.Host }

func (s embeddedStand) workspace(t *testing.T) *acctest.Workspace {
	return acctest.NewEmbeddedWorkspace(t, s.Host)
}

func (s embeddedStand) inPlace() bool { return true }

// version is all that there is: nothing may be left of an image that is gone.
func (s embeddedStand) version(t *testing.T, image string) string {
	t.Helper()
	manifests := manifestsOf(t, s.Server, image)
	return strings.Join(append(repositoryOf(t, s.Host, image).tags(), manifests...), " ")
}

func (s embeddedStand) remove(t *testing.T, image string) {
	t.Helper()
	repo := repositoryOf(t, s.Host, image)
	for _, tag := range repo.tags() {
		repo.delete(tag)
	}
}

func (s embeddedStand) spoil(t *testing.T, image, tag string) {
	t.Helper()
	repositoryOf(t, s.Host, image).delete(tag)
}

func (s embeddedStand) publishes(r fault.Request, image string) bool {
	return r.Method == http.MethodPut && strings.HasPrefix(r.Path, "/v2/ml/"+image+"/manifests/3.11-")
}

func (s embeddedStand) deletes(r fault.Request, image string) bool {
	return r.Method == http.MethodDelete && strings.HasPrefix(r.Path, "/v2/ml/"+image+"/")
}

func (s embeddedStand) reads(r fault.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// rimeStand is a RIME platform.
type rimeStand struct{ *sandbox.Server }

func startRIME(t *testing.T) stand { return rimeStand{acctest.StartPlatform(t, sandbox.Options{})} }

func (s rimeStand) address() string { return s.URL }

func (s rimeStand) workspace(t *testing.T) *acctest.Workspace {
	return acctest.RIME{Endpoint: s.URL}.NewWorkspace(t)
}

func (s rimeStand) inPlace() bool { return false }

// version is the last build of the image.
func (s rimeStand) version(t *testing.T, image string) string {
	t.Helper()
	builds := s.Builds(image)
	if len(builds) == 0 || !slices.Contains(s.ImageNames(), image) {
		return ""
	}
	return builds[len(builds)-1].JobID
}

func (s rimeStand) remove(t *testing.T, image string) {
	t.Helper()
	if err := s.Remove(image); err != nil {
		t.Fatal(err)
	}
}

func (s rimeStand) spoil(t *testing.T, image, _ string) {
	t.Helper()
	if err := s.SetImageStatus(image, "STATUS_FAILED"); err != nil {
		t.Fatal(err)
	}
}

func (s rimeStand) publishes(r fault.Request, _ string) bool {
	return r.Method == http.MethodPost && r.Path == "/v1/images"
}

func (s rimeStand) deletes(r fault.Request, image string) bool {
	return r.Method == http.MethodDelete && r.Path == "/v1/images/"+image
}

func (s rimeStand) reads(r fault.Request) bool {
	return r.Method == http.MethodGet || r.Path == "/v1/images/list"
}
