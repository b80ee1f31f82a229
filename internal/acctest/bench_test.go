package acctest_test

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/workbench"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// BenchmarkApply measures what a cold `terraform apply` of one image costs beyond the same build run by buildctl, on a daemon whose cache is
// thrown away before every run (the goal: a ratio of at most 1.05). RIME_TEST_PYPI=1 installs scikit-learn and pandas from the public
// index instead of the local one's packages.
//
//	make bench
func BenchmarkApply(b *testing.B) {
	b.Setenv("BUILDKIT_HOST", "") // the cache of a shared daemon is not ours to prune
	daemon, err := workbench.BuildKit(b.Context(), workbench.Options{Fresh: true})
	workbenchtest.SkipUnavailable(b, err)
	b.Cleanup(func() {
		if err := daemon.Stop(); err != nil {
			b.Error(err)
		}
	})
	b.Setenv("BUILDKIT_HOST", daemon.Address)
	bench := newBuildBench(b, daemon.Address)
	var apply, buildctl time.Duration
	for b.Loop() {
		apply += bench.apply()
		buildctl += bench.buildctl()
	}
	b.ReportMetric(apply.Seconds()/float64(b.N), "apply-s/op")
	b.ReportMetric(buildctl.Seconds()/float64(b.N), "buildctl-s/op")
	b.ReportMetric(apply.Seconds()/buildctl.Seconds(), "ratio")
}

type buildBench struct {
	b         *testing.B
	address   string
	tool      string
	registry  *oci.Server
	workspace *acctest.Workspace
	context   string
}

func newBuildBench(b *testing.B, address string) *buildBench {
	b.Helper()
	tool := filepath.Join(b.TempDir(), "buildctl")
	build := exec.CommandContext(b.Context(), "go", "build", "-modfile=../tools/go.mod", "-o", tool, "github.com/moby/buildkit/cmd/buildctl")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building buildctl: %v\n%s", err, out)
	}
	bench := &buildBench{b: b, address: address, tool: tool, registry: acctest.StartRegistry(b, oci.Options{}), context: b.TempDir()}
	bench.workspace = acctest.NewEmbeddedWorkspace(b, bench.registry.Host)
	index, ca, requirements := acctest.PackageIndex(b), "", []string{"brief-build", "big-wheel", "tiny-model"}
	if os.Getenv("RIME_TEST_PYPI") == "1" {
		index, requirements = "https://pypi.org/simple/", []string{"scikit-learn", "pandas"}
		ca = cmp.Or(os.Getenv("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt")
		provider := filepath.Join(bench.workspace.Dir, "provider.tf")
		text, err := os.ReadFile(provider)
		if err != nil {
			b.Fatal(err)
		}
		bench.workspace.Write("provider.tf", strings.Replace(
			strings.Replace(string(text), acctest.PackageIndex(b), index, 1),
			"embedded_registry =", fmt.Sprintf("http = { ca_file = %q }\n  embedded_registry =", ca), 1))
	}
	names := make([]string, len(requirements))
	for i, r := range requirements {
		names[i] = fmt.Sprintf("%q", r)
	}
	bench.workspace.Write("main.tf", fmt.Sprintf(`resource "rime_managed_image" "a" {
  name             = "bench"
  python_version   = "3.11"
  pip_requirements = [%s]
}
`, strings.Join(names, ", ")))
	bench.writeDockerfile(index, ca, requirements)
	return bench
}

// writeDockerfile writes what a person would run in place of the provider.
func (x *buildBench) writeDockerfile(index, ca string, requirements []string) {
	pip := "PIP_BREAK_SYSTEM_PACKAGES=1 PIP_INDEX_URL=" + index
	mount := "--mount=type=cache,target=/root/.cache/pip"
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			x.b.Fatal(err)
		}
		x.write("ca.pem", string(text))
		pip += " PIP_CERT=/ca.pem"
		mount += " --mount=type=bind,source=ca.pem,target=/ca.pem"
	}
	x.write("requirements.txt", strings.Join(requirements, "\n")+"\n")
	x.write("Dockerfile", fmt.Sprintf(`FROM %s
RUN %s --mount=type=bind,source=requirements.txt,target=/requirements.txt %s python3 -m pip install -r /requirements.txt
RUN python3 -m pip list --format=json
`, acctest.BaseImage(x.b), mount, pip))
}

func (x *buildBench) write(name, text string) {
	if err := os.WriteFile(filepath.Join(x.context, name), []byte(text), 0o600); err != nil {
		x.b.Fatal(err)
	}
}

func (x *buildBench) prune() { x.run("prune", "--all") }

func (x *buildBench) run(args ...string) {
	x.b.Helper()
	cmd := exec.CommandContext(x.b.Context(), x.tool, append([]string{"--addr", x.address}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		x.b.Fatalf("buildctl %v: %v\n%s", args, err, out)
	}
}

func (x *buildBench) apply() time.Duration {
	x.prune()
	began := time.Now()
	x.workspace.Apply()
	took := time.Since(began)
	x.workspace.Destroy()
	return took
}

func (x *buildBench) buildctl() time.Duration {
	x.prune()
	began := time.Now()
	x.run("build", "--progress=plain", "--frontend=dockerfile.v0", "--local=context="+x.context, "--local=dockerfile="+x.context,
		"--opt=attest:provenance=mode=min", "--output=type=image,push=true,name="+x.registry.Host+"/by/buildctl:latest")
	return time.Since(began)
}
