package rime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// jobTypeImageBuilder is the type of the jobs that build images.
const jobTypeImageBuilder = "image_builder"

var errNoJob = errors.New("the answer holds no job")

// jobPath is where the job of that id is, after the place of the jobs. An id that would change the path is refused here.
func jobPath(prefix, id string) (string, error) {
	if id == "" || id == "." || id == ".." {
		return "", fmt.Errorf("%q is not the id of a build", id)
	}
	return prefix + "/" + url.PathEscape(id), nil
}

// Build implements [imageregistry.Registry]. An id is that of the platform's job; a job that builds no image is a [*NotABuildError].
func (r *Registry) Build(ctx context.Context, id string) (imageregistry.Build, error) {
	path, err := jobPath("", id)
	if err != nil {
		return imageregistry.Build{}, err
	}
	got, err := r.jobs.do(ctx, call{method: http.MethodGet, path: path, query: url.Values{"view": {"JOB_VIEW_FULL"}}})
	if saysNotFound(err) {
		return imageregistry.Build{}, fmt.Errorf("build %s: %w: %w", id, imageregistry.ErrNotFound, err)
	}
	if err != nil {
		return imageregistry.Build{}, err
	}
	job := got.object.object("job")
	if job == nil {
		return imageregistry.Build{}, r.client.nonsense(http.MethodGet, jobsPath+path, errNoJob)
	}
	if kind := job.enum("jobType", jobTypes); kind != unspecified && kind != jobTypeImageBuilder {
		return imageregistry.Build{}, &NotABuildError{ID: id, Type: job.text("jobType")}
	}
	build := decodeBuild(job, got.at)
	build.ID = id
	return build, nil
}

// decodeBuild reads a JobMetadata (CONTRACT §2.10), as the platform told it at that time.
func decodeBuild(job object, now time.Time) imageregistry.Build {
	build := imageregistry.Build{
		ID:          job.text("jobId"),
		Status:      imageregistry.BuildStatus(job.enum("status", jobStatuses)),
		CreatedAt:   job.time("creationTime"),
		StartedAt:   job.time("startTime"),
		CompletedAt: job.time("completionTime"),
		RunningTime: job.seconds("runningTimeSecs"),
	}
	// The address is nested twice, and nil objects have no fields. It is signed, and the path of a log is known (CONTRACT §2.8).
	build.LogsURL = redact.Log(job.object("archivedJobLogs").object("url").text("url"), "/logs/"+build.ID)
	if build.Status == imageregistry.BuildFailed || build.Status == imageregistry.BuildCancelled {
		build.Failure = diagnose(build, job.enum("terminationReason", terminationReasons), job.text("errorMsg"))
		build.Hint = remedy(build.Failure.Class)
		return build
	}
	build.Hint = stuck(build, now)
	return build
}

// CancelBuild implements [imageregistry.Registry]. The platform only takes note of the request and ends the build later; whether it ever ends one that builds an
// image is not certain (CONTRACT §2.7), so a build that goes on counts as one that cannot be cancelled.
func (r *Registry) CancelBuild(ctx context.Context, id string) error {
	path, err := jobPath("/cancel", id)
	if err != nil {
		return fmt.Errorf("%w: %w", imageregistry.ErrCannotCancel, err)
	}
	r.interrupted.Store(true)
	r.shared.forget()
	defer r.shared.forget()
	_, err = r.jobs.do(ctx, call{method: http.MethodPost, path: path, asks: true}) // to cancel twice is to cancel
	refused := hasStatus(err, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusNotImplemented)
	if err != nil && !refused {
		return err
	}
	if refused {
		return r.refusedToCancel(ctx, id, err)
	}
	limited, cancel := context.WithTimeout(ctx, r.timing.Cancel)
	defer cancel()
	ended := func(b imageregistry.Build) (bool, error) { return b.Status.Ended(), nil }
	look := func(ctx context.Context) (imageregistry.Build, error) { return r.Build(ctx, id) }
	last, err := wait.Until(limited, wait.Options{Transient: isTransient}, look, ended, nil)
	switch {
	case err == nil, errors.Is(err, imageregistry.ErrNotFound):
		return nil
	case limited.Err() != nil && ctx.Err() == nil && last.Status != "":
		return fmt.Errorf("%w: the platform agreed to cancel build %s, but %s later it was still %s", imageregistry.ErrCannotCancel, id, r.timing.Cancel, last.Status)
	}
	return err
}

// refusedToCancel tells a build that has ended already, which is no error, from one that the platform does not cancel.
func (r *Registry) refusedToCancel(ctx context.Context, id string, refusal error) error {
	if build, err := r.Build(ctx, id); err == nil && build.Status.Ended() {
		return nil
	}
	return fmt.Errorf("%w: %w", imageregistry.ErrCannotCancel, refusal)
}

func isTransient(err error) bool {
	answer, ok := asAPIError(err)
	return ok && answer.Transient()
}

// stuckAfter is how long a build may take to begin before something is said about it. Pulling the source image takes minutes.
const stuckAfter = 5 * time.Minute

// stuck says why a build may not have begun yet (CONTRACT §5.3, §6.2, §7.3). Empty when that is no wonder.
func stuck(build imageregistry.Build, now time.Time) string {
	if build.CreatedAt.IsZero() || now.Sub(build.CreatedAt) < stuckAfter {
		return ""
	}
	age := strings.TrimSuffix(now.Sub(build.CreatedAt).Truncate(time.Minute).String(), "0s")
	switch build.Status {
	case imageregistry.BuildRequested:
		return "The build was requested " + age + " ago and the platform has not created its Kubernetes job yet: ask those who run the platform to look at the log of the " +
			"image registry server (deployment <release>-image-registry-server)."
	case imageregistry.BuildPending:
		return "The build was created " + age + " ago and has not begun. Known causes: the source image cannot be pulled (missing pull secret, no way to its registry); no node " +
			"has room for the builder, which asks for 1.5 CPUs and 10 GiB of memory; its service account cannot take its IAM role, because the Helm release is not named as the " +
			"role's trust policy expects (rime-<namespace>). The platform ends a build after one hour. Those who run the platform see more with: kubectl describe pod, on the pod of the job."
	default:
		return ""
	}
}
