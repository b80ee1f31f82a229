package primehub

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Options of a platform. The zero value is an enterprise installation with a configured image builder and a build time of two seconds.
type Options struct {
	// Edition decides how errors are told, and whether the schema knows of licences.
	Edition Edition
	// OldErrors is the installation before November 2022: it names what it does not find.
	OldErrors bool

	// Users, Groups and Secrets are those of [DefaultUsers], [DefaultGroups] and [DefaultSecrets] if nil.
	Users   []User
	Groups  []Group
	Secrets []Secret
	// SharedSecret is what the hub authenticates itself with; nobody can if it is empty.
	SharedSecret string
	// NoTokenCache asks Keycloak for every request. A platform remembers good tokens for 30 s, and bad ones for 5 s.
	NoTokenCache bool
	// Host is the address that the platform believes to be its own, as "https://primehub.example.com": that of the request if empty.
	Host string

	// Clock is time.Now if nil.
	Clock func() time.Time
	// BuildTime is how long the pod of a build is at work. BuildTimeFor, if set, says it for each image.
	BuildTime    time.Duration
	BuildTimeFor func(image string) time.Duration
	// FirstLook is how long after it made a pod the controller looks at it again: 10 s on a platform, a thirtieth of the build time if zero.
	// NextLook is how long it waits from then on: 30 s there, a tenth of the build time if zero.
	FirstLook, NextLook time.Duration
	// Reaction is how long the controller takes to see that something has changed: a two-hundredth of the build time if zero.
	Reaction time.Duration
	// WriteDelay is how long the writes take that the platform does not wait for: half of a reaction, at most 500 ms, if zero; none if
	// negative.
	WriteDelay time.Duration
	// CollectionDelay is how long the job of a deleted image stays: that of a reaction if zero.
	CollectionDelay time.Duration
	// WatcherDelay is how long after its deletion the watcher of images hears of an image that is gone, and deletes its role once more.
	// The role of a new image of that name suffers it. It hears at once if zero.
	WatcherDelay time.Duration
	// RelistTime is how long the watcher takes to see that an image has no role, and to make one: 10 minutes on a platform, two build times
	// if zero.
	RelistTime time.Duration
	// TimeStep is what imageSpec.updateTime is rounded to, a second if zero. Two rebuilds in one step are one.
	TimeStep time.Duration

	// PushRepo and PushRepoPrefix say what built images are called, as the chart's values of these names do.
	// NoPrefix is a prefix that is empty.
	PushRepo, PushRepoPrefix string
	// PushSecret is the name of the secret that images are pushed with; BuilderUnconfigured takes it away, and no pod can start then.
	PushSecret          string
	BuilderUnconfigured bool

	// Failures are packages and base images whose builds fail, beside those of [DefaultFailures].
	Failures map[string]Failure
	// FailPackage is one more of them, that cannot be found.
	FailPackage string

	// Preload are images to begin with.
	Preload Preload
}

// Edition is an edition of PrimeHub.
type Edition int

// The editions. That of the enterprise is the stricter one for clients: its errors tell less.
const (
	Enterprise Edition = iota
	Community
)

// A platform's own times, and the length of the build that they belong to.
const (
	tokenTTL     = 30 * time.Second
	badTokenTTL  = 5 * time.Second
	maxPatchLag  = 500 * time.Millisecond
	defaultBuild = 2 * time.Second
)

// withDefaults completes the options.
func (o Options) withDefaults() (Options, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Users == nil {
		o.Users = DefaultUsers()
	}
	if o.Groups == nil {
		o.Groups = DefaultGroups()
	}
	if o.Secrets == nil {
		o.Secrets = DefaultSecrets()
	}
	o.BuildTime = cmp.Or(o.BuildTime, defaultBuild)
	o.FirstLook = cmp.Or(o.FirstLook, o.BuildTime/30)
	o.NextLook = cmp.Or(o.NextLook, o.BuildTime/10)
	o.Reaction = cmp.Or(o.Reaction, o.BuildTime/200)
	o.WriteDelay = cmp.Or(o.WriteDelay, min(o.Reaction/2, maxPatchLag))
	o.CollectionDelay = cmp.Or(o.CollectionDelay, o.Reaction)
	o.RelistTime = cmp.Or(o.RelistTime, 2*o.BuildTime)
	o.TimeStep = cmp.Or(o.TimeStep, time.Second)
	o.PushRepoPrefix = cmp.Or(o.PushRepoPrefix, "registry.sandbox.invalid/primehub")
	o.PushSecret = cmp.Or(o.PushSecret, "primehub-controller-custom-image-push-secret")
	failures := DefaultFailures()
	for name, failure := range o.Failures {
		failures[normalName(name)] = failure
	}
	if o.FailPackage != "" {
		failures[normalName(o.FailPackage)] = PackageNotFound
	}
	o.Failures = failures
	return o, o.check()
}

func (o Options) check() error {
	if _, known := schemas[o.Edition]; !known {
		return fmt.Errorf("there is no edition %d", o.Edition)
	}
	for name, failure := range o.Failures {
		if !slices.Contains(Failures(), failure) {
			return fmt.Errorf("package %q: no failure is called %q; there are %q", name, failure, Failures())
		}
	}
	for _, d := range []struct {
		what string
		time.Duration
	}{
		{"build time", o.BuildTime}, // first: others follow from it
		{"time to the first look", o.FirstLook},
		{"time to the next look", o.NextLook},
		{"reaction", o.Reaction},
		{"collection delay", o.CollectionDelay},
		{"watcher delay", o.WatcherDelay},
		{"relist time", o.RelistTime},
		{"time step", o.TimeStep},
	} {
		if d.Duration < 0 {
			return fmt.Errorf("the %s cannot be negative: %s", d.what, d.Duration)
		}
	}
	for _, user := range o.Users {
		if user.Username == "" {
			return errors.New("a user needs a name")
		}
		for _, name := range user.Groups {
			if !slices.ContainsFunc(o.Groups, func(g Group) bool { return g.Name == name }) {
				return fmt.Errorf("user %q is in the group %q, which does not exist", user.Username, name)
			}
		}
	}
	return nil
}
