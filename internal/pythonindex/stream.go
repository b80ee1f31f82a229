package pythonindex

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// Pages in JSON have tens of megabytes, of which little is kept, and a search reads a hundred of them. So they are read here
// file after file, out of one buffer; package encoding/json takes five times as long and makes a dozen strings per file.

const (
	// maxValue bounds what a page says of one file, in bytes; and what else it says, such as which versions there are.
	maxValue = 4 << 20
	// bufferSize is how much is read at once. Small pieces are many calls of the operating system.
	bufferSize = 64 << 10
	// maxDepth bounds how deep a value lies in others.
	maxDepth = 64
)

// buffers are those of streams.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// stream gives the parts of a JSON text one after the other.
type stream struct {
	r io.Reader
	// buffer has what was read; what is before at was taken.
	buffer []byte
	at     int
	err    error
}

// errSyntax is what is not JSON.
var errSyntax = fmt.Errorf("it is no JSON, as its type says: %w", errUnusable)

// list reads what stands between commas, up to the end, whose beginning was taken.
func (s *stream) list(end byte, read func() error) error {
	for first := true; ; first = false {
		next, err := s.peek()
		switch {
		case err != nil:
			return err
		case next == end:
			s.at++
			return nil
		}
		if !first {
			if err := s.expect(','); err != nil {
				return err
			}
		}
		if err := read(); err != nil {
			return err
		}
	}
}

// peek is the next character that is not blank.
func (s *stream) peek() (byte, error) {
	for {
		for ; s.at < len(s.buffer); s.at++ {
			if c := s.buffer[s.at]; !isBlank(c) {
				return c, nil
			}
		}
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

// expect takes one character.
func (s *stream) expect(want byte) error {
	switch next, err := s.peek(); {
	case err != nil:
		return err
	case next != want:
		return fmt.Errorf("it has %q where %q was to be expected: %w", next, want, errUnusable)
	}
	s.at++
	return nil
}

// more reads more. What was not taken stays, and moves to the front of the buffer.
func (s *stream) more() error {
	if s.err != nil {
		return s.err
	}
	left := copy(s.buffer[:cap(s.buffer)], s.buffer[s.at:])
	s.buffer, s.at = s.buffer[:left], 0
	if left == cap(s.buffer) {
		if left >= maxValue {
			return httpx.ErrAnswerTooLarge
		}
		s.buffer = append(make([]byte, 0, 2*left), s.buffer...)
	}
	for range 100 {
		n, err := s.r.Read(s.buffer[left:cap(s.buffer)])
		s.buffer = s.buffer[:left+n]
		s.err = truncated(err) // whoever asks for more needs it
		if n > 0 || err != nil {
			break
		}
	}
	if len(s.buffer) == left {
		if s.err == nil {
			s.err = io.ErrNoProgress
		}
		return s.err
	}
	return nil
}

// value is the text of the next value, which is valid until more is read. Whether it is right inside is not looked at.
func (s *stream) value() ([]byte, error) {
	if _, err := s.peek(); err != nil {
		return nil, err
	}
	var x extent
	for done := 0; ; {
		length, whole := x.scan(s.buffer[s.at:], done)
		if whole {
			text := s.buffer[s.at : s.at+length]
			s.at += length
			if length == 0 {
				return nil, errSyntax
			}
			return text, nil
		}
		done = len(s.buffer) - s.at
		if err := s.more(); err != nil {
			return nil, err
		}
	}
}

// extent finds the end of a value.
type extent struct {
	depth    int
	inString bool
	escaped  bool
}

// scan goes on behind what was done of the text. It is whole where the value ends, after that many bytes.
func (x *extent) scan(text []byte, done int) (length int, whole bool) {
	for i := done; i < len(text); i++ {
		if x.inString {
			i = x.skipString(text, i)
			if x.inString {
				return 0, false
			}
			if x.depth == 0 {
				return i + 1, true
			}
			continue
		}
		switch c := text[i]; c {
		case '"':
			x.inString = true
		case '{', '[':
			x.depth++
		case '}', ']':
			if x.depth == 0 { // it belongs to what is around
				return i, true
			}
			if x.depth--; x.depth == 0 {
				return i + 1, true
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if x.depth == 0 {
				return i, true
			}
		}
	}
	return 0, false
}

// skipString goes to the quotation mark that ends the string.
func (x *extent) skipString(text []byte, i int) int {
	if end := bytes.IndexByte(text[i:], '"'); end >= 0 && !x.escaped && bytes.IndexByte(text[i:i+end], '\\') < 0 { // as a rule
		x.inString = false
		return i + end
	}
	for ; i < len(text); i++ {
		switch {
		case x.escaped:
			x.escaped = false
		case text[i] == '\\':
			x.escaped = true
		case text[i] == '"':
			x.inString = false
			return i
		}
	}
	return i
}
