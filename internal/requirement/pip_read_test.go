package requirement_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// pipFile is a [requirement.PipFile] in short: texts with blanks between them, where ", " is between requirements.
type pipFile struct{ requirements, constraints, index, extra, links, refused string }

func shortened(file requirement.PipFile, refused []*requirement.RefusedLine) pipFile {
	written := func(pips []requirement.Pip) string {
		texts := make([]string, len(pips))
		for i, pip := range pips {
			texts[i] = pip.String()
		}
		return strings.Join(texts, ", ")
	}
	faults := make([]string, len(refused))
	for i, r := range refused {
		faults[i] = fmt.Sprintf("%s:%d: %v", r.File, r.Line, r.Err)
	}
	return pipFile{
		written(file.Requirements), written(file.Constraints), file.IndexURL, strings.Join(file.ExtraIndexURLs, " "),
		strings.Join(file.FindLinks, " "), strings.Join(faults, "\n"),
	}
}

func TestReadPipFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pipFile{
		"": {},
		"-i https://a.test/simple\n--extra-index-url=https://b.test/ --trusted-host b.test\nnumpy # x\n": {
			requirements: "numpy", index: "https://a.test/simple", extra: "https://b.test/",
		},
		"--extra-index-url https://b.test\n--extra-index-url 'https://c.test'\n--extra-index-url https://b.test\n": {extra: "https://b.test https://c.test"},
		// As pip does: the second line is all there is.
		"--extra-index-url https://b.test\n--index-url https://a.test\n":        {index: "https://a.test"},
		"--find-links https://a.test/whl/torch-2.1.0+cu118.html\ntorch-scatter": {requirements: "torch-scatter", links: "https://a.test/whl/torch-2.1.0+cu118.html"},
		"-i https://u:p@a.test/": {index: "https://u:p@a.test/"},
		"--trusted-host a.test\n--use-feature=fast-deps\n--no-binary :none:\na":               {requirements: "a"},
		"-c constraints.txt\nnumpy\n":                                                         {requirements: "numpy, pandas", constraints: "numpy<2, scipy!=1.5"},
		"-r indexed.txt\na":                                                                   {requirements: "a, b", index: "https://a.test/", constraints: ""},
		"-c marked.txt\nb; sys_platform == 'linux'\nc":                                        {requirements: `b; sys_platform == "linux", c`, constraints: `b<2, c<3; python_version < "3.9"`},
		"git+https://h.test/o/Some_Repo.git@v1.0":                                             {requirements: "some-repo @ git+https://h.test/o/Some_Repo.git@v1.0"},
		"git+https://h.test/o/a@feature/x ; os_name == 'posix'":                               {requirements: `a @ git+https://h.test/o/a@feature/x ; os_name == "posix"`},
		"-e \"git+https://h.test/o/a.git\"":                                                   {requirements: "a @ git+https://h.test/o/a.git"},
		"-e git+https://h.test/o/a.git@main#egg=B[x]":                                         {requirements: "b[x] @ git+https://h.test/o/a.git@main"},
		"a @ git+https://h.test/o/a.git; python_version > '3'":                                {requirements: `a @ git+https://h.test/o/a.git ; python_version > "3"`},
		"https://h.test/o/a-b/archive/refs/tags/v1.zip":                                       {requirements: "a-b @ https://h.test/o/a-b/archive/refs/tags/v1.zip"},
		"https://h.test/g/o/a/-/archive/main/a-main.tar.gz; os_name == 'x'":                   {requirements: `a @ https://h.test/g/o/a/-/archive/main/a-main.tar.gz ; os_name == "x"`},
		"torch==2.1.0+cu118\nnvidia-cublas-cu12==12.1; platform_system == \"Linux\" # x":      {requirements: `nvidia-cublas-cu12==12.1; platform_system == "Linux", torch==2.1+cu118`},
		"a==1 --hash=sha256:0a":                                                               {refused: `:1: pip "a==1 --hash=sha256:0a": "--hash" fixes the file, and requirements hold versions only; pass the whole text to pip_lock_file instead, which installs just the files that it fixes`},
		"-c conflict.txt\nnumpy>2":                                                            {requirements: "numpy>2", constraints: "numpy<1", refused: `conflict.txt:2: pip "numpy>2,<1" can be met by no version: ">2" (line 2) and "<1" (line 2 of "conflict.txt") exclude each other; remove one of the comparisons`},
		"-c two.txt":                                                                          {constraints: "a==1,==2", refused: `two.txt:2: pip "a==1,==2" can be met by no version: "==2" (line 2 of "two.txt") and "==1" (line 1 of "two.txt") exclude each other; remove one of the comparisons`},
		"-c extras.txt":                                                                       {refused: "extras.txt:1: pip \"a[b]<1\" has extras, which constraints cannot have; write it without them\nextras.txt:2: pip \"a @ https://h.test/***\" has an address, which constraints cannot have; make it a requirement"},
		"-i https://${TOKEN}@a.test/":                                                         {refused: `:1: pip "-i https://a.test/***": "-i" has a variable of pip's environment in its address, which is not at hand here; read the file with templatefile, which puts values in such places, or write the value`},
		"numpy; python_version >= '3.9' and (platform_machine == 'x86_64' or extra == 'gpu')": {requirements: `numpy; python_version >= "3.9" and (platform_machine == "x86_64" or extra == "gpu")`},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got := shortened(requirement.ReadPipFile(text, map[string]string{
				"constraints.txt": "Numpy<2\nscipy!=1.5\n-r more.txt", "more.txt": "pandas", "indexed.txt": "-i https://a.test/\nb",
				"marked.txt": "b<2\nc<3; python_version < '3.9'", "conflict.txt": "\nnumpy<1", "two.txt": "a==1\na==2",
				"extras.txt": "a[b]<1\na @ https://h.test/a.whl",
			}))
			if got != want {
				t.Error(cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)))
			}
		})
	}
}

// TestParsePipFile_constraints binds each requirement of a distribution, and makes none of a constraint.
func TestParsePipFile_constraints(t *testing.T) {
	t.Parallel()
	files := map[string]string{"c.txt": "a<2\nb<3; python_version < '3.9'"}
	pips, refused := requirement.ParsePipFile("-c c.txt\na>1; sys_platform == 'linux'\na[x]; sys_platform == 'darwin'\nb", files)
	got := shortened(requirement.PipFile{Requirements: pips}, refused)
	want := pipFile{
		requirements: `a>1,<2; sys_platform == "linux", a[x]<2; sys_platform == "darwin", b`,
		refused: `c.txt:2: pip "b<3; python_version < '3.9'" is a constraint of some environments only, and requirements cannot hold it; ` +
			`read the file with the function read_pip_file, whose constraints are for pip_constraints`,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
