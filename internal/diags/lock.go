package diags

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/embedded"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// LockFailed describes why nobody can say which versions an image is to hold.
func LockFailed(spec imageregistry.Spec, err error) diag.Diagnostic {
	if d, ok := fromConfiguration(err); ok {
		return d
	}
	at := path.Root("pip_requirements")
	if spec.PipLockFile != "" {
		at = path.Root("pip_lock_file")
	}
	tried := fmt.Sprintf("Tried to find the versions that managed image %q will hold.", spec.Name)
	if spec.Name == "" {
		tried = "Tried to find the versions that the managed image will hold."
	}
	if conflict, ok := errors.AsType[*resolve.ConflictError](err); ok {
		return diag.NewAttributeErrorDiagnostic(at, "No Versions Meet the Requirements", text(
			tried, conflict.Error(),
		))
	}
	if unusable, ok := errors.AsType[*embedded.UnusableBaseError](err); ok {
		return diag.NewAttributeErrorDiagnostic(path.Root("python_version"), "Unusable Base Image", text(
			tried, sentence(unusable.Error()),
			"Give another image in `embedded_registry.base_images` of the provider.",
		))
	}
	if refused, ok := errors.AsType[*embedded.LockFileError](err); ok {
		next := "Make the lock anew for the image's Python and platform, and from the indexes that `embedded_registry.pip` of the provider names."
		if refused.Advises() {
			next = ""
		}
		return diag.NewAttributeErrorDiagnostic(at, "Lock File Does Not Fit the Image", text(tried, "The lock file cannot be obeyed:\n"+refused.Error(), next))
	}
	if replaced, ok := errors.AsType[*embedded.ReplacedFileError](err); ok {
		return diag.NewAttributeErrorDiagnostic(at, "Locked File Was Replaced", text(
			tried, sentence(replaced.Error()),
			"Find out who has replaced it, and why. To take the file that is there now, change a value in `triggers`, or plan with `-replace`.",
			facts(fact{"SHA-256, locked", replaced.Locked}, fact{"SHA-256, now", replaced.Found}),
		))
	}
	if open, ok := errors.AsType[*embedded.OpenLockError](err); ok {
		return diag.NewAttributeErrorDiagnostic(at, "Versions Cannot Be Locked", text(tried, sentence(open.Error())))
	}
	if answer, ok := errors.AsType[*pythonindex.Error](err); ok {
		return diag.NewAttributeErrorDiagnostic(at, "Unable to Read Package Index", text(
			tried, "The answer was:\n"+answer.Error(), adviceForIndex(answer),
			facts(fact{"Package index", answer.Index}, fact{"HTTP status", statusText(answer.Status)}),
		))
	}
	if answer, ok := errors.AsType[*pythonindex.DirectError](err); ok {
		return diag.NewAttributeErrorDiagnostic(at, "Unable to Read Address", text(
			tried, "The answer was:\n"+answer.Error(), adviceForAddress(answer),
			facts(fact{"Requirement", answer.Name}, fact{"Server", answer.Origin}, fact{"HTTP status", statusText(answer.Status)}),
		))
	}
	return diag.NewAttributeErrorDiagnostic(at, "Unable to Lock Managed Image", text(tried, "The answer was:\n"+err.Error()))
}

func statusText(status int) string {
	if status == 0 {
		return ""
	}
	return fmt.Sprint(status)
}

// adviceForIndex is the next step for an index that did not answer as it should have.
func adviceForIndex(answer *pythonindex.Error) string {
	if _, says := errors.AsType[*pythonindex.CredentialsError](answer); says {
		return ""
	}
	switch {
	case answer.Status == 401, answer.Status == 403:
		return "Check the credentials of that index in `embedded_registry.pip` of the provider: user and password, or token, in its URL, or in a netrc file."
	case answer.Transient():
		return "Check that this machine reaches the index, or plan again later."
	}
	return "Check the address of that index in `embedded_registry.pip` of the provider: it is the one that ends in /simple/."
}

// adviceForAddress is the next step for an address at which a distribution could not be read.
func adviceForAddress(answer *pythonindex.DirectError) string {
	_, noRef := errors.AsType[*pythonindex.RefError](answer.Err)
	switch {
	case noRef:
		return fmt.Sprintf("Write the name of a branch, a tag or a commit that the repository has behind the \"@\" at the end of the address of %s.", answer.Name)
	case answer.Status == 401, answer.Status == 403:
		return "Check that everybody may read what is at that address, or put a user and a password for its host into a netrc file."
	case answer.Transient():
		return "Check that this machine reaches the server, or plan again later."
	}
	return fmt.Sprintf("Correct the address of %s.", answer.Name)
}

// LockNotPlanned warns that a plan does not know the versions that the apply will find.
func LockNotPlanned(name string, err error) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Versions Not Known Yet", text(
		fmt.Sprintf("Tried to find the versions that managed image %q will hold. The apply will try again.", name),
		"The answer was:\n"+err.Error(), "To see the versions, plan on a machine that reaches it.",
	))
}

// UpgradesNotChecked warns that a plan could not look for newer versions.
func UpgradesNotChecked(name string, err error) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Newer Versions Not Checked", text(
		fmt.Sprintf("Tried to find newer versions for managed image %q, which has `pip_upgrade = \"always\"`. The image stays as it is.", name),
		"The answer was:\n"+err.Error(),
	))
}

// LockOpen warns that only a build can tell the versions.
func LockOpen(name, reason string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Versions Known After the Build", text(
		fmt.Sprintf("The versions that managed image %q will hold are known after its build only: %s.", name, strings.TrimSuffix(reason, ".")),
	))
}

// BuiltFromSource tells which distributions have to be built from source.
func BuiltFromSource(name string, sources []imageregistry.Source) diag.Diagnostic {
	named := make([]string, len(sources))
	for i, s := range sources {
		named[i] = s.Name + " " + s.Version
	}
	return diag.NewWarningDiagnostic("Packages Built from Source", text(
		fmt.Sprintf("Managed image %q needs packages that have no wheel for its Python and platform where they come from: %s.", name, strings.Join(named, ", ")),
		"The build runs the code that they bring for their installation, and may need packages of the system for it. Require a version that has a wheel to avoid that.",
	))
}

// TwoKindsOfRequirements describes an image that has a lock file and what only the provider could lock.
func TwoKindsOfRequirements(at path.Path) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Lock File and Requirements", text(
		fmt.Sprintf("pip_lock_file is set, which names everything that pip installs, and %s has values too.", at),
		fmt.Sprintf("Remove one of them: keep pip_lock_file to install just what it says, or %s to let the provider find the versions.", at),
	))
}

// NotOnPlatform describes what the API of a RIME platform has no place for.
func NotOnPlatform(at path.Path, what, next string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Requirement the Platform Cannot Take", text(
		fmt.Sprintf("%s %s, and a RIME platform takes names and versions of packages only.", at, what), next,
	))
}

// ErrNothingLocks is a registry that cannot tell versions before it builds.
var ErrNothingLocks = errors.New("a RIME platform tells versions after a build only; this takes an embedded registry: set `embedded_registry`, and no `endpoint`, in the provider")

// ResolutionOpen describes why versions that were asked for are not known.
func ResolutionOpen(reason string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Versions Not Known", text(
		"Tried to find the versions that pip requirements come to.", fmt.Sprintf("They are known after a build only: %s.", strings.TrimSuffix(reason, ".")),
	))
}
