package rime

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Options of a platform. The zero value is a self-hosted platform of the newest version known, with a build time of two seconds.
type Options struct {
	// Version is the version of the platform, and the tag of the images it builds.
	Version string
	// Deployment is where the platform runs.
	Deployment Deployment
	// Customer is the name of the licence's owner.
	Customer string
	// LicenseExpires is a year from now if zero. A grace period of 30 days follows.
	LicenseExpires time.Time
	// Keys are those of [KeyOrgAdmin] and its likes if nil.
	Keys []Key
	// RegistryDisabled takes the Managed Image Registry away.
	RegistryDisabled bool
	// JobRoutes says where jobs are found, and what they look like.
	JobRoutes JobRoutes

	// Clock is time.Now if nil.
	Clock func() time.Time
	// BuildTime is how long a build takes from its request to its end. BuildTimeFor, if set, says it for each image.
	BuildTime    time.Duration
	BuildTimeFor func(image string) time.Duration
	// Deadline ends a build that has not ended: an hour on a platform, where builds take five minutes, and so twelve build times if zero.
	Deadline time.Duration
	// ImageLag is how long after its job the image changes its status; the image is first if it is negative. A tenth of the build time if zero.
	ImageLag time.Duration
	// UpgradeDelay is how long images stay outdated before the platform rebuilds them. Half the build time if zero.
	UpgradeDelay time.Duration
	// VisibilityLag is how long a new image cannot be read, and NameLag how long the name of a deleted one cannot be had.
	VisibilityLag, NameLag time.Duration
	// JobRetention is how long the job of an ended build can be read. Zero is for ever.
	JobRetention time.Duration
	// LogLifetime is how long the address of the log of a failed build is good. A day if zero; there is no address if negative.
	LogLifetime time.Duration

	// Failures are packages whose installation fails, beside those of [DefaultFailures].
	Failures map[string]Failure
	// FailPackage is one more of them, that cannot be found.
	FailPackage string
	// Cancel is what becomes of a request to cancel a build.
	Cancel CancelMode
	// DeleteWhileBuilding permits it.
	DeleteWhileBuilding bool
	// TransientJobStatus and TransientImageStatus are shown for a while in the midst of every build: for what clients do not know yet.
	TransientJobStatus, TransientImageStatus string

	// PythonVersions can be asked for; those of a platform of version 2.1 if nil. DefaultPython is for those who do not ask.
	PythonVersions []string
	DefaultPython  string
	// PackageTypes are the types of system packages that can be asked for; Rocky Linux alone if nil.
	PackageTypes []string
	// RequirePip refuses an image without pip requirements; RefuseExtras a requirement like "uvicorn[standard]".
	RequirePip, RefuseExtras bool
	// MaxNameLength is what a repository of ECR leaves to the name if zero.
	MaxNameLength int

	// PageSize is that of a list that is not asked for one, and MaxPageSize that of one that asks for more. 100 both if zero.
	PageSize, MaxPageSize int
	// ListEnd is how the last page says that it is the last.
	ListEnd ListEnd
	// IgnoreFiltersWithToken ignores filters where there is a page token; else the two together are refused.
	IgnoreFiltersWithToken bool
	// ExactFilters compares the names of libraries byte by byte; else as PEP 503 has it.
	ExactFilters bool
	// HideSystemImages leaves them out of lists.
	HideSystemImages bool

	// Output is how answers are written, Echo how requirements come back.
	Output Output
	Echo   Echo

	// Preload are images to begin with.
	Preload Preload
}

// Deployment is where a platform runs.
type Deployment int

// The deployments.
const (
	// SelfHosted has managed images.
	SelfHosted Deployment = iota
	// Cloud has none, and refuses to create any.
	Cloud
)

// JobRoutes says where jobs are found.
type JobRoutes int

// The generations of job routes.
const (
	// JobsV1 are at /v1/jobs, as since 2.0.
	JobsV1 JobRoutes = iota
	// JobsBoth are at /v1-beta/jobs as well, and have both an error message and a termination reason, as in the release candidates of 2.0.
	JobsBoth
	// JobsBeta are at /v1-beta/jobs only, and have a termination reason only, as the betas of 2.0.
	JobsBeta
)

// CancelMode is what becomes of a request to cancel a build.
type CancelMode int

