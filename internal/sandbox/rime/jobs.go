package rime

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

func (p *Platform) routeJobs(api *http.ServeMux) {
	var roots []string
	switch p.options.JobRoutes {
	case JobsV1:
		roots = []string{"/v1/jobs"}
	case JobsBoth:
		roots = []string{"/v1/jobs", "/v1-beta/jobs"}
	case JobsBeta:
		roots = []string{"/v1-beta/jobs"}
	}
	for _, root := range roots {
		api.Handle("GET "+root+"/{id}", p.rpc(p.getJob))
		api.Handle(root+"/{id}", p.rpc(wrongMethod))
		api.Handle(root+"/{first}/{second}", p.rpc(p.nestedJobRoute))
	}
}

// nestedJobRoute is the routes of two parts, which overlap.
func (p *Platform) nestedJobRoute(c *call) (any, error) {
	first, second := c.PathValue("first"), c.PathValue("second")
	id, method, do := second, http.MethodGet, listOfNoJobs
	switch {
	case first == "cancel":
		method, do = http.MethodPost, p.cancelJob
	case first == "project": // the builds of images belong to none
	case second == "project-id" || second == "test-run-id":
		id, do = first, p.notOfABuild
	default:
		return unknownRoute(c)
	}
	if c.Method != method {
		return wrongMethod(c)
	}
	c.SetPathValue("id", id)
	return do(c)
}

var validJobID = regexp.MustCompile(`\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z`)

func (p *Platform) jobOf(c *call) (*job, error) {
	id := c.PathValue("id")
	if !validJobID.MatchString(id) {
		return nil, invalid("%q is not a job id", id)
	}
	j, found := p.jobs[id]
	if !found {
		return nil, refuse(codeNotFound, "no job with the id %s exists", id)
	}
	return j, nil
}

func (p *Platform) getJob(c *call) (any, error) {
	view, err := c.view()
	if err != nil {
		return nil, err
	}
	j, err := p.jobOf(c)
	if err != nil {
		return nil, err
	}
	return jobAnswer{p.jobDocument(c, j, view)}, nil
}

// view is how much of a job the call asks for, by name or by number.
func (c *call) view() (string, error) {
	text, given, err := c.parameter("view")
	if err != nil || !given {
		return viewBasic, err
	}
	if number, err := strconv.Atoi(text); err == nil && number >= 0 && number < len(jobViews) {
		return jobViews[number], nil
	}
	if !slices.Contains(jobViews, text) {
		return "", invalid("type mismatch, parameter: view, error: %s is not valid", text)
	}
	return text, nil
}

func (p *Platform) cancelJob(c *call) (any, error) {
	j, err := p.jobOf(c)
	if err != nil {
		return nil, err
	}
	if err := c.mayWrite(); err != nil {
		return nil, err
	}
	switch {
	case p.options.Cancel == CancelUnimplemented:
		return nil, refuse(codeUnimplemented, "jobs of the type %s cannot be cancelled", jobImageBuilder)
	case j.ended() || !j.settled.IsZero():
		return nil, refuse(codeFailedPrecondition, "the job %s has ended", j.id)
	case p.options.Cancel == CancelRefused:
		return nil, refuse(codeFailedPrecondition, "jobs of the type %s cannot be cancelled", jobImageBuilder)
	case !j.cancelled: // once is enough
		p.cancel(j, c.now)
	}
	return struct{}{}, nil
}

func listOfNoJobs(*call) (any, error) {
	return struct {
		Jobs          []jobDocument `json:"jobs"`
		NextPageToken string        `json:"nextPageToken"`
		HasMore       bool          `json:"hasMore"`
	}{Jobs: []jobDocument{}}, nil
}

func (p *Platform) notOfABuild(c *call) (any, error) {
	j, err := p.jobOf(c)
	if err != nil {
		return nil, err
	}
	return nil, refuse(codeFailedPrecondition, "the job %s has the type %s, which belongs to no project and no test run", j.id, jobImageBuilder)
}

func (p *Platform) jobDocument(c *call, j *job, view string) jobDocument {
	d := jobDocument{
		JobID:                 j.id,
		JobType:               jobImageBuilder,
		Status:                j.status,
		StartTime:             timestamp(j.started),
		CreationTime:          timestamp(j.created),
		CancellationRequested: j.cancelled,
	}
	switch {
	case j.started.IsZero():
	case j.ended():
		d.RunningTimeSecs = j.completed.Sub(j.started).Seconds()
	default:
		running := c.now.Sub(j.started)
		d.RunningTimeSecs = running.Seconds()
		if view == viewFull {
			d.JobProgressStr = fmt.Sprintf("simulated build, running for %.1f s", running.Seconds())
		}
	}
	if p.options.JobRoutes != JobsBeta {
		message := ""
		if j.status == jobFailed {
			message = j.defect.message()
		}
		completed := timestamp(j.completed)
		d.ErrorMsg, d.CompletionTime = &message, &completed
	}
	if p.options.JobRoutes != JobsV1 {
		reason := j.terminationReason()
		d.TerminationReason = &reason
	}
	if j.status == jobFailed && p.options.LogLifetime > 0 {
		d.ArchivedJobLogs = p.archivedLogs(c, j)
	}
	return d
}

func (j *job) terminationReason() string {
	switch {
	case !j.ended():
		return reasonNotTerminated
	case j.status == jobSucceeded:
		return reasonCompleted
	case j.status == jobFailed:
		return j.defect.reason()
	}
	return reasonGeneric
}
