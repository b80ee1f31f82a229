package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
)

// importAll imports the modules of the distributions that are its arguments: a package whose system libraries are missing
// installs, and fails only here.
const importAll = `
import importlib, importlib.metadata, re, sys
normal = lambda name: re.sub("[-_.]+", "-", name).lower()
for module, distributions in importlib.metadata.packages_distributions().items():
    if set(map(normal, distributions)) & set(map(normal, sys.argv[1:])) and module.isidentifier():
        importlib.import_module(module)
`

// importPackages runs Python in every image, as its user would, and imports what was asked for.
func (s *story) importPackages(ctx context.Context, address string) (err error) {
	c, err := client.New(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for _, image := range s.images {
		args := []string{"python3", "-c", importAll}
		for _, r := range image.Values.PipRequirements {
			args = append(args, r.Name)
		}
		definition, err := llb.Image(image.Values.ImageURI).Run(llb.Args(args)).Root().Marshal(ctx)
		if err != nil {
			return err
		}
		if _, err := c.Solve(ctx, definition, client.SolveOpt{}, nil); err != nil {
			return fmt.Errorf("in %s: %w", image.Values.ImageURI, err)
		}
	}
	return nil
}
