package buildkit

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// deb is a Debian package of one file.
type deb struct {
	name, version, depends string
	// postinst is a shell script that runs when the package is configured.
	postinst string
}

func (d deb) file() string {
	return d.name + "_" + strings.ReplaceAll(d.version, ":", "-") + "_all.deb"
}

func (d deb) control() string {
	text := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Rime <rime@example.com>\nDescription: made in memory\n", d.name, d.version)
	if d.depends != "" {
		text += "Depends: " + d.depends + "\n"
	}
	return text
}

// archive is the package: an ar archive of two tarballs.
func (d deb) archive() []byte {
	control := map[string]string{"./control": d.control()}
	if d.postinst != "" {
		control["./postinst"] = "#!/bin/sh\n" + d.postinst + "\n"
	}
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, member := range []struct {
		name    string
		content []byte
	}{
		{"debian-binary", []byte("2.0\n")},
		{"control.tar.gz", gzipped(tarOf(control))},
		{"data.tar.gz", gzipped(tarOf(map[string]string{"./": "", "./usr/": "", "./usr/share/": "", "./usr/share/" + d.name: d.version + "\n"}))},
	} {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", member.name, 0, 0, 0, "100644", len(member.content))
		b.Write(member.content)
		if len(member.content)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// debianMirror serves packages and returns the line of sources.list that finds them.
func debianMirror(t *testing.T, debs ...deb) string {
	t.Helper()
	return sourcesLine(serve(t, debianRepository(debs...).ServeHTTP))
}

func sourcesLine(address string) string { return "deb [trusted=yes] " + address + "/ ./\n" }

// debianRepository answers with packages and their index.
func debianRepository(debs ...deb) http.Handler {
	var index strings.Builder
	mux := http.NewServeMux()
	add := func(path string, content []byte) {
		mux.HandleFunc("GET /"+path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) })
	}
	for _, d := range debs {
		content := d.archive()
		fmt.Fprintf(&index, "%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", d.control(), d.file(), len(content), sha256.Sum256(content))
		add(d.file(), content)
	}
	packages := index.String()
	add("Packages", []byte(packages))
	add("Release", fmt.Appendf(nil, "Date: Sat, 01 Jan 2022 00:00:00 UTC\nSHA256:\n %x %d Packages\n", sha256.Sum256([]byte(packages)), len(packages)))
	return mux
}

// tarOf archives files; a name that ends in "/" is a directory.
func tarOf(files map[string]string) string {
	var b strings.Builder
	w := tar.NewWriter(&b)
	for _, path := range sortedKeys(files) {
		header := &tar.Header{Name: path, Mode: 0o755, Size: int64(len(files[path]))}
		if strings.HasSuffix(path, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			panic(err)
		}
		if _, err := w.Write([]byte(files[path])); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}
