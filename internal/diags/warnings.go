package diags

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// Warnings are the same diagnostics with each error as a warning. It is for what goes wrong in a create after its object was made and is in the state: after an error,
// Terraform takes the object for broken, and the next apply would destroy it, whatever has become of it. After a warning, the next apply finishes the job.
func Warnings(d diag.Diagnostics) diag.Diagnostics {
	var soft diag.Diagnostics
	for _, one := range d {
		if at, ok := one.(diag.DiagnosticWithPath); ok {
			soft.AddAttributeWarning(at.Path(), one.Summary(), one.Detail())
		} else {
			soft.AddWarning(one.Summary(), one.Detail())
		}
	}
	return soft
}
