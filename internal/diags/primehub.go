package diags

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// PrimeHubOperation is what the provider was doing on a PrimeHub platform when an error came up.
type PrimeHubOperation struct{ summary, verb, noun string }

// The operations on a PrimeHub platform.
var (
	ReadGroupImage   = PrimeHubOperation{"Unable to Read PrimeHub Image", "read", "PrimeHub image"}
	CreateGroupImage = PrimeHubOperation{"Unable to Create PrimeHub Image", "create", "PrimeHub image"}
	// AwaitGroupImage is the wait of a create for the build of an image that is in the state already.
	AwaitGroupImage = PrimeHubOperation{"PrimeHub Image Is Not Built Yet", "watch the build of", "PrimeHub image"}
	// FinishGroupImage is what is left of a create once the image is in the state, but its build.
	FinishGroupImage = PrimeHubOperation{"PrimeHub Image Is Not Finished", "finish", "PrimeHub image"}
	UpdateGroupImage = PrimeHubOperation{"Unable to Update PrimeHub Image", "update", "PrimeHub image"}
	DeleteGroupImage = PrimeHubOperation{"Unable to Delete PrimeHub Image", "delete", "PrimeHub image"}
	ListGroupImages  = PrimeHubOperation{"Unable to List PrimeHub Images", "list", "PrimeHub images"}
	ReadGroup        = PrimeHubOperation{"Unable to Read PrimeHub Group", "look up", "PrimeHub group"}
	ListSecrets      = PrimeHubOperation{"Unable to List PrimeHub Image Pull Secrets", "list", "PrimeHub image pull secrets"}
)

// tried is the sentence that says what was tried.
func (o PrimeHubOperation) tried(name string) string {
	if name == "" {
		return fmt.Sprintf("Tried to %s %s", o.verb, o.noun)
	}
	if o == FinishGroupImage || o == AwaitGroupImage {
		return fmt.Sprintf("Tried to %s %s %q, which was created and is in the state", o.verb, o.noun, name)
	}
	return fmt.Sprintf("Tried to %s %s %q", o.verb, o.noun, name)
}

// FromPrimeHub describes an error of an operation on what has that name. The name is empty for lists.
func FromPrimeHub(op PrimeHubOperation, name string, err error) diag.Diagnostic {
	for _, describe := range []func(PrimeHubOperation, string, error) diag.Diagnostic{
		primehubConfiguration, primehubBuild, primehubDebris, primehubRefused,
	} {
		if d := describe(op, name, err); d != nil {
			return d
		}
	}
	return diag.NewErrorDiagnostic(op.summary, text(
		op.tried(name)+".",
		answerOf(err),
		primehubAdvice(op, err),
		op.tainted(),
		primehubFacts(op, name, err),
	))
}

// tainted says what Terraform makes of an error after a create, and how to keep the image. Empty where it makes nothing of it.
func (o PrimeHubOperation) tainted() string {
	if o != AwaitGroupImage {
		return ""
	}
	return "Terraform marks the new image as tainted: the next apply replaces it. To keep it, run `terraform untaint` with the address of " +
		"the resource first; then the next apply waits for a build that still runs, or builds the image."
}

// primehubFacts close a detail.
func primehubFacts(op PrimeHubOperation, name string, err error) string {
	status, code := "", ""
	if answer, ok := errors.AsType[*primehub.APIError](err); ok {
		code = answer.Code
		if answer.StatusCode != 0 {
			status = strings.TrimSpace(fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode)))
		}
	}
	subject := fact{}
	if name != "" {
		subject = fact{op.noun, name}
	}
	return facts(subject, fact{"HTTP status", status}, fact{"Code", code})
}

