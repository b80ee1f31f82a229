package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// referees are the resolvers that others have written, installed into one virtual environment.
type referees struct {
	// python is the environment's interpreter, uv the program beside it.
	python, uv string
	// dir is for files, index the package index.
	dir, index string
	// before leaves out what came to the index later.
	before time.Time
}

// pipPatience is how long pip may take, which asks for one thing after the other.
const pipPatience = 15 * time.Minute

// pipRefuses is what pip says where there is no answer; else something went wrong.
var pipRefuses = regexp.MustCompile(`ResolutionImpossible|No matching distribution found|Could not find a version that satisfies`)

// nothingElse are the variables that lead pip or uv to other distributions than those of the index.
var nothingElse = []string{
	"PIP_FIND_LINKS=", "PIP_CONSTRAINT=", "PIP_EXTRA_INDEX_URL=", "PIP_REQUIREMENT=", "PIP_DISABLE_PIP_VERSION_CHECK=1",
	"UV_NO_CONFIG=1", "UV_PYTHON_DOWNLOADS=never", "UV_EXTRA_INDEX_URL=", "UV_INDEX=", "UV_FIND_LINKS=", "UV_CONSTRAINT=",
}

// command is a command of a referee.
func (r *referees) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), nothingElse...)
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// askUV has uv resolve the set, first without a cache, then again.
func (r *referees) askUV(ctx context.Context, set requirementSet, options ...string) (resolution, error) {
	cache, err := os.MkdirTemp(r.dir, "uv-cache-")
	if err != nil {
		return resolution{}, err
	}
	defer func() { _ = os.RemoveAll(cache) }()
	file, err := r.write(set)
	if err != nil {
		return resolution{}, err
	}
	platform := fmt.Sprintf("%s-manylinux_%d_%d", set.Target.Machine, set.Target.Major, set.Target.Minor)
	if set.Target.Libc == pep425.Musl {
		platform = set.Target.Machine + "-unknown-linux-musl"
	}
	args := []string{
		"pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:", "--python", r.python, "--python-version", set.Target.Python,
		"--python-platform", platform, "--cache-dir", cache, "--default-index", r.index,
	}
	if !r.before.IsZero() {
		args = append(args, "--exclude-newer", r.before.Format(time.RFC3339))
	}
	args = append(args, options...)
	ctx, cancel := context.WithTimeout(ctx, resolvePatience)
	defer cancel()
	var a resolution
	for _, took := range []*time.Duration{&a.Cold, &a.Warm} {
		began := time.Now()
		out, err := r.command(ctx, r.uv, append(args, file)...).Output()
		*took = time.Since(began)
		if err := a.take(err, func(failed *exec.ExitError) bool { return failed.ExitCode() == 1 }); err != nil {
			return a, err
		}
		if a.Failed != "" {
			return a, nil
		}
		if a.Pins, err = pinsOfLines(string(out)); err != nil {
			return a, err
		}
	}
	return a, nil
}

// take takes what a command that failed has said. The error is one of a command that could not be run.
func (a *resolution) take(err error, refuses func(*exec.ExitError) bool) error {
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	words := strings.TrimSpace(string(failed.Stderr))
	if refuses(failed) && !unreachable.MatchString(words) {
		a.Refused = words
	} else {
		a.Failed = fmt.Sprintf("%s: %s", failed, words)
	}
	return nil
}

// write puts the requirements into a file.
func (r *referees) write(set requirementSet) (string, error) {
	file := filepath.Join(r.dir, fmt.Sprintf("set-%d.txt", set.Number))
	return file, os.WriteFile(file, []byte(strings.Join(set.Requirements, "\n")+"\n"), 0o600)
}

// pinsOfLines are those of a requirements file without comments.
func pinsOfLines(text string) (map[string]string, error) {
	pins := map[string]string{}
	for line := range strings.Lines(text) {
		name, version, found := strings.Cut(strings.TrimSpace(line), "==")
		if !found {
			return nil, fmt.Errorf("a line without a version: %q", line)
		}
		if err := addPin(pins, name, version); err != nil {
			return nil, err
		}
	}
	return pins, nil
}

