package diags

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/rime"
)

// fromPlatform describes what is particular to a RIME platform. It reports whether the error is such.
func fromPlatform(op Operation, name string, err error) (diag.Diagnostic, bool) {
	if missing, ok := errors.AsType[*rime.NotEnabledError](err); ok {
		return notEnabled(name, missing), true
	}
	var (
		unsettled *rime.UnsettledError
		refused   *rime.DeleteRefusedError
		system    *rime.SystemImageError
		children  *rime.ChildrenError
		building  *rime.BuildingError
		lingers   *rime.StillThereError
	)
	block := facts(fact{"Managed image", name}, fact{"HTTP status", httpStatus(err)})
	switch {
	case errors.As(err, &unsettled):
		return diag.NewErrorDiagnostic(op.summary, text(
			fmt.Sprintf("Tried to %s managed image %q, and the answer was lost. The image may be there all the same: nobody could say.", op.verb, name),
			"The answers were:\n"+unsettled.Lost.Error()+"\n"+unsettled.Look.Error(),
			"Apply again: in this directory, that takes over what this apply has made. Elsewhere, set `adopt_existing = true` if the image turns out to exist.",
			block,
		)), true
	case errors.As(err, &refused):
		return diag.NewErrorDiagnostic("Managed Image May Not Be Deleted", text(
			fmt.Sprintf("Tried to delete managed image %q, but on a RIME platform only an Organization Administrator may do that; the API key belongs to somebody else.", name),
			answerOf(refused.Err),
			deleteAdvice(op),
			block,
		)), true
	case errors.As(err, &system):
		return diag.NewErrorDiagnostic("System Image Cannot Be Deleted", text(
			fmt.Sprintf("Tried to %s managed image %q, but the platform made it for itself and builds other images on it. Nothing was sent.", op.verb, name),
			"Take it out of the configuration and forget it with `terraform state rm`; to read it, use the data source `rime_managed_image`.",
			facts(fact{"Managed image", name}),
		)), true
	case errors.As(err, &children):
		return diag.NewErrorDiagnostic("Managed Image Has Children", text(
			fmt.Sprintf("Tried to delete managed image %q, but other images are built on it.", name),
			answerOf(children.Err),
			"Delete those images first.",
			facts(fact{"Managed image", name}, fact{"Children", strings.Join(children.Children, ", ")}, fact{"HTTP status", httpStatus(err)}),
		)), true
	case errors.As(err, &building):
		return diag.NewErrorDiagnostic("Managed Image Is Being Built", text(
			fmt.Sprintf("Tried to delete managed image %q, but the platform is building it and deletes no image meanwhile.", name),
			answerOf(building.Err),
			"Wait until the build has ended, an hour at the most, and apply again.",
			facts(fact{"Managed image", name}, fact{"Image status", string(building.Status)}, fact{"HTTP status", httpStatus(err)}),
		)), true
	case errors.As(err, &lingers):
		return diag.NewErrorDiagnostic("Managed Image Does Not Go Away", text(
			fmt.Sprintf("Deleted managed image %q, but %s later the platform still had it.", name, short(lingers.After)),
			"Apply again; if it happens regularly, ask those who run the platform.",
			facts(fact{"Managed image", name}, fact{"Image status", string(lingers.Status)}),
		)), true
	}
	return nil, false
}

func notEnabled(name string, err *rime.NotEnabledError) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Managed Image Registry Not Found", text(
		fmt.Sprintf("Looked for the Managed Image Registry of the RIME platform at %s, and there is none.", err.Endpoint),
		answerOf(err.Err),
		"Check that `endpoint` is the platform's own web address. If it is, ask those who run the platform to enable the registry (rime.imageRegistryServer.enabled in its Helm chart); "+
			"cloud deployments of RIME do not support managed images.",
		facts(fact{"Managed image", name}, fact{"HTTP status", httpStatus(err)}),
	))
}

