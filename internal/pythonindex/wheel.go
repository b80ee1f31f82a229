package pythonindex

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"path"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// METADATA is read out of a wheel, which is a zip archive (PKWARE's APPNOTE.TXT), with two or three requests: for the end of
// the file, for the directory of the archive if that begins before, and for METADATA if it lies before. Package archive/zip
// believes what a file says of its size, and asks for the directory piece by piece.

const (
	// maxDirectory bounds the directory of a wheel in bytes. The largest wheels of the public index have 3 MB.
	maxDirectory = 16 << 20

	endSignature       = "PK\x05\x06"
	endLength          = 22
	locatorSignature   = "PK\x06\x07"
	locatorLength      = 20
	end64Signature     = "PK\x06\x06"
	end64Length        = 56
	directorySignature = "PK\x01\x02"
	directoryLength    = 46
	fileSignature      = "PK\x03\x04"
	fileLength         = 30

	stored, deflated = 0, 8
)

// member is a file in an archive, as its directory tells it.
type member struct {
	name                string
	flags, method       uint16
	sum                 uint32
	packed, size, start int64
}

// errNoWheel is a file that is no wheel.
var errNoWheel = errors.New("it is no wheel")

// insideWheel reads METADATA out of a wheel.
func (c *Client) insideWheel(ctx context.Context, file *File) ([]byte, error) {
	p, err := c.openParts(ctx, file)
	if err != nil {
		return nil, err
	}
	text, err := p.metadata()
	if err != nil && !p.failed {
		return nil, &MetadataError{File: file.Name, Err: err}
	}
	return text, err
}

// metadata finds METADATA, and unpacks it. It is among the last files of a wheel as a rule, and so in what is known of
// a directory that is long.
func (p *parts) metadata() (text []byte, err error) {
	start, length, err := p.directory()
	if err != nil {
		return nil, err
	}
	found := false
	take := func(m member, before int64) (done bool, err error) {
		if found = isMetadata(m.name, p.file); found {
			text, err = p.unpacked(m, before)
		}
		return found, err
	}
	if end := p.known[0]; start < end.at && start+length > end.at {
		err = p.walk(lastMembers(end.bytes[:start+length-end.at]), start, take)
	}
	if !found && err == nil {
		err = p.members(take)
	}
	if !found && err == nil {
		err = errors.New("it has no METADATA")
	}
	return text, err
}

// members gives the files of the archive, in the order of its directory, until it is done. Each ends before where the directory
// begins.
func (p *parts) members(take func(m member, before int64) (done bool, err error)) error {
	start, length, err := p.directory()
	if err != nil {
		return err
	}
	directory, err := p.read(start, length)
	if err != nil {
		return err
	}
	return p.walk(directory, start, take)
}

// walk gives the files that a directory has, or a part of it.
func (p *parts) walk(directory []byte, before int64, take func(m member, before int64) (done bool, err error)) error {
	for done := false; len(directory) > 0 && !done; {
		var m member
		var err error
		if m, directory, err = takeMember(directory); err != nil {
			return err
		}
		m.start += p.shift
		if done, err = take(m, before); err != nil {
			return err
		}
	}
	return nil
}

// lastMembers is the part of a directory that begins with the first whole file in this end of it: what is told of it,
// and of the files after it, fills the rest.
func lastMembers(end []byte) []byte {
	for range 8 { // what looks like the beginning of a file may be part of a name
		at := bytes.Index(end, []byte(directorySignature))
		if at < 0 {
			return nil
		}
		end = end[at:]
		if rest := afterMembers(end); len(rest) == 0 {
			return end
		}
		end = end[1:]
	}
	return nil
}

// afterMembers is what is left after the files.
func afterMembers(directory []byte) []byte {
	for len(directory) > 0 {
		_, rest, err := takeMember(directory)
		if err != nil {
			break
		}
		directory = rest
	}
	return directory
}

// isMetadata tells the METADATA of the wheel itself from those of what it has packed along.
func isMetadata(name string, file *File) bool {
	directory, found := strings.CutSuffix(name, ".dist-info/METADATA")
	distribution, _, _ := strings.Cut(directory, "-")
	return found && !strings.Contains(directory, "/") && pep508.NormalizeName(distribution) == file.project
}

