package requirement_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// TestParsePip_direct reads markers and addresses, and the names that addresses tell.
func TestParsePip_direct(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"numpy >= 1 ; python_version<'3.9'":                                        `numpy>=1; python_version < "3.9"`,
		"NumPy;sys_platform=='win32' or(os.name == \"nt\")":                        `numpy; sys_platform == "win32" or os_name == "nt"`,
		"uvicorn[standard]; extra == 'Foo_Bar'":                                    `uvicorn[standard]; extra == "foo-bar"`,
		"a @ https://h.test/a-1.0-py3-none-any.whl":                                "a @ https://h.test/a-1.0-py3-none-any.whl",
		"A[ b ]@https://h.test/a.tar.gz#sha256=0a ; os_name=='posix'":              `a[b] @ https://h.test/a.tar.gz#sha256=0a ; os_name == "posix"`,
		"a @ git+https://h.test/a.git@v1.0":                                        "a @ git+https://h.test/a.git@v1.0",
		"a@git+https://h.test/a":                                                   "a @ git+https://h.test/a",
		"git+https://h.test/x.git@0a1b#egg=A[b]&subdirectory=src":                  "a[b] @ git+https://h.test/x.git@0a1b#subdirectory=src",
		"https://h.test/A_b-1.0-py3-none-any.whl#sha256=0a":                        "a-b @ https://h.test/A_b-1.0-py3-none-any.whl#sha256=0a",
		"https://h.test/whl/cu113/torch-1.10.0%2Bcu113-cp38-cp38-linux_x86_64.whl": "torch @ https://h.test/whl/cu113/torch-1.10.0%2Bcu113-cp38-cp38-linux_x86_64.whl",
		"https://h.test/en_core_web_sm-2.2.0.tar.gz#egg=en_core_web_sm==2.2.0":     "en-core-web-sm @ https://h.test/en_core_web_sm-2.2.0.tar.gz",
		"https://h.test/a-b-1.0.tar.gz ; os_name == 'posix'":                       `a-b @ https://h.test/a-b-1.0.tar.gz ; os_name == "posix"`,
	}
	for text, want := range tests {
		pip, err := requirement.ParsePip(text)
		if err != nil || pip.String() != want {
			t.Errorf("%q: %q, %v; want %q", text, pip, err, want)
			continue
		}
		if again, err := requirement.ParsePip(want); err != nil || again != pip || again.Canonical() != pip {
			t.Errorf("%q is read as %q: %v", want, again, err)
		}
	}
	for _, text := range []string{
		"a @ https://u:p@h.test/a.whl", "a @ git+ssh://git@h.test/a.git", "a @ file:///a.whl", "a @ https://h.test/a", "a @ https://h.test/a.whl#x=y",
		"a @ hg+https://h.test/a", "https://h.test/archive/main.zip", "git+https://h.test/a.git", "a; python_version", "a; b", "a.zip; os_name == 'posix'",
		"a @ https://h.test/$(x).whl", "-e numpy", "-e .",
	} {
		if pip, err := requirement.ParsePip(text); err == nil {
			t.Errorf("%q is taken for %q", text, pip)
		}
	}
}

// TestParsePipFile_direct reads what model repositories have: editable addresses, and one distribution for each platform.
func TestParsePipFile_direct(t *testing.T) {
	t.Parallel()
	pips, refused := requirement.ParsePipFile(strings.Join([]string{
		"-e git+https://h.test/a.git@v1#egg=a", "--editable=git+https://h.test/b.git#egg=b", "torch==2.1; sys_platform == 'linux'",
		"torch==2.0; sys_platform == 'darwin'", "torch>=2; sys_platform == 'linux'", "numpy",
	}, "\n"), nil)
	var texts []string
	for _, pip := range pips {
		texts = append(texts, pip.String())
	}
	want := []string{
		"a @ git+https://h.test/a.git@v1", "b @ git+https://h.test/b.git", "numpy", `torch==2; sys_platform == "darwin"`,
		`torch==2.1,>=2; sys_platform == "linux"`,
	}
	if diff := cmp.Diff(want, texts); diff != "" || len(refused) > 0 {
		t.Error(diff, refused)
	}
}

func TestReduce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ python, want string }{
		"a; sys_platform == 'win32'":                               {"", ""},
		"a; sys_platform == 'linux'":                               {"", "a"},
		"a; python_version >= '3.9'":                               {"3.11", "a"},
		"a>1; python_version < '3.9'":                              {"3.11", ""},
		"a ;python_version < '3.9'":                                {"", `a; python_version < "3.9"`},
		"a; python_full_version >= '3.11.0'":                       {"3.11", "a"},
		"a; python_full_version < '3.11'":                          {"3.11", ""},
		"a; python_full_version >= '3.11.4'":                       {"3.11", `a; python_full_version >= "3.11.4"`},
		"a; python_full_version != '3.11.4'":                       {"3.11", `a; python_full_version != "3.11.4"`},
		"a; platform_machine == 'x86_64'":                          {"3.11", `a; platform_machine == "x86_64"`},
		"a; platform_machine == 'x86_64' and os_name == 'nt'":      {"3.11", ""},
		"a; implementation_name == 'pypy' or extra == 's3'":        {"3.11", ""},
		"a @ https://h.test/a.whl ; python_version > '3'":          {"3.11", "a @ https://h.test/a.whl"},
		"a; python_full_version == '3.11.4' or os_name == 'posix'": {"3.11", "a"},
	}
	for text, test := range tests {
		pip, err := requirement.ParsePip(text)
		if err != nil {
			t.Error(err)
			continue
		}
		var texts []string
		for _, reduced := range requirement.Reduce([]requirement.Pip{pip}, test.python) {
			texts = append(texts, reduced.String())
		}
		if got := strings.Join(texts, ", "); got != test.want {
			t.Errorf("%q on %q: %q, want %q", text, test.python, got, test.want)
		}
	}
}
