package rime

import (
	"fmt"
	"time"
)

// Failure is a way in which a build can fail.
type Failure string

// The failures of internal/rime/CONTRACT.md §7.3.
const (
	// Unresolvable is a pip requirement that has no solution.
	Unresolvable Failure = "unresolvable"
	// NotFound is a pip requirement, or a system package, that does not exist.
	NotFound Failure = "not_found"
	// OutOfMemory is a build that uses more memory than it may.
	OutOfMemory Failure = "out_of_memory"
	// Deadline is a build that runs until it is ended.
	Deadline Failure = "deadline"
	// AccessDenied is a builder that cloud's IAM does not let push, because the trust of the service accounts is not right.
	AccessDenied Failure = "access_denied"
	// StuckRequested is a build that never gets resources. It fails at the deadline.
	StuckRequested Failure = "stuck_requested"
	// StuckPending is a build whose source image cannot be pulled. It fails at the deadline.
	StuckPending Failure = "stuck_pending"
)

// Failures lists them all.
func Failures() []Failure {
	return []Failure{Unresolvable, NotFound, OutOfMemory, Deadline, AccessDenied, StuckRequested, StuckPending}
}

// DefaultFailures are the packages whose installation fails on every platform of this package, as pip requirements and as system packages.
func DefaultFailures() map[string]Failure {
	return map[string]Failure{
		"sandbox-unresolvable":    Unresolvable,
		"sandbox-not-found":       NotFound,
		"sandbox-out-of-memory":   OutOfMemory,
		"sandbox-deadline":        Deadline,
		"sandbox-access-denied":   AccessDenied,
		"sandbox-stuck-requested": StuckRequested,
		"sandbox-stuck-pending":   StuckPending,
	}
}

// defect is a failure that a build will meet, and the package that brings it about.
type defect struct {
	kind Failure
	// text is the requirement as pip or the package manager would name it; empty if there is none.
	text string
	// system tells a system package from a pip library.
	system bool
}

// defectOf finds the first package of an image whose installation fails. System packages are installed first.
func (p *Platform) defectOf(in inputs) *defect {
	for _, r := range in.packages {
		if kind, fails := p.failures[normalName(r.Name)]; fails {
			return &defect{kind, r.Name, true}
		}
	}
	for _, r := range in.pip {
		if kind, fails := p.failures[normalName(r.Name)]; fails {
			return &defect{kind, r.Name + r.VersionSpecifier, false}
		}
	}
	return nil
}

// reason is what a beta calls the end.
func (d *defect) reason() string {
	switch d.kind {
	case OutOfMemory:
		return reasonOutOfMemory
	case AccessDenied:
		return reasonInternal
	case Unresolvable, NotFound, Deadline, StuckRequested, StuckPending:
		return reasonGeneric
	}
	return reasonGeneric
}

// realDeadline is the deadline of the builder's job on a platform.
const realDeadline = time.Hour

// message is what the user is told.
func (d *defect) message() string {
	switch d.kind {
	case Unresolvable:
		return "Failed to build the image: pip could not resolve the requirements: ResolutionImpossible: cannot install " + d.text +
			" because these package versions have conflicting dependencies."
	case NotFound:
		if d.system {
			return "Failed to build the image: Error: Unable to find a match: " + d.text
		}
		return "Failed to build the image: ERROR: No matching distribution found for " + d.text
	case OutOfMemory:
		return "The image builder was OOMKilled: it used more memory than its limit of 16Gi."
	case Deadline:
		return fmt.Sprintf("DeadlineExceeded: the image builder job was active longer than the specified deadline of %.0f s.", realDeadline.Seconds())
	case AccessDenied:
		return "Internal error: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity. Contact your administrator."
	case StuckRequested:
		return fmt.Sprintf("DeadlineExceeded: the image builder job got no resources within its deadline of %.0f s.", realDeadline.Seconds())
	case StuckPending:
		return fmt.Sprintf("DeadlineExceeded: ImagePullBackOff: the source image could not be pulled within the deadline of %.0f s.", realDeadline.Seconds())
	}
	return "The image builder failed."
}
