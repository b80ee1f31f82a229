package pypi

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// distribution makes the files of one release. Writing archives into memory cannot fail; an error is a bug here, so must panics.
type distribution struct {
	Package string
	Release
}

// stem is the beginning of every file name of the release.
func (d distribution) stem() string { return d.module() + "-" + d.Version }

// tag is the compatibility tag of the wheel.
func (d distribution) tag() string { return cmp.Or(d.Tag, "py3-none-any") }

func (d distribution) wheelName() string { return d.stem() + "-" + d.tag() + ".whl" }

func (d distribution) module() string { return strings.ReplaceAll(normalize(d.Package), "-", "_") }

// metadata is the METADATA of a wheel and the PKG-INFO of a source distribution.
func (d distribution) metadata() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Metadata-Version: 2.1\nName: %s\nVersion: %s\nSummary: Made in memory by the rime sandbox\n", d.Package, d.Version)
	if d.RequiresPython != "" {
		fmt.Fprintf(&b, "Requires-Python: %s\n", d.RequiresPython)
	}
	for _, r := range d.Requires {
		fmt.Fprintf(&b, "Requires-Dist: %s\n", r)
	}
	for _, extra := range slices.Sorted(maps.Keys(d.Extras)) {
		fmt.Fprintf(&b, "Provides-Extra: %s\n", extra)
		for _, r := range d.Extras[extra] {
			fmt.Fprintf(&b, "Requires-Dist: %s ; extra == '%s'\n", r, extra)
		}
	}
	return b.String()
}

// entry is one file of an archive.
type entry struct {
	name    string
	content []byte
}

func (d distribution) entries() []entry {
	info := d.stem() + ".dist-info/"
	files := []entry{
		{d.module() + "/__init__.py", fmt.Appendf(nil, "__version__ = %q\n", d.Version)},
		{info + "METADATA", []byte(d.metadata())},
		{info + "WHEEL", []byte("Wheel-Version: 1.0\nGenerator: rime-sandbox\nRoot-Is-Purelib: true\nTag: " + d.tag() + "\n")},
	}
	if d.PayloadBytes > 0 {
		files = append(files, entry{d.module() + "/payload.bin", noise(d.PayloadBytes)})
	}
	return append(files, entry{info + "RECORD", record(files, info+"RECORD")})
}

func (d distribution) wheel() []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range d.entries() {
		method := zip.Deflate
		if len(e.content) > 1<<20 { // noise does not compress; do not try
			method = zip.Store
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: method, Modified: epoch})
		must(err)
		_, err = w.Write(e.content)
		must(err)
	}
	must(z.Close())
	return b.Bytes()
}

// record is the RECORD of a wheel: every file with its digest and size, and RECORD itself without.
func record(files []entry, self string) []byte {
	var b bytes.Buffer
	for _, f := range files {
		sum := sha256.Sum256(f.content)
		fmt.Fprintf(&b, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.content))
	}
	fmt.Fprintf(&b, "%s,,\n", self)
	return b.Bytes()
}

// backend is the PEP 517 backend of every source distribution; it reads what to do from behaviour.json.
//
//go:embed backend.py
var backend []byte

const pyproject = `[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
`

// behaviour is the agreement between this file and backend.py.
type behaviour struct {
	Marker        string            `json:"marker"`
	SleepSeconds  float64           `json:"sleep_seconds"`
	IgnoreSIGTERM bool              `json:"ignore_sigterm"`
	Output        []byte            `json:"output"` // base64
	OutputRepeat  int               `json:"output_repeat"`
	Failure       string            `json:"failure"`
	WheelName     string            `json:"wheel_name"`
	WheelFiles    map[string][]byte `json:"wheel_files"` // base64
}

func (d distribution) sdist() []byte {
	wheelFiles := map[string][]byte{}
	for _, e := range d.entries() {
		wheelFiles[e.name] = e.content
	}
	habits, err := json.Marshal(behaviour{
		Marker:        fmt.Sprintf("rime-sandbox-build:%s==%s", d.Package, d.Version),
		SleepSeconds:  d.Source.Sleep.Seconds(),
		IgnoreSIGTERM: d.Source.IgnoreSIGTERM,
		Output:        d.Source.Output,
		OutputRepeat:  max(1, d.Source.OutputRepeat),
		Failure:       d.Source.Failure,
		WheelName:     d.wheelName(),
		WheelFiles:    wheelFiles,
	})
	must(err)
	return tarball([]entry{
		{d.stem() + "/PKG-INFO", []byte(d.metadata())},
		{d.stem() + "/pyproject.toml", []byte(pyproject)},
		{d.stem() + "/backend.py", backend},
		{d.stem() + "/behaviour.json", habits},
	})
}

func tarball(files []entry) []byte {
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	t := tar.NewWriter(g)
	for _, f := range files {
		must(t.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content)), ModTime: epoch, Format: tar.FormatUSTAR}))
		_, err := t.Write(f.content)
		must(err)
	}
	must(t.Close())
	must(g.Close())
	return b.Bytes()
}

// noise is n bytes that do not compress and are the same every time.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // documented never to fail
	return b
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
