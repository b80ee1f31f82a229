package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

func TestMain(m *testing.M) { workbenchtest.Main(m) }

// program builds the quickstart and prepares to run it in a directory of the test's own, with the tiny packages of the local
// index: the public one would make the test depend on the day.
func program(t *testing.T) (cmd *exec.Cmd, dir string) {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Fatal(err)
	}
	address := workbenchtest.BuildKit(t)
	binary := filepath.Join(t.TempDir(), "rime-quickstart")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	dir = t.TempDir()
	cmd = exec.CommandContext(context.WithoutCancel(t.Context()), binary, "-dir", dir)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(),
		"BUILDKIT_HOST="+address, "PIP_INDEX_URL=http://127.0.0.1:1/simple/",
		"TF_CLI_ARGS_plan=-no-such-flag", "TF_LOG=TRACE") // the user's own settings must not leak in
	return cmd, dir
}

func TestQuickstart(t *testing.T) {
	t.Parallel()
	cmd, dir := program(t)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		`none answers: tiny local packages`,
		`(?m)^  terraform apply: build and publish the images \.+ +[0-9.]+ s ✓$`,
		`(?m)^  sandbox-serving   sha256:[0-9a-f]{64}   [0-9]+ MB   built in [0-9.]+ s$`,
		`sandbox-frames 1\.1, sandbox-learn 1\.0 and [0-9]+ more`,
		`(?m)^  sandbox-train     sha256:[0-9a-f]{64}`,
		`(?m)^    # rime_managed_image\.model\["sandbox-serving"\] will be updated in-place$`,
		`\+ rebuild_reason += "the tag 3\.11-[0-9a-f]{12} is gone from the registry"`,
		`~ status += "missing"`,
		`built and published 3\.11-[0-9a-f]{12} again`,
		`(?m)^  PrimeHub, an image of the group data-science: +\S+churn\S+$`,
		`(?m)^  AWS, role of the image builder: +arn:aws:iam::[0-9]{12}:role/\S+$`,
		`The 2 images are gone`,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "plan-again.log")); err != nil || !strings.Contains(string(text), "No changes.") {
		t.Errorf("the second plan: %v\n%s", err, text)
	}
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestQuickstart_interrupted(t *testing.T) {
	t.Parallel()
	cmd, dir := program(t)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The line of a stage is not complete before the stage is.
	var said strings.Builder
	reader := bufio.NewReader(stdout)
	for !strings.Contains(said.String(), "terraform apply") {
		letter, err := reader.ReadByte()
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, said.String(), stderr.String())
		}
		said.WriteByte(letter)
	}
	for deadline := time.Now().Add(30 * time.Minute); len(processesOf(t, dir)) == 0 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for _, err := reader.ReadByte(); err == nil; {
		_, err = reader.ReadByte()
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("it ended with %v\n%s", err, stderr.String())
	}
	if took := time.Since(began); took > 10*time.Minute {
		t.Errorf("it took %s to stop", took)
	}
	if !strings.Contains(stderr.String(), "Everything that was started has been stopped.") {
		t.Errorf("it said\n%s", stderr.String())
	}
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// processesOf lists the processes that work in the directory: Terraform and what it started.
func processesOf(t *testing.T, dir string) (ids []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == dir {
			ids = append(ids, filepath.Base(filepath.Dir(link)))
		}
	}
	return ids
}

func TestTerraform_missing(t *testing.T) {
	t.Setenv("TF_ACC_TERRAFORM_PATH", "")
	t.Setenv("PATH", t.TempDir())
	_, err := newTerraform(t.Context(), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "https://developer.hashicorp.com/terraform/install") {
		t.Errorf("got %v", err)
	}
}

func TestTerraform_failureShowsTheTailOfTheLog(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "terraform")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nfor n in $(seq 99); do echo line $n; done; exit ${3:-1}\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tf := &terraform{binary: script, dir: t.TempDir()}
	err := tf.run(t.Context(), "apply", "apply")
	if err == nil || strings.Contains(err.Error(), "line 59\n") || !strings.Contains(err.Error(), "line 60\n") ||
		!strings.HasSuffix(err.Error(), "The whole output is in "+tf.dir+"/apply.log") {
		t.Errorf("got %v", err)
	}
	if said, err := tf.plan(t.Context(), "plan", "plan", "-detailed-exitcode", "2"); !errors.Is(err, errChanges) || !strings.Contains(said, "line 1\n") {
		t.Errorf("got %v, %q", err, said)
	}
	if err := tf.run(t.Context(), "plan", "plan", "-other", "2"); errors.Is(err, errChanges) || err == nil {
		t.Errorf("got %v", err)
	}
}

func TestResourceBlock(t *testing.T) {
	t.Parallel()
	const plan = `Terraform will perform the following actions:

  # rime_managed_image.model["a"] will be created
  + resource "rime_managed_image" "model" {
      + name = "a"
    }

  # rime_managed_image.model["b"] will be updated in-place
  ~ resource "rime_managed_image" "model" {
      ~ build          = {
          ~ status = "succeeded" -> (known after apply)
        } -> (known after apply)
        name           = "b"
      + rebuild_reason = "the tag t is gone from the registry"
      ~ status         = "missing" -> (known after apply)
        # (8 unchanged attributes hidden)
    }

Plan: 1 to add, 1 to change, 0 to destroy.
`
	const want = `  # rime_managed_image.model["b"] will be updated in-place
  ~ resource "rime_managed_image" "model" {
        name           = "b"
      + rebuild_reason = "the tag t is gone from the registry"
      ~ status         = "missing" -> (known after apply)
        # (…)
    }`
	if got := resourceBlock(plan, `rime_managed_image.model["b"]`); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := resourceBlock(plan, `rime_managed_image.model["c"]`); got != "" {
		t.Errorf("found\n%s", got)
	}
}

func TestReporter(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := &reporter{out: &out}
	if err := r.stage("Do it", func() error { r.note("once"); return syscall.ENOENT }); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("got %v", err)
	}
	if got, want := out.String(), `^  Do it \(once\) \.{58} +0\.0 s ✗\n$`; !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("got %q", got)
	}
}
