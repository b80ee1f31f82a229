package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"golang.org/x/sync/errgroup"
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
		args := append([]string{"python3", "-c", importAll}, image.asked()...)
		definition, err := llb.Image(image.Values.ImageURI).Run(llb.Args(args)).Root().Marshal(ctx)
		if err != nil {
			return err
		}
		if said, err := solve(ctx, c, definition); err != nil {
			return fmt.Errorf("in %s: %w\n\n%s", image.Values.ImageURI, err, tail(said, 10))
		}
	}
	return nil
}

// solve runs the steps of a definition and returns what they said.
func solve(ctx context.Context, c *client.Client, definition *llb.Definition) (said string, err error) {
	status := make(chan *client.SolveStatus)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		_, err := c.Solve(ctx, definition, client.SolveOpt{}, status)
		return err
	})
	group.Go(func() error {
		for s := range status {
			for _, log := range s.Logs {
				said += string(log.Data)
			}
		}
		return nil
	})
	err = group.Wait()
	return said, err
}
