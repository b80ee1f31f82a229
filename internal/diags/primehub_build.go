package diags

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// primehubBuild describes a build that did not end well.
func primehubBuild(op PrimeHubOperation, name string, err error) diag.Diagnostic {
	var (
		failed     *primehub.BuildFailedError
		cancelled  *primehub.BuildCancelledError
		superseded *primehub.BuildSupersededError
		stuck      *primehub.BuildUnfinishedError
		lost       *primehub.LostWriteError
		unexpected *primehub.UnexpectedImageError
		notBuilt   *primehub.NotBuiltError
	)
	block := facts(fact{op.noun, name})
	switch {
	case errors.Is(err, primehub.ErrNotFound):
		return nil // whatever was waited for
	case errors.As(err, &superseded):
		return primehubSuperseded(op, superseded)
	case errors.As(err, &failed):
		return primehubBuildFailed(failed)
	case errors.As(err, &cancelled):
		return diag.NewErrorDiagnostic("PrimeHub Image Build Cancelled", text(
			fmt.Sprintf("Waited for the build of PrimeHub image %q, but somebody cancelled it.", name), "Apply again to build anew.", block))
	case errors.As(err, &stuck):
		return primehubStuck(stuck)
	case errors.As(err, &lost):
		return diag.NewErrorDiagnostic("PrimeHub Request Was Lost", text(
			op.tried(name)+".", answerOf(err),
			"Apply again; if it happens again, ask those who run PrimeHub to look into the log of its graphql server.", block))
	case errors.As(err, &unexpected):
		return diag.NewErrorDiagnostic("PrimeHub Built Something Else", text(
			fmt.Sprintf("Waited for the build of PrimeHub image %q.", name), answerOf(err),
			"Apply again with another value in `triggers`; if it happens again, ask those who run PrimeHub to look into the log of the primehub-controller.",
			facts(fact{op.noun, name}, fact{"Address", unexpected.URL})))
	case errors.As(err, &notBuilt):
		return diag.NewErrorDiagnostic("PrimeHub Image Is Not Built", text(
			op.tried(name)+", but PrimeHub does not build that image: it was added with its address.",
			"Plan again: the new plan replaces the image.", block))
	}
	return nil
}

// primehubSuperseded describes a build that somebody else has replaced by another one, and how that ended.
func primehubSuperseded(op PrimeHubOperation, err *primehub.BuildSupersededError) diag.Diagnostic {
	outcome, answer, tainted := "The image can be used, but it is what that build made.", "", ""
	if err.Err != nil {
		outcome, answer, tainted = "That build did not end well.", answerOf(err.Err), op.tainted()
	}
	what := fmt.Sprintf("Waited for the build of PrimeHub image %q, but somebody has had it built from something else at %s. %s",
		err.Name, err.At.UTC().Format(time.RFC3339), outcome)
	return diag.NewErrorDiagnostic("PrimeHub Image Build Replaced", text(
		what, answer, "Agree on who manages the image, then plan again: the plan shows what is different.", tainted,
		facts(fact{op.noun, err.Name}),
	))
}

// primehubBuildFailed describes a build that failed, at the list that has the package at fault where that can be told.
func primehubBuildFailed(err *primehub.BuildFailedError) diag.Diagnostic {
	what := fmt.Sprintf("Building PrimeHub image %q did not succeed", err.Name)
	if err.Step != "" {
		what += fmt.Sprintf(", in the step %q", err.Step)
	}
	if err.Package != "" {
		what += fmt.Sprintf(", because of the %s package %q", err.Installer, err.Package)
	}
	said := ""
	if err.Message != "" {
		said = "The builder said:\n" + err.Message
	}
	next := err.Hint
	if next == "" {
		next = "Correct what the log names, then apply again."
	}
	unread := ""
	if err.LogErr != nil {
		unread = "The log of the build could not be read:\n" + err.LogErr.Error()
	}
	const summary = "PrimeHub Image Build Failed"
	detail := text(what+".", said, next,
		facts(fact{"PrimeHub image", err.Name}, fact{"Step", string(err.Step)}, fact{"Installer", err.Installer}, fact{"Package", err.Package}),
		unread, logTail(err.LogTail, ""))
	if err.Package == "" || err.Installer == "" {
		return diag.NewErrorDiagnostic(summary, detail)
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("build").AtName(err.Installer+"_packages"), summary, detail)
}

// primehubStuck describes a build that will never come to an end by itself.
func primehubStuck(err *primehub.BuildUnfinishedError) diag.Diagnostic {
	summary := "PrimeHub Image Build Does Not Begin"
	detail := text(sentence(err.Error()), err.Hint, facts(fact{"PrimeHub image", err.Name}, fact{"Phase", seen(err.Phase)}, fact{"Pull secret", err.MissingSecret}))
	if err.MissingSecret == "" {
		return diag.NewErrorDiagnostic(summary, detail)
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("build").AtName("image_pull_secret"), summary, detail)
}

// seen is a phase in words.
func seen(phase primehub.Phase) string {
	if phase == primehub.PhaseWaiting {
		return "none yet"
	}
	return string(phase)
}

// ErrBuildNotOurs is a build on a PrimeHub platform that is left alone because this apply did not start it.
var ErrBuildNotOurs = errors.New("it was not started by this apply")

// UnfinishedPrimeHubBuild is a wait for a build that ended before the build did.
type UnfinishedPrimeHubBuild struct {
	Name string
	// Cause is why the wait ended: a [TimeoutError] when time was up, else an interrupt.
	Cause error
	// Wait is what the wait returned; it may be a [*primehub.BuildUnfinishedError] that knows what hangs.
	Wait error
	// Cancel is what cancelling the build returned: nil when the platform has taken it, [ErrBuildNotOurs] when it was not tried.
	Cancel error
	// Created tells that the image was just created, so that Terraform replaces it after an error.
	Created bool
}

// Diagnostic describes it. It is an error even where the build goes on: the image is not what was planned yet.
func (u UnfinishedPrimeHubBuild) Diagnostic() diag.Diagnostic {
	cut := cutShortBy(u.Cause, "PrimeHub Image", "PrimeHub image", u.Name, "Apply again to build anew.")
	phase, hint, next := "", "", "Apply again: a build that still runs is waited for."
	if stuck, ok := errors.AsType[*primehub.BuildUnfinishedError](u.Wait); ok {
		phase, hint = seen(stuck.Phase), stuck.Hint
	}
	if u.Created {
		next = AwaitGroupImage.tainted()
	}
	block := facts(fact{"PrimeHub image", u.Name}, fact{"Last phase", phase})
	switch {
	case u.Cancel == nil:
		return diag.NewErrorDiagnostic(cut.summary, text(cut.what+" The build was cancelled.", hint, cut.next, block))
	case errors.Is(u.Cancel, ErrBuildNotOurs):
		return diag.NewErrorDiagnostic(cut.title+" Build Continues",
			text(cut.what+" "+notOurs+", so it goes on.", hint, next, block))
	default:
		return diag.NewErrorDiagnostic(cut.summary, text(cut.what+" Cancelling the build failed too, so it may go on.",
			answerOf(u.Cancel), hint, next, block))
	}
}
