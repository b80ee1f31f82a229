package main

import (
	"bytes"
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

// errUnavailable tells that the package index cannot be reached.
var errUnavailable = errors.New("the Python package index could not be reached")

// unreachable is what pip says when it gets no answer from the package index. What it says last is the same as for a package that does not exist.
var unreachable = regexp.MustCompile(`NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|ProtocolError|SSLError|Failed to establish a new connection|` +
	`Temporary failure in name resolution|Connection to \S+ timed out|Connection refused|Network is unreachable|HTTP error 5\d\d|5\d\d Server Error`)

// looseDependencies are what rime-sdk needs. Its own bounds exclude every pandas that exists for a present-day Python.
var looseDependencies = []string{
	"click", "deprecated<2", "importlib-metadata", "numpy", "pandas<3", "protobuf", "python-dateutil", "requests", "schema", "semver<3", "simplejson",
	"six", "tqdm", "typing_extensions", "urllib3", "certifi",
}

var distribution = regexp.MustCompile(`^[A-Za-z0-9_-]+`)

// conformance checks clients, one after the other.
type conformance struct {
	// python makes the virtual environments.
	python string
	// dir is for everything that is made meanwhile.
	dir       string
	terraform *terraform
	resolver  resolverOptions
	out       *log.Logger
}

// check installs a client and drives the stand-in of its platform with it.
func (c *conformance) check(ctx context.Context, client string) error {
	c.out.Printf("%s: installing", client)
	place := strings.NewReplacer("=", "-", ".", "-").Replace(client)
	venv, err := install(ctx, c.python, filepath.Join(c.dir, place), client)
	if err != nil {
		return err
	}
	name := distribution.FindString(client)
	version, err := exec.CommandContext(ctx, venv, "-c", "import importlib.metadata as m, sys; print(m.version(sys.argv[1]), end='')", name).Output()
	if err != nil {
		return fmt.Errorf("ask for the version of %s: %w", name, err)
	}
	c.out.Printf("%s: version %s", client, version)
	switch {
	case name == "moto":
		return c.checkAWS(ctx, venv)
	case name == "uv":
		return c.checkResolver(ctx, venv, string(version))
	case strings.HasPrefix(name, "primehub"):
		return c.checkPrimeHub(ctx, venv, client, place)
	default:
		return c.checkRIME(ctx, venv, client, string(version), place)
	}
}

// checkRIME drives the stand-in of a RIME platform. The client reads images that the provider has made; in the end the provider takes over one that the client has made.
func (c *conformance) checkRIME(ctx context.Context, venv, client, version, place string) error {
	world, stop, err := startRIME(version)
	if err != nil {
		return err
	}
	defer stop()
	if world.Images, err = c.terraform.makeImages(ctx, place, ofRIME(world.Endpoint)); err != nil {
		return fmt.Errorf("make images with the provider: %w", err)
	}
	return c.drive(ctx, venv, client, place, world, ofRIME(world.Endpoint))
}

// checkPrimeHub does the same with the stand-in of a PrimeHub platform.
func (c *conformance) checkPrimeHub(ctx context.Context, venv, client, place string) error {
	world, stop, err := startPrimeHub()
	if err != nil {
		return err
	}
	defer stop()
	on := ofPrimeHub(world.Endpoints["enterprise"])
	if world.Images, err = c.terraform.makeImages(ctx, place, on); err != nil {
		return fmt.Errorf("make images with the provider: %w", err)
	}
	return c.drive(ctx, venv, client, place, world, on)
}

// drive runs a client's script, and then has the provider take over the image that it leaves behind.
func (c *conformance) drive(ctx context.Context, venv, client, place string, world any, on platform) error {
	if err := drive(ctx, venv, c.dir, scriptOf(client), world, c.out); err != nil {
		return err
	}
	if err := c.terraform.takeOver(ctx, place, on); err != nil {
		return fmt.Errorf("take over an image of the client with the provider: %w", err)
	}
	c.out.Printf("    ok      Terraform imports the client's image, and plans nothing for it")
	return nil
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
	switch distribution.FindString(client) {
	case "rime-sdk":
		installs = [][]string{looseDependencies, {"--no-deps", client}}
	case "moto": // with what its server needs for ECR, IAM and STS, which is little of what its extra "server" brings
		installs = [][]string{{client, "flask", "flask-cors"}}
	case "uv": // with the newest pip, which is in every virtual environment, but of some age
		installs = [][]string{{"--upgrade", client, "pip"}}
	}
	for _, args := range installs {
		pip := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "2", "--timeout", "20", "--no-compile"}, args...)
		text, err := exec.CommandContext(ctx, venv, pip...).CombinedOutput()
		switch {
		case err == nil:
		case unreachable.Match(text):
			return "", fmt.Errorf("%s: %w: %w\n%s", client, errUnavailable, err, bytes.TrimSpace(text))
		default:
			return "", fmt.Errorf("install %s: %w\n%s", client, err, bytes.TrimSpace(text))
		}
	}
	return venv, nil
}

// drive runs a script.
func drive(ctx context.Context, venv, dir, script string, world any, out *log.Logger) error {
	if err := writeScripts(dir); err != nil {
		return err
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

// writeScripts puts the scripts where an interpreter finds them.
func writeScripts(dir string) error {
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
	return nil
}
