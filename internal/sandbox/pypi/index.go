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

// Release is one version of a [Package]. It is published as a wheel, or, with Source set, as a source distribution only.
type Release struct {
	Version string
	// Requires are the dependencies, in the words of Requires-Dist ("other>=1,<2").
	Requires []string
	// Extras are the dependencies that each extra adds.
	Extras map[string][]string
	// RequiresPython is a specifier like ">=3.9". Empty means any Python.
	RequiresPython string
	// PayloadBytes adds a file of that many incompressible bytes to a wheel.
	PayloadBytes int
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

// Index serves packages. Its root is the simple index (PIP_INDEX_URL is the address it is mounted at, plus "/simple/").
type Index struct {
	mux      *http.ServeMux
	projects map[string]*project
}

// New returns an index of these packages. Distributions are made when they are first asked for.
func New(packages ...Package) *Index {
	x := &Index{mux: http.NewServeMux(), projects: map[string]*project{}}
	for _, p := range packages {
		x.add(p)
	}
	x.mux.HandleFunc("GET /simple/{$}", x.serveRoot)
	x.mux.HandleFunc("GET /simple/{project}/{$}", x.serveProject)
	x.mux.HandleFunc("GET /simple/{project}", x.redirectProject)
	x.mux.HandleFunc("GET /files/{project}/{file}", x.serveFile)
	return x
}

// ServeHTTP implements [http.Handler].
func (x *Index) ServeHTTP(w http.ResponseWriter, r *http.Request) { x.mux.ServeHTTP(w, r) }

// project is a package and its files, in the order of its releases.
type project struct {
	name  string
	files []*file
}

// file is one distribution file, made when its project is first asked for: a large payload nobody wants costs nothing.
type file struct {
	name           string
	requiresPython string
	content        func() []byte
}

func (f *file) digest() string {
	sum := sha256.Sum256(f.content())
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
		f := &file{requiresPython: r.RequiresPython}
		d := distribution{Package: p.Name, Release: r}
		if r.Source != nil {
			f.name, f.content = d.stem()+".tar.gz", sync.OnceValue(d.sdist)
		} else {
			f.name, f.content = d.stem()+"-py3-none-any.whl", sync.OnceValue(d.wheel)
		}
		known.files = append(known.files, f)
	}
}

func (x *Index) serveRoot(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, p := range x.projects {
		names = append(names, p.name)
	}
	slices.Sort(names)
	writeRoot(w, r, names)
}

func (x *Index) serveProject(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("project")
	p, ok := x.projects[normalize(name)]
	switch {
	case !ok:
		http.NotFound(w, r)
	case name != normalize(name): // PEP 503: other spellings are redirected
		w.Header().Set("Location", "../"+normalize(name)+"/")
		w.WriteHeader(http.StatusMovedPermanently)
	default:
		writeProject(w, r, p)
	}
}

func (x *Index) redirectProject(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/simple/"+normalize(r.PathValue("project"))+"/", http.StatusMovedPermanently)
}

func (x *Index) serveFile(w http.ResponseWriter, r *http.Request) {
	p, ok := x.projects[r.PathValue("project")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	i := slices.IndexFunc(p.files, func(f *file) bool { return f.name == r.PathValue("file") })
	if i < 0 {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, path.Base(r.URL.Path), epoch, bytes.NewReader(p.files[i].content()))
}

var separators = regexp.MustCompile(`[-_.]+`)

// normalize is the name's normal form of PEP 503.
func normalize(name string) string {
	return separators.ReplaceAllString(strings.ToLower(name), "-")
}

// epoch dates everything inside a distribution, so that the same release always has the same bytes. Zip knows no earlier year.
var epoch = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)
