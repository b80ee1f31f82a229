package requirement

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// PackageType tells which package manager installs a [Package].
type PackageType string

// The package managers, by the names the registries give them.
const (
	// PackageTypeRockyLinux is RPM packages installed with dnf or yum.
	PackageTypeRockyLinux PackageType = "rocky_linux"
	// PackageTypeApt is Debian packages installed with apt.
	PackageTypeApt PackageType = "apt"
)

// PackageTypes are the package managers there are, for schemas and messages.
func PackageTypes() []PackageType { return []PackageType{PackageTypeRockyLinux, PackageTypeApt} }

// Package is one package of the operating system.
type Package struct {
	Name string
	// VersionSpecifier is a bare version of that package manager. Empty means the distribution's own choice.
	VersionSpecifier string
	Type             PackageType
}

// packageRules is what one package manager takes for names and versions.
type packageRules struct {
	name, version *regexp.Regexp
	// nameWords and versionWords say in words what the patterns say.
	nameWords, versionWords string
	// separator stands between name and version on the package manager's command line.
	separator string
	// foldName tells that names are lower case, so that upper case is a mistake one can repair.
	foldName bool
}

// The rules of Debian are Policy 5.6.1 and 5.6.12. A name may carry the architecture ("libc6:i386"): apt takes
// it, and whether that architecture is configured is the base image's matter. A name may not end in "-", which apt-get would take for an order to
// remove the package. The rules of RPM are those of its own spec parser, and a version starts with a digit (internal/rime/CONTRACT.md §2.12).
var rulesOf = map[PackageType]packageRules{
	PackageTypeApt: {
		name:         regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*[a-z0-9.+](?::[a-z0-9]+(?:-[a-z0-9]+)*)?$`),
		nameWords:    `lower case letters, digits, "+", "-" and ".", two at least, the first a letter or digit`,
		version:      regexp.MustCompile(`^(?:[0-9]+:)?[0-9](?:[A-Za-z0-9.+~-]*[A-Za-z0-9.+~])?$`),
		versionWords: `a version of Debian ("[epoch:]upstream[-revision]", starting with a digit)`,
		separator:    "=",
		foldName:     true,
	},
	PackageTypeRockyLinux: {
		name:         regexp.MustCompile(`^[A-Za-z0-9_](?:[A-Za-z0-9._+-]*[A-Za-z0-9._+])?$`),
		nameWords:    `letters, digits, "+", "-", "." and "_", the first a letter, a digit or "_"`,
		version:      regexp.MustCompile(`^(?:[0-9]+:)?[0-9][A-Za-z0-9._+~^]*(?:-[A-Za-z0-9._+~^]+)?$`),
		versionWords: `a version of RPM ("[epoch:]version[-release]", starting with a digit)`,
		separator:    "-",
	},
}

// ParsePackage validates one package as people write it, "name" or "name=version", and returns its canonical form. A
// refusal is an [*Error].
//
// The version is one exact version: package managers of operating systems take no ranges. What users of dnf write as
// "name-version" is a name to everyone but dnf, which finds the package by it all the same.
func ParsePackage(text string, t PackageType) (Package, error) {
	rules, known := rulesOf[t]
	if !known {
		return Package{}, fmt.Errorf("%q is not a package type", string(t))
	}
	name, version, ok := rules.match(text)
	if !ok {
		return Package{}, diagnosePackage(text, t)
	}
	return Package{Name: name, VersionSpecifier: version, Type: t}, nil
}

// match is the name and the canonical version of a package, if the text is one.
func (r packageRules) match(text string) (name, version string, ok bool) {
	name, written, pinned := strings.Cut(text, "=")
	version, ok = r.parseVersion(written)
	if !ok || pinned && (version == "" || written[0] == '=') || len(name) > maxName || !r.name.MatchString(name) {
		return "", "", false
	}
	return name, version, true
}

// parseVersion validates a version and returns its canonical form: no "=", no epoch of zero, which is what no epoch means.
func (r packageRules) parseVersion(text string) (version string, ok bool) {
	if strings.Trim(text, " ") == "" {
		return "", true
	}
	version = strings.TrimPrefix(text, "=")
	if len(version) > maxName || !r.version.MatchString(version) {
		return "", false
	}
	epoch, rest, found := strings.Cut(version, ":")
	if !found {
		return version, true
	}
	if epoch = strings.TrimLeft(epoch, "0"); epoch == "" {
		return rest, true
	}
	return epoch + ":" + rest, true
}

// Canonical is the one spelling of all requirements that mean the same. It takes anything, for values that a server
// sent: a field that does not parse is only trimmed.
func (p Package) Canonical() Package {
	p.Name = strings.TrimSpace(p.Name)
	p.VersionSpecifier = strings.TrimSpace(p.VersionSpecifier)
	if rules, known := rulesOf[p.Type]; known {
		if version, ok := rules.parseVersion(p.VersionSpecifier); ok {
			p.VersionSpecifier = version
		}
	}
	return p
}

// String is the requirement as people write it ("vim=2:9.0.1378-2"), which [ParsePackage] reads again.
func (p Package) String() string {
	if p.VersionSpecifier == "" {
		return p.Name
	}
	return p.Name + "=" + strings.TrimPrefix(p.VersionSpecifier, "=")
}

// Argument is the requirement as an argument of its package manager ("vim=2:9.0.1378-2", "vim-8.0.1763").
func (p Package) Argument() string {
	if p.VersionSpecifier == "" {
		return p.Name
	}
	return p.Name + rulesOf[p.Type].separator + p.VersionSpecifier
}

// CheckPackages finds packages that are asked for twice in different versions. The error joins one [*Error] for each.
func CheckPackages(packages []Package) error {
	type key struct {
		t    PackageType
		name string
	}
	var errs []error
	versions := map[key]string{}
	for _, p := range CanonicalPackages(packages) {
		k := key{p.Type, p.Name}
		version, found := versions[k]
		if found && version != p.VersionSpecifier {
			other := Package{Name: p.Name, VersionSpecifier: version}
			errs = append(errs, newError(Field(p.Type), p.String(), "",
				fmt.Sprintf("and %q are two versions of one package", other.String()), "keep one of them"))
		}
		versions[k] = p.VersionSpecifier
	}
	return errors.Join(errs...)
}
