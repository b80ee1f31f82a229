package buildkit

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

const testDigest = "sha256:0123456789012345678901234567890123456789012345678901234567890123"

func testRequest(t *testing.T) Request {
	t.Helper()
	return Request{
		Base:          "registry.example.com/python:3.11-slim@" + testDigest,
		PythonVersion: "3.11",
		Pip:           parsePips(t, "pandas>=2,<3", "numpy"),
		Packages: []requirement.Package{
			{Name: "jq", VersionSpecifier: "1.6-2.1", Type: requirement.PackageTypeApt},
			{Name: "g++", Type: requirement.PackageTypeApt},
			{Name: "vim", VersionSpecifier: "8.0", Type: requirement.PackageTypeRockyLinux},
		},
		Target: "registry.example.com/ml/image:tag",
	}
}

func testRecipe(t *testing.T, req Request, options Options) recipe {
	t.Helper()
	secrets, err := options.readSecrets()
	if err != nil {
		t.Fatal(err)
	}
	return recipe{
		request:  req,
		platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"},
		env:      []string{"PATH=/usr/bin", "PIP_NO_CACHE_DIR=1", "LANG=C.UTF-8"},
		secrets:  secrets,
	}
}

// definition is the LLB of the report, which depends on everything.
func definition(t *testing.T, r recipe) *pb.Definition {
	t.Helper()
	_, report := r.states()
	d, err := report.Marshal(t.Context(), llb.Platform(r.platform))
	if err != nil {
		t.Fatal(err)
	}
	return d.ToPB()
}

// execs are the exec operations by the script they run.
func execs(t *testing.T, d *pb.Definition) map[string]*pb.ExecOp {
	t.Helper()
	found := map[string]*pb.ExecOp{}
	for _, raw := range d.Def {
		var op pb.Op
		if err := op.UnmarshalVT(raw); err != nil {
			t.Fatal(err)
		}
		if e := op.GetExec(); e != nil {
			found[strings.TrimPrefix(e.Meta.Args[1], dirIn+"/")] = e
		}
	}
	return found
}

func TestRecipe_steps(t *testing.T) {
	t.Parallel()
	options := Options{Pip: PipOptions{IndexURL: "https://u:password@index.example.com/simple", Config: "[global]\ntimeout = 5\n"}}
	steps := execs(t, definition(t, testRecipe(t, testRequest(t), options)))
	arguments := map[string][]string{}
	for script, e := range steps {
		arguments[script] = append([]string{e.Meta.Args[0]}, e.Meta.Args[2:]...)
		if e.Meta.User != "root" || e.Meta.Cwd != "/" {
			t.Errorf("%s runs as %q in %q", script, e.Meta.User, e.Meta.Cwd)
		}
		if slices.Contains(e.Meta.Env, "PIP_NO_CACHE_DIR=1") || !slices.Contains(e.Meta.Env, "LANG=C.UTF-8") {
			t.Errorf("%s has the environment %q", script, e.Meta.Env)
		}
	}
	want := map[string][]string{
		"probe.sh":       {"/bin/sh", "3.11"},
		"apt.sh":         {"/bin/sh", "g++", "jq=1.6-2.1"},
		"rpm.sh":         {"/bin/sh", "vim-8.0"},
		"install_pip.py": {"python3"},
		"report.sh":      {"/bin/sh"},
	}
	if diff := cmp.Diff(want, arguments); diff != "" {
		t.Error(diff)
	}
	for script, e := range steps {
		if readonly := script == "probe.sh" || script == "report.sh"; e.Mounts[0].Readonly != readonly {
			t.Errorf("%s: the root is read-only: %t", script, e.Mounts[0].Readonly)
		}
		for _, m := range e.Mounts[1:] {
			if locked := m.CacheOpt.GetSharing() == pb.CacheSharingOpt_LOCKED; m.CacheOpt != nil && locked != (script != "install_pip.py") {
				t.Errorf("%s: sharing of %s is %s", script, m.Dest, m.CacheOpt.Sharing)
			}
			if writes := m.Output != int64(pb.SkipOutput) && m.MountType == pb.MountType_BIND; writes && m.Dest != dirOut && !m.Readonly && m.Dest != dirIn {
				t.Errorf("%s writes to %s", script, m.Dest)
			}
		}
	}
	if got := mounts(steps["install_pip.py"], pb.MountType_SECRET); !slices.Equal(got, []string{dirSecret + "/hidings.json", dirSecret + "/index.txt", dirSecret + "/pip.conf"}) {
		t.Errorf("secrets of pip: %q", got)
	}
	if !slices.Contains(steps["install_pip.py"].Meta.Env, "PIP_CONFIG_FILE="+dirSecret+"/pip.conf") {
		t.Error("pip does not read its configuration")
	}
}

