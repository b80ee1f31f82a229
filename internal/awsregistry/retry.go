package awsregistry

import (
	"context"
	"errors"
	"fmt"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// throttledAttempts bounds the attempts of a request that AWS throttles: with delays of up to 10 s there is time for any crowd to pass, and
// the caller's context ends the rest.
const throttledAttempts = 40

// retryer decides about repetitions by the class of the failure. It is the SDK's standard one, with the limiter before each attempt, without the quota on
// repetitions that many repositories at once would use up, and patient with throttling.
type retryer struct {
	*retry.Standard
	limiter *Limiter
	retries int
}

func newRetryer(limiter *Limiter, retries int, delay time.Duration) *retryer {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = throttledAttempts
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return httpx.Backoff(delay, attempt), nil
		})
		o.RateLimiter = ratelimit.None
	})
	return &retryer{Standard: standard, limiter: limiter, retries: retries}
}

// IsErrorRetryable implements aws.Retryer. ECR's word for a quota on things is one the SDK takes for throttling; waiting does not help there.
func (r *retryer) IsErrorRetryable(err error) bool {
	if answer, ok := errors.AsType[apiAnswer](err); ok {
		switch classOf(answer.ErrorCode(), 0) { //nolint:exhaustive // The others are the SDK's to judge.
		case ClassLimit, ClassNotFound, ClassExists, ClassDenied:
			return false
		case ClassThrottled, ClassUnavailable:
			return true
		}
		if busy(answer.ErrorCode()) {
			return true
		}
	}
	return r.Standard.IsErrorRetryable(err)
}

// failures counts how often a request failed for another reason than throttling.
type failures struct{ count int }

type failuresKey struct{}

// countFailures lets the retryer count those of one request.
func countFailures(ctx context.Context) context.Context {
	return context.WithValue(ctx, failuresKey{}, &failures{})
}

// GetRetryToken implements aws.Retryer. It tells the limiter when the request was throttled, and refuses the repetition that would be one too many.
func (r *retryer) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	counted, ok := ctx.Value(failuresKey{}).(*failures)
	switch {
	case throttled(err):
		r.limiter.Throttled(awsmiddleware.GetOperationName(ctx))
	case ok:
		if counted.count++; counted.count > r.retries {
			return nil, fmt.Errorf("gave up after %d attempts", counted.count)
		}
	}
	return r.Standard.GetRetryToken(ctx, err)
}

// GetAttemptToken implements aws.RetryerV2: each attempt waits for its turn.
func (r *retryer) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	operation := awsmiddleware.GetOperationName(ctx)
	if err := r.limiter.Wait(ctx, operation); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, &Error{ // The wait would be longer than the time that is left.
			Service: awsmiddleware.GetServiceID(ctx), Operation: operation, Class: ClassThrottled, Err: err,
			Message: "AWS throttles these requests, and the next one may be made only when the time for all of this is up",
		}
	}
	return r.Standard.GetAttemptToken(ctx)
}

func throttled(err error) bool {
	answer, ok := errors.AsType[apiAnswer](err)
	return ok && classOf(answer.ErrorCode(), 0) == ClassThrottled
}
