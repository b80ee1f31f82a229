package buildkit

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// The steps of a build, in the words that users read.
const (
	stepConnect = "connect to BuildKit"
	stepPull    = "pull the base image"
	stepProbe   = "check the base image"
	stepSystem  = "install system packages"
	stepPip     = "install pip requirements"
	stepReport  = "list what is installed"
	stepPush    = "publish the image"
)

// Where a step finds its things. All of it is mounted, so nothing of it is in the image.
const (
	dirIn     = "/run/rime/in"
	dirOut    = "/run/rime/out"
	dirTmp    = "/run/rime/tmp"
	dirSecret = "/run/rime/secret"
	dirCache  = "/run/rime/cache"
	dirProbe  = "/run/rime/probe"
)

// scripts are constant: a user's text reaches them as a whole argument or a mounted file, never as shell text.
//
//go:embed scripts
var scripts embed.FS

// recipe makes the LLB of one platform.
type recipe struct {
	request  Request
	platform ocispecs.Platform
	// env is the environment of the base image.
	env []string
	// secrets names the secrets that there are; see [secretSet].
	secrets *secretSet
	// prefix tells the platforms apart in the names of steps. Empty where there is only one.
	prefix string
}

// states returns the image, and what [parseReport] reads about it.
func (r recipe) states() (image, report llb.State) {
	base := llb.Image(r.request.Base, llb.Platform(r.platform), r.named(stepPull)).User("root").Dir("/")
	for _, assignment := range r.env {
		key, value, _ := strings.Cut(assignment, "=")
		if key != "PIP_NO_CACHE_DIR" { // any value of it would turn the mounted cache off
			base = base.AddEnv(key, value)
		}
	}
	checked := r.probe(base)
	image = r.installPip(r.installPackages(base, checked), checked)
	return image, r.report(image, checked)
}

// probe checks that the base image fits. Later steps mount its result, so they wait for it, and they are run anew when it changes.
//
// That is how a build is made fresh. BuildKit can be told to ignore its cache for a step, but then it throws away the
// cache mounts of that step as well, which other builds use. So it ignores the cache of this step only, which has none;
// the step writes a word that is new each time, and what a fresh build installed is what later builds find in the cache.
// Without such a word the result is the same on every daemon, as a cache in a registry needs it.
func (r recipe) probe(base llb.State) llb.State {
	options := []llb.RunOption{
		llb.Args([]string{"/bin/sh", dirIn + "/probe.sh", r.request.PythonVersion}),
		llb.ReadonlyRootFS(),
		r.inputs("probe.sh"),
		// A secret is no part of the cache key.
		llb.AddSecret(dirSecret+"/"+secretFresh, llb.SecretID(secretFresh), llb.SecretOptional, llb.SecretFileOpt(0, 0, 0o400)),
		r.named(stepProbe),
	}
	if r.request.Fresh {
		options = append(options, llb.IgnoreCache)
	}
	return base.Run(options...).AddMount(dirOut, llb.Scratch())
}

// systemTool is how the packages of one type are installed.
type systemTool struct {
	packageType requirement.PackageType
	script      string
	inputs      []string
	caches      []string // what the tool itself cannot share is locked: the second build waits
	env         map[string]string
}

