package acctest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/workbench"
)

func TestMain(m *testing.M) { acctest.Main(m) }

const (
	// address is the resource of most tests.
	address = "rime_managed_image.a"
	// recordTag is the tag of the record in a repository.
	recordTag = "rime-record"
)

// model is a configuration of one image, cheap because all tests share its build.
const model = `
resource "rime_managed_image" "a" {
  name             = "model"
  python_version   = "3.11"
  pip_requirements = ["tiny-model>=1,<2"]
}
`

// setup starts a registry for the test and makes a workspace on it with this configuration.
func setup(t *testing.T, config string) (*oci.Server, *acctest.Workspace) {
	t.Helper()
	registry := acctest.StartRegistry(t, oci.Options{})
	w := acctest.NewEmbeddedWorkspace(t, registry.Host)
	w.Write("main.tf", config)
	return registry, w
}

// planShows expects a plan with something to do, and these texts in it, whatever the breaks of lines.
func planShows(t *testing.T, w *acctest.Workspace, texts ...string) acctest.Result {
	t.Helper()
	r := w.Run("plan", "-detailed-exitcode")
	if r.ExitCode != 2 {
		t.Fatalf("the plan should have something to do: exit status %d\n%s", r.ExitCode, r.Output)
	}
	shows(t, r, texts...)
	return r
}

// fails runs a command that has to fail, with these texts in its output.
func fails(t *testing.T, w *acctest.Workspace, args []string, texts ...string) acctest.Result {
	t.Helper()
	r := w.Run(args...)
	if r.ExitCode != 1 {
		t.Fatalf("terraform %s should fail: exit status %d\n%s", strings.Join(args, " "), r.ExitCode, r.Output)
	}
	shows(t, r, texts...)
	return r
}

// shows expects these texts in the output, whatever the breaks of lines.
func shows(t *testing.T, r acctest.Result, texts ...string) {
	t.Helper()
	flat := r.Flat()
	for _, text := range texts {
		if !strings.Contains(flat, strings.Join(strings.Fields(text), " ")) {
			t.Errorf("no %q in the output:\n%s", text, r.Output)
		}
	}
}

// text is an attribute of the first image that has to be a text that is not empty.
func text(t *testing.T, w *acctest.Workspace, attribute string) string {
	t.Helper()
	value, ok := w.Values(address)[attribute].(string)
	if !ok || value == "" {
		t.Fatalf("%s.%s has no value: %v", address, attribute, w.Values(address))
	}
	return value
}

// expectValues expects these attributes of the first image in the state.
func expectValues(t *testing.T, w *acctest.Workspace, want map[string]any) {
	t.Helper()
	values := w.Values(address)
	if values == nil {
		t.Fatalf("%s is not in the state", address)
	}
	for attribute, value := range want {
		if values[attribute] != value {
			t.Errorf("%s.%s is %#v, want %#v", address, attribute, values[attribute], value)
		}
	}
}

// repository asks a registry, behind the provider's back.
type repository struct {
	name.Repository
	t *testing.T
}

// repositoryOf is the repository of an image of [acctest.NewEmbeddedWorkspace].
func repositoryOf(t *testing.T, host, image string) repository {
	t.Helper()
	repo, err := name.NewRepository(host + "/ml/" + image)
	if err != nil {
		t.Fatal(err)
	}
	return repository{repo, t}
}

// tags are the tags, none when the registry does not know the repository.
func (r repository) tags() []string {
	r.t.Helper()
	tags, err := remote.List(r.Repository, remote.WithContext(r.t.Context()))
	if err != nil && !absent(err) {
		r.t.Fatal(err)
	}
	return tags
}

// digest is what a tag or digest stands for, empty when the registry has no such thing.
func (r repository) digest(reference string) string {
	r.t.Helper()
	found, err := remote.Head(r.reference(reference), remote.WithContext(r.t.Context()))
	if absent(err) {
		return ""
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return found.Digest.String()
}

// reference is that tag or digest of the repository.
func (r repository) reference(reference string) name.Reference {
	if strings.Contains(reference, ":") {
		return r.Digest(reference)
	}
	return r.Tag(reference)
}

// index is the index that a tag or digest stands for.
func (r repository) index(reference string) v1.ImageIndex {
	r.t.Helper()
	index, err := remote.Index(r.reference(reference), remote.WithContext(r.t.Context()))
	if err != nil {
		r.t.Fatal(err)
	}
	return index
}

// image is the only image that a tag or digest stands for.
func (r repository) image(reference string) v1.Image {
	r.t.Helper()
	return only(r.t, r.index(reference))
}

// pull reads every byte that a tag or digest stands for, which has to be one image.
func (r repository) pull(reference string) error {
	r.t.Helper()
	r.image(reference)
	return workbench.Pull(r.t.Context(), r.reference(reference).String())
}

// only is the only image of an index that is no attestation.
func only(t *testing.T, index v1.ImageIndex) v1.Image {
	t.Helper()
	images, err := partial.FindImages(index, func(d v1.Descriptor) bool { return d.Annotations[attestationKey] == "" })
	if err != nil {
		t.Fatal(err)
	}
	if len(images) != 1 {
		t.Fatalf("the index has %d images", len(images))
	}
	return images[0]
}

// attestationKey is the annotation that tells attestations from images in an index, by BuildKit's convention.
const attestationKey = "vnd.docker.reference.type"

// delete deletes a tag and nothing that it leads to, or a manifest with its tags.
func (r repository) delete(reference string) {
	r.t.Helper()
	if err := remote.Delete(r.reference(reference), remote.WithContext(r.t.Context())); err != nil {
		r.t.Fatal(err)
	}
}

// push pushes an image under a tag.
func (r repository) push(tag string, image v1.Image) {
	r.t.Helper()
	if err := remote.Write(r.Tag(tag), image, remote.WithContext(r.t.Context())); err != nil {
		r.t.Fatal(err)
	}
}

// absent tells whether a registry said that there is no such thing.
func absent(err error) bool {
	answer, ok := errors.AsType[*transport.Error](err)
	return ok && answer.StatusCode == http.StatusNotFound
}

// expectNothingLeft expects that a registry has neither tags nor manifests of the image.
func expectNothingLeft(t *testing.T, registry *oci.Server, image string) {
	t.Helper()
	if tags := repositoryOf(t, registry.Host, image).tags(); len(tags) > 0 {
		t.Errorf("the registry still has the tags %q of %s", tags, image)
	}
	manifests, err := registry.Manifests("ml/" + image)
	if err != nil {
		t.Fatal(err)
	}
	if len(manifests) > 0 {
		t.Errorf("the registry still has the manifests %q of %s", manifests, image)
	}
}

// movingBase is the base image under a tag of the test's own, next to the shared one, and a function that moves the tag to
// another image with the same content.
func movingBase(t *testing.T) (reference string, move func(label string) (digest string)) {
	t.Helper()
	shared, err := name.ParseReference(acctest.BaseImage(t))
	if err != nil {
		t.Fatal(err)
	}
	base, err := remote.Image(shared, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	tag := shared.Context().Registry.Repo("base", strings.ToLower(t.Name())).Tag("3.11")
	return tag.Name(), func(label string) string {
		t.Helper()
		file, err := base.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config := file.Config
		config.Labels = map[string]string{"moved": label}
		moved, err := mutate.Config(base, config)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(tag, moved, remote.WithContext(t.Context())); err != nil {
			t.Fatal(err)
		}
		digest, err := moved.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return digest.String()
	}
}
