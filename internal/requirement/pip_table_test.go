package requirement_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// pipLine is what pip's own parser made of a line; testdata/pip_lines.py says how.
type pipLine struct {
	Line        int
	Refused     bool
	Other       bool
	Name        string
	Extras      []string
	Comparisons string
	URL, Marker string
}

// TestParsePipFile_asPip holds the reader against a table that pip's own parser has made: the same requirements on the
// same lines, nothing taken that pip refuses, and nothing left out in silence.
func TestParsePipFile_asPip(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/pip_lines.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	texts, taken := 0, 0
	for lines := bufio.NewScanner(file); lines.Scan(); texts++ {
		var row struct {
			Text string
			Pip  []pipLine
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		taken += compareWithPip(t, row.Text, row.Pip)
	}
	if texts < 1000 || taken < 500 {
		t.Errorf("the table has %d texts with %d requirements", texts, taken)
	}
}

// compareWithPip tells how many requirements both take.
func compareWithPip(t *testing.T, text string, lines []pipLine) int {
	t.Helper()
	var want []requirement.Pip
	wantRefused := map[int]bool{}
	for _, line := range lines {
		if line.Refused || line.Other {
			wantRefused[line.Line] = true
			continue
		}
		name := line.Name
		if len(line.Extras) > 0 {
			name += "[" + strings.Join(line.Extras, ",") + "]"
		}
		want = append(want, requirement.Pip{Name: name, VersionSpecifier: line.Comparisons, URL: line.URL, Marker: line.Marker})
	}
	pips, refused := requirement.ParsePipFile(text, nil)
	gotRefused := map[int]bool{}
	for _, r := range refused {
		if !strings.Contains(r.Err.Problem, "can be met by no version") { // pip says so when it looks for versions
			gotRefused[r.Line] = true
		}
	}
	if diff := cmp.Diff(requirement.CanonicalPips(want), pips) + cmp.Diff(wantRefused, gotRefused); diff != "" {
		t.Errorf("%q: %s", text, diff)
	}
	return len(want)
}
