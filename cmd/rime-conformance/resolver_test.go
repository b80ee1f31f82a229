package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pylock"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// setsSum is the SHA-256 of all sets. What people tell each other of "set 17" has to mean the same, so a change of the lists or of the code that
// changes the sets has to be meant.
const setsSum = "8bad9c7ac9d6586ce5957593deb56de44b190fb108b6a3ceccf5b3959f644c40"

func TestMakeSets(t *testing.T) {
	t.Parallel()
	sets := makeSets(requirementSets)
	var text strings.Builder
	seen := map[string]int{}
	for i, s := range sets {
		fmt.Fprintln(&text, s)
		for _, what := range []string{s.Kind, s.Target.minorVersion(), s.Target.Machine, string(s.Target.Libc)} {
			seen[what]++
		}
		if s.Number != i+1 || len(s.Requirements) == 0 {
			t.Errorf("place %d has %s", i, s)
		}
		if _, err := parseRequirements(s.Requirements); err != nil {
			t.Error(err)
		}
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(text.String()))); sum != setsSum {
		t.Errorf("the sets have the SHA-256 %s", sum)
	}
	for _, what := range []string{
		"small", "medium", "large", "mixed", "extras", "old", "markers", "pre-release", "yanked", "impossible", "unknown", "pair",
		"3.9", "3.10", "3.11", "3.12", "3.13", "x86_64", "aarch64", "glibc", "musl",
	} {
		if seen[what] < requirementSets/100 {
			t.Errorf("%d sets are of %s", seen[what], what)
		}
	}
	if diff := cmp.Diff(sets[:20], makeSets(20)); diff != "" {
		t.Errorf("the first sets depend on how many there are: %s", diff)
	}
}

// Every line of the lists is meant, so none may be there twice or be no requirement.
func TestReadSetLists(t *testing.T) {
	t.Parallel()
	m := readSetLists()
	seen := map[string]bool{}
	for area, choices := range m.areaOf {
		if len(choices) < 20 {
			t.Errorf("%s has %d distributions, and a large set 20", area, len(choices))
		}
		for _, c := range choices {
			if c.name != pep508.NormalizeName(c.name) || seen[c.name] {
				t.Errorf("%q is there twice, or not in its normal form", c.name)
			}
			seen[c.name] = true
			for _, end := range slices.Concat(c.extras, c.clauses, []string{""}) {
				if _, err := pep508.Parse(c.name + end); err != nil {
					t.Error(err)
				}
			}
		}
	}
	for kind, sets := range m.particular {
		if !slices.Contains(append(setKinds, "unknown"), kind) {
			t.Errorf("no set is made of %q", kind)
		}
		for i, set := range sets {
			if slices.ContainsFunc(sets[:i], func(other []string) bool { return slices.Equal(set, other) }) {
				t.Errorf("%s: %q is there twice", kind, set)
			}
		}
	}
}

