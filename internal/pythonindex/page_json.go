package pythonindex

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
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

// readJSON reads file after file, so that no page is in memory as a whole.
func (l *listing) readJSON(body io.Reader) error {
	buffer := buffers.Get().(*[bufferSize]byte) //nolint:forcetypeassert // New makes nothing else
	defer buffers.Put(buffer)
	s := &stream{r: body, buffer: buffer[:0]}
	if err := s.expect('{'); err != nil {
		return err
	}
	return s.list('}', func() error {
		text, err := s.value()
		if err != nil {
			return err
		}
		c := cursor{text: text}
		key, ok := c.quoted()
		if !ok {
			return errSyntax
		}
		isFiles := string(key) == "files"
		if err := s.expect(':'); err != nil {
			return err
		}
		if isFiles {
			return l.readFiles(s)
		}
		_, err = s.value()
		return err
	})
}

func (l *listing) readFiles(s *stream) error {
	if err := s.expect('['); err != nil {
		return err
	}
	var e entry
	return s.list(']', func() error {
		text, err := s.value()
		if err != nil {
			return err
		}
		e = entry{}
		if c := (cursor{text: text}); !c.entry(&e) {
			return fmt.Errorf("it lists a file that cannot be read: %w", errUnusable)
		}
		return l.add(&e)
	})
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
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // whoever asks for more needs it
		}
		s.err = err
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

// cursor reads one value that is there as a whole, from left to right. Its methods are not ok, or false, where the text is not
// JSON (RFC 8259) or not of the kind that was to be expected.
type cursor struct {
	text []byte
	at   int
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// next is the next character that is not blank, 0 at the end.
func (c *cursor) next() byte {
	for ; c.at < len(c.text); c.at++ {
		if !isBlank(c.text[c.at]) {
			return c.text[c.at]
		}
	}
	return 0
}

// take takes one character.
func (c *cursor) take(want byte) bool {
	if c.next() != want {
		return false
	}
	c.at++
	return true
}

// word takes a literal.
func (c *cursor) word(want string) bool {
	if c.next(); !bytes.HasPrefix(c.text[c.at:], []byte(want)) {
		return false
	}
	c.at += len(want)
	return true
}

// quoted takes a string.
func (c *cursor) quoted() ([]byte, bool) {
	if !c.take('"') {
		return nil, false
	}
	for i := c.at; i < len(c.text); i++ {
		switch b := c.text[i]; {
		case b == '"':
			text := c.text[c.at:i]
			c.at = i + 1
			return text, true
		case b == '\\' || b >= 0x80:
			return c.escaped()
		case b < ' ':
			return nil, false
		}
	}
	return nil, false
}

// escaped takes a string that is not what it stands for. Its first quotation mark was taken.
func (c *cursor) escaped() ([]byte, bool) {
	x := extent{inString: true}
	end := x.skipString(c.text, c.at)
	if x.inString {
		return nil, false
	}
	var text string
	err := json.Unmarshal(c.text[c.at-1:end+1], &text)
	c.at = end + 1
	return []byte(text), err == nil
}

// object takes an object; value takes the value of each key.
func (c *cursor) object(value func(key []byte) bool) bool {
	if !c.take('{') {
		return false
	}
	for first := true; !c.take('}'); first = false {
		if !first && !c.take(',') {
			return false
		}
		key, ok := c.quoted()
		if !ok || !c.take(':') || !value(key) {
			return false
		}
	}
	return true
}

// skip takes any value.
func (c *cursor) skip(depth int) bool {
	switch next := c.next(); {
	case depth > maxDepth:
		return false
	case next == '"':
		_, ok := c.quoted()
		return ok
	case next == '{':
		return c.object(func([]byte) bool { return c.skip(depth + 1) })
	case next == '[':
		c.at++
		for first := true; !c.take(']'); first = false {
			if !first && !c.take(',') || !c.skip(depth+1) {
				return false
			}
		}
		return true
	case next == 't':
		return c.word("true")
	case next == 'f':
		return c.word("false")
	case next == 'n':
		return c.word("null")
	}
	return len(c.number()) > 0
}

// number takes a number. It is empty where there is none.
func (c *cursor) number() []byte {
	c.next()
	start := c.at
	for c.at < len(c.text) && bytes.IndexByte([]byte("+-.0123456789eE"), c.text[c.at]) >= 0 {
		c.at++
	}
	number := c.text[start:c.at]
	if !json.Valid(number) {
		return nil
	}
	return number
}

// entry takes what a page says of a file. What is null is as if it were not there.
func (c *cursor) entry(e *entry) bool {
	return c.object(func(key []byte) bool {
		switch string(key) {
		case "filename":
			return c.optional(&e.filename)
		case "url":
			return c.optional(&e.url)
		case "hashes":
			return c.word("null") || c.hashes(&e.sha256)
		case "requires-python":
			return c.optional(&e.requiresPython)
		case "size":
			return c.word("null") || c.integer(&e.size)
		case "upload-time":
			return c.optional(&e.uploadTime)
		case "yanked":
			return c.mark(&e.yanked)
		case "core-metadata":
			return c.mark(&e.coreMetadata)
		case "dist-info-metadata":
			return c.mark(&e.distInfo)
		}
		return c.skip(0)
	})
}

func (c *cursor) optional(text *[]byte) bool {
	if c.word("null") {
		return true
	}
	found, ok := c.quoted()
	*text = found
	return ok
}

func (c *cursor) integer(n *int64) bool {
	found, err := strconv.ParseInt(string(c.number()), 10, 64)
	*n = found
	return err == nil
}

// hashes takes an object of hashes, of which one is wanted.
func (c *cursor) hashes(sha256 *[]byte) bool {
	return c.object(func(key []byte) bool {
		if string(key) == "sha256" {
			return c.optional(sha256)
		}
		return c.skip(0)
	})
}

// mark takes a mark; one that is of no known kind is not set.
func (c *cursor) mark(m *mark) bool {
	*m = mark{}
	switch c.next() {
	case 't':
		m.set = true
		return c.word("true")
	case '"':
		text, ok := c.quoted()
		m.set, m.text = len(text) > 0, text
		return ok
	case '{':
		m.set = true
		return c.object(func(key []byte) bool {
			if string(key) == "sha256" && c.next() == '"' {
				text, ok := c.quoted()
				m.text = text
				return ok
			}
			return c.skip(0)
		})
	}
	return c.skip(0)
}
