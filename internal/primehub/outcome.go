package primehub

import (
	"fmt"
	"time"
)

// Step is a step of a build, as its log names them, or the installer that was at work.
type Step string

// The steps of a build (CONTRACT §4.7).
const (
	StepInit  Step = "init"
	StepBuild Step = "build"
	StepPush  Step = "push"
)

// BuildFailedError is a build that failed.
type BuildFailedError struct {
	Name string
	// Step is where. Empty when the log does not tell.
	Step Step
	// Installer is "apt", "conda" or "pip" when it was at work. Empty otherwise.
	Installer string
	// Package is the token at fault. Empty when the log does not tell.
	Package string
	// Message is the decisive line of the log. Empty when there is none.
	Message string
	// Hint says what to do about it. Empty when there is nothing better to say than to read the log.
	Hint string
	// LogTail is the end of the log.
	LogTail []string
	// LogErr is why the log could not be read. Nil otherwise.
	LogErr error
}

// Error implements error.
func (e *BuildFailedError) Error() string {
	text := fmt.Sprintf("the build of image %q failed", e.Name)
	if e.Step != "" {
		text += fmt.Sprintf(" at step %s", e.Step)
	}
	if e.Package != "" {
		text += fmt.Sprintf(": %s package %q", e.Installer, e.Package)
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.LogErr != nil {
		text += fmt.Sprintf(" (its log could not be read: %v)", e.LogErr)
	}
	return text
}

// BuildCancelledError is a build that somebody told to end.
type BuildCancelledError struct{ Name string }

// Error implements error.
func (e *BuildCancelledError) Error() string {
	return fmt.Sprintf("the build of image %q was cancelled", e.Name)
}

// BuildUnfinishedError is a build that was not waited for to its end, or that will never come to one.
type BuildUnfinishedError struct {
	Name string
	// Phase is the last one that was seen.
	Phase Phase
	// Hint says why it may hang, and what to do. Empty when it is at work.
	Hint string
	// MissingSecret is the pull secret that the build waits for in vain. Empty when that is not why.
	MissingSecret string
	// Err is why the wait ended: a [*wait.ExpiredError], or nil where there was no sense in waiting on.
	Err error
}

// Error implements error.
func (e *BuildUnfinishedError) Error() string {
	phase := string(e.Phase)
	if e.Phase == PhaseWaiting {
		phase = "waiting to begin"
	}
	text := fmt.Sprintf("the build of image %q is %s", e.Name, phase)
	if e.MissingSecret != "" {
		text += fmt.Sprintf(" and will not begin, as its pull secret %q does not exist", e.MissingSecret)
	}
	if e.Err != nil && e.MissingSecret == "" {
		text += fmt.Sprintf(": %v", e.Err)
	}
	return text
}

// Unwrap returns why the wait ended.
func (e *BuildUnfinishedError) Unwrap() error { return e.Err }

// BuildSupersededError is a build that somebody else has replaced by one of something else meanwhile.
type BuildSupersededError struct {
	Name string
	// At is when the other build was asked for.
	At time.Time
	// Err is why the other build did not end well. Nil where it did: then the image is what that made.
	Err error
}

// Error implements error.
func (e *BuildSupersededError) Error() string {
	text := fmt.Sprintf("somebody else had image %q built from something else at %s", e.Name, e.At.Format(time.RFC3339))
	if e.Err != nil {
		text += fmt.Sprintf(": %v", e.Err)
	}
	return text
}

// Unwrap returns why the other build did not end well.
func (e *BuildSupersededError) Unwrap() error { return e.Err }

// UnexpectedImageError is a build that is said to have succeeded, but to have made an image that belongs to something else.
type UnexpectedImageError struct {
	Name string
	// URL is what the platform says it has built, and Hash what its tag should end with.
	URL, Hash string
}

// Error implements error.
func (e *UnexpectedImageError) Error() string {
	return fmt.Sprintf("the build of image %q is said to have succeeded, but its address %q does not end with %q, as what was asked for would", e.Name, e.URL, e.Hash)
}

// LostWriteError is something that the platform agreed to do and did not: it writes some things later, and tells nobody when that fails (CONTRACT §2.8).
type LostWriteError struct {
	Name string
	// What was agreed to, as in "agreed to rebuild".
	What  string
	After time.Duration
}

// Error implements error.
func (e *LostWriteError) Error() string {
	return fmt.Sprintf("the platform agreed to %s of image %q, but %s later nothing of it was to be seen", e.What, e.Name, e.After)
}

// NotBuiltError is an image that was only added, and has nothing that could be built.
type NotBuiltError struct{ Name string }

// Error implements error.
func (e *NotBuiltError) Error() string {
	return fmt.Sprintf("image %q is not built by PrimeHub: it was added with its address", e.Name)
}
