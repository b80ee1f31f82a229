package resolve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// The algorithm is that of pip's resolver (resolvelib 1.2): candidates are pinned one after the other, the best first; where none
// works, it goes back to the last pin that has to do with the conflict. What decides which answer is found is the same, step by step, so that the answer is pip's.

const (
	// maxRounds bounds the search, as pip does.
	maxRounds = 200_000
	// laterRounds bounds each search after the first, of which pip has none.
	laterRounds = 20_000
	// looks is how often a search looks whether it is lost.
	looks = 20
	// optimism is the share of the rounds in which it may go back further than is certain to be right.
	optimism = 0.1
	// promotion is how many conflicts let a node go first.
	promotion = 5
)

// criterion is all that is known of a node: who needs it, and what is left to choose from. It stays as it
// is once it is made.
type criterion struct {
	needs  []*need
	demand demand
	choice choice
	// narrowed tells that the choice was made from more needs than are left, or may have been, as with extras.
	narrowed bool
	// excluded are candidates that were tried, to no avail.
	excluded places
	// last is the candidate that was compared with the needs last, and met that it meets them.
	last *candidate
	met  bool
}

// state is how far things were after a pin.
type state struct {
	// order has the keys of pins, the last pin last.
	order    []string
	pins     map[string]*candidate
	criteria map[string]*criterion
	causes   []*need
}

func (s *state) clone() *state {
	return &state{slices.Clone(s.order), maps.Clone(s.pins), maps.Clone(s.criteria), slices.Clone(s.causes)}
}

// pin makes the candidate the last pin.
func (s *state) pin(c *candidate) {
	if _, pinned := s.pins[c.key]; pinned {
		s.order = slices.DeleteFunc(s.order, func(k string) bool { return k == c.key })
	}
	s.order, s.pins[c.key] = append(s.order, c.key), c
}

// unpin takes the last pin back. It is nil where there is none.
func (s *state) unpin() *candidate {
	if len(s.order) == 0 {
		return nil
	}
	last := s.order[len(s.order)-1]
	s.order = s.order[:len(s.order)-1]
	c := s.pins[last]
	delete(s.pins, last)
	return c
}

// satisfied tells that the node has a pin, and that the pin is what everybody needs.
func (s *state) satisfied(k string) bool {
	pin, c := s.pins[k], s.criteria[k]
	if pin != nil && c.last != pin {
		c.last, c.met = pin, !slices.ContainsFunc(c.needs, func(n *need) bool { return !n.meets(pin) })
	}
	return pin != nil && c.met
}

// resolution is one search.
type resolution struct {
	finder *finder
	// constraints bound distributions that somebody needs, by name.
	constraints map[string]pep440.Specifier
	// preferred are the versions that are taken where they fit, by name.
	preferred map[string][]option
	// asked is the place of each node in what the user asked for.
	asked      map[string]int
	candidates map[string]*versions
	python     *candidate

	states []*state
	// saved is where the optimism began.
	saved    []*state
	optimism float64
	// cutoff is the round in which it ends.
	cutoff int
	// conflicts counts how often a node without a pin was part of a conflict.
	conflicts map[string]int
	promoted  map[string]bool
	// first is the need that each node was first needed by.
	first   map[string]*need
	lookout *lookout
	// unusable is what was wrong with the metadata of a distribution, by name.
	unusable map[string]error
	// retries counts how often something else was tried in a distribution's place, by name.
	retries map[string]int
	// hopeless are the candidates that are known to be in no answer, and leftOut how many of them the search leaves
	// out, at first none.
	hopeless map[*candidate][]*need
	leftOut  int
	// stuck are the pins up to the first hopeless one, when that was looked at last.
	stuck []*candidate
	// named are the names that the request has.
	named []string
	// addresses are the user's requirements that have an address, by name.
	addresses map[string]pep508.Requirement
}

func (r *resolution) top() *state { return r.states[len(r.states)-1] }

// impossible is a conflict that nothing is left to try against.
type impossible struct{ causes []*need }

// Error implements error.
func (e *impossible) Error() string { return "the requirements exclude each other" }

// conflicted is that nobody is left who meets all the needs of a node.
type conflicted struct{ needs []*need }

// Error implements error.
func (e *conflicted) Error() string { return "no candidate meets all needs" }

// run searches until all that is needed is pinned. Where that does not end, it leaves out what can be in no answer, and
// searches again.
func (r *resolution) run(ctx context.Context, needs []*need, rounds int) (*state, error) {
	for ; ; rounds = min(rounds, laterRounds) {
		final, err := r.search(ctx, needs, rounds)
		if !errors.Is(err, errTooDeep) {
			return final, err
		}
		switch again, failed := r.leaveOut(ctx); {
		case failed != nil:
			return nil, failed
		case !again:
			return nil, fmt.Errorf("%w; the last thing in the way:\n%w", err, r.explain(ctx, r.top().causes))
		}
	}
}

