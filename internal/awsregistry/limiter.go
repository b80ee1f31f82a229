package awsregistry

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// quotas are ECR's published rates by account, region and action, in requests a second (ECR user guide, "Amazon ECR service quotas"). For actions
// without a published one, and for IAM, AWS's answers are all there is to go by.
var quotas = map[string]float64{
	"PutImage":                    10,
	"InitiateLayerUpload":         100,
	"CompleteLayerUpload":         100,
	"UploadLayerPart":             500,
	"GetAuthorizationToken":       500,
	"BatchCheckLayerAvailability": 1000,
	"BatchGetImage":               2000,
	"GetDownloadUrlForLayer":      3000,
}

const (
	// headroom is the part of a quota that is used: AWS counts in its own seconds, and requests do not arrive as evenly as they leave.
	headroom = 0.96
	// cut is what remains of a rate after AWS has throttled it, at most once in a reaction.
	cut = 0.7
	// reaction is how long AWS is given to feel a cut before the next one.
	reaction = time.Second
	// recovery is by how much a rate grows in each second without throttling.
	recovery = 0.05
	// slowest is the lowest rate, in requests a second.
	slowest = 0.5
	// forgotten is for how long after the last throttling an action without a published quota stays limited.
	forgotten = 2 * time.Minute
)

// Limiter keeps the requests of one account and region within the quotas of each action, across everything in this process that shares it. Rates begin
// at the published quotas, shrink when AWS throttles all the same, as others use the account, too, and grow back. The zero value is ready to use.
type Limiter struct {
	// Scale multiplies the quotas, for accounts whose quotas have been raised. Zero is one.
	Scale float64

	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket is one action.
type bucket struct {
	limiter *rate.Limiter
	ceiling rate.Limit
	// throttled and grown are when AWS throttled last, and when the rate grew last.
	throttled, grown time.Time
	// window and sent count the requests of the second that began at window; before is the count of the second before.
	window       time.Time
	sent, before int
}

// Wait waits until a request for the action ("PutImage") may be made, or returns the context's error.
func (l *Limiter) Wait(ctx context.Context, action string) error {
	limiter := l.note(action)
	if limiter.Limit() == rate.Inf {
		return ctx.Err()
	}
	return limiter.Wait(ctx)
}

// Throttled reports that AWS throttled a request for the action.
func (l *Limiter) Throttled(action string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.bucket(action), time.Now()
	if !b.throttled.IsZero() && now.Sub(b.throttled) < reaction {
		return
	}
	limit := b.limiter.Limit()
	if limit == rate.Inf {
		limit = rate.Limit(max(b.sent, b.before, 1))
	}
	b.throttled, b.grown = now, now
	b.limiter.SetLimit(max(limit*cut, slowest))
}

// Rate is how many requests a second may be made for the action at present; it is infinite where nothing is known.
func (l *Limiter) Rate(action string) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return float64(l.bucket(action).limiter.Limit())
}

// note counts a request and lets the rate grow with the time that has passed since the last throttling.
func (l *Limiter) note(action string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.bucket(action), time.Now()
	if age := now.Sub(b.window); age >= time.Second {
		b.before = b.sent
		if age >= 2*time.Second {
			b.before = 0
		}
		b.window, b.sent = now, 0
	}
	b.sent++
	b.grow(now)
	return b.limiter
}

// grow lets the rate of an action that was throttled come back.
func (b *bucket) grow(now time.Time) {
	limit := b.limiter.Limit()
	seconds := now.Sub(b.grown).Seconds()
	switch {
	case limit >= b.ceiling || seconds < 1:
	case b.ceiling == rate.Inf && now.Sub(b.throttled) >= forgotten:
		b.limiter.SetLimit(rate.Inf)
	default:
		step := b.ceiling
		if step == rate.Inf {
			step = limit
		}
		b.grown = now
		b.limiter.SetLimit(min(b.ceiling, limit+step*rate.Limit(recovery*seconds)))
	}
}

// bucket is that of the action. The lock is held.
func (l *Limiter) bucket(action string) *bucket {
	b := l.buckets[action]
	if b == nil {
		ceiling := rate.Inf
		if quota, published := quotas[action]; published {
			scale := l.Scale
			if scale == 0 {
				scale = 1
			}
			ceiling = rate.Limit(quota * scale * headroom)
		}
		b = &bucket{limiter: rate.NewLimiter(ceiling, 1), ceiling: ceiling, window: time.Now()}
		if l.buckets == nil {
			l.buckets = map[string]*bucket{}
		}
		l.buckets[action] = b
	}
	return b
}
