package pythonindex_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

const typeJSON = "application/vnd.pypi.simple.v1+json"

// largePage is the page of a project with that many releases, each with a source distribution and wheels for Linux, macOS and
// Windows, in the words of the public index.
func largePage(releases int) string {
	tags := []string{
		"cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64", "cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64",
		"cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", "cp311-cp311-musllinux_1_1_aarch64", "cp311-cp311-macosx_10_10_universal2",
		"cp311-cp311-win_amd64", "cp311-cp311-win32", "pp310-pypy310_pp73-manylinux_2_17_x86_64",
	}
	var b strings.Builder
	b.WriteString(`{"meta": {"_last-serial": 1, "api-version": "1.4"}, "name": "large", "files": [`)
	separator := ""
	for i := range releases {
		version := fmt.Sprintf("1.%d.%d", i/100, i%100)
		names := []string{"large-" + version + ".tar.gz"}
		for _, tag := range tags {
			names = append(names, "large-"+version+"-"+tag+".whl")
		}
		for j, name := range names {
			fmt.Fprintf(&b, `%s{"filename": %q, "hashes": {"sha256": "%064x"}, "requires-python": ">=3.9", "size": %d, "upload-time": "2026-01-02T03:04:05.%06dZ", `+
				`"url": "https://files.pythonhosted.org/packages/%02x/%02x/%060x/%s", "core-metadata": {"sha256": "%064x"}, "data-dist-info-metadata": false, "yanked": false}`,
				separator, name, i*100+j, i+1, i, i%256, j, i, name, i)
			separator = ", "
		}
	}
	b.WriteString(`], "versions": ["1.0"]}`)
	return b.String()
}

// entry is a file as package encoding/json reads it.
type entry struct {
	Filename       string
	URL            string
	Hashes         struct{ SHA256 string }
	RequiresPython string `json:"requires-python"`
	Size           int64
	UploadTime     string `json:"upload-time"`
	Yanked         any
	CoreMetadata   any `json:"core-metadata"`
	DistInfo       any `json:"dist-info-metadata"`
}

// asFiles reads a page the plain way. It is not ok where the page is no JSON of that kind.
func asFiles(text, project string) (files []pythonindex.File, ok bool) {
	var page struct{ Files []entry }
	if json.Unmarshal([]byte(text), &page) != nil {
		return nil, false
	}
	base := &url.URL{Scheme: "https", Host: "index.test", Path: "/simple/" + project + "/"}
	for _, e := range page.Files {
		address, err := base.Parse(e.URL)
		if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" {
			continue
		}
		hash, _ := strings.CutPrefix(address.Fragment, "sha256=")
		if hash == address.Fragment {
			hash = ""
		}
		address.User, address.Fragment, address.RawFragment = nil, "", ""
		file := pythonindex.File{
			Name: e.Filename, URL: address.String(), SHA256: strings.ToLower(cmp.Or(e.Hashes.SHA256, hash)), Size: max(e.Size, 0), RequiresPython: e.RequiresPython,
			MetadataSHA256: cmp.Or(beside(e.CoreMetadata), beside(e.DistInfo)), Index: "index",
		}
		file.Uploaded, _ = time.Parse(time.RFC3339, e.UploadTime)
		file.Uploaded = file.Uploaded.UTC()
		file.Yanked, file.YankedReason = isSet(e.Yanked)
		if wheel, err := pep425.ParseWheel(e.Filename); err == nil && wheel.Name == project && wheel.RunsOnLinux() {
			file.Wheel, file.Version = &wheel, wheel.Version
		} else if file.Version, ok = pep425.SdistVersion(e.Filename, project); !ok {
			continue
		}
		if !strings.ContainsFunc(e.Filename, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '/' || r == '\\' }) {
			files = append(files, file)
		}
	}
	return files, true
}

func isSet(mark any) (set bool, text string) {
	switch v := mark.(type) {
	case bool:
		return v, ""
	case string:
		return v != "", v
	case map[string]any:
		text, _ = v["sha256"].(string)
		return true, text
	}
	return false, ""
}

func beside(mark any) string {
	set, text := isSet(mark)
	switch {
	case !set:
		return ""
	case len(text) == 64:
		return strings.ToLower(text)
	}
	return "any"
}

