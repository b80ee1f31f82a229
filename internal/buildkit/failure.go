package buildkit

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"syscall"

	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// Error is a build that did not succeed.
type Error struct {
	// Failure says whose fault it was, in words for the user, without secrets.
	Failure imageregistry.BuildFailure
	// Err is the cause as it came, for errors.Is and errors.As. Its text may be long and is not for users.
	Err error
}

// Error implements error. It repeats nothing that Failure does not say: the text of Err has not been searched for secrets.
func (e *Error) Error() string {
	if e.Failure.Step == "" {
		return e.Failure.Message
	}
	return e.Failure.Step + ": " + e.Failure.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// cancelled is the error of a build whose context ended.
func cancelled(ctx context.Context, step string) *Error {
	cause := context.Cause(ctx)
	return &Error{
		Failure: imageregistry.BuildFailure{Class: imageregistry.FailureCancelled, Step: step, Message: cause.Error()},
		Err:     cause,
	}
}

// evidence is everything that is known about a failed solve.
type evidence struct {
	request  Request
	err      error    // what the daemon or our frontend returned
	message  string   // its text in one line, without secrets that are known
	step     string   // the step that failed. Empty when unknown.
	lines    []string // the last lines of that step's log, or of all steps
	exitCode uint32   // of the step's process. Zero when it did not come to that.
	exported bool     // the image was built; its export failed
}

// finding is what an analysis concluded. A zero class means that it came to no conclusion.
type finding struct {
	class       imageregistry.FailureClass
	message     string // empty leaves the builder's own
	requirement string // as it was asked for
	kind        string // "pip" or "package"
}

// explain turns a failed solve into an Error.
func explain(ctx context.Context, err error, exported bool, log *buildLog, req Request) *Error {
	e := evidence{request: req, err: err, message: log.redactor.hide(builderWords(err)), exported: exported}
	if vertex, ok := errors.AsType[*errdefs.VertexError](err); ok {
		e.step, e.lines = log.failed(vertex.Digest)
	} else {
		e.step, e.lines = log.failed("")
	}
	if exit, ok := errors.AsType[*gatewaypb.ExitError](err); ok {
		e.exitCode = exit.ExitCode
	}
	if ctx.Err() != nil {
		failed := cancelled(ctx, e.step)
		failed.Failure.LogTail = shown(e.lines)
		return failed
	}
	f := e.judge()
	return &Error{
		Failure: imageregistry.BuildFailure{
			Class:           f.class,
			Step:            e.stepName(),
			Requirement:     f.requirement,
			RequirementKind: f.kind,
			Message:         shorten(redact.Text(f.message), 0),
			LogTail:         shown(e.lines),
		},
		Err: err,
	}
}

// shown are the lines as anybody may see them.
func shown(lines []string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, redact.Text(line))
	}
	return all
}

// builderWords is an error's text without the layers that BuildKit's client wraps around it.
func builderWords(err error) string {
	text := oneLine(err.Error())
	for _, wrapper := range []string{"failed to solve: ", "failed to run Build function: ", "rpc error: code = Unknown desc = "} {
		text = strings.TrimPrefix(text, wrapper)
	}
	return text
}

// stepName is the step in words; errors that come with no step tell by their kind where they belong.
func (e evidence) stepName() string {
	var base *baseError
	switch {
	case errors.As(e.err, &base):
		return stepPull
	case e.step == "" && e.exported:
		return stepPush
	}
	return e.step
}

// judge tries the analyses from the most to the least specific.
func (e evidence) judge() finding {
	f := finding{class: imageregistry.FailurePlatform}
	for _, analyse := range []func(evidence) finding{analysePlatform, analyseResources, analyseStep} {
		if found := analyse(e); found.class != "" {
			f = found
			break
		}
	}
	if f.message == "" {
		f.message = e.message
	}
	return f
}

// analysePlatform finds builders that are broken, gone or of the wrong kind.
func analysePlatform(e evidence) finding {
	var platform *platformError
	switch {
	case errors.As(e.err, &platform):
		return finding{class: imageregistry.FailurePlatform, message: platform.Error()}
	case grpcerrors.Code(e.err) == codes.Unavailable && connectionLost.MatchString(e.message):
		return finding{class: imageregistry.FailurePlatform, message: "the connection to the BuildKit daemon was lost: " + e.message}
	}
	if line, ok := e.find(otherProcessor); ok && e.step == stepProbe {
		return finding{class: imageregistry.FailurePlatform, message: "the BuildKit daemon cannot run programs of the base image's platform: " + line}
	}
	return finding{}
}

var (
	connectionLost = regexp.MustCompile(`error reading from server|transport is closing|client connection is closing|connection error: desc`) // gRPC's words
	otherProcessor = regexp.MustCompile(`exec format error`)
	noShell        = regexp.MustCompile(`exec:? "?/bin/sh`)
	diskFull       = regexp.MustCompile(`(?i)no space left on device|disk quota exceeded|enough free space|more space needed on the`)
	memoryFull     = regexp.MustCompile(`(?i)\bMemoryError\b|cannot allocate memory|out of memory|virtual memory exhausted|Killed signal terminated program|\(program cc1(plus)?\)|^Killed$|signal: killed|died with <Signals\.SIGKILL`)
)

