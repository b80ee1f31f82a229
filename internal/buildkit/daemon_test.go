package buildkit

import (
	"archive/tar"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// TestBuild builds an image with packages of both kinds and takes apart what was published.
func TestBuild(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0", "2.0"), pypi.Package{Name: "needs-tiny", Releases: []pypi.Release{{Version: "1.0", Requires: []string{"tiny"}}}})
	req := b.request("needs-tiny", "tiny<2")
	req.Base = b.variant("base/debian", withFiles(map[string]string{
		"etc/apt/sources.list": debianMirror(t, deb{name: "hello", version: "1.0", depends: "world"}, deb{name: "hello", version: "2:3.0-1"}, deb{name: "world", version: "1"}),
		// Debian's mark of a Python that pip must leave alone (PEP 668).
		"usr/lib/python3.11/EXTERNALLY-MANAGED": "[externally-managed]\nError=keep out\n",
		// What images of Debian do to the archives that apt downloads.
		"etc/apt/apt.conf.d/docker-clean": `DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };`,
	}))
	req.Packages = []requirement.Package{{Name: "hello", VersionSpecifier: "1.0", Type: requirement.PackageTypeApt}}
	req.Labels = map[string]string{"test.label": "value"}
	result, err := b.builder().Build(t.Context(), req)
	if err != nil {
		t.Fatalf("%v\n%s", err, b.log())
	}

	if !slices.Contains(result.PipLibraries, imageregistry.PipLibrary{Name: "tiny", Version: "1.0"}) ||
		!slices.Contains(result.PipLibraries, imageregistry.PipLibrary{Name: "needs-tiny", Version: "1.0"}) || result.PythonVersion != "3.11" {
		t.Errorf("got %+v", result)
	}
	p := b.pull(req.Target)
	if got := p.digest.String(); got != result.Digest {
		t.Errorf("the tag is %s, the result says %s", got, result.Digest)
	}
	if len(p.images) != 1 || len(p.attestations) != 1 {
		t.Fatalf("%d images and %d attestations", len(p.images), len(p.attestations))
	}
	image := p.images[0]
	if got := sizeOf(t, image); got != result.Size {
		t.Errorf("the image has %d bytes, the result says %d", got, result.Size)
	}
	config := configOf(t, image)
	if got := config.Config.Labels; got["test.label"] != "value" || got["org.opencontainers.image.base.digest"] != strings.Split(req.Base, "@")[1] {
		t.Errorf("labels: %v", got)
	}
	history := config.History[len(config.History)-2:]
	if history[0].CreatedBy != "install system packages: hello=1.0" || history[1].CreatedBy != "install pip requirements: needs-tiny tiny<2" {
		t.Errorf("history: %+v", history)
	}
	base := layersOf(t, b.image(req.Base))
	layers := layersOf(t, image)
	if len(layers) != len(base)+2 {
		t.Fatalf("%d layers on a base of %d", len(layers), len(base))
	}
	checkLayer(t, "system", layers[len(base)], []string{"usr/share/hello"}, []string{"etc/", "usr/share/", "var/lib/dpkg/", "var/lib/apt/extended_states"})
	checkLayer(t, "python", layers[len(base)+1], []string{"usr/local/lib/python3.11/dist-packages/tiny/__init__.py"}, []string{"usr/local/lib/python3.11/dist-packages/"})
	checkSBOM(t, p.statement("https://spdx.dev/Document"), "pkg:pypi/tiny@1.0", "pkg:deb/debian/hello@1.0?arch=all", "pkg:deb/debian/world@1?arch=all")
	checkProvenance(t, p.statement("https://slsa.dev/provenance/v1"), strings.Split(req.Base, "@sha256:")[1])
}

// checkLayer wants files to be there and nothing besides what lies below the prefixes.
func checkLayer(t *testing.T, name string, layer v1.Layer, present, prefixes []string) {
	t.Helper()
	files := filesOf(t, layer)
	for _, want := range present {
		if !slices.Contains(files, want) {
			t.Errorf("the %s layer has no %s, only %q", name, want, files)
		}
	}
	for _, file := range files {
		below := func(prefix string) bool { return strings.HasPrefix(file, prefix) || strings.HasPrefix(prefix, file) }
		if !slices.ContainsFunc(prefixes, below) {
			t.Errorf("the %s layer has %s", name, file)
		}
	}
}

func checkSBOM(t *testing.T, predicate json.RawMessage, purls ...string) {
	t.Helper()
	var doc spdxDocument
	if err := json.Unmarshal(predicate, &doc); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, p := range doc.Packages {
		for _, ref := range p.ExternalRefs {
			found[ref.Locator] = true
		}
	}
	for _, purl := range purls {
		if !found[purl] {
			t.Errorf("the SBOM has no %s", purl)
		}
	}
}

func checkProvenance(t *testing.T, predicate json.RawMessage, baseDigest string) {
	t.Helper()
	var provenance struct {
		BuildDefinition struct {
			InternalParameters   map[string]any `json:"internalParameters"`
			ResolvedDependencies []struct {
				Digest map[string]string `json:"digest"`
			} `json:"resolvedDependencies"`
		} `json:"buildDefinition"`
		RunDetails struct {
			Builder struct {
				ID string `json:"id"`
			} `json:"builder"`
		} `json:"runDetails"`
	}
	if err := json.Unmarshal(predicate, &provenance); err != nil {
		t.Fatal(err)
	}
	if d := provenance.BuildDefinition.ResolvedDependencies; len(d) != 1 || d[0].Digest["sha256"] != baseDigest {
		t.Errorf("the provenance names the materials %v", d)
	}
	if got := provenance.RunDetails.Builder.ID; got != builderID+"@1.2.3" {
		t.Errorf("the provenance names the builder %q", got)
	}
	if strings.Contains(string(predicate), "install_pip.py") {
		t.Error("the provenance holds the LLB")
	}
}

// TestBuild_rpm lets the three package managers of RPM systems write down what they were called with. They are made up: this
// machine has none of the real ones.
func TestBuild_rpm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const tool = "#!/bin/sh\nmkdir -p /var/cache/dnf /var/cache/yum\necho cached >/var/cache/dnf/x >/var/cache/yum/x\n{ basename \"$0\"; printf '%s\\n' \"$@\"; } >/called\n"
	for name, c := range map[string]struct {
		tools []string
		ca    bool
		want  string
	}{
		"dnf":      {[]string{"dnf", "yum", "microdnf"}, false, "dnf --assumeyes --refresh --setopt=install_weak_deps=False --setopt=keepcache=True --setopt=logdir=/run/rime/tmp install -- g++-1:2.0 vim"},
		"microdnf": {[]string{"microdnf", "yum"}, true, "microdnf --assumeyes --setopt=install_weak_deps=0 --setopt=keepcache=1 --setopt=sslcacert=/run/rime/tmp/ca.pem install -- g++-1:2.0 vim"},
		"yum":      {[]string{"yum"}, false, "yum --assumeyes --setopt=metadata_expire=0 --setopt=skip_missing_names_on_install=False --setopt=keepcache=1 install -- g++-1:2.0 vim"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, options := map[string]string{}, b.options
			for _, name := range c.tools {
				files["usr/bin/"+name] = tool
			}
			if c.ca {
				options.CAFile = t.TempDir() + "/ca.pem"
				if err := os.WriteFile(options.CAFile, []byte("certificates"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			req := b.request()
			req.Base, req.Target = b.variant("base/"+name, withFiles(files)), strings.Replace(req.Target, ":tag", "-"+name+":tag", 1)
			req.Packages = []requirement.Package{
				{Name: "vim", Type: requirement.PackageTypeRockyLinux}, {Name: "g++", VersionSpecifier: "1:2.0", Type: requirement.PackageTypeRockyLinux},
			}
			builder, err := New(options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = builder.Close() })
			if _, err := builder.Build(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			layers := layersOf(t, b.pull(req.Target).images[0])
			checkLayer(t, "system", layers[len(layers)-1], []string{"called"}, []string{"called"})
			eachFile(t, layers[len(layers)-1], func(h *tar.Header, r io.Reader) {
				content, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(strings.Fields(string(content)), " "); h.Name == "called" && got != c.want {
					t.Errorf("called\n%s\nwant\n%s", got, c.want)
				}
			})
		})
	}
}

// TestBuild_again builds the same twice: everything is cached, and the image is the same.
func TestBuild_again(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0"), pypi.Simple("small", "1.0"))
	builder, base := b.builder(), b.ownBase()
	var images []string
	for _, pips := range [][]string{{"tiny", "small"}, {"Small", "tiny"}} {
		req := b.request(pips...)
		req.Base = base
		if _, err := builder.Build(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		images = append(images, digestOfImage(t, b.pull(req.Target).images[0]))
	}
	if images[0] != images[1] {
		t.Errorf("the image was %s and is %s", images[0], images[1])
	}
	for _, step := range []string{stepPip, stepReport} {
		if !strings.Contains(b.log(), step+": cached") {
			t.Errorf("not cached: %s\n%s", step, b.log())
		}
	}
}

// TestBuild_fresh releases a new version: only a fresh build finds it, and what is built afterwards starts from it.
func TestBuild_fresh(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	index := b.replaceIndex(pypi.Simple("tiny", "1.0"))
	builder := b.builder()
	base := b.ownBase()
	installed := func(fresh bool) string {
		req := b.request("tiny")
		req.Base = base
		req.Fresh = fresh
		result, err := builder.Build(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return versionOf(result, "tiny")
	}
	got := []string{installed(false)}
	index.Store(pypi.New(pypi.Simple("tiny", "1.0", "2.0")))
	got = append(got, installed(false), installed(true), installed(false))
	if diff := cmp.Diff([]string{"1.0", "1.0", "2.0", "2.0"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestBuild_pipCache installs twice and wants the second time to download and to build nothing.
func TestBuild_pipCache(t *testing.T) {
	t.Parallel()
	index := pypi.New(pypi.Simple("tiny", "1.0"), pypi.Package{Name: "source", Releases: []pypi.Release{{Version: "1.0", Source: &pypi.Source{}}}})
	var downloads atomic.Int64
	b := newBench(t)
	b.options.Pip.IndexURL = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/files/") { // as the Python package index has it
			w.Header().Set("Cache-Control", "max-age=365000000, immutable, public")
			downloads.Add(1)
		}
		index.ServeHTTP(w, r)
	}) + "/simple/"
	b.options.Pip.Config = "[global]\ntrusted-host = 127.0.0.1\n" // pip keeps nothing that came over plain http, unless it trusts the host
	// Variables of the base image that would turn the cache off, or send pip elsewhere.
	base := b.variant("base/nocache", func(image v1.Image) (v1.Image, error) {
		config, err := image.ConfigFile()
		if err != nil {
			return nil, err
		}
		config = config.DeepCopy()
		config.Config.Env = append(config.Config.Env, "PIP_NO_CACHE_DIR=1", "PIP_INDEX_URL=http://127.0.0.1:1/simple")
		return mutate.ConfigFile(image, config)
	})
	for range 2 {
		req := b.request("tiny", "source")
		req.Base, req.Fresh = base, true
		if _, err := b.builder().Build(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	if got := downloads.Load(); got != 2 {
		t.Errorf("%d downloads of 2 files", got)
	}
	if got := strings.Count(b.log(), "Building wheel for source (pyproject.toml): started"); got != 1 {
		t.Errorf("built %d times", got)
	}
}

// TestBuild_nothing publishes the base image with labels.
func TestBuild_nothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	req := b.request()
	result, err := b.builder().Build(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	p := b.pull(req.Target)
	if got, want := len(layersOf(t, p.images[0])), len(layersOf(t, b.image(b.base))); got != want {
		t.Errorf("%d layers on a base of %d", got, want)
	}
	if versionOf(result, "pip") == "" {
		t.Errorf("pip lists %v", result.PipLibraries)
	}
}

// TestBuild_platforms builds for two platforms. The base image claims to be one for 386 as well, which this machine runs.
func TestBuild_platforms(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0"))
	b.options.Platforms = []string{"linux/amd64", "linux/386"}
	req := b.request("tiny")
	req.Base = b.multiPlatform("base/multi", "amd64", "386")
	result, err := b.builder().Build(t.Context(), req)
	if err != nil {
		t.Fatalf("%v\n%s", err, b.log())
	}
	p := b.pull(req.Target)
	var architectures []string
	var size int64
	seen := map[string]bool{}
	for _, image := range p.images {
		architectures = append(architectures, configOf(t, image).Architecture)
		for digest, n := range blobsOf(t, image) {
			if !seen[digest] {
				seen[digest], size = true, size+n
			}
		}
	}
	if diff := cmp.Diff([]string{"amd64", "386"}, architectures); diff != "" || len(p.attestations) != 2 {
		t.Errorf("%d attestations, %s", len(p.attestations), diff)
	}
	if result.Size != size || versionOf(result, "tiny") != "1.0" {
		t.Errorf("size %d, want %d; %v", result.Size, size, result.PipLibraries)
	}
	if !strings.Contains(b.log(), "[linux/386] "+stepPip) {
		t.Errorf("the log does not tell the platforms apart:\n%s", b.log())
	}
}

func TestBuild_compressionAndCache(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0"))
	req := b.request("tiny")
	b.options.Compression = "zstd"
	b.options.Cache = CacheOptions{Ref: strings.TrimSuffix(req.Target, ":tag") + "-cache:latest", Mode: "max"}
	b.options.Insecure = func(host string) bool { return host == b.registry }
	if _, err := b.builder().Build(t.Context(), req); err != nil {
		t.Fatalf("%v\n%s", err, b.log())
	}
	base, layers := layersOf(t, b.image(req.Base)), layersOf(t, b.pull(req.Target).images[0])
	if diff := cmp.Diff(digestsOf(t, base), digestsOf(t, layers[:len(base)])); diff != "" || len(layers) == len(base) {
		t.Errorf("%d layers, of which the base image had %d: %s", len(layers), len(base), diff)
	}
	for i, layer := range layers[len(base):] {
		if got, err := layer.MediaType(); err != nil || got != "application/vnd.oci.image.layer.v1.tar+zstd" {
			t.Errorf("layer %d of the build is %s, %v", i, got, err)
		}
	}
	cache := b.image(cacheReference(b.options.Cache.Ref, req.Target)) // fails for an index: image-manifest is on
	if got, err := cache.MediaType(); err != nil || got != "application/vnd.oci.image.manifest.v1+json" {
		t.Errorf("the cache is %s, %v", got, err)
	}
	if _, err := b.builder().Build(t.Context(), req); err != nil {
		t.Errorf("with the cache imported: %v", err)
	}
}

// TestBuild_cacheOfMany has two images, one cache reference, and a daemon that starts empty: it finds both in the cache.
func TestBuild_cacheOfMany(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0", "2.0"))
	b.options.Insecure = func(host string) bool { return host == b.registry }
	b.options.Cache = CacheOptions{Ref: b.registry + "/many/cache:builds", Mode: "max"}
	base := b.ownBase()
	for _, version := range []string{"1.0", "2.0"} {
		req := b.request("tiny==" + version)
		req.Base, req.Target = base, b.registry+"/many/image-"+version+":tag"
		if _, err := b.builder().Build(t.Context(), req); err != nil {
			t.Fatalf("%v\n%s", err, b.log())
		}
	}
	b.options.Address = workbenchtest.OwnBuildKit(t, t.TempDir())
	builder := b.builder()
	for _, version := range []string{"1.0", "2.0"} {
		b.observed = nil
		req := b.request("tiny==" + version)
		req.Base, req.Target = base, b.registry+"/many/image-"+version+":tag"
		if _, err := builder.Build(t.Context(), req); err != nil {
			t.Fatalf("%v\n%s", err, b.log())
		}
		if !strings.Contains(b.log(), stepPip+": cached") {
			t.Errorf("image-%s is not in the cache:\n%s", version, b.log())
		}
	}
}

// TestBuild_cacheGone has a cache that can be neither read nor written. It fails no build, and is not blamed for what does.
func TestBuild_cacheGone(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0"))
	b.options.Cache = CacheOptions{Ref: "127.0.0.1:1/cache:builds", Mode: "max"}
	req := b.request("tiny")
	if _, err := b.builder().Build(t.Context(), req); err != nil {
		t.Fatalf("%v\n%s", err, b.log())
	}
	req.Target = "127.0.0.1:1/image:tag"
	if failed := b.failureOf(t.Context(), req); failed.Failure.Step != stepPush {
		t.Errorf("got %+v", failed.Failure)
	}
}

func TestResolveBase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	builder := b.builder()
	tag, digest, _ := strings.Cut(b.base, "@")
	if got, err := builder.ResolveBase(t.Context(), tag); err != nil || got != digest {
		t.Errorf("got %q, %v, want %q", got, err, digest)
	}
	// A tag that moves is seen at once.
	moving := b.variant("base/moving", withFiles(map[string]string{"etc/moved": "once"}))
	tag, _, _ = strings.Cut(moving, "@")
	for _, content := range []string{"twice", "thrice"} {
		if _, err := builder.ResolveBase(t.Context(), tag); err != nil {
			t.Fatal(err)
		}
		_, want, _ := strings.Cut(b.variant("base/moving", withFiles(map[string]string{"etc/moved": content})), "@")
		if got, err := builder.ResolveBase(t.Context(), tag); err != nil || got != want {
			t.Errorf("moved %s: got %q, %v, want %q", content, got, err, want)
		}
	}
}

// emptyImage is an image of nothing.
func emptyImage(base v1.Image) (v1.Image, error) {
	config, err := base.ConfigFile()
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: config.OS, Architecture: config.Architecture})
}
