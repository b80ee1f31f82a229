package diags

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

const belongsToOthers = "AWS Object Belongs to Somebody Else"

// foreignObjects describes what stopped an operation because it is somebody else's.
func foreignObjects(op Operation, tried string, objects []awsregistry.ForeignObject) diag.Diagnostic {
	fate, next := "nothing of them was changed", adviceForForeign(objects)
	if op == DeleteRegistryConfig {
		fate = "nothing was deleted"
		next = "Delete them yourself if nothing needs them, and apply again. If somebody else has them now, forget this configuration with `terraform state rm`, " +
			"and delete by hand what is left of it. If they are this installation's all the same, import the whole again and destroy it then."
	}
	return diag.NewErrorDiagnostic(belongsToOthers, text(
		fmt.Sprintf("%s But these have its names and were not made by this resource, so that %s:\n%s", tried, fate, listObjects(objects)), next,
	))
}

// listObjects says of each object how it was seen to be somebody else's, in a line.
func listObjects(objects []awsregistry.ForeignObject) string {
	lines := make([]string, 0, len(objects))
	for _, object := range objects {
		lines = append(lines, fmt.Sprintf("  %s: %s", object, object.Reason))
	}
	return strings.Join(lines, "\n")
}

// adviceForForeign is the next step for what has names of ours. An import takes roles and policies over whatever is on them, and a template only with the roles' owner.
func adviceForForeign(objects []awsregistry.ForeignObject) string {
	const template = "No import takes the template over. If nothing needs it, delete it and apply again; otherwise leave `creation_template` out, or give another `repository_prefix`, `resource_name_suffix` or `namespace`."
	templates := 0
	for _, object := range objects {
		if object.ARN == "" && object.Owner == "" {
			templates++
		}
	}
	if templates == len(objects) {
		return template
	}
	next := "If they are this installation's, made by the platform's module or by an apply whose state is lost, import the whole: the id is `<repository_prefix>,<resource_name_suffix>,<namespace>`, " +
		"followed by the names of roles and policies where they are not the module's. " +
		"If this configuration is in the state already, forget it there first with `terraform state rm`. " +
		"If another configuration or workspace has them, remove them there first, or give another `resource_name_suffix` or `namespace`, or names of their own, here. " +
		"If a run of Terraform was killed here a moment ago, apply again in some seconds."
	if templates > 0 {
		next += "\n\n" + template
	}
	return next
}

// TakenNames tells at plan of what has names of ours. What carries no owner stops the apply for certain. What carries one may be
// what a run left that was killed, which an apply takes over.
func TakenNames(objects []awsregistry.ForeignObject) diag.Diagnostics {
	var untagged, owned []awsregistry.ForeignObject
	for _, object := range objects {
		if object.Owner == "" {
			untagged = append(untagged, object)
		} else {
			owned = append(owned, object)
		}
	}
	var d diag.Diagnostics
	if len(untagged) > 0 {
		d.AddError(belongsToOthers, text(
			"These have names that the image registry configuration is going to use, and were not made by this resource, so that an apply would leave them as they are and fail:\n"+listObjects(untagged),
			adviceForForeign(untagged),
		))
	}
	if len(owned) > 0 {
		d.AddWarning("AWS Object May Belong to Somebody Else", text(
			"These have names that the image registry configuration is going to use, and carry the tag of another resource of this kind. An apply leaves them as they are and fails, unless a run that was killed here left them:\n"+
				listObjects(owned),
			adviceForForeign(owned),
		))
	}
	return d
}

// ObjectsLeft warns of what had names of ours before a change of names, and was left because it is somebody else's.
func ObjectsLeft(objects []awsregistry.ForeignObject) diag.Diagnostic {
	return diag.NewWarningDiagnostic("AWS Object Was Left", text(
		"These have the names that the image registry configuration had before, and were not made by this resource, so that they were left as they are:\n"+listObjects(objects),
		"Delete them yourself if nothing needs them.",
	))
}

// listRoles says which policies are on which roles, in a line each.
func listRoles(roles []awsregistry.RolePolicies) string {
	lines := make([]string, 0, len(roles))
	for _, role := range roles {
		lines = append(lines, fmt.Sprintf("  %s: %s", role.ARN, strings.Join(role.Policies, ", ")))
	}
	return strings.Join(lines, "\n")
}

// rolesWithOtherPolicies describes roles that were not deleted because of policies of others.
func rolesWithOtherPolicies(tried string, roles []awsregistry.RolePolicies) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Role Has Other Policies", text(
		tried+" But these roles have policies that this resource did not put there, and nothing was deleted:\n"+listRoles(roles),
		"Take them off and apply again. Or set `force_detach_policies = true` and apply that: from then on, inline policies are deleted and attached ones detached before a role is deleted.",
	))
}

// OtherPoliciesStay is the end of an apply that did everything but take off policies of others.
func OtherPoliciesStay(roles []awsregistry.RolePolicies) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("force_detach_policies"), "Role Has Other Policies", text(
		"Everything is as configured, but for policies on these roles that this resource did not put there. The roles may do more than it allows them:\n"+listRoles(roles), otherPoliciesNext,
	))
}

const otherPoliciesNext = "Take them off. Or name them in `allowed_policies` if they are meant, or have them taken off with `force_detach_policies = true`."

// OtherPolicies warns at plan of policies of others on a role that stays.
func OtherPolicies(at path.Path, role awsregistry.RolePolicies, force bool) diag.Diagnostic {
	problem := fmt.Sprintf("The role %q may do more than this resource allows it: it has policies that this resource did not put there.", role.Role)
	policies := facts(fact{"Role", role.ARN}, fact{"Policies", strings.Join(role.Policies, ", ")})
	if force {
		return diag.NewAttributeWarningDiagnostic(at, "Other Policies Are Taken Off", text(
			problem+" The apply deletes those that are inline and detaches the others.", "Name them in `allowed_policies` if they are meant.", policies))
	}
	return diag.NewAttributeWarningDiagnostic(at, "Role Has Other Policies", text(
		problem+" The apply does everything else, leaves them there, and ends with an error.", otherPoliciesNext, policies))
}

// OtherPoliciesGo warns at plan of policies of others on a role that is going to be deleted.
func OtherPoliciesGo(role awsregistry.RolePolicies, force bool) diag.Diagnostic {
	policies := facts(fact{"Role", role.ARN}, fact{"Policies", strings.Join(role.Policies, ", ")})
	problem := fmt.Sprintf("The role %q is going to be deleted, and has policies that this resource did not put there.", role.Role)
	if force {
		return diag.NewWarningDiagnostic("Other Policies Go With the Role", text(
			problem+" As `force_detach_policies` is set, the apply deletes those that are inline and detaches the others.", "Keep a copy of what is still needed.", policies))
	}
	return diag.NewWarningDiagnostic("Role Cannot Be Deleted", text(
		problem+" The apply is going to refuse that.", "Take them off first, or set `force_detach_policies = true` and apply that before.", policies))
}
