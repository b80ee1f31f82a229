package primehub

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"
)

// maxLabel is how long the value of a label may be: the job of an image with a longer name is refused for ever (internal/primehub/CONTRACT.md §4.1).
const maxLabel = 63

// job is an ImageSpecJob: one build of an image.
type job struct {
	// image is whose build it is, by name and by identity.
	image      *image
	build      buildInput
	pullSecret string
	updateTime time.Time
	target     string
	phase      string
	// pod is nil until it is there, and if it is gone again; podName remembers it.
	pod     *pod
	podName string
	started time.Time
	// defect is what the build will meet, nil if nothing.
	defect *defect
}

// buildInput is what an image is built of, as it is stored.
type buildInput struct {
	baseImage string
	packages  map[string][]string
}

// pod is the pod that builds.
type pod struct {
	// runs is when it begins to run, and end when it ends.
	runs, end time.Time
	// outcome is the phase at the end.
	outcome string
	// stuck tells that it never starts.
	stuck bool
}

// A pod takes this part of its time to start.
const partPending = 0.1

func inputOf(build document) buildInput {
	in := buildInput{build.text("baseImage"), map[string][]string{}}
	for _, kind := range packageKinds {
		list, _ := build.object("packages")[kind].([]any)
		for _, item := range list {
			text, _ := item.(string)
			in.packages[kind] = append(in.packages[kind], text)
		}
	}
	return in
}

// startJob makes the job of an image, and lets the job controller see it. The image controller sees in its next pass that there is one.
func (p *Platform) startJob(img *image, at time.Time) {
	if len(img.name) > maxLabel {
		return
	}
	build := img.imageSpec()
	j := &job{image: img, build: inputOf(build), pullSecret: build.text("pullSecret"), updateTime: updateTimeOf(build), started: at}
	if j.updateTime.IsZero() { // it is still to be written, or was never asked for
		j.updateTime = at.UTC().Truncate(p.options.TimeStep)
	}
	j.target = p.targetOf(img.name, j.build)
	j.defect = p.defectOf(j.build)
	p.jobs[img.name] = j
	p.history = append(p.history, j)
	p.changed(img)
	p.agenda.Plan(at.Add(2*p.options.Reaction), p.podStarter(j))
}

func (p *Platform) podStarter(j *job) func(time.Time) {
	return func(at time.Time) { p.startPod(j, at) }
}

func (p *Platform) current(j *job) bool { return p.jobs[j.image.name] == j }

// removeJob deletes a job, and its pod and log with it.
func (p *Platform) removeJob(j *job) {
	if p.current(j) {
		delete(p.jobs, j.image.name)
	}
}

// collect deletes the job of an image that is gone. A new image of that name looks for its own then.
func (p *Platform) collect(j *job) {
	if !p.current(j) || p.still(j.image) {
		return
	}
	p.removeJob(j)
	if img := p.images[j.image.name]; img != nil {
		p.changed(img)
	}
}

// startPod starts the pod of a job. Without its pull secret it is tried again and again, and the phase stays empty.
func (p *Platform) startPod(j *job, at time.Time) {
	if !p.current(j) || j.pod != nil || !p.secretThere(j.pullSecret) {
		return
	}
	length := p.options.BuildTime
	if p.options.BuildTimeFor != nil {
		length = p.options.BuildTimeFor(j.image.name)
	}
	if j.podName == "" { // one that follows another has its name
		j.podName = "image-" + j.image.name + "-" + strings.ToLower(rand.Text()[:4])
	}
	j.pod = &pod{runs: at.Add(part(length, partPending)), end: at.Add(length), outcome: phaseSucceeded, stuck: p.options.BuilderUnconfigured}
	if j.defect != nil {
		j.pod.outcome = j.defect.outcome()
		j.pod.stuck = j.pod.stuck || j.defect.kind == StuckPending
		j.pod.end = j.pod.runs.Add(part(length, (1-partPending)*j.defect.after()))
	}
	p.look(j, at)
	if !j.pod.stuck {
		p.agenda.Plan(at.Add(p.options.FirstLook), func(at time.Time) { p.lookAgain(j, at) })
	}
}

func part(of time.Duration, share float64) time.Duration { return time.Duration(share * float64(of)) }

// secretThere tells whether an image can be pulled with a secret: also without any.
func (p *Platform) secretThere(id string) bool {
	return id == "" || id == p.options.PushSecret && !p.options.BuilderUnconfigured ||
		slices.ContainsFunc(p.secrets, func(s *Secret) bool { return s.id() == id })
}

// phaseAt is the phase of a pod at a time.
func (p *pod) phaseAt(at time.Time) string {
	switch {
	case at.Before(p.runs) || p.stuck:
		return phasePending
	case at.Before(p.end):
		return phaseRunning
	}
	return p.outcome
}

// look copies the phase of the pod to the job, and from there it goes to the image.
func (p *Platform) look(j *job, at time.Time) {
	if phase := j.pod.phaseAt(at); phase != j.phase {
		j.phase = phase
		if img := p.images[j.image.name]; img != nil { // by name: it may not be the image that the job was made for
			p.changed(img)
		}
	}
}

// lookAgain looks at the pod from time to time, until it has ended.
func (p *Platform) lookAgain(j *job, at time.Time) {
	if !p.current(j) || j.pod == nil {
		return
	}
	p.look(j, at)
	if j.phase == phasePending || j.phase == phaseRunning {
		p.agenda.Plan(at.Add(p.options.NextLook), func(at time.Time) { p.lookAgain(j, at) })
	}
}
