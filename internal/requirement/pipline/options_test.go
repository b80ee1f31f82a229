package pipline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pipline"
)

// TestLine_Parts has what pip's own parser makes of the same lines, where it takes them.
func TestLine_Parts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a==1 --hash=sha256:0a --hash sha256:0b -C k=v": "a==1|--hash=sha256:0a|--hash=sha256:0b|--config-settings=k=v",
		"-i https://a -f'b c' --pre":                    "|--index-url=https://a|--find-links=b c|--pre=",
		`--find-links "a \" \\ \n" --extra b\ c`:        `|--find-links=a " \ \n|--extra-index-url=b c`,
		"--pypi-url=x --index y":                        "|--index-url=x|--index-url=y",
		"-r=a.txt":                                      "|--requirement=a.txt",
		"-ra.txt\t-c\tb.txt":                            "|--requirement=a.txt|--constraint=b.txt",
		"--require-hashes --no-r":                       "|--require-hashes=|--no-require-hashes=",
		"--pre=yes":                                     `"--pre=yes" takes no value`,
		"--re x":                                        `"--re" may be any of --require-hashes, --requirement`,
		"-x":                                            `"-x" is not an option that pip takes in a file`,
		"--":                                            `"--" is not an option that pip takes in a file`,
		"-":                                             `"-" stands behind an option, where pip leaves it out in silence`,
		"--pre a":                                       `"a" stands behind an option, where pip leaves it out in silence`,
		"-r":                                            `"-r" has no value behind it`,
		"-r 'a":                                         `"'a" has a quotation mark without its pair, or ends in a backslash`,
	} {
		required, options, err := pipline.Line{Number: 1, Text: text}.Parts()
		var got strings.Builder
		got.WriteString(required)
		for _, o := range options {
			fmt.Fprintf(&got, "|%s=%s", o.Name, o.Value)
		}
		if err != nil {
			got.Reset()
			got.WriteString(err.Error())
		}
		if got.String() != want {
			t.Errorf("%q: %s, want %s", text, got.String(), want)
		}
	}
}

// FuzzLines: nothing that is no comment is lost.
func FuzzLines(f *testing.F) {
	f.Add("a==1 \\\n --hash='x' # why\n-r b")
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, line := range pipline.Lines(text) {
			if line.Number <= last || strings.TrimSpace(line.Text) == "" {
				t.Errorf("%q: %+v", text, line)
			}
			last = line.Number
			required, options, err := line.Parts()
			if required == "" && len(options) == 0 && err == nil {
				t.Errorf("%q: nothing is left of %q", text, line.Text)
			}
		}
	})
}
