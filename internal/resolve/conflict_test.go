package resolve_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

var update = flag.Bool("update", false, "write the golden files")

// many is an index of many versions, besides those of index.
func many(name string, n int, index index) index {
	for i := range n {
		index[fmt.Sprintf("%s 1.%d", name, i)] = nil
	}
	return index
}

// impossible are requests that nothing meets.
var impossible = map[string]struct {
	index       index
	want        []string // requirements
	constraints []string
	change      func(*resolve.Request)
}{
	"a name that is imported":       {index: index{"scikit-learn 1": nil}, want: []string{"sklearn"}},
	"a name that is a note only":    {index: index{"sklearn 0": {":sdist"}, "scikit-learn 1": nil}, want: []string{"sklearn"}, change: func(r *resolve.Request) { r.WheelsOnly = true }},
	"a name that is imported, two":  {index: index{"opencv-python 1": nil, "opencv-python-headless 1": nil}, want: []string{"cv2"}},
	"a name that is misspelt":       {index: index{"tensorflow 1": nil}, want: []string{"tensorlfow==2"}},
	"a name without its hyphen":     {index: index{"scikit-learn 1": nil}, want: []string{"scikitlearn"}},
	"a name of the request":         {index: index{"our-model 1": nil}, want: []string{"our-model", "ourmodels"}},
	"a name without python":         {index: index{"python-frobnicate 1": nil}, want: []string{"frobnicate"}},
	"a name that only others have":  {index: index{"pip 1": nil}, want: []string{"sklearn"}},
	"a name that nobody has":        {index: index{}, want: []string{"qwertz"}},
	"a short name":                  {index: index{"six 1": nil}, want: []string{"sx"}},
	"a name that another one needs": {index: index{"a 1": {"b"}, "b 1": {"c>=2"}}, want: []string{"a"}},
	"a name of one index only":      {index: index{"owner 1": nil}, want: []string{"own"}},
	"a version that is not there":   {index: many("a", 40, index{}), want: []string{"a==1.20.5"}},
	"a version yet to come":         {index: many("a", 40, index{}), want: []string{"a>=7"}},
	"a version of few":              {index: index{"a 1": nil, "a 2": nil}, want: []string{"a>2"}},
	"a version for another Python":  {index: index{"a 1": {":tags cp37-cp37m-manylinux_2_17_x86_64"}, "a 2": nil}, want: []string{"a<2"}},
	"a version of other times":      {index: index{"a 1": {":python <3.10"}, "a 2": nil}, want: []string{"a==1"}},
	"a version that was withdrawn":  {index: index{"a 1": {":yanked"}, "a 2": nil}, want: []string{"a<2"}},
	"for Windows only":              {index: index{"a 1": {":tags cp311-cp311-win_amd64"}, "a 2": {":tags cp311-cp311-win32"}}, want: []string{"a"}},
	"all withdrawn":                 {index: index{"a 1": {":yanked"}}, want: []string{"a>=1"}},
	"the Python of metadata":        {index: index{"a 1": {":python <3"}}, want: []string{"a"}},
	"of everything something": {
		index: index{
			"a 1": {":python <3"}, "a 2": {":sdist"}, "a 3": {":tags cp311-cp311-win_amd64"}, "a 4": {":yanked"}, "a 5": {":tags cp39-cp39-manylinux_2_17_x86_64"},
			"a 6": {":tags cp39-cp39-win_amd64"},
		},
		want: []string{"a"}, change: func(r *resolve.Request) { r.WheelsOnly = true },
	},
	"sources only": {index: index{"a 1": {":sdist"}}, want: []string{"a"}, change: func(r *resolve.Request) { r.WheelsOnly = true }},
	"too late":     {index: index{"a 1": nil}, want: []string{"a"}, change: func(r *resolve.Request) { r.Before = time.Unix(0, 0) }},
	"for glibc": {
		index: index{"a 1": {":tags cp311-cp311-manylinux_2_17_x86_64"}}, want: []string{"a"}, change: func(r *resolve.Request) {
			alpine, err := resolve.NewTarget(r.Target.Python, pep425.Platform{Minor: 11, Machine: "x86_64", Libc: pep425.Musl, LibcMajor: 1, LibcMinor: 2})
			if err != nil {
				panic(err)
			}
			r.Target = alpine
		},
	},
	"two needs":        {index: index{"a 1": {"c<2"}, "b 1": {"c>=2"}, "c 1": nil, "c 2": nil}, want: []string{"a", "b"}},
	"a user's own":     {index: index{"a 1": {"c<2"}, "c 1": nil, "c 2": nil}, want: []string{"a", "c>=2"}},
	"a constraint":     {index: index{"a 1": {"c>=2"}, "c 1": nil, "c 2": nil}, want: []string{"a"}, constraints: []string{"c<2"}},
	"no other version": {index: index{"a 1": {"c<2"}, "a 2": {"c<2"}, "b 1": {"c>=2"}, "b 2": {"c>=2"}, "c 1": nil, "c 2": nil}, want: []string{"a", "b"}},
	"a long way": {
		index: index{"a 1.2": {"m[x]; python_version >= '3.9'"}, "m 3": {":extra x", "n==1; extra == 'x'"}, "n 1": {"b>=3"}, "b 2.9": nil, "b 2.8": nil},
		want:  []string{"a", "o"}, constraints: []string{"o"}, change: func(r *resolve.Request) { r.Requirements = r.Requirements[:1] },
	},
	"many needs":                   {index: crowd(12), want: []string{"a"}},
	"metadata that cannot be used": {index: index{"a 1": {":invalid"}, "a 2": {":invalid"}}, want: []string{"a"}},
	"a Python that comes too late": {
		index: index{"a 1": {"b"}, "b 1": {":lies >=3.12"}}, want: []string{"a"},
	},
	"an address with a secret": {index: index{"a 1": {"b @ https://user:s3cret@h.test/T0KEN/b.zip"}, "b 1": {":yanked"}}, want: []string{"a"}},
}

