package workbench

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// dockerImage is BuildKit's own image, of the version that the tools module has.
const dockerImage = "moby/buildkit:v0.28.0"

// dockerDaemon starts BuildKit in a container of the Docker engine, in the network of the engine's host so that builds reach
// loopback addresses there. Where the engine runs in a virtual machine (Docker Desktop), that loopback is the machine's, not the user's.
//
// No engine could be had where this was written: it follows Docker's and BuildKit's documents and has not been run.
func dockerDaemon(ctx context.Context, o Options) (*Daemon, error) {
	if _, err := exec.LookPath("docker"); err != nil {
		return nil, fmt.Errorf("there is no Docker engine: %w", err)
	}
	probe, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := run(probe, "", nil, "docker", "version", "--format", "{{.Server.Version}}"); err != nil {
		return nil, fmt.Errorf("no Docker engine answers: %w", err)
	}
	slot, err := takeSlot(o)
	if err != nil {
		return nil, err
	}
	name := "rime-workbench-" + filepath.Base(slot.dir)
	args := []string{"run", "--detach", "--rm", "--privileged", "--network", "host", "--name", name}
	if !o.Fresh {
		args = append(args, "--volume", name+":/var/lib/buildkit")
	}
	_ = run(ctx, "", nil, "docker", "rm", "--force", name) // left by a process that was killed
	o.progress("starting %s in Docker", dockerImage)
	if err := run(ctx, "", nil, "docker", append(args, dockerImage, "--oci-worker-gc=false")...); err != nil {
		slot.release()
		return nil, err
	}
	stop := func() error {
		defer slot.release()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err := run(ctx, "", nil, "docker", "stop", "--time", "10", name)
		return err
	}
	d := &Daemon{Address: "docker-container://" + name, Origin: "a container of the Docker engine", stop: stop}
	err = awaitAnswer(ctx, d.Address)
	if err == nil {
		err = trim(ctx, d.Address)
	}
	if err != nil {
		return nil, fmt.Errorf("BuildKit in Docker: %w (%w)", err, stop())
	}
	return d, nil
}

// awaitAnswer waits up to half a minute for a daemon to answer.
func awaitAnswer(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := answers(ctx, address)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}
