package acctest_test

import (
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
)

func disappears(t *testing.T, w *world) {
	w.Write("main.tf", model)
	w.Apply()
	w.remove(t, "model")
	planShows(t, w.Workspace, "rime_managed_image.a will be created", "Plan: 1 to add, 0 to change, 0 to destroy.")
	w.Apply()
	if w.version(t, "model") == "" {
		t.Error("the registry has no such image")
	}
	w.PlanIsEmpty()
	w.remove(t, "model")
	w.Destroy() // there is nothing to be done any more
}

func TestManagedImage_recordDisappears(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, model)
	w.Apply()
	repo, tag, digest := repositoryOf(t, registry.Host, "model"), text(t, w, "rime_tag"), text(t, w, "image_digest")
	repo.delete(recordTag)
	planShows(t, w, "rime_managed_image.a will be created")
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
	if repo.digest(tag) != digest {
		t.Error("an image that no record says is ours was overwritten or removed")
	}
}

func TestManagedImage_tagDisappears(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, model)
	w.Apply()
	repo, tag := repositoryOf(t, registry.Host, "model"), text(t, w, "rime_tag")
	repo.delete(tag)
	planShows(t, w, "rime_managed_image.a will be updated in-place", "Plan: 0 to add, 1 to change, 0 to destroy.",
		`~ status = "missing" -> (known after apply)`,
		`+ rebuild_reason = "the tag `+tag+` is gone from the registry"`)
	w.Apply()
	expectValues(t, w, map[string]any{"status": "ready", "rime_tag": tag})
	if found := repo.digest(tag); found != text(t, w, "image_digest") {
		t.Errorf("the tag stands for %q", found)
	}
	w.PlanIsEmpty()
	w.Destroy()
	expectNothingLeft(t, registry, "model")
}

func TestManagedImage_manifestDisappears(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, model)
	w.Apply()
	repo, tag := repositoryOf(t, registry.Host, "model"), text(t, w, "rime_tag")
	repo.delete(text(t, w, "image_digest"))
	planShows(t, w, `+ rebuild_reason = "the tag `+tag+` and its manifest are gone from the registry"`)
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
	expectNothingLeft(t, registry, "model")
}

func TestManagedImage_tagMoved(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, model)
	w.Apply()
	repo, tag := repositoryOf(t, registry.Host, "model"), text(t, w, "rime_tag")
	stranger, err := random.Image(1024, 1)
	if err != nil {
		t.Fatal(err)
	}
	repo.push(tag, stranger)
	planShows(t, w, `~ status = "moved" -> (known after apply)`, `+ rebuild_reason = "the tag `+tag+` refers to `+repo.digest(tag)+` instead of `+text(t, w, "image_digest")+`, which was built"`)
	w.Apply()
	expectValues(t, w, map[string]any{"status": "ready", "rime_tag": tag})
	if found := repo.digest(tag); found != text(t, w, "image_digest") {
		t.Errorf("the tag stands for %q", found)
	}
	w.PlanIsEmpty()
	w.Destroy()
	digest, err := stranger.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if left, err := registry.Manifests("ml/model"); err != nil || !slices.Equal(left, []string{digest.String()}) {
		t.Errorf("the registry has the manifests %q, %v; want only the one that somebody else pushed", left, err)
	}
}

func TestManagedImage_baseMoved(t *testing.T) {
	t.Parallel()
	registry := acctest.StartRegistry(t, oci.Options{})
	w := acctest.NewEmbeddedWorkspace(t, registry.Host)
	base, move := movingBase(t)
	first := move("first")
	w.Edit("provider.tf", acctest.BaseImage(t), base)
	w.Write("main.tf", model)
	w.Apply()
	expectBase(t, w, first)
	second := move("second")

	w.PlanIsEmpty() // it is usable, and nobody asked for more
	shows(t, w.Apply("-refresh-only"), `status = "ready" -> "outdated"`)
	expectValues(t, w, map[string]any{"status": "outdated", "status_reason": "the base image " + base + " is now " + second})

	w.Edit("main.tf", `"3.11"`, "\"3.11\"\n  rebuild_when_outdated = true")
	planShows(t, w, "Plan: 0 to add, 1 to change, 0 to destroy.", `+ rebuild_reason = "the base image `+base+` is now `+second+`"`)
	w.Apply()
	expectValues(t, w, map[string]any{"status": "ready"})
	expectBase(t, w, second)
	w.PlanIsEmpty()
	w.Destroy()
	expectNothingLeft(t, registry, "model")
}

func expectBase(t *testing.T, w *acctest.Workspace, digest string) {
	t.Helper()
	base, _ := w.Values(address)["base_image"].(map[string]any)
	if base["digest"] != digest {
		t.Errorf("base_image is %v, want the digest %s", base, digest)
	}
}
