package rime

import (
	"context"
	"net/http"
	"sync/atomic"

	"google.golang.org/grpc/codes"
)

// The two places where platforms have their jobs: since 2.0, and in the betas before it.
const (
	jobsPath     = "/v1/jobs"
	betaJobsPath = "/v1-beta/jobs"
)

// jobs finds out where the platform has its jobs, and remembers it.
type jobs struct {
	client *client
	// known is the place that has answered for a job. Nil as long as none has.
	known atomic.Pointer[string]
}

// do makes a request whose path follows the place of the jobs. As long as that is not known, a "not found" may be about the path: then the older place is
// asked as well, and whichever speaks about the job has the word (CONTRACT §8 item 1).
func (j *jobs) do(ctx context.Context, what call) (answer, error) {
	if place := j.known.Load(); place != nil {
		return j.at(ctx, *place, what)
	}
	got, err := j.at(ctx, jobsPath, what)
	if !hasStatus(err, http.StatusNotFound, http.StatusNotImplemented) {
		if aboutJob(err) {
			j.remember(jobsPath)
		}
		return got, err
	}
	older, olderErr := j.at(ctx, betaJobsPath, what)
	switch {
	case olderErr == nil:
		j.remember(betaJobsPath)
		return older, nil
	case aboutJob(olderErr) && !aboutJob(err):
		return older, olderErr
	default:
		return got, err
	}
}

func (j *jobs) at(ctx context.Context, place string, what call) (answer, error) {
	what.path = place + what.path
	return j.client.do(ctx, what)
}

func (j *jobs) remember(place string) { j.known.Store(&place) }

// aboutJob tells whether an outcome is the word of the API about a job, and not of whoever found no such path. grpc-gateway's words for the latter are no more
// than the name of the status, which decides nothing but who is listened to first.
func aboutJob(err error) bool {
	if err == nil {
		return true
	}
	said, ok := asAPIError(err)
	if !ok || said.Code == codes.OK || said.Code == codes.Unimplemented {
		return false
	}
	return said.StatusCode != http.StatusNotFound || said.Message != http.StatusText(http.StatusNotFound)
}
