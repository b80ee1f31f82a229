package requirement_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/referee"
)

// pipFound is what pip made of a file; testdata/pip_files.py says how.
type pipFound struct {
	Refused                   bool
	Requirements, Constraints []pipLine
	Index                     string
	Extra, Links              []string
}

// file is what pip found as we have it.
func (f pipFound) file() requirement.PipFile {
	file := requirement.PipFile{IndexURL: f.Index, ExtraIndexURLs: once(f.Extra), FindLinks: once(f.Links)}
	var requirements, constraints []requirement.Pip
	for _, line := range f.Requirements {
		requirements = append(requirements, line.pip())
	}
	for _, line := range f.Constraints {
		if line.Comparisons == "" { // it bounds nothing
			continue
		}
		constraints = append(constraints, line.pip())
	}
	file.Requirements, file.Constraints = requirement.CanonicalPips(requirements), requirement.CanonicalPips(constraints)
	return file
}

// once are the texts, each there once.
func once(texts []string) []string {
	var all []string
	for _, text := range texts {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

func (l pipLine) pip() requirement.Pip {
	name := l.Name
	if len(l.Extras) > 0 {
		name += "[" + strings.Join(l.Extras, ",") + "]"
	}
	return requirement.Pip{Name: name, VersionSpecifier: l.Comparisons, URL: l.URL, Marker: l.Marker}
}

// lenient are lines that pip 26 refuses and others did not: a repository without a name, and extras in an address.
func lenient(text string) bool {
	return strings.Contains(text, "#egg=r[b]") || strings.Contains(text, "-e git+https://h.test/o/r.git\n") ||
		strings.Contains(text, "-e git+https://h.test/o/r.git\r") || strings.Contains(text, "-e git+https://h.test/o/r.git  #")
}

// TestReadPipFile_asPip holds the reader against a table that pip has made: what is taken says the same, and nothing is taken
// that pip refuses.
func TestReadPipFile_asPip(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"base.txt":        "numpy!=1.27\n-c constraints.txt\nidna ; python_version < '4'\n",
		"constraints.txt": "Foo.bar<3\nb>1; os_name == 'posix'\n--extra-index-url https://z.test\n",
	}
	taken := 0
	type row struct {
		Text string
		Pip  pipFound
	}
	for row := range referee.Rows[row](t, "testdata/pip_files.jsonl") {
		got, refused := requirement.ReadPipFile(row.Text, files)
		switch {
		case len(refused) > 0 || lenient(row.Text):
			continue
		case row.Pip.Refused:
			t.Errorf("%q: pip refuses it", row.Text)
		default:
			if diff := cmp.Diff(row.Pip.file(), got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%q: %s", row.Text, diff)
			}
			taken++
		}
	}
	if taken < 300 {
		t.Errorf("%d files were compared", taken)
	}
}
