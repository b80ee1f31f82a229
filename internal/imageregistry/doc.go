// Package imageregistry is the domain of managed images: what an image and a build are, what a registry of
// managed images can do, and how one waits for a build.
//
// A RIME platform (package rime) and the embedded registry (package embedded) both implement [Registry]. What only
// some registries can do is a small capability interface ([Updater], [Rebuilder]) found by type
// assertion; callers ask for the capability and never ask which registry they talk to.
package imageregistry
