package pythonindex

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// page is what one index has of a distribution, in little memory: an image needs a hundred distributions with a hundred
// thousand files, and takes one of each. A file is a row of bytes; what files share is there once.
type page struct {
	project string
	index   *index
	rows    []byte
	count   int
	// versions, kinds and texts are what rows point to. A kind has all of a wheel but its version; the first is that of
	// source distributions.
	versions []pep440.Version
	kinds    []pep425.Wheel
	texts    []string
	// elsewhere counts wheels that no CPython 3 on Linux can run.
	elsewhere int
}

// ofSource is the kind of source distributions.
const ofSource = 0

// row is a file. Kind, version, python, reason and site are places in a page.
type row struct {
	kind, version        int
	name, address        []byte
	sha256, metadata     []byte
	size                 int64
	uploaded             time.Time
	python, reason, site int
	yanked               bool
}

// What a row has.
const (
	isYanked = 1 << iota
	hasSize
	hasTime
	nameInAddress // the address ends with the name
	hasHash
	hashInBytes
	hasMetadata
	metadataInBytes
)

// append adds a file.
func (p *page) append(r *row) {
	var flags byte
	set := func(flag byte, is bool) {
		if is {
			flags |= flag
		}
	}
	var hash, metadata [32]byte
	set(isYanked, r.yanked)
	set(hasSize, r.size != 0)
	set(hasTime, !r.uploaded.IsZero())
	set(nameInAddress, bytes.HasSuffix(r.address, r.name))
	set(hasHash, len(r.sha256) > 0)
	set(hashInBytes, unhex(r.sha256, &hash))
	set(hasMetadata, len(r.metadata) > 0)
	set(metadataInBytes, unhex(r.metadata, &metadata))
	b := append(p.rows, flags)
	for _, n := range []int{r.kind, r.version, r.python, r.site} {
		b = binary.AppendUvarint(b, uint64(n)) //nolint:gosec // places are not negative
	}
	b = appendText(b, r.address)
	if flags&nameInAddress != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.name)))
	} else {
		b = appendText(b, r.name)
	}
	if r.yanked {
		b = binary.AppendUvarint(b, uint64(r.reason)) //nolint:gosec // as above
	}
	if flags&hasSize != 0 {
		b = binary.AppendUvarint(b, uint64(r.size)) //nolint:gosec // not negative
	}
	if flags&hasTime != 0 {
		b = binary.AppendUvarint(binary.AppendVarint(b, r.uploaded.Unix()), uint64(r.uploaded.Nanosecond())) //nolint:gosec // not negative
	}
	b = appendHash(b, flags&hasHash != 0, flags&hashInBytes != 0, r.sha256, hash)
	p.rows = appendHash(b, flags&hasMetadata != 0, flags&metadataInBytes != 0, r.metadata, metadata)
	p.count++
}

func appendText(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendHash(b []byte, has, inBytes bool, text []byte, hash [32]byte) []byte {
	switch {
	case inBytes:
		return append(b, hash[:]...)
	case has:
		return appendText(b, text)
	}
	return b
}

// reader reads rows. What it reads was written by append.
type reader struct {
	rest  []byte
	flags byte
}

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

func (r *reader) hash(has, inBytes byte) []byte {
	switch {
	case r.flags&inBytes != 0:
		return r.bytes(32)
	case r.flags&has != 0:
		return r.bytes(r.number())
	}
	return nil
}

// next takes a row. Its hashes are bytes where they were.
func (r *reader) next(into *row) {
	r.flags = r.bytes(1)[0]
	*into = row{kind: r.number(), version: r.number(), python: r.number(), site: r.number(), yanked: r.flags&isYanked != 0}
	into.address = r.bytes(r.number())
	if length := r.number(); r.flags&nameInAddress != 0 {
		into.name = into.address[len(into.address)-length:]
	} else {
		into.name = r.bytes(length)
	}
	if into.yanked {
		into.reason = r.number()
	}
	if r.flags&hasSize != 0 {
		into.size = int64(r.number())
	}
	if r.flags&hasTime != 0 {
		seconds, length := binary.Varint(r.rest)
		r.rest = r.rest[length:]
		into.uploaded = time.Unix(seconds, int64(r.number())).UTC()
	}
	into.sha256 = r.hash(hasHash, hashInBytes)
	into.metadata = r.hash(hasMetadata, metadataInBytes)
}

// file is the file of the row that was read last.
func (p *page) file(row *row, flags byte) *File {
	f := &File{
		URL: p.texts[row.site] + string(row.address), Size: row.size, RequiresPython: p.texts[row.python], Yanked: row.yanked,
		Uploaded: row.uploaded, Index: p.index.name, Version: p.versions[row.version], project: p.project, index: p.index,
		SHA256: hashText(row.sha256, flags&hashInBytes), MetadataSHA256: hashText(row.metadata, flags&metadataInBytes),
	}
	if flags&nameInAddress != 0 {
		f.Name = f.URL[len(f.URL)-len(row.name):]
	} else {
		f.Name = string(row.name)
	}
	if row.yanked {
		f.YankedReason = p.texts[row.reason]
	}
	if row.kind != ofSource {
		wheel := p.kinds[row.kind]
		wheel.Version = f.Version
		f.Wheel = &wheel
	}
	return f
}

func hashText(hash []byte, inBytes byte) string {
	switch {
	case inBytes != 0:
		return hex.EncodeToString(hash)
	case string(hash) == anyHash:
		return anyHash
	}
	return string(hash)
}

// files appends the files that are wanted by their kinds.
func (p *page) files(to []*File, wanted func(kind int) bool) []*File {
	r := reader{rest: p.rows}
	var row row
	for range p.count {
		if r.next(&row); wanted(row.kind) {
			to = append(to, p.file(&row, r.flags))
		}
	}
	return to
}

// fitting appends the files that have one of the tags, and all source distributions, and counts the others.
func (p *page) fitting(to []*File, tags *pep425.Tags) (files []*File, others int) {
	fits := make([]bool, len(p.kinds))
	for i, kind := range p.kinds {
		_, fits[i] = tags.Rank(kind)
	}
	fits[ofSource] = true
	before := len(to)
	files = p.files(to, func(kind int) bool { return fits[kind] })
	return files, p.elsewhere + p.count - (len(files) - before)
}
