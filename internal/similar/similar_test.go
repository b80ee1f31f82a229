package similar_test

import (
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/similar"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for names, want := range map[[2]string]int{
		{"numpy", "numpy"}:  0,
		{"numpy", "nunpy"}:  1,
		{"numpy", "nupmy"}:  1, // exchanged
		{"numpy", "numppy"}: 1,
		{"numpy", "nmpy"}:   1,
		{"numpy", "nmyp"}:   2,
		{"ca", "abc"}:       3, // a letter that was exchanged stays where it is
		{"", "ab"}:          2,
		{"main", "v1.0"}:    4,
		{"numpy", "scipy"}:  3,
		{"numpy", "scikit"}: 4, // farther than is asked for
		{strings.Repeat("a", 300), strings.Repeat("a", 300)}: 4,
	} {
		for _, pair := range [][2]string{names, {names[1], names[0]}} {
			if got := similar.Distance(pair[0], pair[1], 3); got != min(want, 4) {
				t.Errorf("%q: %d, want %d", pair, got, want)
			}
		}
	}
}
