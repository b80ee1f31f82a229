package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	client "github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// standIn is a Python that makes a virtual environment in which there is only itself: what it is asked to do, it does as told.
// It stands in for an interpreter with a package index, to see what becomes of each outcome; `make conformance` has the real ones.
func standIn(t *testing.T, pip, drive string) string {
	t.Helper()
	python := filepath.Join(t.TempDir(), "python3")
	itself, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := `#!/bin/sh
TEST_BINARY='` + itself + `'
case "$*" in
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip install "*) ` + pip + ` ;;
"-c "*) printf 2.13.2 ;;
*) ` + drive + ` ;;
esac
`
	// A child that another test starts while the file is open would have it open as well, and then it cannot be run.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(python, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return python
}

// provider is the provider's binary, built once for all tests.
var provider = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(built, "terraform-provider-rime")
	text, err := exec.Command("go", "build", "-o", binary, "../..").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, text)
	}
	return binary, err
})

// built is the directory of what is built for all tests.
var built string

// leaves tells this program that it is a script, and which specifier of pandas the image has that it leaves behind.
const leaves = "RIME_CONFORMANCE_TEST_LEAVES"

func TestMain(m *testing.M) {
	if slices.Contains(os.Args, resolveOne) {
		if err := serveResolution(context.Background(), os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	if specifier := os.Getenv(leaves); specifier != "" {
		if err := leaveImage(specifier); err != nil {
			panic(err)
		}
		return
	}
	if os.Getenv(serves) != "" {
		if err := serveSandbox(); err != nil {
			panic(err)
		}
		return
	}
	if displayName := os.Getenv(leavesGroupImage); displayName != "" {
		if err := leaveGroupImage(displayName); err != nil {
			panic(err)
		}
		return
	}
	dir, err := os.MkdirTemp("", "rime-conformance-test-")
	if err != nil {
		panic(err)
	}
	built = dir
	code := m.Run()
	_ = os.RemoveAll(dir) // of no use to anybody
	os.Exit(code)
}

// leaveImage does what every script does in the end: it makes the image that the provider is to take over.
func leaveImage(specifier string) error {
	var w rimeWorld
	if err := json.Unmarshal([]byte(os.Getenv("RIME_CONFORMANCE")), &w); err != nil {
		return err
	}
	ask := func(method, path, body string) (string, error) {
		request, err := http.NewRequest(method, w.Endpoint+path, strings.NewReader(body))
		if err != nil {
			return "", err
		}
		request.Header.Set("rime-api-key", w.Keys["user"])
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return "", err
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", response.Status, text)
		}
		return string(text), err
	}
	text, err := ask(http.MethodPost, "/v1/images", `{"name":"left-by-client","pythonVersion":"3.10","packageRequirements":[{"name":"vim","packageType":"PACKAGE_TYPE_ROCKYLINUX"}],`+
		`"pipRequirements":[{"name":"pandas","versionSpecifier":"`+specifier+`"},{"name":"xgboost"},{"name":"scikit-learn","versionSpecifier":"1.2"}]}`)
	for err == nil && !strings.Contains(text, "STATUS_READY") {
		text, err = ask(http.MethodGet, "/v1/images/left-by-client", "")
	}
	return err
}

// agrees is a script that leaves the right image, shows itself and tells what it was told.
const agrees = `cat "$3" && echo "$RIME_CONFORMANCE" && ` + leaves + `=">=1.5,<2" "$TEST_BINARY"`

func TestRun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pip, drive string
		// unavailable tells the error that is not the stand-in's fault.
		unavailable bool
		wantErr     string
		want        []string
	}{
		"all agree": {
			pip: "true", drive: agrees,
			want: []string{
				"robustintelligence: version 2.13.2", "from ri.client import", "from rime_sdk import", `"list_ends":{"echoed":"http://127.0.0.1:`,
				`"name":"made-by-terraform"`, `"status":"succeeded"`, "Terraform imports the client's image", "agree: robustintelligence, rime-sdk==2.6.8",
			},
		},
		"one disagrees": {
			pip: "true", drive: `grep -q "from ri.client" "$3" && ` + agrees, wantErr: "did not pass: rime-sdk==2.6.8",
			want: []string{"rime-sdk==2.6.8: the client does not agree", "agree: robustintelligence\n"},
		},
		"no package index": {
			pip: `echo "Failed to establish a new connection"; exit 1`, drive: "false", unavailable: true,
			wantErr: "the Python package index could not be reached, so nothing was checked with: robustintelligence, rime-sdk==2.6.8",
			want:    []string{"robustintelligence: installing", "Failed to establish a new connection", "agree: none"},
		},
		"no package index any more": {
			pip: `case "$*" in *robustintelligence*) true ;; *) echo "HTTP error 503 while getting it"; exit 1 ;; esac`, drive: agrees, unavailable: true,
			wantErr: "so nothing was checked with: rime-sdk==2.6.8", want: []string{"agree: robustintelligence\n"},
		},
		"no such client": {
			pip: `echo "ERROR: No matching distribution found"; exit 1`, drive: "false", wantErr: "did not pass: robustintelligence, rime-sdk==2.6.8",
			want: []string{"install robustintelligence: exit status 1\nERROR: No matching distribution found", "agree: none"},
		},
		"another image than was to be taken over": {
			pip: `case "$*" in *robustintelligence*) true ;; *) echo "Connection refused"; exit 1 ;; esac`, drive: leaves + `="==1.4" "$TEST_BINARY"`,
			wantErr: "did not pass: robustintelligence",
			want:    []string{"take over an image of the client with the provider: the plan of the import"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			binary, err := provider()
			if err != nil {
				t.Fatal(err)
			}
			err = run(t.Context(), []string{"-python", standIn(t, tc.pip, tc.drive), "-provider", binary, "robustintelligence", "rime-sdk==2.6.8"}, log.New(&out, "", 0))
			if text := errorText(err); errors.Is(err, errUnavailable) != tc.unavailable || !strings.Contains(text, tc.wantErr) || (tc.wantErr == "") != (err == nil) {
				t.Errorf("error %q, want %q", text, tc.wantErr)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRun_noPython(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-python", filepath.Join(t.TempDir(), "none"), "-provider", "not-used", "robustintelligence"}, log.New(&out, "", 0)); err == nil || errors.Is(err, errUnavailable) {
		t.Errorf("error %v", err)
	}
	if err := run(t.Context(), []string{"-no-such-flag"}, log.New(&out, "", 0)); err == nil {
		t.Error("no error")
	}
}

// The scripts are in the program, one for each client that it takes by default.
func TestDefaultClients(t *testing.T) {
	t.Parallel()
	entries, err := scripts.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	ci, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range defaultClients {
		if !needsTerraform(client) { // it judges the resolver
			continue
		}
		if strings.HasPrefix(client, "moto") { // it is no client, and its version is told twice
			if !strings.Contains(string(ci), " "+client+" ") {
				t.Errorf(".ci/run has another moto than %s", client)
			}
			continue
		}
		if script := scriptOf(client); !slices.Contains(names, script) {
			t.Errorf("%s needs %s, and there are %q", client, script, names)
		}
	}
}

// The client of another platform is told of other stand-ins, with images in them that the provider has made there, and leaves one to be taken over there.
func TestRun_primehub(t *testing.T) {
	t.Parallel()
	binary, err := provider()
	if err != nil {
		t.Fatal(err)
	}
	for displayName, wantErr := range map[string]string{"Left by the client": "", "Another": "did not pass: primehub-python-sdk"} {
		t.Run(displayName, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			python := standIn(t, "true", `cat "$3" && echo "$RIME_CONFORMANCE" && `+leavesGroupImage+`="`+displayName+`" "$TEST_BINARY"`)
			err := run(t.Context(), []string{"-python", python, "-provider", binary, "primehub-python-sdk"}, log.New(&out, "", 0))
			if errorText(err) != wantErr {
				t.Errorf("%v\n%s", err, out.String())
			}
			wants := []string{"from primehub import PrimeHub", `"endpoints":{"community":"http://127.0.0.1:`, `"name":"made-for-a-group-`, `"phase":"succeeded"`}
			if wantErr == "" {
				wants = append(wants, "Terraform imports the client's image", "agree: primehub-python-sdk")
			} else {
				wants = append(wants, "take over an image of the client with the provider: the plan of the import")
			}
			for _, want := range wants {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

// leavesGroupImage tells this program that it is a script for PrimeHub, and the display name of the image that it leaves behind.
const leavesGroupImage = "RIME_CONFORMANCE_TEST_LEAVES_GROUP_IMAGE"

// leaveGroupImage does what the script for PrimeHub does in the end.
func leaveGroupImage(displayName string) error {
	var w primehubWorld
	if err := json.Unmarshal([]byte(os.Getenv("RIME_CONFORMANCE")), &w); err != nil {
		return err
	}
	c, err := client.New(client.Config{Endpoint: w.Endpoints["enterprise"], APIToken: w.Tokens["admin"]})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	research, err := c.Group(ctx, primehub.GroupResearch)
	if err != nil {
		return err
	}
	image, err := c.Create(ctx, client.Spec{
		Name: leftByClient, DisplayName: displayName, Type: client.TypeCPU, Groups: []client.GroupRef{research.GroupRef},
		Recipe: &client.Recipe{BaseImage: "jupyter/base-notebook", Packages: client.Packages{Apt: []string{"curl"}, Conda: []string{"-c", "pytorch", "fastai"}}},
	})
	if err == nil {
		_, err = c.AwaitBuild(ctx, image.Ref(), nil)
	}
	return err
}

func TestStartPrimeHub_stops(t *testing.T) {
	t.Parallel()
	w, stop, err := startPrimeHub()
	if err != nil {
		t.Fatal(err)
	}
	var ended []func()
	for _, endpoint := range w.Endpoints {
		ended = append(ended, workbenchtest.Connect(t, hostOf(t, endpoint)))
	}
	stop()
	for _, expectEnded := range ended {
		expectEnded()
	}
}

func TestStartRIME_stops(t *testing.T) {
	t.Parallel()
	w, stop, err := startRIME("2.13.2")
	if err != nil {
		t.Fatal(err)
	}
	expectEnded := workbenchtest.Connect(t, hostOf(t, w.Endpoint))
	stop()
	expectEnded()
	if buildTime > time.Second {
		t.Errorf("builds take %s: the scripts would have to wait", buildTime)
	}
}

// hostOf is where an address leads.
func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
