package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// cli runs the real Terraform in a folder of its own, with providers that run in this process, one of each for every
// command.
type cli struct {
	t         *testing.T
	dir       string
	providers map[string]func() (tfprotov6.ProviderServer, error)
}

// runCase runs the steps of a case as resource.UnitTest would, which needs three times the commands: it plans twice
// after each apply, writes each plan to a file and reads it again. Here a step is an apply and one plan, which shows
// that nothing is left to do and that the state is what the registry says; plans and states are read where something
// is to be seen in them.
func runCase(t *testing.T, c resource.TestCase) {
	t.Helper()
	terraform := &cli{t, t.TempDir(), c.ProtoV6ProviderFactories}
	for i, step := range c.Steps {
		if step.PreConfig != nil {
			step.PreConfig()
		}
		err := terraform.step(step)
		switch {
		case step.ExpectError != nil && err == nil:
			t.Fatalf("step %d of %d: expected an error", i+1, len(c.Steps))
		case step.ExpectError != nil && !step.ExpectError.MatchString(err.Error()):
			t.Fatalf("step %d of %d: expected an error with pattern (%s), got: %v", i+1, len(c.Steps), step.ExpectError, err)
		case step.ExpectError == nil && err != nil:
			t.Fatalf("step %d of %d: %v", i+1, len(c.Steps), err)
		}
	}
	if terraform.hasResources() {
		if _, err := terraform.run("destroy", "-auto-approve", "-refresh=false"); err != nil {
			t.Fatal(err)
		}
	}
	if c.CheckDestroy != nil {
		if err := c.CheckDestroy(nil); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *cli) step(step resource.TestStep) error {
	c.write(step.Config)
	switch {
	case step.ImportState:
		return c.importAnew(step)
	case step.Destroy:
		return c.apply(step, "-destroy")
	case step.RefreshState:
		if _, err := c.run("apply", "-refresh-only", "-auto-approve"); err != nil {
			return err
		}
	case !step.PlanOnly:
		if err := c.apply(step); err != nil {
			return err
		}
	}
	return c.planned(step)
}

// write keeps the configuration of the step before where there is none.
func (c *cli) write(config string) {
	if config == "" {
		return
	}
	if !strings.Contains(config, "required_providers") { // without it, a function of the provider cannot be named
		config += "\nterraform {\n  required_providers {\n"
		for name := range c.providers {
			config += fmt.Sprintf("    %s = { source = %q }\n", name, "hashicorp/"+name)
		}
		config += "  }\n}\n"
	}
	if err := os.WriteFile(filepath.Join(c.dir, "main.tf"), []byte(config), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cli) apply(step resource.TestStep, args ...string) error {
	if checks := step.ConfigPlanChecks.PreApply; len(checks) == 0 && step.ExpectError == nil {
		if _, err := c.run("apply", append(args, "-auto-approve")...); err != nil {
			return err
		}
	} else {
		if _, err := c.run("plan", append(args, "-out=plan")...); err != nil {
			return fmt.Errorf("pre-apply plan: %w", err)
		}
		if len(checks) > 0 {
			if err := c.checkPlan(checks); err != nil {
				return err
			}
		}
		if _, err := c.run("apply", "plan"); err != nil {
			return fmt.Errorf("apply: %w", err)
		}
	}
	if step.Check != nil {
		if err := step.Check(nil); err != nil {
			return err
		}
	}
	return c.checkState(step.ConfigStateChecks)
}

func (c *cli) checkPlan(checks []plancheck.PlanCheck) error {
	shown, err := c.run("show", "-json", "plan")
	if err != nil {
		return err
	}
	var req plancheck.CheckPlanRequest
	if err := json.Unmarshal([]byte(shown), &req.Plan); err != nil {
		return err
	}
	var errs []error
	for _, check := range checks {
		var resp plancheck.CheckPlanResponse
		check.CheckPlan(c.t.Context(), req, &resp)
		errs = append(errs, resp.Error)
	}
	return errors.Join(errs...)
}

func (c *cli) checkState(checks []statecheck.StateCheck) error {
	if len(checks) == 0 {
		return nil
	}
	shown, err := c.run("show", "-json")
	if err != nil {
		return err
	}
	req := statecheck.CheckStateRequest{State: zero(statecheck.CheckStateRequest{}.State)}
	req.State.UseJSONNumber(true)
	if err := json.Unmarshal([]byte(shown), req.State); err != nil {
		return err
	}
	var errs []error
	for _, check := range checks {
		var resp statecheck.CheckStateResponse
		check.CheckState(c.t.Context(), req, &resp)
		errs = append(errs, resp.Error)
	}
	return errors.Join(errs...)
}

// zero is a new value of what that pointer would point to.
func zero[T any](*T) *T { return new(T) }

// planned expects that nothing is left to do, or that something is, and after an apply that a refresh finds what the
// apply has left.
func (c *cli) planned(step resource.TestStep) error {
	if step.ExpectError != nil { // in words for people, as it is compared
		_, err := c.run("plan")
		return err
	}
	said, err := c.run("plan", "-detailed-exitcode", "-json")
	something := false
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 {
		something, err = true, nil
	}
	switch drifted := strings.Contains(said, `"type":"resource_drift"`); {
	case err != nil:
		return err
	case something != step.ExpectNonEmptyPlan:
		return fmt.Errorf("something is planned: %t, want %t:\n%s", something, step.ExpectNonEmptyPlan, said)
	case drifted && !step.PlanOnly && !step.ExpectNonEmptyPlan:
		return fmt.Errorf("a refresh has changed what the apply has left:\n%s", said)
	}
	return nil
}

// importAnew imports into an empty state and compares.
func (c *cli) importAnew(step resource.TestStep) error {
	config, err := os.ReadFile(filepath.Join(c.dir, "main.tf"))
	if err != nil {
		return err
	}
	anew := &cli{c.t, c.t.TempDir(), c.providers}
	anew.write(string(config))
	if _, err := anew.run("import", step.ResourceName, step.ImportStateId); err != nil || !step.ImportStateVerify {
		return err
	}
	want, err := c.attributes(step.ResourceName)
	if err != nil {
		return err
	}
	got, err := anew.attributes(step.ResourceName)
	if err != nil {
		return err
	}
	for _, attributes := range []map[string]any{want, got} {
		maps.DeleteFunc(attributes, func(name string, _ any) bool {
			return name == "timeouts" || slices.Contains(step.ImportStateVerifyIgnore, name)
		})
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("imported\n%v, want\n%v", got, want)
	}
	return nil
}

// attributes are those of a resource in the state.
func (c *cli) attributes(address string) (map[string]any, error) {
	shown, err := c.run("show", "-json")
	if err != nil {
		return nil, err
	}
	var state struct {
		Values struct {
			RootModule struct {
				Resources []struct {
					Address string         `json:"address"`
					Values  map[string]any `json:"values"`
				} `json:"resources"`
			} `json:"root_module"`
		} `json:"values"`
	}
	if err := json.Unmarshal([]byte(shown), &state); err != nil {
		return nil, err
	}
	for _, r := range state.Values.RootModule.Resources {
		if r.Address == address {
			return r.Values, nil
		}
	}
	return nil, fmt.Errorf("no %s in the state", address)
}

// hasResources tells whether there is something to destroy.
func (c *cli) hasResources() bool {
	text, err := os.ReadFile(filepath.Join(c.dir, "terraform.tfstate"))
	return err == nil && bytes.Contains(text, []byte(`"mode": "managed"`))
}

// run runs a command. What it writes is its result; the error holds that as well.
func (c *cli) run(command string, args ...string) (string, error) {
	ctx, stop := context.WithCancel(c.t.Context())
	attached := map[string]any{}
	for name, provider := range c.providers {
		address, gone, err := serve(ctx, c.t, name, provider)
		if err != nil {
			stop()
			return "", err
		}
		attached["registry.terraform.io/hashicorp/"+name] = address
		defer func() { <-gone }()
	}
	defer stop()
	text, err := json.Marshal(attached)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, os.Getenv("TF_ACC_TERRAFORM_PATH"), append([]string{command, "-no-color"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "TF_REATTACH_PROVIDERS="+string(text), "CHECKPOINT_DISABLE=1", "TF_INPUT=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("terraform %s: %w\n%s%s", command, err, &stdout, &stderr)
	}
	return stdout.String(), nil
}

// serve serves a provider until the context ends, and then closes gone. It returns where, as Terraform wants it.
func serve(
	ctx context.Context, t *testing.T, name string, provider func() (tfprotov6.ProviderServer, error),
) (where any, gone <-chan struct{}, err error) {
	server, err := provider()
	if err != nil {
		return nil, nil, err
	}
	reached, closed, ended := make(chan *plugin.ReattachConfig, 1), make(chan struct{}), make(chan error, 1)
	self := func() tfprotov6.ProviderServer { return server }
	go func() {
		ended <- tf6server.Serve("registry.terraform.io/hashicorp/"+name, self,
			tf6server.WithDebug(ctx, reached, closed), tf6server.WithGoPluginLogger(hclog.NewNullLogger()),
			tf6server.WithLoggingSink(t))
	}()
	select {
	case at := <-reached:
		return map[string]any{
			"Protocol": at.Protocol, "ProtocolVersion": at.ProtocolVersion, "Pid": at.Pid, "Test": at.Test,
			"Addr": map[string]string{"Network": at.Addr.Network(), "String": at.Addr.String()},
		}, closed, nil
	case err := <-ended:
		return nil, nil, fmt.Errorf("a provider cannot be served: %w", err)
	}
}
