package pylock_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pylock"
)

// debian is CPython 3.11.7 on Linux.
var debian = pep508.Environment{
	"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "platform_release": "",
	"platform_version": "", "python_version": "3.11", "python_full_version": "3.11.7", "implementation_version": "3.11.7",
	"implementation_name": "cpython", "platform_python_implementation": "CPython",
}

// TestParse_uv reads a lock that uv has written, and writes it anew: the same lock, and the same text from then on.
func TestParse_uv(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/uv.toml")
	if err != nil {
		t.Fatal(err)
	}
	lock, err := pylock.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	packages, err := lock.For(debian)
	if err != nil {
		t.Fatal(err)
	}
	var pins []string
	files := 0
	for _, p := range packages {
		pins = append(pins, p.Name+"=="+p.Version.String())
		files += len(p.Wheels)
	}
	want := "certifi==2026.10.19.post1 charset-normalizer==3.5.3 idna==3.20 numpy==2.4.6 pandas==3.1.1 pysocks==1.7.1 "
	if got := strings.Join(pins, " "); !strings.HasPrefix(got, want) || files <= len(packages) {
		t.Errorf("%s with %d files, want %s…", got, files, want)
	}
	again, err := pylock.Parse(lock.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lock.String(), again.String()); diff != "" {
		t.Error(diff)
	}
}

func TestLock_String(t *testing.T) {
	t.Parallel()
	const text = `lock-version = "1.0"
environments = ["sys_platform == \"linux\" and platform_machine == \"x86_64\""]
requires-python = ">=3.11,<3.12"
created-by = "terraform-provider-rime"

[[packages]]
name = "a"
version = "1.0"
marker = "python_version >= \"3.9\""
dependencies = [{ name = "b" }, { name = "c" }]
index = "https://example.com/simple/"
sdist = { name = "a-1.0.tar.gz", url = "https://example.com/a-1.0.tar.gz", hashes = { sha256 = "0000000000000000000000000000000000000000000000000000000000000001" } }
wheels = [
  { name = "a-1.0-py3-none-any.whl", url = "https://example.com/a-1.0-py3-none-any.whl", upload-time = 2026-01-02T03:04:05Z, size = 7, hashes = { sha256 = "0000000000000000000000000000000000000000000000000000000000000002" } },
]

[[packages]]
name = "b"
vcs = { type = "git", url = "https://example.com/b.git", requested-revision = "main", commit-id = "0123456789012345678901234567890123456789", subdirectory = "x" }
tool = { terraform-provider-rime = { archive = { url = "https://example.com/b/0123.tar.gz", size = 8, hashes = { sha256 = "0000000000000000000000000000000000000000000000000000000000000004" } } } }

[[packages]]
name = "c"
archive = { url = "https://example.com/c.zip", subdirectory = "y", hashes = { sha256 = "0000000000000000000000000000000000000000000000000000000000000003" } }
`
	lock, err := pylock.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, lock.String()); diff != "" {
		t.Error(diff)
	}
}

func TestParse_refused(t *testing.T) {
	t.Parallel()
	const head = "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\n"
	tests := map[string]string{
		"x = ":                   "it is no TOML",
		"":                       "it has no lock-version",
		"lock-version = \"2.0\"": "only 1.0 is known",
		"lock-version = \"1.0\"\nenvironments = [\"os\"]": "environment marker",
		head:                            `the package "a": it has no file`,
		head + "directory = {path='.'}": "a directory on the machine",
		head + "version = 'x'":          `"x" is not a version`,
		head + "archive = {hashes={sha256='00'}}":                     "neither a name nor an address",
		head + "archive = {url='https://h/x.zip'}":                    `"x.zip" has no SHA-256`,
		head + "archive = {url='https://h/x.zip', hashes={md5='00'}}": `"x.zip" has no SHA-256`,
		head + "vcs = {type='hg', url='https://h/x'}":                 "only git can be read",
		head + "vcs = {type='git', url='https://h/x'}":                "no commit-id",
	}
	for text, want := range tests {
		if _, err := pylock.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestLock_For(t *testing.T) {
	t.Parallel()
	const wheel = "archive = {url='https://h/x.zip', hashes={sha256='0000000000000000000000000000000000000000000000000000000000000003'}}\n"
	const head = "lock-version = \"1.0\"\n"
	tests := map[string]string{
		head + "requires-python = '>=3.12'":                                                                                     "for Python >=3.12, and the image has 3.11.7",
		head + "environments = [\"sys_platform == 'win32'\"]":                                                                   "for other environments than the image",
		head + "[[packages]]\nname='a'\nversion='1'\n" + wheel + "[[packages]]\nname='A'\nversion='2'\n" + wheel:                "two of a for the image: 1 and 2",
		head + "[[packages]]\nname='a'\nversion='1'\nrequires-python='<3'\n" + wheel:                                            "a 1 of the lock is for Python <3",
		head + "[[packages]]\nname='a'\nversion='1'\n" + wheel + "[[packages]]\nname='A'\nmarker=\"os_name == 'nt'\"\n" + wheel: "",
	}
	for text, want := range tests {
		lock, err := pylock.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		switch _, err := lock.For(debian); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/uv.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Fuzz(func(t *testing.T, text string) {
		lock, err := pylock.Parse(text)
		if err != nil {
			return
		}
		again, err := pylock.Parse(lock.String())
		if err != nil || again.String() != lock.String() {
			t.Errorf("%q is written as %q: %v", text, lock, err)
		}
	})
}
