package workbench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// Registry is Debian's docker-registry (the CNCF's distribution), a registry that none of our code had a part in.
type Registry struct {
	// Host is its address, without scheme ("127.0.0.1:41234"); it speaks plain http.
	Host    string
	dir     string
	process *process
}

// Stop ends the registry and removes what it stored.
func (r *Registry) Stop() error {
	if r.process != nil {
		r.process.stop(5 * time.Second)
	}
	return os.RemoveAll(r.dir)
}

// DockerRegistry starts a registry on a free loopback port, with deletes enabled and nothing in it. The context bounds the
// start; the registry lives until Stop, or until this process dies. It returns [*UnavailableError] where the registry cannot be had.
func DockerRegistry(ctx context.Context, o Options) (*Registry, error) {
	return o.dockerRegistry(ctx, true)
}

// DockerRegistryWithoutDeletes starts a registry that deletes nothing, as it does unless it is told otherwise.
func DockerRegistryWithoutDeletes(ctx context.Context, o Options) (*Registry, error) {
	return o.dockerRegistry(ctx, false)
}

func (o Options) dockerRegistry(ctx context.Context, deletes bool) (*Registry, error) {
	binary, err := o.needUnpacked(ctx, "docker-registry")
	if err != nil {
		return nil, err
	}
	r := &Registry{}
	if r.dir, err = os.MkdirTemp("", "rime-registry-"); err != nil {
		return nil, err
	}
	if err := r.start(ctx, binary, deletes); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}

func (r *Registry) start(ctx context.Context, binary string, deletes bool) error {
	config := filepath.Join(r.dir, "config.yml")
	text := fmt.Sprintf(`version: 0.1
log: {level: info, formatter: json}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: %t}
http: {addr: "127.0.0.1:0"}
`, filepath.Join(r.dir, "data"), deletes)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	logFile := filepath.Join(r.dir, "log")
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(binary, "serve", config) //nolint:noctx // the registry outlives the context of its start; Stop ends it
	cmd.Stdout, cmd.Stderr = log, log
	if r.process, err = startProcess(cmd); err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	return r.process.await(ready, func(ctx context.Context) error { return r.probe(ctx, logFile) })
}

var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

// probe reads the port that the registry was given from its log, and sees whether it answers there.
func (r *Registry) probe(ctx context.Context, logFile string) error {
	log, err := os.ReadFile(logFile)
	if err != nil {
		return err
	}
	match := listening.FindSubmatch(log)
	if match == nil {
		return fmt.Errorf("no address in its log\n%s", lastLines(string(log)))
	}
	r.Host = string(match[1])
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.Host+"/v2/", nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		err = errors.New("GET /v2/: " + response.Status)
	}
	return errors.Join(err, response.Body.Close())
}
