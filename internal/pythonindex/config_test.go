package pythonindex_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

func TestParsePipConfig(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want pythonindex.PipConfig
	}{
		"empty":  {"", pythonindex.PipConfig{}},
		"global": {"[global]\nindex-url = https://a/simple/\n", pythonindex.PipConfig{IndexURL: "https://a/simple/"}},
		"install before global": {
			"[install]\nindex_url: https://b/\n[global]\nindex-url = https://a/\nextra-index-url = https://c/", pythonindex.PipConfig{
				IndexURL: "https://b/", ExtraIndexURLs: []string{"https://c/"},
			},
		},
		"several lines": {
			"# mine\n[global]\nextra-index-url =\n    https://a/%20x\n    ; not this one\n    https://b/\nfind-links = https://c/\n", pythonindex.PipConfig{
				ExtraIndexURLs: []string{"https://a/%20x", "https://b/"}, Ignored: []string{"find-links"},
			},
		},
		"of other commands": {"[freeze]\nindex-url = https://a/\n", pythonindex.PipConfig{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := pythonindex.ParsePipConfig(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, text := range []string{"index-url = https://u:s3cret@a/", "[global]\nhttps//u s3cret", "[global]\n= s3cret"} {
		if _, err := pythonindex.ParsePipConfig(text); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseNetrc(t *testing.T) {
	t.Parallel()
	n := pythonindex.ParseNetrc(`# mine
machine a.test login ann password "s3 cret"   # why
machine B.test
	user bob
	account x
	password back\\slash
macdef init
	machine c.test login no password no

machine c.test password only
machine a.test login again password again
default login any password body
`)
	for address, want := range map[string]string{
		"https://a.test/simple/": "ann s3 cret true", "https://b.test:8080/": `bob back\slash true`, "https://c.test": " only true", "http://d.test": "any body true",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		user, password, ok := n.Credentials(u)
		if got := user + " " + password; got+" true" != want || !ok {
			t.Errorf("%s: %q %t, want %s", address, got, ok, want)
		}
	}
	if _, _, ok := pythonindex.ParseNetrc("machine a login b").Credentials(&url.URL{Host: "a"}); ok {
		t.Error("a login without a password is one")
	}
}
