package primehub

import "time"

// changed lets the image controller look at an image that has changed.
func (p *Platform) changed(img *image) {
	if img.seen {
		return
	}
	img.seen = true
	p.agenda.Plan(p.agenda.Now().Add(p.options.Reaction), func(at time.Time) {
		img.seen = false
		if p.still(img) {
			p.reconcile(img, at)
		}
	})
}

// reconcile is one pass of the image controller (internal/primehub/CONTRACT.md §4.4).
func (p *Platform) reconcile(img *image, at time.Time) {
	build := img.imageSpec()
	if build.text("baseImage") == "" {
		return
	}
	j := p.jobs[img.name]
	switch {
	case build["cancel"] == true:
		if j != nil { // a build that has not begun cannot be cancelled, and nobody says so
			p.removeJob(j)
			p.write(img, nil, condition{phaseCancelled, img.builtImage()})
		}
	case j == nil:
		p.startJob(img, at)
	case updateTimeOf(build).After(j.updateTime):
		p.removeJob(j)
		p.startJob(img, at)
	default:
		p.copyStatus(img, j)
	}
}

// builtImage is the image of the last build that succeeded.
func (i *image) builtImage() string {
	if i.condition == nil {
		return ""
	}
	return i.condition.image
}

// copyStatus shows the state of a job at its image, and the job's image once it is there: whatever a user has made of these fields meanwhile.
func (p *Platform) copyStatus(img *image, j *job) {
	shown := condition{j.phase, img.builtImage()}
	var fields document
	switch {
	case j.phase == phaseSucceeded:
		shown.image = j.target
		fields = document{"url": j.target, "urlForGpu": j.target, "pullSecret": p.options.PushSecret}
	case j.phase == phaseNone && img.condition != nil && img.condition.phase == phaseCancelled:
		shown.phase = phaseCancelled // until the new job has something to say
	}
	p.write(img, fields, shown)
}

// write is how the controller writes an image, if there is something to write: through structures that omit what is empty.
func (p *Platform) write(img *image, fields document, shown condition) {
	same := img.condition != nil && *img.condition == shown
	for name, value := range fields {
		same = same && img.spec[name] == value
	}
	if same {
		return
	}
	img.spec.merge(fields)
	img.spec.omitEmpty()
	if build := img.imageSpec(); build["packages"] == nil { // a structure is never empty to Go
		build["packages"] = document{}
	}
	img.condition = &shown
	p.changed(img)
}

// omitEmpty removes what is empty, and writes the time as Go does.
func (d document) omitEmpty() {
	for key, value := range d {
		switch value := value.(type) {
		case document:
			value.omitEmpty()
		case []any:
			if len(value) == 0 {
				delete(d, key)
			}
		case string:
			switch {
			case value == "":
				delete(d, key)
			case key == "updateTime":
				if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
					d[key] = t.UTC().Format(time.RFC3339Nano)
				}
			}
		case bool:
			if !value {
				delete(d, key)
			}
		}
	}
}

// updateTimeOf is when a build was asked for, zero if that has not been written yet.
func updateTimeOf(build document) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, build.text("updateTime")) // zero if it is none
	return t
}
