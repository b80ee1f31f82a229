package embedded

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// lease is the right to write one record, as long as the record says so.
type lease struct {
	store *store
	repo  name.Repository
	id    string
	// turn admits one write at a time, the work's own or a renewal.
	turn chan struct{}
	// release lets go of the lease's lifeline; the record must not have the lease any more.
	release func()
}

func newLease(s *store, repo name.Repository) *lease {
	id := newBuildID(path.Base(repo.RepositoryStr()))
	return &lease{store: s, repo: repo, id: id, turn: make(chan struct{}, 1), release: s.lifelines().Tie(id)}
}

// lostLeaseError tells that the record is somebody else's now.
type lostLeaseError struct{ holder string }

func (e *lostLeaseError) Error() string {
	if e.holder == "" {
		return "the image was deleted or changed by another process"
	}
	return fmt.Sprintf("the image was taken over by %s", e.holder)
}

// terms are the lease as it is written into a record now.
func (l *lease) terms() *leaseTerms {
	return &leaseTerms{ID: l.id, Holder: l.store.options.Holder, Expires: l.store.clock.now().Add(l.store.timing.LeaseTTL).UTC()}
}

// write changes the record and renews the lease, unless change gives it up by removing it. It is a *lostLeaseError when the lease has gone to
// somebody else.
func (l *lease) write(ctx context.Context, change func(*record)) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	rec, digest, err := l.read(ctx)
	if err != nil {
		return err
	}
	if left := rec.Lease.Expires.Sub(l.store.clock.now()); left > 0 {
		// Nobody else writes while the lease runs, and we do not write once it has run out.
		limited, cancel := context.WithTimeout(ctx, left)
		defer cancel()
		return l.put(limited, rec, digest, change)
	}
	// The lease ran out because the registry could not be reached, or this machine slept. Others may be about to take the image over.
	return l.store.exclusively(ctx, l.repo, func(ctx context.Context) error {
		rec, digest, err := l.read(ctx)
		if err != nil {
			return err
		}
		return l.put(ctx, rec, digest, change)
	})
}

// read returns the record if it is still under this lease.
func (l *lease) read(ctx context.Context) (*record, string, error) {
	rec, digest, err := l.store.readRecord(ctx, l.repo)
	switch {
	case errors.Is(err, errAbsent):
		return nil, "", &lostLeaseError{}
	case err != nil:
		return nil, "", err
	case rec.Lease == nil:
		return nil, "", &lostLeaseError{}
	case rec.Lease.ID != l.id:
		return nil, "", &lostLeaseError{holder: rec.Lease.Holder}
	}
	return rec, digest, nil
}

func (l *lease) put(ctx context.Context, rec *record, digest string, change func(*record)) error {
	rec.Lease = l.terms()
	change(rec)
	return l.store.writeRecord(ctx, l.repo, rec, digest)
}

// hold renews the lease in the background, calls each after every renewal, and lost when the lease is lost. The function it returns ends
// that, and waits for a renewal that is under way: one that arrives later would bring back what has been written or removed meanwhile.
func (l *lease) hold(ctx context.Context, each func(context.Context), lost func(error)) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var renewals sync.WaitGroup
	renewals.Go(func() {
		if err := l.keep(ctx, each); err != nil {
			lost(err)
		}
	})
	return func() {
		cancel()
		renewals.Wait()
	}
}

// keep renews the lease until ctx ends, and calls each after every renewal. It returns a *lostLeaseError as soon as the lease is lost, else nil.
func (l *lease) keep(ctx context.Context, each func(context.Context)) error {
	for {
		if httpx.Sleep(ctx, l.store.timing.LeaseRenewal) != nil {
			return nil //nolint:nilerr // the work is done
		}
		// A write that is cut off may still arrive, after whatever comes next.
		err := l.write(context.WithoutCancel(ctx), func(*record) {})
		if lost, ok := errors.AsType[*lostLeaseError](err); ok {
			return lost
		}
		// A registry that cannot be reached costs the lease only if somebody else takes it.
		each(ctx)
	}
}
