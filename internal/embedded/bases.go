package embedded

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

// bases knows what the tags of base images stand for right now. A hundred images on one base ask once.
type bases struct {
	store      *store
	background *background
	insecure   bool
	mu         sync.Mutex
	answers    map[string]*baseAnswer
}

// baseAnswer is one look at a base image, under way or over.
type baseAnswer struct {
	asked  time.Time
	done   chan struct{}
	digest string
	err    error
}

// digest returns the digest of a base image, or an error when it cannot be told, which is remembered as well: an unreachable
// registry must not cost each image a time-out.
func (b *bases) digest(ctx context.Context, reference string) (string, error) {
	if _, digest, ok := strings.Cut(reference, "@"); ok {
		return digest, nil
	}
	b.mu.Lock()
	answer, known := b.answers[reference]
	if !known || time.Since(answer.asked) > b.store.timing.BaseCheckTTL {
		answer = &baseAnswer{asked: time.Now(), done: make(chan struct{})}
		b.answers[reference] = answer
		// Whoever asks first must not take the answer from the others by giving up.
		asking, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		b.background.run(cancel, func() { b.ask(asking, reference, answer) })
	}
	b.mu.Unlock()
	select {
	case <-answer.done:
		return answer.digest, answer.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func (b *bases) ask(ctx context.Context, reference string, answer *baseAnswer) {
	defer close(answer.done)
	ctx, cancel := context.WithTimeout(ctx, b.store.timing.BaseCheckTimeout)
	defer cancel()
	ref, err := name.ParseReference(reference)
	if err == nil && b.insecure && ref.Context().RegistryStr() == b.store.registry.RegistryStr() {
		ref, err = name.ParseReference(reference, name.Insecure)
	}
	if err != nil {
		answer.err = err
		return
	}
	answer.digest, answer.err = b.store.resolve(ctx, ref)
}

// pinned is the reference by digest, with its tag kept for those who read it.
func pinned(reference, digest string) string {
	before, _, _ := strings.Cut(reference, "@")
	return fmt.Sprintf("%s@%s", before, digest)
}
