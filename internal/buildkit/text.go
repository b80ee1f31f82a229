package buildkit

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxTailLines and maxLineBytes bound what is kept of a log, whatever is written to it.
	maxTailLines = 200
	maxLineBytes = 1024
)

// tail keeps the last lines of a log.
type tail struct {
	lines []string
	next  int // where the next line goes once the tail is full
}

func (t *tail) add(line string) {
	if len(t.lines) < maxTailLines {
		t.lines = append(t.lines, line)
		return
	}
	t.lines[t.next] = line
	t.next = (t.next + 1) % maxTailLines
}

// all returns the lines, oldest first.
func (t *tail) all() []string {
	return append(append([]string(nil), t.lines[t.next:]...), t.lines[:t.next]...)
}

// splitter cuts a stream of bytes into lines, and keeps no more than limit bytes of any line.
type splitter struct {
	limit   int
	line    []byte
	dropped int
}

// write takes the next bytes of the stream and calls emit for each line that they complete.
func (s *splitter) write(data []byte, emit func(line []byte, dropped int)) {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		part := data
		if end >= 0 {
			part = data[:end]
		}
		keep := min(len(part), s.limit-len(s.line))
		s.line = append(s.line, part[:keep]...)
		s.dropped += len(part) - keep
		if end < 0 {
			return
		}
		s.flush(emit)
		data = data[end+1:]
	}
}

// flush emits the line that was begun.
func (s *splitter) flush(emit func(line []byte, dropped int)) {
	emit(s.line, s.dropped)
	s.line, s.dropped = s.line[:0], 0
}

// pending tells whether a line was begun.
func (s *splitter) pending() bool { return len(s.line) > 0 }

// readable makes a line of any bytes fit for a terminal and a state file: no escape sequences, nothing but printable
// characters, and of a line that overwrites itself the last writing.
func readable(line []byte) string {
	line = bytes.TrimRight(line, "\r\n")
	if i := bytes.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	if bytes.IndexByte(line, '\x1b') >= 0 {
		line = escapeSequence.ReplaceAll(line, nil)
	}
	if !bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
		return string(line)
	}
	var b strings.Builder
	b.Grow(len(line))
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, line[0])
		case r == '\t' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		line = line[size:]
	}
	return b.String()
}

var escapeSequence = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]`)

// shorten cuts a text to the size of a line and says how much is missing, besides what was dropped before.
func shorten(text string, dropped int) string {
	if len(text) > maxLineBytes {
		cut := maxLineBytes
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		dropped += len(text) - cut
		text = text[:cut]
	}
	if dropped == 0 {
		return text
	}
	return fmt.Sprintf("%s… [%d bytes more]", text, dropped)
}

// oneLine makes one line of a text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
