package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

//go:embed *.py
var scripts embed.FS

// errUnavailable tells that a client cannot be had: most often, that the package index cannot be reached.
var errUnavailable = errors.New("the client could not be installed from the Python package index")

// looseDependencies are what rime-sdk needs. Its own bounds exclude every pandas that exists for a present-day Python.
var looseDependencies = []string{
	"click", "deprecated<2", "importlib-metadata", "numpy", "pandas<3", "protobuf", "python-dateutil", "requests", "schema", "semver<3", "simplejson",
	"six", "tqdm", "typing_extensions", "urllib3", "certifi",
}

var distribution = regexp.MustCompile(`^[A-Za-z0-9_-]+`)

// conform installs a client and drives the stand-in with it.
func conform(ctx context.Context, python, dir, client string, out *log.Logger) error {
	out.Printf("%s: installing", client)
	venv, err := install(ctx, python, filepath.Join(dir, strings.NewReplacer("=", "-", ".", "-").Replace(client)), client)
	if err != nil {
		return err
	}
	name := distribution.FindString(client)
	version, err := exec.CommandContext(ctx, venv, "-c", "import importlib.metadata as m, sys; print(m.version(sys.argv[1]), end='')", name).Output()
	if err != nil {
		return fmt.Errorf("ask for the version of %s: %w", name, err)
	}
	world, stop, err := startFor(ctx, name, string(version))
	if err != nil {
		return err
	}
	defer stop()
	out.Printf("%s: version %s", client, version)
	return drive(ctx, venv, dir, scriptOf(client), world, out)
}

// startFor starts what a client of that name is to talk to.
func startFor(ctx context.Context, name, version string) (world any, stop func(), err error) {
	if strings.HasPrefix(name, "primehub") {
		return startPrimeHub(ctx)
	}
	return startRIME(ctx, version)
}

// scriptOf is the script that drives a client.
func scriptOf(client string) string {
	return "drive_" + strings.ReplaceAll(distribution.FindString(client), "-", "_") + ".py"
}

// install makes a virtual environment with the client in it, and returns its interpreter.
func install(ctx context.Context, python, dir, client string) (string, error) {
	venv := filepath.Join(dir, "bin", "python")
	if text, err := exec.CommandContext(ctx, python, "-m", "venv", dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("make a virtual environment: %w\n%s", err, text)
	}
	installs := [][]string{{client}}
	if strings.HasPrefix(client, "rime-sdk") {
		installs = [][]string{looseDependencies, {"--no-deps", client}}
	}
	for _, args := range installs {
		pip := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, args...)
		if text, err := exec.CommandContext(ctx, venv, pip...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w; is it reachable? pip says: %w\n%s", client, errUnavailable, err, strings.TrimSpace(string(text)))
		}
	}
	return venv, nil
}

// drive runs a script.
func drive(ctx context.Context, venv, dir, script string, world any, out *log.Logger) error {
	files, err := scripts.ReadDir(".")
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := scripts.ReadFile(file.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file.Name()), text, 0o600); err != nil {
			return err
		}
	}
	told, err := json.Marshal(world)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 5*time.Minute, errors.New("the script did not end within five minutes"))
	defer cancel()
	cmd := exec.CommandContext(ctx, venv, "-W", "ignore", filepath.Join(dir, script))
	cmd.Env = append(os.Environ(), "RIME_CONFORMANCE="+string(told), "NO_PROXY=127.0.0.1")
	cmd.Stdout, cmd.Stderr = out.Writer(), out.Writer()
	if err := cmd.Run(); err != nil {
		return errors.Join(fmt.Errorf("the client does not agree with the stand-in: %w", err), context.Cause(ctx))
	}
	return nil
}
