package pep425_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/referee"
)

// row is a line of testdata/packaging.jsonl; testdata/pep425.py says how it was made.
type row struct {
	Minor     int
	Threaded  bool
	Machine   string
	Libc      pep425.Libc
	LibcMajor int `json:"libc_major"`
	LibcMinor int `json:"libc_minor"`
	Tags      string
	Count     int
	Wheel     string
	Name      string
	Version   string
	Ranks     []int
	NoWheel   *string `json:"no_wheel"`
}

// TestPackaging holds tags and the names of wheels against a table that `packaging` has made.
func TestPackaging(t *testing.T) {
	t.Parallel()
	var platforms []*pep425.Tags
	wheels := 0
	for r := range referee.Rows[row](t, "testdata/packaging.jsonl") {
		switch {
		case r.Tags != "":
			platforms = append(platforms, checkTags(t, r))
		case r.NoWheel != nil:
			if w, err := pep425.ParseWheel(*r.NoWheel); err == nil {
				t.Errorf("%q is taken for the wheel %+v", *r.NoWheel, w)
			}
		default:
			wheels++
			checkWheel(t, r, platforms)
		}
	}
	if len(platforms) < 200 || wheels < 300 {
		t.Errorf("%d platforms, %d wheels", len(platforms), wheels)
	}
}

func checkTags(t *testing.T, r row) *pep425.Tags {
	t.Helper()
	platform := pep425.Platform{
		Minor: r.Minor, Threaded: r.Threaded, Machine: r.Machine, Libc: r.Libc, LibcMajor: r.LibcMajor, LibcMinor: r.LibcMinor,
	}
	tags := pep425.NewTags(platform)
	list := tags.List()
	digest := sha256.Sum256([]byte(strings.Join(list, "\n") + "\n"))
	if len(list) != r.Count || hex.EncodeToString(digest[:]) != r.Tags {
		t.Errorf("%+v: %d tags, want %d: %s", platform, len(list), r.Count, list[:10])
	}
	return tags
}

// checkWheel looks for the wheel on every 21st platform, as the table does.
func checkWheel(t *testing.T, r row, platforms []*pep425.Tags) {
	t.Helper()
	w, err := pep425.ParseWheel(r.Wheel)
	if err != nil {
		t.Error(err)
		return
	}
	var ranks []int
	for i := 0; i < len(platforms); i += 21 {
		rank, ok := platforms[i].Rank(w)
		if !ok {
			rank = -1
		}
		ranks = append(ranks, rank)
	}
	got := row{Name: w.Name, Version: w.Version.String(), Ranks: ranks}
	if diff := cmp.Diff(row{Name: r.Name, Version: r.Version, Ranks: r.Ranks}, got); diff != "" {
		t.Errorf("%q: %s", r.Wheel, diff)
	}
}
