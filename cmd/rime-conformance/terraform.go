package main

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

//go:embed rime primehub
var configurations embed.FS

// leftByClient is the image that every script leaves behind, and that the configurations "imported" describe.
const leftByClient = "left-by-client"

// terraform is the real CLI with the provider of this tree, away from the user's own configuration and plugins.
type terraform struct {
	binary string
	// dir holds the CLI's configuration, and a directory for each client with what was applied for it.
	dir string
}

// newTerraform builds the provider, unless there is a binary of it already.
func newTerraform(ctx context.Context, dir, provider string) (*terraform, error) {
	binary, err := exec.LookPath(cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform"))
	if err != nil {
		return nil, fmt.Errorf("the provider needs Terraform: %w", err)
	}
	if provider == "" {
		provider = filepath.Join(dir, "bin", "terraform-provider-rime")
		build := exec.CommandContext(ctx, "go", "build", "-o", provider, "github.com/managed-images/terraform-provider-rime")
		if text, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the provider: %w\n%s", err, text)
		}
	}
	if provider, err = filepath.Abs(provider); err != nil {
		return nil, err
	}
	t := &terraform{binary: binary, dir: dir}
	config := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  dev_overrides { \"managed-images/rime\" = %q }\n  direct {}\n}\n", filepath.Dir(provider))
	return t, os.WriteFile(t.config(), []byte(config), 0o600)
}

// platform is a platform as the provider is told of it.
type platform struct {
	// kind is the directory of the configurations for it.
	kind string
	// env are the variables that the provider reads.
	env []string
}

// ofRIME is a stand-in of a RIME platform.
func ofRIME(endpoint string) platform {
	return platform{"rime", []string{"RIME_ENDPOINT=" + endpoint, "RIME_API_KEY=" + rime.KeyUser}}
}

// ofPrimeHub is a stand-in of a PrimeHub platform.
func ofPrimeHub(endpoint string) platform {
	return platform{"primehub", []string{"PRIMEHUB_API_ENDPOINT=" + endpoint, "PRIMEHUB_API_TOKEN=" + primehub.TokenAdmin}}
}

func (t *terraform) config() string { return filepath.Join(t.dir, "terraform.rc") }

// makeImages applies the configuration "made" on that platform and returns the images as the provider's state has them.
func (t *terraform) makeImages(ctx context.Context, client string, on platform) (json.RawMessage, error) {
	w, err := t.configured("made", client, on)
	if err != nil {
		return nil, err
	}
	if _, err := w.run(ctx, "apply", "-auto-approve"); err != nil {
		return nil, err
	}
	if err := w.changesNothing(ctx); err != nil {
		return nil, err
	}
	return w.run(ctx, "output", "-json", "images")
}

// takeOver imports the image that the client left behind: that plans no change, and leaves none to plan.
func (t *terraform) takeOver(ctx context.Context, client string, on platform) error {
	w, err := t.configured("imported", client, on)
	if err != nil {
		return err
	}
	if err := w.onlyImports(ctx, leftByClient); err != nil {
		return err
	}
	if _, err := w.run(ctx, "apply", "tfplan"); err != nil {
		return err
	}
	return w.changesNothing(ctx)
}

// workspace is a configuration with its state.
type workspace struct {
	*terraform
	dir string
	// env are variables of the environment, besides those that are not Terraform's and not the provider's.
	env []string
}

// workspace makes an empty one.
func (t *terraform) workspace(place string, env ...string) (*workspace, error) {
	w := &workspace{terraform: t, dir: filepath.Join(t.dir, "terraform", place), env: env}
	return w, os.MkdirAll(w.dir, 0o700)
}

// configured makes one for a client, with one of the configurations for its platform.
func (t *terraform) configured(configuration, client string, on platform) (*workspace, error) {
	text, err := configurations.ReadFile(on.kind + "/" + configuration + ".tf")
	if err != nil {
		return nil, err
	}
	w, err := t.workspace(filepath.Join(configuration, client), on.env...)
	if err != nil {
		return nil, err
	}
	return w, w.write(string(text))
}

// write writes the configuration.
func (w *workspace) write(text string) error {
	return os.WriteFile(filepath.Join(w.dir, "main.tf"), []byte(text), 0o600)
}

// run runs Terraform and returns its standard output; all of its output is in the error.
func (w *workspace) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, w.binary, args...)
	cmd.Dir = w.dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TF_") && !strings.HasPrefix(v, "RIME_") && !strings.HasPrefix(v, "PRIMEHUB_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "TF_CLI_CONFIG_FILE="+w.config(), "TF_INPUT=0", "TF_CLI_ARGS=-no-color", "NO_PROXY=127.0.0.1", "HOME="+w.dir)
	cmd.Env = append(cmd.Env, w.env...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("terraform %s: %w\n%s\n%s", args[0], errors.Join(err, context.Cause(ctx)), bytes.TrimSpace(out.Bytes()), bytes.TrimSpace(problems.Bytes()))
	}
	return out.Bytes(), nil
}

// changesNothing holds that there is nothing left to plan.
func (w *workspace) changesNothing(ctx context.Context) error {
	if _, err := w.run(ctx, "plan", "-detailed-exitcode"); err != nil {
		return fmt.Errorf("a plan after an apply is not empty: %w", err)
	}
	return nil
}

// plan plans, and returns what would become of each resource.
func (w *workspace) plan(ctx context.Context) ([]plannedChange, error) {
	if _, err := w.run(ctx, "plan", "-out", "tfplan"); err != nil {
		return nil, err
	}
	text, err := w.run(ctx, "show", "-json", "tfplan")
	if err != nil {
		return nil, err
	}
	var plan struct {
		Changes []plannedChange `json:"resource_changes"`
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return nil, fmt.Errorf("read a plan: %w", err)
	}
	return plan.Changes, nil
}

// plannedChange is what would become of a resource.
type plannedChange struct {
	Address string
	Change  struct {
		Actions   []string
		Before    map[string]any
		Importing *struct{ ID string }
	}
}

// onlyImports plans an import, holds the plan against what it has to be, and leaves it in the file tfplan.
func (w *workspace) onlyImports(ctx context.Context, id string) error {
	changes, err := w.plan(ctx)
	if err != nil {
		return err
	}
	if len(changes) != 1 {
		return fmt.Errorf("the plan of an import is about %d resources", len(changes))
	}
	change := changes[0].Change
	if change.Importing == nil || change.Importing.ID != id || !slices.Equal(change.Actions, []string{"no-op"}) {
		return fmt.Errorf("the plan of the import of what was made elsewhere is %q, want none but the import", change.Actions)
	}
	return nil
}
