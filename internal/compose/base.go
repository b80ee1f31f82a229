// Package compose makes images of wheels, out of layers. What a base image has is read from its layers; nothing of it is run.
package compose

import (
	"archive/tar"
	"cmp"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// Base is what a base image has, as far as Python's packages have to do with it.
type Base struct {
	// Target is its Python and its Linux.
	Target *resolve.Target
	Layout Layout
	// System tells that packages of the operating system can bring distributions that this Python finds.
	System bool
	// Elsewhere tells that a .pth file leads to further distributions, which Installed does not have.
	Elsewhere bool
	// Installed are the distributions that its Python finds, sorted by name.
	Installed []Installed
}

// Layout is where pip would put the files of a distribution: absolute paths.
type Layout struct {
	// Interpreter is what the first line of a script names.
	Interpreter string
	Scripts     string
	Purelib     string
	Platlib     string
	Data        string
}

// Installed is a distribution that is there.
type Installed struct {
	Metadata *pythonindex.Metadata
	// Path is its .dist-info or .egg-info.
	Path string
}

// Is tells a base for that processor ("amd64", "v3"). Where nobody knows which one that is, it may be.
func (b *Base) Is(architecture, variant string) bool {
	machine := cmp.Or(pep425.Machine(architecture, variant), pep425.Machine(architecture, ""))
	return machine == "" || machine == b.Target.Platform.Machine
}

// ReadBase reads what the base image has. An error is a [*BaseError] or the registry's.
func ReadBase(ctx context.Context, image v1.Image) (*Base, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	files, err := readTree(ctx, image)
	if err != nil {
		return nil, err
	}
	p, err := findPython(files, searchPath(config))
	if err != nil {
		return nil, err
	}
	p.path = variable(config, "PYTHONPATH", "")
	platform := pep425.Platform{Minor: p.minor, Threaded: p.threaded}
	if platform.Machine = pep425.Machine(config.Architecture, config.Variant); platform.Machine == "" {
		return nil, &BaseError{Problem: fmt.Sprintf("is for %s, for which there are no wheels", config.Architecture)}
	}
	if err := p.libc(&platform); err != nil {
		return nil, err
	}
	version, err := p.version()
	if err != nil {
		return nil, err
	}
	target, err := resolve.NewTarget(version, platform)
	if err != nil {
		return nil, err
	}
	return &Base{Target: target, Layout: p.layout(), System: p.venv == "" && p.prefix == "/usr", Elsewhere: p.leadsOn(), Installed: p.installed()}, nil
}

// defaultPath is the PATH of an image that sets none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// searchPath is where the image looks for programs.
func searchPath(config *v1.ConfigFile) []string { return variable(config, "PATH", defaultPath) }

// variable is the list of directories in a variable of the image's environment.
func variable(config *v1.ConfigFile, name, fallback string) []string {
	value := fallback
	for _, set := range config.Config.Env {
		if text, found := strings.CutPrefix(set, name+"="); found {
			value = text
		}
	}
	return strings.Split(value, ":")
}

// python is the Python of an image.
type python struct {
	files tree
	// executable is python3 as PATH finds it, real is the program behind it.
	executable, real string
	minor            int
	threaded         bool
	// prefix is where the installation is; venv is the virtual environment, empty for none.
	prefix, venv string
	// library is the directory of the standard library.
	library string
	// path is PYTHONPATH.
	path []string
}

// versionedName is a program or a directory that tells which Python it is of.
var versionedName = regexp.MustCompile(`^python3\.(\d+)(t?)$`)

// findPython finds python3 as a shell does.
func findPython(files tree, searched []string) (*python, error) {
	for _, directory := range searched {
		if !path.IsAbs(directory) {
			continue
		}
		executable := path.Join(directory, "python3")
		program, ok := files.resolve(executable)
		if !ok || files[program].kind != tar.TypeReg && files[program].kind != tar.TypeLink {
			continue
		}
		p := &python{files: files, executable: executable, real: program, prefix: path.Dir(path.Dir(program))}
		if venv := path.Dir(directory); files.has(path.Join(venv, "pyvenv.cfg")) {
			p.venv = venv
		}
		return p, p.findLibrary()
	}
	return nil, &BaseError{Problem: fmt.Sprintf("has no python3 on its PATH (%s)", strings.Join(searched, ":"))}
}

// findLibrary finds the standard library, which tells the minor version where the program does not.
func (p *python) findLibrary() error {
	var libraries []string
	for _, lib := range []string{"lib", "lib64"} {
		directory, _ := p.files.resolve(path.Join(p.prefix, lib))
		for name := range p.files {
			if parent, base := path.Split(name); base == "os.py" && path.Dir(path.Clean(parent)) == directory {
				libraries = append(libraries, path.Clean(parent))
			}
		}
	}
	slices.Sort(libraries)
	libraries = slices.Compact(libraries)
	own := versionedName.FindString(path.Base(p.real))
	if own != "" {
		libraries = slices.DeleteFunc(libraries, func(l string) bool { return path.Base(l) != own })
	}
	if len(libraries) == 0 {
		return unclear("has %s, but not the standard library that belongs to it, below %s", p.real, p.prefix)
	}
	if len(libraries) > 1 {
		return unclear("has %s, and several standard libraries that could belong to it: %s", p.real, strings.Join(libraries, ", "))
	}
	p.library = libraries[0]
	m := versionedName.FindStringSubmatch(path.Base(p.library))
	if m == nil {
		return unclear("has a standard library at %s, which is that of no Python 3", p.library)
	}
	p.minor, _ = strconv.Atoi(m[1])
	p.threaded = m[2] != ""
	return nil
}

// version is the whole version, which the program or its shared library has built in.
func (p *python) version() (pep440.Version, error) {
	suffix := ""
	if p.threaded {
		suffix = "t"
	}
	shared := fmt.Sprintf("libpython3.%d%s.so.1.0", p.minor, suffix)
	found := strings.Fields(string(p.files[p.real].found))
	for name, e := range p.files {
		if path.Base(name) == shared {
			found = append(found, strings.Fields(string(e.found))...)
		}
	}
	// Other versions are of what is built in as well: SQLite, OpenSSL.
	found = slices.DeleteFunc(found, func(text string) bool { return !strings.HasPrefix(text, fmt.Sprintf("3.%d.", p.minor)) })
	slices.Sort(found)
	if found = slices.Compact(found); len(found) != 1 {
		return pep440.Version{}, unclear("has Python 3.%d at %s, which does not say which one exactly %v", p.minor, p.real, found)
	}
	version, err := pep440.Parse(strings.TrimSuffix(found[0], "+"))
	if err != nil {
		return pep440.Version{}, &BaseError{Problem: err.Error()}
	}
	return version, nil
}

// libc finds the C library. An image with both has the one of its Python where the other's loader is not.
func (p *python) libc(platform *pep425.Platform) error {
	var glibc, musl []string
	for name, e := range p.files {
		switch base := path.Base(name); {
		case glibcName.MatchString(base):
			glibc = append(glibc, strings.Fields(string(e.found))...)
		case muslName.MatchString(base):
			musl = append(musl, strings.Fields(string(e.found))...)
		}
	}
	versions := glibc
	platform.Libc = pep425.Glibc
	if len(glibc) == 0 {
		versions, platform.Libc = musl, pep425.Musl
	}
	if len(versions) == 0 {
		return unclear("has neither glibc nor musl in a version that can be told")
	}
	slices.Sort(versions)
	major, rest, _ := strings.Cut(versions[0], ".")
	minor, _, _ := strings.Cut(rest, ".")
	platform.LibcMajor, _ = strconv.Atoi(major)
	platform.LibcMinor, _ = strconv.Atoi(minor)
	return nil
}

// name is how directories of this Python are called.
func (p *python) name() string { return path.Base(p.library) }

// isDebian tells a Python of Debian or one like it, which keeps /usr to itself.
func (p *python) isDebian() bool {
	return p.prefix == "/usr" && p.files.has("/usr/lib/python3/dist-packages")
}

// isRPM tells a Python of Fedora or one like it, which does so too, and has libraries in lib64.
func (p *python) isRPM() bool {
	return p.prefix == "/usr" && strings.HasPrefix(p.library, "/usr/lib64/")
}

// layout is where pip installs, by the scheme that sysconfig prefers there.
func (p *python) layout() Layout {
	switch {
	case p.venv != "":
		site := path.Join(p.venv, "lib", p.name(), "site-packages")
		return Layout{p.executable, path.Join(p.venv, "bin"), site, site, p.venv}
	case p.isDebian():
		site := path.Join("/usr/local/lib", p.name(), "dist-packages")
		return Layout{p.executable, "/usr/local/bin", site, site, "/usr/local"}
	case p.isRPM():
		return Layout{
			p.executable, "/usr/local/bin", path.Join("/usr/local/lib", p.name(), "site-packages"),
			path.Join("/usr/local/lib64", p.name(), "site-packages"), "/usr/local",
		}
	}
	site := path.Join(p.prefix, "lib", p.name(), "site-packages")
	return Layout{p.executable, path.Join(p.prefix, "bin"), site, site, p.prefix}
}

// sites are where this Python looks for distributions, the first first.
func (p *python) sites() []string {
	own := p.layout()
	sites := slices.DeleteFunc(slices.Clone(p.path), func(directory string) bool { return !path.IsAbs(directory) })
	if p.venv == "" { // what root has installed for itself
		sites = append(sites, path.Join("/root/.local/lib", p.name(), "site-packages"))
	}
	sites = append(sites, own.Purelib, own.Platlib)
	switch {
	case p.venv != "" && !strings.Contains(string(p.files[path.Join(p.venv, "pyvenv.cfg")].found), "include-system-site-packages = true"):
	case p.isDebian():
		sites = append(sites, path.Join("/usr/local/lib", p.name(), "dist-packages"), "/usr/lib/python3/dist-packages", path.Join(p.library, "dist-packages"))
	default:
		sites = append(sites, path.Join(p.prefix, "lib64", p.name(), "site-packages"), path.Join(p.prefix, "lib", p.name(), "site-packages"))
	}
	for i, site := range sites {
		if resolved, ok := p.files.resolve(site); ok {
			sites[i] = resolved
		}
	}
	return sites
}

// leadsOn tells that a .pth file makes this Python look in further directories.
func (p *python) leadsOn() bool {
	sites := p.sites()
	for name, e := range p.files {
		if path.Ext(name) != ".pth" || !slices.Contains(sites, path.Dir(name)) {
			continue
		}
		for line := range strings.Lines(string(e.found)) {
			line = strings.TrimSpace(line)
			if line != "" && line[0] != '#' && !strings.HasPrefix(line, "import ") && !strings.HasPrefix(line, "import\t") {
				return true
			}
		}
	}
	return false
}

// installed are the distributions there. Of several with one name, the one that comes first counts, as for Python.
func (p *python) installed() []Installed {
	var all []Installed
	known := map[string]bool{}
	for _, site := range p.sites() {
		var here []Installed
		for name, e := range p.files {
			directory := path.Dir(name)
			if base := path.Base(name); base == "METADATA" || base == "PKG-INFO" {
				name, directory = directory, path.Dir(directory)
			}
			if directory != site || len(e.found) == 0 {
				continue
			}
			// What it requires may be nonsense; it is there all the same.
			metadata, _ := pythonindex.ParseMetadata(string(e.found))
			if metadata.Name == "" || metadata.Version == (pep440.Version{}) || known[metadata.Name] {
				continue
			}
			here = append(here, Installed{metadata, name})
		}
		for _, found := range here {
			known[found.Metadata.Name] = true
		}
		all = append(all, here...)
	}
	slices.SortFunc(all, func(a, b Installed) int {
		return cmp.Or(strings.Compare(a.Metadata.Name, b.Metadata.Name), strings.Compare(a.Path, b.Path))
	})
	return all
}
