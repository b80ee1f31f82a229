package sandbox_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

func start(t *testing.T, o sandbox.Options) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the sandbox: %v", err)
		}
	})
	return s
}

func status(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func TestStart_faultsAreForOneService(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Options{DataDir: t.TempDir(), Faults: []fault.Rule{{Service: sandbox.PackageIndex, Status: http.StatusTeapot}}})
	a := s.Addresses()
	for url, want := range map[string]int{
		"http://" + a.OCIRegistry + "/v2/": http.StatusOK,
		a.PackageIndex:                     http.StatusTeapot,
		a.PrimeHubEndpoint:                 http.StatusInternalServerError, // without a token
		a.Control + "/requests":            http.StatusOK,
	} {
		if got := status(t, url); got != want {
			t.Errorf("GET %s: status %d, want %d", url, got, want)
		}
	}
	services := map[string]int{}
	for _, r := range s.Requests() {
		services[r.Service]++
	}
	if len(services) != 3 || services[oci.Service] != 1 || services[sandbox.PackageIndex] != 1 || services[primehub.Service] != 1 {
		t.Errorf("recorded: %v; want one for each stand-in, and none for the control endpoint", services)
	}
}

// The platform of the addresses is the one that tests can get hold of.
func TestPrimeHub(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Options{PrimeHub: primehub.Options{Preload: primehub.Preload{Images: 3}}})
	a := s.Addresses()
	if a.PrimeHubAPIToken != primehub.TokenAdmin || a.Env["PRIMEHUB_GROUP"] != primehub.GroupDataScience || len(s.PrimeHub().ImageNames()) != 3 {
		t.Errorf("%+v, images %q", a, s.PrimeHub().ImageNames())
	}
	if got := status(t, a.Control+"/primehub/operations"); got != http.StatusOK {
		t.Errorf("control: status %d", got)
	}
	if s, err := sandbox.Start(sandbox.Options{PrimeHub: primehub.Options{BuildTime: -1}}); err == nil {
		t.Errorf("started with a negative build time: %v", s.Close())
	}
}

// The account is behind the same gate at another address, because its registry has the paths of the other one.
func TestStart_aws(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Options{Faults: []fault.Rule{{Service: aws.Service, Path: "^/v2/broken", Status: http.StatusTeapot}}})
	endpoint := s.Addresses().AWSEndpoint
	for path, want := range map[string]int{"/v2/": http.StatusUnauthorized, "/v2/broken": http.StatusTeapot, "/control/aws/calls": http.StatusOK, "/": http.StatusNotFound} {
		if got := status(t, endpoint+path); got != want {
			t.Errorf("GET %s: status %d, want %d", path, got, want)
		}
	}
	if got := s.Count(http.MethodGet, "^/v2/"); got != 2 {
		t.Errorf("%d requests recorded", got)
	}
	if region := s.Addresses().Env["AWS_REGION"]; region != aws.DefaultRegion {
		t.Errorf("region %q in the environment", region)
	}
	for _, o := range []sandbox.Options{{AWSListen: "0.0.0.0:0"}, {AWS: aws.Options{Region: "nowhere"}}} {
		if s, err := sandbox.Start(o); err == nil {
			t.Errorf("%+v: started, %v", o, s.Close())
		}
	}
}

func TestStart_refusesInvalidFaults(t *testing.T) {
	t.Parallel()
	if s, err := sandbox.Start(sandbox.Options{Faults: []fault.Rule{{Path: "/x"}}}); err == nil {
		t.Errorf("started: %v", s.Close())
	}
}

// The packages refer to each other; pip has to find a set of versions for all of them.
func TestPackages_canBeInstalledTogether(t *testing.T) {
	t.Parallel()
	workbenchtest.Python(t)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "python3", "-m", "pip", "download", "--quiet", "--dest", dir,
		"--index-url", start(t, sandbox.Options{}).Addresses().PackageIndex, "sandbox-learn[frames]")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PIP_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "PIP_CONFIG_FILE=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pip download: %v\n%s", err, out)
	}
	for _, want := range []string{"sandbox_learn-1.0-", "sandbox_frames-1.1-", "sandbox_arrays-1.4-"} {
		if found, _ := filepath.Glob(filepath.Join(dir, want+"*.whl")); len(found) != 1 {
			t.Errorf("no %s among what pip chose", want)
		}
	}
}
