package resolve

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// A node of the graph is known by its key: the name of a distribution, or the name with the extras that are asked for at
// once ("uvicorn[standard]"). The latter stands for what the extras need; the distribution itself is a node of its own.
// (This is how pip keeps one version for all who need a distribution, whatever extras they ask for.)

// pythonKey is the node that stands for the Python of the target, for which no distribution can be taken.
const pythonKey = "<Python from Requires-Python>"

// key is the node of a requirement.
func key(name string, extras []string) string {
	if len(extras) == 0 {
		return name
	}
	return name + "[" + strings.Join(extras, ",") + "]"
}

// splitKey is the distribution of a node, and the extras that it stands for.
func splitKey(k string) (name string, extras []string) {
	name, list, found := strings.Cut(strings.TrimSuffix(k, "]"), "[")
	if !found {
		return k, nil
	}
	return name, strings.Split(list, ",")
}

// candidate is a node with a version.
type candidate struct {
	key     string
	name    string
	extras  []string
	version pep440.Version
	// origin is what is to be installed, zero for what the base image has and keeps.
	origin pythonindex.Origin
	// base is the distribution itself, for a node with extras.
	base *candidate
	// metadata is nil until it is asked for.
	metadata *pythonindex.Metadata
	// needs is nil until it is asked for. Broken is why it cannot be had.
	needs  []*need
	broken error
	// place is the candidate's in the sets of those that are excluded.
	place int
	// ahead tells that the metadata was asked for before its time.
	ahead bool
}

// need is that one candidate needs another: an edge of the graph.
type need struct {
	// key and name are those of what is needed.
	key, name string
	specifier pep440.Specifier
	// exact is the only candidate that will do, nil for any that the specifier allows.
	exact *candidate
	// parent is who needs it, nil for the user.
	parent *candidate
	// requirement is what was written.
	requirement pep508.Requirement
	// What the specifier has: an exact version, an upper bound, any clause at all.
	pinned, bounded, bound bool
	// heeded tells that the lookout knows.
	heeded bool
	// last is what became of the node when the need was last added to it.
	last addition
}

// meets tells whether the candidate, which is of the need's node or of its distribution, is what is needed.
func (n *need) meets(c *candidate) bool {
	if n.exact != nil {
		return n.exact == c || n.exact == c.base
	}
	return n.specifier.Allows(c.version)
}

// newNeeds are the edges that a requirement makes. One with extras and versions makes two, so that the versions hold for the
// distribution whatever extras are asked for.
func newNeeds(r pep508.Requirement, parent *candidate) []*need {
	n := &need{key: key(r.Name, r.Extras), name: r.Name, specifier: r.Specifier, parent: parent, requirement: r}
	for _, c := range r.Specifier.Clauses() {
		n.bound = true
		switch c.Operator() {
		case "===":
			n.pinned = true
		case "==":
			n.pinned, n.bounded = n.pinned || !c.Wildcard(), n.bounded || c.Wildcard()
		case "<", "<=", "~=":
			n.bounded = true
		}
	}
	if len(r.Extras) == 0 || !n.bound {
		return []*need{n}
	}
	base := *n
	base.key = r.Name
	return []*need{&base, n}
}

// metadataOf is what the candidate's distribution says of itself.
func (r *resolution) metadataOf(ctx context.Context, c *candidate) (*pythonindex.Metadata, error) {
	if c.base != nil {
		return r.metadataOf(ctx, c.base)
	}
	if c.metadata == nil {
		metadata, err := r.finder.source.Metadata(ctx, c.file())
		if err != nil {
			return nil, err
		}
		c.metadata = metadata
	}
	return c.metadata, nil
}

// needsOf are what the candidate needs, in the order of its metadata.
func (r *resolution) needsOf(ctx context.Context, c *candidate) ([]*need, error) {
	if c.needs != nil || c.broken != nil || c.key == pythonKey {
		return c.needs, c.broken
	}
	needs, err := r.readNeeds(ctx, c)
	if unusable(err) {
		c.broken = err
	}
	c.needs = needs
	return needs, err
}

func (r *resolution) readNeeds(ctx context.Context, c *candidate) ([]*need, error) {
	metadata, err := r.metadataOf(ctx, c)
	if err != nil {
		return nil, err
	}
	var needs []*need
	var extras []string
	switch {
	case c.base != nil:
		needs = append(needs, &need{key: c.name, name: c.name, exact: c.base, parent: c})
		extras = intersection(c.extras, metadata.Extras)
	case !c.keeps() && metadata.RequiresPython.String() != "":
		needs = append(needs, &need{key: pythonKey, name: pythonKey, specifier: metadata.RequiresPython, parent: c})
	}
	for _, required := range metadata.Requires {
		holds, err := required.Marker.Holds(r.finder.target.environment, extras...)
		if err != nil {
			return nil, &pythonindex.MetadataError{File: c.fileName(), Index: c.index(), Err: err}
		}
		if holds && (c.base == nil || len(extras) > 0 || required.Marker.IsZero()) {
			if err := r.allowAddress(c, required); err != nil {
				return nil, err
			}
			needs = append(needs, newNeeds(required, c)...)
		}
	}
	if needs == nil {
		needs = []*need{}
	}
	return needs, nil
}

func intersection(a, b []string) []string {
	var both []string
	for _, x := range a {
		if slices.Contains(b, x) {
			both = append(both, x)
		}
	}
	return both
}

// installed is the metadata of what the base image has, nil else.
func (c *candidate) installed() *pythonindex.Metadata {
	if !c.keeps() {
		return nil
	}
	return c.metadata
}

// keeps tells that the candidate is what the base image has.
func (c *candidate) keeps() bool { return c.origin == pythonindex.Origin{} }

// file is what is to be installed, nil for what the base image has and keeps.
func (c *candidate) file() *pythonindex.File { return c.origin.File() }

func (c *candidate) fileName() string {
	if c.keeps() {
		return c.name + " of the base image"
	}
	return c.file().Name
}

// index is the name of the index that has the file, empty for what the base image has.
func (c *candidate) index() string {
	if c.keeps() {
		return ""
	}
	return c.file().Index
}

// unusable tells an error that is about one candidate only.
func unusable(err error) bool {
	_, ok := errors.AsType[*pythonindex.MetadataError](err)
	return ok
}
