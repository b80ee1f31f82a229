package pythonindex

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"iter"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// page is what one index has of a distribution, in little memory: an image needs a hundred distributions with a hundred
// thousand files, and takes one of each. A file is a row of bytes; what files share is there once.
type page struct {
	project string
	index   *index
	// rows are in pieces, so that they need not be moved to make room for more.
	rows [][]byte
	// versions, kinds and texts are what rows point to. The first kind is that of source distributions.
	versions []pep440.Version
	kinds    []*kind
	texts    []string
	// count is how many rows there are; elsewhere counts wheels besides that no CPython 3 on Linux can run.
	count, elsewhere int
}

// pieceSize is how many bytes a piece of rows has, in most of them.
const pieceSize = 16 << 10

// kind is what files of many distributions share.
type kind struct {
	// wheel has all but the name and the version. Nil is a source distribution.
	wheel *pep425.Wheel
	// ending is what the names have after the version.
	ending string
}

// ofSource is the place of the kind of source distributions.
const ofSource = 0

var source = &kind{ending: ".tar.gz"}

// row is a file. Kind, version, stem, python, reason and site are places in a page.
type row struct {
	kind, version int
	// stem is how the name begins. The version and the ending of the kind follow, unless it is the whole name.
	stem int
	// site and path are the address. The name follows, if it ends with that.
	site int
	path []byte
	// The hashes are digits or bytes.
	sha256, metadata []byte
	size             int64
	uploaded         time.Time
	python, reason   int
	flags            flags
}

// flags are what a row has.
type flags byte

const (
	isYanked flags = 1 << iota
	hasSize
	hasTime
	wholeName
	endsWithName
	hasMetadata
	hashInBytes
	metadataInBytes
)

// append adds a file.
func (p *page) append(r *row) {
	var hash, metadata [sha256.Size]byte
	r.flags.set(hasSize, r.size != 0)
	r.flags.set(hasTime, !r.uploaded.IsZero())
	r.flags.set(hasMetadata, len(r.metadata) > 0)
	r.flags.set(hashInBytes, unhex(r.sha256, &hash))
	r.flags.set(metadataInBytes, unhex(r.metadata, &metadata))
	b := append(p.piece(), byte(r.flags))
	for _, place := range []int{r.kind, r.version, r.stem, r.site, r.python} {
		b = appendNumber(b, place)
	}
	b = appendText(b, r.path)
	if r.flags&isYanked != 0 {
		b = appendNumber(b, r.reason)
	}
	if r.flags&hasSize != 0 {
		b = appendNumber(b, int(r.size))
	}
	if r.flags&hasTime != 0 {
		b = appendNumber(binary.AppendVarint(b, r.uploaded.Unix()), r.uploaded.Nanosecond())
	}
	if r.flags&hashInBytes != 0 {
		b = append(b, hash[:]...)
	} else {
		b = appendText(b, r.sha256)
	}
	switch {
	case r.flags&metadataInBytes != 0:
		b = append(b, metadata[:]...)
	case r.flags&hasMetadata != 0:
		b = appendText(b, r.metadata)
	}
	p.rows[len(p.rows)-1] = b
	p.count++
}

// piece is the one that has room for another row. The first grows as it must, as most pages are small.
func (p *page) piece() []byte {
	if len(p.rows) == 0 {
		p.rows = [][]byte{nil}
	}
	last := p.rows[len(p.rows)-1]
	if len(last) > pieceSize-pieceSize/16 {
		last = make([]byte, 0, pieceSize)
		p.rows = append(p.rows, last)
	}
	return last
}

func (f *flags) set(flag flags, is bool) {
	if is {
		*f |= flag
	}
}

// appendNumber appends a number that is not negative.
func appendNumber(b []byte, n int) []byte { return binary.AppendUvarint(b, uint64(n)) } //nolint:gosec // see above

func appendText(b, text []byte) []byte { return append(appendNumber(b, len(text)), text...) }

// hexRun is how many digits in a row are worth it.
const hexRun = 8

// pack appends a text without zeros in which runs of hexadecimal digits take half as much: a zero, how many bytes follow, and
// these. Indexes have hashes in their addresses.
func pack(to, text []byte) []byte {
	for len(text) > 0 {
		digits := 0
		for digits < len(text) && digits < 2*255 && isHex(text[digits]) {
			digits++
		}
		if digits >= hexRun {
			digits -= digits % 2
			to = append(to, 0, byte(digits/2))
			to, _ = hex.AppendDecode(to, text[:digits])
		} else {
			digits = max(digits, 1)
			to = append(to, text[:digits]...)
		}
		text = text[digits:]
	}
	return to
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }

