package planmemory

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(t.TempDir(), "data", "rime")
	planner := Memory{directory, caller{id: "1-7"}}
	another := Memory{directory, caller{id: "2-8"}}
	// What a plan holds is, among others, the private states of its resources.
	saved := func(private ...[]byte) Memory {
		var plan []byte
		for _, p := range private {
			plan = fmt.Appendf(plan, `…{"imported":"dHJ1ZQ==","planned":"%s"}…`, base64.StdEncoding.EncodeToString(p))
		}
		return Memory{filepath.Join(t.TempDir(), "elsewhere"), caller{id: "3-9", saved: plan}}
	}
	recall := func(m Memory, question string) string {
		var answer string
		if !m.Recall(question, &answer) {
			return "nothing"
		}
		return answer
	}
	expect := func(when string, m Memory, question, want string) {
		t.Helper()
		if got := recall(m, question); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	expect("before", planner, "q", "nothing")
	first, other := planner.Remember("q", "old"), planner.Remember("other", "x")
	expect("the same Terraform", planner, "q", "old")
	expect("another plan", another, "q", "nothing")
	expect("an apply of a saved plan, elsewhere", saved(other, first), "q", "old")
	expect("another question", saved(other, first), "r", "nothing")
	second := another.Remember("q", "new")
	expect("an apply of the first plan", saved(first), "q", "old")
	expect("an apply of the second plan", saved(second), "q", "new")
	expect("an apply of a plan that did not ask", saved([]byte(`"nonsense"`)), "q", "nothing")
	expect("the first of two", planner, "q", "old")
	long := time.Now().Add(-stale - time.Hour)
	if err := os.Chtimes(planner.path("q"), long, long); err != nil {
		t.Fatal(err)
	}
	another.Remember("r", "y")
	expect("long after", planner, "q", "nothing")
	expect("without a directory", Memory{}, "q", "nothing")
	Memory{}.Remember("q", "x")
}

func TestSavedPlan(t *testing.T) {
	t.Parallel()
	saved := filepath.Join(t.TempDir(), "saved.tfplan")
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	if f, err := z.Create("tfplan"); err != nil {
		t.Fatal(err)
	} else if _, err := f.Write([]byte("the plan")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), os.WriteFile(saved, archive.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		arguments []string
		want      bool
	}{
		{[]string{"apply", saved}, true},
		{[]string{"-chdir=x", "apply", "-no-color", "-input=false", saved}, true},
		{[]string{"apply", "-auto-approve"}, false},
		{[]string{"apply"}, false},
		{[]string{"apply", "-target", "rime_managed_image.a", "-auto-approve"}, false},
		{[]string{"apply", "-var", "a=b", saved}, true},
		{[]string{"plan", "-out=saved.tfplan"}, false},
		{[]string{"show", saved}, false},
		{nil, false},
	} {
		if got := string(savedPlan(test.arguments)); got != map[bool]string{true: "the plan"}[test.want] {
			t.Errorf("%q: %q", test.arguments, got)
		}
	}
}

// TestNew has this process be started by one that is known: its number and its beginning tell it from all others.
func TestNew(t *testing.T) {
	t.Parallel()
	if m := New("/data"); m.directory != "/data/rime" || m.caller.id == "" || m.caller.id != New("/other").caller.id {
		t.Errorf("%+v", m)
	}
}
