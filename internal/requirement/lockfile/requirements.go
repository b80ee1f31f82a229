package lockfile

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pipline"
)

// withHashes are the commands that write locks in the format of requirements files.
const withHashes = "pip-compile --generate-hashes, uv pip compile --generate-hashes, uv export or poetry export"

// line is a requirement of a lock.
type line struct {
	Entry
	text   string
	marker pep508.Marker
	// faults are why it cannot be obeyed where the marker holds.
	faults []*Error
}

// reader reads a requirements file.
type reader struct {
	file File
	errs []error
	// wheelsOnly are the distributions that are not to be built.
	wheelsOnly map[string]bool
	hashed     bool
}

// parseRequirements reads a lock in the format of requirements files.
func parseRequirements(text string) (File, error) {
	r := &reader{wheelsOnly: map[string]bool{}}
	r.file.target = madeFor(text)
	for _, l := range pipline.Lines(text) {
		r.read(l)
	}
	switch {
	case len(r.file.lines) == 0 && len(r.errs) == 0:
		return File{}, newError(0, "", "", "has no requirement", "pass the text of a pylock.toml, or what "+withHashes+" writes")
	case len(r.file.lines) > 0 && !r.hashed && !r.file.commitsOnly():
		first := r.file.lines[0]
		return File{}, newError(first.Line, "", first.text, "has no hash, and no other line has one, so that this is no lock",
			"write one with "+withHashes+", or read this text with the function read_pip_file")
	}
	for _, l := range r.file.lines {
		l.WheelsOnly = r.wheelsOnly[":all:"] || r.wheelsOnly[l.Name]
		if l.marker.IsZero() {
			r.errs = append(r.errs, asErrors(l.faults)...)
		}
	}
	return r.file, errors.Join(r.errs...)
}

// commitsOnly tells a lock without files, which has no hashes.
func (f File) commitsOnly() bool {
	return !slices.ContainsFunc(f.lines, func(l *line) bool { return !strings.HasPrefix(l.Address, "git+") })
}

func asErrors(faults []*Error) []error {
	errs := make([]error, len(faults))
	for i, fault := range faults {
		errs[i] = fault
	}
	return errs
}

// editable is the option that installs a distribution from where its sources are.
var editable = regexp.MustCompile(`^(?:-e|--editable)[\s=]+`)

// read reads one line.
func (r *reader) read(l pipline.Line) {
	required, options, err := l.Parts()
	if rest := editable.ReplaceAllString(l.Text, ""); rest != l.Text && err == nil && len(options) == 1 {
		required, options = strings.Trim(rest, `"'`), nil
	}
	refused, wrong := errors.AsType[*pipline.OptionError](err)
	switch {
	case wrong && strings.HasPrefix(l.Text, "- "):
		r.refuse(l, "is an entry of a list in YAML, and no line of a requirements file", "write one with "+withHashes)
	case wrong:
		r.refuse(l, fmt.Sprintf("cannot be read: %q %s", refused.Part, refused.Problem), "leave it out")
	case required == "":
		for _, o := range options {
			r.option(l, o)
		}
	default:
		r.require(l, required, options)
	}
}

func (r *reader) refuse(l pipline.Line, problem, suggestion string) {
	r.errs = append(r.errs, newError(l.Number, "", l.Text, problem, suggestion))
}

// option reads an option in a line of its own. Those that are not named here choose among versions or make connections, and
// a lock has its versions: they change nothing.
func (r *reader) option(l pipline.Line, o pipline.Option) {
	switch o.Name {
	case "--index-url", "--extra-index-url", "--find-links":
		r.index(l, o.Value)
	case "--only-binary":
		r.onlyBinary(o.Value)
	case "--no-binary":
		if o.Value != ":none:" {
			r.refuse(l, "makes pip build what a wheel is there for, and an image gets the wheel", "leave it out, and the hashes of wheels too")
		}
	case "--requirement":
		r.refuse(l, "names another file, and a lock is one text", "write all of it to one file with "+withHashes)
	case "--hash":
		r.refuse(l, "is the hash of the line before it, which does not end in a backslash", "write a backslash at its end")
	case "--config-settings":
		r.refuse(l, "is for the build of a distribution, which gets no settings", "leave it out")
	}
}

// index refuses the address of an index that has credentials. A path, or an address with a variable of pip's environment, has none.
func (r *reader) index(l pipline.Line, address string) {
	if !isWebAddress.MatchString(address) {
		return
	}
	if u, err := url.Parse(address); err != nil || u.User != nil {
		r.refuse(l, "has credentials in it, which would be in the plan and in the state",
			"leave it out, as pip-compile --no-emit-index-url does: the provider has those of its indexes in embedded_registry.pip")
	}
}

var isWebAddress = regexp.MustCompile(`^https?://[^\s$]+$`)

// onlyBinary reads names with commas between them, as pip does: ":none:" takes back what was said.
func (r *reader) onlyBinary(names string) {
	for name := range strings.SplitSeq(names, ",") {
		switch name {
		case ":none:":
			clear(r.wheelsOnly)
		case ":all:":
			r.wheelsOnly[name] = true
		default:
			r.wheelsOnly[pep508.NormalizeName(name)] = true
		}
	}
}