func TestDiffers(t *testing.T) {
	t.Parallel()
	pins := func(pairs ...string) resolution {
		r := resolution{Pins: map[string]string{}}
		for pair := range slices.Chunk(pairs, 2) {
			r.Pins[pair[0]] = pair[1]
		}
		return r
	}
	for name, tc := range map[string]struct {
		own, other resolution
		want       string
	}{
		"alike":                        {pins("a", "1", "b", "2"), pins("b", "2", "a", "1"), ""},
		"nothing":                      {pins(), pins(), ""},
		"both refuse":                  {resolution{Refused: "no a"}, resolution{Refused: "because"}, ""},
		"versions":                     {pins("a", "1", "b", "2", "c", "3"), pins("a", "1", "b", "3", "d", "4"), "versions, from ours to x's: b 2 → 3, c 3 → none, d none → 4"},
		"we refuse":                    {resolution{Refused: "no a"}, pins("a", "1"), "only we refuse: no a"},
		"it refuses":                   {pins("a", "1"), resolution{Refused: "no\n a"}, "only x refuses: no a"},
		"it refuses to answer nothing": {pins(), resolution{Refused: "no"}, "only x refuses: no"},
		"we fail":                      {resolution{Failed: "503"}, resolution{Refused: "no"}, "ours failed: 503"},
		"it fails":                     {resolution{Refused: "no"}, resolution{Failed: "503"}, "x failed: 503"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, differs(tc.own, tc.other, "x")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// resolverIndex is an index with what the tests below resolve.
func resolverIndex(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(pypi.New(
		pypi.Package{Name: "a", Releases: []pypi.Release{{Version: "1.0", Requires: []string{"b<2"}, Extras: map[string][]string{"x": {"c"}}}}},
		pypi.Simple("b", "1.0", "2.0"), pypi.Simple("c", "1.0"),
	))
	t.Cleanup(server.Close)
	return server.URL + "/simple/"
}

// setFor is a set for CPython 3.11 on Debian 12.
func setFor(requirements ...string) requirementSet {
	return requirementSet{Number: 1, Target: pythonTarget{"3.11.7", "x86_64", pep425.Glibc, 2, 36}, Requirements: requirements}
}

// A process of its own resolves one set, and tells what it took.
func TestResolveOwn(t *testing.T) {
	t.Parallel()
	itself, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	index := resolverIndex(t)
	own, err := resolveOwn(t.Context(), itself, resolveTask{Set: setFor("a"), Index: index})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "1.0", "b": "1.0"}, own.Pins); diff != "" {
		t.Error(diff)
	}
	if own.Requests < 4 || own.Received == 0 || own.Cold == 0 || own.Warm == 0 || own.Resident < own.Before || own.Before < 1<<20 {
		t.Errorf("it took %+v", own)
	}
	if own, err = resolveOwn(t.Context(), itself, resolveTask{Set: setFor("a"), Index: index, Constraints: []string{"b>=2"}}); err != nil || own.Pins != nil || own.Refused == "" {
		t.Errorf("%+v, %v", own, err)
	}
	if own, err = resolveOwn(t.Context(), itself, resolveTask{Set: setFor("a"), Index: "http://127.0.0.1:1/"}); err != nil || own.Failed == "" {
		t.Errorf("%+v, %v", own, err)
	}
	if _, err = resolveOwn(t.Context(), itself, resolveTask{Set: setFor("a=1"), Index: index}); err == nil {
		t.Error("no error for what is no requirement")
	}
}

// The real pip and the `packaging` in it, on the index of the sandbox.
func TestReferees_pip(t *testing.T) {
	t.Parallel()
	r := &referees{python: "python3", dir: t.TempDir(), index: resolverIndex(t)}
	if err := writeScripts(r.dir); err != nil {
		t.Fatal(err)
	}
	d, err := r.describe(t.Context())
	if err != nil || d.Pip == "" || !d.fits {
		t.Errorf("%+v, %v", d, err)
	}
	got, err := r.askPip(t.Context(), setFor("a[x]"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "1.0", "b": "1.0", "c": "1.0"}, got.Pins); diff != "" {
		t.Errorf("%+v\n%s", got, diff)
	}
	if got, err = r.askPip(t.Context(), setFor("a", "b>=2"), nil); err != nil || got.Refused == "" || got.Pins != nil {
		t.Errorf("%+v, %v", got, err)
	}
	own, err := resolveHere(t.Context(), resolveTask{Set: setFor("a[x]"), Index: r.index})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		set    requirementSet
		change func([]ownDistribution) []ownDistribution
		want   []string
	}{
		"valid":   {setFor("a[x]"), nil, nil},
		"missing": {setFor("a[x]"), func(all []ownDistribution) []ownDistribution { return all[:2] }, []string{`a 1.0 requires c; extra == "x", which is not there`}},
		"another version": {setFor("a[x]"), func(all []ownDistribution) []ownDistribution {
			all[1].Version, all[1].File = "2.0", "b-2.0-py3-none-any.whl"
			return all
		}, []string{"a 1.0 requires b<2, and there is 2.0"}},
		"too much": {setFor("a"), nil, []string{"c is there, and nobody requires it"}},
		"another platform": {setFor("a[x]"), func(all []ownDistribution) []ownDistribution {
			all[2].File, all[0].RequiresPython = "c-1.0-cp311-cp311-manylinux_2_99_x86_64.whl", "<3.11"
			return all
		}, []string{"a 1.0 is for Python <3.11", "c-1.0-cp311-cp311-manylinux_2_99_x86_64.whl is no wheel of c 1.0 for"}},
	} {
		told := own
		told.Distributions = slices.Clone(own.Distributions)
		if tc.change != nil {
			told.Distributions = tc.change(told.Distributions)
		}
		faults, err := r.judge(t.Context(), tc.set, told)
		if err != nil || len(faults) != len(tc.want) {
			t.Errorf("%s: %q, %v", name, faults, err)
			continue
		}
		for i := range faults {
			if !strings.HasPrefix(faults[i], tc.want[i]) {
				t.Errorf("%s: %q, want %q", name, faults[i], tc.want[i])
			}
		}
	}
}

