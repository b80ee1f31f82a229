package lockfile_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/lockfile"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// debian is an image's environment, for that Python ("3.11.7").
func debian(python string) pep508.Environment {
	return pep508.Environment{
		"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "platform_release": "",
		"platform_version": "", "python_version": python[:strings.LastIndexByte(python, '.')], "python_full_version": python,
		"implementation_name": "cpython", "implementation_version": python, "platform_python_implementation": "CPython",
	}
}

// installed are the entries in short, with how many hashes and files each has.
func installed(entries []lockfile.Entry) string {
	texts := make([]string, len(entries))
	for i, e := range entries {
		texts[i] = fmt.Sprintf("%s %s %d/%d", e.Name, e.Version, len(e.Hashes), len(e.Files))
		if e.Address != "" {
			texts[i] += " @ " + e.Address[strings.LastIndexByte(e.Address, '/')+1:]
		}
		if e.WheelsOnly {
			texts[i] += " wheels only"
		}
	}
	return strings.Join(texts, ", ")
}

// messages are the errors, each on a line.
func messages(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	if _, ok := errors.AsType[*lockfile.Error](err); !ok {
		t.Errorf("%T is no Error", err)
	}
	return err.Error()
}

// TestParse_tools reads what tools have written: pip-tools 7.5 and uv 0.13 did; the format of Poetry's export is made of it.
func TestParse_tools(t *testing.T) {
	t.Parallel()
	const six = "six-1.17.0-py2.py3-none-any.whl"
	tests := []struct{ file, python, want, refused string }{
		{"uv-export.txt", "3.9.1", "click 8.1.8 2/0, six  1/0 @ " + six + ", tomli 2.5.0 65/0", ""},
		{"uv-export.txt", "3.12.0", "click 8.5.1 2/0, six  1/0 @ " + six, ""},
		{"uv-pylock.toml", "3.9.1", "click 8.1.8 2/2, six 1.17.0 1/1 @ " + six + ", tomli 2.5.0 65/65", ""},
		{"uv-pylock.toml", "3.12.0", "click 8.5.1 2/2, six 1.17.0 1/1 @ " + six, ""},
		{"uv-pylock.toml", "3.8.0", "", "the lock does not hold for the image: the lock is for Python >=3.9, and the image has 3.8.0; make the lock anew, for the image's Python and for Linux"},
		{"poetry-export.txt", "3.12.0", "click 8.5.1 2/0, six  1/0 @ " + six + ", transformers  0/0 @ transformers.git@052e652d6d53c2b26ffde87e039b723949a53493", ""},
		{"pip-compile.txt", "3.11.7", "click 8.5.1 2/0, six  1/0 @ " + six, ""},
		{"pip-compile.txt", "3.12.0", "", "the lock was made by pip-compile for Python 3.11, and the image has 3.12; make the lock anew, for the image's Python"},
		{"uv-windows.txt", "3.11.7", "", "the lock was made by uv for the platform windows, and an image is Linux; make the lock anew, for the image's Python and for Linux"},
		{"uv.lock", "3.11.7", "", "the lock is a uv.lock, which other tools do not read; pass what uv export --format pylock.toml writes"},
	}
	for _, test := range tests {
		text, err := os.ReadFile("testdata/" + test.file)
		if err != nil {
			t.Fatal(err)
		}
		var entries []lockfile.Entry
		file, err := lockfile.Parse(string(text))
		if err == nil {
			entries, err = file.For(debian(test.python))
		}
		if got := messages(t, err); got != test.refused {
			t.Errorf("%s: %s", test.file, cmp.Diff(test.refused, got))
		}
		if got := installed(entries); err == nil && got != test.want {
			t.Errorf("%s: %s", test.file, cmp.Diff(test.want, got))
		}
	}
}

const (
	one   = "0000000000000000000000000000000000000000000000000000000000000001"
	two   = "0000000000000000000000000000000000000000000000000000000000000002"
	hash1 = " --hash=sha256:" + one
	hash2 = " --hash=sha256:" + two
)

