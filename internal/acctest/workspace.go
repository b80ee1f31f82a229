package acctest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
)

// StartRegistry starts an OCI registry for one test. It has the layers of the base image already, unless it is given a directory.
func StartRegistry(t testing.TB, options oci.Options) *oci.Server {
	t.Helper()
	if options.DataDir == "" {
		options.DataDir = baseBlobs(t)
	}
	return StartEmptyRegistry(t, options)
}

// StartEmptyRegistry starts an OCI registry for one test that has nothing at all.
func StartEmptyRegistry(t testing.TB, options oci.Options) *oci.Server {
	t.Helper()
	server, err := oci.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("stopping the registry: %v", err)
		}
	})
	return server
}

// Workspace is a directory with a Terraform configuration and its state, and the provider's binary as it is in the tree.
type Workspace struct {
	// Dir is the directory.
	Dir string
	// Env is added to the environment of every command.
	Env map[string]string
	t   testing.TB
	// killed tells that a command was killed, so that its temporary files stay. It is shared by all on the same machine.
	killed *atomic.Bool
}

// NewWorkspace makes an empty workspace.
func NewWorkspace(t testing.TB) *Workspace {
	t.Helper()
	var killed atomic.Bool
	w := &Workspace{Dir: t.TempDir(), Env: map[string]string{"TMPDIR": temporary(t, &killed)}, t: t, killed: &killed}
	rc := filepath.Join(t.TempDir(), "terraform.rc")
	text := fmt.Sprintf("provider_installation {\n  dev_overrides { \"managed-images/rime\" = %q }\n  direct {}\n}\n", filepath.Dir(Binary(t)))
	if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Env["TF_CLI_CONFIG_FILE"] = rc
	return w
}