// keyRefusedAgain describes a refusal of an API key that another error of the run describes in full.
func keyRefusedAgain(op Operation, name string, err error) (diag.Diagnostic, bool) {
	answer, ok := errors.AsType[*rime.APIError](err)
	if !ok || !answer.ToldBefore() {
		return nil, false
	}
	return diag.NewErrorDiagnostic(op.summary, text(
		fmt.Sprintf("Tried to %s managed image %q. The platform refused the API key here too: another error of this run says what to do.", op.verb, name),
	)), true
}

// answerOf quotes the other side.
func answerOf(err error) string { return "The answer was:\n" + err.Error() }

// adviceForPlatform is the next step for an answer of a RIME platform that is not particular to managed images. Empty where the general advice is right.
func adviceForPlatform(op Operation, err error) string {
	answer, ok := errors.AsType[*rime.APIError](err)
	switch {
	case !ok:
		return ""
	case answer.StatusCode == http.StatusUnauthorized:
		return "Make a new token in the platform's Settings under API Access Tokens, and give it in `api_key` or RIME_API_KEY: the one at hand is wrong or has expired (tokens last 270 days)."
	case answer.StatusCode == http.StatusForbidden && op == CreateImage:
		return "Use the `api_key` of a user who may create images: a Workspace Viewer may not."
	case answer.StatusCode == http.StatusForbidden:
		return "Use the `api_key` of a user who has the right to do this."
	case answer.StatusCode == http.StatusBadRequest:
		return "Correct what the answer names and apply again."
	case answer.StatusCode == http.StatusTooManyRequests:
		return adviceForStatus(http.StatusTooManyRequests)
	case answer.StatusCode >= http.StatusInternalServerError:
		return "Apply again; if it happens regularly, ask those who run the platform."
	case answer.HTML:
		return "Check `endpoint` and RIME_ENDPOINT: it has to be the platform's own web address, without a path, and no login page or proxy may answer in its place."
	case answer.Broken:
		return "Apply again; if it happens regularly, check whether a proxy in between changes answers."
	case answer.StatusCode >= http.StatusMultipleChoices:
		return "Check that `endpoint` is the platform's own web address, with https where it has TLS, and that no login page or proxy answers in its place."
	}
	return ""
}

// BuildNotRead describes an error of reading a build by its id.
func BuildNotRead(id string, err error) diag.Diagnostic {
	if d, ok := fromConfiguration(err); ok {
		return d
	}
	return diag.NewErrorDiagnostic(readBuild.summary, text(
		fmt.Sprintf("Tried to read build %q.", id),
		answerOf(err),
		adviceForBuild(err),
		facts(fact{"Build", id}, fact{"HTTP status", httpStatus(err)}),
	))
}

func adviceForBuild(err error) string {
	if _, other := errors.AsType[*rime.NotABuildError](err); other {
		return "Give the id of a job that builds an image."
	}
	return advice(readBuild, err)
}

// readBuild is reading a build by itself.
var readBuild = Operation{"Unable to Read Image Build", "read"}

// BuildNotFound describes a build that was asked for by its id and is not there.
func BuildNotFound(id string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("id"), "Image Build Not Found", text(
		fmt.Sprintf("Looked for build %q, and the registry confirmed that it has none of that id.", id),
		"Correct the id. A registry may keep a build only for some time after its end.",
		facts(fact{"Build", id}),
	))
}

// deleteAdvice is for a key that may not delete: an image that is to go, or one that failed and is in the way of its repair.
func deleteAdvice(op Operation) string {
	if op == DeleteImage {
		return "Use the `api_key` of an Organization Administrator, or ask one to remove the image, then apply again. " +
			"An image that is only to be forgotten: set `deletion_policy = \"retain\"`, apply that, and destroy again, or use `terraform state rm`. " +
			"An image that is good, but marked as tainted: `terraform untaint`. " +
			"An image that is to change: with `name_prefix` instead of `name`, nothing has to be deleted first."
	}
	return "The last build of the image failed, and the platform can only build it again after it was deleted. Use the `api_key` of an Organization Administrator, or ask one to remove the image; " +
		"then apply again. With `name_prefix`, a change of the requirements or of `triggers` makes another name, and needs nothing deleted."
}
