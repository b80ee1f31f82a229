// Package pypi is a Python package index (PEP 503 in HTML, PEP 691 in JSON) that serves tiny pure-Python distributions made
// in memory: real wheels and real source distributions that a real pip downloads, resolves, builds and installs.
//
// It lets tests and offline demonstrations install packages without an index on the internet, and lets them ask for
// the packages nobody wants to find there: one whose build hangs, fails, floods the log or ignores SIGTERM.
package pypi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Package is a distribution by name, with all its releases.
type Package struct {
	// Name is the name as its author spells it; the index normalises it as PEP 503 says.
	Name     string
	Releases []Release
}

// Release is one version of a [Package]. It is published as a wheel, or, with Source set, as a source distribution only. A
// version that has several files is several releases.
type Release struct {
	Version string
	// Tag is the compatibility tag of a wheel ("cp311-cp311-manylinux_2_28_x86_64"). Empty means "py3-none-any".
	Tag string
	// Yanked is why the release was withdrawn (PEP 592). Empty means that it was not.
	Yanked string
	// Uploaded is when the release came to the index (PEP 700). The zero value is not told.
	Uploaded time.Time
	// Requires are the dependencies, in the words of Requires-Dist ("other>=1,<2").
	Requires []string
	// Extras are the dependencies that each extra adds.
	Extras map[string][]string
	// RequiresPython is a specifier like ">=3.9". Empty means any Python.
	RequiresPython string
	// PayloadBytes adds a file of that many incompressible bytes to a wheel.
	PayloadBytes int
	// Beside are the requirements that the metadata beside the wheel tells (PEP 658), where it does not tell the truth. Nil
	// tells the truth.
	Beside []string
	// Source makes this release a source distribution, with these habits when it is built.
	Source *Source
}

// Source says how the build of a source distribution behaves. The zero value builds at once. No build needs anything
// from an index: the distribution carries its own PEP 517 backend.
//
// While a build runs, a process with "rime-sandbox-build:NAME==VERSION" on its command line exists, so that a test can
// see from outside whether the build is still there.
type Source struct {
	// Sleep is how long the build takes.
	Sleep time.Duration
	// IgnoreSIGTERM makes the build deaf to SIGTERM and SIGINT.
	IgnoreSIGTERM bool
	// Output is printed OutputRepeat times (at least once), before Sleep. It may be anything: one endless line, binary bytes.
	Output       []byte
	OutputRepeat int
	// Failure ends the build with this error message. Empty means success.
	Failure string
}

// Simple is a package without dependencies in the given versions.
func Simple(name string, versions ...string) Package {
	p := Package{Name: name}
	for _, v := range versions {
		p.Releases = append(p.Releases, Release{Version: v})
	}
	return p
}

// Options are the habits of an index. The zero value is an open index of today.
type Options struct {
	// HTML has no page in JSON (PEP 503 only).
	HTML bool
	// NoMetadata has no metadata beside the files (PEP 658).
	NoMetadata bool
	// User and Password are asked for, unless both are empty.
	User, Password string
}

// Index serves packages. Its root is the simple index (PIP_INDEX_URL is the address it is mounted at, plus "/simple/").
type Index struct {
	options Options
	mux     *http.ServeMux

	mu       sync.RWMutex
	projects map[string]*project
}

// New returns an index of these packages. Distributions are made when they are first asked for.
func New(packages ...Package) *Index { return NewWith(Options{}, packages...) }

// NewWith is [New] with other habits.
func NewWith(options Options, packages ...Package) *Index {
	x := &Index{options: options, mux: http.NewServeMux(), projects: map[string]*project{}}
	for _, p := range packages {
		x.add(p)
	}
	x.mux.HandleFunc("GET /simple/{$}", x.serveRoot)
	x.mux.HandleFunc("GET /simple/{project}/{$}", x.serveProject)
	x.mux.HandleFunc("GET /simple/{project}", x.redirectProject)
	x.mux.HandleFunc("GET /files/{project}/{file}", x.serveFile)
	return x
}

// Replace puts packages in the place of those that have the same names, or adds them.
func (x *Index) Replace(packages ...Package) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range packages {
		delete(x.projects, normalize(p.Name))
	}
	for _, p := range packages {
		x.add(p)
	}
}

// ServeHTTP implements [http.Handler].
func (x *Index) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if x.options.User+x.options.Password != "" && (user != x.options.User || password != x.options.Password) {
		w.Header().Set("WWW-Authenticate", `Basic realm="packages"`)
		http.Error(w, "who are you", http.StatusUnauthorized)
		return
	}
	x.mux.ServeHTTP(w, r)
}

// project is that of the name, nil where there is none.
func (x *Index) project(name string) *project {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.projects[normalize(name)]
}

// project is a package and its files, in the order of its releases.
type project struct {
	name  string
	files []*file
}

// file is one distribution file, made when its project is first asked for: a large payload nobody wants costs nothing.
type file struct {
	distribution distribution
	name         string
	content      func() []byte
}

// metadata is what lies beside a wheel.
func (f *file) metadata() []byte {
	d := f.distribution
	if d.Beside != nil {
		d.Requires = d.Beside
	}
	return []byte(d.metadata())
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func (x *Index) add(p Package) {
	key := normalize(p.Name)
	known, ok := x.projects[key]
	if !ok {
		known = &project{name: p.Name}
		x.projects[key] = known
	}
	for _, r := range p.Releases {
		d := distribution{Package: p.Name, Release: r}
		f := &file{distribution: d}
		if r.Source != nil {
			f.name, f.content = d.stem()+".tar.gz", sync.OnceValue(d.sdist)
		} else {
			f.name, f.content = d.wheelName(), sync.OnceValue(d.wheel)
		}
		known.files = append(known.files, f)
	}
}

func (x *Index) serveRoot(w http.ResponseWriter, r *http.Request) {
	var names []string
	x.mu.RLock()
	for _, p := range x.projects {
		names = append(names, p.name)
	}
	x.mu.RUnlock()
	slices.Sort(names)
	x.writeRoot(w, r, names)
}

func (x *Index) serveProject(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("project")
	p := x.project(name)
	switch {
	case p == nil:
		http.NotFound(w, r)
	case name != normalize(name): // PEP 503: other spellings are redirected
		w.Header().Set("Location", "../"+normalize(name)+"/")
		w.WriteHeader(http.StatusMovedPermanently)
	default:
		x.writeProject(w, r, p)
	}
}

func (x *Index) redirectProject(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/simple/"+normalize(r.PathValue("project"))+"/", http.StatusMovedPermanently)
}

func (x *Index) serveFile(w http.ResponseWriter, r *http.Request) {
	name, beside := strings.CutSuffix(r.PathValue("file"), ".metadata")
	p := x.project(r.PathValue("project"))
	if p == nil || beside && x.options.NoMetadata {
		http.NotFound(w, r)
		return
	}
	i := slices.IndexFunc(p.files, func(f *file) bool { return f.name == name })
	if i < 0 || beside && p.files[i].distribution.Source != nil {
		http.NotFound(w, r)
		return
	}
	content := p.files[i].content
	if beside {
		content = p.files[i].metadata
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, path.Base(r.URL.Path), epoch, bytes.NewReader(content()))
}

var separators = regexp.MustCompile(`[-_.]+`)

// normalize is the name's normal form of PEP 503.
func normalize(name string) string {
	return separators.ReplaceAllString(strings.ToLower(name), "-")
}

// epoch dates everything inside a distribution, so that the same release always has the same bytes. Zip knows no earlier year.
var epoch = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)
