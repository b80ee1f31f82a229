package rime

import (
	"crypto/rand"
	"fmt"
	"time"
)

// A build takes this part of its time to get resources, this part to start, and the rest to run.
const (
	partRequested = 0.05
	partPending   = 0.15
	partTransient = 0.10
	partRunning   = 1 - partRequested - partPending
	// partUntilDefect is how far a build runs until it meets what makes it fail.
	partUntilDefect = 0.4
)

// job is a build of an image.
type job struct {
	id      string
	image   *image
	status  string
	tag     string
	length  time.Duration
	defect  *defect
	created time.Time
	// started and completed are zero until then.
	started, completed time.Time
	cancelled          bool // requested; the status follows
	// settled is when the image got its status, which may be before or after the job got its own. Zero until then.
	settled time.Time
}

// newID makes a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (j *job) ended() bool {
	return j.status == jobSucceeded || j.status == jobFailed || j.status == jobCancelled
}

func (j *job) part(part float64) time.Duration { return time.Duration(part * float64(j.length)) }

func (p *Platform) deadlineOf(j *job) time.Time { return j.created.Add(p.options.Deadline) }

// startBuild starts a build of an image.
func (p *Platform) startBuild(img *image, status string, at time.Time) *job {
	j := &job{
		id: newID(), image: img, status: jobRequested, tag: p.version, length: p.options.BuildTime, defect: p.defectOf(img.inputs), created: at,
	}
	if p.options.BuildTimeFor != nil {
		j.length = p.options.BuildTimeFor(img.name)
	}
	p.jobs[j.id] = j
	img.build, img.status = j, status
	if j.defect != nil && j.defect.kind == StuckRequested {
		p.planFor(j, p.deadlineOf(j), p.fail)
	} else {
		p.planFor(j, at.Add(j.part(partRequested)), p.pend)
	}
	return j
}

// planFor plans the next step of a build. A build that is cancelled takes no more of them.
func (p *Platform) planFor(j *job, at time.Time, step func(*job, time.Time)) {
	p.agenda.Plan(at, func(at time.Time) {
		if !j.cancelled && !j.ended() {
			step(j, at)
		}
	})
}

// pend has given the build its resources.
func (p *Platform) pend(j *job, at time.Time) {
	j.status = jobPending
	if j.defect != nil && j.defect.kind == StuckPending {
		p.planFor(j, p.deadlineOf(j), p.fail)
		return
	}
	p.planFor(j, at.Add(j.part(partPending)), p.awaitSource)
}

// awaitSource waits for the source image: a base image is always built before those that are built on it.
func (p *Platform) awaitSource(j *job, at time.Time) {
	source := j.image.parent
	switch {
	case source == nil || source.status == imageReady && p.exists(source):
		if p.options.TransientJobStatus == "" {
			p.run(j, at)
			return
		}
		j.status = p.options.TransientJobStatus
		p.planFor(j, at.Add(j.part(partTransient)), p.run)
	case !at.Before(p.deadlineOf(j)):
		j.defect = &defect{kind: StuckPending}
		p.fail(j, at)
	default:
		p.planFor(j, earlier(at.Add(max(j.part(partRequested), time.Millisecond)), p.deadlineOf(j)), p.awaitSource)
	}
}

// run runs the build, and plans both of its ends: that of the job, and the change of the image's status.
func (p *Platform) run(j *job, at time.Time) {
	j.status, j.started = jobRunning, at
	if p.options.TransientImageStatus != "" && p.exists(j.image) {
		before := j.image.status
		j.image.status = p.options.TransientImageStatus
		p.planFor(j, at.Add(j.part(partTransient)), func(j *job, _ time.Time) {
			if j.image.status == p.options.TransientImageStatus {
				j.image.status = before
			}
		})
	}
	end, step := at.Add(j.part(partRunning)), p.succeed
	switch {
	case j.defect != nil && j.defect.kind == Deadline:
		end, step = p.deadlineOf(j), p.fail
	case j.defect != nil:
		end, step = at.Add(j.part(partUntilDefect)), p.fail
	case end.After(p.deadlineOf(j)):
		j.defect = &defect{kind: Deadline}
		end, step = p.deadlineOf(j), p.fail
	}
	if lag := p.options.ImageLag; lag < 0 {
		p.planFor(j, later(end.Add(lag), at), func(j *job, at time.Time) { p.settle(j, at) })
	}
	p.planFor(j, end, step)
}

func (p *Platform) succeed(j *job, at time.Time) { p.end(j, jobSucceeded, at) }

func (p *Platform) fail(j *job, at time.Time) { p.end(j, jobFailed, at) }

// end ends the job, and lets the image hear of it a little later if it has not before.
func (p *Platform) end(j *job, status string, at time.Time) {
	j.status, j.completed = status, at
	p.agenda.Plan(at.Add(max(0, p.options.ImageLag)), func(at time.Time) { p.settle(j, at) })
	if p.options.JobRetention > 0 {
		p.agenda.Plan(at.Add(p.options.JobRetention), func(time.Time) { delete(p.jobs, j.id) })
	}
}

// settle gives the image the status that comes of the build, as the builder's call of the registry does.
func (p *Platform) settle(j *job, at time.Time) {
	img := j.image
	if !j.settled.IsZero() || !p.exists(img) || img.build != j {
		return
	}
	j.settled, img.build = at, nil
	if j.defect != nil || j.status == jobCancelled {
		img.status = imageFailed
		return
	}
	img.status, img.tag, img.libraries = imageReady, j.tag, installed(img.inputs, j.tag)
	if img.tag != p.version {
		p.outdate(img, at)
	}
}

// outdate says that an image is not of the platform's version, which the platform sees to a little later.
func (p *Platform) outdate(img *image, at time.Time) {
	img.status = imageOutdated
	p.agenda.Plan(at.Add(p.options.UpgradeDelay), func(at time.Time) {
		if p.exists(img) && img.status == imageOutdated && img.build == nil && img.tag != p.version {
			p.startBuild(img, imageRebuilding, at)
		}
	})
}

// cancel requests the end of a build, which comes a little later.
func (p *Platform) cancel(j *job, now time.Time) {
	j.cancelled = true
	p.agenda.Plan(now.Add(j.part(partRequested)), func(at time.Time) { p.end(j, jobCancelled, at) })
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
