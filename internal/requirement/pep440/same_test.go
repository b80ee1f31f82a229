package pep440_test

import (
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

func TestSpecifier_Same(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b, both string
		same       bool
	}{
		{"", "", "", true},
		{">=1", ">=1.0", ">=1", true},
		{">=1,<2", "<2,>=1", ">=1,<2", true},
		{">=1,<2", ">=1", ">=1,<2", false},
		{">=1", ">=1,<2", ">=1,<2", false},
		{">=1,!=1.5", "!=1.5,!=1.6", ">=1,!=1.5,!=1.6", false},
		{">=1", "", ">=1", false},
	}
	for _, test := range tests {
		var parsed [2]pep440.Specifier
		for i, text := range []string{test.a, test.b} {
			var err error
			if parsed[i], err = pep440.ParseSpecifier(text); err != nil {
				t.Fatal(err)
			}
		}
		if got := parsed[0].Same(parsed[1]); got != test.same {
			t.Errorf("%q and %q are the same: %t", test.a, test.b, got)
		}
		if got := parsed[0].And(parsed[1]).String(); got != test.both {
			t.Errorf("%q and %q are %q, want %q", test.a, test.b, got, test.both)
		}
	}
}
