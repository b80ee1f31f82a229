package imageregistry

import (
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// Spec is what a user asks of a registry: an image of this name with exactly these dependencies.
type Spec struct {
	// Name is the image's name within its registry.
	Name string
	// PythonVersion is "X.Y". Empty asks for the registry's default.
	PythonVersion string
	// PipRequirements are the packages to install with pip. Order means nothing.
	PipRequirements []requirement.Pip
	// PipConstraints bound the versions of what is installed anyway, as "pip install --constraint" does.
	PipConstraints []requirement.Pip
	// PipLockFile is, in place of requirements and constraints, the text of a lock that others made.
	PipLockFile string
	// PackageRequirements are the system packages to install. Order means nothing.
	PackageRequirements []requirement.Package
	// Lock is what a [Locker] found out for the rest, and no input itself. Where it is zero, the registry finds it out when it builds.
	Lock Lock
}

// InstallsNothing tells a spec that asks for no Python packages.
func (s Spec) InstallsNothing() bool { return len(s.PipRequirements) == 0 && s.PipLockFile == "" }

// Status is the state of an image. It is a plain string because a registry newer than this code may answer with a
// value that is not listed here; such a value is kept as it came, in lower case and without the wire prefix
// (internal/rime/CONTRACT.md §3.1, §8 item 5).
type Status string

// The states of an image. StatusMissing and StatusMoved are reported by registries that look at the published
// bytes themselves; a RIME platform reports the others.
const (
	StatusBuildingFirstTime Status = "building_first_time"
	StatusRebuilding        Status = "rebuilding"
	StatusReady             Status = "ready"
	StatusFailed            Status = "failed"
	// StatusOutdated is a usable image whose base has moved on since it was built.
	StatusOutdated Status = "outdated"
	// StatusMissing is an image that was built, but whose tag or manifest is gone from the registry.
	StatusMissing Status = "missing"
	// StatusMoved is an image whose tag no longer refers to the digest that was built.
	StatusMoved Status = "moved"
)

// Building tells whether a build of the image is under way.
func (s Status) Building() bool { return s == StatusBuildingFirstTime || s == StatusRebuilding }

// Usable tells whether the image can be pulled and holds what was asked for, if of an older base.
func (s Status) Usable() bool { return s == StatusReady || s == StatusOutdated }

// Broken tells whether the image needs a build before it can be used.
func (s Status) Broken() bool { return s == StatusFailed || s == StatusMissing || s == StatusMoved }

// RoleType tells who an image belongs to. Unknown values are kept as they came.
type RoleType string

// The roles of an image (internal/rime/CONTRACT.md §3.3).
const (
	RoleTypeSystem      RoleType = "system"
	RoleTypeUserDefined RoleType = "user_defined"
)

// ReferenceType tells how the name of an [ImageReference] is to be read. Unknown values are kept as they came.
type ReferenceType string

// The kinds of image references (internal/rime/CONTRACT.md §3.4). ReferenceTypeExternal is the embedded registry's: a
// full image reference in any OCI registry.
const (
	ReferenceTypeManaged  ReferenceType = "managed"
	ReferenceTypeExternal ReferenceType = "external"
)

// ImageReference names another image.
type ImageReference struct {
	Name          string
	ReferenceType ReferenceType
	// Digest is the manifest digest ("sha256:…") the name resolved to when it was used. Empty when the registry does not tell.
	Digest string
}

// PipLibrary is one distribution that is really installed in an image, as pip lists it.
type PipLibrary struct {
	Name    string
	Version string
}

// Image is a managed image as its registry describes it.
type Image struct {
	Name   string
	Status Status
	// StatusReason says in one sentence why Status is not ready, for a user to read. Empty when ready or unknown.
	StatusReason string
	RoleType     RoleType
	// Tag is the tag the image is published under: the version of the RIME wheel on a platform, a content-addressed tag in the embedded registry.
	Tag string
	// RepoURI is the repository, without tag or digest. Empty when not known yet.
	RepoURI string
	// Digest is the manifest digest ("sha256:…") confirmed by the registry. Empty when not built or not told.
	Digest      string
	BaseImage   ImageReference
	ChildImages []ImageReference
	// PythonVersion is "X.Y", as built.
	PythonVersion string
	// What was asked for, spelled as the registry spells it.
	PipRequirements     []requirement.Pip
	PipConstraints      []requirement.Pip
	PipLockFile         string
	PackageRequirements []requirement.Package
	// Pylock is the lock that the published image was built from, or, before there is one, that it is being built from: a
	// pylock.toml. Empty where it is built without one.
	Pylock string
	// PipLibraries is what is installed. Empty until a build has succeeded.
	PipLibraries []PipLibrary
	// Size is how many bytes a client that has nothing of it yet pulls. Zero when not built or not told.
	Size int64
	// BuildID is the newest build of this image. Empty where the registry does not tell (a RIME platform).
	BuildID string
	// Unclaimed tells that nobody can be relying on the image: its first build never ended and its builder is dead, or it was created from
	// this very machine and directory in a run of Terraform that died. A create may take it over (G10 of README).
	Unclaimed bool
}

// URI is the reference to pull the image by: repository and digest, or repository and tag where no digest is known,
// or empty where neither is.
func (i Image) URI() string {
	switch {
	case i.RepoURI == "":
		return ""
	case i.Digest != "":
		return i.RepoURI + "@" + i.Digest
	case i.Tag != "":
		return i.RepoURI + ":" + i.Tag
	default:
		return ""
	}
}

// Spec is the request that would create the image as it is now.
func (i Image) Spec() Spec {
	return Spec{
		Name:                i.Name,
		PythonVersion:       i.PythonVersion,
		PipRequirements:     i.PipRequirements,
		PipConstraints:      i.PipConstraints,
		PipLockFile:         i.PipLockFile,
		PackageRequirements: i.PackageRequirements,
	}
}

// BuildStatus is the state of a build. Unknown values are kept as they came and count as still running
// (internal/rime/CONTRACT.md §8 item 5).
type BuildStatus string

// The states of a build (internal/rime/CONTRACT.md §3.2).
const (
	BuildRequested BuildStatus = "requested"
	BuildPending   BuildStatus = "pending"
	BuildRunning   BuildStatus = "running"
	BuildSucceeded BuildStatus = "succeeded"
	BuildFailed    BuildStatus = "failed"
	BuildCancelled BuildStatus = "cancelled"
)

// Ended tells whether the build will not change any more.
func (s BuildStatus) Ended() bool {
	return s == BuildSucceeded || s == BuildFailed || s == BuildCancelled
}

// Build is one build of an image.
type Build struct {
	ID     string
	Status BuildStatus
	// CreatedAt, StartedAt and CompletedAt are zero until they happened.
	CreatedAt   time.Time
	StartedAt   time.Time
	CompletedAt time.Time
	RunningTime time.Duration
	// LogsURL is where the whole log is kept, without what opens it to everybody. Empty when it is not kept.
	LogsURL string
	// Failure tells why the build failed or was cancelled. Nil otherwise.
	Failure *BuildFailure
	// Hint is what the registry knows beyond that, in sentences for a user: why a build that has not ended may be stuck, or what to do about one
	// that failed where the general advice for its class does not fit. Empty when there is nothing to add.
	Hint string
}

// FailureClass says whose fault a failed build is, and so what a user can do about it.
type FailureClass string

// The classes of build failures.
const (
	// FailureUserInput is a package that does not exist, a version that cannot be had, requirements that exclude each other.
	FailureUserInput FailureClass = "user_input"
	// FailureNetwork is a package index or mirror that could not be reached.
	FailureNetwork FailureClass = "network"
	// FailureBaseImage is a base image that could not be pulled or does not fit (other Python version, no pip).
	FailureBaseImage FailureClass = "base_image"
	// FailureIntegrity is a file that is not the one that was locked.
	FailureIntegrity FailureClass = "integrity"
	// FailureOutOfMemory is a build step killed for its memory.
	FailureOutOfMemory FailureClass = "out_of_memory"
	// FailureOutOfDisk is a builder whose disk is full.
	FailureOutOfDisk FailureClass = "out_of_disk"
	// FailurePush is an image that was built and could not be published.
	FailurePush FailureClass = "push"
	// FailureDeadline is a build that the builder ended because it took too long.
	FailureDeadline FailureClass = "deadline"
	// FailurePlatform is everything that went wrong in the builder itself.
	FailurePlatform FailureClass = "platform"
	// FailureCancelled is a build that was asked to stop.
	FailureCancelled FailureClass = "cancelled"
	// FailureAbandoned is a build whose builder died without a word.
	FailureAbandoned FailureClass = "abandoned"
)

// BuildFailure tells why a build did not succeed.
type BuildFailure struct {
	Class FailureClass
	// Step is the step that failed, in words ("install pip requirements"). Empty when unknown.
	Step string
	// Requirement is the name of the requirement at fault, as it was asked for. Empty when it cannot be told.
	Requirement string
	// RequirementKind is "pip" or "package", for Requirement. Empty when it cannot be told.
	RequirementKind string
	// Message is the builder's own words, in one line.
	Message string
	// LogTail is the last lines of the log, oldest first, without line ends, secrets removed.
	LogTail []string
}
