package pythonindex_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

func FuzzParsePage(f *testing.F) {
	const json, html = "application/vnd.pypi.simple.v1+json", "text/html"
	f.Add(true, `{"meta":{"api-version":"1.1"},"files":[{"filename":"a-1-py3-none-any.whl","url":"../a.whl#sha256=00","hashes":{"sha256":"00"},`+
		`"requires-python":">=3","yanked":"why","size":1,"upload-time":"2026-01-02T03:04:05Z","core-metadata":{"sha256":"00"}}]}`)
	f.Add(false, `<base href="https://h.test/"><a href="a-1.tar.gz#sha256=00" data-yanked data-requires-python="&gt;=3" data-core-metadata=true>a-1.tar.gz</a>`)
	f.Add(false, `<a href="//u:p@h.test/a-1.zip">a-1.zip<a></a>`)
	f.Fuzz(func(t *testing.T, isJSON bool, text string) {
		contentType := html
		if isJSON {
			contentType = json
		}
		files, _ := pythonindex.ParsePage(contentType, text, "a")
		for _, file := range files {
			address, err := url.Parse(file.URL)
			if err != nil || address.User != nil || address.Scheme != "https" && address.Scheme != "http" || file.Version.String() == "" {
				t.Errorf("%q: %+v", text, file)
			}
		}
	})
}

func FuzzParseMetadata(f *testing.F) {
	f.Add("Metadata-Version: 2.1\nName: A.b\nVersion: 1.0\nRequires-Dist: c[d]>=1 ; extra == 'e'\nProvides-Extra: E_e\nRequires-Python: >=3.9\n\nRequires-Dist: no\n")
	f.Add("Name: a\r\nVersion:\r\n 1\nRequires-Dist:\n\tb\n")
	f.Fuzz(func(t *testing.T, text string) {
		metadata, err := pythonindex.ParseMetadata(text)
		if err == nil && (metadata.Name == "" || metadata.Version.String() == "" || strings.ContainsAny(metadata.Name, "_.ABC")) {
			t.Errorf("%q: %+v", text, metadata)
		}
	})
}
