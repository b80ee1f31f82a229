package embedded

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// work is a build of this process.
type work struct {
	lease *lease
	spec  imageregistry.Spec
	fresh bool
	base  base
	// current is what was published when the build was accepted. Nil before the first.
	current *published
	cancel  context.CancelCauseFunc
	// done is closed when the build has ended and its end is written down.
	done chan struct{}
	// cause is why the build was made to end. Nil while it was not.
	cause func() error
	// cancelSeen tells that another process asked for the end.
	cancelSeen atomic.Bool

	mu    sync.Mutex
	state build
}

// update changes what is known of the build and returns it.
func (w *work) update(change func(*build)) build {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.state)
	return w.state
}

// snapshot is what is known of the build.
func (w *work) snapshot() build {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// over tells whether the build has ended.
func (w *work) over() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// ended is the build after its end, which err tells.
func (w *work) ended(at time.Time, err error) build {
	b := w.snapshot()
	b.Status, b.CompletedAt = imageregistry.BuildSucceeded, at
	if err == nil {
		return b
	}
	b.Status = imageregistry.BuildFailed
	f := failureOf(err)
	cause := w.cause()
	if lost, ok := errors.AsType[*lostLeaseError](cause); ok {
		f.Class, f.Message = imageregistry.FailureAbandoned, lost.Error()
	} else if errors.Is(cause, errCancelled) {
		b.Status = imageregistry.BuildCancelled
		f.Class, f.Message = imageregistry.FailureCancelled, cause.Error()
	}
	b.Failure = recorded(f)
	return b
}

// cancelTag is the tag that another process puts up to have a build cancelled.
func cancelTag(repo name.Repository, buildID string) name.Tag {
	return repo.Tag(cancelPrefix + buildID[strings.LastIndexByte(buildID, '/')+1:])
}

const cancelPrefix = "rime-cancel-"

// heedCancelRequest cancels the build if another process asks for it.
func (w *work) heedCancelRequest(ctx context.Context) {
	if _, err := w.lease.store.head(ctx, cancelTag(w.lease.repo, w.lease.id)); err == nil {
		w.cancelSeen.Store(true)
		w.cancel(errCancelled)
	}
}

// removeCancelRequest takes the request down.
func (w *work) removeCancelRequest(ctx context.Context) error {
	tag := cancelTag(w.lease.repo, w.lease.id)
	digest, err := w.lease.store.resolve(ctx, tag)
	if err != nil {
		return err
	}
	return w.lease.store.remove(ctx, tag, digest)
}

// works are the builds of this process, those that have ended included: what they know of their end is never less than the record.
type works struct {
	mu   sync.Mutex
	byID map[string]*work
}

func (ws *works) add(w *work) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.byID[w.lease.id] = w
}

func (ws *works) get(id string) *work {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.byID[id]
}

// interrupted tells whether a build has not ended, or was made to.
func (ws *works) interrupted() bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.byID {
		if !w.over() || w.snapshot().Status == imageregistry.BuildCancelled {
			return true
		}
	}
	return false
}

// stop cancels the build and waits for its end.
func (w *work) stop(ctx context.Context) error {
	if w.over() {
		return nil
	}
	w.cancel(errCancelled)
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
