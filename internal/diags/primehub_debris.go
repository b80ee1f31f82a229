package diags

import (
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// primehubDebris describes what the platform leaves behind when one of its steps fails (internal/primehub/CONTRACT.md §2.5-§2.7).
func primehubDebris(op PrimeHubOperation, name string, err error) diag.Diagnostic {
	var (
		orphan     *primehub.OrphanedRoleError
		failed     *primehub.FailedCreateError
		incomplete *primehub.IncompleteError
		stuck      *primehub.DeleteStuckError
		lingers    *primehub.StillThereError
	)
	switch {
	case errors.As(err, &orphan):
		return diag.NewAttributeErrorDiagnostic(path.Root("name"), "PrimeHub Image Name Cannot Be Used", text(
			fmt.Sprintf("Tried to create PrimeHub image %q. There is no such image, but a role that an earlier attempt left in Keycloak keeps its name.", name),
			answerOf(orphan.Err),
			fmt.Sprintf("Choose another name, leave `name` out to have one generated, or ask those who run PrimeHub to delete the realm role %q in Keycloak.", primehub.Role(name)),
			facts(fact{op.noun, name}, fact{"Role", primehub.Role(name)}),
		))
	case errors.As(err, &failed):
		return diag.NewErrorDiagnostic("PrimeHub Image Was Not Created", text(
			fmt.Sprintf("Tried to create PrimeHub image %q, and afterwards it was not there. Its role may be left in Keycloak and keep the name from being used again.", name),
			answerOf(failed.Err),
			fmt.Sprintf("Apply again. If the name is taken then, choose another one, or ask those who run PrimeHub to delete the realm role %q in Keycloak. A generated name is a new one each time.", primehub.Role(name)),
			primehubFacts(op, name, err),
		))
	case errors.As(err, &incomplete) && incomplete.RoleMissing:
		return diag.NewErrorDiagnostic("PrimeHub Image Access Is Incomplete", text(
			fmt.Sprintf("%s. The image is there, but its realm role %q is missing in Keycloak, without which nobody can be let in.", op.tried(name), primehub.Role(name)),
			answerOf(incomplete.Err),
			"Apply again after ten minutes: PrimeHub's watcher makes the role anew. If it does not, ask those who run PrimeHub whether the watcher runs.",
			facts(fact{op.noun, name}, fact{"Role", primehub.Role(name)}),
		))
	case errors.As(err, &incomplete):
		return diag.NewErrorDiagnostic("PrimeHub Image Access Is Incomplete", text(
			op.tried(name)+". The image is there, but who may use it was not written, or not all of it.",
			answerOf(incomplete.Err),
			"Apply again: what is missing is written then. If it happens again, ask those who run PrimeHub whether Keycloak is well.",
			primehubFacts(op, name, err),
		))
	case errors.As(err, &stuck):
		return diag.NewErrorDiagnostic("PrimeHub Image Cannot Be Deleted", text(
			fmt.Sprintf("Tried to delete PrimeHub image %q, but PrimeHub deletes no image whose role is missing in Keycloak.", name),
			answerOf(stuck.Err),
			"Apply again after ten minutes: PrimeHub's watcher makes the role anew. If it does not, ask those who run PrimeHub to delete the image in Kubernetes (kubectl delete images.primehub.io).",
			facts(fact{op.noun, name}, fact{"Role", "img:" + name}),
		))
	case errors.As(err, &lingers):
		return diag.NewErrorDiagnostic("PrimeHub Image Does Not Go Away", text(
			fmt.Sprintf("Deleted PrimeHub image %q, but %s later the platform still had it.", name, short(lingers.After)),
			"Apply again; if it happens regularly, ask those who run PrimeHub.",
			facts(fact{op.noun, name}),
		))
	}
	return nil
}
