package pythonindex

import (
	"bytes"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// listing makes a [page] of what an index lists.
type listing struct {
	page page
	base *url.URL
	// seen is how many files there were, of which not all are the distribution's.
	seen   int
	limits limits
	// shared has the kinds of all pages.
	shared *kinds

	// stems, numbers and kinds are what was found out about the parts of wheels' names, of which a page has few.
	stems   map[string]bool
	numbers map[string]int
	kinds   map[string]int
	// sources are the places of versions that source distributions have, and texts those of shared texts.
	sources map[string]int
	texts   map[string]int
	// origin begins addresses that are known to be written in normal form up to there.
	origin []byte
	// packed is room for a path.
	packed []byte
}

// kinds are what files of many distributions share, by the ending of their names.
type kinds struct{ known sync.Map }

// of is the kind of wheels with that ending: the tags, and perhaps a number of the build. It is nil where it is of no wheel, and
// anywhere is false for wheels that no CPython 3 on Linux can run.
func (k *kinds) of(ending string) (found *kind, anywhere bool) {
	if known, ok := k.known.Load(ending); ok {
		return known.(*kind), true //nolint:forcetypeassert // nothing else is stored
	}
	wheel, err := pep425.ParseWheel("x-0" + ending)
	if err != nil {
		return nil, false
	}
	if !wheel.RunsOnLinux() {
		return &kind{}, false
	}
	known, _ := k.known.LoadOrStore(ending, &kind{&wheel, ending})
	return known.(*kind), true //nolint:forcetypeassert // as above
}

// maxKinds bounds how many endings the names of wheels have on one page. Those of the public index have a few hundred.
const maxKinds = 10_000

// What is no place in a page.
const (
	notAtAll  = -1 // the name is no wheel's
	elsewhere = -2 // the wheel is for no CPython 3 on Linux
)

func newListing(project string, x *index, base *url.URL, shared *kinds, limits limits) *listing {
	return &listing{
		page: page{project: project, index: x, kinds: []*kind{source}}, base: base, shared: shared, limits: limits,
		stems: map[string]bool{}, numbers: map[string]int{}, kinds: map[string]int{}, sources: map[string]int{}, texts: map[string]int{},
	}
}

// finish is the page without what was reserved for more.
func (l *listing) finish() *page {
	if last := len(l.page.rows) - 1; last >= 0 {
		l.page.rows[last] = bytes.Clone(l.page.rows[last])
	}
	l.page.versions, l.page.kinds, l.page.texts = slices.Clone(l.page.versions), slices.Clone(l.page.kinds), slices.Clone(l.page.texts)
	return &l.page
}

// add adds a file, if it is one of the distribution.
func (l *listing) add(e *entry) error {
	if l.seen++; l.seen > l.limits.files {
		return httpx.ErrAnswerTooLarge
	}
	kind, version := l.identify(e.filename)
	switch kind {
	case notAtAll:
		return nil
	case elsewhere:
		l.page.elsewhere++
		return nil
	}
	address, sha256, ok := l.address(e.url)
	if !ok {
		return nil // pip takes it for no file either
	}
	if len(e.sha256) > 0 {
		sha256 = e.sha256
	}
	row := row{
		kind: kind, version: version, sha256: lower(sha256), size: max(e.size, 0), python: l.text(e.requiresPython),
	}
	if row.flags.set(isYanked, e.yanked.set); e.yanked.set {
		row.reason = l.text([]byte(httpx.OneLine(string(e.yanked.text))))
	}
	if at, err := parseTime(e.uploadTime); err == nil { // zero is not known
		row.uploaded = at
	}
	for _, m := range []mark{e.coreMetadata, e.distInfo} {
		if m.set && len(row.metadata) == 0 {
			row.metadata = []byte(anyHash)
			if len(m.text) == sha256Digits {
				row.metadata = lower(m.text)
			}
		}
	}
	l.name(&row, e.filename)
	l.locate(&row, address, e.filename)
	l.page.append(&row)
	return nil
}

const (
	sha256Digits = 64
	// anyHash is a hash that an index does not tell.
	anyHash = "any"
)

// name takes the name apart.
func (l *listing) name(r *row, name []byte) {
	stem, ends := bytes.CutSuffix(name, []byte(l.page.kinds[r.kind].ending))
	if ends {
		stem, ends = bytes.CutSuffix(stem, []byte(l.page.versions[r.version].String()))
	}
	if ends {
		stem, ends = bytes.CutSuffix(stem, []byte("-"))
	}
	if !ends {
		stem = name
	}
	r.flags.set(wholeName, !ends)
	r.stem = l.text(stem)
}

// lower is the text in lower case.
func lower(text []byte) []byte {
	for _, c := range text {
		if 'A' <= c && c <= 'Z' || c >= 0x80 {
			return bytes.ToLower(text)
		}
	}
	return text
}

// parseTime reads the times of indexes, which are written like this almost always.
func parseTime(text []byte) (time.Time, error) {
	var at time.Time
	if err := at.UnmarshalText(text); err == nil {
		return at, nil
	}
	return time.Parse(time.RFC3339, string(text))
}

// text is the place of a text that many files share.
func (l *listing) text(text []byte) int {
	at, known := l.texts[string(text)]
	if !known {
		at = len(l.page.texts)
		l.page.texts = append(l.page.texts, string(text))
		l.texts[string(text)] = at
	}
	return at
}

// identify reads distribution, version and tags out of a file's name, and gives the places of kind and version. Indexes list
// other files as well: those are notAtAll.
func (l *listing) identify(name []byte) (kind, version int) {
	for _, c := range name {
		if c <= ' ' || c == 0x7f || c == '/' || c == '\\' { // such a name can only do harm
			return notAtAll, 0
		}
	}
	if !bytes.HasSuffix(name, []byte(".whl")) {
		return l.source(string(name))
	}
	distribution, rest, _ := bytes.Cut(name, []byte("-"))
	end := bytes.IndexByte(rest, '-')
	if end < 0 || !l.isStem(distribution) {
		return notAtAll, 0
	}
	if kind = l.kind(rest[end:]); kind >= 0 {
		if version = l.number(rest[:end]); version < 0 {
			kind = notAtAll
		}
	}
	return kind, version
}

// isStem tells the distribution's name as the names of its wheels have it.
func (l *listing) isStem(text []byte) bool {
	is, known := l.stems[string(text)]
	if !known {
		wheel, err := pep425.ParseWheel(string(text) + "-0-py3-none-any.whl")
		is = err == nil && wheel.Name == l.page.project
		l.stems[string(text)] = is
	}
	return is
}

// kind is the place of the kind of wheels with that ending.
func (l *listing) kind(ending []byte) int {
	at, known := l.kinds[string(ending)]
	if known {
		return at
	}
	switch kind, anywhere := l.shared.of(string(ending)); {
	case kind == nil, len(l.page.kinds) >= maxKinds:
		at = notAtAll
	case !anywhere:
		at = elsewhere
	default:
		at = len(l.page.kinds)
		l.page.kinds = append(l.page.kinds, kind)
	}
	l.kinds[string(ending)] = at
	return at
}

// number is the place of the version in a wheel's name.
func (l *listing) number(text []byte) int {
	at, known := l.numbers[string(text)]
	if !known {
		at = notAtAll
		if version, err := pep440.Parse(string(text)); err == nil {
			at = l.version(version)
		}
		l.numbers[string(text)] = at
	}
	return at
}

// version is the place of a version.
func (l *listing) version(version pep440.Version) int {
	at, known := l.sources[version.String()]
	if !known {
		at = len(l.page.versions)
		l.page.versions = append(l.page.versions, version)
		l.sources[version.String()] = at
	}
	return at
}

// source is a source distribution of that name.
func (l *listing) source(name string) (kind, version int) {
	found, ok := pep425.SdistVersion(name, l.page.project)
	if !ok {
		return notAtAll, 0
	}
	return ofSource, l.version(found)
}

// address is where a file is, without credentials and fragment, and the hash that the fragment has.
func (l *listing) address(text []byte) (address, sha256 []byte, ok bool) {
	if len(l.origin) > 0 && bytes.HasPrefix(text, l.origin) {
		path, fragment, _ := bytes.Cut(text[len(l.origin):], []byte("#"))
		if isPlain(path) {
			return text[:len(l.origin)+len(path)], fragmentHash(fragment), true
		}
	}
	parsed, err := l.base.Parse(string(text))
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" {
		return nil, nil, false
	}
	parsed.User = nil
	sha256 = fragmentHash([]byte(parsed.Fragment))
	parsed.Fragment, parsed.RawFragment = "", ""
	if origin := parsed.Scheme + "://" + parsed.Host; bytes.HasPrefix(text, []byte(origin+"/")) {
		l.origin = []byte(origin)
	}
	return []byte(parsed.String()), sha256, true
}

// fragmentHash is the hash in the fragment of an address (PEP 503).
func fragmentHash(fragment []byte) []byte {
	hash, found := bytes.CutPrefix(fragment, []byte("sha256="))
	if !found {
		return nil
	}
	return hash
}

// isPlain tells a path that package net/url would leave as it is.
func isPlain(path []byte) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	before := byte(0)
	for _, c := range path {
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || c == '-' || c == '_' || c == '~' || c == '+':
		case c == '/' || c == '.':
			if before == '/' {
				return false
			}
		default:
			return false
		}
		before = c
	}
	return true
}

// locate takes the address apart: how it begins, which many share, the rest of it, and the name.
func (l *listing) locate(r *row, address, name []byte) {
	end := bytes.Index(address, []byte("://")) + len("://")
	for range 2 { // host, and the first part of the path
		slash := bytes.IndexByte(address[end:], '/')
		if slash < 0 {
			break
		}
		end += slash + 1
	}
	r.site = l.text(address[:end])
	path, ends := bytes.CutSuffix(address[end:], name)
	r.flags.set(endsWithName, ends)
	l.packed = pack(l.packed[:0], path)
	r.path = l.packed
}
