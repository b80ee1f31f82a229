package imageregistry

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// hashScheme goes into every hash first: hashes of another purpose or of a later way to write the inputs down are other hashes.
const hashScheme = "rime managed image inputs v1"

// Hash identifies what the spec asks to be in the image: 64 hexadecimal digits of SHA-256 over Python version, pip and
// package requirements in canonical form, and without markers as far as the Python version decides them. Neither the name nor order, case, spacing, repetitions and the order of specifiers change it.
// An empty Python version is a value of its own, as only the registry knows what it stands for.
func (s Spec) Hash() string {
	h := sha256.New()
	writeHashed(h, hashScheme, s.PythonVersion)
	writePips(h, "pip", requirement.Reduce(s.PipRequirements, s.PythonVersion))
	packages := requirement.CanonicalPackages(s.PackageRequirements)
	writeHashed(h, "packages", fmt.Sprint(len(packages)))
	for _, p := range packages {
		writeHashed(h, string(p.Type), p.Name, p.VersionSpecifier)
	}
	// Images without these have the hashes of before there were any.
	if bounds := requirement.Reduce(s.PipConstraints, s.PythonVersion); len(bounds) > 0 {
		writePips(h, "constraints", bounds)
	}
	if s.PipLockFile != "" {
		writeHashed(h, "lock file", s.PipLockFile)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writePips(h hash.Hash, kind string, pips []requirement.Pip) {
	writeHashed(h, kind, fmt.Sprint(len(pips)))
	for _, pip := range pips {
		writeHashed(h, pip.Name, pip.VersionSpecifier)
		if pip.URL+pip.Marker != "" { // the others have the hashes of before there were these
			writeHashed(h, "@", pip.URL, ";", pip.Marker)
		}
	}
}

// writeHashed writes texts so that no two sequences of texts give the same bytes: each with its length before it.
func writeHashed(h hash.Hash, texts ...string) {
	for _, text := range texts {
		// A hash never returns an error (package hash).
		_, _ = fmt.Fprintf(h, "%d:%s,", len(text), text)
	}
}

// SameInputs tells whether two specs ask for the same contents, whatever their names: whether their hashes are equal.
func SameInputs(a, b Spec) bool {
	return a.PythonVersion == b.PythonVersion && a.PipLockFile == b.PipLockFile &&
		slices.Equal(requirement.Reduce(a.PipRequirements, a.PythonVersion), requirement.Reduce(b.PipRequirements, b.PythonVersion)) &&
		slices.Equal(requirement.Reduce(a.PipConstraints, a.PythonVersion), requirement.Reduce(b.PipConstraints, b.PythonVersion)) &&
		slices.Equal(requirement.CanonicalPackages(a.PackageRequirements), requirement.CanonicalPackages(b.PackageRequirements))
}
