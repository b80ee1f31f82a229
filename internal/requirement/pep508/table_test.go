package pep508_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/referee"
)

// row is a line of testdata/packaging.jsonl; testdata/pep508.py says how it was made.
type row struct {
	Environments []pep508.Environment

	Marker, Holds string
	NoMarker      *string `json:"no_marker"`

	Requirement, Name, Specifier, URL, Condition string
	Extras                                       []string
	NoRequirement                                *string `json:"no_requirement"`
}

// TestPackaging holds markers and requirements against a table that `packaging` has made.
func TestPackaging(t *testing.T) {
	t.Parallel()
	table := &table{T: t}
	for r := range referee.Rows[row](t, "testdata/packaging.jsonl") {
		table.check(r)
	}
	if table.checks < 45_000 {
		t.Errorf("%d checks", table.checks)
	}
}

// table checks rows and counts the checks.
type table struct {
	*testing.T
	environments []pep508.Environment
	checks       int
}

func (t *table) check(r row) {
	t.checks++
	switch {
	case r.Environments != nil:
		t.environments = r.Environments
	case r.NoMarker != nil:
		if m, err := pep508.ParseMarker(*r.NoMarker); err == nil {
			t.Errorf("%q is taken for the marker %q", *r.NoMarker, m)
		}
	case r.NoRequirement != nil:
		if got, err := pep508.Parse(*r.NoRequirement); err == nil {
			t.Errorf("%q is taken for the requirement %q", *r.NoRequirement, got)
		}
	case r.Holds != "":
		t.marker(r)
	default:
		t.requirement(r)
	}
}

// marker evaluates the marker, and its canonical form, in each environment.
func (t *table) marker(r row) {
	marker, err := pep508.ParseMarker(r.Marker)
	if err != nil {
		t.Error(err)
		return
	}
	canonical, err := pep508.ParseMarker(marker.String())
	if err != nil || canonical.String() != marker.String() {
		t.Errorf("%q: canonical %q: %v", r.Marker, marker, err)
	}
	for i, environment := range t.environments {
		t.checks++
		want := string(r.Holds[i])
		if got, again := outcome(marker, environment), outcome(canonical, environment); got != want || again != want {
			t.Errorf("%q in %v: %s, %s, want %s", r.Marker, environment, got, again, want)
		}
	}
}

// outcome is one character of a table's row.
func outcome(marker pep508.Marker, environment pep508.Environment) string {
	switch holds, err := marker.Holds(environment, environment["extra"]); {
	case err != nil:
		return "x"
	case holds:
		return "1"
	}
	return "0"
}

func (t *table) requirement(r row) {
	got, err := pep508.Parse(r.Requirement)
	if err != nil {
		t.Errorf("%q: %v", r.Requirement, err)
		return
	}
	want := pep508.Requirement{Name: r.Name, Extras: r.Extras, URL: r.URL}
	if want.Specifier, err = pep440.ParseSpecifier(r.Specifier); err != nil {
		t.Error(err)
	}
	if r.Condition != "" {
		if want.Marker, err = pep508.ParseMarker(r.Condition); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(texts(want), texts(got)); diff != "" {
		t.Errorf("%q: %s", r.Requirement, diff)
	}
	if again, err := pep508.Parse(got.String()); err != nil || again.String() != got.String() {
		t.Errorf("%q: the canonical form %q is read as %q: %v", r.Requirement, got, again, err)
	}
}

func texts(r pep508.Requirement) []string {
	return []string{r.Name, strings.Join(r.Extras, ","), r.Specifier.String(), r.URL, r.Marker.String()}
}
