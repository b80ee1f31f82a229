package resolve

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// Source is where distributions come from. Its methods may be called at one time, and remember what they have told.
type Source interface {
	// Files are the files of the distribution on all indexes that serve it, in the order of the indexes. There are none
	// where no index knows it. Name is normalised. The caller leaves the files as they are.
	Files(ctx context.Context, name string) ([]*pythonindex.File, error)
	// Metadata is what the file says of itself. An error that is a [*pythonindex.MetadataError] is about this file only.
	Metadata(ctx context.Context, file *pythonindex.File) (*pythonindex.Metadata, error)
}

// fitter is a [Source] that can leave out wheels that have none of the tags, most of those there are, and count them.
type fitter interface {
	Fitting(ctx context.Context, name string, tags *pep425.Tags) (files []pythonindex.Listed, others int, err error)
}

// owner is a [Source] that takes some distributions from certain indexes only, and names those.
type owner interface {
	Own(name string) (indexes []string)
}

// option is a version of a distribution, and the file of it that fits the target best.
type option struct {
	version pep440.Version
	// file is what is to be installed, zero for what the base image has.
	file pythonindex.Origin
	// installed is the metadata of what the base image has, nil else.
	installed *pythonindex.Metadata
	// place is the version's among those of its distribution on the indexes.
	place int
}

// options are the versions of one distribution that fit the target, the newest first.
type options struct {
	fresh, yanked []option
	// freshFinal and yankedFinal are those that are no pre-releases.
	freshFinal, yankedFinal []option
	// left is what does not fit, for explanations.
	left unfit
}

// unfit counts the files of a distribution that the target cannot have, by why.
type unfit struct {
	// python are for other versions of Python, platform for other platforms; late came after the time limit, and sdists
	// are source distributions where only wheels are taken.
	python, platform, late, sdists int
}

// finder finds what can be chosen from.
type finder struct {
	source Source
	target *Target
	// before is when a file has to have come to its index. Zero takes all.
	before     time.Time
	wheelsOnly bool
	// direct are the only files of some distributions, by name.
	direct map[string]*pythonindex.File

	mu       sync.Mutex
	projects map[string]*options
}

// options are those of the distribution. Files that pip would not take are left out, and what is left has pip's order.
func (f *finder) options(ctx context.Context, name string) (*options, error) {
	f.mu.Lock()
	known := f.projects[name]
	f.mu.Unlock()
	if known != nil {
		return known, nil
	}
	found, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.projects[name] = found
	return found, nil
}

func (f *finder) find(ctx context.Context, name string) (*options, error) {
	if file := f.direct[name]; file != nil {
		return f.forDirect().sort([]pythonindex.Listed{pythonindex.List(file)}), nil
	}
	files, others, err := f.files(ctx, name)
	if err != nil {
		return nil, err
	}
	found := f.sort(files)
	found.left.platform += others
	return found, nil
}

// forDirect has no rules but those of the target: what has an address was chosen by the user.
func (f *finder) forDirect() *finder { return &finder{target: f.target} }

// files are the files that may fit, and how many others there are, which do not.
func (f *finder) files(ctx context.Context, name string) (files []pythonindex.Listed, others int, err error) {
	if source, ok := f.source.(fitter); ok {
		return source.Fitting(ctx, name, f.target.tags)
	}
	all, err := f.source.Files(ctx, name)
	for _, file := range all {
		files = append(files, pythonindex.List(file))
	}
	return files, 0, err
}

// ranked is a file that fits, and how well.
type ranked struct {
	*pythonindex.Listed

	rank, at int
}

func (f *finder) sort(files []pythonindex.Listed) *options {
	found := &options{}
	var fresh, yanked []ranked
	pythons := pythons{}
	for i := range files {
		file := &files[i]
		rank, fits := f.fits(file, &found.left, pythons)
		switch r := (ranked{file, rank, i}); {
		case !fits:
		case file.Yanked:
			yanked = append(yanked, r)
		default:
			fresh = append(fresh, r)
		}
	}
	found.fresh, found.yanked = best(fresh), best(yanked)
	place(found.fresh, found.yanked)
	found.freshFinal, found.yankedFinal = finals(found.fresh), finals(found.yanked)
	return found
}

