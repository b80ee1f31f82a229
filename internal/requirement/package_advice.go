package requirement

import (
	"fmt"
	"regexp"
	"strings"
)

// typeOf is the package manager that other words mean.
var typeOf = map[string]PackageType{
	"rpm": PackageTypeRockyLinux, "yum": PackageTypeRockyLinux, "dnf": PackageTypeRockyLinux, "microdnf": PackageTypeRockyLinux,
	"rocky": PackageTypeRockyLinux, "rockylinux": PackageTypeRockyLinux, "rhel": PackageTypeRockyLinux, "redhat": PackageTypeRockyLinux,
	"centos": PackageTypeRockyLinux, "fedora": PackageTypeRockyLinux, "almalinux": PackageTypeRockyLinux,
	"apt": PackageTypeApt, "deb": PackageTypeApt, "dpkg": PackageTypeApt, "aptget": PackageTypeApt, "debian": PackageTypeApt, "ubuntu": PackageTypeApt,
}

// diagnosePackageType says what is wrong with a package type, and which one was meant.
func diagnosePackageType(text string) error {
	names := make([]string, len(PackageTypes()))
	for i, t := range PackageTypes() {
		names[i] = fmt.Sprintf("%q", string(t))
	}
	key := strings.ToLower(strings.TrimSpace(text))
	key = strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.TrimPrefix(key, "package_type_"))
	suggestion := "write " + strings.Join(names, " or ")
	if t, known := typeOf[key]; known {
		suggestion = write(string(t))
	}
	return newError(FieldPackageType, text, "", "is not a package type", suggestion)
}

// packageNameAndVersion splits "vim=9.0", "vim>=9" and the like.
var packageNameAndVersion = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9._+:-]*) *([=<>!~^]+ *.*)$`)

// diagnosePackageName says what is wrong with a package's name that the grammar refused.
func diagnosePackageName(text string, t PackageType) error {
	rules := rulesOf[t]
	refuse := func(offending, problem, suggestion string) error {
		return newError(FieldName, text, offending, problem, suggestion)
	}
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return refuse("", "is empty", "write the name of a package, for example \"git\"")
	}
	if err := diagnoseText(FieldName, text); err != nil {
		return err
	}
	if m := packageNameAndVersion.FindStringSubmatch(trimmed); m != nil {
		return refuse(m[2], "is a version, which has an attribute of its own", suggestPackage(m[1], m[2], rules))
	}
	switch {
	case len(trimmed) > maxName:
		return refuse("", fmt.Sprintf("is longer than %d bytes", maxName), "")
	case strings.HasPrefix(trimmed, "-"):
		return refuse("", "is an option of the package manager, not a package", "write the name of a package")
	case strings.HasPrefix(trimmed, "@"):
		return refuse("@", "names a group of packages", "write the names of the packages, one requirement for each")
	case strings.ContainsAny(trimmed, "/\\") || strings.Contains(trimmed, "://"):
		return refuse("", "is a path, a URL or a release, not the name of a package", "write the name of a package of the distribution")
	case rules.name.MatchString(trimmed):
		return refuse("", "has white space around it", write(trimmed))
	case strings.ContainsAny(trimmed, " ,"):
		return refuse("", "holds several names", "write one requirement for each")
	case rules.foldName && rules.name.MatchString(strings.ToLower(trimmed)):
		return refuse("", "has upper case letters, which no package of Debian has", write(strings.ToLower(trimmed)))
	}
	return refuse("", "cannot be the name of a package: "+rules.nameWords, "")
}

// packageRange is a version with an operator or a wild card.
var packageRange = regexp.MustCompile(`^ *([=<>!~^]*) *([^=<>!~^*, ][^*, ]*?)(\.?\*)?(?: *,.*)?$`)

// diagnosePackageVersion says what is wrong with a package's version that the grammar refused.
func diagnosePackageVersion(text string, rules packageRules) error {
	refuse := func(offending, problem, suggestion string) error {
		return newError(FieldVersionSpecifier, text, offending, problem, suggestion)
	}
	if err := diagnoseText(FieldVersionSpecifier, text); err != nil {
		return err
	}
	trimmed := strings.TrimSpace(text)
	if version, ok := rules.parseVersion(trimmed); ok && version != "" {
		return refuse("", "has white space around it", write(trimmed))
	}
	switch strings.ToLower(strings.Trim(trimmed, "=<>~^ ")) {
	case "latest", "newest", "any", "stable", "current", "*", "":
		return refuse("", "is not a version", write(""))
	}
	if m := packageRange.FindStringSubmatch(trimmed); m != nil && (m[1] != "" || m[3] != "" || strings.Contains(trimmed, ",")) {
		offending := m[1] + m[3]
		if m[1] != "" && m[3] != "" || offending == "" {
			offending = trimmed
		}
		version, ok := rules.parseVersion(m[2])
		if !ok {
			return refuse(offending, "is not part of a version", "write one exact version, or leave it out")
		}
		if m[1] == "==" && m[3] == "" {
			return refuse(offending, "is not how package managers of operating systems write a version", write(version))
		}
		return refuse(offending, "makes a range; packages of the operating system are installed in one exact version",
			fmt.Sprintf("write %q for exactly that version, or leave it out", version))
	}
	return refuse("", "is not "+rules.versionWords, "")
}

// suggestPackage proposes the name and the version that were written as one.
func suggestPackage(name, specifier string, rules packageRules) string {
	version, ok := rules.parseVersion(strings.TrimLeft(specifier, "=<>!~^ "))
	if !ok || version == "" || !rules.name.MatchString(name) {
		return "write the name alone, and the version in version_specifier"
	}
	return fmt.Sprintf("write name = %q and version_specifier = %q", name, version)
}