// crowd is a distribution that needs many, each of which needs another version of one.
func crowd(n int) index {
	x := index{"c 0": nil}
	for i := range n {
		x["a 1"] = append(x["a 1"], fmt.Sprintf("b%d", i))
		x[fmt.Sprintf("b%d 1", i)] = []string{fmt.Sprintf("c!=%d", i)}
		x["a 1"] = append(x["a 1"], "c<1")
	}
	return x
}

// TestResolve_impossible holds what is said of requests that nothing meets.
func TestResolve_impossible(t *testing.T) {
	t.Parallel()
	var told strings.Builder
	for _, name := range slices.Sorted(maps.Keys(impossible)) {
		test := impossible[name]
		request := resolve.Request{Requirements: requirements(test.want...), Constraints: requirements(test.constraints...), Target: target()}
		if test.change != nil {
			test.change(&request)
		}
		pins, err := resolve.Resolve(t.Context(), test.index, request)
		conflict, ok := errors.AsType[*resolve.ConflictError](err)
		if !ok || len(conflict.Unmet) == 0 {
			t.Errorf("%s: %v, %s", name, err, texts(pins))
			continue
		}
		fmt.Fprintf(&told, "# %s: %s\n%s\n\n", name, strings.Join(test.want, " "), err)
		if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "T0KEN") {
			t.Errorf("%s: a secret is told", name)
		}
	}
	golden := filepath.Join("testdata", "impossible.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(told.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), told.String()); diff != "" {
		t.Error(diff)
	}
}

// TestConflictError_versions has few of many versions.
func TestConflictError_versions(t *testing.T) {
	t.Parallel()
	u := resolve.Unmet{Name: "a", Needs: []resolve.Need{{Requirement: "b", By: "a", Version: "1"}, {Requirement: "b<1"}}}
	for i := range 9 {
		u.Needs = append(u.Needs, resolve.Need{Requirement: "b", By: "a", Version: fmt.Sprint(2 + i)})
		u.Available = append(u.Available, pep440.MustParse(fmt.Sprint(9-i)))
	}
	u.Tried = true
	const want = "No version of a that is required goes together with the rest:\n  A 1, 2, 3, 4, 5 and 5 others require b.\n  You require b<1.\n" +
		"Change your requirement of b, or leave it out."
	if diff := cmp.Diff(want, u.String()); diff != "" {
		t.Error(diff)
	}
}