// require reads a requirement.
func (r *reader) require(l pipline.Line, required string, options []pipline.Option) {
	parsed := &line{Entry: Entry{Line: l.Number}, text: l.Text}
	pip, err := requirement.ParsePip(required)
	if err != nil {
		r.errs = append(r.errs, fromPip(l, err)...)
		r.hashed = r.hashed || slices.ContainsFunc(options, isHash)
		return
	}
	parsed.Name = pip.Distribution()
	parsed.marker, _ = pep508.ParseMarker(pip.Marker) // which ParsePip has read
	parsed.address(pip.URL)
	r.readOptions(l, parsed, options)
	r.hashed = r.hashed || len(parsed.Hashes) > 0 || slices.ContainsFunc(options, isHash)
	if pip.URL == "" {
		parsed.pin(required)
	}
	if len(parsed.Hashes) == 0 && !strings.HasPrefix(parsed.Address, "git+") && !slices.ContainsFunc(options, isHash) {
		parsed.fault("has no hash", "write the lock with "+withHashes)
	}
	r.file.lines = append(r.file.lines, parsed)
}

func isHash(o pipline.Option) bool { return o.Name == "--hash" }

func (l *line) fault(problem, suggestion string) {
	l.faults = append(l.faults, newError(l.Line, "", l.text, problem, suggestion))
}

// readOptions reads what stands behind a requirement.
func (r *reader) readOptions(l pipline.Line, parsed *line, options []pipline.Option) {
	var weaker []string
	for _, o := range options {
		switch o.Name {
		case "--hash":
			algorithm, digits, _ := strings.Cut(o.Value, ":")
			digits = strings.ToLower(digits)
			switch {
			case algorithm != "sha256":
				weaker = append(weaker, shown(algorithm))
			case !sha256Digits.MatchString(digits):
				parsed.fault("has a hash that is no SHA-256, which has 64 hexadecimal digits", "write the lock anew with "+withHashes)
			case !slices.Contains(parsed.Hashes, digits):
				parsed.Hashes = append(parsed.Hashes, digits)
			}
		case "--config-settings", "--no-binary":
			parsed.fault("has options for a build, which gets none", "leave them out")
		default:
			r.option(l, o)
		}
	}
	if len(weaker) > 0 && len(parsed.Hashes) == 0 {
		parsed.fault(fmt.Sprintf("has hashes of the kind %s only, and files are compared by SHA-256", weaker[0]), "write the lock with "+withHashes)
	}
}

// shown is the name of an algorithm, if it can be one.
func shown(algorithm string) string {
	if isAlgorithm.MatchString(algorithm) {
		return algorithm
	}
	return "that is not known"
}

var (
	isAlgorithm  = regexp.MustCompile(`^[a-z0-9_-]{1,20}$`)
	sha256Digits = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// fromPip makes an [*Error] of each fault of a requirement.
func fromPip(l pipline.Line, err error) []error {
	var errs []error
	for _, each := range unjoin(err) {
		fault, ok := errors.AsType[*requirement.Error](each)
		if !ok {
			continue
		}
		problem, suggestion := fault.Problem, fault.Suggestion
		if fault.Offending != fault.Text {
			problem = fmt.Sprintf("cannot be read: %s %s", quote(fault.Offending), problem)
		}
		if isPath.MatchString(l.Text) {
			problem = "is on the machine where the lock was made, which an image cannot have"
			suggestion = "write the lock without it: uv export --no-emit-project, and --no-emit-workspace for its members"
		}
		errs = append(errs, newError(l.Number, "", l.Text, problem, suggestion))
	}
	return errs
}

// isPath is a line for a distribution that lies where the lock was made.
var isPath = regexp.MustCompile(`^(?:(?:-e|--editable)[\s=]+)?["']?(?:\.|/|~|file:|[A-Za-z]:\\)|@ file:`)

// pin takes the version, of which there has to be one.
func (l *line) pin(required string) {
	parsed, err := pep508.Parse(strings.TrimRight(required, "; "))
	if err == nil {
		clauses := parsed.Specifier.Clauses()
		if len(clauses) == 1 && strings.HasPrefix(clauses[0].Operator(), "==") && !clauses[0].Wildcard() && clauses[0].Version() != (pep440.Version{}) {
			l.Version = clauses[0].Version()
			return
		}
	}
	l.fault("does not say which version", "write the lock with "+withHashes+", which write name==version")
}

// address takes an address, and the hash that stands behind it.
func (l *line) address(address string) {
	before, behind, _ := strings.Cut(address, "#")
	var kept []string
	for part := range strings.SplitSeq(behind, "&") {
		if digits, found := strings.CutPrefix(part, "sha256="); !found {
			kept = append(kept, part)
		} else if digits = strings.ToLower(digits); sha256Digits.MatchString(digits) {
			l.Hashes = append(l.Hashes, digits)
		}
	}
	l.Address = strings.TrimSuffix(before+"#"+strings.Join(kept, "&"), "#")
	if strings.HasPrefix(address, "git+") && !commit.MatchString(before[strings.LastIndexByte(before, '@')+1:]) {
		l.fault("is of a branch or a tag, which others can move", `write the whole name of a commit behind an "@" at the end of its address`)
	}
}
