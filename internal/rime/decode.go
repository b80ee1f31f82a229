package rime

import (
	"errors"
	"regexp"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

var errNameless = errors.New("the answer holds an image without a name")

// decodeImage reads a ManagedImage (CONTRACT §2.9). Only a name is indispensable: without one, it is no image.
func decodeImage(o object) (imageregistry.Image, error) {
	image := imageregistry.Image{
		Name:                o.text("name"),
		Status:              imageregistry.Status(o.enum("status", imageStatuses)),
		RoleType:            decodeRole(o.enum("roleType", roleTypes)),
		Tag:                 o.text("rimeTag"),
		RepoURI:             o.text("repoUri"),
		PythonVersion:       decodePythonVersion(o.text("pythonVersion")),
		PipRequirements:     decodePips(o.elements("pipRequirements")),
		PackageRequirements: decodePackages(o.elements("packageRequirements")),
	}
	if image.Name == "" {
		return image, errNameless
	}
	if base := o.object("baseImage"); base != nil {
		image.BaseImage = decodeReference(base)
	}
	for _, child := range o.elements("childImages") {
		image.ChildImages = append(image.ChildImages, decodeReference(child))
	}
	libraries := o.elements("pipLibraries")
	image.PipLibraries = make([]imageregistry.PipLibrary, 0, len(libraries))
	for _, library := range libraries {
		image.PipLibraries = append(image.PipLibraries, imageregistry.PipLibrary{Name: library.text("name"), Version: library.text("version")})
	}
	return image, nil
}

// decodeRole takes an unspecified role for what the platform takes it: images from before there were roles are their users' own.
func decodeRole(role string) imageregistry.RoleType {
	if role == unspecified {
		return imageregistry.RoleTypeUserDefined
	}
	return imageregistry.RoleType(role)
}

func decodeReference(o object) imageregistry.ImageReference {
	return imageregistry.ImageReference{
		Name:          o.text("name"),
		ReferenceType: imageregistry.ReferenceType(o.enum("referenceType", referenceTypes)),
	}
}

// exactPython is a version with more than major and minor number.
var exactPython = regexp.MustCompile(`\A([0-9]+\.[0-9]+)\.[0-9]`)

// decodePythonVersion is "X.Y", whether the platform tells that or the patch version as well (CONTRACT §8 item 14).
func decodePythonVersion(version string) string {
	if parts := exactPython.FindStringSubmatch(version); parts != nil {
		return parts[1]
	}
	return version
}

func decodePips(list []object) []requirement.Pip {
	pips := make([]requirement.Pip, 0, len(list))
	for _, o := range list {
		pips = append(pips, requirement.Pip{Name: o.text("name"), VersionSpecifier: o.text("versionSpecifier")})
	}
	return pips
}

func decodePackages(list []object) []requirement.Package {
	packages := make([]requirement.Package, 0, len(list))
	for _, o := range list {
		packages = append(packages, requirement.Package{
			Name: o.text("name"),
			// Platforms before 2.0 also took and kept apt's own spelling, "=1.6.7" (CONTRACT §2.12).
			VersionSpecifier: strings.TrimLeft(o.text("versionSpecifier"), "= "),
			Type:             decodePackageType(o.enum("packageType", packageTypes)),
		})
	}
	return packages
}

// wireRockyLinux is how the platform writes [requirement.PackageTypeRockyLinux], in lower case and without the prefix.
const wireRockyLinux = "rockylinux"

// decodePackageType takes an unspecified type for the one that today's platforms install (CONTRACT §8 item 27).
func decodePackageType(packageType string) requirement.PackageType {
	switch packageType {
	case wireRockyLinux, unspecified:
		return requirement.PackageTypeRockyLinux
	default:
		return requirement.PackageType(packageType)
	}
}
