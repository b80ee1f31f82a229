package wait

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// work is something that takes a while, and the looks at it.
type work struct {
	began time.Time
	takes time.Duration
	// latency is how long a look takes.
	latency time.Duration
	looks   []time.Duration
}

func (w *work) look(ctx context.Context) (time.Duration, error) {
	age := time.Since(w.began)
	w.looks = append(w.looks, age)
	if w.latency == 0 { // A timer of no length in a bubble crashes Go 1.26's race detector.
		return age, nil
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(w.latency):
		return age, nil
	}
}

func (w *work) done(age time.Duration) (bool, error) { return age >= w.takes, nil }

// steady takes the chance out of a wait.
func steady() float64 { return 0 }

func TestUntil_schedule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		takes    time.Duration
		expected time.Duration
		latency  time.Duration
		jitter   float64
		// elapsed and looks are exact.
		elapsed time.Duration
		looks   int
	}{
		"already done":                 {takes: 0, elapsed: 0, looks: 1},
		"done within the first second": {takes: 300 * time.Millisecond, elapsed: time.Second, looks: 2},
		"one look a second":            {takes: 90 * time.Second, elapsed: 90 * time.Second, looks: 91},
		// 2401 looks in forty minutes, 139 while the interval grows by a sixtieth each, and one every 10 s.
		"an hour, loose after forty minutes": {takes: time.Hour, elapsed: 3606950254666, looks: 2607},
		"latency is part of the interval":    {takes: 90 * time.Second, latency: 300 * time.Millisecond, elapsed: 90300 * time.Millisecond, looks: 91},
		"a slow server gets a pause":         {takes: 90 * time.Second, latency: 2 * time.Second, elapsed: 92 * time.Second, looks: 41},
		"jitter stretches":                   {takes: 90 * time.Second, jitter: 0.5, elapsed: 90200 * time.Millisecond, looks: 89},
		// 9 looks in 8 s, 20 while the interval grows by an eighth each, one every 10 s to the half, then one a second.
		"expected end, met": {takes: 10 * time.Minute, expected: 10 * time.Minute, elapsed: 10 * time.Minute, looks: 351},
		// The 18th of the growing intervals ends at 8 s × (9/8)^18.
		"expected end, early":       {takes: time.Minute, expected: 10 * time.Minute, elapsed: 66655407972, looks: 27},
		"expected end, far overdue": {takes: 2 * time.Minute, expected: 10 * time.Second, elapsed: 2 * time.Minute, looks: 121},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &work{began: time.Now(), takes: test.takes, latency: test.latency}
				options := Options{Expected: test.expected, jitter: func() float64 { return test.jitter }}
				if _, err := Until(t.Context(), options, w.look, w.done, nil); err != nil {
					t.Fatal(err)
				}
				if elapsed := time.Since(w.began); elapsed != test.elapsed || len(w.looks) != test.looks {
					t.Errorf("elapsed %v (%d) in %d looks, want %v in %d", elapsed, elapsed, len(w.looks), test.elapsed, test.looks)
				}
			})
		})
	}
}

func TestUntil_intervalsStayWithinBounds(t *testing.T) {
	t.Parallel()
	for _, expected := range []time.Duration{0, 5 * time.Second, time.Minute, time.Hour, 3 * time.Hour} {
		for age := time.Duration(0); age < 4*time.Hour; age += 700 * time.Millisecond {
			for _, failures := range []int{0, 1, 5, 1000} {
				interval := Options{Expected: expected}.interval(age, failures)
				if interval < tight || interval > loose+loose/20 {
					t.Fatalf("expected %v, age %v, %d failures: interval %v", expected, age, failures, interval)
				}
			}
		}
	}
}

