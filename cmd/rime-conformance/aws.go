package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkAWS holds our stand-in of AWS and the provider against moto, which others have written: the same calls to both, whose answers must mean the same but for the
// known differences; and Terraform with the provider on moto.
func (c *conformance) checkAWS(ctx context.Context, venv string) error {
	sandbox, stopSandbox, err := startSandbox()
	if err != nil {
		return err
	}
	defer stopSandbox()
	moto, stopMoto, err := startMoto(ctx, venv, c.dir)
	if err != nil {
		return err
	}
	defer stopMoto()
	calls := c.compareAWS(ctx, sandbox, moto)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(calls, c.terraform.playAll(ctx, moto, c.out))
}

// allSteps are what is done to both.
func allSteps() []step { return slices.Concat(ecrSteps(), iamSteps(), clientSteps()) }

// compareAWS does every step to both, and tells what came of it.
func (c *conformance) compareAWS(ctx context.Context, sandbox, moto *account) error {
	steps := allSteps()
	found, err := compare(ctx, steps, sandbox, moto)
	if err != nil {
		return err
	}
	for _, known := range differences {
		c.out.Printf("    differs %s", known)
	}
	if wrong := expect(found, differences); len(wrong) > 0 {
		c.out.Printf("    FAILED  calls of AWS:\n            %s", strings.Join(wrong, "\n            "))
		return fmt.Errorf("moto and the stand-in of AWS differ in %d ways other than is known", len(wrong))
	}
	differing := map[string]bool{}
	for _, d := range found {
		differing[d.step] = true
	}
	c.out.Printf("    ok      %d calls and operations of the provider's client on moto and the sandbox: %d answered alike, %d as told above", len(steps), len(steps)-len(differing), len(differing))
	return nil
}
