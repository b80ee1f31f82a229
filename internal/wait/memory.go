package wait

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/singleflight"
)

// Memory remembers what was found for a key, and lets only one look for it at a time. Its zero value is empty, and it is safe
// for concurrent use.
type Memory[V any] struct {
	known  sync.Map
	flight singleflight.Group
}

// Get is what is known of the key, or what find finds. An error is not remembered.
func (m *Memory[V]) Get(ctx context.Context, key string, find func(context.Context) (V, error)) (V, error) {
	for {
		if value, ok := m.known.Load(key); ok {
			return value.(V), nil //nolint:forcetypeassert // nothing else is stored
		}
		value, err, shared := m.flight.Do(key, func() (any, error) {
			found, err := find(ctx)
			if err == nil {
				m.known.Store(key, found)
			}
			return found, err
		})
		if shared && errors.Is(err, context.Canceled) && ctx.Err() == nil {
			continue // Somebody else looked, and gave up.
		}
		return value.(V), err //nolint:forcetypeassert // find gives nothing else
	}
}