// The whole of it, with an index that has nothing and an uv that knows it.
func TestRun_resolver(t *testing.T) {
	t.Parallel()
	const (
		refuses = "echo ResolutionImpossible >&2; exit 1"
		answers = `while [ "$1" != --report ]; do shift; done; echo "{\"install\": [{\"metadata\": {\"name\": \"Flask_X\", \"version\": \"1.0\"}}]}" >"$2"`
	)
	for name, tc := range map[string]struct {
		uv, pip, wantErr string
		want             []string
	}{
		"agree":      {"echo No solution found >&2; exit 1", refuses, "", []string{"set 1: both refuse", "the index tells no times", "0 of 0 locks", "agree: uv"}},
		"as pip":     {"echo Flask-X==1.0", refuses, "", []string{"set 1: different, but as pip", "only we refuse", "we do not take uv's versions", "agree: uv"}},
		"as nobody":  {"echo Flask-X==1.0", answers, "did not pass: uv", []string{"set 2: DIFFERENT", "we agree with uv 2.13.2 in 0.0 %", "we do not take pip's versions"}},
		"uv fails":   {"echo broken; exit 2", answers, "did not pass: uv", []string{"uv failed: exit status 2"}},
		"no answers": {"echo Connection refused >&2; exit 1", refuses, "", []string{"uv failed: exit status 1", "different, but as pip"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			uv := `mkdir -p "$3/bin" && printf '%s\n' '#!/bin/sh' '` + tc.uv + `' > "$3/bin/uv" && chmod +x "$3/bin/uv"`
			describe := `case "$*" in *describe_python.py) echo "{\"python\": \"3.11.7\", \"machine\": \"x86_64\", \"libc\": \"glibc\", \"major\": 2, \"minor\": 36, \"pip\": \"26.3\"}" ;; ` +
				"*install*) " + tc.pip + " ;; esac"
			python := standIn(t, "true", describe)
			text, err := os.ReadFile(python)
			if err != nil {
				t.Fatal(err)
			}
			script := strings.Replace(string(text), `"-m venv "*) `, `"-m venv "*) `+uv+` && `, 1)
			script = strings.Replace(script, `"-m pip install "*) true ;;`, `"-m pip install --quiet --dry-run "*) `+describe+` ;; "-m pip install "*) true ;;`, 1)
			if err := os.WriteFile(python, []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			results := filepath.Join(t.TempDir(), "results")
			args := []string{"-python", python, "-index", resolverIndex(t), "-sets", "2", "-results", results, "uv"}
			var found [2][]byte
			for i := range found { // the second time from what the first has found
				var out bytes.Buffer
				if err := run(t.Context(), args, log.New(&out, "", 0)); errorText(err) != tc.wantErr {
					t.Errorf("%v\n%s", err, out.String())
				}
				for _, want := range tc.want {
					if !strings.Contains(out.String(), want) {
						t.Errorf("no %q in\n%s", want, out.String())
					}
				}
				if found[i], err = os.ReadFile(results); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(found[0], found[1]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	some := func(different, asAnother, faulty int) []outcome {
		outcomes := make([]outcome, 100)
		for i := range outcomes {
			o := &outcomes[i]
			o.Set, o.Own.Pins, o.UV.Cold, o.UV.Warm = requirementSet{Number: i + 1}, map[string]string{"a": "1"}, time.Second, time.Second
			o.Own.Cold, o.Own.Warm = time.Duration(i+1)*100*time.Millisecond, time.Millisecond
			if i < different {
				o.Difference, o.FromPip = "another", "another"
			} else if i < different+asAnother {
				o.Difference, o.AsPip, o.AsFinal = "another", i%2 == 0, i%2 == 1
			}
			if i < faulty {
				o.Faults = []string{"a is for Python <3"}
			}
		}
		return outcomes
	}
	for name, tc := range map[string]struct {
		outcomes []outcome
		locks    []lockOutcome
		wantErr  string
		want     []string
	}{
		"all alike":  {some(0, 0, 0), nil, "", []string{"uv 1           100   100   0            0           0          100.0 %", "cold, times uv's       5.10    10.00    100     1.5, worst 3"}},
		"one is not": {some(1, 5, 0), []lockOutcome{{}}, "", []string{"99.0 %", "(pip answers as we do) another", "(uv without pre-releases answers as we do) another", "1 of 1 locks"}},
		"two":        {some(2, 0, 0), nil, "we agree with uv 1 in 98.0 % of the sets, and have to in 99 %", []string{"different from uv 1: set 2"}},
		"invalid":    {some(0, 0, 1), nil, "1 answers of ours are not valid by packaging", []string{"NOT VALID set 1", "a is for Python <3"}},
		"a lock":     {some(0, 0, 0), []lockOutcome{{problem: "pip check: no"}}, "1 locks of ours cannot be installed as they are", []string{"WRONG LOCK", "0 of 1 locks"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := report(log.New(&out, "", 0), tc.outcomes, tc.locks, "uv 1", "pip 1"); errorText(err) != tc.wantErr {
				t.Errorf("%v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

// A lock of ours is what it says when it is read again, and as a file with hashes.
func TestAsLock(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0a", 32)
	lock, err := asLock([]ownDistribution{{Name: "a", Version: "1.0", File: "a-1.0-py3-none-any.whl", URL: "https://example.com/a-1.0-py3-none-any.whl", SHA256: sum, RequiresPython: ">=3.9"}})
	if err != nil {
		t.Fatal(err)
	}
	read, err := pylock.Parse(lock.String())
	if err != nil || read.String() != lock.String() {
		t.Errorf("%v\n%s", err, read)
	}
	if diff := cmp.Diff("a==1.0 --hash=sha256:"+sum+"\n", hashedLines(lock)); diff != "" {
		t.Error(diff)
	}
}

// What is remembered is read again as it was.
func TestReadOutcomes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "results")
	o := outcome{Set: setFor("a"), Before: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Difference: "some", Pip: &pipOutcome{Set: setFor("a")}}
	if err := appendOutcome(file, o); err != nil {
		t.Fatal(err)
	}
	known, err := readOutcomes(file)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(o)
	if got, _ := json.Marshal(known[o.Set.String()]); string(got) != string(want) {
		t.Errorf("%s, want %s", got, want)
	}
	if err := os.WriteFile(file, []byte("{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readOutcomes(file); err == nil {
		t.Error("no error for a file that is damaged")
	}
}
