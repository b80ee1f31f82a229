package pep440_test

import (
	"math/big"
	"slices"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/referee"
)

// row is a line of testdata/packaging.jsonl; testdata/pep440.py says how it was made.
type row struct {
	Versions [][]string

	Text, Normal, Public, Base, Local string
	Pre                               bool

	NoVersion *string `json:"no_version"`

	Clause, Specifier, Allows string
	NoClause                  *string `json:"no_clause"`
	// None tells that no version at all is allowed.
	None bool
}

// TestPackaging holds versions, their order and specifiers against a table that `packaging` has made.
func TestPackaging(t *testing.T) {
	t.Parallel()
	table := &table{T: t}
	for r := range referee.Rows[row](t, "testdata/packaging.jsonl") {
		table.check(r)
	}
	if table.checks < 200_000 {
		t.Errorf("%d checks", table.checks)
	}
}

// table checks rows and counts the checks.
type table struct {
	*testing.T
	versions []pep440.Version
	checks   int
}

func (t *table) check(r row) {
	switch {
	case r.Versions != nil:
		t.order(r.Versions)
	case r.Normal != "":
		t.version(r)
	case r.NoVersion != nil:
		t.checks++
		if v, err := pep440.Parse(*r.NoVersion); err == nil {
			t.Errorf("%q is taken for the version %s", *r.NoVersion, v)
		}
	case r.NoClause != nil:
		t.checks++
		if s, err := pep440.ParseSpecifier(*r.NoClause); err == nil {
			t.Errorf("%q is taken for the specifier %s", *r.NoClause, s)
		}
	default:
		t.specifier(r)
	}
}

// order compares each version with each.
func (t *table) order(groups [][]string) {
	var rank []int
	for i, group := range groups {
		for _, text := range group {
			t.versions = append(t.versions, pep440.MustParse(text))
			rank = append(rank, i)
		}
	}
	for i, a := range t.versions {
		for j, b := range t.versions {
			t.checks++
			if got, want := a.Compare(b), rank[i]-rank[j]; (got < 0) != (want < 0) || (got > 0) != (want > 0) {
				t.Errorf("%s and %s compare as %d", a, b, got)
			}
		}
	}
}

func (t *table) version(r row) {
	t.checks++
	v, err := pep440.Parse(r.Text)
	if err != nil {
		t.Errorf("%q: %v", r.Text, err)
		return
	}
	got := row{Normal: v.String(), Public: v.Public().String(), Base: v.Base(), Local: v.Local(), Pre: v.IsPrerelease()}
	if want := (row{Normal: r.Normal, Public: r.Public, Base: r.Base, Local: r.Local, Pre: r.Pre}); !sameVersion(got, want) {
		t.Errorf("%q: %+v, want %+v", r.Text, got, want)
	}
	if again, err := pep440.Parse(v.String()); err != nil || again != v {
		t.Errorf("%q: its normal form is %+v: %v", r.Text, again, err)
	}
}

func sameVersion(a, b row) bool {
	return slices.Equal([]string{a.Normal, a.Public, a.Base, a.Local}, []string{b.Normal, b.Public, b.Base, b.Local}) && a.Pre == b.Pre
}

// specifier checks which versions are allowed, by the specifier as it is and in its canonical form.
func (t *table) specifier(r row) {
	text := r.Clause + r.Specifier
	specifier, err := pep440.ParseSpecifier(text)
	if err != nil {
		t.Errorf("%q: %v", text, err)
		return
	}
	canonical, err := pep440.ParseSpecifier(specifier.String())
	if err != nil || canonical.String() != specifier.String() {
		t.Errorf("%q: canonical %s: %v", text, specifier, err)
	}
	if got := specifier.NamesPrerelease(); got != r.Pre {
		t.Errorf("%q: asks for pre-releases: %t", text, got)
	}
	if why := specifier.Contradiction(); (why != nil) != r.None {
		t.Errorf("%q: the contradiction is %v", text, why)
	}
	allows, ok := new(big.Int).SetString(r.Allows, 16)
	if !ok {
		t.Fatalf("%q is no number", r.Allows)
	}
	for i, v := range t.versions {
		t.checks++
		want := allows.Bit(len(t.versions)-1-i) == 1
		if specifier.Allows(v) != want || canonical.Allows(v) != want {
			t.Errorf("%q allows %s: %t, want %t", text, v, specifier.Allows(v), want)
		}
	}
}
