package embedded

import (
	"context"
	"errors"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

// leaseLook is how often a lease that is in the way is looked at.
const leaseLook = time.Second

// outwait runs the operation, and runs it again if it met a lease that has then run out. A lease is renewed every few seconds as long as its holder lives:
// one that is not is waited for, so that whoever comes after a process that was killed need not come twice; one that is renewed is reported.
func (r *Registry) outwait(ctx context.Context, image string, operation func() error) error {
	for {
		err := operation()
		busy, ok := errors.AsType[*BusyError](err)
		if !ok || busy.lease == "" || busy.Here {
			return err
		}
		repo, nameErr := r.repository(image)
		if nameErr != nil || r.outlives(ctx, repo, busy) {
			return err
		}
	}
}

// outlives tells whether somebody still has a lease on the image after the time of the one that was in the way, as far as can be told.
func (r *Registry) outlives(ctx context.Context, repo name.Repository, busy *BusyError) bool {
	for {
		left := busy.Until.Sub(r.store.clock.now())
		if left <= 0 {
			return false
		}
		if sleep(ctx, min(leaseLook, left)) != nil {
			return true
		}
		rec, _, err := r.store.readRecord(ctx, repo)
		switch {
		case errors.Is(err, errAbsent):
			return false
		case err != nil:
			return true
		case !rec.leased(r.store.clock.now()):
			return false
		case rec.Lease.ID != busy.lease, rec.Lease.Expires.After(busy.Until):
			return true
		}
	}
}
