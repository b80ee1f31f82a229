// Package wait is the one poller of the provider: it looks at something again and again until it is done.
package wait

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// tight is the time between two looks while the end may come at any moment. It is the wait's overhead at the worst, and what
	// keeps a wait to one call a second.
	tight = time.Second
	// loose is the longest time between two looks.
	loose = 10 * time.Second
	// moment is the time between two looks while the end is a matter of moments.
	moment = 250 * time.Millisecond
	// patience is how long work of unknown length is looked at tightly. Beyond, it hangs more likely than it works.
	patience = 40 * time.Minute
	// spread is the most by which an interval is stretched at random, so that waits that began together drift apart. More would cost
	// the goal of noticing 95 of 100 ends within a second.
	spread = 0.05
)

// DefaultTolerance is how many transient errors in a row are tolerated where [Options] do not say. With the pauses between them growing they span a bit
// more than a minute: a restart of the server, but no outage.
const DefaultTolerance = 10

// Options tune a wait. The zero value is a wait for work of unknown length that tolerates no error.
type Options struct {
	// Expected is how long the work is expected to take, counted from the first look. Up to the half of it looks are rare. Zero is unknown.
	Expected time.Duration
	// Transient tells the errors of a look that may pass by themselves. Nil tolerates none.
	Transient func(error) bool
	// Wake is closed when the end has come, by work that tells: until then looks are rare, then there is one at once. Nil never tells.
	Wake <-chan struct{}
	// Soon tells, after a look, that the end is a matter of moments: then the next look is a quarter of a second later. It has to bound how long it says so, as
	// this is more than one call a second. Nil never says so.
	Soon func() bool
	// Tolerance is how many transient errors in a row are tolerated. Zero is DefaultTolerance.
	Tolerance int

	// jitter returns numbers in [0,1). Tests set it; nil is math/rand.
	jitter func() float64
}

// ExpiredError is a wait that its context ended. It wraps the context's cause and its error.
type ExpiredError struct {
	// Waited is how long the wait went on.
	Waited time.Duration
	// Cause is [context.Cause]: which time-out ran out, or who asked to stop.
	Cause error
	// LastError is the transient error of the last look, if that one failed. It is not wrapped: it did not end the wait.
	LastError error

	contextError error
}

// Error implements error.
func (e *ExpiredError) Error() string {
	message := fmt.Sprintf("gave up waiting after %s: %v", e.Waited.Round(time.Second), e.Cause)
	if e.LastError != nil {
		message += fmt.Sprintf(" (the last look failed: %v)", e.LastError)
	}
	return message
}

// Unwrap gives errors.Is and errors.As the cause, and the context's own error where that is another one.
func (e *ExpiredError) Unwrap() []error { return []error{e.Cause, e.contextError} }

// Until looks with fetch until done says so, and returns the last value seen, whatever the error.
//
// The first look is at once. Then the interval is one second, so that the end is noticed soon; it is longer, up to ten seconds, where
// the end is not near: before the half of Options.Expected, after forty minutes of waiting for an unknown end, and while Options.Wake is to tell. Only where
// Options.Soon says so is it shorter. Errors of done end the wait
// as they are; errors of fetch too, unless they are transient. When ctx ends, so does the wait, with an [*ExpiredError].
// observe, where it is not nil, is given each value seen.
func Until[T any](
	ctx context.Context, options Options,
	fetch func(context.Context) (T, error), done func(T) (bool, error), observe func(T),
) (T, error) {
	var (
		last     T
		lastErr  error
		failures int
		began    = time.Now()
	)
	expired := func() error {
		return &ExpiredError{
			Waited: time.Since(began), Cause: context.Cause(ctx), LastError: lastErr, contextError: ctx.Err(),
		}
	}
	for ctx.Err() == nil {
		looked := time.Now()
		value, err := fetch(ctx)
		switch {
		case err == nil:
			last, lastErr, failures = value, nil, 0
			if observe != nil {
				observe(value)
			}
			if finished, err := done(value); finished || err != nil {
				return last, err
			}
		case ctx.Err() != nil:
			return last, expired()
		default:
			lastErr = err
			if failures++; !options.tolerates(err, failures) {
				return last, err
			}
		}
		if pause(ctx, options.interval(looked.Sub(began), failures), looked, options.Wake) {
			options.Wake = nil
		}
	}
	return last, expired()
}

// tolerates tells whether the wait goes on after that many transient errors in a row.
func (o Options) tolerates(err error, failures int) bool {
	tolerance := o.Tolerance
	if tolerance == 0 {
		tolerance = DefaultTolerance
	}
	return o.Transient != nil && failures <= tolerance && o.Transient(err)
}

// interval is the time from a look at that age of the wait to the next one.
func (o Options) interval(age time.Duration, failures int) time.Duration {
	jitter := o.jitter
	if jitter == nil {
		jitter = rand.Float64
	}
	interval := o.schedule(age)
	if failures == 0 && o.Soon != nil && o.Soon() {
		return moment
	}
	if failures > 0 {
		// A server in trouble is asked half as often each time.
		interval = max(interval, tight<<min(failures-1, 10))
	}
	interval = min(interval, loose)
	return interval + time.Duration(jitter()*spread*float64(interval))
}

// schedule is the interval without jitter and without errors.
func (o Options) schedule(age time.Duration) time.Duration {
	near := o.Expected / 2
	switch {
	case o.Wake != nil:
		return loose
	case age < near:
		// The end is not expected yet. Should it come all the same, it costs at most an eighth of the time waited; and
		// the next look is no later than when the end comes near.
		return max(tight, min(age/8, near-age))
	case age <= max(patience, 2*o.Expected):
		return tight
	default:
		return tight + (age-max(patience, 2*o.Expected))/60
	}
}

// pause waits until the interval since the look is over, or ctx is, or wake is closed, which it reports. A look that took long itself
// is followed by a quarter of the interval at least, so that a slow server is not asked without a pause.
func pause(ctx context.Context, interval time.Duration, looked time.Time, wake <-chan struct{}) (woken bool) {
	select {
	case <-ctx.Done():
		return false
	case <-wake:
		return true
	case <-time.After(max(interval-time.Since(looked), interval/4)):
		return false
	}
}