// temporary is a directory for the temporary files of Terraform and its providers, which leave nothing there unless they are
// killed, but for the lifeline of a create that failed. It is not that of the test: the path of a socket is limited to some
// hundred bytes.
func temporary(t testing.TB, killed *atomic.Bool) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tf-") //nolint:usetesting // its name would be too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		left = slices.DeleteFunc(left, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".lock") })
		if err != nil || len(left) > 0 && !killed.Load() {
			t.Errorf("Terraform and its providers left temporary files behind: %v %v", left, err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// NewEmbeddedWorkspace makes a workspace whose provider has the embedded registry on that OCI registry (host and port), on the
// shared BuildKit, base image and package index. settings are further lines within the block embedded_registry.
func NewEmbeddedWorkspace(t testing.TB, registryHost string, settings ...string) *Workspace {
	t.Helper()
	return Embedded{Registry: registryHost, Settings: settings}.NewWorkspace(t)
}

// Write writes a file of the configuration.
func (w *Workspace) Write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.Dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// Edit replaces a piece of a file of the configuration, which has to be there.
func (w *Workspace) Edit(name, before, after string) {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.Dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(string(text), before) {
		w.t.Fatalf("%s has no %q:\n%s", name, before, text)
	}
	w.Write(name, strings.ReplaceAll(string(text), before, after))
}

// Clone makes another directory with the same configuration and a copy of the state: another machine.
func (w *Workspace) Clone() *Workspace {
	w.t.Helper()
	c := &Workspace{Dir: w.t.TempDir(), Env: maps.Clone(w.Env), t: w.t, killed: w.killed}
	if err := os.CopyFS(c.Dir, os.DirFS(w.Dir)); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// CopyState takes over the state of another workspace.
func (w *Workspace) CopyState(from *Workspace) {
	w.t.Helper()
	state, err := os.ReadFile(filepath.Join(from.Dir, "terraform.tfstate"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.Write("terraform.tfstate", string(state))
}

// For is the same workspace for a part of the test.
func (w *Workspace) For(t testing.TB) *Workspace {
	part := *w
	part.t = t
	return &part
}

// Result is what a command of Terraform printed, both streams in the order of printing, and its exit status.
type Result struct {
	Output   string
	ExitCode int
}

// Flat is the output with every run of white space and box-drawing characters made one space, so that a sentence is found
// however Terraform wrapped it.
func (r Result) Flat() string {
	return strings.Join(strings.FieldsFunc(r.Output, func(c rune) bool { return c == '│' || c == '╷' || c == '╵' || c == ' ' || c == '\n' }), " ")
}

// Run runs a command of Terraform ("plan", "-detailed-exitcode") to its end.
func (w *Workspace) Run(args ...string) Result {
	w.t.Helper()
	return w.Start(args...).Wait()
}

// MustRun is Run for a command that has to succeed.
func (w *Workspace) MustRun(args ...string) Result {
	w.t.Helper()
	r := w.Run(args...)
	if r.ExitCode != 0 {
		w.t.Fatalf("terraform %s: exit status %d\n%s", strings.Join(args, " "), r.ExitCode, r.Output)
	}
	return r
}

// Apply applies the configuration and has to succeed.
func (w *Workspace) Apply(args ...string) Result {
	w.t.Helper()
	return w.MustRun(append([]string{"apply", "-auto-approve"}, args...)...)
}

// PlanIsEmpty fails the test if there is anything to do.
func (w *Workspace) PlanIsEmpty() {
	w.t.Helper()
	if r := w.Run("plan", "-detailed-exitcode"); r.ExitCode != 0 {
		w.t.Fatalf("the plan is not empty: exit status %d\n%s", r.ExitCode, r.Output)
	}
}

// Destroy destroys everything and has to succeed.
func (w *Workspace) Destroy() Result {
	w.t.Helper()
	return w.MustRun("destroy", "-auto-approve")
}

// Values returns the attributes of the resource of that address ("rime_managed_image.a") from the state file; nil when it is not there.
func (w *Workspace) Values(address string) map[string]any {
	w.t.Helper()
	kind, name, ok := strings.Cut(address, ".")
	if !ok {
		w.t.Fatalf("%q is no address of a resource", address)
	}
	r, _ := w.resource(kind, name)
	return r.Attributes
}

// Resource is a resource as the state file has it.
type Resource struct {
	// Attributes are its attributes.
	Attributes map[string]any
	// Tainted tells that the next apply replaces it.
	Tainted bool
}

// Text is a string attribute, by its path ("build.status"); empty where there is none.
func (r Resource) Text(path ...string) string {
	var value any = r.Attributes
	for _, key := range path {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	text, _ := value.(string)
	return text
}

// StateFile is the state file as it is; nil where there is none.
func (w *Workspace) StateFile() []byte {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.Dir, "terraform.tfstate"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	return content
}

// Image returns the rime_managed_image of that name within the configuration from the state file, without asking Terraform, and whether it is there.
func (w *Workspace) Image(name string) (Resource, bool) {
	w.t.Helper()
	return w.resource("rime_managed_image", name)
}

// GroupImage is Image for a rime_group_image.
func (w *Workspace) GroupImage(name string) (Resource, bool) {
	w.t.Helper()
	return w.resource("rime_group_image", name)
}

// resource is the resource of that type and name from the state file, and whether it is there.
func (w *Workspace) resource(kind, name string) (Resource, bool) {
	w.t.Helper()
	var state struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct {
				Status     string
				Attributes map[string]any
			}
		}
	}
	content := w.StateFile()
	if len(content) == 0 { // it is empty from the beginning of an apply to its first write
		return Resource{}, false
	}
	if err := json.Unmarshal(content, &state); err != nil {
		w.t.Fatalf("the state file: %v\n%s", err, content)
	}
	for _, r := range state.Resources {
		if r.Mode == "managed" && r.Type == kind && r.Name == name && len(r.Instances) > 0 {
			return Resource{Attributes: r.Instances[0].Attributes, Tainted: r.Instances[0].Status == "tainted"}, true
		}
	}
	return Resource{}, false
}

// Patience is how long something may take that is not to be measured: on a machine that is twenty times slower, and busy
// with other tests, only a hang exceeds it.
const Patience = 30 * time.Minute

// Eventually waits until the condition holds, looking often, and fails the test after [Patience].
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", Patience, what)
		case <-ticker.C:
		}
	}
}
