package main

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/lockfile"
)

// classes are what a line that is refused can be, by how it looks. The first that fits counts.
var classes = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"includes", regexp.MustCompile(`^(?:-r|-c|--req|--con)`)},
	{"hashes", regexp.MustCompile(`--hash\b|^--require-hashes`)},
	{"index options", regexp.MustCompile(`^(?:-i|-f|--index|--pypi|--extra-i|--find|--no-index|--trusted)|\s(?:-f|-i|--find-links|--(?:extra-)?index-url)\b`)},
	{"vcs", regexp.MustCompile(`(?:git|hg|svn|bzr)\+|\bgit@|ssh://`)},
	{"paths", regexp.MustCompile(`^(?:(?:-e|--editable)[\s=]+)?["']?(?:\.|/|~|file:)|@ ?file:|^[^@;:]*/|^\S+\.(?:whl|zip|tar\.gz)\b`)},
	{"archives", regexp.MustCompile(`://`)},
	{"other options", regexp.MustCompile(`^-|\s--`)},
	{"markers", regexp.MustCompile(`;`)},
}

// classOf is the class of a refused line.
func classOf(line string) string {
	if pip, err := requirement.ParsePip(line); err == nil {
		if _, err := requirement.JoinPips([]requirement.Pip{pip}); err != nil {
			return "conflicts"
		}
	}
	for _, c := range classes {
		if c.pattern.MatchString(line) {
			return c.name
		}
	}
	return "other"
}

// judged is what became of one file.
type judged struct {
	// as is what takes the file: "read_pip_file", "pip_lock_file", or empty.
	as      string
	classes map[string]bool
	faults  []string
}

// report is what became of all files, by their paths.
type report map[string]judged

// judge reads each file, with the others for its includes.
func judge(files map[string]string) report {
	r := report{}
	for name, text := range files {
		r[name] = judgeFile(name, text, files)
	}
	return r
}

func judgeFile(name, text string, files map[string]string) judged {
	if _, err := lockfile.Parse(text); err == nil {
		return judged{as: "pip_lock_file"}
	}
	var seen map[string]string
	if hasOption.MatchString(text) {
		seen = seenFrom(name, files)
	}
	_, refused := requirement.ReadPipFile(text, seen)
	if len(refused) == 0 {
		return judged{as: "read_pip_file"}
	}
	j := judged{classes: map[string]bool{}}
	for _, line := range refused {
		j.classes[classOf(line.Err.Text)] = true
		place := fmt.Sprintf("%s:%d", name, line.Line)
		if line.File != "" {
			place = fmt.Sprintf("%s: %s:%d", name, line.File, line.Line)
		}
		j.faults = append(j.faults, fmt.Sprintf("%s: %v", place, line.Err))
	}
	return j
}

// hasOption is a text that may include other files.
var hasOption = regexp.MustCompile(`(?m)^\s*-`)

// seenFrom are the files by their paths as seen from one of them.
func seenFrom(name string, files map[string]string) map[string]string {
	seen := make(map[string]string, len(files))
	for other, text := range files {
		if relative, err := filepath.Rel(path.Dir(name), other); err == nil {
			seen[filepath.ToSlash(relative)] = text
		}
	}
	return seen
}

// count is how many files that holds for.
func (r report) count(holds func(judged) bool) int {
	n := 0
	for _, j := range r {
		if holds(j) {
			n++
		}
	}
	return n
}

// percent is how many files of a hundred can be used. It is 100 where there are none.
func (r report) percent() float64 {
	if len(r) == 0 {
		return 100
	}
	return 100 * float64(r.count(func(j judged) bool { return j.as != "" })) / float64(len(r))
}

// text is the report, with every fault or with the first of each file. A file may have several reasons.
func (r report) text(verbose bool) string {
	out := &strings.Builder{}
	as := func(what string) int { return r.count(func(j judged) bool { return j.as == what }) }
	fmt.Fprintf(out, "%d files, %d of them usable as they are (%.1f %%): %d with read_pip_file, %d with pip_lock_file\n",
		len(r), as("read_pip_file")+as("pip_lock_file"), r.percent(), as("read_pip_file"), as("pip_lock_file"))
	if as("") == 0 {
		return out.String()
	}
	fmt.Fprintf(out, "\n%d are not, for these reasons (a file may have several):\n", as(""))
	counts := map[string]int{}
	for _, j := range r {
		for class := range j.classes {
			counts[class]++
		}
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	for _, class := range names {
		fmt.Fprintf(out, "  %5d  %s\n", counts[class], class)
	}
	fmt.Fprintln(out)
	for _, name := range slices.Sorted(maps.Keys(r)) {
		for i, fault := range r[name].faults {
			if i == 0 || verbose {
				fmt.Fprintln(out, fault)
			}
		}
	}
	return out.String()
}
