package pypi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

func TestIndex_pages(t *testing.T) {
	t.Parallel()
	index := pypi.New(
		pypi.Simple("Tiny.Thing", "1.0"),
		pypi.Package{Name: "modern", Releases: []pypi.Release{{Version: "2.0", RequiresPython: ">=3.9"}}},
	)
	mux := http.NewServeMux()
	mux.Handle("/", index)
	mux.Handle("/mounted/", http.StripPrefix("/mounted", index))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	for _, tc := range []struct{ path, accept, contentType, want string }{
		{"/mounted/simple/", "text/html", "text/html", `<a href="tiny-thing/">Tiny.Thing</a>`},
		{"/mounted/simple/", "application/vnd.pypi.simple.v1+json", "json", `{"name":"Tiny.Thing"}`},
		{"/mounted/simple/modern/", "text/html", "text/html", `data-requires-python="&gt;=3.9"`},
		{"/mounted/simple/modern/", "application/vnd.pypi.simple.v1+json", "json", `"requires-python":"\u003e=3.9"`},
		{"/mounted/simple/Tiny_Thing/", "text/html", "text/html", `href="../../files/tiny-thing/tiny_thing-1.0-py3-none-any.whl#sha256=`},
		{"/simple/modern", "text/html", "text/html", "modern-2.0-py3-none-any.whl"},
	} {
		status, header, body := get(t, server.URL+tc.path, tc.accept)
		if status != http.StatusOK || !strings.Contains(body, tc.want) {
			t.Errorf("GET %s as %s: status %d, want %q in\n%s", tc.path, tc.accept, status, tc.want, body)
		}
		if got := header.Get("Content-Type"); tc.contentType == "json" != strings.HasSuffix(got, "+json") {
			t.Errorf("GET %s as %s: content type %q", tc.path, tc.accept, got)
		}
	}
	for _, path := range []string{"/simple/absent/", "/files/modern/absent.whl", "/files/absent/absent.whl", "/"} {
		if status, _, _ := get(t, server.URL+"/mounted"+path, "text/html"); status != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", path, status)
		}
	}
}