// killed is the exit code of a process that was ended with SIGKILL, which outside of a cancellation is the kernel's doing.
const killed = 128 + uint32(syscall.SIGKILL)

// analyseResources finds builders that ran out of something.
func analyseResources(e evidence) finding {
	if line, ok := e.find(diskFull); ok {
		return finding{class: imageregistry.FailureOutOfDisk, message: "the builder's disk is full: " + line}
	}
	if line, ok := e.find(memoryFull); ok {
		return finding{class: imageregistry.FailureOutOfMemory, message: "the builder ran out of memory: " + line}
	}
	if e.exitCode == killed || errors.Is(e.err, syscall.ENOMEM) {
		return finding{class: imageregistry.FailureOutOfMemory, message: "the step was killed, as the system does when memory runs out"}
	}
	return finding{}
}

// find looks in the error and then in the log, from the end, for a line that matches.
func (e evidence) find(pattern *regexp.Regexp) (string, bool) {
	if pattern.MatchString(e.message) {
		return e.message, true
	}
	return lastMatch(e.lines, pattern)
}

// analyseStep judges by what the step was to do.
func analyseStep(e evidence) finding {
	var base *baseError
	switch {
	case errors.As(e.err, &base), e.step == stepPull:
		return finding{class: imageregistry.FailureBaseImage}
	case e.exported:
		return analysePush(e)
	}
	if verdict, ok := lastMatch(e.lines, regexp.MustCompile(`^rime: `)); ok && e.exitCode == baseVerdict {
		return finding{class: imageregistry.FailureBaseImage, message: strings.TrimPrefix(verdict, "rime: ")}
	}
	switch e.step {
	case stepProbe:
		return analyseProbe(e)
	case stepSystem:
		return analysePackages(e)
	case stepPip:
		return analysePip(e)
	}
	return finding{}
}

// baseVerdict is the exit code by which our scripts say that the base image does not fit.
const baseVerdict = 69

// analyseProbe finds base images without a shell to run the probe with.
func analyseProbe(e evidence) finding {
	f := finding{class: imageregistry.FailureBaseImage}
	if line, ok := e.find(noShell); ok {
		f.message = "the base image cannot run /bin/sh: " + line
	}
	return f
}

// How a refused push reads. BuildKit gives the registry's own error code and words where there were some, and the HTTP
// status only where there were none.
var (
	pushErrorCode   = regexp.MustCompile(`failed to push \S+: ([a-z ]+): `)
	pushHTTPStatus  = regexp.MustCompile(`unexpected status.*?: (\d{3})\b`)
	rateExceeded    = regexp.MustCompile(`(?i)rate exceeded|rate limit|too ?many ?requests`) // under any code
	tokenExpired    = regexp.MustCompile(`(?i)authorization token has expired`)              // ECR's words
	nameUnknown     = regexp.MustCompile(`(?i)no such repository|repository .*(?:does not exist|not found)|repository name not known`)
	pushTranslation = map[string]string{"unauthorized": unauthorized, "401": unauthorized, "denied": denied, "403": denied, "404": noRepository}
)

// The beginnings of messages about refused pushes.
const (
	tooManyRequests = "the registry asks for fewer requests"
	expired         = "the credentials expired during the push"
	unauthorized    = "the registry wants other credentials"
	denied          = "the credentials may not push to this repository"
	noRepository    = "the registry has no such repository, and makes none on a push"
)

// analysePush says what a registry's answer means.
func analysePush(e evidence) finding {
	meaning := ""
	switch {
	case rateExceeded.MatchString(e.message):
		meaning = tooManyRequests
	case tokenExpired.MatchString(e.message):
		meaning = expired
	case nameUnknown.MatchString(e.message):
		meaning = noRepository
	default:
		for _, pattern := range []*regexp.Regexp{pushErrorCode, pushHTTPStatus} {
			if match := pattern.FindStringSubmatch(e.message); match != nil && meaning == "" {
				meaning = pushTranslation[match[1]]
			}
		}
	}
	if meaning == "" {
		return finding{class: imageregistry.FailurePush}
	}
	return finding{class: imageregistry.FailurePush, message: meaning + ": " + e.message}
}

// passing tells whether a push failed for a reason that another attempt need not meet, and which: the registry was asked too often, or the push took longer than the
// credentials lived; what it brought there stays there.
func passing(err error) (reason string, ok bool) {
	failed, ok := errors.AsType[*Error](err)
	if !ok || failed.Failure.Class != imageregistry.FailurePush {
		return "", false
	}
	for _, reason := range []string{tooManyRequests, expired} {
		if strings.HasPrefix(failed.Failure.Message, reason) {
			return reason, true
		}
	}
	return "", false
}

// lastMatch returns the last line that matches.
func lastMatch(lines []string, pattern *regexp.Regexp) (string, bool) {
	for _, line := range slices.Backward(lines) {
		if pattern.MatchString(line) {
			return strings.TrimSpace(line), true
		}
	}
	return "", false
}
