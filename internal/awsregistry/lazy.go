package awsregistry

import "context"

// lazy is a value that is made when it is first asked for, by one caller at a time. A failure is not kept: the next caller tries again.
type lazy[T any] struct {
	turn  chan struct{}
	value *T
}

func newLazy[T any]() *lazy[T] { return &lazy[T]{turn: make(chan struct{}, 1)} }

// get returns the value, made anew unless there is one that is still good.
func (l *lazy[T]) get(ctx context.Context, good func(T) bool, produce func(context.Context) (T, error)) (T, error) {
	var none T
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	if l.value != nil && good(*l.value) {
		return *l.value, nil
	}
	value, err := produce(ctx)
	if err != nil {
		return none, err
	}
	l.value = &value
	return value, nil
}

// always is for values that stay good.
func always[T any](T) bool { return true }
