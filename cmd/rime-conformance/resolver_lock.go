package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pylock"
)

const (
	// installedSets is how many of the sets are installed, largestInstalled how many bytes of wheels one of them may have.
	installedSets    = 20
	largestInstalled = 200 << 20
)

// lockOutcome is what came of installing one lock.
type lockOutcome struct {
	set     requirementSet
	pins    int
	problem string
}

// checkLocks writes locks of what was found for the Python that pip runs on, and has pip install and uv read them.
func (r *resolverCheck) checkLocks(ctx context.Context, outcomes []outcome) ([]lockOutcome, error) {
	var locks []lockOutcome
	for _, o := range outcomes {
		if len(locks) == installedSets {
			break
		}
		if o.Pip == nil || len(o.Pip.Own.Pins) == 0 || bytesOf(o.Pip.Own.Distributions) > largestInstalled {
			continue
		}
		problem, err := r.checkLock(ctx, o.Pip.Own)
		if err != nil {
			return nil, fmt.Errorf("lock of set %s: %w", o.Pip.Set, err)
		}
		done := lockOutcome{o.Pip.Set, len(o.Pip.Own.Pins), problem}
		locks = append(locks, done)
		r.out.Printf("    lock of set %d: %d distributions, %.0f MB%s", done.set.Number, done.pins, float64(bytesOf(o.Pip.Own.Distributions))/1e6, prefixed(": ", problem))
	}
	return locks, nil
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func bytesOf(distributions []ownDistribution) (sum int64) {
	for _, d := range distributions {
		sum += d.Size
	}
	return sum
}

// checkLock installs one lock. The problem is what the tools say, the error what kept them from saying it.
func (r *resolverCheck) checkLock(ctx context.Context, own ownAnswer) (problem string, err error) {
	dir, err := os.MkdirTemp(r.dir, "lock-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	lock, err := asLock(own.Distributions)
	if err != nil {
		return "", err
	}
	toml, hashed, venv := filepath.Join(dir, "pylock.toml"), filepath.Join(dir, "hashed.txt"), filepath.Join(dir, "venv")
	if err := errors.Join(os.WriteFile(toml, []byte(lock.String()), 0o600), os.WriteFile(hashed, []byte(hashedLines(lock)), 0o600)); err != nil {
		return "", err
	}
	if text, err := r.command(ctx, r.python, "-m", "venv", "--without-pip", venv).CombinedOutput(); err != nil {
		return "", fmt.Errorf("make a virtual environment: %w\n%s", err, text)
	}
	python := filepath.Join(venv, "bin", "python")
	read, err := r.command(ctx, r.uv, "pip", "sync", "--dry-run", "--no-cache", "--python", python, toml).CombinedOutput()
	if err != nil {
		return problemOf("uv does not read the lock", err, read)
	}
	if planned, err := pinsOfLines(strings.Join(plannedByUV.FindAllString(string(read), -1), "\n")); err != nil || !maps.Equal(planned, own.Pins) {
		return "uv reads other versions out of the lock: " + changes(own.Pins, planned), err
	}
	return r.installLock(ctx, python, hashed, own.Pins)
}

// plannedByUV are the lines in which uv says what it would install.
var plannedByUV = regexp.MustCompile(`(?m)[^\s+]+==\S+$`)

// installLock has pip install the lock, and look at the result.
func (r *resolverCheck) installLock(ctx context.Context, python, hashed string, pins map[string]string) (problem string, err error) {
	pip := func(args ...string) *exec.Cmd {
		return r.command(ctx, r.python, append([]string{"-m", "pip", "--python", python}, args...)...)
	}
	text, err := pip("install", "--quiet", "--no-cache-dir", "--no-compile", "--no-deps", "--require-hashes", "--only-binary", ":all:",
		"--index-url", r.index, "--requirement", hashed).CombinedOutput()
	if err != nil {
		return problemOf("pip does not install the lock", err, text)
	}
	if text, err = pip("check").CombinedOutput(); err != nil {
		return problemOf("pip check is not content", err, text)
	}
	if text, err = pip("list", "--format", "json").Output(); err != nil {
		return problemOf("pip does not list what it has installed", err, text)
	}
	var listed []struct{ Name, Version string }
	if err := json.Unmarshal(text, &listed); err != nil {
		return "", err
	}
	installed := map[string]string{}
	for _, l := range listed {
		if err := addPin(installed, l.Name, l.Version); err != nil {
			return "", err
		}
	}
	if !maps.Equal(installed, pins) {
		return "pip has installed other versions: " + changes(pins, installed), nil
	}
	return "", nil
}

// problemOf is a problem in a tool's words, or the error of a tool that did not run or did not reach the index.
func problemOf(what string, err error, words []byte) (string, error) {
	text := fmt.Sprintf("%s: %s", what, strings.TrimSpace(string(words)))
	if _, ran := errors.AsType[*exec.ExitError](err); !ran {
		return "", fmt.Errorf("%s: %w", text, err)
	}
	if unreachable.Match(words) {
		return "", fmt.Errorf("%w: %s", errUnavailable, text)
	}
	return text, nil
}

// asLock is our answer as a lock.
func asLock(distributions []ownDistribution) (lock pylock.Lock, err error) {
	lock.CreatedBy = "rime-conformance"
	for _, d := range distributions {
		p := pylock.Package{Name: d.Name, Wheels: []pylock.File{{Name: d.File, URL: d.URL, SHA256: d.SHA256, Size: d.Size, Uploaded: d.Uploaded}}}
		if p.Version, err = pep440.Parse(d.Version); err != nil {
			return lock, err
		}
		if p.RequiresPython, err = pep440.ParseSpecifier(d.RequiresPython); err != nil {
			return lock, err
		}
		lock.Packages = append(lock.Packages, p)
	}
	return lock, nil
}

// hashedLines is the lock as a requirements file with hashes.
func hashedLines(lock pylock.Lock) string {
	var b strings.Builder
	for _, p := range lock.Packages {
		fmt.Fprintf(&b, "%s==%s --hash=sha256:%s\n", p.Name, p.Version, p.Wheels[0].SHA256)
	}
	return b.String()
}
