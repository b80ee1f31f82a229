package diags

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// logLines is how much of a build's log a diagnostic shows.
const logLines = 40

// buildFailed describes a build that ended badly, at the requirement that made it fail where that can be told.
func buildFailed(err *imageregistry.BuildFailedError) diag.Diagnostic {
	failure := imageregistry.BuildFailure{Message: err.Image.StatusReason}
	if err.Build.Failure != nil {
		failure = *err.Build.Failure
	}
	sentence := fmt.Sprintf("Building managed image %q did not succeed", err.Image.Name)
	if failure.Step != "" {
		sentence += fmt.Sprintf(", in the step %q", failure.Step)
	}
	attribute := requirementAttribute(failure, err.Image.PackageRequirements)
	if attribute != "" {
		sentence += fmt.Sprintf(", because of %s[%q]", attribute, failure.Requirement)
	}
	said := ""
	if failure.Message != "" {
		said = "The builder said:\n" + failure.Message
	}
	const summary = "Managed Image Build Failed"
	detail := text(
		sentence+".",
		said,
		cmp.Or(err.Build.Hint, adviceForClass(failure.Class)),
		facts(
			fact{"Managed image", err.Image.Name},
			fact{"Build", err.Build.ID},
			fact{"Build status", string(err.Build.Status)},
			fact{"Class", string(failure.Class)},
			fact{"Whole log", wholeLog(err.Build)},
		),
		logTail(failure.LogTail, failure.Message),
	)
	if attribute == "" {
		return diag.NewErrorDiagnostic(summary, detail)
	}
	return diag.NewAttributeErrorDiagnostic(path.Root(attribute), summary, detail)
}

// wholeLog says how to read the whole log. Its address is signed for whoever asks, so it is a secret.
func wholeLog(build imageregistry.Build) string {
	if build.LogsURL == "" {
		return ""
	}
	return fmt.Sprintf("ask the platform with the API key for GET /v1/jobs/%s, view=JOB_VIEW_FULL; archivedJobLogs has a signed address", build.ID)
}

// requirementAttribute is the attribute that holds the requirement at fault. Empty where that cannot be told. An image has packages of one kind.
func requirementAttribute(failure imageregistry.BuildFailure, packages []requirement.Package) string {
	switch {
	case failure.Requirement == "":
		return ""
	case failure.RequirementKind == "pip":
		return "pip_requirements"
	case failure.RequirementKind == "package" && len(packages) > 0:
		return string(packages[0].Type) + "_packages"
	default:
		return ""
	}
}

// logTail shows the end of the log, where it says more than the message that was quoted already.
func logTail(lines []string, said string) string {
	if len(lines) == 0 || strings.TrimSpace(strings.Join(lines, " ")) == strings.TrimSpace(said) {
		return ""
	}
	lines = lines[max(0, len(lines)-logLines):]
	return "Last lines of the log:\n  " + strings.Join(lines, "\n  ")
}

// adviceForClass says what a user can do about a build that failed for that reason.
func adviceForClass(class imageregistry.FailureClass) string {
	switch class {
	case imageregistry.FailureUserInput:
		return "Correct the requirements: check the spelling, that such a version exists for this Python version or distribution, and that no two of them exclude each other."
	case imageregistry.FailureNetwork:
		return "Check that the builder, not this machine, reaches the package index (`pip.index_url`), trusts its certificate (`http.ca_file`) and has the right credentials for it, then apply again."
	case imageregistry.FailureIntegrity:
		return "Somebody has replaced or removed the file since it was locked. Find out who and why. Then plan again, with a changed value in `triggers` if the plan has nothing to do: it takes what is there now."
	case imageregistry.FailureBaseImage:
		return "Check `base_images` of the provider: the builder must be able to pull the image, and it must have this Python version and pip."
	case imageregistry.FailureOutOfMemory:
		return "Give the builder more memory, or lower `max_parallel_builds` of the provider, then apply again."
	case imageregistry.FailureOutOfDisk:
		return "Free disk space on the builder, for example with `buildctl prune`, then apply again."
	case imageregistry.FailurePush:
		return "The image was built but not published: check that the credentials may push to the repository, then apply again; what was built is cached."
	case imageregistry.FailureCancelled:
		return "Somebody stopped the build. Apply again to build anew."
	case imageregistry.FailureAbandoned:
		return "The process that ran the build died. Apply again to build anew."
	case imageregistry.FailureDeadline:
		return "The builder ended the build because it took too long. Ask for fewer packages, or for versions that need not be compiled, then apply again."
	case imageregistry.FailurePlatform:
		return "The fault is in the builder, not in the requirements: check that the BuildKit daemon runs at the address the provider has (`buildkit.address` or BUILDKIT_HOST), look at the daemon's own log, then apply again."
	default:
		return "Apply again; if it fails again, look at the whole log of the build."
	}
}