// TestParse_requirements reads locks in the format of requirements files, for Python 3.11 on Linux.
func TestParse_requirements(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"A_b==1.0" + hash1: "a-b 1.0 1/0",
		"\ufeffa==1.0 \\\r\n   " + hash1 + " \\\r\n   " + hash2 + "\r\n    # via b\r\n": "a 1.0 2/0",
		"a[x]==1" + hash1 + hash2 + "\na==1.0" + hash2:                                  "a 1 1/0",
		"a==1; sys_platform == 'linux'" + hash1 + "\na==2; sys_platform != 'linux'":     "a 1 1/0",
		"a===1.0+cu118" + hash1:                                                                               "a 1.0+cu118 1/0",
		"https://h.test/a-1.0-py3-none-any.whl" + hash1:                                                       "a  1/0 @ a-1.0-py3-none-any.whl",
		"a @ https://h.test/a.zip#sha256=" + one + "&subdirectory=b":                                          "a  1/0 @ a.zip#subdirectory=b",
		"-e git+https://h.test/a.git@052e652d6d53c2b26ffde87e039b723949a53493#egg=A\nb==1" + hash1:            "a  0/0 @ a.git@052e652d6d53c2b26ffde87e039b723949a53493, b 1 1/0",
		"a==1 --hash=sha512:00" + hash1:                                                                       "a 1 1/0",
		"--only-binary a,B_b\na==1" + hash1 + "\nb-b==2" + hash1 + "\nc==3" + hash1:                           "a 1 1/0 wheels only, b-b 2 1/0 wheels only, c 3 1/0",
		"--only-binary=:all:\na==1" + hash1:                                                                   "a 1 1/0 wheels only",
		"--only-binary :all:\n--only-binary :none:\na==1" + hash1:                                             "a 1 1/0",
		"--require-hashes\n--pre\n--no-index\n--trusted-host h.test\n--prefer-binary\n-c c.txt\na==1" + hash1: "a 1 1/0",
		"-f ./wheels\n-i https://${TOKEN}@h.test/\na==1" + hash1:                                              "a 1 1/0",
		"a==1" + hash1 + "\nb; sys_platform == 'win32'":                                                       "a 1 1/0",
	} {
		file, err := lockfile.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if entries, err := file.For(debian("3.11.7")); err != nil || installed(entries) != want {
			t.Errorf("%q: %s, %v; want %s", text, installed(entries), err, want)
		}
	}
}

