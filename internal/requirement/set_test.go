package requirement_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// findings are the errors that a set check has joined.
func findings(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T is no joined error", err)
	}
	var texts []string
	for _, finding := range joined.Unwrap() {
		if _, ok := errors.AsType[*requirement.Error](finding); !ok {
			t.Errorf("%#v is not an Error", finding)
		}
		texts = append(texts, finding.Error())
	}
	return texts
}

func TestJoinPips(t *testing.T) {
	t.Parallel()
	type pips = []requirement.Pip
	tests := map[string]struct {
		pips, want pips
		faults     []string
	}{
		"none":                   {want: pips{}},
		"all different":          {pips: pips{{Name: "b", VersionSpecifier: ""}, {Name: "a", VersionSpecifier: "1"}}, want: pips{{Name: "a", VersionSpecifier: "==1"}, {Name: "b", VersionSpecifier: ""}}},
		"twice the same":         {pips: pips{{Name: "NumPy", VersionSpecifier: ">=1.0, <2"}, {Name: "numpy", VersionSpecifier: "<2,>=1"}}, want: pips{{Name: "numpy", VersionSpecifier: ">=1,<2"}}},
		"once without specifier": {pips: pips{{Name: "spacy", VersionSpecifier: ""}, {Name: "spacy", VersionSpecifier: ">=3.5,<4"}}, want: pips{{Name: "spacy", VersionSpecifier: ">=3.5,<4"}}},
		"extras": {
			pips: pips{{Name: "pkg", VersionSpecifier: "==1.3"}, {Name: "Pkg[b]", VersionSpecifier: ""}, {Name: "pkg[a,b]", VersionSpecifier: ">=1"}}, want: pips{{Name: "pkg[a,b]", VersionSpecifier: "==1.3,>=1"}},
		},
		"comparisons":           {pips: pips{{Name: "numpy", VersionSpecifier: ">=1"}, {Name: "numpy", VersionSpecifier: "<2"}}, want: pips{{Name: "numpy", VersionSpecifier: ">=1,<2"}}},
		"what does not parse":   {pips: pips{{Name: "a b", VersionSpecifier: ">=oops"}, {Name: "a b", VersionSpecifier: ">=oops"}, {Name: "c", VersionSpecifier: "^1"}, {Name: "c", VersionSpecifier: "2"}}, want: pips{{Name: "a b", VersionSpecifier: ">=oops"}, {Name: "c", VersionSpecifier: "==2"}, {Name: "c", VersionSpecifier: "^1"}}},
		"an empty name is none": {pips: pips{{Name: "", VersionSpecifier: "1"}, {Name: "", VersionSpecifier: ""}}, want: pips{{Name: "", VersionSpecifier: ""}, {Name: "", VersionSpecifier: "==1"}}},
		"every conflict is told": {
			pips: pips{{Name: "a", VersionSpecifier: ">2,<1"}, {Name: "b", VersionSpecifier: "1"}, {Name: "B", VersionSpecifier: "2"}, {Name: "c", VersionSpecifier: "===1.0"}, {Name: "c", VersionSpecifier: "===1"}},
			want: pips{{Name: "a", VersionSpecifier: ">2,<1"}, {Name: "b", VersionSpecifier: "==1,==2"}, {Name: "c", VersionSpecifier: "===1,===1.0"}},
			faults: []string{
				`pip "a>2,<1" can be met by no version: ">2" and "<1" exclude each other; remove one of the comparisons`,
				`pip "b==1,==2" can be met by no version: "==2" and "==1" exclude each other; remove one of the comparisons`,
				`pip "c===1,===1.0" can be met by no version: "===1" and "===1.0" exclude each other; remove one of the comparisons`,
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := slices.Clone(test.pips)
			joined, err := requirement.JoinPips(test.pips)
			if diff := cmp.Diff(test.want, joined) + cmp.Diff(test.faults, findings(t, err)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(joined, requirement.CanonicalPips(joined)) + cmp.Diff(given, test.pips); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJoinPips_unsatisfiable(t *testing.T) {
	t.Parallel()
	impossible := []string{
		">2,<1", ">=2,<1", ">1,<1", ">=1,<1", ">1,<=1", ">=1.0,<1.0.0", ">1.5,<=1.5",
		"==1,==2", "==1,==1.1", "==1,!=1", "==1.0,!=1", "==1,>1", "==1,<1", "==1,>=2", "==1,<=0.9", "==1!1,<2",
		"===1,===2", "===1,==2", "===1,!=1",
		"~=1.4,>=2", "~=1.4,<1.4", "~=1.4.2,>=1.5", "~=1.4,~=2.0", "~=2.2,==1.*", "~=1.4,<=1.3.99",
		"==1.*,==2.*", "==1.*,>=2", "==1.*,<1.dev0", "==1.2.*,==1.3", "==1.2.*,!=1.*", "==1.2.*,!=1.2.*", "==1.2.3,!=1.2.*",
		"==1.2.*,==1.3.*", ">=1.3,==1.2.*", "~=1.2.3,!=1.2.*", "==1+a,==1+b", "==1+a,!=1+a", "==1+a,!=1", "==1+a,==2", "==1+a,<1",
		">=1,<2,>=3", "!=1,==1,>=0", ">=1,<=1,!=1", "==1.*,<1", ">1.0a1,<1.0",
	}
	for _, specifier := range impossible {
		if _, err := requirement.JoinPips([]requirement.Pip{{Name: "x", VersionSpecifier: specifier}}); err == nil {
			t.Errorf("%q passes, and no version meets it", specifier)
		}
	}
	possible := []string{
		"", "1", ">=1,<2", ">=1,<=1", "==1,==1.0", "==1,>=1,<=1", "==1,!=1+a", "==1,==1+a", "==1+a,!=1+b", "==1+a,==1",
		"<=1,==1+a", ">=1,==1+a", ">1,<1.0.1", ">1,<=1.0.0.1", "==1.*,!=1.0", "==1.*,<1.0.1", "==1.*,>=1.999", "==1.*,==1.dev0", "==1.*,<1.0.dev1",
		"~=1.4,<1.5", "~=1.4,!=1.4.*", "~=1.4,>=1.999", ">=1,<2,!=1.5.*", ">1.0a1,<1.0b1", "==1.0.post1,>=1.0", "==1.*,!=1.0.post1", "===1.0,==1", "!=1,!=2", "==18446744073709551615.*,>1", "~=18446744073709551615.0",
	}
	for _, specifier := range possible {
		if _, err := requirement.JoinPips([]requirement.Pip{{Name: "x", VersionSpecifier: specifier}}); err != nil {
			t.Errorf("%q: %v", specifier, err)
		}
	}
}

func TestCheckPackages(t *testing.T) {
	t.Parallel()
	const apt, rpm = requirement.PackageTypeApt, requirement.PackageTypeRockyLinux
	type packages = []requirement.Package
	tests := map[string]struct {
		packages packages
		want     []string
	}{
		"none":                      {},
		"all different":             {packages: packages{{"vim", "1", apt}, {"git", "", apt}}},
		"twice the same":            {packages: packages{{"vim", "=1.2", apt}, {"vim", "0:1.2", apt}}},
		"one name, two managers":    {packages: packages{{"vim", "1", apt}, {"vim", "2", rpm}}},
		"names of RPM have a case":  {packages: packages{{"Vim", "1", rpm}, {"vim", "2", rpm}}},
		"two architectures are two": {packages: packages{{"libc6", "1", apt}, {"libc6:i386", "2", apt}}},
		"twice, different": {
			packages: packages{{"vim", "2", apt}, {"git", "", apt}, {"vim", "", apt}},
			want:     []string{`apt "vim=2" and "vim" are two versions of one package; keep one of them`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, findings(t, requirement.CheckPackages(test.packages))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCanonicalSets(t *testing.T) {
	t.Parallel()
	pips := []requirement.Pip{{Name: "B", VersionSpecifier: "1.0"}, {Name: "a", VersionSpecifier: "<2,>=1.0"}, {Name: "b", VersionSpecifier: "==1"}, {Name: "A", VersionSpecifier: ""}}
	given := slices.Clone(pips)
	if diff := cmp.Diff([]requirement.Pip{{Name: "a", VersionSpecifier: ">=1,<2"}, {Name: "b", VersionSpecifier: "==1"}}, requirement.CanonicalPips(pips)); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(pips, given) {
		t.Errorf("the argument was changed to %v", pips)
	}
	packages := []requirement.Package{{"vim", "=1", "rocky_linux"}, {"vim", "1", "apt"}, {"git", "", "rocky_linux"}, {"vim", "1", "rocky_linux"}}
	want := []requirement.Package{{"vim", "1", "apt"}, {"git", "", "rocky_linux"}, {"vim", "1", "rocky_linux"}}
	if diff := cmp.Diff(want, requirement.CanonicalPackages(packages)); diff != "" {
		t.Error(diff)
	}
	if got := requirement.CanonicalPips(nil); got == nil || len(got) != 0 {
		t.Errorf("the empty set is %#v", got)
	}
}

// Whatever the order of the clauses, the canonical specifier is one.
func TestPip_Canonical_isOrderless(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	clauses := []string{">=1.0", "<2", "!=1.5", "!=1.10", "!=1.5.*", "!=1.5+a", "!=1.5+10", "!=1.5+9", "~=1.0", "<=1.9.post1", ">0.9a1"}
	want := requirement.Pip{VersionSpecifier: strings.Join(clauses, ",")}.Canonical()
	for range 1000 {
		random.Shuffle(len(clauses), func(i, j int) { clauses[i], clauses[j] = clauses[j], clauses[i] })
		if got := (requirement.Pip{VersionSpecifier: strings.Join(clauses, ",")}).Canonical(); got != want {
			t.Fatalf("%v: %q, want %q", clauses, got, want)
		}
	}
}

func ExampleJoinPips() {
	pips, err := requirement.JoinPips([]requirement.Pip{
		{Name: "numpy", VersionSpecifier: ">=2"},
		{Name: "numpy", VersionSpecifier: "<1.26"},
		{Name: "uvicorn[standard]"},
		{Name: "Uvicorn", VersionSpecifier: "~=0.30"},
	})
	fmt.Println(pips[1])
	fmt.Println(err)
	// Output:
	// uvicorn[standard]~=0.30
	// pip "numpy>=2,<1.26" can be met by no version: ">=2" and "<1.26" exclude each other; remove one of the comparisons
}
