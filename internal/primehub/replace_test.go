package primehub_test

import (
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// TestAwaitBuild_replacedBySame replaces an image by one of the same name and recipe, while the job of the old one is still there: before the platform has written that the new one is
// to be built, it shows the old job's success, whose address carries the right hash. That is not believed.
func TestAwaitBuild_replacedBySame(t *testing.T) {
	t.Parallel()
	for name, again := range map[string][]string{"the same": {"numpy"}, "something else": {"scipy"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := sandbox.Options{WriteDelay: 500 * time.Millisecond, Reaction: 400 * time.Millisecond, CollectionDelay: 20 * time.Second}
			inWorld(t, o, func(t *testing.T, w *world) {
				old := w.ready(built("churn", "numpy"))
				w.must(w.Delete(t.Context(), "churn"))
				began := time.Now()
				image := w.ready(built("churn", again...))
				if took := time.Since(began); took < 5*time.Minute || len(w.Builds("churn")) != 2 {
					t.Errorf("the build that made %s was believed after %s to be that of %s, after %d builds", old.URL, took, image.URL, len(w.Builds("churn")))
				}
			})
		})
	}
}

// TestRelapsesUntil knows which names are those of images that were deleted here, and for how long that matters.
func TestRelapsesUntil(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.create(existing("tf"))
		if until := w.RelapsesUntil("tf"); !until.IsZero() {
			t.Errorf("until %s, but nothing was deleted", until)
		}
		impatient := w.as(sandbox.TokenAdmin, func(c *primehub.Config) { c.Timing.Relapse = time.Minute })
		w.must(impatient.Delete(t.Context(), "tf"))
		if left := time.Until(impatient.RelapsesUntil("tf")); left <= 50*time.Second || left > time.Minute {
			t.Errorf("for another %s", left)
		}
		if until := w.RelapsesUntil("tf"); !until.IsZero() {
			t.Errorf("until %s, but somebody else has deleted it", until)
		}
	})
}
