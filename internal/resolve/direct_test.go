package resolve_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pylock"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// asked is an index that fails the test where it is asked for one of the names.
type asked struct {
	index

	t     *testing.T
	names map[string]*pythonindex.File
}

func (a asked) Files(ctx context.Context, name string) ([]*pythonindex.File, error) {
	if a.names[name] != nil {
		a.t.Errorf("the index is asked for %s", name)
	}
	return a.index.Files(ctx, name)
}

// TestResolve_direct takes what is at an address, and nothing else, or says why that does not do.
func TestResolve_direct(t *testing.T) {
	t.Parallel()
	const address, other = " @ https://h.test/S3CRET/x.zip", " @ https://i.test/S3CRET/x.zip"
	tests := map[string]struct {
		index  index
		want   []string
		direct string // distributions with a version
		prefer string
		change func(*resolve.Request)
		says   string
	}{
		"alone":                     {index: index{"a 1": {"b"}, "b 2": nil}, want: []string{"a" + address}, direct: "a 1", says: "a 1, b 2"},
		"extras":                    {index: index{"a 1": {":extra x", "b; extra == 'x'"}, "b 2": nil}, want: []string{"a[x]" + address}, direct: "a 1", says: "a 1, b 2"},
		"for others":                {index: index{"a 1": {"b>=1"}, "b 1.5": nil}, want: []string{"a", "b" + address}, direct: "b 1.5", says: "a 1, b 1.5"},
		"a pre-release":             {index: index{"a 1": {"b<3"}, "b 2.0rc1": nil}, want: []string{"a", "b" + address}, direct: "b 2.0rc1", says: "a 1, b 2.0rc1"},
		"another one of the base":   {index: index{"a 1": nil, "a 2": nil}, want: []string{"a" + address}, direct: "a 1", prefer: "a 2", says: "a 1"},
		"no time, and from source":  {index: index{"a 1": {":sdist"}}, want: []string{"a" + address}, direct: "a 1", change: late, says: "a 1"},
		"not where a marker is not": {index: index{"a 1": nil}, want: []string{"a", "a" + address + " ; sys_platform == 'win32'"}, says: "a 1"},
		"the same as another one":   {index: index{"a 1": {"b" + address}, "b 2": nil}, want: []string{"a", "b" + address}, direct: "b 2", says: "a 1, b 2"},
		"older ones that can be had": {
			index: index{"a 2": {"b" + address}, "a 1": {"b"}, "b 2": nil}, want: []string{"a"}, says: "a 1, b 2",
		},
		"a conflict": {
			index: index{"a 1": {"b>=2"}, "b 1": nil}, want: []string{"a", "b" + address}, direct: "b 1",
			says: "No version of b meets all that is required of it:\n  You require b @ https://h.test/***.\n  You require a, a 1 requires b>=2.\n" +
				"Of b there is 1 for Python 3.11.7 on Linux, x86_64 with glibc 2.36.\nChange your requirement of b or a, or leave it out.",
		},
		"for another platform": {
			index: index{"a 1": {":tags cp311-cp311-win_amd64"}}, want: []string{"a" + address}, direct: "a 1",
			says: "No version of a can be installed with Python 3.11.7 on Linux, x86_64 with glibc 2.36:\n  You require a @ https://h.test/***.\n" +
				"Of its files, 1 is for another platform.\nChange your requirement of a, or leave it out.",
		},
		"for another Python": {
			index: index{"a 1": {":python >=3.12"}}, want: []string{"a" + address}, direct: "a 1",
			says: "Of its files, 1 is for other versions of Python.\nChange your requirement of a, or take a base image with another Python.",
		},
		"two addresses": {
			index: index{"a 1": nil}, want: []string{"a" + address, "a" + other}, direct: "a 1",
			says: "More than one address is given for a:\n  You require a @ https://h.test/***.\n  You require a @ https://i.test/***.\n" +
				"Leave out all but one of them, or give each a marker, of which one holds for an image.",
		},
		"an address of another one": {
			index: index{"a 1": {"b" + address}, "b 1": nil}, want: []string{"a"},
			says: "No version of a that is required can be used:\n  You require a.\n" +
				"The metadata of a-1-py3-none-any.whl cannot be used: it requires b from an address, and only your own requirements can have one; " +
				"require b with that address as well.\nChange your requirement of a, or leave it out.",
		},
		"another address of another one": {
			index: index{"a 1": {"b" + other}, "b 1": nil}, want: []string{"a", "b" + address}, direct: "b 1", says: "it requires b from another address than you do",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := resolve.Request{Requirements: requirements(test.want...), Target: target(), Direct: map[string]*pythonindex.File{}}
			for pin := range strings.SplitSeq(test.direct, ", ") {
				if name, version, found := strings.Cut(pin, " "); found {
					request.Direct[name] = only(t, test.index, name, version)
					request.Direct[name].Direct = &pythonindex.Direct{}
				}
			}
			if name, version, found := strings.Cut(test.prefer, " "); found {
				request.Preferred = []resolve.Pin{{Name: name, Version: pep440.MustParse(version), Metadata: &pythonindex.Metadata{Name: name, Version: pep440.MustParse(version)}}}
			}
			if test.change != nil {
				test.change(&request)
			}
			pins, err := resolve.Resolve(t.Context(), asked{test.index, t, request.Direct}, request)
			got := texts(pins)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, test.says) || err == nil && got != test.says || strings.Contains(got, "S3CRET") {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.says)
			}
			if _, conflict := errors.AsType[*resolve.ConflictError](err); err != nil && !conflict {
				t.Errorf("%T", err)
			}
		})
	}
}