func get(t *testing.T, url, accept string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

func TestIndex_pipInstalls(t *testing.T) {
	t.Parallel()
	pip := newPip(t,
		pypi.Package{Name: "app", Releases: []pypi.Release{{
			Version:  "1.0",
			Requires: []string{"Lib_Core>=1,<3"},
			Extras:   map[string][]string{"fast": {"accelerator==0.1"}},
		}}},
		pypi.Package{Name: "lib-core", Releases: []pypi.Release{
			{Version: "1.5"},
			{Version: "2.5"},
			{Version: "2.9", RequiresPython: ">=99"},
			{Version: "3.0"},
		}},
		pypi.Simple("accelerator", "0.1", "0.2"),
		pypi.Package{Name: "from-source", Releases: []pypi.Release{{
			Version: "1.0", Requires: []string{"lib-core"}, Source: &pypi.Source{Output: []byte("compiling\n")},
		}}},
	)
	target := t.TempDir()
	if out, err := pip.run("install", "--target", target, "app[fast]", "from-source"); err != nil {
		t.Fatalf("pip install: %v\n%s", err, out)
	}
	out, err := pip.run("list", "--path", target, "--format", "json")
	if err != nil {
		t.Fatalf("pip list: %v\n%s", err, out)
	}
	var listed []struct{ Name, Version string }
	if err := json.Unmarshal([]byte(out), &listed); err != nil {
		t.Fatalf("pip list said %q: %v", out, err)
	}
	got := map[string]string{}
	for _, l := range listed {
		got[l.Name] = l.Version
	}
	// 2.9 is for another Python, 3.0 outside the range of app.
	want := map[string]string{"app": "1.0", "lib-core": "2.5", "accelerator": "0.1", "from-source": "1.0"}
	for name, version := range want {
		if got[name] != version {
			t.Errorf("%s is %q, want %q (all: %v)", name, got[name], version, got)
		}
	}
	imported, err := pip.python("-c", "import sys; sys.path.insert(0, sys.argv[1]); import lib_core; print(lib_core.__version__)", target)
	if err != nil || strings.TrimSpace(imported) != "2.5" {
		t.Errorf("import lib_core: %v, %q", err, imported)
	}
}

func TestIndex_pipExplains(t *testing.T) {
	t.Parallel()
	pip := newPip(t,
		pypi.Simple("tiny", "1.0"),
		pypi.Package{Name: "broken", Releases: []pypi.Release{{
			Version: "1.0",
			Source:  &pypi.Source{Output: []byte("checking \xff\xfe for headers\n"), OutputRepeat: 3, Failure: "error: gadget.h: no such file"},
		}}},
	)
	for _, tc := range []struct{ requirement, want string }{
		{"no-such-lib", "No matching distribution found for no-such-lib"},
		{"tiny>=2", "(from versions: 1.0)"},
		{"broken", "error: gadget.h: no such file"},
	} {
		out, err := pip.run("install", "--target", t.TempDir(), tc.requirement)
		if err == nil || !strings.Contains(out, tc.want) {
			t.Errorf("pip install %s: %v, want %q in\n%s", tc.requirement, err, tc.want, out)
		}
	}
}

func TestIndex_payloadIsDownloadedWhole(t *testing.T) {
	t.Parallel()
	pip := newPip(t, pypi.Package{Name: "heavy", Releases: []pypi.Release{{Version: "1.0", PayloadBytes: 5 << 20}}})
	dir := t.TempDir()
	if out, err := pip.run("download", "--dest", dir, "heavy"); err != nil {
		t.Fatalf("pip download: %v\n%s", err, out)
	}
	info, err := os.Stat(filepath.Join(dir, "heavy-1.0-py3-none-any.whl"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() < 5<<20 {
		t.Errorf("the wheel has %d bytes, want at least the payload's %d", info.Size(), 5<<20)
	}
}

func TestIndex_stubbornBuildIsSeenAndOutlivesSIGTERM(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("needs /proc")
	}
	pip := newPip(t, pypi.Package{Name: "stubborn", Releases: []pypi.Release{{
		Version: "7.7", Source: &pypi.Source{Sleep: 3 * time.Second, IgnoreSIGTERM: true},
	}}})
	build := pip.command("install", "--target", t.TempDir(), "stubborn")
	if err := build.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- build.Wait() }()

	pid := waitForProcess(t, "rime-sandbox-build:stubborn==7.7")
	if out, err := exec.CommandContext(t.Context(), "kill", "-TERM", pid).CombinedOutput(); err != nil {
		t.Fatalf("kill: %v %s", err, out)
	}
	if err := <-ended; err != nil {
		t.Errorf("the build heeded SIGTERM: %v", err)
	}
}

// waitForProcess returns the id of the process that has this argument and has come to ignore SIGTERM.
func waitForProcess(t *testing.T, argument string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, f := range files {
			line, _ := os.ReadFile(f)
			status, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "status"))
			if strings.Contains(string(line), "\x00"+argument+"\x00") && ignoresSIGTERM(string(status)) {
				return filepath.Base(filepath.Dir(f))
			}
		}
	}
	t.Fatalf("no process with argument %q that ignores SIGTERM", argument)
	return ""
}

// ignoresSIGTERM reads the mask of ignored signals in /proc/PID/status.
func ignoresSIGTERM(status string) bool {
	_, rest, _ := strings.Cut(status, "SigIgn:\t")
	mask, _, _ := strings.Cut(rest, "\n")
	bits, err := strconv.ParseUint(mask, 16, 64)
	return err == nil && bits&(1<<(syscall.SIGTERM-1)) != 0
}

// pipRunner runs the real pip against one index and nothing else.
type pipRunner struct {
	t     *testing.T
	index string
}

func newPip(t *testing.T, packages ...pypi.Package) pipRunner {
	t.Helper()
	workbenchtest.Python(t)
	server := httptest.NewServer(pypi.New(packages...))
	t.Cleanup(server.Close)
	return pipRunner{t: t, index: server.URL + "/simple/"}
}

func (p pipRunner) run(args ...string) (string, error) {
	out, err := p.command(args...).CombinedOutput()
	return string(out), err
}

func (p pipRunner) python(args ...string) (string, error) {
	out, err := exec.CommandContext(p.t.Context(), "python3", args...).CombinedOutput()
	return string(out), err
}

func (p pipRunner) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.t.Context(), "python3", append([]string{"-m", "pip"}, args...)...)
	// Nothing of the machine's own pip configuration may leak in: a find-links directory would answer in our place.
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PIP_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "PIP_CONFIG_FILE=/dev/null", "PIP_NO_CACHE_DIR=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_ROOT_USER_ACTION=ignore", "PIP_INDEX_URL="+p.index)
	return cmd
}
