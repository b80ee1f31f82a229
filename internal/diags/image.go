package diags

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// AlreadyExists describes a name that is taken, with the ways to manage the image that has it.
func AlreadyExists(name string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Managed Image Already Exists", text(
		fmt.Sprintf("Tried to create managed image %q, but the registry has an image of that name that this state does not know.", name),
		"Choose another name, set `adopt_existing = true` to take it over if it has the same inputs, or import it with the command\n"+
			fmt.Sprintf("  terraform import rime_managed_image.NAME %s\n", name)+
			"or with the block\n"+
			"  import {\n    to = rime_managed_image.NAME\n"+fmt.Sprintf("    id = %q\n  }", name),
		facts(fact{"Managed image", name}),
	))
}

// OtherInputs describes an image that cannot be adopted because it was made from other inputs.
func OtherInputs(name string, differences []string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("adopt_existing"), "Managed Image Has Other Inputs", text(
		fmt.Sprintf("Tried to adopt managed image %q, but it was made from other inputs than the configuration's.", name),
		"To get from the image to the configuration:\n  "+strings.Join(differences, "\n  "),
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

// CannotRebuild describes a registry that lost the ability, between plan and apply, to do what was planned.
func CannotRebuild(name string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Managed Image Cannot Change in Place", text(
		fmt.Sprintf("Tried to build managed image %q anew under its name, but its registry can only create and delete images.", name),
		"Plan again: the new plan replaces the image.",
		facts(fact{"Managed image", name}),
	))
}
