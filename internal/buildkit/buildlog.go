package buildkit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// buildLog follows the progress of one solve: it knows the steps by name and keeps the last lines of each. Its memory
// is bounded however much a build writes. Secrets are removed before a line is kept or shown.
type buildLog struct {
	redactor *redactor
	observe  func(step, line string)
	steps    map[digest.Digest]*stepLog
	tail     tail // of all steps together
	// unfinished is the step that began or failed last and did not succeed since.
	unfinished *stepLog
}

// stepLog is what one step wrote.
type stepLog struct {
	name    string
	tail    tail
	streams map[int]*splitter // standard output and standard error interleave by line
	// turnedTo is the last line in which pip said which distribution it turned to. It is kept even when the flood of
	// that distribution's build drives it out of the tail: older versions of pip do not name the culprit again.
	turnedTo string
	begun    bool
	ended    bool
}

func newBuildLog(r *redactor, observe func(step, line string)) *buildLog {
	if observe == nil {
		observe = func(string, string) {}
	}
	return &buildLog{redactor: r, observe: observe, steps: map[digest.Digest]*stepLog{}}
}

// follow reads the progress until the channel is closed.
func (l *buildLog) follow(updates <-chan *client.SolveStatus) {
	for update := range updates {
		for _, v := range update.Vertexes {
			l.vertex(v)
		}
		for _, entry := range update.Logs {
			l.write(l.step(entry.Vertex), entry.Stream, entry.Data)
		}
	}
	for _, step := range l.steps {
		l.flush(step)
	}
}

// step finds a step by its digest; the digest may be one that was never announced.
func (l *buildLog) step(id digest.Digest) *stepLog {
	s, ok := l.steps[id]
	if !ok {
		s = &stepLog{streams: map[int]*splitter{}}
		l.steps[id] = s
	}
	return s
}

// vertex takes note of the begin and the end of a step.
func (l *buildLog) vertex(v *client.Vertex) {
	s := l.step(v.Digest)
	s.name = v.Name
	silent := strings.HasPrefix(s.plainName(), "prepare: ")
	// A cache that is not there yet, or can be neither read nor written, fails no build.
	optional := strings.HasPrefix(s.name, "importing cache ") || strings.HasPrefix(s.name, "exporting cache ")
	if v.Started != nil && !s.begun {
		s.begun = true
		if !optional {
			l.unfinished = s
		}
		if !silent && !v.Cached {
			l.observe(s.name, "started")
		}
	}
	if v.Completed == nil || s.ended {
		return
	}
	s.ended = true
	l.flush(s)
	switch {
	case optional:
	case v.Error != "":
		l.unfinished = s
	case l.unfinished == s:
		l.unfinished = nil
	}
	switch {
	case v.Error != "":
		l.observe(s.name, "failed: "+shorten(l.redactor.clean(oneLine(v.Error)), 0))
	case silent:
	case v.Cached:
		l.observe(s.name, "cached")
	case v.Started != nil:
		l.observe(s.name, fmt.Sprintf("done in %s", v.Completed.Sub(*v.Started).Round(time.Millisecond)))
	}
}

// plainName is the step's name without the platform.
func (s *stepLog) plainName() string {
	if strings.HasPrefix(s.name, "[") {
		if _, plain, ok := strings.Cut(s.name, "] "); ok {
			return plain
		}
	}
	return s.name
}

func (l *buildLog) write(s *stepLog, stream int, data []byte) {
	lines, ok := s.streams[stream]
	if !ok {
		// A secret that begins within the kept part of a line must be seen whole to be removed.
		lines = &splitter{limit: maxLineBytes + l.redactor.longest()}
		s.streams[stream] = lines
	}
	lines.write(data, func(line []byte, dropped int) { l.line(s, line, dropped) })
}

func (l *buildLog) flush(s *stepLog) {
	for _, lines := range s.streams {
		if lines.pending() {
			lines.flush(func(line []byte, dropped int) { l.line(s, line, dropped) })
		}
	}
}

func (l *buildLog) line(s *stepLog, raw []byte, dropped int) {
	text := l.redactor.hide(readable(raw))
	if dropped > 0 { // the end of what was kept may be the beginning of a secret
		cut := max(0, len(text)-l.redactor.longest())
		text, dropped = text[:cut], dropped+len(text)-cut
	}
	text = shorten(strings.ToValidUTF8(text, ""), dropped)
	s.tail.add(text)
	l.tail.add(text)
	if pipCollecting.MatchString(text) {
		s.turnedTo = text
	}
	l.observe(s.name, redact.Text(text))
}

// failed returns the name and the last lines of a step, with whole addresses. Of an error that names no step it is the one that was running or
// failed last; when there is none, the lines are those of all steps.
func (l *buildLog) failed(id string) (step string, lines []string) {
	s, ok := l.steps[digest.Digest(id)]
	if !ok {
		s = l.unfinished
	}
	if s == nil || s.name == "" {
		return "", l.tail.all()
	}
	lines = s.tail.all()
	if s.turnedTo != "" && !slices.Contains(lines, s.turnedTo) {
		lines = append([]string{s.turnedTo}, lines...)
	}
	return s.plainName(), lines
}
