package resolve

import (
	"context"
	"iter"
	"slices"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// demand is what all the needs of a node amount to.
type demand struct {
	specifier pep440.Specifier
	// exact is the only candidate that will do, nil for any that the specifier allows. It is never where there are two
	// of them.
	exact *candidate
	never bool
}

// with is the demand of one more.
func (d demand) with(n *need) demand {
	switch {
	case n.exact == nil:
		d.specifier = d.specifier.And(n.specifier)
	case d.exact != nil && d.exact != n.exact:
		d.never = true
	default:
		d.exact = n.exact
	}
	return d
}

// and is the demand of both.
func (d demand) and(other demand) demand {
	d.never = d.never || other.never
	if other.exact != nil {
		d = d.with(&need{exact: other.exact})
	}
	d.specifier = d.specifier.And(other.specifier)
	return d
}

func demandOf(needs []*need) demand {
	var d demand
	for _, n := range needs {
		d = d.with(n)
	}
	return d
}

// choice is what the needs of a node leave, before anything is excluded: those that are preferred, and then
// the options. There are many of them, and candidates are made of few.
type choice struct {
	versions  *versions
	preferred []*candidate
	options   []option
}

func (c choice) prefers(option *candidate) bool { return slices.Contains(c.preferred, option) }

// fill finds out what is left for a criterion that has its needs and those of its distribution, the best first. What is
// known of the node so far may tell that already.
func (r *resolution) fill(ctx context.Context, criteria map[string]*criterion, k string, c, known *criterion) (err error) {
	all := r.versions(k)
	if k == pythonKey {
		if c.demand.specifier.Allows(r.python.version) {
			c.choice = choice{preferred: []*candidate{r.python}}
		}
		return nil
	}
	d, needed := c.demand, len(c.needs) > 0
	if len(all.extras) > 0 {
		c.narrowed = true
		if base := criteria[all.name]; base != nil {
			d, needed = d.and(base.demand), needed || len(base.needs) > 0
		}
	} else if known != nil && !known.narrowed && !d.never && d.exact == known.demand.exact && d.specifier.Same(known.demand.specifier) {
		c.choice = known.choice
		return nil
	}
	if d.never || !needed {
		return nil
	}
	c.choice, err = r.choice(ctx, all, d)
	return err
}

// choice is what meets the demand and the user's constraints.
func (r *resolution) choice(ctx context.Context, all *versions, d demand) (choice, error) {
	specifier := r.constraints[all.name].And(d.specifier)
	if e := d.exact; e != nil {
		if !specifier.Allows(e.version) {
			return choice{}, nil
		}
		only := all.candidate(option{version: e.version, file: e.origin, installed: e.installed()})
		return choice{preferred: []*candidate{only}}, nil
	}
	left := choice{versions: all}
	for _, o := range r.preferred[all.name] {
		if specifier.Allows(o.version) && !left.prefers(all.candidate(o)) {
			left.preferred = append(left.preferred, all.candidate(o))
		}
	}
	found, err := r.finder.options(ctx, all.name)
	if err != nil {
		return choice{}, err
	}
	left.options = found.allowed(specifier)
	return left, nil
}

// left are the candidates that are left to try, the best first.
func (r *resolution) left(c *criterion) iter.Seq[*candidate] {
	return func(yield func(*candidate) bool) {
		for _, preferred := range c.choice.preferred {
			if r.isLeft(c, preferred) && !yield(preferred) {
				return
			}
		}
		for i := range c.choice.options {
			option := c.choice.versions.option(&c.choice.options[i])
			if !c.choice.prefers(option) && r.isLeft(c, option) && !yield(option) {
				return
			}
		}
	}
}

// isLeft tells that nobody has excluded the candidate.
func (r *resolution) isLeft(c *criterion, option *candidate) bool {
	if c.excluded.has(option.place) {
		return false
	}
	if r.leftOut == 0 {
		return true
	}
	_, hopeless := r.hopeless[option]
	return !hopeless
}

// isEmpty tells that nothing is left to try.
func (r *resolution) isEmpty(c *criterion) bool {
	for range r.left(c) {
		return false
	}
	return true
}

// versions are the candidates of one node, as far as they were looked at.
type versions struct {
	key, name string
	extras    []string
	// base are those of the distribution, for a node with extras.
	base *versions
	// known are the candidates by version, and placed those of the options, by their place.
	known  map[string]*candidate
	placed []*candidate
}

// versions are those of the node.
func (r *resolution) versions(k string) *versions {
	if known := r.candidates[k]; known != nil {
		return known
	}
	v := &versions{key: k, known: map[string]*candidate{}}
	v.name, v.extras = splitKey(k)
	if len(v.extras) > 0 {
		v.base = r.versions(v.name)
	}
	r.candidates[k] = v
	return v
}

// option is the one candidate of that option of the index.
func (v *versions) option(o *option) *candidate {
	if o.place >= len(v.placed) {
		v.placed = append(v.placed, make([]*candidate, o.place+1-len(v.placed))...)
	}
	if v.placed[o.place] == nil {
		v.placed[o.place] = v.candidate(*o)
	}
	return v.placed[o.place]
}

// candidate is the one candidate of that version.
func (v *versions) candidate(o option) *candidate {
	c := v.known[o.version.Key()]
	if c == nil {
		c = &candidate{key: v.key, name: v.name, version: o.version, origin: o.file, metadata: o.installed, place: len(v.known)}
		if v.base != nil {
			c.base, c.extras = v.base.candidate(o), v.extras
		}
		v.known[o.version.Key()] = c
	}
	return c
}

// places is a set of candidates of one node, by their place. It is not changed once it is made.
type places []uint64

func (p places) has(place int) bool {
	return place/64 < len(p) && p[place/64]>>(place%64)&1 == 1
}

// with is the set with one more.
func (p places) with(place int) places {
	return p.union(append(make(places, place/64), 1<<(place%64)))
}

// union is the set of what either has. It is one of both where it can be.
func (p places) union(other places) places {
	if len(p) < len(other) {
		p, other = other, p
	}
	for i, bits := range other {
		if bits&^p[i] == 0 {
			continue
		}
		all := append(places(nil), p...)
		for ; i < len(other); i++ {
			all[i] |= other[i]
		}
		return all
	}
	return p
}
