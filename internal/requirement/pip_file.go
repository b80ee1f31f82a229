package requirement

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// RefusedLine is what is wrong with one line of a requirements file.
type RefusedLine struct {
	// File is the included file that the line is in, by the name it was given by. Empty for the text itself.
	File string
	// Line is the number of the line, or of the first of those that backslashes join, from one.
	Line int
	// Err is what is wrong.
	Err *Error
}

// ParsePipFile is the requirements of a text in the format of pip's requirements files (pip's documentation,
// "Requirements File Format"): canonical, those of one distribution joined, in a fixed order. The files that it includes
// come by their paths as seen from the text; one that nothing includes is not read.
//
// Everything in it that a requirement of an image cannot hold is refused, and never left out: options, addresses and
// archives, environment markers, hashes. Constraints bind what a requirement names, and are refused for anything else.
func ParsePipFile(text string, files map[string]string) (pips []Pip, refused []*RefusedLine) {
	r := pipReader{files: map[string]string{}}
	for name, content := range files {
		r.files[resolvePath("", name)] = content
	}
	r.read("", text, false)
	r.bind()
	joined := joinPips(r.pips)
	for _, j := range joined {
		if line := r.conflict(j); line != nil {
			r.refused = append(r.refused, line)
		}
	}
	slices.SortStableFunc(r.refused, func(a, b *RefusedLine) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return pipsOf(joined), r.refused
}

// place is a line of a file.
type place struct {
	file string
	line int
}

// String is how messages name the place.
func (p place) String() string {
	if p.file == "" {
		return fmt.Sprintf("line %d", p.line)
	}
	return fmt.Sprintf("line %d of %s", p.line, quote(redact.Input(p.file)))
}

// constraint is a line of a file that "-c" names.
type constraint struct {
	pip  Pip
	text string
	at   place
}

// pipReader reads a requirements file and those that it includes.
type pipReader struct {
	files map[string]string
	// reading are the files that include each other at the moment.
	reading     []string
	pips        []Pip
	at          []place // of each of pips
	constraints []constraint
	refused     []*RefusedLine
}

func (r *pipReader) refuse(at place, faults ...*Error) {
	for _, fault := range faults {
		r.refused = append(r.refused, &RefusedLine{File: redact.Input(at.file), Line: at.line, Err: fault})
	}
}

// read reads one file, whose requirements are constraints where "-c" named it.
func (r *pipReader) read(file, text string, bounds bool) {
	r.reading = append(r.reading, file)
	for _, line := range logicalLines(text) {
		at := place{file, line.number}
		if option, name, ok := cutInclude(line.text); ok {
			r.include(at, line.text, option, name)
			continue
		}
		pip, faults := parsePip(withoutEditable(line.text))
		switch {
		case len(faults) > 0:
			r.refuse(at, faults...)
		case bounds:
			r.constraints = append(r.constraints, constraint{pip, line.text, at})
		default:
			r.pips, r.at = append(r.pips, pip), append(r.at, at)
		}
	}
	r.reading = r.reading[:len(r.reading)-1]
}

// editable is the option that installs a distribution from where its sources are.
var editable = regexp.MustCompile(`^(?:-e|--editable)[\s=]+`)

// withoutEditable is the line without that option, where it is before an address: an image has the same files either way.
func withoutEditable(line string) string {
	rest := editable.ReplaceAllString(line, "")
	if rest != line && strings.Contains(rest, "://") && isPip(rest) {
		return rest
	}
	return line
}

// includeLine is an option that names another file, in the ways that pip takes it.
var includeLine = regexp.MustCompile(`^(-r|-c|--requirement|--constraint)(?:(?:=|\s+)(.*)|([^-=\s].*))?$`)

// cutInclude takes a line that includes another file apart.
func cutInclude(line string) (option, name string, ok bool) {
	m := includeLine.FindStringSubmatch(line)
	if m == nil || m[3] != "" && strings.HasPrefix(m[1], "--") {
		return "", "", false
	}
	name = strings.ReplaceAll(strings.TrimSpace(m[2]+m[3]), `\ `, " ") // one of which matched
	if n := len(name); n > 1 && strings.ContainsAny(name[:1], `"'`) && name[0] == name[n-1] {
		name = name[1 : n-1]
	}
	return m[1], name, true
}

// secondOption is an option behind the name of a file.
var secondOption = regexp.MustCompile(`\s--?[A-Za-z]`)

// addressBegin begins what pip fetches.
var addressBegin = regexp.MustCompile(`(?i)^(?:https?|ftp|file):|://`)

// include reads the file that a line names.
func (r *pipReader) include(at place, line, option, name string) {
	bounds := option == "-c" || option == "--constraint"
	resolved := resolvePath(at.file, name)
	text, given := r.files[resolved]
	fault := func(problem, suggestion string) {
		r.refuse(at, newError(FieldPip, line, option, problem, suggestion))
	}
	switch {
	case name == "":
		fault("names no file", "write the path of a file behind it, or leave the line out")
	case !given && secondOption.MatchString(name):
		fault("stands before another option, and pip reads one file a line", "write each option in a line of its own")
	case variable.MatchString(name):
		r.refuse(at, diagnoseVariable(line, name))
	case slices.Contains(r.reading, resolved):
		fault("includes the file that the line is in, or one that includes it: a cycle", "leave one of the lines out")
	case !given && addressBegin.MatchString(resolved):
		fault("names a file by its address, and nothing is fetched",
			"fetch it with the data source http, and pass its text under its address in the function's second argument")
	case !given:
		problem, suggestion := fmt.Sprintf("names the file %s, whose text was not passed", quote(resolved)), "pass "+argument(resolved)
		if redact.Input(name) != name || redact.Input(resolved) != resolved {
			problem, suggestion = "names a file whose text was not passed", "pass its text under its path"
		}
		suggestion += " as the function's second argument"
		if bounds {
			suggestion += "; " + otherConstraints
		}
		fault(problem, suggestion)
	default:
		r.read(resolved, text, bounds)
	}
}

// argument is what a user passes for a file.
func argument(name string) string {
	file := "${path.module}/" + name
	if path.IsAbs(name) || strings.HasPrefix(name, "~/") {
		file = name
	}
	return fmt.Sprintf("{ %q = file(%q) }", name, file)
}

// resolvePath is the path of a file as pip finds it: from where the including file is.
func resolvePath(from, name string) string {
	switch base, err := url.Parse(from); {
	case strings.Contains(name, "://"):
		return name
	case strings.Contains(from, "://") && err == nil:
		if joined, err := base.Parse(name); err == nil {
			return joined.String()
		}
	case !path.IsAbs(name):
		return path.Join(path.Dir(from), name)
	}
	return path.Clean(name)
}

// otherConstraints is what to do about constraints that no requirement can hold.
const otherConstraints = "what constraints say of distributions that no requirement names can be set for all images " +
	"of a provider: constraint = the file's address, in config of pip in embedded_registry"

// bind adds constraints to what the requirements name. Constraints install nothing, and a set of requirements has no
// place for those of anything else.
func (r *pipReader) bind() {
	named := map[string]bool{}
	for _, pip := range r.pips {
		named[pip.Distribution()] = true
	}
	for _, c := range r.constraints {
		switch {
		case strings.Contains(c.pip.Name, "["):
			r.refuse(c.at, newError(FieldPip, c.text, "", "has extras, which constraints cannot have", "write it without them"))
		case !named[c.pip.Name]:
			r.refuse(c.at, newError(FieldPip, c.text, "",
				"is a constraint of a distribution that no requirement names, and requirements cannot hold it",
				"leave it out if nothing needs the distribution, or make it a requirement; "+otherConstraints))
		default:
			r.pips, r.at = append(r.pips, c.pip), append(r.at, c.at)
		}
	}
}

// conflict is the refusal of what no version can meet, with the line that each comparison is from.
func (r *pipReader) conflict(j *joinedPip) *RefusedLine {
	places := map[string]place{}
	for _, i := range slices.Backward(j.from) {
		specifier, _ := matchSpecifier(r.pips[i].VersionSpecifier)
		for _, c := range specifier.Clauses() {
			places[c.String()] = r.at[i]
		}
	}
	var told []place
	fault := j.fault(func(clause string) string {
		told = append(told, places[clause])
		return fmt.Sprintf("%s (%s)", quote(clause), places[clause])
	})
	if fault == nil {
		return nil
	}
	last := told[len(told)-1]
	for _, p := range told {
		if p.file == last.file && p.line > last.line {
			last = p
		}
	}
	return &RefusedLine{File: redact.Input(last.file), Line: last.line, Err: fault}
}