// The cancel modes: it is not known which a platform has.
const (
	// CancelAllowed ends the build a little later, as the API's documentation has it.
	CancelAllowed CancelMode = iota
	// CancelRefused fails with FAILED_PRECONDITION, as the official client and the registry's rights in the cluster suggest.
	CancelRefused
	// CancelUnimplemented fails with UNIMPLEMENTED.
	CancelUnimplemented
)

// ListEnd is how the last page of a list says that it is the last.
type ListEnd int

// The ends of a list.
const (
	// EndEcho repeats the token that was sent, which the official clients take for the end.
	EndEcho ListEnd = iota
	// EndEmpty has an empty token.
	EndEmpty
	// EndMissing has no token.
	EndMissing
	// EndStalled has a token that leads to an empty page, which repeats it.
	EndStalled
)

// repositoryPrefix is that of the repositories of all images.
const repositoryPrefix = "rime-managed-images/sandbox/default"

// registryHost is made up: nothing is ever pushed there.
const registryHost = "123456789012.dkr.ecr.us-west-2.amazonaws.com"

// maxRepository is the length of a repository's name in ECR.
const maxRepository = 256

const defaultVersion = "2.13.2"

// withDefaults completes the options.
func (o Options) withDefaults() (Options, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Keys == nil {
		o.Keys = defaultKeys()
	}
	if o.PythonVersions == nil {
		o.PythonVersions = []string{"3.8", "3.9", "3.10", "3.11"}
	}
	if o.PackageTypes == nil {
		o.PackageTypes = []string{packageRockyLinux}
	}
	o.Version = cmp.Or(o.Version, defaultVersion)
	o.Customer = cmp.Or(o.Customer, "rime-sandbox")
	o.LicenseExpires = cmp.Or(o.LicenseExpires, o.Clock().AddDate(1, 0, 0))
	o.BuildTime = cmp.Or(o.BuildTime, 2*time.Second)
	o.Deadline = cmp.Or(o.Deadline, 12*o.BuildTime)
	o.ImageLag = cmp.Or(o.ImageLag, o.BuildTime/10)
	o.UpgradeDelay = cmp.Or(o.UpgradeDelay, o.BuildTime/2)
	o.LogLifetime = cmp.Or(o.LogLifetime, 24*time.Hour)
	o.DefaultPython = cmp.Or(o.DefaultPython, "3.9")
	o.MaxNameLength = cmp.Or(o.MaxNameLength, maxRepository-len(repositoryPrefix)-len("/"))
	o.PageSize = cmp.Or(o.PageSize, 100)
	o.MaxPageSize = cmp.Or(o.MaxPageSize, max(100, o.PageSize))
	failures := DefaultFailures()
	maps.Copy(failures, o.Failures)
	if o.FailPackage != "" {
		failures[o.FailPackage] = NotFound
	}
	o.Failures = failures
	return o, o.check()
}

func (o Options) check() error {
	for name, failure := range o.Failures {
		if !slices.Contains(Failures(), failure) {
			return fmt.Errorf("package %q: no failure is called %q; there are %q", name, failure, Failures())
		}
	}
	for _, key := range o.Keys {
		if key.Value == "" || !slices.Contains([]Role{OrgAdmin, WorkspaceAdmin, User, Viewer}, key.Role) {
			return fmt.Errorf("an API key needs a value and a role, and %q has the role %q", key.Value, key.Role)
		}
	}
	for _, t := range o.PackageTypes {
		if !slices.Contains(packageTypes, t) {
			return fmt.Errorf("no package type is called %q; there are %q", t, packageTypes)
		}
	}
	if !slices.Contains(o.PythonVersions, o.DefaultPython) {
		return fmt.Errorf("the default Python %q is none of %q", o.DefaultPython, o.PythonVersions)
	}
	for _, d := range []struct {
		what string
		time.Duration
	}{
		{"build time", o.BuildTime}, // first: others follow from it
		{"deadline", o.Deadline},
		{"upgrade delay", o.UpgradeDelay},
		{"visibility lag", o.VisibilityLag},
		{"name lag", o.NameLag},
		{"job retention", o.JobRetention},
	} {
		if d.Duration < 0 {
			return fmt.Errorf("the %s cannot be negative: %s", d.what, d.Duration)
		}
	}
	if o.PageSize < 0 || o.MaxPageSize < o.PageSize {
		return fmt.Errorf("a page of %d images cannot be had where there are at most %d", o.PageSize, o.MaxPageSize)
	}
	return nil
}
