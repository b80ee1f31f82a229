package compose_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/managed-images/terraform-provider-rime/internal/compose"
)

// files are those of a layer: a content, "-> target" for a symbolic link, "= path" for a hard link, nothing for a name that
// ends in "/".
type files map[string]string

// imageOf makes an image of layers, for that processor.
func imageOf(t *testing.T, architecture string, env []string, layers ...files) v1.Image {
	t.Helper()
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: architecture, Config: v1.Config{Env: env}})
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range layers {
		archive := archiveOf(t, content)
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			t.Fatal(err)
		}
	}
	return image
}

func archiveOf(t *testing.T, content files) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(content)) {
		text := content[name]
		header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(text))}
		switch {
		case strings.HasSuffix(name, "/"):
			header.Typeflag = tar.TypeDir
		case strings.HasPrefix(text, "-> "):
			header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, text[3:], 0
		case strings.HasPrefix(text, "= "):
			header.Typeflag, header.Linkname, header.Size = tar.TypeLink, text[2:], 0
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// program is a program with versions built in, far into it, across the windows in which it is searched.
func program(versions ...string) string {
	return strings.Repeat("\x7fELF", 65_530) + "\x00" + strings.Join(versions, "\x00") + "\x00"
}

// metadata is that of a distribution.
func metadata(name, version string) string {
	return fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n\nA handbook.\n", name, version)
}

const glibc = "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n"

func TestReadBase(t *testing.T) {
	t.Parallel()
	official := files{
		"lib": "-> usr/lib", "usr/lib/x86_64-linux-gnu/libc.so.6": glibc,
		"usr/local/bin/python3": "-> python3.11", "usr/local/bin/python3.11": "\x7fELF",
		"usr/local/lib/libpython3.11.so.1.0": program("3.11.9", "3.46.1"), "usr/local/lib/python3.11/os.py": "",
		"usr/local/lib/python3.11/site-packages/pip-24.0.dist-info/METADATA": metadata("pip", "24.0"),
	}
	tests := map[string]struct {
		architecture string
		env          []string
		layers       []files
		want         string
	}{
		"official": {layers: []files{official}, want: "3.11.9 x86_64 glibc 2.36 /usr/local/lib/python3.11/site-packages pip 24.0"},
		"official, for ARM": {
			architecture: "arm64", layers: []files{official},
			want: "3.11.9 aarch64 glibc 2.36 /usr/local/lib/python3.11/site-packages pip 24.0",
		},
		"Debian": {
			layers: []files{{
				"lib/x86_64-linux-gnu/libc.so.6": glibc, "usr/bin/python3": "-> python3.11", "usr/bin/python3.11": program("3.11.2"),
				"usr/lib/python3.11/os.py": "", "usr/lib/python3/dist-packages/": "",
				"usr/lib/python3/dist-packages/six-1.16.0.egg-info":                 metadata("six", "1.16.0"),
				"usr/lib/python3/dist-packages/wheel-0.38.egg-info/PKG-INFO":        metadata("wheel", "0.38"),
				"usr/local/lib/python3.11/dist-packages/six-2.0.dist-info/METADATA": metadata("six", "2.0"),
			}},
			want: "3.11.2 x86_64 glibc 2.36 /usr/local/lib/python3.11/dist-packages six 2.0, wheel 0.38",
		},
		"Alpine": {
			layers: []files{{
				"lib/ld-musl-x86_64.so.1": program("1.2.5"), "usr/bin/python3": "-> python3.12", "usr/bin/python3.12": program("3.12.11"),
				"usr/lib/python3.12/os.py": "",
			}},
			want: "3.12.11 x86_64 musl 1.2 /usr/lib/python3.12/site-packages",
		},
		"Fedora": {
			layers: []files{{
				"lib64": "-> usr/lib64", "usr/lib64/libc.so.6": strings.ReplaceAll(glibc, "2.36", "2.40"),
				"usr/bin/python3": "-> ./python3.13", "usr/bin/python3.13": "\x7fELF", "usr/lib64/libpython3.13.so.1.0": program("3.13.1"),
				"usr/lib64/python3.13/os.py": "", "usr/lib/python3.13/site-packages/a-1.dist-info/METADATA": metadata("a", "1"),
			}},
			want: "3.13.1 x86_64 glibc 2.40 /usr/local/lib/python3.13/site-packages a 1",
		},
		"conda": {
			env: []string{"PATH=/opt/conda/bin:/usr/bin"},
			layers: []files{{"lib/libc-2.31.so": strings.ReplaceAll(glibc, "2.36", "2.31")}, {
				"opt/conda/bin/python": "-> python3.10", "opt/conda/bin/python3": "-> python3.10",
				"opt/conda/bin/python3.10": program("3.10.14", "3.45.2"), "opt/conda/lib/python3.10/os.py": "",
				"opt/conda/lib/python3.10/site-packages/numpy-1.26.4.dist-info/METADATA": metadata("numpy", "1.26.4"),
			}},
			want: "3.10.14 x86_64 glibc 2.31 /opt/conda/lib/python3.10/site-packages numpy 1.26.4",
		},
		"a virtual environment": {
			env: []string{"PATH=/app/bin:/usr/local/bin"},
			layers: []files{official, {
				"app/bin/python3": "-> /usr/local/bin/python3", "app/pyvenv.cfg": "home = /usr/local/bin\ninclude-system-site-packages = false\n",
				"app/lib/python3.11/site-packages/mine-1.0.dist-info/METADATA": metadata("mine", "1.0"),
			}},
			want: "3.11.9 x86_64 glibc 2.36 /app/lib/python3.11/site-packages mine 1.0",
		},
		"PYTHONPATH, and root's own": {
			env: []string{"PATH=/usr/local/bin", "PYTHONPATH=/app/lib:relative"},
			layers: []files{official, {
				"app/lib/mine-1.0.dist-info/METADATA":                                 metadata("mine", "1.0"),
				"root/.local/lib/python3.11/site-packages/own-2.0.dist-info/METADATA": metadata("own", "2.0"),
				"usr/local/lib/python3.11/site-packages/distutils-precedence.pth":     "import os; x\n# a comment\n",
			}},
			want: "3.11.9 x86_64 glibc 2.36 /usr/local/lib/python3.11/site-packages mine 1.0, own 2.0, pip 24.0",
		},
		"a .pth that leads on": {
			layers: []files{official, {"usr/local/lib/python3.11/site-packages/more.pth": "/opt/more\n"}},
			want:   "3.11.9 x86_64 glibc 2.36 /usr/local/lib/python3.11/site-packages pip 24.0 and more",
		},
		"free-threaded": {
			layers: []files{{
				"lib/libc.so.6": glibc, "usr/local/bin/python3": program("3.13.0rc1"), "usr/local/bin/python3.13t": "= usr/local/bin/python3",
				"usr/local/lib/python3.13t/os.py": "",
			}},
			want: "3.13.0rc1 x86_64 glibc 2.36 /usr/local/lib/python3.13t/site-packages",
		},
		"a distribution that a layer removes": {
			layers: []files{official, {"usr/local/lib/python3.11/site-packages/.wh.pip-24.0.dist-info": ""}},
			want:   "3.11.9 x86_64 glibc 2.36 /usr/local/lib/python3.11/site-packages",
		},
		"a directory that a layer replaces": {
			layers: []files{official, {
				"usr/local/lib/python3.11/site-packages/.wh..wh..opq":              "",
				"usr/local/lib/python3.11/site-packages/uv-1.0.dist-info/METADATA": metadata("uv", "1.0"),
			}},
			want: "3.11.9 x86_64 glibc 2.36 /usr/local/lib/python3.11/site-packages uv 1.0",
		},
		"no Python":      {layers: []files{{"bin/sh": "", "lib/libc.so.6": glibc}}, want: "has no python3 on its PATH (/usr/local/sbin:"},
		"a broken link":  {layers: []files{{"usr/bin/python3": "-> python3.11", "lib/libc.so.6": glibc}}, want: "has no python3 on its PATH"},
		"no library":     {layers: []files{{"usr/bin/python3": program("3.11.2"), "lib/libc.so.6": glibc}}, want: "but not the standard library"},
		"two libraries":  {layers: []files{official, {"usr/local/bin/python3": "\x7fELF", "usr/local/lib/python3.9/os.py": ""}}, want: "several standard libraries"},
		"no version":     {layers: []files{{"usr/bin/python3.11": "\x7fELF", "usr/bin/python3": "-> python3.11", "usr/lib/python3.11/os.py": "", "lib/libc.so.6": glibc}}, want: "does not say which one exactly"},
		"no C library":   {layers: []files{{"usr/bin/python3.11": program("3.11.2"), "usr/bin/python3": "-> python3.11", "usr/lib/python3.11/os.py": ""}}, want: "neither glibc nor musl"},
		"no such wheels": {architecture: "mips", layers: []files{official}, want: "is for mips"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			architecture := "amd64"
			if test.architecture != "" {
				architecture = test.architecture
			}
			base, err := compose.ReadBase(t.Context(), imageOf(t, architecture, test.env, test.layers...))
			if err != nil {
				if !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v, want %s", err, test.want)
				}
				return
			}
			if diff := cmp.Diff(test.want, told(base)); diff != "" {
				t.Error(diff)
			}
			checkFacts(t, base)
		})
	}
}

// checkFacts writes down what was read, and reads it again: it is the same.
func checkFacts(t *testing.T, base *compose.Base) {
	t.Helper()
	text, err := json.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	var again compose.Base
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(&again)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(second)); diff != "" || told(base) != told(&again) || base.Layout != again.Layout {
		t.Errorf("%s is read as %s: %s", told(base), told(&again), diff)
	}
	if err := json.Unmarshal(bytes.Replace(text, []byte(`"version":1`), []byte(`"version":0`), 1), &again); err == nil {
		t.Error("facts of another version are read")
	}
}

// told is a base in one line.
func told(base *compose.Base) string {
	p := base.Target.Platform
	installed := make([]string, len(base.Installed))
	for i, found := range base.Installed {
		installed[i] = found.Metadata.Name + " " + found.Metadata.Version.String()
	}
	more := ""
	if base.Elsewhere {
		more = " and more"
	}
	return strings.TrimSuffix(fmt.Sprintf("%s %s %s %d.%d %s %s", base.Target.Python, p.Machine, p.Libc, p.LibcMajor, p.LibcMinor,
		base.Layout.Purelib, strings.Join(installed, ", ")), " ") + more
}