// ErrNotOurs is a build that is left alone because this apply did not start it.
var ErrNotOurs = fmt.Errorf("it was started elsewhere: %w", imageregistry.ErrCannotCancel)

// Unfinished is a wait for a build that ended before the build did.
type Unfinished struct {
	Name    string
	BuildID string
	// Cause is why the wait ended: a [TimeoutError] when time was up, else an interrupt.
	Cause error
	// Wait is what the wait returned; it says what was seen last.
	Wait error
	// Cancel is what cancelling the build returned: nil when the build has ended.
	Cancel error
	// Hint is what the registry knows about why the build has not ended. Empty when nothing.
	Hint string
	// Creating tells that Terraform would destroy the image after an error.
	Creating bool
}

// Diagnostic describes it: an error, except for a create whose build goes on because nobody may or can cancel it. The next apply waits for that.
func (u Unfinished) Diagnostic() diag.Diagnostic {
	cut := cutShortBy(u.Cause, "Managed Image", "managed image", u.Name, "Apply again to finish the job.")
	block := facts(fact{"Managed image", u.Name}, fact{"Build", u.BuildID}, fact{"Last seen", u.Wait.Error()})
	switch {
	case u.Cancel == nil:
		return diag.NewErrorDiagnostic(cut.summary, text(cut.what+" The build was cancelled and has ended.", u.Hint, cut.next, block))
	case errors.Is(u.Cancel, ErrNotOurs):
		return u.goesOn(cut, notOurs, u.Hint, block)
	case errors.Is(u.Cancel, imageregistry.ErrCannotCancel):
		return u.goesOn(cut, "The build could not be cancelled", text(cancelAnswer(u.Cancel), u.Hint), block)
	default:
		return diag.NewErrorDiagnostic(cut.summary,
			text(cut.what+" Cancelling the build failed too, so it may go on.", "The answer was:\n"+u.Cancel.Error(), u.Hint, cut.next, block))
	}
}

// goesOn describes a build that nobody cancelled, for this reason.
func (u Unfinished) goesOn(cut cutShort, reason, hint, block string) diag.Diagnostic {
	summary, what, next := cut.title+" Build Continues", cut.what+" "+reason+", so it goes on.", "Apply again to wait for its end."
	if u.Creating {
		return diag.NewWarningDiagnostic(summary, text(what, hint, next+" "+notUsableYet, block))
	}
	return diag.NewErrorDiagnostic(summary, text(what, hint, next, block))
}

// notUsableYet is what a create says that is not an error, although there is no image to use.
const notUsableYet = "Until then, `image_uri` and whatever else follows from the build may be null. " +
	"To keep Terraform from going on with such an image, give the resource a `postcondition` that `self.status == \"ready\"`."

// cancelAnswer quotes what else is known about why a build cannot be cancelled.
func cancelAnswer(err error) string {
	if err == imageregistry.ErrCannotCancel { //nolint:errorlint // the very error says nothing that has not been said
		return ""
	}
	return answerOf(err)
}

// BuildNotWatched warns of a build that goes on while the registry cannot be asked about it: the next apply waits for it.
func BuildNotWatched(name, buildID string, err error) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Managed Image Build Not Watched", text(
		fmt.Sprintf("Waiting for the build of managed image %q ended with an error. The build goes on.", name),
		answerOf(err),
		advice(ReadImage, err),
		"Apply again to wait for its end. "+notUsableYet,
		facts(fact{"Managed image", name}, fact{"Build", buildID}, fact{"HTTP status", httpStatus(err)}),
	))
}
