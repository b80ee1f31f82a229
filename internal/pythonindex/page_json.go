package pythonindex

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// maxKeys bounds how many keys a page has.
const maxKeys = 1000

// readJSON reads file after file, so that no page is in memory as a whole.
func (l *listing) readJSON(body io.Reader) error {
	buffer := buffers.Get().(*[bufferSize]byte) //nolint:forcetypeassert // New makes nothing else
	defer buffers.Put(buffer)
	s := &stream{r: body, buffer: buffer[:0]}
	if err := s.expect('{'); err != nil {
		return err
	}
	keys := 0
	return s.list('}', func() error {
		if keys++; keys > maxKeys {
			return httpx.ErrAnswerTooLarge
		}
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
