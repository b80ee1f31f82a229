package rime

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// inputs are what an image is made of.
type inputs struct {
	python   string
	pip      []pipRequirement
	packages []packageRequirement
}

// The rules of internal/rime/CONTRACT.md §2.12.
var (
	validImageName  = regexp.MustCompile(`\A[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*\z`)
	validPython     = regexp.MustCompile(`\A[0-9]+\.[0-9]+\z`)
	validOSName     = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9+._-]*\z`)
	validYumVersion = regexp.MustCompile(`\A[0-9][A-Za-z0-9.+:~^_-]*\z`)
	validAptVersion = regexp.MustCompile(`\A=?[0-9][A-Za-z0-9.+:~-]*\z`)
)

// The rules of PEP 508 and PEP 440: names, bare versions, and clauses of a specifier.
const (
	pepEpoch  = `v?(?:[0-9]+!)?`
	pepSuffix = `(?:[-_.]?(?:alpha|a|beta|b|preview|pre|c|rc)[-_.]?[0-9]*)?(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?[0-9]*)?(?:[-_.]?dev[-_.]?[0-9]*)?`
	pepLocal  = `(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?`
	pep440    = pepEpoch + `[0-9]+(?:\.[0-9]+)*` + pepSuffix
)

var (
	validPipName    = regexp.MustCompile(`(?i)\A[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?(\[[a-z0-9._,-]+\])?\z`)
	validPipVersion = regexp.MustCompile(`(?i)\A` + pep440 + pepLocal + `\z`)
	validPipClause  = regexp.MustCompile(`(?i)\A(?:===\s*\S+|[=!]=\s*` + pep440 + `(?:\.\*|` + pepLocal + `)|~=\s*` + pepEpoch + `[0-9]+(?:\.[0-9]+)+` +
		pepSuffix + `|(?:<=|>=|<|>)\s*` + pep440 + `)\z`)
)

// checkName checks the name of an image to be.
func (p *Platform) checkName(name string) error {
	switch {
	case name == "":
		return invalid("an image needs a name")
	case len(name) > p.options.MaxNameLength:
		return invalid("the image name has %d characters, more than %d", len(name), p.options.MaxNameLength)
	case !validImageName.MatchString(name):
		return invalid("the image name %q does not match /^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$/", name)
	}
	return nil
}

// readInputs reads and checks what an image is to be made of.
func (p *Platform) readInputs(m *message) (inputs, error) {
	in := inputs{python: m.text("python_version")}
	for each := range m.each("pip_requirements") {
		in.pip = append(in.pip, pipRequirement{each.text("name"), each.text("version_specifier")})
	}
	for each := range m.each("package_requirements") {
		in.packages = append(in.packages, packageRequirement{each.text("name"), each.text("version_specifier"), each.enum("package_type", packageTypes)})
	}
	if err := m.err(); err != nil {
		return inputs{}, err
	}
	in.python = cmp.Or(in.python, p.options.DefaultPython)
	return in, p.checkInputs(in)
}

func (p *Platform) checkInputs(in inputs) error {
	if !validPython.MatchString(in.python) || !slices.Contains(p.options.PythonVersions, in.python) {
		return invalid("the Python version %q is not supported: it is one of %s", in.python, strings.Join(p.options.PythonVersions, ", "))
	}
	if p.options.RequirePip && len(in.pip) == 0 {
		return invalid("an image needs at least one pip requirement")
	}
	for _, requirement := range in.pip {
		if err := p.checkPip(requirement); err != nil {
			return err
		}
	}
	for _, requirement := range in.packages {
		if err := p.checkPackage(requirement); err != nil {
			return err
		}
	}
	return nil
}

func (p *Platform) checkPip(r pipRequirement) error {
	match := validPipName.FindStringSubmatch(r.Name)
	switch {
	case match == nil:
		return invalid("%q is not the name of a pip library", r.Name)
	case match[1] != "" && p.options.RefuseExtras:
		return invalid("the pip library %q has extras, which are not supported", r.Name)
	case r.VersionSpecifier == "" || validPipVersion.MatchString(r.VersionSpecifier):
		return nil // any version, or that one
	}
	for clause := range strings.SplitSeq(r.VersionSpecifier, ",") {
		if !validPipClause.MatchString(strings.TrimSpace(clause)) {
			return invalid("the version specifier %q of the pip library %q does not conform to PEP 440", r.VersionSpecifier, r.Name)
		}
	}
	return nil
}

func (p *Platform) checkPackage(r packageRequirement) error {
	version := validYumVersion
	if r.PackageType == packageAPT {
		version = validAptVersion
	}
	switch {
	case !slices.Contains(p.options.PackageTypes, r.PackageType):
		return invalid("the package type %s of %q is not supported: it is one of %s", r.PackageType, r.Name, strings.Join(p.options.PackageTypes, ", "))
	case !validOSName.MatchString(r.Name):
		return invalid("%q is not the name of a system package", r.Name)
	case r.VersionSpecifier != "" && !version.MatchString(r.VersionSpecifier):
		return invalid("%q is not a version of the system package %q", r.VersionSpecifier, r.Name)
	}
	return nil
}

// normalName is the name of a library or a package whatever its spelling, without extras (PEP 503).
func normalName(name string) string {
	name, _, _ = strings.Cut(name, "[")
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune("-_.", r) })
	return strings.Join(words, "-")
}
