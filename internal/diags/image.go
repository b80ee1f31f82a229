package diags

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/embedded"
)

// ErrCannotChange is a registry that can only create and delete images, asked to change one.
var ErrCannotChange = errors.New("the registry cannot change an image in place")

// OtherInputsError is an image that cannot be adopted because it was made from other inputs.
type OtherInputsError struct {
	// Differences lead from the image to the configuration.
	Differences []string
}

// Error implements error.
func (e *OtherInputsError) Error() string { return strings.Join(e.Differences, "; ") }

// OtherRegistryError is a provider that leads to another registry, or another place in it, than the state's.
type OtherRegistryError struct{ Want, Got string }

// Error implements error.
func (e *OtherRegistryError) Error() string {
	return fmt.Sprintf("the state's image is in %s, the provider looks for it in %s", e.Want, e.Got)
}

// otherRegistry describes an image that is not where the provider looks for it.
func otherRegistry(op Operation, name string, err *OtherRegistryError) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Managed Image Is in Another Registry", text(
		fmt.Sprintf("Tried to %s managed image %q where the provider's configuration leads to, and there is none. By the state, it is elsewhere, so that this does not mean that it is gone.", op.verb, name),
		"Check `endpoint`, or `embedded_registry.url`, `embedded_registry.repository_prefix` and the AWS account and region of the provider. To move to another registry, destroy the images with the configuration "+
			"from before, or forget them with `terraform state rm` and remove them by hand; then apply.",
		facts(fact{"Managed image", name}, fact{"In the state", err.Want}, fact{"In the configuration", err.Got}),
	))
}

// ImportFromElsewhere describes an identity that is not one of the provider's registry.
func ImportFromElsewhere(name, asked, here string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Managed Image Is in Another Registry", text(
		fmt.Sprintf("Tried to import managed image %q from the registry %q, but this provider keeps its images in %q.", name, asked, here),
		fmt.Sprintf("Import it with a provider that is configured for the other registry, or write `registry = %q` in the identity if the image is there.", here),
	))
}

// alreadyExists describes a name that is taken, with the ways to manage the image that has it.
func alreadyExists(name string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Managed Image Already Exists", text(
		fmt.Sprintf("Tried to create managed image %q, but the registry has an image of that name that this state does not know.", name),
		"If another resource has the same name, in this configuration or in that of a colleague, give one of them another name. "+
			"If it is the image that this resource replaces: `create_before_destroy` needs `name_prefix` instead of `name`, and then a change of `triggers` instead of `-replace`. "+
			"If only its inputs were not known while planning, and turned out to be the same, apply again.",
		"Otherwise, set `adopt_existing = true` to take it over if it has the same inputs, or import it with the command\n"+
			fmt.Sprintf("  terraform import rime_managed_image.NAME %s\n", name)+
			"or with the block\n"+
			"  import {\n    to = rime_managed_image.NAME\n"+fmt.Sprintf("    id = %q\n  }", name),
		facts(fact{"Managed image", name}),
	))
}

// otherInputs describes an image that cannot be adopted.
func otherInputs(name string, err *OtherInputsError) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("adopt_existing"), "Managed Image Has Other Inputs", text(
		fmt.Sprintf("Tried to adopt managed image %q, but it was made from other inputs than the configuration's.", name),
		"To get from the image to the configuration:\n  "+strings.Join(err.Differences, "\n  "),
		fmt.Sprintf("Choose another name, correct the configuration, or import the image with `terraform import rime_managed_image.NAME %s` and let the next apply change it.", name),
		facts(fact{"Managed image", name}),
	))
}

// ImageNotFound describes an image that was asked for by name and is not there.
func ImageNotFound(name string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Managed Image Not Found", text(
		fmt.Sprintf("Looked for managed image %q, and the registry confirmed that it has none of that name.", name),
		"Correct the name, or make this depend on the resource that creates the image.",
		facts(fact{"Managed image", name}),
	))
}

// ImageMadeAnew warns of an image that is left because it is not the one that was to be deleted.
func ImageMadeAnew(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Managed Image Not Deleted", text(
		fmt.Sprintf("The build of the managed image %q that was to be deleted had failed, and an image was created anew under its generated name since. That one is left as it is.", name),
		"If no configuration has it any more, remove it by hand, or import it and destroy it then.",
		facts(fact{"Managed image", name}),
	))
}

// RepositoryKept warns of what stays when an image is deleted: so many tags in its repository are not its own.
func RepositoryKept(name, repository string, tags int) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Repository Is Kept", text(
		fmt.Sprintf("The repository of managed image %q also holds tags that are not the image's. Its deletion leaves them, and the repository, as they are.", name),
		facts(fact{"Repository", repository}, fact{"Tags that stay", strconv.Itoa(tags)}),
	))
}

// RepositoryLeft warns of an empty repository of an image that was deleted.
func RepositoryLeft(name string, left *embedded.RepositoryLeftError) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Empty Repository Left", text(
		fmt.Sprintf("Managed image %q is deleted, but its repository, which is empty now, could not be removed.", name),
		"The answer was:\n"+left.Err.Error(),
		"Remove the repository by hand, or leave it: an image of that name can be created in it again.",
		facts(fact{"Repository", left.Repository}),
	))
}

// ExternalBaseImages describes base images of the provider's own registry that are kept elsewhere although that is not allowed.
func ExternalBaseImages(at path.Path, registry string, external []string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Base Images Outside the Registry", text(
		fmt.Sprintf("%s = false, but the embedded registry of this provider builds on images from outside of the registry:\n  %s", at, strings.Join(external, "\n  ")),
		"Push them into the registry and give their new references in `embedded_registry.base_images` of the provider, or allow external images.",
		facts(fact{"Registry", registry}),
	))
}

// RetainedInTheWay describes a replacement under a name that the image it replaces would keep.
func RetainedInTheWay(name string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("deletion_policy"), "Retained Managed Image in the Way", text(
		fmt.Sprintf("The registry can only create and delete images, so that this change replaces managed image %q. "+
			"The state has `deletion_policy = \"retain\"` for it: it would stay, and its name would be taken.", name),
		"Give `name_prefix` instead of `name`, so that the new image gets a name of its own, or set `deletion_policy = \"delete\"`, apply only that, and then make this change. "+
			"If its build failed and it is only to be built again, set `adopt_existing = true`.",
		facts(fact{"Managed image", name}),
	))
}

// cannotChange describes a registry that lost the ability, between plan and apply, to do what was planned.
func cannotChange(name string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Managed Image Cannot Change in Place", text(
		fmt.Sprintf("Tried to build managed image %q anew under its name, but its registry can only create and delete images.", name),
		"Plan again: the new plan replaces the image.",
		facts(fact{"Managed image", name}),
	))
}
