package rime

import (
	"regexp"
	"strings"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// The deadline of a builder job is one hour (CONTRACT §6.2). Kubernetes notices it a little late, and its clock is not the platform's.
const (
	deadline      = time.Hour
	deadlineEarly = 10 * time.Second
	deadlineLate  = 5 * time.Minute
)

// Why a job ended, as platforms before 2.0 tell it (CONTRACT §3.7).
const (
	reasonOutOfMemory = "oomkilled"
	reasonGeneric     = "generic_error"
	reasonInternal    = "internal_error"
)

// A symptom is what a line of an error text gives away. The text is free, and newer platforms give nothing else.
type symptom struct {
	pattern *regexp.Regexp
	class   imageregistry.FailureClass
	// kind is that of the requirement which the first group of the pattern names.
	kind string
}

// symptoms are looked for in this order: pip and dnf first, as what they say is never about something else.
var symptoms = []symptom{
	{regexp.MustCompile(`(?i)no matching distribution found for ([A-Za-z0-9._-]+)`), imageregistry.FailureUserInput, "pip"},
	{regexp.MustCompile(`(?i)could not find a version that satisfies the requirement ([A-Za-z0-9._-]+)`), imageregistry.FailureUserInput, "pip"},
	{regexp.MustCompile(`(?i)\bResolutionImpossible\b|conflicting dependencies`), imageregistry.FailureUserInput, ""},
	{regexp.MustCompile(`(?i)unable to find a match: ([A-Za-z0-9._+-]+)`), imageregistry.FailureUserInput, "package"},
	{regexp.MustCompile(`(?i)no package ([A-Za-z0-9._+-]+) available`), imageregistry.FailureUserInput, "package"},
	{regexp.MustCompile(`(?i)unable to locate package ([A-Za-z0-9.+-]+)`), imageregistry.FailureUserInput, "package"},
	{regexp.MustCompile(`(?i)\bOOMKilled\b|out of memory`), imageregistry.FailureOutOfMemory, ""},
	{regexp.MustCompile(`(?i)\bErrImagePull\b|\bImagePullBackOff\b`), imageregistry.FailureBaseImage, ""},
	{regexp.MustCompile(`(?i)\bDeadlineExceeded\b|active longer than specified deadline`), imageregistry.FailureDeadline, ""},
	{regexp.MustCompile(`(?i)no space left on device`), imageregistry.FailureOutOfDisk, ""},
	{regexp.MustCompile(`(?i)\bAssumeRoleWithWebIdentity\b`), imageregistry.FailurePlatform, ""},
}

// diagnose says why a build failed, from all that the platform tells: a reason, a text, or only how long it took.
func diagnose(build imageregistry.Build, reason, text string) *imageregistry.BuildFailure {
	failure := &imageregistry.BuildFailure{Message: httpx.OneLine(text)}
	if lines := strings.Split(strings.TrimSpace(text), "\n"); len(lines) > 1 {
		for _, line := range lines {
			failure.LogTail = append(failure.LogTail, httpx.OneLine(line))
		}
	}
	if failure.Message == "" && reason != unspecified {
		failure.Message = "the platform gives no other reason than " + strings.ToUpper(reason)
	}
	switch {
	case build.Status == imageregistry.BuildCancelled:
		failure.Class = imageregistry.FailureCancelled
	case reason == reasonOutOfMemory:
		failure.Class = imageregistry.FailureOutOfMemory
	case recognise(failure, text):
	case outOfTime(build):
		failure.Class = imageregistry.FailureDeadline
	case build.StartedAt.IsZero() && build.RunningTime == 0 && !build.CreatedAt.IsZero():
		failure.Class = imageregistry.FailurePlatform // It never ran, so no requirement can be at fault.
	case reason == reasonGeneric:
		failure.Class = imageregistry.FailureUserInput
	case reason == reasonInternal:
		failure.Class = imageregistry.FailurePlatform
	}
	return failure
}

// recognise looks for symptoms in the text and tells whether there was one.
func recognise(failure *imageregistry.BuildFailure, text string) bool {
	for _, s := range symptoms {
		found := s.pattern.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		failure.Class = s.class
		if s.kind != "" {
			failure.Requirement, failure.RequirementKind = strings.TrimRight(found[1], "."), s.kind
		}
		return true
	}
	return false
}

// outOfTime tells whether a build that failed did so at the deadline. When Kubernetes began to count is not told: it is between creation and start.
func outOfTime(build imageregistry.Build) bool {
	end := build.CompletedAt
	if end.IsZero() && !build.StartedAt.IsZero() {
		end = build.StartedAt.Add(build.RunningTime) // platforms before 2.0 do not tell the end itself
	}
	since := func(begin time.Time) bool {
		took := end.Sub(begin)
		return !begin.IsZero() && took >= deadline-deadlineEarly && took <= deadline+deadlineLate
	}
	return since(build.StartedAt) || since(build.CreatedAt)
}

// remedy is what to do on a RIME platform about a build that failed for that reason. Empty where the general advice is right.
func remedy(class imageregistry.FailureClass) string {
	switch class {
	case imageregistry.FailureOutOfMemory:
		return "Ask those who run the platform to give its image builder more memory (the limit is 16 GiB by default, in rime.imageRegistryServer.imageRegistryJob of the Helm chart), " +
			"or ask for fewer or smaller packages, then apply again."
	case imageregistry.FailureOutOfDisk:
		return "Ask those who run the platform to give the nodes of its image builder more disk space, then apply again."
	case imageregistry.FailureDeadline:
		return "The platform ends a build after one hour. If the build never got to run, its source image could not be pulled: ask those who run the platform. " +
			"Otherwise ask for fewer packages, or for versions that pip need not compile, then apply again."
	case imageregistry.FailureBaseImage:
		return "Ask those who run the platform to make its source image available to the image builder (pull secret, way to the registry), then apply again."
	case imageregistry.FailurePlatform:
		return "The fault is in the platform, not in the requirements. Common causes: its source image cannot be pulled; no node has room for the builder; a service account cannot take its " +
			"IAM role, because the Helm release is not named as the role's trust policy expects (rime-<namespace>). Ask those who run the platform for the log of the job, which Kubernetes " +
			"keeps for 48 hours, then apply again."
	case "":
		return "Look at the whole log of the build where there is one; otherwise ask those who run the platform for the log of the job, which Kubernetes keeps for 48 hours. Then apply again."
	default:
		return ""
	}
}
