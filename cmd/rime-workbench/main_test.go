package main_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

func TestMain(m *testing.M) { workbenchtest.Main(m) }

func TestRimeWorkbench(t *testing.T) {
	t.Setenv("BUILDKIT_HOST", workbenchtest.BuildKit(t))
	binary := filepath.Join(t.TempDir(), "rime-workbench")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v %s", err, out)
	}
	for _, tc := range []struct {
		name   string
		args   []string
		code   int
		output string
	}{
		{"sets the variable", []string{"--", "sh", "-c", `echo "host=$BUILDKIT_HOST"`}, 0, "host=" + workbenchtest.BuildKit(t) + "\n"},
		{"passes the exit code on", []string{"sh", "-c", "exit 7"}, 7, ""},
		{"explains itself", nil, 2, ""},
		{"no such command", []string{"rime-no-such-command"}, 1, ""},
	} {
		cmd := exec.CommandContext(t.Context(), binary, tc.args...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, _ := cmd.Output()
		if code := cmd.ProcessState.ExitCode(); code != tc.code || string(out) != tc.output {
			t.Errorf("%s: code %d, output %q, want %d and %q\n%s", tc.name, code, out, tc.code, tc.output, stderr.String())
		}
		if tc.code != 7 && stderr.Len() == 0 {
			t.Errorf("%s: it said nothing", tc.name)
		}
	}
}
