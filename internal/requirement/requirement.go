// Package requirement holds the dependencies a user can ask an image to contain: pip requirements and packages of
// the operating system. Text from users is parsed and validated here once; what passes carries no white space, no
// shell and no Dockerfile syntax, so it can be handed to a package manager as an argument or a line of a file.
package requirement

// Pip is one distribution to be installed with pip.
type Pip struct {
	// Name is the distribution's name, with its extras if any ("uvicorn[standard]").
	Name string
	// VersionSpecifier is a PEP 440 specifier set (">=1,<2"); a bare version means "==". Empty means any version.
	VersionSpecifier string
}

// PackageType tells which package manager installs a [Package].
type PackageType string

// The package managers, by the names the registries give them.
const (
	// PackageTypeRockyLinux is RPM packages installed with dnf or yum.
	PackageTypeRockyLinux PackageType = "rocky_linux"
	// PackageTypeApt is Debian packages installed with apt.
	PackageTypeApt PackageType = "apt"
)

// Package is one package of the operating system.
type Package struct {
	Name string
	// VersionSpecifier is a bare version of that package manager. Empty means the distribution's own choice.
	VersionSpecifier string
	Type             PackageType
}
