package requirement_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/referee"
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
	type row struct {
		Text string
		Pip  []pipLine
	}
	texts, taken := 0, 0
	for row := range referee.Rows[row](t, "testdata/pip_lines.jsonl") {
		texts++
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
		want = append(want, line.pip())
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
