package diags

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// whyDropped says why Terraform itself does not report a wrong name in an object.
const whyDropped = "Inside { }, Terraform drops names that a provider does not know, without a message."

// UnknownName describes a name in an object that is no attribute. The advice says what to write instead.
// The value is not shown: it may be a secret.
func UnknownName(at path.Path, name, advice string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Unknown Attribute", text(
		fmt.Sprintf("%s has no attribute %q. %s", at.ParentPath(), name, advice),
		whyDropped+" The provider knows this one as a likely mistake.",
	))
}

// UnknownKey describes a key of a map that means nothing.
func UnknownKey(at path.Path, key, advice string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at.AtMapKey(key), "Unknown Key", text(fmt.Sprintf("%s has no key %q. %s", at, key, advice)))
}

// EmptyObject describes an object in which nothing is set; names are its attributes.
func EmptyObject(at path.Path, names []string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Empty Object", text(
		fmt.Sprintf("%s sets nothing. Leave it out, or set at least one of: %s.", at, strings.Join(names, ", ")),
		whyDropped+" If something is written here, check its spelling. If every value is null, write null for the whole object.",
	))
}
