package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
)

// corpus makes the requirements files of model and data repositories, of the classes and in the numbers in which 585 files of 74
// real ones had been refused before. What nobody can use is in it too: paths, keys, pre-releases of everything.
type corpus struct {
	rng   *rand.Rand
	files map[string]string
}

var (
	names = []string{
		"numpy", "pandas", "scikit-learn", "torch", "torchvision", "transformers", "Pillow", "PyYAML", "opencv-python", "tensorboard", "tqdm",
		"matplotlib", "scipy", "requests", "fastapi", "pydantic", "uvicorn[standard]", "ruamel.yaml", "zope.interface", "hydra-core", "datasets",
	}
	specifiers = []string{"", "", "==1.26.4", ">=1.0", ">= 1.2, <2", "~=2.1", "==0.4.*", "!=1.5", ">=1.0.0rc1", "<=3", " (>=1.0,<2)", "==2.1.0+cu118", "===1.0"}
	comments   = []string{"", "", "", "  # pinned", " # see https://h.test/#1", "\t# why"}
	markers    = []string{
		`; python_version >= "3.8"`, ` ; python_version<'3.9'`, `; sys_platform == "win32"`, `; platform_system == "Linux"`, `;python_version=="2.7"`,
		`; platform_machine == "x86_64" and sys_platform != "darwin"`, ` ; (python_full_version < "3.11.3" or os_name == 'nt')`, `; extra == "dev"`,
		`; python_version in "3.8 3.9"`, `; platform_python_implementation != 'PyPy'`, `; implementation_name == "cpython" and python_version ~= "3.7"`,
	}
	repositories = []string{
		"git+https://github.com/openai/CLIP.git", "git+https://github.com/facebookresearch/segment-anything.git@main", "-e git+https://github.com/o/r.git#egg=r",
		"git+https://github.com/huggingface/transformers@v4.30.0#egg=transformers[torch]", "peft @ git+https://github.com/huggingface/peft.git",
		"detectron2@git+https://github.com/facebookresearch/detectron2.git@0123456789012345678901234567890123456789", "git+https://gitlab.com/g/s/p.git@feature/x",
		`accelerate @ git+https://github.com/huggingface/accelerate.git@main ; python_version >= "3.8"`, "git+https://github.com/o/cocoapi.git#egg=pycocotools&subdirectory=PythonAPI",
		"-e git+https://github.com/o/r.git@0a1b2c3#egg=some_pkg&subdirectory=src", "git+https://github.com/o/r.git@refs/pull/12/head#egg=r", "-e 'git+https://github.com/o/q.git'",
	}
	indexes = []string{
		"--extra-index-url https://download.pytorch.org/whl/cu118", "--index-url https://pypi.org/simple", "-i https://pypi.tuna.tsinghua.edu.cn/simple",
		"--find-links https://data.pyg.org/whl/torch-2.1.0+cu118.html", "-f https://download.pytorch.org/whl/torch_stable.html", "--extra-index-url=https://pypi.ngc.nvidia.com",
		"-i https://mirrors.h.test/pypi/simple/ --trusted-host mirrors.h.test", "--index-url \"https://h.test/simple\"\n--trusted-host h.test",
	}
	archives = []string{
		"https://h.test/whl/cu113/torch-1.10.0%2Bcu113-cp38-cp38-linux_x86_64.whl", "https://github.com/o/models/releases/download/en_core_web_sm-3.4.1/en_core_web_sm-3.4.1-py3-none-any.whl",
		"en_core_web_sm @ https://h.test/en_core_web_sm-3.0.0.tar.gz", "https://github.com/o/r/archive/refs/tags/v1.0.zip", "https://github.com/o/r/archive/master.zip#egg=r",
		"https://h.test/en_core_web_md-2.2.0.tar.gz#egg=en_core_web_md==2.2.0", `flash-attn @ https://h.test/flash_attn-2.5.0-cp311-cp311-linux_x86_64.whl ; sys_platform == "linux"`,
		"http://h.test/wheels/a_b-1.0-py2.py3-none-any.whl", "https://gitlab.com/g/p/-/archive/v1/p-v1.tar.gz",
	}
	hopeless = []string{"-e .", ".[dev]", "--pre", "-e git+ssh://git@github.com/o/r.git#egg=r", "--extra-index-url https://${TOKEN}@h.test/simple", "certifi @ file:///croot/certifi/work"}
)

func pick[T any](c *corpus, from []T) T { return from[c.rng.IntN(len(from))] }

// plain are lines of requirements, each of another distribution.
func (c *corpus) plain() []string {
	var lines []string
	for _, i := range c.rng.Perm(len(names))[:1+c.rng.IntN(12)] {
		if c.rng.IntN(8) == 0 {
			lines = append(lines, pick(c, []string{"", "# a section", "    # via pandas"}))
		}
		lines = append(lines, names[i]+pick(c, specifiers)+pick(c, comments))
	}
	return lines
}

// with are lines with some others among them.
func (c *corpus) with(others ...string) []string {
	lines := c.plain()
	for _, other := range others {
		at := c.rng.IntN(len(lines) + 1)
		lines = append(lines[:at:at], append([]string{other}, lines[at:]...)...)
	}
	return lines
}

