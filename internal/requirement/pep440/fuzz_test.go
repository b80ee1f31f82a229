package pep440_test

import (
	"cmp"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// FuzzParse has versions keep their order and themselves when they are written and read.
func FuzzParse(f *testing.F) {
	f.Add("1!2.0.post1.dev3+local.01", " v1-1")
	f.Add("1.0RC1", "1.0c1")
	f.Add("00.1.0.0", "0.1")
	f.Fuzz(func(t *testing.T, a, b string) {
		v, err := pep440.Parse(a)
		if err != nil {
			return
		}
		again, err := pep440.Parse(v.String())
		if err != nil || again.Compare(v) != 0 || again.Key() != v.Key() || again.String() != v.String() {
			t.Errorf("%q is %q, and that %q (%v)", a, v, again, err)
		}
		w, err := pep440.Parse(b)
		if err != nil {
			return
		}
		if order := v.Compare(w); order != -w.Compare(v) || order != cmp.Compare(v.Key(), w.Key()) {
			t.Errorf("%q and %q: %d", a, b, order)
		}
	})
}

// FuzzParseSpecifier has specifiers allow the same versions when they are written and read, and what they exclude each other be empty.
func FuzzParseSpecifier(f *testing.F) {
	f.Add(">=1,!=1.5.*,<2", "1.4")
	f.Add("~=1.4.post1", "1.4.dev0")
	f.Add("===1.0+x, ==1.0", "1.0+x")
	f.Add("<1", "1a1")
	f.Add(">2,<1", "1.5")
	f.Fuzz(func(t *testing.T, text, version string) {
		s, err := pep440.ParseSpecifier(text)
		if err != nil {
			return
		}
		again, err := pep440.ParseSpecifier(s.String())
		if err != nil || again.String() != s.String() || !again.Same(s) {
			t.Errorf("%q is %q, and that %q (%v)", text, s, again, err)
		}
		v, err := pep440.Parse(version)
		if err != nil {
			return
		}
		if s.Allows(v) != again.Allows(v) {
			t.Errorf("%q and %q do not agree about %q", text, s, v)
		}
		all := true
		for _, c := range s.Clauses() {
			all = all && pep440.NewSpecifier(c).Allows(v)
		}
		if s.Allows(v) != all || all && s.Contradiction() != nil {
			t.Errorf("%q and %q: %t, each clause %t, contradiction %v", text, v, s.Allows(v), all, s.Contradiction())
		}
	})
}
