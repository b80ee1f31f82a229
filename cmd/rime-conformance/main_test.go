package main

import (
	"bytes"
	"context"
	"errors"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// standIn is a Python that makes a virtual environment in which there is only itself: what it is asked to do, it does as told.
// It stands in for an interpreter with a package index, to see what becomes of each outcome; `make conformance` has the real ones.
func standIn(t *testing.T, pip, drive string) string {
	t.Helper()
	python := filepath.Join(t.TempDir(), "python3")
	script := `#!/bin/sh
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
			pip: "true", drive: `cat "$3" && echo "$RIME_CONFORMANCE"`,
			want: []string{"robustintelligence: version 2.13.2", "from ri.client import", "from rime_sdk import", `"list_ends":{"echoed":"http://127.0.0.1:`, "agree: robustintelligence, rime-sdk==2.6.8"},
		},
		"one disagrees": {
			pip: "true", drive: `grep -q "from ri.client" "$3"`, wantErr: "disagree: rime-sdk==2.6.8",
			want: []string{"rime-sdk==2.6.8: the client does not agree", "agree: robustintelligence\n"},
		},
		"no package index": {
			pip: `echo "Failed to establish a new connection"; exit 1`, drive: "false", unavailable: true,
			wantErr: "could not be installed from the Python package index, and so nothing was checked with: robustintelligence, rime-sdk==2.6.8",
			want:    []string{"is it reachable?", "Failed to establish a new connection", "agree: none"},
		},
		"one is not there, and one disagrees": {
			pip: `[ "$6" = robustintelligence ] && exit 1; true`, drive: "false", wantErr: "disagree: rime-sdk==2.6.8",
			want: []string{"agree: none"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(t.Context(), []string{"-python", standIn(t, tc.pip, tc.drive), "robustintelligence", "rime-sdk==2.6.8"}, log.New(&out, "", 0))
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
	if err := run(t.Context(), []string{"-python", filepath.Join(t.TempDir(), "none"), "robustintelligence"}, log.New(&out, "", 0)); err == nil || errors.Is(err, errUnavailable) {
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
	for _, client := range defaultClients {
		if script := scriptOf(client); !slices.Contains(names, script) {
			t.Errorf("%s needs %s, and there are %q", client, script, names)
		}
	}
}

// The client of another platform is told of other stand-ins, with images in them that the provider's own client has made.
func TestRun_primehub(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	python := standIn(t, "true", `cat "$3" && echo "$RIME_CONFORMANCE"`)
	if err := run(t.Context(), []string{"-python", python, "primehub-python-sdk"}, log.New(&out, "", 0)); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"from primehub import PrimeHub", `"endpoints":{"community":"http://127.0.0.1:`, `"name":"made-for-a-group"`, "agree: primehub-python-sdk"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestStartPrimeHub_stops(t *testing.T) {
	t.Parallel()
	w, stop, err := startPrimeHub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := makeGroupImages(ctx, w.Endpoints["enterprise"]); err == nil {
		t.Error("it still runs")
	}
}

func TestStartRIME_stops(t *testing.T) {
	t.Parallel()
	w, stop, err := startRIME(t.Context(), "2.13.2")
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if err := makeImages(t.Context(), w.Endpoint); err == nil {
		t.Error("it still runs")
	}
	if buildTime > time.Second {
		t.Errorf("builds take %s: the scripts would have to wait", buildTime)
	}
}
