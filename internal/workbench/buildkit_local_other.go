//go:build !linux

package workbench

import (
	"context"
	"errors"
	"runtime"
)

func localDaemon(context.Context, Options) (*Daemon, error) {
	return nil, errors.New("buildkitd runs on Linux only, and this is " + runtime.GOOS)
}

// unmountBelow has nothing to do where nothing is mounted.
func unmountBelow(string) error { return nil }
