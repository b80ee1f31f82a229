package diags

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// Replacement is the plan to make an image anew under the same name or another.
type Replacement struct {
	// Name is the image's until now, Prefix the beginning of generated names. Empty without one.
	Name, Prefix string
	// Reason says what has changed. Empty where that is not known yet.
	Reason string
	// SameName tells that the new image has the name of the old one, so that the old one has to go first.
	SameName bool
	// Usable tells that somebody may be using the old image.
	Usable bool
	// Platform tells that no change can be made in place.
	Platform bool
}

// Diagnostic warns of it.
func (r Replacement) Diagnostic() diag.Diagnostic {
	what := fmt.Sprintf("Managed image %q is replaced: %s.", r.Name, cmp.Or(r.Reason, "some of its inputs are known only during the apply"))
	summary, gap, remedy := "Managed Image Is Replaced", "", ""
	prefix := cmp.Or(r.Prefix, strings.TrimRight(r.Name, "-_")+"-")
	switch {
	case !r.Usable:
	case r.SameName:
		summary = "No Managed Image During the Build"
		gap = "Its name stays, so that the old image is deleted before the new one is built: there is no image until the build has ended, which may take up to `timeouts.create`."
		remedy = fmt.Sprintf("For a change without a gap, write `name_prefix = %q` instead of `name`, and `lifecycle { create_before_destroy = true }`.", prefix)
	default:
		gap = "Without `create_before_destroy`, the old image is deleted first, and there is no image until the new one is built. A provider cannot see whether the resource has it."
		remedy = "If it does not, write `lifecycle { create_before_destroy = true }` into the resource: the old image then stays until the new one is ready."
	}
	if r.Platform && gap != "" {
		gap += " A RIME platform cannot change an image in place."
	}
	return diag.NewAttributeWarningDiagnostic(path.Root("name"), summary, text(what, gap, remedy))
}

// ImageNameTwice describes a name that two resources have.
func ImageNameTwice(name string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Managed Image Name Taken Twice", text(
		fmt.Sprintf("Two resources of this configuration have a managed image of the name %q in the same registry. An image belongs to one resource.", name),
		"Give one of them another name, or another `name_prefix`, or remove one and refer to the other where it was used.",
		facts(fact{"Managed image", name}),
	))
}