// search is one search, of so many rounds.
func (r *resolution) search(ctx context.Context, needs []*need, rounds int) (*state, error) {
	r.states = []*state{{pins: map[string]*candidate{}, criteria: map[string]*criterion{}}}
	r.stuck, r.saved, r.optimism, r.cutoff, r.conflicts, r.promoted = nil, nil, optimism, 0, map[string]int{}, map[string]bool{}
	switch conflict, err := r.addAll(ctx, r.top().criteria, needs); {
	case err != nil:
		return nil, err
	case conflict != nil:
		return nil, &impossible{conflict}
	}
	r.states = append(r.states, r.top().clone())
	for round := range rounds {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		if r.overdue(round, rounds) {
			r.sober()
			continue
		}
		if r.optimism == 0 && round%max(1, rounds/looks) == 0 {
			if lost, err := r.isLost(ctx); lost || err != nil {
				return nil, cmp.Or(err, errTooDeep)
			}
		}
		done, err := r.round(ctx)
		if err != nil {
			return nil, err
		}
		if done {
			return r.top(), nil
		}
	}
	return nil, errTooDeep
}

// overdue tells that the optimism had its share of the rounds.
func (r *resolution) overdue(round, rounds int) bool {
	if r.optimism == 0 || r.saved == nil {
		return false
	}
	if r.cutoff == 0 {
		r.cutoff = round + int(float64(rounds-round)*r.optimism)
	}
	return round >= r.cutoff
}

// round pins one more node, or goes back. It is done where there is nothing to pin.
func (r *resolution) round(ctx context.Context) (done bool, err error) {
	st := r.top()
	var open, satisfied []string
	for k := range st.criteria {
		if st.satisfied(k) {
			satisfied = append(satisfied, k)
		} else {
			open = append(open, k)
		}
	}
	if len(open) == 0 {
		return true, nil
	}
	causes, err := r.attempt(ctx, r.choose(st, open))
	if err != nil {
		return false, err
	}
	if len(causes) > 0 {
		return false, r.retreat(ctx, causes)
	}
	r.forget(st, satisfied)
	r.states = append(r.states, st.clone())
	return false, nil
}

// add adds a need to the criteria, which are then left with fewer candidates.
func (r *resolution) add(ctx context.Context, criteria map[string]*criterion, n *need) error {
	if r.first[n.key] == nil {
		r.first[n.key] = n
	}
	if n.exact == nil && !n.heeded {
		n.heeded = true
		r.lookout.heed(n.name, n.requirement.Extras, n.specifier)
	}
	next := &criterion{}
	known := criteria[n.key]
	if m := n.last; m.after != nil && m.before == known && m.leftOut == r.leftOut {
		return m.add(criteria, n.key)
	}
	if known != nil {
		next.needs, next.demand, next.excluded = known.needs, known.demand, known.excluded
	}
	next.needs, next.demand = append(slices.Clip(next.needs), n), next.demand.with(n)
	if err := r.fill(ctx, criteria, n.key, next, known); err != nil {
		return err
	}
	added := addition{known, next, r.isEmpty(next), r.leftOut}
	if !next.narrowed {
		n.last = added
	}
	return added.add(criteria, n.key)
}

// addition is what became of a node when a need was added to it. It becomes the same again while no more are left out.
type addition struct {
	before, after *criterion
	empty         bool
	leftOut       int
}

func (a *addition) add(criteria map[string]*criterion, k string) error {
	if a.empty {
		return &conflicted{a.after.needs}
	}
	criteria[k] = a.after
	return nil
}

// attempt pins the first candidate of the node whose needs can be met. Where there is none, it gives the causes.
func (r *resolution) attempt(ctx context.Context, k string) (causes []*need, err error) {
	st := r.top()
	for c := range r.left(st.criteria[k]) {
		needs, err := r.needsOf(ctx, c)
		if unusable(err) {
			r.unusable[c.name] = err
			r.follow(st.criteria[k], c)
			continue
		}
		if err != nil {
			return nil, err
		}
		switch conflict, err := r.try(ctx, st.criteria, needs); {
		case err != nil:
			return nil, err
		case conflict != nil:
			causes = append(causes, conflict...)
			r.follow(st.criteria[k], c)
		default:
			st.pin(c)
			return nil, nil
		}
	}
	if len(causes) == 0 { // none can be used
		causes = st.criteria[k].needs
	}
	return distinct(causes), nil
}

// try adds needs, and takes them back where one is in conflict. It gives the needs that are.
func (r *resolution) try(ctx context.Context, criteria map[string]*criterion, needs []*need) ([]*need, error) {
	before := make([]*criterion, len(needs))
	for i, n := range needs {
		before[i] = criteria[n.key]
	}
	conflict, err := r.addAll(ctx, criteria, needs)
	if conflict == nil {
		return nil, err
	}
	for i, n := range needs {
		if before[i] == nil {
			delete(criteria, n.key)
		} else {
			criteria[n.key] = before[i]
		}
	}
	return conflict, nil
}

// addAll adds needs until one is in conflict, and gives the needs that are.
func (r *resolution) addAll(ctx context.Context, criteria map[string]*criterion, needs []*need) ([]*need, error) {
	for _, n := range needs {
		err := r.add(ctx, criteria, n)
		if c, ok := errors.AsType[*conflicted](err); ok {
			return c.needs, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// distinct is the needs, each once, in their order.
func distinct(needs []*need) []*need {
	seen := map[*need]bool{}
	return slices.DeleteFunc(slices.Clone(needs), func(n *need) bool {
		before := seen[n]
		seen[n] = true
		return before
	})
}