// primehubRefused describes what the platform, or the client for it, said no to.
func primehubRefused(op PrimeHubOperation, name string, err error) diag.Diagnostic {
	if missing, ok := errors.AsType[*primehub.GroupNotFoundError](err); ok {
		at := path.Root("group")
		if op == ReadGroup {
			at = path.Root("name")
		}
		return GroupNotFound(at, missing)
	}
	if refused, ok := errors.AsType[*primehub.NameError](err); ok {
		return diag.NewAttributeErrorDiagnostic(path.Root("name"), "Invalid PrimeHub Image Name", text(sentence(refused.Error())))
	}
	switch {
	case primehub.TokenRefused(err):
		return diag.NewErrorDiagnostic("PrimeHub API Token Not Accepted", text(
			op.tried(name)+".", answerOf(err), primehubAdvice(op, err), op.tainted(), facts(fact{op.noun, name})))
	case errors.Is(err, primehub.ErrAlreadyExists):
		return diag.NewAttributeErrorDiagnostic(path.Root("name"), "PrimeHub Image Already Exists", text(
			op.tried(name)+", but the platform has an image of that name that this state does not know.",
			"Choose another name, leave `name` out to have one generated, or import the image with the command\n"+
				fmt.Sprintf("  terraform import rime_group_image.NAME %s\n", name)+
				"or with the block\n"+
				"  import {\n    to = rime_group_image.NAME\n"+fmt.Sprintf("    id = %q\n  }", name),
			"With `create_before_destroy`, an image that keeps its name cannot be replaced: leave `name` out.",
			facts(fact{op.noun, name}),
		))
	case errors.Is(err, primehub.ErrNotFound):
		return diag.NewErrorDiagnostic("PrimeHub Image Is Gone", text(
			op.tried(name)+", but the platform confirmed that it has no such image any more.",
			"Plan again: the new plan creates it.",
			facts(fact{op.noun, name}),
		))
	}
	return nil
}

// maxGroupsShown is how many names of groups a message has.
const maxGroupsShown = 20

// GroupNotFound describes a group that is named at that attribute and that the caller does not see.
func GroupNotFound(at path.Path, err *primehub.GroupNotFoundError) diag.Diagnostic {
	groups := ""
	if len(err.Visible) > 0 {
		shown := err.Visible[:min(len(err.Visible), maxGroupsShown)]
		groups = "The groups are: " + strings.Join(shown, ", ")
		if !err.Admin {
			groups = "The API token's owner belongs to: " + strings.Join(shown, ", ")
		}
		if more := len(err.Visible) - len(shown); more > 0 {
			groups += fmt.Sprintf(", and %d more", more)
		}
		groups += "."
	}
	next := "Write the name of a group, not its display name; the data source `rime_group` reads one. " +
		"A group that this configuration makes itself comes from that data source, with `depends_on`."
	if !err.Admin {
		next += " Or use the API token of somebody who belongs to the group: only platform administrators see groups that they do not belong to."
	}
	return diag.NewAttributeErrorDiagnostic(at, "PrimeHub Group Not Found", text(
		fmt.Sprintf("Looked for PrimeHub group %q. Nothing was changed.", err.Name),
		sentence(err.Error()),
		groups,
		next,
		facts(fact{"PrimeHub group", err.Name}),
	))
}

// GroupImageNotFound describes an image that was asked for by name and is not there.
func GroupImageNotFound(name string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "PrimeHub Image Not Found", text(
		fmt.Sprintf("Looked for PrimeHub image %q, and the platform's list of images confirmed that there is none of that name.", name),
		"Correct the name: that of the image, not its display name. Or make this depend on the resource that creates the image.",
		facts(fact{"PrimeHub image", name}),
	))
}

// GroupImageTwice describes a name that two resources of one configuration give to a new image.
func GroupImageTwice(name string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), "PrimeHub Image Name Taken Twice", text(
		fmt.Sprintf("Two resources of this configuration have a PrimeHub image of the name %q. Names are unique in an installation, whatever the group.", name),
		"Give one of them another name, or leave `name` out to have one generated.",
		facts(fact{"PrimeHub image", name}),
	))
}

// OtherPlatform describes an import of an image of another platform than the provider speaks to.
func OtherPlatform(at path.Path, asked, endpoint string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Other PrimeHub Platform", text(
		fmt.Sprintf("The import asks for an image of the platform at %q, but this provider speaks to %q.", asked, endpoint),
		"Import it with a provider whose `primehub.endpoint` is that address, or write the name of the image alone.",
	))
}

// GroupImageNotRefreshed warns that a refresh left an image as the state has it.
func GroupImageNotRefreshed(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("PrimeHub Image Not Refreshed", text(
		fmt.Sprintf("PrimeHub image %q is shown as the state has it: where its platform is will be known only after an apply.", name),
		"Plan again after the apply to see whether it has changed.",
	))
}