// addPin adds a pin in its normal form.
func addPin(pins map[string]string, name, version string) error {
	parsed, err := pep440.Parse(version)
	if err != nil {
		return err
	}
	name, _, _ = strings.Cut(name, "[")
	pins[pep508.NormalizeName(name)] = parsed.String()
	return nil
}

// askPip has pip resolve the set for the Python that it runs on, or, where there is an environment, for one with that. It gets metadata as we do,
// with requests for parts of wheels, so that it downloads none of them.
func (r *referees) askPip(ctx context.Context, set requirementSet, environment map[string]string) (a resolution, err error) {
	file, err := r.write(set)
	if err != nil {
		return a, err
	}
	report := filepath.Join(r.dir, "report.json")
	args := []string{
		"install", "--quiet", "--dry-run", "--ignore-installed", "--report", report, "--only-binary", ":all:", "--use-feature", "fast-deps", "--no-cache-dir",
		"--index-url", r.index, "--requirement", file,
	}
	if !r.before.IsZero() {
		args = append(args, "--uploaded-prior-to", r.before.Format(time.RFC3339))
	}
	ctx, cancel := context.WithTimeout(ctx, pipPatience)
	defer cancel()
	began := time.Now()
	cmd := r.command(ctx, r.python, append([]string{"-m", "pip"}, args...)...)
	if environment != nil {
		told, err := json.Marshal(map[string]any{"target": set.Target, "environment": environment})
		if err != nil {
			return a, err
		}
		cmd = r.command(ctx, r.python, append([]string{filepath.Join(r.dir, "ask_pip.py")}, args...)...)
		cmd.Env = append(cmd.Env, "RIME_CONFORMANCE="+string(told))
	}
	_, err = cmd.Output()
	a.Cold = time.Since(began)
	if err := a.take(err, func(failed *exec.ExitError) bool { return pipRefuses.Match(failed.Stderr) }); err != nil || a.Refused+a.Failed != "" {
		return a, err
	}
	a.Pins, err = pinsOfReport(report)
	return a, err
}

// pinsOfReport are those of an installation report of pip.
func pinsOfReport(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var report struct {
		Install []struct {
			Metadata struct{ Name, Version string }
		}
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, err
	}
	pins := map[string]string{}
	for _, i := range report.Install {
		if err := addPin(pins, i.Metadata.Name, i.Metadata.Version); err != nil {
			return nil, err
		}
	}
	return pins, nil
}

// judge has `packaging` say what is wrong with our answer: requirements that it does not meet, files that do not run there, distributions that nobody needs.
func (r *referees) judge(ctx context.Context, set requirementSet, own ownAnswer) (faults []string, err error) {
	told, err := json.Marshal(map[string]any{"target": set.Target, "requirements": set.Requirements, "environment": own.Environment, "distributions": own.Distributions})
	if err != nil {
		return nil, err
	}
	cmd := r.command(ctx, r.python, filepath.Join(r.dir, "judge_resolution.py"))
	cmd.Stdin = bytes.NewReader(told)
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("judge our answer: %w\n%s", err, failed.Stderr)
	}
	for line := range strings.Lines(string(out)) {
		faults = append(faults, strings.TrimSpace(line))
	}
	return faults, err
}

// description is what the Python that the referees run on says of itself.
type description struct {
	pythonTarget
	Pip string `json:"pip"`
	// fits tells that it is one that we resolve for.
	fits bool
}

// describe asks the Python.
func (r *referees) describe(ctx context.Context) (d description, err error) {
	out, err := r.command(ctx, r.python, filepath.Join(r.dir, "describe_python.py")).Output()
	if err != nil {
		return d, fmt.Errorf("describe the Python: %w", err)
	}
	if err := json.Unmarshal(out, &d); err != nil {
		return d, fmt.Errorf("describe the Python: %w: %s", err, out)
	}
	_, err = d.resolveTarget()
	d.fits = err == nil && d.Major > 0
	return d, nil
}
