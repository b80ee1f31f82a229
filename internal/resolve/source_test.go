package resolve_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// index is an index in memory: "name version" to the Requires-Dist of its metadata. Lines that begin with a colon say other
// things: ":python >=3.9", ":lies >=3.9" (in metadata only), ":extra s3", ":yanked", ":invalid", ":tags cp39-cp39-win_amd64", ":sdist".
type index map[string][]string

// Own has what is called "own" come from one index only.
func (x index) Own(name string) []string {
	if name == "own" {
		return []string{"https://own.test"}
	}
	return nil
}

func (x index) Files(_ context.Context, name string) ([]*pythonindex.File, error) {
	var files []*pythonindex.File
	for key, lines := range x {
		distribution, version, _ := strings.Cut(key, " ")
		if distribution != name {
			continue
		}
		file := &pythonindex.File{Version: pep440.MustParse(version)}
		tags := "py3-none-any"
		for _, line := range lines {
			switch word, value, _ := strings.Cut(line, " "); word {
			case ":python":
				file.RequiresPython = value
			case ":yanked":
				file.Yanked = true
			case ":tags":
				tags = value
			case ":sdist":
				tags = ""
			}
		}
		file.Name = fmt.Sprintf("%s-%s.tar.gz", name, version)
		if tags != "" {
			file.Name = fmt.Sprintf("%s-%s-%s.whl", strings.ReplaceAll(name, "-", "_"), version, tags)
			wheel, err := pep425.ParseWheel(file.Name)
			if err != nil {
				return nil, err
			}
			file.Wheel = &wheel
		}
		files = append(files, file)
	}
	return files, nil
}

func (x index) Metadata(_ context.Context, file *pythonindex.File) (*pythonindex.Metadata, error) {
	name, _, _ := strings.Cut(file.Name, "-")
	name = strings.ReplaceAll(name, "_", "-")
	text := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, file.Version)
	for _, line := range x[name+" "+file.Version.String()] {
		switch word, value, _ := strings.Cut(line, " "); word {
		case ":python", ":lies":
			text += "Requires-Python: " + value + "\n"
		case ":extra":
			text += "Provides-Extra: " + value + "\n"
		case ":invalid":
			text += "Requires-Dist: ???\n"
		case ":yanked", ":tags", ":sdist":
		default:
			text += "Requires-Dist: " + line + "\n"
		}
	}
	metadata, err := pythonindex.ParseMetadata(text)
	if err != nil {
		return nil, &pythonindex.MetadataError{File: file.Name, Err: err}
	}
	return metadata, nil
}

// target is CPython 3.11.7 on Debian 12.
func target() *resolve.Target {
	t, err := resolve.NewTarget(pep440.MustParse("3.11.7"),
		pep425.Platform{Minor: 11, Machine: "x86_64", Libc: pep425.Glibc, LibcMajor: 2, LibcMinor: 36})
	if err != nil {
		panic(err)
	}
	return t
}

// requirements parses each.
func requirements(texts ...string) []pep508.Requirement {
	var parsed []pep508.Requirement
	for _, text := range texts {
		r, err := pep508.Parse(text)
		if err != nil {
			panic(err)
		}
		parsed = append(parsed, r)
	}
	return parsed
}
