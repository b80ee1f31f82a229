package requirement

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pipline"
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

// PipFile is what a requirements file asks for. [ReadPipFile] makes it.
type PipFile struct {
	// Requirements are canonical, those of one distribution joined, in a fixed order.
	Requirements []Pip
	// Constraints are what the files that "-c" names say, in the same form. They install nothing.
	Constraints []Pip
	// IndexURL takes the place of the public index. Empty where no line says so.
	IndexURL string
	// ExtraIndexURLs are looked at besides, FindLinks are pages with links to files.
	ExtraIndexURLs, FindLinks []string
}

// ReadPipFile reads a text in the format of pip's requirements files (pip's documentation, "Requirements File Format").
// The files that it includes come by their paths as seen from the text; one that nothing includes is not read.
//
// What is in it and has no place in the result is refused, and never left out, unless it cannot change what is installed.
// A line of git's address without a name before it gets the name of the repository, which is that of the distribution in
// most cases; whoever reads the distribution's own metadata finds out.
func ReadPipFile(text string, files map[string]string) (PipFile, []*RefusedLine) {
	r := newPipReader(text, files)
	constraints := joinPips(r.constraints.pips)
	for _, j := range constraints {
		r.refuseConflict(j, &r.constraints)
	}
	bound := r.bound()
	for _, j := range joinPips(bound.pips) {
		r.refuseConflict(j, &bound)
	}
	return PipFile{
		Requirements: CanonicalPips(r.required.pips), Constraints: pipsOf(constraints),
		IndexURL: r.indexURL, ExtraIndexURLs: r.extraIndexURLs, FindLinks: r.findLinks,
	}, r.inOrder()
}

// ParsePipFile is [ReadPipFile] for those who have a place for requirements only. Constraints bind what a requirement
// names; those of anything else, and lines about indexes, are refused.
func ParsePipFile(text string, files map[string]string) (pips []Pip, refused []*RefusedLine) {
	r := newPipReader(text, files)
	r.refuseSettings()
	r.refuseUnbound()
	bound := r.bound()
	joined := joinPips(bound.pips)
	for _, j := range joined {
		r.refuseConflict(j, &bound)
	}
	return pipsOf(joined), r.inOrder()
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

// placedPips are requirements, with the line that each is from.
type placedPips struct {
	pips  []Pip
	at    []place
	texts []string
}

func (p *placedPips) add(pip Pip, at place, text string) {
	p.pips, p.at, p.texts = append(p.pips, pip), append(p.at, at), append(p.texts, text)
}

// pipReader reads a requirements file and those that it includes.
type pipReader struct {
	files map[string]string
	// reading are the files that include each other at the moment.
	reading []string

	required, constraints     placedPips
	indexURL                  string
	extraIndexURLs, findLinks []string
	// settings are the lines that say where distributions are.
	settings []setting
	refused  []*RefusedLine
}

// newPipReader reads all of it.
func newPipReader(text string, files map[string]string) *pipReader {
	r := &pipReader{files: map[string]string{}}
	for name, content := range files {
		r.files[resolvePath("", name)] = content
	}
	r.read("", text, false)
	return r
}

func (r *pipReader) refuse(at place, faults ...*Error) {
	for _, fault := range faults {
		r.refused = append(r.refused, &RefusedLine{File: redact.Input(at.file), Line: at.line, Err: fault})
	}
}

// inOrder are the refused lines in the order of the files.
func (r *pipReader) inOrder() []*RefusedLine {
	slices.SortStableFunc(r.refused, func(a, b *RefusedLine) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return r.refused
}

// read reads one file, whose requirements are constraints where "-c" named it.
func (r *pipReader) read(file, text string, bounds bool) {
	r.reading = append(r.reading, file)
	for _, line := range pipline.Lines(text) {
		at := place{file, line.Number}
		required, options, err := line.Parts()
		switch {
		case editable.MatchString(line.Text):
			r.require(at, line.Text, withoutEditable(line.Text), bounds)
		case required != "":
			r.requireWith(at, line.Text, required, diagnoseOptionsBehind(line.Text, options, err), bounds)
		case err != nil:
			r.refuse(at, diagnoseOptionLine(line.Text, err)...)
		default:
			r.options(at, line.Text, options)
		}
	}
	r.reading = r.reading[:len(r.reading)-1]
}

// require reads a requirement, or a constraint. Text is the line as it was written.
func (r *pipReader) require(at place, text, required string, bounds bool) {
	pip, faults := parsePip(required)
	switch {
	case len(faults) > 0:
		r.refuse(at, faults...)
	case !bounds:
		r.required.add(pip, at, text)
	case pip.VersionSpecifier == "" && pip.URL == "" && !strings.Contains(pip.Name, "["): // pip takes what bounds nothing
	default:
		if _, err := ParseConstraint(required); err != nil {
			fault, _ := errors.AsType[*Error](err)
			r.refuse(at, fault)
			return
		}
		r.constraints.add(pip, at, text)
	}
}

// requireWith reads a requirement that has options behind it. What is wrong with those is told, with what else is wrong.
func (r *pipReader) requireWith(at place, text, required string, faults []*Error, bounds bool) {
	required = withRepositoryName(required)
	if len(faults) == 0 {
		r.require(at, text, required, bounds)
		return
	}
	_, more := parsePip(required)
	r.refuse(at, append(faults, more...)...)
}

// editable is the option that installs a distribution from where its sources are.
var editable = regexp.MustCompile(`^(?:-e|--editable)(?:[\s=]+|$)`)

// withoutEditable is the line without that option, where it is before an address: an image has the same files either way.
func withoutEditable(line string) string {
	rest := editable.ReplaceAllString(line, "")
	if n := len(rest); n > 1 && strings.ContainsAny(rest[:1], `"'`) && rest[0] == rest[n-1] {
		rest = rest[1 : n-1]
	}
	rest = withRepositoryName(rest)
	if strings.Contains(rest, "://") && isPip(rest) {
		return rest
	}
	return line
}
