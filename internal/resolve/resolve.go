// Package resolve finds the versions that a set of requirements leads to: pip's algorithm, for a Python and a platform that
// need not be there, and without running anything.
package resolve

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// Request is what is to be resolved.
type Request struct {
	// Requirements are what is wanted, in an order that decides where nothing else does.
	Requirements []pep508.Requirement
	// Constraints bound what is needed anyway.
	Constraints []pep508.Requirement
	Target      *Target
	// Preferred are the versions that are taken wherever they fit: locked ones, and those that the base image has. Of several
	// of one distribution, the first that fits is taken.
	Preferred []Pin
	// Direct are the files that distributions come from which have an address among the requirements, by normalised name. They
	// come from nowhere else, whatever versions are needed.
	Direct map[string]*pythonindex.File
	// Before is when a file has to have come to its index. Zero takes all.
	Before time.Time
	// WheelsOnly takes no source distributions from an index.
	WheelsOnly bool
}

// Pin is a distribution with a version.
type Pin struct {
	// Name is normalised.
	Name    string
	Version pep440.Version
	// File is what is to be installed, nil for what the base image has.
	File *pythonindex.File
	// Metadata is that of what the base image has, nil else.
	Metadata *pythonindex.Metadata
	// Requires are the names of those among the pins that this one needs, sorted.
	Requires []string
}

// Resolve finds a version for each distribution that is needed, sorted by name. The error is a [*ConflictError] where there
// are none that go together, or the source's.
func Resolve(ctx context.Context, source Source, request Request) ([]Pin, error) {
	return resolveWithin(ctx, source, request, maxRounds)
}

// resolveWithin is [Resolve] with so many rounds for the first search.
func resolveWithin(ctx context.Context, source Source, request Request, rounds int) ([]Pin, error) {
	r, err := newResolution(ctx, source, request)
	if err != nil {
		return nil, err
	}
	defer r.lookout.close()
	needs, err := r.roots(request)
	if err != nil {
		return nil, err
	}
	final, err := r.run(ctx, needs, rounds)
	if impossible, ok := errors.AsType[*impossible](err); ok {
		return nil, r.explain(ctx, impossible.causes)
	}
	if err != nil {
		return nil, err
	}
	return r.reached(ctx, final, needs)
}

// newResolution is a search that has not begun. Its lookout is to be closed.
func newResolution(ctx context.Context, source Source, request Request) (*resolution, error) {
	r := &resolution{
		finder: &finder{
			source: source, target: request.Target, before: request.Before, wheelsOnly: request.WheelsOnly, direct: request.Direct,
			projects: map[string]*options{},
		},
		constraints: map[string]pep440.Specifier{}, preferred: map[string][]option{}, asked: map[string]int{},
		candidates: map[string]*versions{},
		python:     &candidate{key: pythonKey, name: pythonKey, version: request.Target.Python},
		first:      map[string]*need{},
		unusable:   map[string]error{}, retries: map[string]int{}, hopeless: map[*candidate][]*need{},
		named: request.names(), addresses: map[string]pep508.Requirement{},
	}
	for _, c := range request.Constraints {
		holds, err := c.Marker.Holds(request.Target.environment)
		if err != nil {
			return nil, err
		}
		if holds {
			r.constraints[c.Name] = r.constraints[c.Name].And(c.Specifier)
		}
	}
	for _, p := range request.Preferred {
		if request.Direct[p.Name] != nil {
			continue
		}
		o := option{version: p.Version, file: pythonindex.OriginOf(p.File), installed: p.Metadata}
		r.preferred[p.Name] = append(r.preferred[p.Name], o)
	}
	r.lookout = newLookout(ctx, r.finder)
	return r, nil
}

// names are those that the request has, each once.
func (request *Request) names() []string {
	var names []string
	for _, r := range slices.Concat(request.Requirements, request.Constraints) {
		names = append(names, r.Name)
	}
	for _, p := range request.Preferred {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// roots are what the user needs. Those with extras come last, as for pip, which decides nothing but spares candidates.
func (r *resolution) roots(request Request) ([]*need, error) {
	var plain, withExtras []*need
	for i, required := range request.Requirements {
		holds, err := required.Marker.Holds(request.Target.environment)
		if err != nil {
			return nil, err
		}
		if !holds {
			continue
		}
		if err := r.addressed(required); err != nil {
			return nil, err
		}
		needs := newNeeds(required, nil)
		if _, known := r.asked[needs[0].key]; !known {
			r.asked[needs[0].key] = i
		}
		for _, n := range needs {
			if n.key == n.name {
				plain = append(plain, n)
			} else {
				withExtras = append(withExtras, n)
			}
		}
	}
	return append(plain, withExtras...), nil
}

// reached are the pins that the user's needs lead to; others are left from what was tried.
func (r *resolution) reached(ctx context.Context, st *state, needs []*need) ([]Pin, error) {
	pins, seen := map[string]*Pin{}, map[string]bool{}
	for len(needs) > 0 {
		k := needs[0].key
		needs = needs[1:]
		if seen[k] || k == pythonKey {
			continue
		}
		seen[k] = true
		c := st.pins[k]
		if pins[c.name] == nil {
			pins[c.name] = &Pin{Name: c.name, Version: c.version, File: c.file(), Metadata: c.installed()}
		}
		more, err := r.needsOf(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, n := range more {
			if n.key != pythonKey && n.name != c.name {
				pins[c.name].Requires = append(pins[c.name].Requires, n.name)
			}
		}
		needs = append(needs, more...)
	}
	all := make([]Pin, 0, len(pins))
	for _, name := range slices.Sorted(maps.Keys(pins)) {
		slices.Sort(pins[name].Requires)
		pins[name].Requires = slices.Compact(pins[name].Requires)
		all = append(all, *pins[name])
	}
	return all, nil
}