func late(r *resolve.Request) {
	r.Before, r.WheelsOnly = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), true
}

func only(t *testing.T, x index, name, version string) *pythonindex.File {
	t.Helper()
	files, err := x.Files(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Version == pep440.MustParse(version) {
			return f
		}
	}
	t.Fatalf("there is no %s %s", name, version)
	return nil
}

// TestPylock_direct writes what comes from addresses as PEP 751 has it, each for its machine, and keeps the commits.
func TestPylock_direct(t *testing.T) {
	t.Parallel()
	intel := target()
	arm, err := resolve.NewTarget(intel.Python, pep425.Platform{Minor: 11, Machine: "aarch64", Libc: pep425.Glibc, LibcMajor: 2, LibcMinor: 36})
	if err != nil {
		t.Fatal(err)
	}
	version := pep440.MustParse("1.0")
	at := func(url, digit string, d pythonindex.Direct) *pythonindex.File {
		return &pythonindex.File{URL: url, SHA256: strings.Repeat(digit, 64), Size: 7, Version: version, Direct: &d}
	}
	commit := at("https://github.com/o/c/archive/0a.tar.gz", "3", pythonindex.Direct{Repository: "https://github.com/o/c.git", Commit: strings.Repeat("a", 40), Revision: "main", Subdirectory: "x"})
	lock, err := resolve.Pylock([]resolve.Resolved{
		{Target: intel, Pins: []resolve.Pin{{Name: "a", Version: version, File: at("https://h.test/intel.zip", "1", pythonindex.Direct{Subdirectory: "s"})}, {Name: "c", Version: version, File: commit}}},
		{Target: arm, Pins: []resolve.Pin{{Name: "a", Version: version, File: at("https://h.test/arm.zip", "2", pythonindex.Direct{})}, {Name: "c", Version: version, File: commit}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(lock.String(), "created-by = \"terraform-provider-rime\"\n")
	const want = `
[[packages]]
name = "a"
version = "1.0"
marker = "platform_machine == \"aarch64\""
archive = { url = "https://h.test/arm.zip", size = 7, hashes = { sha256 = "2222222222222222222222222222222222222222222222222222222222222222" } }

[[packages]]
name = "a"
version = "1.0"
marker = "platform_machine == \"x86_64\""
archive = { url = "https://h.test/intel.zip", subdirectory = "s", size = 7, hashes = { sha256 = "1111111111111111111111111111111111111111111111111111111111111111" } }

[[packages]]
name = "c"
version = "1.0"
vcs = { type = "git", url = "https://github.com/o/c.git", requested-revision = "main", commit-id = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", subdirectory = "x" }
tool = { terraform-provider-rime = { archive = { url = "https://github.com/o/c/archive/0a.tar.gz", size = 7, hashes = { sha256 = "3333333333333333333333333333333333333333333333333333333333333333" } } } }
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
	again, err := pylock.Parse(lock.String())
	if err != nil || again.String() != lock.String() {
		t.Errorf("it is read as %s: %v", again, err)
	}
	for address, want := range map[string]string{
		"git+https://github.com/o/c.git@main": commit.Direct.Commit, "git+https://github.com/o/c.git@main#subdirectory=y": commit.Direct.Commit,
		"git+https://github.com/o/c.git@v1": "", "git+https://github.com/o/c.git": "", "git+https://github.com/o/d.git@main": "", "https://h.test/arm.zip": "",
	} {
		if got := resolve.KeptCommit(again, arm, "c", address); got != want {
			t.Errorf("%s: %q", address, got)
		}
	}
	kept, err := resolve.Kept(again, arm, func(name string) ([]*pythonindex.File, error) {
		t.Errorf("the index is asked for %s", name)
		return nil, nil
	})
	if err != nil || len(kept) > 0 {
		t.Error(kept, err)
	}
}
