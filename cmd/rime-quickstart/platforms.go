package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// platforms are what no laptop has, as stand-ins: a PrimeHub platform, whose builds are simulated, and an AWS account.
type platforms struct {
	sandbox   *sandbox.Sandbox
	terraform *terraform
	// What Terraform says of them in the end.
	groupImage string
	roles      []string
}

// start starts the stand-ins and gives Terraform a directory for them.
func (p *platforms) start(t *terraform) (err error) {
	if p.sandbox, err = sandbox.Start(sandbox.Options{PrimeHub: primehub.Options{BuildTime: time.Second}}); err != nil {
		return err
	}
	if p.terraform, err = t.below("platforms"); err != nil {
		return err
	}
	env := p.sandbox.Addresses().Env
	for _, variable := range slices.Sorted(maps.Keys(env)) {
		p.terraform.env = append(p.terraform.env, variable+"="+env[variable])
	}
	return p.terraform.copyExample(filepath.Join("examples", "platforms"))
}

// apply makes everything and reads what came of it.
func (p *platforms) apply(ctx context.Context) error {
	if err := p.terraform.run(ctx, "init", "init"); err != nil {
		return err
	}
	if err := p.terraform.run(ctx, "apply", "apply", "-auto-approve"); err != nil {
		return err
	}
	text, err := p.terraform.output(ctx, "output", "-json")
	if err != nil {
		return err
	}
	var outputs struct {
		GroupImage struct{ Value string }   `json:"group_image"`
		Roles      struct{ Value []string } `json:"roles"`
	}
	if err := json.Unmarshal(text, &outputs); err != nil {
		return fmt.Errorf("terraform output: %w", err)
	}
	p.groupImage, p.roles = outputs.GroupImage.Value, outputs.Roles.Value
	if p.groupImage == "" || len(p.roles) != 2 {
		return fmt.Errorf("terraform apply made not everything:\n%s", text)
	}
	return nil
}

// destroy removes everything, and checks that of PrimeHub.
func (p *platforms) destroy(ctx context.Context) error {
	if err := p.terraform.run(ctx, "destroy", "destroy", "-auto-approve"); err != nil {
		return err
	}
	if left := p.sandbox.PrimeHub().ImageNames(); len(left) > 0 {
		return fmt.Errorf("terraform destroy left the images %q", left)
	}
	return nil
}

func (p *platforms) stop() error {
	if p.sandbox == nil {
		return nil
	}
	if err := p.sandbox.Close(); err != nil {
		return errors.Join(errors.New("stopping the stand-ins"), err)
	}
	return nil
}
