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
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
)

// StartRegistry starts an OCI registry for one test.
func StartRegistry(t testing.TB, options oci.Options) *oci.Server {
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
}

// NewWorkspace makes an empty workspace.
func NewWorkspace(t testing.TB) *Workspace {
	t.Helper()
	w := &Workspace{Dir: t.TempDir(), Env: map[string]string{}, t: t}
	rc := filepath.Join(t.TempDir(), "terraform.rc")
	text := fmt.Sprintf("provider_installation {\n  dev_overrides { \"managed-images/rime\" = %q }\n  direct {}\n}\n", filepath.Dir(Binary(t)))
	if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Env["TF_CLI_CONFIG_FILE"] = rc
	return w
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
	c := &Workspace{Dir: w.t.TempDir(), Env: maps.Clone(w.Env), t: w.t}
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

// Values returns the attributes of a resource in the state, by its address; nil when it is not in the state.
func (w *Workspace) Values(address string) map[string]any {
	w.t.Helper()
	var state struct {
		Values struct {
			RootModule struct {
				Resources []struct {
					Address string
					Values  map[string]any
				}
			} `json:"root_module"`
		}
	}
	r := w.MustRun("show", "-json")
	if err := json.Unmarshal([]byte(r.Output), &state); err != nil {
		w.t.Fatalf("terraform show -json: %v\n%s", err, r.Output)
	}
	for _, resource := range state.Values.RootModule.Resources {
		if resource.Address == address {
			return resource.Values
		}
	}
	return nil
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
	if content == nil {
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

// Eventually waits until the condition holds, looking often, and fails the test after the time given.
func Eventually(t testing.TB, within time.Duration, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", within, what)
		case <-ticker.C:
		}
	}
}