func mounts(e *pb.ExecOp, mountType pb.MountType) []string {
	var found []string
	for _, m := range e.Mounts {
		if m.MountType == mountType {
			found = append(found, m.Dest)
		}
	}
	slices.Sort(found)
	return found
}

func TestRecipe_nothingToInstall(t *testing.T) {
	t.Parallel()
	req := testRequest(t)
	req.Pip, req.Packages = nil, nil
	steps := execs(t, definition(t, testRecipe(t, req, Options{})))
	if got := slices.Sorted(maps.Keys(steps)); !slices.Equal(got, []string{"probe.sh", "report.sh"}) {
		t.Errorf("steps: %q", got)
	}
}

// TestRecipe_cacheKey compares whole definitions: what is equal is found in the cache, what differs is built.
func TestRecipe_cacheKey(t *testing.T) {
	t.Parallel()
	key := func(change func(*Request, *Options)) string {
		req, options := testRequest(t), Options{Pip: PipOptions{IndexURL: "https://user:one@index.example.com/simple", Config: "[global]\n"}}
		change(&req, &options)
		return string(slices.Concat(definition(t, testRecipe(t, req, options)).Def...))
	}
	original := key(func(*Request, *Options) {})
	for name, c := range map[string]struct {
		change func(*Request, *Options)
		same   bool
	}{
		"password":        {func(_ *Request, o *Options) { o.Pip.IndexURL = "https://user:two@index.example.com/simple" }, true},
		"pip.conf":        {func(_ *Request, o *Options) { o.Pip.Config = "[global]\nindex-url = https://a:b@h/\n" }, false},
		"pip.conf secret": {func(_ *Request, o *Options) { o.Pip.Config = "[global]\ntimeout = 1\n" }, true},
		"order": {func(r *Request, _ *Options) {
			r.Pip = parsePips(t, "numpy", "pandas<3,>=2.0", "NumPy")
			slices.Reverse(r.Packages)
		}, true},
		"target":      {func(r *Request, _ *Options) { r.Target = "other" }, true},
		"labels":      {func(r *Request, _ *Options) { r.Labels = map[string]string{"a": "b"} }, true},
		"index":       {func(_ *Request, o *Options) { o.Pip.IndexURL = "https://user:one@other.example.com/simple" }, false},
		"path":        {func(_ *Request, o *Options) { o.Pip.IndexURL = "https://user:one@index.example.com/team/simple" }, false},
		"query":       {func(_ *Request, o *Options) { o.Pip.IndexURL = "https://user:one@index.example.com/simple?repo=a" }, false},
		"extra index": {func(_ *Request, o *Options) { o.Pip.ExtraIndexURLs = []string{"https://h/"} }, false},
		"requirement": {func(r *Request, _ *Options) { r.Pip = parsePips(t, "numpy") }, false},
		"package":     {func(r *Request, _ *Options) { r.Packages[0].VersionSpecifier = "1.7" }, false},
		"python":      {func(r *Request, _ *Options) { r.PythonVersion = "3.12" }, false},
		"base":        {func(r *Request, _ *Options) { r.Base = "other@" + testDigest }, false},
	} {
		if same := key(c.change) == original; same != c.same {
			t.Errorf("another %s: the same definition: %t, want %t", name, same, c.same)
		}
	}
}

