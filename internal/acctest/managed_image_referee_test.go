package acctest_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// The same life in a registry that none of our code had a part in.
func TestManagedImage_dockerRegistry(t *testing.T) {
	t.Parallel()
	host := workbenchtest.DockerRegistry(t)
	w := acctest.NewEmbeddedWorkspace(t, host)
	w.Write("main.tf", model)
	w.Apply()
	w.PlanIsEmpty()
	w.Clone().PlanIsEmpty()
	repo := repositoryOf(t, host, "model")
	first := text(t, w, "image_digest")

	w.Edit("main.tf", ">=1,<2", ">=2")
	planShows(t, w, `+ rebuild_reason = "pip requirements changed: ~ tiny-model >=1,<2 -> >=2"`)
	w.Apply()
	w.PlanIsEmpty()
	second, tag := text(t, w, "image_digest"), text(t, w, "rime_tag")
	ours := slices.Concat(repo.family(first), repo.family(second))

	repo.delete(second) // and its tag, as this registry has it
	planShows(t, w, "the tag "+tag+" and its manifest are gone from the registry")
	w.Apply()
	w.PlanIsEmpty()
	ours = append(ours, repo.family(text(t, w, "image_digest"))...)

	importer := acctest.NewEmbeddedWorkspace(t, host)
	importer.Write("main.tf", strings.ReplaceAll(model, ">=1,<2", ">=2"))
	importer.MustRun("import", address, "model")
	importer.PlanIsEmpty()

	w.Destroy()
	if tags := repo.tags(); len(tags) > 0 {
		t.Errorf("the registry still has the tags %q", tags)
	}
	for _, digest := range ours {
		if repo.digest(digest) != "" {
			t.Errorf("the registry still has the manifest %s", digest)
		}
	}
	w.Apply()
	w.Destroy()
}

// family are the digests of an index and of what it holds.
func (r repository) family(digest string) []string {
	r.t.Helper()
	manifest, err := r.index(digest).IndexManifest()
	if err != nil {
		r.t.Fatal(err)
	}
	family := []string{digest}
	for _, child := range manifest.Manifests {
		family = append(family, child.Digest.String())
	}
	return family
}

// A registry that deletes nothing is the default of Docker's.
func TestManagedImage_registryWithoutDeletes(t *testing.T) {
	t.Parallel()
	host := workbenchtest.DockerRegistryWithoutDeletes(t)
	w := acctest.NewEmbeddedWorkspace(t, host)
	w.Write("main.tf", model)
	w.Apply()
	w.PlanIsEmpty()
	w.Edit("main.tf", ">=1,<2", ">=2")
	w.Apply()
	w.PlanIsEmpty()
	digest := text(t, w, "image_digest")

	fails(t, w, []string{"destroy", "-auto-approve"}, "Error: Unable to Delete Managed Image", "REGISTRY_STORAGE_DELETE_ENABLED=true",
		`set deletion_policy = "retain" and apply that before the destroy, to only forget the image. Managed image: model`)
	expectValues(t, w, map[string]any{"status": "ready", "image_digest": digest})
	w.PlanIsEmpty()

	w.Edit("main.tf", `"3.11"`, "\"3.11\"\n  deletion_policy = \"retain\"")
	shows(t, w.Apply(), "0 added, 1 changed, 0 destroyed")
	shows(t, w.Destroy(), "Destroy complete! Resources: 1 destroyed.")
	if err := repositoryOf(t, host, "model").pull(digest); err != nil {
		t.Errorf("the image that was to be kept cannot be pulled: %v", err)
	}
}

// What was published, in the eyes of a client that none of our code had a part in.
func TestManagedImage_content(t *testing.T) {
	t.Parallel()
	host := workbenchtest.DockerRegistry(t)
	w := acctest.NewEmbeddedWorkspace(t, host)
	w.Write("main.tf", strings.Replace(model, `"]`, `", "needs-other"]`, 1))
	w.Apply()
	tag, digest := text(t, w, "rime_tag"), text(t, w, "image_digest")
	reference := "docker://" + host + "/ml/model:" + tag

	var seen struct {
		Digest string
		Os     string
		Layers []string
		Labels map[string]string
	}
	inspected := skopeo(t, "inspect", "--tls-verify=false", reference)
	if err := json.Unmarshal(inspected, &seen); err != nil {
		t.Fatalf("skopeo inspect: %v\n%s", err, inspected)
	}
	base, _ := w.Values(address)["base_image"].(map[string]any)
	if seen.Digest != digest || seen.Os != "linux" || len(seen.Layers) != 2 {
		t.Errorf("skopeo sees %+v, the state has %s", seen, digest)
	}
	for label, want := range map[string]any{
		"org.opencontainers.image.title":              "model",
		"org.opencontainers.image.version":            tag,
		"org.opencontainers.image.base.name":          base["name"],
		"org.opencontainers.image.base.digest":        base["digest"],
		"io.github.managed-images.rime.name":          "model",
		"io.github.managed-images.rime.base-digest":   base["digest"],
		"io.github.managed-images.rime.version":       "dev",
		"org.opencontainers.image.description":        nil, // the base image's own, which would not be true of this one
		"io.github.managed-images.rime.no-such-label": nil,
	} {
		if got, found := seen.Labels[label]; (want == nil) == found || (found && got != want) {
			t.Errorf("the label %s is %q, want %v", label, got, want)
		}
	}

	dir := filepath.Join(t.TempDir(), "copy")
	skopeo(t, "copy", "--all", "--preserve-digests", "--src-tls-verify=false", reference, "oci:"+dir+":model")
	copied, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := v1.NewHash(digest)
	if err != nil {
		t.Fatal(err)
	}
	index, err := copied.ImageIndex(hash)
	if err != nil {
		t.Fatal(err)
	}
	image := only(t, index)
	expectInstalled(t, image)
	expectAttested(t, index, image)
}