// unpack appends what was packed.
func unpack(to, packed []byte) []byte {
	for len(packed) > 0 {
		zero := bytes.IndexByte(packed, 0)
		if zero < 0 {
			return append(to, packed...)
		}
		to = append(to, packed[:zero]...)
		end := zero + 2 + int(packed[zero+1])
		to = hex.AppendEncode(to, packed[zero+2:end])
		packed = packed[end:]
	}
	return to
}

// unhex is what the hash stands for. It is not ok where the text is no hash in lower case.
func unhex(text []byte, hash *[sha256.Size]byte) bool {
	if len(text) != hex.EncodedLen(len(hash)) || bytes.ContainsFunc(text, func(r rune) bool { return r > 'f' || !isHex(byte(r)) }) {
		return false
	}
	_, err := hex.Decode(hash[:], text)
	return err == nil
}

// reader reads rows. What it reads was written by append.
type reader struct{ rest []byte }

func (r *reader) number() int {
	n, length := binary.Uvarint(r.rest)
	r.rest = r.rest[length:]
	return int(n) //nolint:gosec // it was an int
}

func (r *reader) bytes(n int) []byte {
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// next takes a row.
func (r *reader) next(into *row) {
	flags := flags(r.bytes(1)[0])
	*into = row{flags: flags, kind: r.number(), version: r.number(), stem: r.number(), site: r.number(), python: r.number()}
	into.path = r.bytes(r.number())
	if flags&isYanked != 0 {
		into.reason = r.number()
	}
	if flags&hasSize != 0 {
		into.size = int64(r.number())
	}
	if flags&hasTime != 0 {
		seconds, length := binary.Varint(r.rest)
		r.rest = r.rest[length:]
		into.uploaded = time.Unix(seconds, int64(r.number())).UTC()
	}
	into.sha256 = r.hash(true, flags&hashInBytes != 0)
	into.metadata = r.hash(flags&hasMetadata != 0, flags&metadataInBytes != 0)
}

func (r *reader) hash(has, inBytes bool) []byte {
	switch {
	case inBytes:
		return r.bytes(sha256.Size)
	case has:
		return r.bytes(r.number())
	}
	return nil
}

// file is the file of a row that was read.
func (p *page) file(r *row) *File {
	kind := p.kinds[r.kind]
	f := &File{
		Name: p.texts[r.stem], Size: r.size, RequiresPython: p.texts[r.python], Yanked: r.flags&isYanked != 0, Uploaded: r.uploaded,
		Index: p.index.name, Version: p.versions[r.version], project: p.project, index: p.index,
		SHA256: hashText(r.sha256, r.flags&hashInBytes != 0), MetadataSHA256: hashText(r.metadata, r.flags&metadataInBytes != 0),
	}
	if r.flags&wholeName == 0 {
		f.Name += "-" + f.Version.String() + kind.ending
	}
	address := unpack(append(make([]byte, 0, 256), p.texts[r.site]...), r.path)
	if r.flags&endsWithName != 0 {
		address = append(address, f.Name...)
	}
	f.URL = string(address)
	if f.Yanked {
		f.YankedReason = p.texts[r.reason]
	}
	if kind.wheel != nil {
		wheel := *kind.wheel
		wheel.Name, wheel.Version = p.project, f.Version
		f.Wheel = &wheel
	}
	return f
}

func hashText(hash []byte, inBytes bool) string {
	switch {
	case inBytes:
		return hex.EncodeToString(hash)
	case string(hash) == anyHash:
		return anyHash
	}
	return string(hash)
}

// all are the rows and where they are. What is yielded is valid until the next one.
func (p *page) all() iter.Seq2[place, *row] {
	return func(yield func(place, *row) bool) {
		var into row
		for piece, rows := range p.rows {
			for r := (reader{rows}); len(r.rest) > 0; {
				at := place{piece, len(rows) - len(r.rest)}
				if r.next(&into); !yield(at, &into) {
					return
				}
			}
		}
	}
}

// place is where a row is: in which piece, and where there.
type place struct{ piece, at int }

// files appends the files.
func (p *page) files(to []*File) []*File {
	for _, row := range p.all() {
		to = append(to, p.file(row))
	}
	return to
}

// fitting appends the files that have one of the tags, and all source distributions, and counts the others.
func (p *page) fitting(to []Listed, tags *pep425.Tags) (files []Listed, others int) {
	fits := make([]bool, len(p.kinds))
	for i, kind := range p.kinds {
		fits[i] = kind.wheel == nil
		if !fits[i] {
			_, fits[i] = tags.Rank(*kind.wheel)
		}
	}
	others = p.elsewhere
	for at, row := range p.all() {
		if fits[row.kind] {
			to = append(to, Listed{
				Version: p.versions[row.version], Wheel: p.kinds[row.kind].wheel, RequiresPython: p.texts[row.python],
				Yanked: row.flags&isYanked != 0, Uploaded: row.uploaded, origin: Origin{page: p, place: at},
			})
		} else {
			others++
		}
	}
	return to, others
}
