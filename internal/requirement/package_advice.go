package requirement

import (
	"fmt"
	"regexp"
	"strings"
)

// nameAndVersion splits "vim=9.0", "vim>=9", "vim 9" and the like.
var nameAndVersion = regexp.MustCompile(`^([^\s=<>!~^]+)( *[=<>!~^].*| +[0-9]\S*)$`)

// rangeInParentheses is how Debian's control files and RPM's spec files write versions: "vim (>= 9)".
var rangeInParentheses = regexp.MustCompile(`^([^\s()]+) *\(( *[=<>]+[^()]*)\)$`)

// anyPackage is what to do where it cannot be told what was meant.
const anyPackage = `write the name of a package of the distribution, for example "git" or "git=2.39"`

// diagnosePackage says what is wrong with a package that the grammar refused.
func diagnosePackage(text string, t PackageType) *Error {
	rules := rulesOf[t]
	trimmed := strings.TrimSpace(text)
	accepts := func(text string) bool {
		_, _, ok := rules.match(text)
		return ok
	}
	if fault := diagnoseText(Field(t), text, writeIf(accepts)); fault != nil {
		return fault
	}
	if trimmed != text && trimmed != "" {
		suggestion := ""
		if p, err := ParsePackage(trimmed, t); err == nil {
			suggestion = write(p.String())
		}
		return newError(Field(t), text, "", "has white space around it", suggestion)
	}
	if m := rangeInParentheses.FindStringSubmatch(text); m != nil && rules.name.MatchString(m[1]) {
		return diagnosePackageVersion(text, m[1], strings.Trim(m[2], " "), t)
	}
	if fault := diagnosePackageSyntax(text, t); fault != nil {
		return fault
	}
	if m := nameAndVersion.FindStringSubmatch(text); m != nil && rules.name.MatchString(m[1]) {
		return diagnosePackageVersion(text, m[1], strings.TrimSpace(m[2]), t)
	}
	return diagnosePackageName(text, t)
}

// packageSyntaxes are what package managers take where an image has to have a name. They are tried in this order.
var packageSyntaxes = []struct {
	only                PackageType // empty for all
	pattern             *regexp.Regexp
	problem, suggestion string
}{
	{"", regexp.MustCompile(`^()\s*$`), "is empty", `write the name of a package, for example "git"`},
	{"", regexp.MustCompile(`^(-.*)$`), "is an option of the package manager, not a package", "write the name of a package"},
	{"", regexp.MustCompile(`^(@).*$`), "names a group of packages", "write the names of the packages, each by itself"},
	{PackageTypeApt, regexp.MustCompile(`^[a-z0-9.+-]+(\^)$`), "names a task of apt, which stands for many packages", "write the names of the packages, each by itself"},
	{
		PackageTypeApt, regexp.MustCompile(`^[a-z0-9][a-z0-9.+:-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)$`),
		"names a release, which the sources of the base image have to know", "write name=version, or the name alone",
	},
	{
		PackageTypeRockyLinux, regexp.MustCompile(`^([A-Za-z0-9._+-]+\(.*)$`), "names what a package provides, not a package",
		"write the name of the package that has it, which dnf repoquery --whatprovides tells",
	},
	{"", regexp.MustCompile(`^(\S*(?:[/\\]|://).*)$`), "is a path or an address, not a package", "write the name of a package of the distribution"},
	{
		"", regexp.MustCompile(`^([^\s,]+(?: *,| +[A-Za-z]).*)$`), "holds several packages", "write each by itself",
	},
}

// diagnosePackageSyntax finds what package managers take, and a requirement of an image cannot hold.
func diagnosePackageSyntax(text string, t PackageType) *Error {
	for _, s := range packageSyntaxes {
		m := s.pattern.FindStringSubmatch(text)
		if m == nil || s.only != "" && s.only != t || strings.ContainsAny(text, "=<>") && strings.Contains(m[1], ",") {
			continue
		}
		return newError(Field(t), text, m[1], s.problem, s.suggestion)
	}
	return nil
}

// epochInName is how dnf shows a package with an epoch: "vim-2:8.0.1763-19.el8".
var epochInName = regexp.MustCompile(`^(.+)-([0-9]+:[0-9].*)$`)

// diagnosePackageName says what is wrong with a package's name that the grammar refused.
func diagnosePackageName(text string, t PackageType) *Error {
	rules := rulesOf[t]
	refuse := func(offending, problem, suggestion string) *Error {
		return newError(Field(t), text, offending, problem, suggestion)
	}
	lower := strings.ToLower(text)
	if m := epochInName.FindStringSubmatch(text); m != nil {
		if p, err := ParsePackage(m[1]+"="+m[2], t); err == nil {
			return refuse("-"+m[2], "is a version, before which \"=\" has to stand", write(p.String()))
		}
	}
	switch {
	case len(text) > maxName:
		return refuse("", fmt.Sprintf("is longer than %d bytes", maxName), anyPackage)
	case rules.foldName && lower != text:
		if p, err := ParsePackage(lower, t); err == nil {
			return refuse("", "has upper case letters, which no package of Debian has", write(p.String()))
		}
	}
	return refuse("", "cannot be the name of a package: "+rules.nameWords, anyPackage)
}

// packageRange is a version with an operator or a wild card.
var packageRange = regexp.MustCompile(`^([=<>!~^]*) *([^=<>!~^*, ][^*, ]*?)(\.?\*)?( *,.*)?$`)

// diagnosePackageVersion says what is wrong with what stands behind the name of a package.
func diagnosePackageVersion(text, name, behind string, t PackageType) *Error {
	rules := rulesOf[t]
	refuse := func(offending, problem, suggestion string) *Error {
		return newError(Field(t), text, offending, problem, suggestion)
	}
	switch strings.ToLower(strings.Trim(behind, "=<>~^ ")) {
	case "latest", "newest", "any", "stable", "current", "*", "":
		return refuse(behind, "is not a version", write(name)+" to get the distribution's version")
	}
	m := packageRange.FindStringSubmatch(behind)
	if m == nil {
		return refuse(strings.TrimLeft(behind, "= "), "is not "+rules.versionWords, write(name)+" to get the distribution's version")
	}
	operator, wildcard, more := m[1], m[3], m[4]
	version, ok := rules.parseVersion(m[2])
	switch {
	case !ok:
		return refuse(strings.TrimLeft(behind, "= "), "is not "+rules.versionWords, write(name)+" to get the distribution's version")
	case wildcard == "" && more == "" && (operator == "" || strings.Trim(operator, "=") == ""):
		return refuse(behind, "is not how a version is written here", write(name+"="+version))
	}
	return refuse(behind, "makes a range; packages of the operating system are installed in one exact version",
		fmt.Sprintf("write %q to get exactly that version, or %q to get the distribution's", name+"="+version, name))
}
