package workbench

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeApt returns a PATH with an apt-get that writes down how it is called, in a file "calls" beside it, and "installs" by making a
// program; update and install end with the given codes.
func fakeApt(t *testing.T, updateCode, installCode string) (path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("installing takes root")
	}
	dir := t.TempDir()
	script := `#!/bin/sh
echo "$@" >>` + dir + `/calls
case "$*" in
*update) echo "E: some mirror is down" >&2; exit ` + updateCode + ` ;;
*) [ ` + installCode + ` = 0 ] && { printf '#!/bin/sh\n' >` + dir + `/frobnicate; chmod +x ` + dir + `/frobnicate; }
   echo "E: Unable to locate package" >&2; exit ` + installCode + ` ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "apt-get"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir + ":/bin:/usr/bin"
}

func TestNeed_installsWhatIsMissing(t *testing.T) {
	path := fakeApt(t, "0", "0")
	t.Setenv("PATH", path)
	var progress []string
	o := Options{CacheDir: t.TempDir(), Progress: func(line string) { progress = append(progress, line) }}
	for range 2 {
		if found, err := o.need(t.Context(), "frobnicate"); err != nil || filepath.Base(found) != "frobnicate" {
			t.Errorf("got %q, %v", found, err)
		}
	}
	want := "--quiet -o DPkg::Lock::Timeout=120 update\n--quiet -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends frobnicate\n"
	dir, _, _ := strings.Cut(path, ":")
	if got, err := os.ReadFile(filepath.Join(dir, "calls")); err != nil || string(got) != want {
		t.Errorf("calls\n%swant\n%s(%v)", got, want, err)
	}
	if len(progress) != 1 || progress[0] != "installing Debian's frobnicate" {
		t.Errorf("progress: %q", progress)
	}
}

func TestNeed_survivesABrokenMirror(t *testing.T) {
	t.Setenv("PATH", fakeApt(t, "100", "0"))
	if found, err := (Options{CacheDir: t.TempDir()}).need(t.Context(), "frobnicate"); err != nil || found == "" {
		t.Errorf("got %q, %v", found, err)
	}
}

func TestNeed_saysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", fakeApt(t, "100", "100"))
	_, err := (Options{CacheDir: t.TempDir()}).need(t.Context(), "frobnicate")
	unavailable, ok := errors.AsType[*UnavailableError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"frobnicate is not available here", "E: some mirror is down", "E: Unable to locate package", "apt-get install frobnicate"} {
		if !strings.Contains(unavailable.Error(), want) {
			t.Errorf("no %q in\n%v", want, unavailable)
		}
	}
}

func TestNeed_withoutApt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, get := range []func(Options) (string, error){
		func(o Options) (string, error) { return o.need(t.Context(), "frobnicate") },
		func(o Options) (string, error) { return o.needUnpacked(t.Context(), "frobnicate") },
	} {
		_, err := get(Options{CacheDir: t.TempDir()})
		if _, ok := errors.AsType[*UnavailableError](err); !ok || !strings.Contains(err.Error(), "apt-get install frobnicate") {
			t.Errorf("got %v", err)
		}
	}
}