// The goal: of 100 ends 95 are noticed within a second, at one call a second at the most, whatever the builds' lengths.
func TestUntil_overheadAndRate(t *testing.T) {
	t.Parallel()
	const waits = 600
	tests := map[string]struct {
		// expected is what is thought of a build that takes so long.
		expected func(random *rand.Rand, takes time.Duration) time.Duration
		// looksPerSecond is the mean over all waits.
		looksPerSecond float64
	}{
		"unknown length": {
			expected:       func(*rand.Rand, time.Duration) time.Duration { return 0 },
			looksPerSecond: 1,
		},
		"length known within a factor of 0.7 to 1.9": {
			expected: func(random *rand.Rand, takes time.Duration) time.Duration {
				return time.Duration(float64(takes) * (0.7 + 1.2*random.Float64()))
			},
			looksPerSecond: 0.6,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, 2))
				var overheads []time.Duration
				var looks, seconds float64
				for range waits {
					takes := time.Second + time.Duration(random.Int64N(int64(40*time.Minute-time.Second)))
					w := &work{began: time.Now(), takes: takes}
					options := Options{Expected: test.expected(random, takes), jitter: random.Float64}
					if _, err := Until(t.Context(), options, w.look, w.done, nil); err != nil {
						t.Fatal(err)
					}
					elapsed := time.Since(w.began)
					overheads = append(overheads, elapsed-takes)
					looks, seconds = looks+float64(len(w.looks)-1), seconds+elapsed.Seconds()
					for i := 1; i < len(w.looks); i++ {
						if w.looks[i]-w.looks[i-1] < time.Second {
							t.Fatalf("two looks within %v", w.looks[i]-w.looks[i-1])
						}
					}
				}
				slices.Sort(overheads)
				p50, p95 := overheads[waits/2], overheads[waits*95/100]
				t.Logf("overhead p50 %v, p95 %v, worst %v; %.2f looks a second", p50, p95, overheads[waits-1], looks/seconds)
				if p95 > time.Second || looks/seconds > test.looksPerSecond {
					t.Errorf("overhead p95 %v, %.2f looks a second; want at most 1s and %.2f", p95, looks/seconds, test.looksPerSecond)
				}
			})
		})
	}
}

// Errors of looks: one that passes and one that does not.
var errPassing, errLasting = errors.New("try again"), errors.New("forbidden")

func isPassing(err error) bool { return errors.Is(err, errPassing) }

func TestUntil_errors(t *testing.T) {
	t.Parallel()
	passing := func(n int) []error { return slices.Repeat([]error{errPassing}, n) }
	tests := map[string]struct {
		// script is the outcome of the looks; after its end they succeed.
		script  []error
		options Options
		want    error
		elapsed time.Duration
		looks   int
	}{
		"lasting":                       {script: []error{errLasting}, options: Options{Transient: isPassing}, want: errLasting, looks: 1},
		"transient, told by nobody":     {script: passing(1), want: errPassing, looks: 1},
		"transient, wrapped":            {script: []error{fmt.Errorf("get: %w", errPassing)}, options: Options{Transient: isPassing}, elapsed: time.Second, looks: 2},
		"transient, tolerated":          {script: passing(10), options: Options{Transient: isPassing}, elapsed: 75 * time.Second, looks: 11},
		"transient, once too often":     {script: passing(11), options: Options{Transient: isPassing}, want: errPassing, elapsed: 75 * time.Second, looks: 11},
		"transient, own tolerance":      {script: passing(3), options: Options{Transient: isPassing, Tolerance: 2}, want: errPassing, elapsed: 3 * time.Second, looks: 3},
		"transient, not in a row":       {script: []error{errPassing, nil, errPassing}, options: Options{Transient: isPassing, Tolerance: 1}, elapsed: 3 * time.Second, looks: 4},
		"lasting, after transient ones": {script: append(passing(3), errLasting), options: Options{Transient: isPassing}, want: errLasting, elapsed: 7 * time.Second, looks: 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, looks := time.Now(), 0
				fetch := func(context.Context) (int, error) {
					looks++
					if looks <= len(test.script) {
						return looks, test.script[looks-1]
					}
					return looks, nil
				}
				done := func(n int) (bool, error) { return n > len(test.script), nil }
				test.options.jitter = steady
				_, err := Until(t.Context(), test.options, fetch, done, nil)
				if !errors.Is(err, test.want) || err == nil != (test.want == nil) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if elapsed := time.Since(began); elapsed != test.elapsed || looks != test.looks {
					t.Errorf("%d looks in %v, want %d in %v", looks, elapsed, test.looks, test.elapsed)
				}
			})
		})
	}
}

