package acctest_test

import (
	"path/filepath"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
)

// Without a BuildKit daemon, the message says where it was looked for and how to start one, and nothing is left in the registry.
func TestManagedImage_noBuildKit(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"no socket":   "unix://" + filepath.Join(t.TempDir(), "buildkitd.sock"),
		"closed port": "tcp://127.0.0.1:1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := acctest.StartRegistry(t, oci.Options{})
			w := acctest.Embedded{Registry: registry.Host, BuildKit: address}.NewWorkspace(t)
			w.Write("main.tf", imageOf("model", "tiny-model"))
			fails(t, w, []string{"apply", "-auto-approve"}, `managed image "model"`, "no BuildKit daemon answered at "+address,
				"docker run --detach --privileged --name buildkitd moby/buildkit", "docker-container://buildkitd", "unix:///run/buildkit/buildkitd.sock")
			w.Destroy()
			expectNothingLeft(t, registry, "model")
		})
	}
}