var systemTools = []systemTool{
	{
		packageType: requirement.PackageTypeApt,
		script:      "apt.sh",
		inputs:      []string{"apt.sh", "apt.conf"},
		caches:      []string{dirCache + "/apt-lists", dirCache + "/apt-archives"},
		env:         map[string]string{"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
	},
	{
		packageType: requirement.PackageTypeRockyLinux,
		script:      "rpm.sh",
		inputs:      []string{"rpm.sh"},
		caches:      []string{"/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"},
		env:         map[string]string{"LC_ALL": "C"},
	},
}

func (r recipe) installPackages(state, checked llb.State) llb.State {
	for _, tool := range systemTools {
		packages := packagesOf(r.request.Packages, tool.packageType)
		if len(packages) == 0 {
			continue
		}
		options := []llb.RunOption{
			llb.Args(slices.Concat([]string{"/bin/sh", dirIn + "/" + tool.script}, packages)),
			r.inputs(tool.inputs...),
			llb.AddMount(dirProbe, checked, llb.Readonly),
			llb.AddMount(dirTmp, llb.Scratch(), llb.Tmpfs()),
			r.secretMount(secretCA),
			r.named(stepSystem),
		}
		for _, cache := range tool.caches {
			options = append(options, cacheMount(cache, "rime"+strings.ReplaceAll(cache, "/", "-"), llb.CacheMountLocked))
		}
		state = state.Run(append(options, environment(tool.env)...)...).Root()
	}
	return state
}

// packagesOf are the arguments for the packages of one type, in a fixed order.
func packagesOf(packages []requirement.Package, t requirement.PackageType) []string {
	var arguments []string
	for _, p := range requirement.CanonicalPackages(packages) {
		if p.Type == t {
			arguments = append(arguments, p.Argument())
		}
	}
	return arguments
}

// pipEnv configures pip by variables because older versions of pip ignore those they do not know, unlike options.
var pipEnv = map[string]string{
	"PIP_BREAK_SYSTEM_PACKAGES":     "1", // PEP 668: in an image of one's own, the system's Python is the one to install into
	"PIP_CACHE_DIR":                 dirCache + "/pip",
	"PIP_DISABLE_PIP_VERSION_CHECK": "1",
	"PIP_NO_INPUT":                  "1",
	"PIP_PROGRESS_BAR":              "off",
	"PIP_ROOT_USER_ACTION":          "ignore",
}

func (r recipe) installPip(state, checked llb.State) llb.State {
	files := r.pipFiles()
	if len(files) == 0 {
		return state
	}
	env := maps.Clone(pipEnv)
	if r.secrets.has(secretPipConfig) {
		env["PIP_CONFIG_FILE"] = dirSecret + "/" + secretPipConfig
	}
	_, digest, _ := strings.Cut(r.request.Base, "@")
	command := []string{"python3", dirIn + "/install_pip.py"}
	if len(r.request.Locked) > 0 {
		command = append(command, "--no-deps") // all that is needed is in the lock
	}
	if slices.ContainsFunc(r.request.Locked, func(l Locked) bool { return l.Address != "" }) {
		// pip takes what the base has of the same version for what is at the address.
		command = append(command, "--force-reinstall")
	}
	options := []llb.RunOption{
		llb.Args(command),
		llb.AddMount(dirIn, r.files("install_pip.py").File(files.action(), r.named("prepare: requirements.txt"))),
		llb.AddMount(dirProbe, checked, llb.Readonly),
		llb.AddMount(dirTmp, llb.Scratch(), llb.Tmpfs()),
		r.secretMount(secretCA),
		r.secretMount(secretPipConfig),
		r.secretMount(secretIndex),
		r.secretMount(secretHidings),
		// What pip downloads is the same everywhere and pip shares it well. A wheel that it builds fits the libraries of this base only.
		cacheMount(dirCache+"/pip", "rime-pip", llb.CacheMountShared),
		cacheMount(dirCache+"/pip/wheels", "rime-pip-wheels-"+digest, llb.CacheMountShared),
		r.named(stepPip),
	}
	return state.Run(append(options, environment(env)...)...).Root()
}

// texts are files by their names.
type texts map[string]string

// action makes the files.
func (t texts) action() *llb.FileAction {
	var action *llb.FileAction
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if action == nil {
			action = llb.Mkfile("/"+name, 0o644, []byte(t[name]))
		} else {
			action = action.Mkfile("/"+name, 0o644, []byte(t[name]))
		}
	}
	return action
}

