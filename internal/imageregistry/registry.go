package imageregistry

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Registry is a registry of managed images. Implementations are safe for concurrent use.
//
// Errors: a missing image or build is [ErrNotFound], and only when the registry itself said so: a refused, failed or
// unintelligible answer is another error, so that callers never take an outage for a deletion (G3 of README).
type Registry interface {
	// Create asks for a new image and returns as soon as its build has been accepted. It returns [ErrAlreadyExists] when the name is taken
	// and is not [Image.Unclaimed]. The build may be the zero Build when the registry does not tell.
	Create(ctx context.Context, spec Spec) (Image, Build, error)
	// Get returns the image of that name.
	Get(ctx context.Context, name string) (Image, error)
	// List yields the images that match the filter; an error ends the sequence.
	List(ctx context.Context, filter Filter) iter.Seq2[Image, error]
	// Delete removes the image and returns when it is gone. A missing image is [ErrNotFound].
	Delete(ctx context.Context, name string) error
	// Build returns the build of that id.
	Build(ctx context.Context, id string) (Build, error)
	// CancelBuild asks for the build's end and returns when it has ended, or [ErrCannotCancel].
	// A build that has already ended is no error.
	CancelBuild(ctx context.Context, id string) error
}

// Updater is a [Registry] that can change the inputs of an image in place.
type Updater interface {
	// Update builds the image of spec.Name anew from other inputs. What was published before stays until the new image is.
	Update(ctx context.Context, spec Spec) (Image, Build, error)
}

// Rebuilder is a [Registry] that can build an image again from the inputs it has.
type Rebuilder interface {
	// Rebuild builds the image anew from a fresh base and fresh packages. Those of a lock that is not zero are the fresh ones.
	Rebuild(ctx context.Context, name string, lock Lock) (Image, Build, error)
}

// Refresher is a [Registry] that answers many reads with few requests.
type Refresher interface {
	// Refresh is [Registry.Get] for bringing a state up to date. The image may be a little older than the call, but what this process changed before
	// the call is in it, and a missing image is confirmed at the time of the call. What decides whether to change something uses Get.
	Refresh(ctx context.Context, name string) (Image, error)
}

// Refresh reads the image for bringing a state up to date: with [Refresher], where the registry is one.
func Refresh(ctx context.Context, registry Registry, name string) (Image, error) {
	if refresher, ok := registry.(Refresher); ok {
		return refresher.Refresh(ctx, name)
	}
	return registry.Get(ctx, name)
}

// Notifier is a [Registry] that knows by itself when a build ends, so that waiting for it needs no polling.
type Notifier interface {
	// BuildEnded returns a channel that is closed once the build has ended and [Registry.Build] says how. It returns nil for a build
	// whose end it would not notice.
	BuildEnded(id string) <-chan struct{}
}

// Locator is a [Registry] that can be configured to be elsewhere, and then knows nothing of the images in the place before.
type Locator interface {
	// Location tells the registry from all others: host and prefix of its repositories, or the platform's endpoint.
	Location() string
}

// Claimer is a [Registry] whose images may be [Image.Unclaimed].
type Claimer interface {
	// Claim tells that the image is in a Terraform state. From then on, nobody takes it over.
	Claim(ctx context.Context, name string) error
}

// Keeper is a [Registry] in which an image may share its repository with what belongs to others.
type Keeper interface {
	// Kept counts the tags in the image's repository that are not the image's. A delete keeps what they lead to, and the repository.
	Kept(ctx context.Context, name string) (int, error)
}

// Filter narrows a [Registry.List]. The zero value matches everything.
type Filter struct {
	// PipLibraries must all be installed; an empty version matches any.
	PipLibraries []PipLibrary
}

var (
	// ErrNotFound is a confirmed absence.
	ErrNotFound = errors.New("not found")
	// ErrAlreadyExists is a name that is taken.
	ErrAlreadyExists = errors.New("already exists")
	// ErrBusy is an image that another process is building right now.
	ErrBusy = errors.New("a build is under way")
	// ErrCannotCancel is a registry that will not stop a running build.
	ErrCannotCancel = errors.New("the build cannot be cancelled")
)

// BuildFailedError is returned by [Await] for a build that ended badly, or for an image that did without its build being known.
type BuildFailedError struct {
	Image Image
	Build Build
}

// Error implements error.
func (e *BuildFailedError) Error() string {
	message := "no reason was given"
	if f := e.Build.Failure; f != nil && f.Message != "" {
		message = f.Message
	} else if e.Image.StatusReason != "" {
		message = e.Image.StatusReason
	}
	if !failed(e.Build) {
		return fmt.Sprintf("image %q is %s: %s", e.Image.Name, e.Image.Status, message)
	}
	return fmt.Sprintf("build %s of image %q %s: %s", e.Build.ID, e.Image.Name, e.Build.Status, message)
}
