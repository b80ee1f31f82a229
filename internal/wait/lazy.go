package wait

import "context"

// Lazy is a value that is made when it is first asked for, by one caller at a time. A failure is not kept: the next caller tries again. [NewLazy] makes one.
type Lazy[T any] struct {
	turn  chan struct{}
	value *T
}

// NewLazy returns a value that is still to be made.
func NewLazy[T any]() *Lazy[T] { return &Lazy[T]{turn: make(chan struct{}, 1)} }

// Get returns the value, made anew by produce unless there is one that is still good. Errors are those of produce, or the cause of the end of ctx.
func (l *Lazy[T]) Get(ctx context.Context, good func(T) bool, produce func(context.Context) (T, error)) (T, error) {
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

// Always is for values of [Lazy.Get] that stay good.
func Always[T any](T) bool { return true }