// pipFiles are what pip installs from, none for nothing. The comments make the index part of the cache key.
func (r recipe) pipFiles() texts {
	var b strings.Builder
	for _, index := range r.secrets.indexes {
		fmt.Fprintf(&b, "# index %s\n", index)
	}
	if len(r.request.Locked) > 0 {
		here := r.locked()
		for _, l := range here {
			b.WriteString(l.line())
		}
		if len(here) == 0 {
			return nil
		}
		return texts{"requirements.txt": b.String()}
	}
	pips := requirement.CanonicalPips(r.request.Pip)
	for _, p := range pips {
		b.WriteString(p.String() + "\n")
	}
	switch {
	case len(pips) == 0:
		return nil
	case len(r.request.Constraints) == 0:
		return texts{"requirements.txt": b.String()}
	}
	b.WriteString("--constraint " + dirIn + "/constraints.txt\n")
	var bounds strings.Builder
	for _, p := range requirement.CanonicalPips(r.request.Constraints) {
		bounds.WriteString(p.String() + "\n")
	}
	return texts{"requirements.txt": b.String(), "constraints.txt": bounds.String()}
}

// locked are the distributions for this platform.
func (r recipe) locked() []Locked {
	machine := pep508.Environment{"platform_machine": pep425.Machine(r.platform.Architecture, r.platform.Variant)}
	return slices.DeleteFunc(slices.Clone(r.request.Locked), func(l Locked) bool { return l.Marker.Judge(machine) == pep508.False })
}

// line is the distribution in a requirements file, with the hashes that pip holds the file to.
func (l Locked) line() string {
	words := []string{l.Name + "==" + l.Version}
	if l.Address != "" {
		words[0] = l.Name + " @ " + l.Address
	}
	for _, hash := range l.Hashes {
		words = append(words, "--hash=sha256:"+hash)
	}
	return strings.Join(words, " ") + "\n"
}

// report lists what is installed. It is a step of its own, so that a change of it leaves the costly steps in the cache.
func (r recipe) report(image, checked llb.State) llb.State {
	return image.Run(
		llb.Args([]string{"/bin/sh", dirIn + "/report.sh"}),
		llb.ReadonlyRootFS(),
		r.inputs("report.sh"),
		llb.AddMount(dirProbe, checked, llb.Readonly),
		llb.AddEnv("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
		r.named(stepReport),
	).AddMount(dirOut, llb.Scratch())
}

// inputs mounts files of the scripts directory.
func (r recipe) inputs(names ...string) llb.RunOption {
	return llb.AddMount(dirIn, r.files(names...), llb.Readonly)
}

func (r recipe) files(names ...string) llb.State {
	var action *llb.FileAction
	for _, file := range names {
		content, err := scripts.ReadFile("scripts/" + file)
		if err != nil {
			panic(err) // the name of an embedded file is wrong, which every test of this package finds
		}
		if action == nil {
			action = llb.Mkfile("/"+file, 0o644, content)
		} else {
			action = action.Mkfile("/"+file, 0o644, content)
		}
	}
	return llb.Scratch().File(action, r.named("prepare: "+strings.Join(names, ", ")))
}

func (r recipe) named(step string) llb.ConstraintsOpt { return llb.WithCustomName(r.prefix + step) }

// secretMount mounts a secret if there is one. Its content is not part of the cache key: a new password builds nothing anew.
func (r recipe) secretMount(id string) llb.RunOption {
	if !r.secrets.has(id) {
		return llb.With()
	}
	return llb.AddSecret(dirSecret+"/"+id, llb.SecretID(id), llb.SecretFileOpt(0, 0, 0o400))
}

func cacheMount(target, id string, sharing llb.CacheMountSharingMode) llb.RunOption {
	return llb.AddMount(target, llb.Scratch(), llb.AsPersistentCacheDir(id, sharing))
}

// environment sets variables for one step only. They do not reach the image.
func environment(env map[string]string) []llb.RunOption {
	var options []llb.RunOption
	for _, key := range slices.Sorted(maps.Keys(env)) {
		options = append(options, llb.AddEnv(key, env[key]))
	}
	return options
}
