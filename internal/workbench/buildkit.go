package workbench

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/moby/buildkit/client"
)

// Daemon is a BuildKit daemon that answers.
type Daemon struct {
	// Address is what BuildKit's client connects to, and what BUILDKIT_HOST takes.
	Address string
	// Origin says in words where the daemon comes from.
	Origin string
	stop   func() error
}

// Stop ends the daemon if it was started here, and everything that it left running or mounted. It may be called once.
func (d *Daemon) Stop() error {
	if d.stop == nil {
		return nil
	}
	return d.stop()
}

// BuildKit gets a BuildKit daemon: the one BUILDKIT_HOST names, else one in a container of the Docker engine that answers, else,
// on Linux as root, one built from this repository's tools module and started here. A daemon that was started here keeps
// its cache for the next run. The context bounds the start; the daemon lives until Stop, or until this process dies.
//
// Several processes may call it at once; each gets a daemon and a cache of its own. To share one, set BUILDKIT_HOST
// (cmd/rime-workbench does that for the command it runs).
//
// It returns [*UnavailableError] when the machine cannot provide BuildKit.
func BuildKit(ctx context.Context, o Options) (*Daemon, error) {
	if o.StateDir != "" {
		d, err := localDaemon(ctx, o)
		if err != nil {
			return nil, &UnavailableError{What: "BuildKit of one's own", Tried: []string{err.Error()}, Remedy: "Run as root on Linux."}
		}
		return d, nil
	}
	if address := os.Getenv("BUILDKIT_HOST"); address != "" {
		if err := answers(ctx, address); err != nil {
			return nil, &UnavailableError{
				What: "BuildKit", Tried: []string{"BUILDKIT_HOST is " + address + ": " + err.Error()},
				Remedy: "Start the daemon that BUILDKIT_HOST names, or unset it.",
			}
		}
		return &Daemon{Address: address, Origin: "BUILDKIT_HOST"}, nil
	}
	d, dockerErr := dockerDaemon(ctx, o)
	if dockerErr == nil {
		return d, nil
	}
	d, localErr := localDaemon(ctx, o)
	if localErr == nil {
		return d, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, &UnavailableError{
		What:   "BuildKit",
		Tried:  []string{"BUILDKIT_HOST is not set", dockerErr.Error(), localErr.Error()},
		Remedy: "Set BUILDKIT_HOST to a running daemon, start Docker, or run as root on Linux.",
	}
}

// answers checks that a daemon at this address can build.
func answers(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := client.New(ctx, address)
	if err != nil {
		return err
	}
	workers, err := c.ListWorkers(ctx)
	if err == nil && len(workers) == 0 {
		err = errors.New("the daemon has no workers")
	}
	return errors.Join(err, c.Close())
}

// maxCache is how many bytes of cache a daemon of ours starts with.
const maxCache = 20e9

// trim removes the least used part of a daemon's cache above [maxCache], before anything is built. A daemon of ours
// collects no garbage later: while BuildKit measures a cache mount, a build that wants it is given an empty one.
func trim(ctx context.Context, address string) error {
	c, err := client.New(ctx, address)
	if err != nil {
		return err
	}
	err = c.Prune(ctx, nil, client.PruneAll, client.WithKeepOpt(0, 0, maxCache, 0))
	return errors.Join(err, c.Close())
}