// GroupImageAccess describes a group image that is given to others than its group. byDefault tells that the configuration of
// the image names no group, so that the provider's counts.
func GroupImageAccess(attribute, group string, byDefault bool) diag.Diagnostic {
	cause := fmt.Sprintf("`group` = %q", group)
	if byDefault {
		cause = fmt.Sprintf("the provider's group %q (`primehub.group`, PRIMEHUB_GROUP or ~/.primehub/config.json)", group)
	}
	return diag.NewAttributeErrorDiagnostic(path.Root(attribute), "Group Image Cannot Be Shared", text(
		fmt.Sprintf("%s lets others use the image, but %s makes it an image of that group, which only its members may use.", attribute, cause),
		fmt.Sprintf("Leave `%s` out, or make it a system image, which takes the API token of a platform administrator: `group = \"\"`.", attribute),
	))
}

// PullSecretByName describes an image pull secret that is given by its name where its id belongs.
func PullSecretByName(at path.Path, name, id string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Image Pull Secret Needs Its Id", text(
		fmt.Sprintf("PrimeHub has an image pull secret of the name %q, but images refer to it by its id, %q. With the name, no image would be pulled, and a build would wait for ever.", name, id),
		fmt.Sprintf("Write `image_pull_secret = %q`.", id),
		facts(fact{"Pull secret", name}, fact{"Id", id}),
	))
}

// primehubAdvice is the next step for an answer that is not particular to what was asked.
func primehubAdvice(op PrimeHubOperation, err error) string {
	if timeout, ok := errors.AsType[*TimeoutError](err); ok {
		return fmt.Sprintf("Apply again; set a longer `%s` if it happens regularly.", timeout.Setting)
	}
	if errors.Is(err, context.Canceled) {
		return "Apply again to finish the job."
	}
	answer, ok := errors.AsType[*primehub.APIError](err)
	if !ok {
		return "Correct what the answer names and apply again."
	}
	switch answer.Kind {
	case primehub.KindUnauthenticated:
		return "Request a new API token in PrimeHub's User Portal, under API Token, and give it in `primehub.api_token` of the provider or PRIMEHUB_API_TOKEN: " +
			"the one at hand is wrong, has expired, or was revoked, as every new one revokes the one before. Right after Keycloak has been restarted, waiting a minute may do."
	case primehub.KindForbidden:
		return adviceForForbidden(op)
	case primehub.KindInvalid:
		return "This PrimeHub does not know what was asked: its version or edition lacks that part of image management. Upgrade it, or ask those who run PrimeHub."
	case primehub.KindUnavailable:
		return "A part of the platform is down, Kubernetes' API or Keycloak; nothing was dropped from the state. Apply again later, or ask those who run PrimeHub."
	case primehub.KindKeycloak, primehub.KindNoRole, primehub.KindKubernetes, primehub.KindConflict, primehub.KindNotFound:
		return "Apply again; if it happens again, ask those who run PrimeHub to look into the log of its graphql server."
	case primehub.KindNotPrimeHub, primehub.KindWebPage:
		return "Check `primehub.endpoint` of the provider and PRIMEHUB_API_ENDPOINT: it has to be the address of PrimeHub's API, such as \"https://primehub.example.com/api/graphql\", " +
			"and no login page or proxy may answer in its place."
	case primehub.KindNoAnswer:
		return adviceForSilence(err)
	default:
		return "Apply again; if it happens regularly, check whether a proxy in between changes answers, and ask those who run PrimeHub."
	}
}

// adviceForForbidden says who may do it (internal/primehub/CONTRACT.md §1.5).
func adviceForForbidden(op PrimeHubOperation) string {
	switch op {
	case CreateGroupImage, AwaitGroupImage, FinishGroupImage, UpdateGroupImage, DeleteGroupImage:
		advice := "Use the API token of an administrator of the group, or, for a system image (one without `group`), of a platform administrator. " +
			"A group's administrators are named in PrimeHub's Admin Portal, under Groups."
		if op == DeleteGroupImage {
			advice += " If somebody has taken the image from its group, apply first: that gives it back, and then its administrators may destroy it."
		}
		return advice
	case ReadGroup:
		return "Use the API token of a platform administrator, or of somebody who belongs to the group."
	default:
		return "Use the API token of somebody who may do this."
	}
}

// adviceForSilence is the next step where there was no answer.
func adviceForSilence(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "Give the certificate authority that signed the server's certificate in `http.ca_file` of the provider."
	}
	if failed, ok := errors.AsType[net.Error](err); ok && failed.Timeout() {
		return "Apply again; set a longer `http.request_timeout` of the provider if it happens regularly."
	}
	return "Check that `primehub.endpoint` is right and can be reached from this machine."
}
