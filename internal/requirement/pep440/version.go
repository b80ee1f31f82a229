// Package pep440 is PEP 440: the versions of Python distributions, their order, and the specifiers that choose among them.
//
// A version has a key, a string whose order as bytes is the order of versions. A clause of a specifier is then a stretch
// of keys, and whether it allows a version takes two comparisons.
package pep440

import (
	"fmt"
	"strings"
)

// Version is a version. [Parse] makes them; the zero value is none, and is before all others.
type Version struct {
	// text is PEP 440's normal form: the epoch and the release end at base, the local label begins after public.
	text         string
	base, public int
	// key orders versions; without a local label it ends at publicKey.
	key       string
	publicKey int
	pre       bool
}

// Parse reads a version in any spelling that PEP 440 allows ("1.0-Alpha.1" is 1.0a1). A number may have 200 digits.
func Parse(text string) (Version, error) {
	p, ok := scan(text)
	if !ok {
		return Version{}, fmt.Errorf("%q is not a version (PEP 440)", text)
	}
	return p.version(), nil
}

// MustParse is [Parse] for constants. It panics where the text is not a version.
func MustParse(text string) Version {
	version, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return version
}

// String is the version in PEP 440's normal form. Zeros at the end of the release stay: "1.0" and "1" are equal, but not
// the same text.
func (v Version) String() string { return v.text }

// Compare is negative where v is before other, zero where they are equal (1.0 and 1.0.0), positive where v is after it.
func (v Version) Compare(other Version) int { return strings.Compare(v.key, other.key) }

// Key is a text that equal versions share, and no others. It means nothing to people.
func (v Version) Key() string { return v.key }

// IsPrerelease tells pre-releases and development releases.
func (v Version) IsPrerelease() bool { return v.pre }

// Local is the local label ("cu118" of 2.1+cu118), empty for none.
func (v Version) Local() string { return strings.TrimPrefix(v.text[v.public:], "+") }

// Public is the version without its local label.
func (v Version) Public() Version {
	v.text, v.key = v.text[:v.public], v.key[:v.publicKey]
	return v
}

// Base is the text of epoch and release ("1!2.0" of 1!2.0rc1).
func (v Version) Base() string { return v.text[:v.base] }

// Release is the numbers of the release, as digits without leading zeros. There is at least one.
func (v Version) Release() []string {
	_, release := v.split()
	return release
}

// Next is the first release that does not start with the first n numbers of this one: 1.3 after 1.2.9 where n is 2. N is at
// least 1 and at most the length of [Version.Release].
func (v Version) Next(n int) Version {
	epoch, release := v.split()
	p := parts{epoch: epoch, release: following(release[:n])}
	return p.version()
}

// split takes epoch and release apart.
func (v Version) split() (epoch string, release []string) {
	epoch, numbers, found := strings.Cut(v.Base(), "!")
	if !found {
		epoch, numbers = "0", epoch
	}
	return epoch, strings.Split(numbers, ".")
}
