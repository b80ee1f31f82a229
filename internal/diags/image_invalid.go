package diags

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// NullElement describes an element without a value in a set of texts.
func NullElement(at path.Path, example string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Null Element", text(
		fmt.Sprintf("%s holds null, which asks for nothing.", at),
		fmt.Sprintf("Leave the element out, as compact([…]) does, or write a text such as %q.", example),
	))
}

// identifier is a key that need not stand in quotes.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// NullTrigger describes a trigger without a value.
func NullTrigger(at path.Path, key string) diag.Diagnostic {
	written := key
	if !identifier.MatchString(key) {
		written = strconv.Quote(key)
	}
	return diag.NewAttributeErrorDiagnostic(at, "Null Trigger", text(
		fmt.Sprintf("%s is null. A trigger needs a text.", at),
		fmt.Sprintf("Remove the key, or write triggers = { %s = \"\" }.", written),
	))
}

// ImageWithoutName describes an image that has neither a name nor the beginning of one.
func ImageWithoutName() diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Missing Managed Image Name", text(
		"The image has neither `name` nor `name_prefix`.", whichName))
}

// ImageWithTwoNames describes an image that has a name and the beginning of another.
func ImageWithTwoNames(name, prefix string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name_prefix"), "Two Managed Image Names", text(
		fmt.Sprintf("The image has `name = %q` and `name_prefix = %q`, but it can have only one name.", name, prefix),
		"Remove one of them. "+whichName))
}

const whichName = "On a RIME platform, write `name_prefix` together with `lifecycle { create_before_destroy = true }`: every change makes a new image there, and with a prefix the old one stays " +
	"until the new one is ready. In the embedded registry, write `name`: a change builds the image in place."

// AptPackagesOnPlatform describes packages of Debian that a RIME platform cannot install.
func AptPackagesOnPlatform(at path.Path, written []string) diag.Diagnostic {
	quoted := make([]string, 0, len(written))
	for _, text := range written {
		quoted = append(quoted, strconv.Quote(text))
	}
	return diag.NewAttributeErrorDiagnostic(at, "Packages the Platform Cannot Install", text(
		fmt.Sprintf("%s has values, but the images of a RIME platform are Rocky Linux, which does not install packages of Debian.", at),
		fmt.Sprintf("Write rocky_linux_packages = [%s], with the names that the packages have there: `libgomp1` of Debian is `libgomp`.", strings.Join(quoted, ", ")),
	))
}

// TwoPackageManagers describes packages of both kinds.
func TwoPackageManagers(at path.Path) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Two Package Managers", text(
		"apt_packages and rocky_linux_packages both have values, but an image has one package manager.",
		"Keep apt_packages if the base image is of Debian or a relative, as the default ones are, or rocky_linux_packages if it has dnf or yum, as on a RIME platform.",
	))
}

// UnsupportedPythonVersion describes a Python version that no base image has.
func UnsupportedPythonVersion(at path.Path, version string, supported []string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Unsupported Python Version", text(
		fmt.Sprintf("%s = %q, but the provider has no base image with that Python.", at, version),
		fmt.Sprintf("Use one of %s, or add %q to `embedded_registry.base_images` of the provider.", strings.Join(supported, ", "), version),
	))
}