// TestRecipe_noSecrets searches the whole definition, which BuildKit keeps in its history, for the secrets.
func TestRecipe_noSecrets(t *testing.T) {
	t.Parallel()
	options := Options{Pip: PipOptions{
		IndexURL: "https://name-canary:password-canary@index.example.com/simple",
		ExtraIndexURLs: []string{
			"https://token-canary@extra.example.com/simple",
			"https://dl.example.com/path-canary/org/repo/python/simple/",
			"https://query.example.com/simple/?auth=query-canary",
		},
		Config: "[global]\nindex-url = https://a:conf-canary@conf.example.com/simple\n# canary\n",
	}}
	r := testRecipe(t, testRequest(t), options)
	d := definition(t, r)
	raw, err := d.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	if i := strings.Index(string(raw), "canary"); i >= 0 {
		t.Errorf("a secret is in the definition: %q", raw[max(0, i-80):i+10])
	}
	if want := "# index [0-9a-f]{32}\n"; !regexp.MustCompile("^(" + want + "){5}numpy\npandas>=2,<3\n$").MatchString(r.pipFiles()["requirements.txt"]) {
		t.Errorf("the requirements file is %q", r.pipFiles()["requirements.txt"])
	}
}

// TestRecipe_locked writes what pip is held to. That pip takes a hash behind an address was tried with pip 23.2; the tests of
// package acctest run another one.
func TestRecipe_locked(t *testing.T) {
	t.Parallel()
	req := testRequest(t)
	arm, err := pep508.ParseMarker(`platform_machine == "aarch64"`)
	if err != nil {
		t.Fatal(err)
	}
	req.Locked = []Locked{
		{Name: "a", Version: "1.0", Hashes: []string{"0a", "0b"}},
		{Name: "b", Version: "2.0", Hashes: []string{"0c"}, Address: "https://h.test/b.tar.gz#subdirectory=src"},
		{Name: "c", Version: "3.0", Hashes: []string{"0d"}, Marker: arm},
	}
	const want = "a==1.0 --hash=sha256:0a --hash=sha256:0b\nb @ https://h.test/b.tar.gz#subdirectory=src --hash=sha256:0c\n"
	r := testRecipe(t, req, Options{})
	if diff := cmp.Diff(texts{"requirements.txt": want}, r.pipFiles()); diff != "" {
		t.Error(diff)
	}
	command := execs(t, definition(t, r))["install_pip.py"].GetMeta().GetArgs()
	if diff := cmp.Diff([]string{"python3", dirIn + "/install_pip.py", "--no-deps", "--force-reinstall"}, command); diff != "" {
		t.Error(diff)
	}
}

func TestRecipe_fresh(t *testing.T) {
	t.Parallel()
	req := testRequest(t)
	stale := definition(t, testRecipe(t, req, Options{}))
	req.Fresh = true
	d := definition(t, testRecipe(t, req, Options{}))
	var ignoring []string
	for _, raw := range d.Def {
		var op pb.Op
		if err := op.UnmarshalVT(raw); err != nil {
			t.Fatal(err)
		}
		if e := op.GetExec(); e != nil && d.Metadata[digestOf(raw)].GetIgnoreCache() {
			ignoring = append(ignoring, strings.TrimPrefix(e.Meta.Args[1], dirIn+"/"))
		}
	}
	slices.Sort(ignoring)
	if diff := cmp.Diff([]string{"probe.sh"}, ignoring); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(stale.Def, d.Def); diff != "" {
		t.Errorf("later builds would not find in the cache what a fresh one made: %s", diff)
	}
}