// difference is between what both ways read, for pages that say everything once.
func difference(text, project string) string {
	want, ok := asFiles(text, project)
	got, err := pythonindex.ParsePage(typeJSON, text, project)
	if !ok { // what matters to nobody may be no JSON
		return ""
	}
	if err != nil {
		return err.Error()
	}
	found := make([]pythonindex.File, len(got))
	for i, file := range got {
		found[i] = *file
	}
	return gocmp.Diff(want, found, cmpopts.IgnoreUnexported(pythonindex.File{}), cmpopts.EquateEmpty(), gocmp.AllowUnexported(pep440.Version{}, pep425.Wheel{}))
}

func TestParsePage(t *testing.T) {
	t.Parallel()
	const wheel, hash = "a-1-py3-none-any.whl", "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
	tests := map[string]string{
		"large":     strings.ReplaceAll(largePage(200), "large", "a"),
		"escapes":   `{"files":[{"filename":"\u0061-1-py3-none-any.whl","url":"https:\/\/h.test\/x\u002fa","yanked":"\u2014 \"why\"\\\ud83d\ude00"}]}`,
		"blanks":    " {\n\t\"files\" : [ { \"filename\" : \"a-1.tar.gz\" , \"url\" : \"a\" } , { } ] , \"x\" : 1 } ",
		"relative":  `{"files":[{"filename":"a-1.zip","url":"../../f/a-1.zip#sha256=` + hash + `"},{"filename":"a-1.tar.gz","url":"//h.test/a%2Fb?c=d"}]}`,
		"addresses": files(wheel, "https://h.test/a", "https://h.test/./b", "https://h.test/a/../b", "https://h.test//a", "HTTPS://h.test/a", "https://h.test/a#x", "https://h.test/a#sha256=00"),
		"more addresses": files(wheel, "https://h.test/a", "https://u:p@h.test/a", "https://h.test/ü", "https://h.test/%", "https://h.test/a b", "https://h.test", "https://h.test/a?b#c",
			"file:///etc/passwd", "data:text/plain,x", "javascript:alert(1)", "https:///a", "https:a", "ftp://h.test/a", "https://h.test/a\x7f", "http://h.test/a~+_-."),
		"nulls":     `{"files":[{"filename":"` + wheel + `","url":"a","hashes":null,"requires-python":null,"size":null,"upload-time":null,"yanked":null,"core-metadata":null}]}`,
		"no times":  `{"files":[{"filename":"` + wheel + `","url":"a","upload-time":"yesterday"},{"filename":"` + wheel + `","url":"a","upload-time":"2026-01-02T3:04:05,5+01:00"}]}`,
		"hashes":    `{"files":[{"filename":"` + wheel + `","url":"a#sha256=1","hashes":{"md5":"x","sha256":"` + hash + `"},"core-metadata":{"sha256":"` + hash + `"}}]}`,
		"no hashes": `{"files":[{"filename":"` + wheel + `","url":"a","hashes":{"sha256":"zz"},"core-metadata":{"sha256":7},"dist-info-metadata":true}]}`,
		"marks":     `{"files":[{"filename":"` + wheel + `","url":"a","yanked":true,"core-metadata":"x"},{"filename":"` + wheel + `","url":"a","yanked":"","core-metadata":[{"a":[1,-2.5e3,true,false,null,"x"]}]}]}`,
		"names": `{"files":[{"filename":"b-1.tar.gz","url":"a"},{"filename":"a-1-py3-none-win32.whl","url":"a"},{"filename":"A-1-1x-cp311-abi3-linux_x86_64.whl","url":"a"},` +
			`{"filename":"a-x-py3-none-any.whl","url":"a"},{"filename":"a-1-py3-none.whl","url":"a"},{"filename":"a-1\n.tar.gz","url":"a"},{"filename":"a-1-py3-none-linux_/../x.whl","url":"a"}]}`,
		"sizes": `{"files":[{"filename":"` + wheel + `","url":"a","size":-1},{"filename":"` + wheel + `","url":"a","size":9223372036854775807}]}`,
		"twice": `{"files":[{"filename":"` + wheel + `","filename":"a-2.tar.gz","url":"b","url":"a"}]}`,
		"none":  `{"files":[]}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := difference(text, "a"); diff != "" {
				t.Error(diff)
			}
			if _, ok := asFiles(text, "a"); !ok {
				t.Error("this is no page at all")
			}
		})
	}
}

// files is a page with a file of that name at each address.
func files(name string, addresses ...string) string {
	var list []map[string]string
	for _, address := range addresses {
		list = append(list, map[string]string{"filename": name, "url": address})
	}
	text, err := json.Marshal(map[string]any{"files": list})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestParsePage_refused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``: "unexpected EOF", `{`: "unexpected EOF", `[]`: `it has '[' where '{'`, `<html>`: `it has '<' where '{'`, `{"files":{}}`: `it has '{' where '['`,
		`{"files":[7]}`: "lists a file", `{"files":[{"filename":7}]}`: "lists a file", `{"files":[{"filename":"a" "url":"b"}]}`: "lists a file",
		`{"files":[{"size":1.5}]}`: "lists a file", `{"files":[{"size":01}]}`: "lists a file", `{"files":[{"hashes":[]}]}`: "lists a file",
		`{"files":[{"filename":"a` + "\n" + `"}]}`: "lists a file", `{"files":[{"x":nul}]}`: "lists a file", `{"files":[{"x":[1,]}]}`: "lists a file",
		`{"files":[{"filename":"\q"}]}`: "lists a file", `{"files":[{} {}]}`: "was to be expected", `{"files":[]]`: "was to be expected",
		`{7:[]}`: "no JSON", `{,}`: "no JSON", `{"files":[{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}]}`: "lists a file",
		`{"files":[{"x":"` + strings.Repeat("x", 5<<20) + `"}]}`: "too large", `{"x":"` + strings.Repeat(`\\`, 3<<20) + `"}`: "too large",
		`{"files":[` + strings.Repeat("{},", 200_000) + `{}]}`: "too large",
	} {
		if _, err := pythonindex.ParsePage(typeJSON, text, "a"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

// TestParsePage_memory bounds what is kept of a page.
func TestParsePage_memory(t *testing.T) { //nolint:paralleltest // it measures the heap
	text := largePage(1000)
	kept, err := pythonindex.Keep(typeJSON, text, "large")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	again, err := pythonindex.Keep(typeJSON, text, "large")
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc) //nolint:gosec // both are small
	t.Logf("%d bytes of a page with %d", grown, len(text))
	if grown <= 0 || grown > int64(len(text))/4 {
		t.Errorf("%d bytes are kept of a page with %d", grown, len(text))
	}
	runtime.KeepAlive(text)
	runtime.KeepAlive(kept)
	runtime.KeepAlive(again)
}

func BenchmarkParsePage(b *testing.B) {
	text := largePage(334) // 3,006 files, as boto's
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pythonindex.Keep(typeJSON, text, "large"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFitting(b *testing.B) {
	kept, err := pythonindex.Keep(typeJSON, largePage(334), "large")
	if err != nil {
		b.Fatal(err)
	}
	tags := pep425.NewTags(pep425.Platform{Minor: 11, Machine: "x86_64", Libc: pep425.Glibc, LibcMajor: 2, LibcMinor: 36})
	b.ReportAllocs()
	for b.Loop() {
		if files, others := kept.Fitting(tags); len(files) != 668 || others != 2338 {
			b.Fatal(len(files), others)
		}
	}
}

func FuzzParsePage_json(f *testing.F) {
	f.Add(largePage(2))
	f.Add(`{"files":[{"filename":"large-1\u002e0.zip","url":"a#sha256=x","yanked":"\\","hashes":{"sha256":"\"}"},"size":1}],"x":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "\"") > 400 || !asciiOnce(text) {
			return
		}
		if diff := difference(text, "large"); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	})
}

// asciiOnce tells a page whose keys are not written in several ways, of which package encoding/json takes any.
func asciiOnce(text string) bool {
	decoder := json.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if err != nil {
			return true
		}
		if s, ok := token.(string); ok && (s != strings.ToLower(s) || strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })) {
			return false
		}
	}
}
