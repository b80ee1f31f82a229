package resolve

import (
	"context"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// Need is that something needs a distribution, and how it comes to be needed itself.
type Need struct {
	// By is what needs it, with its extras and its version. Empty is the user.
	By, Version string
	// Requirement is what is needed, as it is written there, without what may be secret.
	Requirement string
	// Constraint tells that the user bounds it only, if somebody else needs it.
	Constraint bool
	// Because is how By comes to be needed, from the user on; empty where By is empty.
	Because []Need
}

// Unfit counts files that the target cannot have, by why: they are for other versions of Python, for other platforms, later
// than the time limit, source distributions where only wheels are taken, or withdrawn by their makers.
type Unfit struct{ OtherPython, OtherPlatform, TooLate, Sources, Yanked int }

// Unmet is why a distribution cannot be had. Its text is a few sentences, each on a line.
type Unmet struct {
	// Name is the distribution. It is empty for the Python of the target.
	Name string
	// Needs are who needs it, and what of it.
	Needs []Need
	// Available are the versions that the target could have, the newest first. There are none where Unknown is set.
	Available []pep440.Version
	// Unknown tells that no index has a distribution of that name, none of Own where it has to come from those; Similar are names
	// that an index has.
	Unknown bool
	Own     []string
	Similar []string
	// Unfit are all files that the target cannot have, and AskedFor those among them that have a version which is needed.
	Unfit

	AskedFor Unfit
	// Addresses tells that the user requires it from more than one address.
	Addresses bool
	// Tried tells that there are versions which meet all needs, and that none of them led to an answer. Unusable is what was
	// wrong with one of them, empty where others were in the way.
	Tried    bool
	Unusable string

	target  *Target
	nearest []pep440.Version
}

// ConflictError is that no set of versions meets all requirements. Its text is a few sentences, each on a line.
type ConflictError struct {
	// Unmet are the distributions for which the search found no version, at least one.
	Unmet []Unmet
}

// Error implements error.
func (e *ConflictError) Error() string {
	texts := make([]string, len(e.Unmet))
	for i, u := range e.Unmet {
		texts[i] = u.String()
	}
	return strings.Join(texts, "\n")
}

// explain makes the error of a search that ended in these needs.
func (r *resolution) explain(ctx context.Context, causes []*need) error {
	return r.explainBut(ctx, causes, map[string]bool{})
}

// explainBut goes on to what is in the way of a distribution, unless that is among those explained.
func (r *resolution) explainBut(ctx context.Context, causes []*need, explained map[string]bool) error {
	var names []string
	for _, n := range causes {
		if !slices.Contains(names, n.name) {
			names = append(names, n.name)
		}
	}
	var unmet, tried []Unmet
	for _, name := range names {
		u, err := r.unmet(ctx, name, causes)
		switch {
		case err != nil:
			return err
		case u.Tried:
			tried = append(tried, u)
		default:
			unmet = append(unmet, u)
		}
	}
	if len(unmet) == 0 { // each could be had, but for what they need in turn
		causes = slices.DeleteFunc(slices.Clone(causes), func(n *need) bool { return explained[n.name] })
		for _, n := range causes {
			explained[n.name] = true
		}
		if deeper := r.obstacles(causes); len(deeper) > 0 {
			return r.explainBut(ctx, deeper, explained)
		}
		unmet = tried
	}
	return &ConflictError{unmet}
}

// unmet is why a distribution cannot be had.
func (r *resolution) unmet(ctx context.Context, name string, causes []*need) (Unmet, error) {
	u := Unmet{Name: name, target: r.finder.target}
	var specifier pep440.Specifier
	for _, n := range causes {
		if n.name == name && n.exact == nil {
			specifier = specifier.And(n.specifier)
			u.Needs = append(u.Needs, r.told(n))
		}
	}
	if name == pythonKey {
		u.Name, u.Tried = "", specifier.Allows(r.python.version)
		return u, nil
	}
	if bound := r.constraints[name]; bound.String() != "" {
		specifier = specifier.And(bound)
		u.Needs = append(u.Needs, Need{Requirement: name + bound.String(), Constraint: true})
	}
	u.Needs = distinctNeeds(u.Needs)
	all, err := r.finder.options(ctx, name)
	if err != nil {
		return u, err
	}
	for _, o := range all.fresh {
		u.Available = append(u.Available, o.version)
	}
	if err := r.count(ctx, &u, all, specifier); err != nil {
		return u, err
	}
	u.Tried = len(all.allowed(specifier)) > 0
	if err := r.unusable[name]; err != nil {
		u.Unusable = capital(err.Error()) + "."
	}
	u.Unknown = len(all.fresh) == 0 && u.Unfit == (Unfit{})
	if source, ok := r.finder.source.(owner); ok {
		u.Own = source.Own(name)
	}
	if len(u.Available) == 0 && isAskedFor(u.Needs) {
		u.Similar = r.similar(ctx, name, u.Unknown)
	}
	if len(u.Needs) == 1 {
		u.nearest = nearest(u.Available, specifier)
	}
	return u, nil
}

// isAskedFor tells that the user asks for it.
func isAskedFor(needs []Need) bool {
	return slices.ContainsFunc(needs, func(n Need) bool { return n.By == "" && !n.Constraint })
}

func distinctNeeds(needs []Need) []Need {
	seen := map[string]bool{}
	return slices.DeleteFunc(needs, func(n Need) bool {
		id := n.By + " " + n.Version + " " + n.Requirement
		before := seen[id]
		seen[id] = true
		return before
	})
}

// count counts the files that do not fit.
func (r *resolution) count(ctx context.Context, u *Unmet, all *options, specifier pep440.Specifier) error {
	files := []*pythonindex.File{r.finder.direct[u.Name]}
	if files[0] == nil {
		var err error
		if files, err = r.finder.source.Files(ctx, u.Name); err != nil {
			return err
		}
	}
	others := all.left.platform // what the source does not list is for other systems
	for _, file := range files {
		reason := r.finder.misfit(file)
		if reason == 0 {
			continue
		}
		if reason == otherTags || reason == otherPlatform {
			others--
		}
		add(&u.Unfit, reason, 1)
		if specifier.Allows(file.Version) {
			add(&u.AskedFor, reason, 1)
		}
	}
	add(&u.Unfit, otherPlatform, max(others, 0))
	return nil
}

// misfit is why the target cannot have a file.
type misfit int

const (
	otherPlatform misfit = iota + 1
	otherTags            // of another Python
	otherPython
	tooLate
	source
	yanked
)

func add(u *Unfit, reason misfit, n int) {
	switch reason {
	case otherPlatform:
		u.OtherPlatform += n
	case otherTags, otherPython:
		u.OtherPython += n
	case tooLate:
		u.TooLate += n
	case source:
		u.Sources += n
	case yanked:
		u.Yanked += n
	}
}

// misfit is why the target cannot have the file, zero where it can.
func (f *finder) misfit(file *pythonindex.File) misfit {
	var left unfit
	if file.Direct != nil {
		f = f.forDirect()
	}
	listed := pythonindex.List(file)
	_, fits := f.fits(&listed, &left, pythons{})
	switch {
	case fits && file.Yanked:
		return yanked
	case fits:
		return 0
	case left.sdists > 0:
		return source
	case left.late > 0:
		return tooLate
	case left.python > 0:
		return otherPython
	case f.target.tags.OnPlatform(*file.Wheel):
		return otherTags
	}
	return otherPlatform
}

// told is a need in words, with how it came about.
func (r *resolution) told(n *need) Need {
	told := Need{Requirement: written(n)}
	if n.parent == nil {
		return told
	}
	told.By, told.Version = n.parent.key, n.parent.version.String()
	seen := map[string]bool{}
	for parent := n.parent; parent != nil && !seen[parent.key]; {
		seen[parent.key] = true
		first := r.first[parent.key]
		if first == nil {
			break
		}
		if first.exact != nil && first.parent != nil { // the extras of a distribution need the distribution
			told.By = strings.Replace(told.By, parent.key, first.parent.key, 1)
			parent = first.parent
			continue
		}
		step := Need{Requirement: written(first)}
		if parent = first.parent; parent != nil {
			step.By, step.Version = parent.key, parent.version.String()
		}
		told.Because = append(told.Because, step)
	}
	slices.Reverse(told.Because)
	return told
}

// written is what is needed, as it is written, but for what may be secret or is not to be seen.
func written(n *need) string {
	if n.key == pythonKey {
		return "Python " + n.specifier.String()
	}
	requirement := n.requirement
	requirement.Marker = pep508.Marker{} // it holds
	return httpx.OneLine(requirement.String())
}
