package primehub

import (
	"fmt"
	"strings"
	"time"
)

// logLine is a line of a log, and when it was written.
type logLine struct {
	at   time.Time
	text string
}

// log is everything that a build has written until a time.
func (j *job) log(until time.Time) []logLine {
	w := logWriter{from: j.pod.runs, length: j.pod.end.Sub(j.pod.runs)}
	if j.defect != nil {
		w.length = time.Duration(float64(w.length) / j.defect.after())
	}
	j.write(&w)
	written := w.lines
	for i, line := range written {
		if line.at.After(until) || j.pod.stuck {
			return written[:i]
		}
	}
	return written
}

// logWriter spreads lines over the time of a build.
type logWriter struct {
	from   time.Time
	length time.Duration
	lines  []logLine
}

// say writes a line when a part of the build is done.
func (w *logWriter) say(share float64, format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		w.lines = append(w.lines, logLine{w.from.Add(part(w.length, share)), line})
	}
}

// fail writes how a build ends.
func (w *logWriter) fail(d *defect, step string) {
	if d.kind == NodeLost { // nobody is there to write any more
		return
	}
	w.say(d.after(), "%s", d.message())
	if d.kind == OutOfMemory || step != "" {
		w.say(d.after(), "error building at STEP \"%s\": exit status %d", step, d.exitCode())
	}
	w.say(d.after(), "[Failed] exit code %d", d.exitCode())
}

// write writes the whole log: the markers are those of the build script (internal/primehub/CONTRACT.md §4.7).
func (j *job) write(w *logWriter) {
	w.say(0, "This log is simulated by rime-sandbox: nothing is built.")
	w.say(0, "[Step: init]")
	w.say(0, "Generating Dockerfile")
	w.say(0, "%s", strings.TrimSpace(j.build.dockerfile()))
	w.say(0.02, "[Step: build]")
	w.say(0.02, "Fetching base image: %s", j.build.baseImage)
	if j.defect != nil && j.defect.section == "" && j.defect.kind != PushDenied {
		w.fail(j.defect, "")
		return
	}
	w.say(0.12, "Building image: %s", j.target)
	w.say(0.15, "STEP 1/9: FROM %s", j.build.baseImage)
	w.say(0.15, "STEP 2/9: USER root")
	step, share := 3, 0.2
	for _, command := range commands {
		entries := j.build.installed(command.kind)
		if len(entries) == 0 {
			continue
		}
		run := "RUN " + command.before + strings.Join(entries, " ")
		w.say(share, "STEP %d/9: %s", step, run)
		if j.defect != nil && j.defect.section == command.kind && j.defect.kind != PushDenied {
			w.fail(j.defect, run)
			return
		}
		for _, entry := range entries {
			w.say(share+0.05, "simulated: %s", entry)
		}
		step, share = step+1, share+0.1
	}
	w.say(0.8, "COMMIT %s", j.target)
	w.say(0.85, "[Step: push]")
	if j.defect != nil {
		w.fail(j.defect, "")
		return
	}
	w.say(0.95, "Copying blobs to %s", j.target)
	w.say(1, "[Completed]")
}
