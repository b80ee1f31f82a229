package resolve_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// file is a file of an index, with the hash of one digit over and over.
func file(name, version, digit string, hosted bool) *pythonindex.File {
	f := &pythonindex.File{Name: name, Version: pep440.MustParse(version)}
	for range 64 {
		f.SHA256 += digit
	}
	f.URL = "https://pypi.example.com/TOKEN/" + name
	if hosted {
		f.URL = "https://files.pythonhosted.org/" + name
	}
	if wheel, err := pep425.ParseWheel(name); err == nil {
		f.Wheel = &wheel
	}
	return f
}

// TestPylock writes the lock of two machines: what both take once, and what only one takes for that one. What comes from an
// index of somebody's own has no address, and what the base image has is not in it. The lock keeps what it says.
func TestPylock(t *testing.T) {
	t.Parallel()
	intel := target()
	arm, err := resolve.NewTarget(intel.Python, pep425.Platform{Minor: 11, Machine: "aarch64", Libc: pep425.Glibc, LibcMajor: 2, LibcMinor: 36})
	if err != nil {
		t.Fatal(err)
	}
	pure, source := file("b-1.0-py3-none-any.whl", "1.0", "1", true), file("c-2.0.tar.gz", "2.0", "2", false)
	x86, aarch := file("a-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "1.0", "3", true), file("a-1.0-cp311-cp311-manylinux_2_17_aarch64.whl", "1.0", "4", true)
	version := pep440.MustParse("1.0")
	lock, err := resolve.Pylock([]resolve.Resolved{
		{Target: intel, Pins: []resolve.Pin{
			{Name: "a", Version: version, File: x86, Requires: []string{"b"}}, {Name: "b", Version: version, File: pure}, {Name: "pip", Version: version},
		}},
		{Target: arm, Pins: []resolve.Pin{
			{Name: "a", Version: version, File: aarch, Requires: []string{"b"}},
			{Name: "b", Version: version, File: pure},
			{Name: "c", Version: source.Version, File: source},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `lock-version = "1.0"
environments = ["python_full_version == \"3.11.7\" and platform_machine == \"x86_64\" and sys_platform == \"linux\"", "python_full_version == \"3.11.7\" and platform_machine == \"aarch64\" and sys_platform == \"linux\""]
created-by = "terraform-provider-rime"

[[packages]]
name = "a"
version = "1.0"
dependencies = [{ name = "b" }]
wheels = [
  { name = "a-1.0-cp311-cp311-manylinux_2_17_aarch64.whl", url = "https://files.pythonhosted.org/a-1.0-cp311-cp311-manylinux_2_17_aarch64.whl", hashes = { sha256 = "4444444444444444444444444444444444444444444444444444444444444444" } },
  { name = "a-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", url = "https://files.pythonhosted.org/a-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", hashes = { sha256 = "3333333333333333333333333333333333333333333333333333333333333333" } },
]

[[packages]]
name = "b"
version = "1.0"
wheels = [
  { name = "b-1.0-py3-none-any.whl", url = "https://files.pythonhosted.org/b-1.0-py3-none-any.whl", hashes = { sha256 = "1111111111111111111111111111111111111111111111111111111111111111" } },
]

[[packages]]
name = "c"
version = "2.0"
marker = "platform_machine == \"aarch64\""
sdist = { name = "c-2.0.tar.gz", path = "c-2.0.tar.gz", hashes = { sha256 = "2222222222222222222222222222222222222222222222222222222222222222" } }
`
	if diff := cmp.Diff(want, lock.String()); diff != "" {
		t.Error(diff)
	}
	listed := map[string][]*pythonindex.File{"a": {file("a-2.0-py3-none-any.whl", "2.0", "5", true), aarch, x86}, "b": {file("b-1.0-py3-none-any.whl", "1.0", "6", true)}, "c": {source}}
	for machine, want := range map[*resolve.Target]string{intel: "a 1.0", arm: "a 1.0, c 2.0"} {
		kept, err := resolve.Kept(lock, machine, func(name string) ([]*pythonindex.File, error) { return listed[name], nil })
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, texts(kept)); diff != "" {
			t.Error(diff)
		}
	}
}