// directory is where the directory of the archive is. What the archive says is measured from the beginning of the archive, which
// something may stand before, as for Python.
func (p *parts) directory() (start, length int64, err error) {
	tail := p.known[0]
	at := bytes.LastIndex(tail.bytes, []byte(endSignature))
	if at < 0 || len(tail.bytes)-at < endLength {
		return 0, 0, errNoWheel
	}
	end := tail.bytes[at:]
	length, start = int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
	finish := tail.at + int64(at)
	if locator := at - locatorLength; locator >= 0 && bytes.HasPrefix(tail.bytes[locator:], []byte(locatorSignature)) {
		place := locator - end64Length
		if place < 0 || !bytes.HasPrefix(tail.bytes[place:], []byte(end64Signature)) {
			return 0, 0, errNoWheel
		}
		length, start = number64(tail.bytes[place+40:]), number64(tail.bytes[place+48:])
		finish = tail.at + int64(place)
	}
	switch {
	case length < 0 || start < 0 || length > finish || start > finish-length:
		return 0, 0, errNoWheel
	case length > maxDirectory:
		return 0, 0, httpx.ErrAnswerTooLarge
	}
	p.shift = finish - length - start
	return finish - length, length, nil
}

// number64 is a number of eight bytes. What is too large is negative.
func number64(b []byte) int64 {
	return int64(binary.LittleEndian.Uint64(b)) //nolint:gosec // see above
}

// takeMember takes the first member of a directory.
func takeMember(directory []byte) (m member, rest []byte, err error) {
	if len(directory) < directoryLength || !bytes.HasPrefix(directory, []byte(directorySignature)) {
		return m, nil, errNoWheel
	}
	short := func(at int) int { return int(binary.LittleEndian.Uint16(directory[at:])) }
	long := func(at int) int64 { return int64(binary.LittleEndian.Uint32(directory[at:])) }
	m = member{
		flags: binary.LittleEndian.Uint16(directory[8:]), method: binary.LittleEndian.Uint16(directory[10:]), sum: binary.LittleEndian.Uint32(directory[16:]),
		packed: long(20), size: long(24), start: long(42),
	}
	nameEnd := directoryLength + short(28)
	extraEnd := nameEnd + short(30)
	end := extraEnd + short(32)
	if end > len(directory) {
		return m, nil, errNoWheel
	}
	m.widen(directory[nameEnd:extraEnd])
	m.name = string(directory[directoryLength:nameEnd])
	return m, directory[end:], nil
}

// widen takes the numbers that have eight bytes from the extra fields.
func (m *member) widen(extra []byte) {
	for len(extra) >= 4 {
		id, length := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		extra = extra[4:]
		if length > len(extra) {
			return
		}
		field := extra[:length]
		extra = extra[length:]
		if id != 1 {
			continue
		}
		for _, n := range []*int64{&m.size, &m.packed, &m.start} {
			if *n == math.MaxUint32 && len(field) >= 8 {
				*n, field = number64(field), field[8:]
			}
		}
	}
}

// unpacked is what the member has, which ends before the directory at the latest.
func (p *parts) unpacked(m member, before int64) ([]byte, error) {
	switch {
	case m.start < 0 || m.start > before-fileLength || m.packed < 0:
		return nil, errNoWheel
	case m.flags&1 != 0:
		return nil, fmt.Errorf("its %s is encrypted", m.file())
	case m.method != stored && m.method != deflated:
		return nil, fmt.Errorf("its %s is compressed by method %d, which no wheel uses", m.file(), m.method)
	case m.packed > maxMetadata || m.size > maxMetadata || m.size < 0:
		return nil, httpx.ErrAnswerTooLarge
	}
	// The header before it has a name and fields, of which nothing tells how long they are.
	content, err := p.read(m.start, min(fileLength+m.packed+ahead, before-m.start))
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(content, []byte(fileSignature)) {
		return nil, errNoWheel
	}
	header := fileLength + int64(binary.LittleEndian.Uint16(content[26:])) + int64(binary.LittleEndian.Uint16(content[28:]))
	if header+m.packed > int64(len(content)) {
		if content, err = p.read(m.start, min(header+m.packed, before-m.start)); err != nil {
			return nil, err
		}
	}
	if header+m.packed > int64(len(content)) {
		return nil, errNoWheel
	}
	return m.unpack(content[header : header+m.packed])
}

// file is the name of the file, which is one of those that are looked for.
func (m *member) file() string { return path.Base(m.name) }

// unpack is what was packed, if it is what it should be.
func (m *member) unpack(packed []byte) ([]byte, error) {
	text := packed
	if m.method == deflated {
		var err error
		if text, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), m.size+1)); err != nil {
			return nil, fmt.Errorf("its %s is broken: %w", m.file(), err)
		}
	}
	if int64(len(text)) != m.size || crc32.ChecksumIEEE(text) != m.sum {
		return nil, fmt.Errorf("its %s is broken", m.file())
	}
	return text, nil
}