func TestUntil_returnsTheLastValue(t *testing.T) {
	t.Parallel()
	errDone := errors.New("ended badly")
	script := func(outcomes ...error) func(context.Context) (int, error) {
		n := 0
		return func(context.Context) (int, error) {
			n++
			if n <= len(outcomes) && outcomes[n-1] != nil {
				return -1, outcomes[n-1]
			}
			return n, nil
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var seen []int
		value, err := Until(t.Context(), Options{Transient: isPassing}, script(nil, nil, errPassing, nil, errLasting),
			func(int) (bool, error) { return false, nil }, func(n int) { seen = append(seen, n) })
		if value != 4 || !errors.Is(err, errLasting) || !slices.Equal(seen, []int{1, 2, 4}) {
			t.Errorf("after a lasting error: %d, %v, observed %v", value, err, seen)
		}
		value, err = Until(t.Context(), Options{}, script(), func(n int) (bool, error) {
			if n == 3 {
				return false, errDone
			}
			return false, nil
		}, nil)
		if value != 3 || err != errDone { //nolint:errorlint // The error of done comes back as it is.
			t.Errorf("after an error of done: %d, %v", value, err)
		}
	})
}

func TestUntil_contextEnds(t *testing.T) {
	t.Parallel()
	never := func(time.Duration) (bool, error) { return false, nil }

	t.Run("time-out while pausing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			errTimeout := errors.New("the create time-out of 1h30m ran out")
			ctx, cancel := context.WithTimeoutCause(t.Context(), 90*time.Minute, errTimeout)
			defer cancel()
			w := &work{began: time.Now()}
			last, err := Until(ctx, Options{jitter: steady}, w.look, never, nil)
			if elapsed := time.Since(w.began); elapsed != 90*time.Minute {
				t.Errorf("returned after %v", elapsed)
			}
			if last != w.looks[len(w.looks)-1] || last < 89*time.Minute {
				t.Errorf("last value %v, last look %v", last, w.looks[len(w.looks)-1])
			}
			if !errors.Is(err, errTimeout) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v wraps not both the cause and the context's error", err)
			}
			if want := "gave up waiting after 1h30m0s: the create time-out of 1h30m ran out"; err.Error() != want {
				t.Errorf("error %q, want %q", err, want)
			}
		})
	})
	t.Run("interrupt during a look", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			w := &work{began: time.Now(), latency: 30 * time.Second}
			time.AfterFunc(10*time.Second, cancel)
			_, err := Until(ctx, Options{}, w.look, never, nil)
			if elapsed := time.Since(w.began); elapsed != 10*time.Second || len(w.looks) != 1 {
				t.Errorf("returned after %v and %d looks", elapsed, len(w.looks))
			}
			if _, ok := errors.AsType[*ExpiredError](err); !ok || !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		})
	})
	t.Run("over before the first look", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w := &work{began: time.Now()}
		if _, err := Until(ctx, Options{}, w.look, never, nil); !errors.Is(err, context.Canceled) || len(w.looks) != 0 {
			t.Errorf("error %v after %d looks", err, len(w.looks))
		}
	})
	t.Run("server down until the end", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := Until(ctx, Options{Transient: isPassing}, func(context.Context) (int, error) { return 0, errPassing },
				func(int) (bool, error) { return true, nil }, nil)
			if err == nil || !strings.Contains(err.Error(), "(the last look failed: try again)") || errors.Is(err, errPassing) {
				t.Errorf("error %v", err)
			}
		})
	})
	t.Run("done at the last moment", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			value, err := Until(ctx, Options{}, func(context.Context) (int, error) { cancel(); return 7, nil },
				func(int) (bool, error) { return true, nil }, nil)
			if value != 7 || err != nil {
				t.Errorf("%d, %v", value, err)
			}
		})
	})
}