// pythons remembers whether the target has a Python of these, of which the files of a distribution have few.
type pythons map[string]bool

func (p pythons) allow(t *Target, requires string) bool {
	allowed, known := p[requires]
	if !known {
		allowed = t.allowsPython(requires)
		p[requires] = allowed
	}
	return allowed
}

// fits tells whether the target can have the file, and counts why not.
func (f *finder) fits(file *pythonindex.Listed, left *unfit, pythons pythons) (rank int, ok bool) {
	switch {
	case file.Wheel == nil && f.wheelsOnly:
		left.sdists++
		return 0, false
	case file.Wheel == nil:
		rank = f.target.tags.Len() // after all wheels
	default:
		if rank, ok = f.target.tags.Rank(*file.Wheel); !ok {
			left.platform++
			return 0, false
		}
	}
	switch {
	case !f.before.IsZero() && !file.Uploaded.Before(f.before), !f.before.IsZero() && file.Uploaded.IsZero():
		left.late++
		return 0, false
	case !pythons.allow(f.target, file.RequiresPython):
		left.python++
		return 0, false
	}
	return rank, true
}

// best is the best file of each version, the newest version first. Of files that are alike, the one listed last is taken, as
// by pip.
func best(files []ranked) []option {
	slices.SortFunc(files, func(a, b ranked) int {
		return cmp.Or(
			b.Version.Compare(a.Version),
			cmp.Compare(a.rank, b.rank),
			compareBuild(b.Wheel, a.Wheel),
			cmp.Compare(b.at, a.at),
		)
	})
	files = slices.CompactFunc(files, func(a, b ranked) bool { return a.Version.Compare(b.Version) == 0 })
	options := make([]option, len(files))
	for i, r := range files {
		options[i] = option{version: r.Version, file: r.Origin()}
	}
	return options
}

// place gives each version its place. One that is in both lists has the same in both.
func place(fresh, yanked []option) {
	for i := range fresh {
		fresh[i].place = i
	}
	for i := range yanked {
		yanked[i].place = len(fresh) + i
		same, found := slices.BinarySearchFunc(fresh, yanked[i].version, func(o option, v pep440.Version) int { return v.Compare(o.version) })
		if found {
			yanked[i].place = same
		}
	}
}

func compareBuild(a, b *pep425.Wheel) int {
	if a == nil || b == nil {
		return 0
	}
	return a.CompareBuild(*b)
}

// allowed is what the specifier leaves, the best first, by pip's rules: a pre-release is taken where the specifier names one
// or nothing else is left, and what was yanked only where an exact version leaves nothing else (PEP 592).
func (o *options) allowed(specifier pep440.Specifier) []option {
	var fresh, yanked []option
	if !specifier.NamesPrerelease() {
		fresh, yanked = allow(o.freshFinal, specifier), allow(o.yankedFinal, specifier)
	}
	if len(fresh)+len(yanked) == 0 {
		fresh, yanked = allow(o.fresh, specifier), allow(o.yanked, specifier)
	}
	if len(fresh) == 0 && isPinned(specifier) {
		return yanked
	}
	return fresh
}

// allow is what the specifier leaves, which is a part of all where nothing in between is excluded.
func allow(all []option, specifier pep440.Specifier) []option {
	first, after, whole := specifier.Stretch(len(all), func(i int) pep440.Version { return all[i].version })
	all = all[first:after:after]
	if whole {
		return all
	}
	return keep(all, func(o *option) bool { return specifier.Allows(o.version) })
}

func finals(all []option) []option {
	return keep(all, func(o *option) bool { return !o.version.IsPrerelease() })
}

// keep is those that are wanted. All stays as it is, and is the answer where all are.
func keep(all []option, wanted func(*option) bool) []option {
	for i := range all {
		if wanted(&all[i]) {
			continue
		}
		some := slices.Clone(all[:i])
		for i++; i < len(all); i++ {
			if wanted(&all[i]) {
				some = append(some, all[i])
			}
		}
		return some
	}
	return all
}

// isPinned tells a specifier that names one exact version.
func isPinned(specifier pep440.Specifier) bool {
	return slices.ContainsFunc(specifier.Clauses(), func(c pep440.Clause) bool {
		return c.Operator() == "===" || c.Operator() == "==" && !c.Wildcard()
	})
}
