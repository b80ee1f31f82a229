package workbench_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"

	"github.com/managed-images/terraform-provider-rime/internal/workbench"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

func TestLocalBaseImage(t *testing.T) {
	t.Parallel()
	host := workbenchtest.DockerRegistry(t)
	ref := workbenchtest.BaseImage(t, host)
	if want := host + "/base/python:3.11-slim"; ref != want {
		t.Errorf("ref is %s, want %s", ref, want)
	}

	out, err := exec.CommandContext(t.Context(), workbenchtest.Skopeo(t), "inspect", "--tls-verify=false", "--config", "docker://"+ref).Output()
	if err != nil {
		t.Fatalf("skopeo inspect: %v", err)
	}
	var config struct {
		Architecture, OS string
		Config           struct{ Env, Cmd []string }
	}
	if err := json.Unmarshal(out, &config); err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != runtime.GOARCH || len(config.Config.Cmd) == 0 {
		t.Errorf("config is %+v", config)
	}
	if len(config.Config.Env) != 1 || !strings.HasPrefix(config.Config.Env[0], "PATH=") {
		t.Errorf("environment is %q", config.Config.Env)
	}

	c, err := client.New(t.Context(), workbenchtest.BuildKit(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	// What a builder expects of the public image: both names of Python, pip that may install into it, roots of trust, apt.
	check := `
import os, pathlib, subprocess, sys
assert sys.version_info[:2] == (3, 11), sys.version
subprocess.check_call(["python", "-m", "pip", "--version"])
subprocess.check_call(["apt-get", "--version"])
assert not list(pathlib.Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED"))
assert os.path.getsize("/etc/ssl/certs/ca-certificates.crt") > 100000
`
	if err := solve(t.Context(), c, llb.Image(ref).Run(llb.Args([]string{"python3", "-c", check})).Root()); err != nil {
		t.Errorf("the image is not what a builder expects: %v", err)
	}
}

func TestBaseImage_canBePulled(t *testing.T) {
	t.Parallel()
	host := workbenchtest.DockerRegistry(t)
	ref, err := workbench.BaseImage(t.Context(), host, workbench.Options{})
	workbenchtest.SkipUnavailable(t, err)
	if ref != workbench.PublicBase && !strings.HasPrefix(ref, host+"/") {
		t.Errorf("ref is %s", ref)
	}
	if out, err := exec.CommandContext(t.Context(), workbenchtest.Skopeo(t), "inspect", "--tls-verify=false", "--raw", "docker://"+ref).CombinedOutput(); err != nil {
		t.Errorf("skopeo inspect %s: %v %s", ref, err, out)
	}
}

func TestDockerRegistry_stopRemovesIt(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	registry, err := workbench.DockerRegistry(t.Context(), workbench.Options{})
	workbenchtest.SkipUnavailable(t, err)
	expectEnded := workbenchtest.Connect(t, registry.Host)
	if err := registry.Stop(); err != nil {
		t.Fatal(err)
	}
	expectEnded()
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
