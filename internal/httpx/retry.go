package httpx

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// MaxRetryAfter is the longest wait a server may ask for; one that asks for more is reported to the user at once.
	MaxRetryAfter = time.Minute
	// maxBackoff is the longest wait between attempts where the server does not ask for one.
	maxBackoff = 10 * time.Second
)

// Retry repeats what may be repeated: requests that mean the same when they arrive twice (see [Idempotent]), and others when it is certain that the server did
// nothing about them. It gives up when the next attempt could not begin before the end of the request's context, so that a caller who sets a deadline
// bounds the whole, and learns the server's last word.
//
// Answers that lead to another attempt are not read; put [WholeAnswers] before it to notice those that are cut short, too.
type Retry struct {
	Next http.RoundTripper
	// Retries is how many attempts there are after the first one.
	Retries int
	// Delay is the wait before the second attempt. It doubles each time, up to ten seconds, and is shortened by up to a half at random. What
	// the server asks for with Retry-After is waited at least, up to a minute.
	Delay time.Duration
	// Temporary tells the errors that another attempt may not meet. Nil is [Temporary].
	Temporary func(error) bool
	// Now is the time by the server's clock, for a Retry-After that is a date. Nil is [time.Now].
	Now func() time.Time
}

// RoundTrip implements http.RoundTripper.
func (t *Retry) RoundTrip(req *http.Request) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		resp, err := t.Next.RoundTrip(req)
		if attempt >= t.Retries || !t.repeatable(req, resp, err) {
			return resp, err
		}
		delay := Backoff(t.Delay, attempt)
		if resp != nil {
			delay = max(delay, t.retryAfter(resp.Header))
		}
		if deadline, ok := req.Context().Deadline(); delay > MaxRetryAfter || (ok && time.Until(deadline) <= delay) {
			return resp, err
		}
		again, rewindErr := rewound(req)
		if rewindErr != nil {
			return resp, err
		}
		if resp != nil {
			_ = resp.Body.Close() // nothing of it is wanted
		}
		if err := Sleep(req.Context(), delay); err != nil {
			return nil, err
		}
		req = again
	}
}

// repeatable tells whether the request deserves another attempt after that outcome.
func (t *Retry) repeatable(req *http.Request, resp *http.Response, err error) bool {
	if err != nil {
		temporary := t.Temporary
		if temporary == nil {
			temporary = Temporary
		}
		return temporary(err) && (isIdempotent(req) || neverSent(err))
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true // The server says that it did nothing.
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return isIdempotent(req)
	}
	return false
}

// idempotencyKey marks a request that may be repeated though its method does not say so. An empty value is net/http's own convention for
// that: its transport understands it, too, and does not send the header.
const idempotencyKey = "Idempotency-Key"

// Idempotent marks a request with a method like POST that only asks, so that it may be repeated.
func Idempotent(req *http.Request) { req.Header[idempotencyKey] = []string{} }

// isIdempotent tells whether the request means the same when it arrives twice.
func isIdempotent(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	_, marked := req.Header[idempotencyKey]
	return marked
}

// rewound is the request once more, with its body from the start.
func rewound(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return again, nil
	}
	if req.GetBody == nil {
		return nil, errors.New("the body cannot be sent twice")
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err
}

// retryAfter is how long the server asks to wait.
func (t *Retry) retryAfter(header http.Header) time.Duration {
	now := t.Now
	if now == nil {
		now = time.Now
	}
	return RetryAfter(header, now())
}

// RetryAfter is how long the server asks to wait from now on: seconds or a date, by RFC 9110. Zero is not at all.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	// What is out of range comes as the greatest number there is.
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(seconds, 0), 1+int64(MaxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return date.Sub(now)
	}
	return 0
}

// Backoff is the wait after that attempt, counted from zero: twice as long each time, with jitter so that many clients do not come back at once.
func Backoff(first time.Duration, attempt int) time.Duration {
	delay := min(first<<min(attempt, 20), maxBackoff)
	return delay/2 + rand.N(delay/2+1)
}

// Sleep waits, or returns the context's cause if it ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Outlive is a context for what has to be found out even for a caller who is gone: it ends after whole, or already grace
// after ctx has ended. cancel ends it and waits until nothing of it goes on.
func Outlive(ctx context.Context, whole, grace time.Duration) (outliving context.Context, cancel context.CancelFunc) {
	outliving, end := context.WithTimeout(context.WithoutCancel(ctx), whole)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-outliving.Done():
		case <-ctx.Done():
			if Sleep(outliving, grace) == nil {
				end()
			}
		}
	})
	return outliving, func() {
		end()
		watch.Wait()
	}
}
