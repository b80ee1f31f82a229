package compose

import "fmt"

// BaseError is a base image that no wheel can be installed on.
type BaseError struct {
	// Problem says what is missing, as a sentence without a subject ("has no python3 on its PATH").
	Problem string
	// Unclear tells that its files do not say enough, such as those of a python3 that is a script. Its own pip may know more.
	Unclear bool
}

// Error implements error.
func (e *BaseError) Error() string { return "the base image " + e.Problem }

// unclear is a base image whose files do not say enough.
func unclear(format string, values ...any) *BaseError {
	return &BaseError{Problem: fmt.Sprintf(format, values...), Unclear: true}
}
