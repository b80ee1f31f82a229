package imageregistry

import "context"

// Lock is what an image will hold, found out before it is built. The zero value leaves everything to the build.
type Lock struct {
	// Pylock names every distribution to be installed, with its file and the file's hash: a pylock.toml (PEP 751). Empty where
	// only the build can tell; Open says why.
	Pylock string
	// Base is the base image that the lock is for, and that the image is built on, with its digest.
	Base ImageReference
	// Libraries are all that pip will list in the image, what the base image has included. Nil where only the build can tell.
	Libraries []PipLibrary
	// Sources are the distributions that have to be built from source.
	Sources []Source
	// Open says in one sentence why the versions are known after the build only. Empty where they are known.
	Open string
}

// Source is a distribution that has no wheel for the image.
type Source struct {
	Name, Version string
}

// LockRequest is what a [Locker] is asked.
type LockRequest struct {
	// Spec is what the image is to hold. Its own Lock does not count.
	Spec Spec
	// Keep is a lock whose versions stay wherever they fit: a pylock.toml. Empty takes the newest of everything.
	Keep string
}

// Locker is a [Registry] that can tell what an image will hold before it builds it, and then builds just that.
type Locker interface {
	// Lock finds the versions. It changes nothing anywhere. A [Spec] with the lock in it is built as the lock says.
	//
	// An error says that there is no answer, or that whoever has it did not give it; the latter says of itself that it may
	// pass (Transient() bool).
	Lock(ctx context.Context, request LockRequest) (Lock, error)
}