// put adds a file, in one of the forms that editors leave behind.
func (c *corpus) put(name string, lines []string) {
	text := strings.Join(lines, "\n") + "\n"
	switch c.rng.IntN(12) {
	case 0:
		text = "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n")
	case 1:
		text = strings.TrimSuffix(text, "\n")
	case 2: // PowerShell
		var b bytes.Buffer
		_ = binary.Write(&b, binary.LittleEndian, append([]uint16{0xfeff}, utf16.Encode([]rune(text))...))
		text = b.String()
	}
	c.files[name] = text
}

// lock is what pip-compile, uv or Poetry write.
func (c *corpus) lock() []string {
	lines := pick(c, [][]string{
		{"#", "# This file is autogenerated by pip-compile with Python 3.11", "# by the following command:", "#", "#    pip-compile --generate-hashes", "#"},
		{"# This file was autogenerated by uv via the following command:", "#    uv export --no-emit-project"},
		{"--extra-index-url https://h.test/simple", ""},
		{"--index-url https://pypi.org/simple", "--find-links /opt/wheels", ""},
	})
	for _, i := range c.rng.Perm(len(names))[:1+c.rng.IntN(12)] {
		marker := ""
		if c.rng.IntN(2) == 0 {
			marker = pick(c, markers)
		}
		line := names[i] + "==1.26.4" + marker
		for range 1 + c.rng.IntN(4) {
			line += fmt.Sprintf(" \\\n    --hash=sha256:%064x", c.rng.Uint64())
		}
		lines = append(lines, line, "    # via -r requirements.in")
	}
	return lines
}

// make makes all of it.
func (c *corpus) make() {
	number := 0
	next := func(kind string) string {
		number++
		return fmt.Sprintf("repository%d/%s/requirements.txt", number%74, kind+fmt.Sprint(number))
	}
	for range 66 {
		c.put(next("marker"), c.with("pywin32"+pick(c, markers), "nvidia-cublas-cu12==12.1"+pick(c, markers)))
	}
	for i := range 56 {
		c.put(next("vcs"), c.with(repositories[i%len(repositories)]))
	}
	for i := range 55 {
		c.put(next("index"), append([]string{indexes[i%len(indexes)]}, c.with("xformers==0.0.23+cu118")...))
	}
	shared := []string{"# for all", "accelerate>=0.20", "", "einops<1 # pinned", "jaxlib==0.4.13; sys_platform != 'win32'"}
	for i := range 21 { // and as many that are included
		name := next("include")
		base := strings.Replace(name, "requirements.txt", "base.txt", 1)
		c.put(name, c.with([]string{"-r base.txt", "-r ./base.txt", "--requirement base.txt", "-rbase.txt", "-c base.txt", "-r ../shared.txt"}[i%6]))
		c.put(base, shared)
		if i%6 == 5 {
			c.put(filepath.ToSlash(filepath.Join(filepath.Dir(name), "..", "shared.txt")), shared)
		}
	}
	for range 31 {
		c.put(next("hashes"), c.lock())
	}
	for i := range 23 {
		c.put(next("archive"), c.with(archives[i%len(archives)]))
	}
	for _, line := range hopeless {
		c.put(next("hopeless"), c.with(line))
	}
	for len(c.files) < 585 {
		c.put(next("plain"), c.plain())
	}
}

// TestRun_corpus holds what the product promises: 98 of 100 such files can be used as they are.
func TestRun_corpus(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c := &corpus{rand.New(rand.NewPCG(1, 2)), map[string]string{}}
	c.make()
	for name, text := range c.files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs strings.Builder
	if code := run([]string{"-at-least", "98", folder}, &out, &errs); code != 0 {
		t.Fatalf("code %d\n%s%s", code, errs.String(), out.String())
	}
	for _, want := range []string{
		`^585 files, 579 of them usable as they are \(99\.0 %\): \d+ with read_pip_file, 31 with pip_lock_file\n`,
		`\n6 are not, for these reasons \(a file may have several\):\n`, `(?m)^ +3  paths$`, `(?m)^ +1  other options$`, `(?m)^ +1  vcs$`, `(?m)^ +1  index options$`,
		`(?m)/requirements\.txt:\d+: pip "--pre" makes pip take pre-releases of everything`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if code := run([]string{"-at-least", "99.5", folder}, &out, &errs); code != 1 {
		t.Errorf("code %d, want 1", code)
	}
}

func TestRun_unreadable(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"a", "b"}, {"-x"}, {filepath.Join(t.TempDir(), "nowhere")}} {
		var out, errs strings.Builder
		if code := run(args, &out, &errs); code != 2 || errs.Len() == 0 || out.Len() > 0 {
			t.Errorf("%q: code %d, %q, %q", args, code, out.String(), errs.String())
		}
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"-r base.txt": "includes", "a==1 --hash=sha256:0a": "hashes", "--no-index": "index options", "torch -f https://h.test/": "index options",
		"-e git+ssh://git@h.test/a": "vcs", "a @ git@h.test:a": "vcs", "-e .": "paths", "./a": "paths", "a @ file:///b": "paths", "a.whl": "paths",
		"https://h.test/***": "archives", "--pre": "other options", "a==1 --no-binary x": "other options", "a; x": "markers", "a>2,<1": "conflicts", "a=1": "other",
	} {
		if got := classOf(line); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"a\n": "a\n", "\xff\xfea\x00\n\x00": "a\n", "\xfe\xff\x00a\x00\n": "a\n", "# caf\xe9": "# café", "\xff\xfea\x00\n": "a",
	} {
		if got := decode([]byte(content)); got != want {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
	}
}
