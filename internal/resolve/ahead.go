package resolve

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

const (
	// together is how many looks ahead are under way at one time. The source has room for more, so that none makes the search
	// itself wait.
	together = 24
	// farthest bounds the looks ahead of one search, most of which are of use.
	farthest = 2000
	// inRow is how many versions of one distribution are looked at ahead of the search, at most.
	inRow = 24
)

// lookout gets ready what a search is about to ask for: of each need, the files of the distribution, the metadata of the
// version that would be taken if nobody else needed it, and so on for what that needs. It changes no answer.
type lookout struct {
	ctx    context.Context //nolint:containedctx // that of one search
	cancel context.CancelFunc
	finder *finder
	slots  *semaphore.Weighted
	looks  sync.WaitGroup

	mu   sync.Mutex
	seen map[string]bool
	// candidates counts those whose metadata was asked for by [resolution.follow]. Only the search uses it.
	candidates int
}

func newLookout(ctx context.Context, f *finder) *lookout {
	ctx, cancel := context.WithCancel(ctx)
	return &lookout{ctx: ctx, cancel: cancel, finder: f, slots: semaphore.NewWeighted(together), seen: map[string]bool{}}
}

// close ends all looks, and waits for them.
func (l *lookout) close() {
	l.cancel()
	l.looks.Wait()
}

// heed looks ahead from a need, unless that was done.
func (l *lookout) heed(name string, extras []string, specifier pep440.Specifier) {
	id := key(name, extras) + " " + specifier.String()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[id] || len(l.seen) >= farthest || name == pythonKey {
		return
	}
	l.seen[id] = true
	l.looks.Go(func() { l.look(name, extras, specifier) })
}

// look fails in silence: the search meets every error itself, if it comes there.
func (l *lookout) look(name string, extras []string, specifier pep440.Specifier) {
	if l.slots.Acquire(l.ctx, 1) != nil {
		return
	}
	needed := l.read(name, extras, specifier)
	l.slots.Release(1)
	for _, r := range needed {
		l.heed(r.Name, r.Extras, r.Specifier)
	}
}

// read is what the best version needs.
func (l *lookout) read(name string, extras []string, specifier pep440.Specifier) []pep508.Requirement {
	all, err := l.finder.options(l.ctx, name)
	if err != nil {
		return nil
	}
	allowed := all.allowed(specifier)
	if len(allowed) == 0 {
		return nil
	}
	metadata, err := l.finder.source.Metadata(l.ctx, allowed[0].file.File())
	if err != nil {
		return nil
	}
	var needed []pep508.Requirement
	for _, r := range metadata.Requires {
		if holds, err := r.Marker.Holds(l.finder.target.environment, extras...); err == nil && holds {
			needed = append(needed, r)
		}
	}
	return needed
}

// follow gets ready the metadata of candidates that come next, after one of the criterion's, or first where that is
// nil: where one was to no avail, the next often is as well. The longer that goes on, the more of them it gets ready at
// one time.
func (r *resolution) follow(c *criterion, after *candidate) {
	var name string
	var next []*candidate
	ready := 0
	for candidate := range r.left(c) {
		if after != nil {
			if candidate == after {
				after = nil
			}
			continue
		}
		if name == "" {
			name = candidate.name
			r.retries[name]++
			ready = min(1<<min(r.retries[name], 10), inRow)
		}
		if ready--; ready < 0 {
			break
		}
		next = append(next, candidate)
	}
	for _, candidate := range next {
		r.lookout.ready(candidate)
	}
}

// ready gets the metadata of a candidate, unless that was done.
func (l *lookout) ready(c *candidate) {
	if c.base != nil {
		c = c.base
	}
	if c.ahead || c.metadata != nil || c.broken != nil || c.key == pythonKey || l.candidates >= farthest {
		return
	}
	c.ahead = true
	l.candidates++
	file := c.file()
	l.looks.Go(func() {
		if l.slots.Acquire(l.ctx, 1) == nil {
			_, _ = l.finder.source.Metadata(l.ctx, file) // the search meets the error itself
			l.slots.Release(1)
		}
	})
}