func skopeo(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), workbenchtest.Skopeo(t), args...)
	out, err := cmd.Output()
	if err != nil {
		words := ""
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			words = string(exit.Stderr)
		}
		t.Fatalf("skopeo %s: %v\n%s", strings.Join(args, " "), err, words)
	}
	return out
}

// leftovers are files that a build may need and an image must not keep.
var leftovers = regexp.MustCompile(`(?i)(^|/)(pip\.conf|[^/]*requirements[^/]*\.txt|\.cache|ca\.pem|apt\.conf)(/|$)|^(run|tmp|var/tmp|root|var/log)/.|^var/(lib/apt/lists|cache/apt)/.|^etc/resolv\.conf$`)

// expectInstalled expects the packages of pip in the one layer above the base image, and nothing besides.
func expectInstalled(t *testing.T, image v1.Image) {
	t.Helper()
	files := map[string]string{}
	for _, layer := range layersAboveBase(t, image) {
		unpack(t, layer, files)
	}
	const packages = "usr/local/lib/python3.11/dist-packages/"
	for file, content := range map[string]string{
		packages + "tiny_model/__init__.py":                    `__version__ = "1.1"`,
		packages + "tiny_model-1.1.dist-info/METADATA":         "Name: tiny-model",
		packages + "tiny_model-1.1.dist-info/RECORD":           "tiny_model/__init__.py,sha256=",
		packages + "tiny_model-1.1.dist-info/INSTALLER":        "pip",
		packages + "needs_other/__init__.py":                   `__version__ = "1.0"`,
		packages + "other_lib/__init__.py":                     `__version__ = "1.0"`, // which needs-other needs
		packages + "other_lib-1.0.dist-info/METADATA":          "Version: 1.0",
		packages + "needs_other-1.0.dist-info/METADATA":        "Requires-Dist: other-lib>=1.0",
		packages + "needs_other-1.0.dist-info/direct_url.json": "",
	} {
		found, ok := files[file]
		if ok != (content != "") || !strings.Contains(found, content) {
			t.Errorf("%s: %t, %q; want %q", file, ok, found, content)
		}
	}
	for file, content := range files {
		if leftovers.MatchString(file) {
			t.Errorf("the build left %s in the image", file)
		}
		if !strings.HasPrefix(file, packages) && !strings.HasPrefix(packages, file) {
			t.Errorf("%s in the image is not of a package", file)
		}
		if strings.Contains(content, "127.0.0.1") {
			t.Errorf("%s tells about the builder: %s", file, content)
		}
	}
}

// layersAboveBase are the layers that the build added.
func layersAboveBase(t *testing.T, image v1.Image) []v1.Layer {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) < 2 {
		t.Fatalf("the image has %d layers", len(layers))
	}
	return layers[1:]
}

// unpack adds the content of the files of a layer.
func unpack(t *testing.T, layer v1.Layer, files map[string]string) {
	t.Helper()
	content, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(header.Name, "./")] = string(text)
	}
}

// expectAttested expects a list of what is in the image and an account of how it came to be, both about this image.
func expectAttested(t *testing.T, index v1.ImageIndex, image v1.Image) {
	t.Helper()
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	statements := attestations(t, index)
	sbom, provenance := statements["https://spdx.dev/Document"], statements["https://slsa.dev/provenance/v1"]
	for _, wanted := range []struct{ name, statement, says string }{
		{"SBOM", sbom, digest.Hex},
		{"SBOM", sbom, `"SPDX-2.3"`},
		{"SBOM", sbom, `"pkg:pypi/tiny-model@1.1"`},
		{"SBOM", sbom, `"pkg:pypi/other-lib@1.0"`},
		{"SBOM", sbom, `"pkg:deb/debian/libc6@`},
		{"provenance", provenance, digest.Hex},
		{"provenance", provenance, "pkg:docker/"},
		{"provenance", provenance, "https://github.com/managed-images/terraform-provider-rime@dev"},
	} {
		if !strings.Contains(wanted.statement, wanted.says) {
			t.Errorf("no %q in the %s:\n%s", wanted.says, wanted.name, wanted.statement)
		}
	}
}

// attestations are the statements of an index by what they are about.
func attestations(t *testing.T, index v1.ImageIndex) map[string]string {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	statements := map[string]string{}
	for _, child := range manifest.Manifests {
		if child.Annotations[attestationKey] != "attestation-manifest" {
			continue
		}
		image, err := index.Image(child.Digest)
		if err != nil {
			t.Fatal(err)
		}
		held, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, layer := range held.Layers {
			statements[layer.Annotations["in-toto.io/predicate-type"]] = blob(t, image, layer.Digest)
		}
	}
	return statements
}

func blob(t *testing.T, image v1.Image, digest v1.Hash) string {
	t.Helper()
	layer, err := image.LayerByDigest(digest)
	if err != nil {
		t.Fatal(err)
	}
	content, err := layer.Compressed() // as it is in the registry
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	text, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