// TestParse_refused has every reason why a lock is not obeyed, for Python 3.11 on Linux.
func TestParse_refused(t *testing.T) {
	t.Parallel()
	const (
		tools  = "pip-compile --generate-hashes, uv pip compile --generate-hashes, uv export or poetry export"
		fine   = "z==1" + hash1 + "\n"
		pylock = "lock-version = '1.0'\n[[packages]]\nname = 'a'\n"
		wheel  = "wheels = [{url='https://h.test/a-1-%s.whl', hashes={sha256='" + one + "'}}]"
		anew   = "; make the lock anew, for the image's Python and for Linux"
		onHost = " is on the machine where the lock was made, which an image cannot have; write the lock without it: uv export --no-emit-project, and --no-emit-workspace for its members"
	)
	for text, want := range map[string]string{
		"":                       "the lock has no requirement; pass the text of a pylock.toml, or what " + tools + " writes",
		"a==1\nb==1":             `line 1 of the lock: "a==1" has no hash, and no other line has one, so that this is no lock; write one with ` + tools + `, or read this text with the function read_pip_file`,
		fine + "a==1":            `line 2 of the lock: "a==1" has no hash; write the lock with ` + tools,
		fine + "a>=1" + hash1:    `line 2 of the lock: "a>=1` + hash1 + `" does not say which version; write the lock with ` + tools + ", which write name==version",
		fine + "a==1.*" + hash1:  "does not say which version",
		fine + "a==1,<2" + hash1: "does not say which version",
		fine + "a" + hash1:       "does not say which version",
		fine + "a===x" + hash1:   "does not say which version",
		fine + "a==1 --hash=md5:00 --hash=sha1:00":        "has hashes of the kind md5 only, and files are compared by SHA-256; write the lock with " + tools,
		fine + "a==1 --hash=sha256:00":                    "has a hash that is no SHA-256, which has 64 hexadecimal digits",
		fine + "a==1 --has=":                              "has hashes of the kind that is not known only",
		fine + "-e .":                                     `line 2 of the lock: "-e ."` + onHost,
		fine + ".":                                        `line 2 of the lock: "."` + onHost,
		fine + "./packages/a" + hash1:                     onHost,
		fine + "a @ file:///src/a" + hash1:                onHost,
		fine + "a=1" + hash1:                              `cannot be read: "=" is not an operator of PEP 440; write "a==1"`,
		fine + "a @ git+https://h.test/t0ken/a.git@main":  `line 2 of the lock: "a @ git+https://h.test/***" is of a branch or a tag, which others can move; write the whole name of a commit`,
		fine + "a @ git+https://h.test/a.git":             "is of a branch or a tag",
		fine + "a @ https://u:t0ken@h.test/a.whl" + hash1: "has credentials in it",
		fine + "a @ https://h.test/t0ken/a.whl":           `line 2 of the lock: "a @ https://h.test/***" has no hash`,
		fine + "-i https://u:t0ken@h.test/simple":         `line 2 of the lock: "-i https://h.test/***" has credentials in it, which would be in the plan and in the state; leave it out, as pip-compile --no-emit-index-url does`,
		fine + "-f https://t0ken@h.test":                  "has credentials in it",
		fine + "-i https://${USER}:${TOKEN}@h.test":       "",
		fine + "-r more.txt":                              `line 2 of the lock: "-r more.txt" names another file, and a lock is one text; write all of it to one file with ` + tools,
		fine + "--no-binary :all:":                        "makes pip build what a wheel is there for",
		fine + hash1:                                      "is the hash of the line before it, which does not end in a backslash",
		fine + "a==1" + hash1 + " --config-settings=x=y":  "has options for a build, which gets none; leave them out",
		fine + "--nonsense":                               `cannot be read: "--nonsense" is not an option that pip takes in a file; leave it out`,
		fine + "a==1" + hash1 + "\nA==2" + hash1:          `line 3 of the lock: "A==2` + hash1 + `" is another version of a than line 2 has, and both are for the image; write the lock anew, or a marker behind each`,
		fine + "a==1" + hash1 + "\na==1" + hash2:          "has no hash that line 2 has too",
		fine + "a; python_version >= '3.9'" + hash1:       "does not say which version",
		fine + "a==1; python_version ~= 'x'" + hash1:      "has a marker that cannot be judged",
		"[tool.poetry]\nname = 'x'":                       "the lock is a pyproject.toml, which other tools do not read",

		"lock-version = '1.0'\nx =":         "the lock cannot be read: it is no TOML",
		"lock-version = '2.0'":              "the lock cannot be read: it has the lock-version \"2.0\", and only 1.0 is known",
		pylock:                              `the package "a" of the lock cannot be installed: it has no file`,
		pylock + "directory = {path = '.'}": `the package "a" of the lock cannot be installed: it is a directory on the machine`,
		pylock + fmt.Sprintf(wheel, "py3-none-win_amd64"):                                                                          `the package "a" of the lock has files for other platforms or Pythons only` + anew,
		pylock + fmt.Sprintf(wheel, "cp39-cp39-manylinux2014_x86_64"):                                                              "has files for other platforms or Pythons only",
		pylock + fmt.Sprintf(wheel, "cp311-cp311-manylinux2014_aarch64"):                                                           "has files for other platforms or Pythons only",
		pylock + fmt.Sprintf(wheel, "cp311-cp311-musllinux_1_2_x86_64"):                                                            "",
		pylock + fmt.Sprintf(wheel, "cp39-abi3-manylinux_2_28_x86_64"):                                                             "",
		pylock + fmt.Sprintf(strings.Replace(wheel, "a-1", "a-1%%2Bcu118", 1), "py3-none-any"):                                     "",
		pylock + fmt.Sprintf(strings.Replace(wheel, "h.test", "u:t0ken@h.test", 1), "py3-none-any"):                                `the package "a" of the lock has a file at an address that is not of https, or that has credentials in it`,
		pylock + "index = 'https://u:t0ken@h.test/simple'\n" + fmt.Sprintf(wheel, "py3-none-any"):                                  `the package "a" of the lock has an index with credentials in its address, which would be in the plan and in the state`,
		pylock + "archive = {path='a.zip', hashes={sha256='" + one + "'}}":                                                         "has a file at an address that is not of https",
		pylock + "sdist = {path='a-1.zip', hashes={sha256='" + one + "'}}":                                                         "",
		pylock + "vcs = {type='git', url='https://h.test/a', commit-id='main'}":                                                    "is of a commit whose name is not whole",
		pylock + "vcs = {type='git', url='ssh://git@h.test/a', commit-id='052e652d6d53c2b26ffde87e039b723949a53493'}":              "is a repository that is not at an address of https",
		pylock + "vcs = {type='git', url='https://h.test/a', commit-id='052e652d6d53c2b26ffde87e039b723949a53493'}":                "",
		"lock-version = '1.0'\nenvironments = [\"sys_platform == 'win32'\"]":                                                       "the lock does not hold for the image: the lock is for other environments than the image",
		pylock + "marker = \"'dev' in dependency_groups or 'x' in extras\"\n" + fmt.Sprintf(wheel, "py3-none-win32"):               "",
		"default-groups = ['dev']\n" + pylock + "marker = \"'Dev' in dependency_groups\"\n" + fmt.Sprintf(wheel, "py3-none-win32"): "has files for other platforms or Pythons only",
	} {
		file, err := lockfile.Parse(text)
		if err == nil {
			_, err = file.For(debian("3.11.7"))
		}
		got := messages(t, err)
		if want == "" && got != "" || !strings.Contains(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
		if strings.Contains(got, "t0ken") {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// TestErrors_secrets has addresses where a lock can have them. Their tokens are in no message.
func TestErrors_secrets(t *testing.T) {
	t.Parallel()
	addresses := []string{
		"https://t0ken@h.test/a.whl", "https://u:t0ken@h.test/", "https://h.test/t0ken/a.whl", "https://h.test/a.whl?k=t0ken", "git+https://t0ken@h.test/a.git@v1#egg=a",
		"git+https://h.test/t0ken/a.git", "git+ssh://git@h.test/t0ken/a.git", "git@h.test:t0ken/a.git", "//h.test/t0ken/", "h.test/t0ken/a.whl", "file:///t0ken@h.test/t0ken",
	}
	forms := []string{
		"@", "a @ @", "a @ @ ; x", "-e @", "-i @ x", "-f '@", "-r @", "--hash=@", "a==1 --hash=@:00", "a==1 --hash=sha256:@", "--nonsense=@", "-x@", "a==@", "a; @", "- @",
		"lock-version = '1.0'\n@", "lock-version = '@'", "lock-version = '1.0'\nenvironments = [\"@\"]",
		"lock-version = '1.0'\n[[packages]]\nname = 'a'\nwheels = [{url = '@', hashes = {}}]", "lock-version = '1.0'\n[[packages]]\nname = 'a'\nversion = '@'",
		"lock-version = '1.0'\n[[packages]]\nname = '@'\nvcs = {type = '@', url = '@'}", "lock-version = '1.0'\n[[packages]]\nname = 'a'\nvcs = {type = 'git', url = '@', commit-id = '@'}",
		"lock-version = '1.0'\n[[packages]]\nname = 'a'\nwheels = [{url = '@', hashes = {sha256 = '" + one + "'}}]",
		"lock-version = '1.0'\n[[packages]]\nname = 'a'\nmarker = \"os_name ~= '@'\"\nsdist = {name = 'a', url = 'https://h.test/a', hashes = {sha256 = '" + one + "'}}",
	}
	for _, form := range forms {
		for _, address := range addresses {
			text := form[:strings.LastIndex(form, "@")] + address + form[strings.LastIndex(form, "@")+1:]
			if strings.Count(form, "@") > 1 && strings.Contains(form, "lock-version") {
				text = strings.ReplaceAll(form, "@", address)
			}
			file, err := lockfile.Parse("z==1" + hash1 + "\n" + text)
			if strings.HasPrefix(text, "lock-version") {
				file, err = lockfile.Parse(text)
			}
			if err == nil {
				_, err = file.For(debian("3.11.7"))
			}
			if strings.Contains(messages(t, err), "t0ken") {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

// TestParse_all tells every fault, those without a marker before an environment is known.
func TestParse_all(t *testing.T) {
	t.Parallel()
	_, err := lockfile.Parse("a==1\nb>1" + hash1 + "\n-e .\nc; python_version < '3'\nd==1" + hash1)
	var lines []int
	for _, each := range err.(interface{ Unwrap() []error }).Unwrap() {
		fault, _ := errors.AsType[*lockfile.Error](each)
		lines = append(lines, fault.Line)
	}
	if diff := cmp.Diff([]int{3, 1, 2}, lines); diff != "" {
		t.Error(diff)
	}
}

// TestParse_indexes takes a lock that says where its files are, which the provider knows by itself.
func TestParse_indexes(t *testing.T) {
	t.Parallel()
	file, err := lockfile.Parse("-i https://h.test/simple\n--extra-index-url https://i.test\n\n--find-links=https://h.test/links.html\na==1" + hash1)
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := file.For(debian("3.11.7")); err != nil || len(entries) != 1 || entries[0].Name != "a" {
		t.Error(entries, err)
	}
}

// FuzzParse: what is obeyed says for each distribution which files it may be.
func FuzzParse(f *testing.F) {
	f.Add("# This file is autogenerated by pip-compile with Python 3.11\n-i https://h.test\na==1 \\\n " + hash1 + "\n    # via b\n")
	f.Add("lock-version = '1.0'\n[[packages]]\nname = 'a'\nmarker = \"os_name == 'posix'\"\nwheels = [{url='https://h.test/a-1-py3-none-any.whl', hashes={sha256='" + one + "'}}]")
	f.Add("a @ git+https://h.test/a.git@052e652d6d53c2b26ffde87e039b723949a53493 ; os_name == 'posix'\nb @ https://h.test/b.whl" + hash2)
	f.Add("a==1" + hash1 + "\na[b]==1 ; python_version > '3'" + hash1 + "\n-e .")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := lockfile.Parse(text)
		if err != nil {
			messages(t, err)
			return
		}
		entries, err := file.For(debian("3.11.7"))
		if err != nil {
			messages(t, err)
			return
		}
		for i, e := range entries {
			isCommit := strings.HasPrefix(e.Address, "git+")
			switch {
			case e.Name != pep508.NormalizeName(e.Name) || e.Name == "",
				i > 0 && entries[i-1].Name >= e.Name,
				len(e.Hashes) == 0 && !isCommit,
				isCommit && len(e.Files) > 0:
				t.Errorf("%q: %+v", text, e)
			}
			for _, hash := range e.Hashes {
				if len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
					t.Errorf("%q: the hash %q", text, hash)
				}
			}
		}
	})
}
