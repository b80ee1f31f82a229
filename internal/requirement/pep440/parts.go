package pep440

import (
	"slices"
	"strings"
)

// maxDigits bounds a number, so that one byte of a key says how long it is.
const maxDigits = 200

// parts are a version taken apart. Numbers are digits without leading zeros, since PEP 440 does not bound them.
type parts struct {
	epoch   string
	release []string
	// phase is "a", "b" or "rc", and pre its number; both are empty for none.
	phase, pre string
	// post and dev are empty for none.
	post, dev string
	local     []string
}

// version puts the parts together.
func (p *parts) version() Version {
	v := Version{key: p.key(), pre: p.phase != "" || p.dev != ""}
	v.publicKey = len(v.key)
	if p.epoch != "0" {
		v.text = p.epoch + "!"
	}
	v.text += strings.Join(p.release, ".")
	v.base = len(v.text)
	v.text += p.phase + p.pre
	if p.post != "" {
		v.text += ".post" + p.post
	}
	if p.dev != "" {
		v.text += ".dev" + p.dev
	}
	v.public = len(v.text)
	if len(p.local) > 0 {
		v.text += "+" + strings.Join(p.local, ".")
		v.key = string(appendLocal([]byte(v.key), p.local))
	}
	return v
}

// The bytes that a key has between numbers. A number begins with 0x11 or more, nothing with 0xff.
const (
	endOfRelease = 0x01

	// The phases of one release, in their order.
	developmentOnly = 0x02
	alpha           = 0x03
	beta            = 0x04
	candidate       = 0x05
	final           = 0x06

	noPost   = 0x02
	hasPost  = 0x03
	hasDev   = 0x02
	noDev    = 0x03
	endOfKey = 0xff // after all keys that begin alike

	localText    = 0x02
	endOfText    = 0x01
	localNumber  = 0x03
	numberLength = 0x10
)

// key is the key of the public version.
func (p *parts) key() string {
	key := p.appendPhase(p.appendRelease(nil))
	if p.post == "" {
		key = append(key, noPost)
	} else {
		key = appendNumber(append(key, hasPost), p.post)
	}
	if p.dev == "" {
		key = append(key, noDev)
	} else {
		key = appendNumber(append(key, hasDev), p.dev)
	}
	return string(key)
}

// appendRelease appends the epoch and the release. Zeros at its end mean nothing.
func (p *parts) appendRelease(key []byte) []byte {
	key = appendNumber(slices.Grow(key, 32), p.epoch)
	release := p.release
	for len(release) > 0 && release[len(release)-1] == "0" {
		release = release[:len(release)-1]
	}
	for _, number := range release {
		key = appendNumber(key, number)
	}
	return append(key, endOfRelease)
}

// appendPhase appends what is before the final release, if anything.
func (p *parts) appendPhase(key []byte) []byte {
	switch p.phase {
	case "a":
		return appendNumber(append(key, alpha), p.pre)
	case "b":
		return appendNumber(append(key, beta), p.pre)
	case "rc":
		return appendNumber(append(key, candidate), p.pre)
	}
	if p.post == "" && p.dev != "" {
		return append(key, developmentOnly)
	}
	return append(key, final)
}

// appendNumber appends a number so that longer ones are greater.
func appendNumber(key []byte, number string) []byte {
	return append(append(key, numberLength+byte(len(number))), number...)
}

// appendLocal appends a local label: text is before numbers, a label before its continuation.
func appendLocal(key []byte, segments []string) []byte {
	for _, segment := range segments {
		if isDigits(segment) {
			key = appendNumber(append(key, localNumber), segment)
		} else {
			key = append(append(append(key, localText), segment...), endOfText)
		}
	}
	return key
}

// following is the release whose last number is one higher.
func following(release []string) []string {
	next := slices.Clone(release)
	last := []byte("0" + next[len(next)-1])
	for i := len(last) - 1; ; i-- {
		if last[i]++; last[i] <= '9' {
			break
		}
		last[i] = '0'
	}
	next[len(next)-1] = trimNumber(string(last))
	return next
}
