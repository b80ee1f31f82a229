package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// terraform runs the Terraform CLI in a working directory of its own, away from the user's own configuration and plugins.
type terraform struct {
	binary string
	dir    string   // holds the configuration, the state and the logs
	config string   // of the CLI; it says where the provider is
	env    []string // more than what the process has
}

// newTerraform finds the CLI and empties the working directory: the registry that an interrupted run pushed to is gone.
func newTerraform(ctx context.Context, dir string) (*terraform, error) {
	binary, err := exec.LookPath(cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform"))
	if err != nil {
		return nil, fmt.Errorf("%w\nGet Terraform 1.8 or newer from https://developer.hashicorp.com/terraform/install and put it on PATH", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	t := &terraform{binary: binary, dir: dir, config: filepath.Join(dir, "terraform.rc")}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return t, t.run(ctx, "version", "version")
}

// providerVersion is the version under which the mirror offers what was just built.
const providerVersion = "0.0.1"

// installProvider builds the provider and puts it into a mirror from which `terraform init` installs it, as it would from the public registry.
func (t *terraform) installProvider(ctx context.Context) error {
	const binary = "bin/terraform-provider-rime"
	build := command(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+providerVersion, "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	mirror := filepath.Join(t.dir, "mirror")
	place := filepath.Join(mirror, "registry.terraform.io/managed-images/rime", providerVersion, runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.MkdirAll(place, 0o755); err != nil {
		return err
	}
	built, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	if err := os.Symlink(built, filepath.Join(place, "terraform-provider-rime_v"+providerVersion)); err != nil {
		return err
	}
	config := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
	return os.WriteFile(t.config, []byte(config), 0o600)
}

// below is the same CLI in a directory of that name within its own.
func (t *terraform) below(name string) (*terraform, error) {
	sub := *t
	sub.dir = filepath.Join(t.dir, name)
	return &sub, os.MkdirAll(sub.dir, 0o755)
}

// variables are those of examples/quickstart. What is empty keeps its default.
type variables struct {
	Registry        string           `json:"registry"`
	BuildkitAddress string           `json:"buildkit_address"`
	BaseImage       string           `json:"base_image"`
	PackageIndex    string           `json:"package_index,omitempty"`
	CAFile          string           `json:"ca_file,omitempty"`
	Images          map[string]image `json:"images,omitempty"`
}

// copyExample copies an example into the working directory.
func (t *terraform) copyExample(example string) error {
	files, err := filepath.Glob(filepath.Join(example, "*.tf"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(t.dir, filepath.Base(file)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// configure copies the example of images into the working directory and sets its variables.
func (t *terraform) configure(v variables) error {
	if err := t.copyExample(filepath.Join("examples", "quickstart")); err != nil {
		return err
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.dir, "terraform.tfvars.json"), text, 0o600)
}

// run runs Terraform; its output goes to LOG.log, and in part into the error.
func (t *terraform) run(ctx context.Context, log string, args ...string) error {
	_, err := t.plan(ctx, log, args...)
	return err
}

// errChanges is a plan that is not empty.
var errChanges = errors.New("the plan has changes")

// plan runs Terraform and returns what it said. With -detailed-exitcode, a plan that is not empty is errChanges.
func (t *terraform) plan(ctx context.Context, log string, args ...string) (string, error) {
	file, err := os.Create(filepath.Join(t.dir, log+".log"))
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	var said bytes.Buffer
	cmd := t.command(ctx, args...)
	cmd.Stdout = io.MultiWriter(file, &said)
	cmd.Stderr = cmd.Stdout
	err = cmd.Run()
	switch {
	case err == nil:
		return said.String(), nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 2 && slices.Contains(args, "-detailed-exitcode"):
		return said.String(), errChanges
	}
	return "", fmt.Errorf("terraform %s: %w\n\n%s\n\nThe whole output is in %s", args[0], err, tail(said.String(), 40), file.Name())
}

// output runs Terraform and returns its standard output.
func (t *terraform) output(ctx context.Context, args ...string) ([]byte, error) {
	out, err := t.command(ctx, args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("terraform %s: %w\n%s", args[0], err, exit.Stderr)
	}
	return out, err
}

func (t *terraform) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := command(ctx, t.binary, args...)
	cmd.Dir = t.dir
	for _, v := range os.Environ() {
		// TF_LOG, TF_CLI_ARGS, TF_WORKSPACE and the like would change what happens.
		if !strings.HasPrefix(v, "TF_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "TF_CLI_CONFIG_FILE="+t.config, "TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_CLI_ARGS=-no-color")
	cmd.Env = append(cmd.Env, t.env...)
	return cmd
}

// command is a command that is interrupted, once, when ctx ends, and then has time to end what it does. It has a process group of its
// own: a Ctrl-C at the terminal would otherwise reach Terraform a second time, and a second one makes it give up at once.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	return cmd
}

// tail is the last lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
