package embedded

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/managed-images/terraform-provider-rime/internal/buildkit"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/lifeline"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

// Builder builds and publishes images. Package buildkit has the real one.
type Builder interface {
	// ResolveBase returns the digest ("sha256:…") that the image reference stands for, as the registry gives it: of the index
	// where the image is for several platforms.
	ResolveBase(ctx context.Context, ref string) (digest string, err error)
	// Platforms are the platforms ("linux/amd64") of images of which nobody says for which they are to be.
	Platforms(ctx context.Context) ([]string, error)
	// Build builds the image and publishes it. It calls the request's Begin before it does either.
	Build(ctx context.Context, r buildkit.Request) (buildkit.Result, error)
}

// RepositoryManager takes care of repositories in registries that do not make them on the first push.
type RepositoryManager interface {
	// Prepare makes the repository ready to be pushed to. One that is ready is no error.
	Prepare(ctx context.Context, repo name.Repository) error
	// Remove takes an empty repository away. One that is gone, or not empty, is left alone and is no error.
	Remove(ctx context.Context, repo name.Repository) error
	// List returns the paths of the repositories in a directory; of all, where it is empty.
	List(ctx context.Context, directory string) ([]string, error)
}

// Config is what a [Registry] needs.
type Config struct {
	// URL is the registry: host[:port][/path], without scheme.
	URL string
	// RepositoryPrefix goes before the names of images. May be empty.
	RepositoryPrefix string
	// Insecure allows plain http. For loopback addresses it is always allowed.
	Insecure bool
	// BaseImages are image references, by tag or digest, by Python version ("X.Y").
	BaseImages map[string]string
	// Keychain has the credentials. Nil: what `docker login` stored, and Docker's credential helpers.
	Keychain authn.Keychain
	// Transport makes the requests. Nil: one with time-outs made for registries.
	Transport http.RoundTripper
	// Builder builds.
	Builder Builder
	// Platforms are those of every image ("linux/amd64"). Empty: the builder's.
	Platforms []string
	// Index is where versions are looked up. Nil: they are known after a build only.
	Index *pythonindex.Client
	// BuildDecides is why versions are known after a build only, although there is an index. Empty: they are looked up.
	BuildDecides string
	// OnlyLocked refuses what only a build can tell, because a build would look for packages where they must not come from.
	OnlyLocked bool
	// ExcludeNewer is when a file has to have come to its index, to be taken now. Nil, and a zero time: whenever.
	ExcludeNewer func() time.Time
	// Repositories makes, lists and removes repositories. Nil: the registry makes them on the first push and has a catalog.
	Repositories RepositoryManager
	// Version is the provider's version, for labels and the user agent.
	Version string
	// Timing is how long the processes that share the registry wait for each other.
	Timing Timing
	// Options tune what rarely needs to be tuned.
	Options Options
}

// Options tune a [Registry]. Zero values take the defaults.
type Options struct {
	// RequestTimeout bounds each operation on a registry, repetitions included. Default 60 s.
	RequestTimeout time.Duration
	// Retries is how often a request is repeated that failed in passing. Default 4; negative: never.
	Retries int
	// RetryDelay is the wait before the first repetition; it doubles each time. A registry's Retry-After is honoured up to a minute. Default 250 ms.
	RetryDelay time.Duration
	// Concurrency is how many records and tags are looked at at a time. Default 8.
	Concurrency int
	// Holder names this process to others. Default "host/process id".
	Holder string
	// Workspace identifies the machine and directory. Default: a hash of host name and working directory.
	Workspace string
	// Lifelines is a directory where the processes of this machine show each other that they live, so that the lease of one that died need
	// not run out. Empty: they do not.
	Lifelines string
}

func (o Options) withDefaults() Options {
	host, _ := os.Hostname() // without a host name, one name is as good as another
	return Options{
		RequestTimeout: cmp.Or(o.RequestTimeout, time.Minute),
		Retries:        cmp.Or(o.Retries, 4),
		RetryDelay:     cmp.Or(o.RetryDelay, 250*time.Millisecond),
		Concurrency:    cmp.Or(o.Concurrency, 8),
		Holder:         cmp.Or(o.Holder, fmt.Sprintf("%s/%d", cmp.Or(host, "unknown"), os.Getpid())),
		Workspace:      cmp.Or(o.Workspace, lifeline.Workspace()),
		Lifelines:      o.Lifelines,
	}
}

// placeholder stands for an image's name while a configuration is validated.
const placeholder = "x"

// parseLocation returns the registry and the path of the repositories in it.
func (c Config) parseLocation() (registry name.Registry, directory string, err error) {
	location := strings.TrimRight(strings.TrimSpace(c.URL), "/")
	if strings.Contains(location, "@") {
		return registry, "", &ConfigError{Field: "url", Problem: "holds credentials; leave them out and use `docker login` or a credential helper"}
	}
	if scheme, rest, ok := strings.Cut(location, "://"); ok {
		advice := fmt.Sprintf("leave out the scheme: %q", rest)
		if scheme == "http" && !c.Insecure {
			advice += " and, for plain http, set insecure = true"
		}
		return registry, "", &ConfigError{Field: "url", Problem: advice}
	}
	host, directory, _ := strings.Cut(location, "/")
	if host == "" {
		return registry, "", &ConfigError{Field: "url", Problem: "is empty; give the registry as host[:port][/path]"}
	}
	options := []name.Option{name.StrictValidation}
	if c.Insecure {
		options = append(options, name.Insecure)
	}
	registry, err = name.NewRegistry(host, options...)
	if err != nil {
		return registry, "", &ConfigError{Field: "url", Problem: fmt.Sprintf("%q is no registry: %v", host, err)}
	}
	if _, err := name.NewRepository(path.Join(host, directory, placeholder), options...); err != nil {
		return registry, "", &ConfigError{Field: "url", Problem: fmt.Sprintf("%q cannot hold repositories: %v", c.URL, err)}
	}
	directory = path.Join(directory, strings.Trim(c.RepositoryPrefix, "/"))
	if _, err := name.NewRepository(path.Join(host, directory, placeholder), options...); err != nil {
		return registry, "", &ConfigError{Field: "repository_prefix", Problem: fmt.Sprintf("%q cannot begin the name of a repository: %v", c.RepositoryPrefix, err)}
	}
	return registry, directory, nil
}

var pythonVersion = regexp.MustCompile(`\A[0-9]+\.[0-9]+\z`)

// validateBases returns an error unless there is a base image to build from.
func (c Config) validateBases() error {
	if len(c.BaseImages) == 0 {
		return &ConfigError{Field: "base_images", Problem: `is empty; give at least one, as in { "3.12" = "python:3.12-slim-bookworm" }`}
	}
	for _, version := range slices.Sorted(maps.Keys(c.BaseImages)) {
		if !pythonVersion.MatchString(version) {
			return &ConfigError{Field: "base_images", Problem: fmt.Sprintf(`the key %q is no Python version; write "X.Y", in quotes`, version)}
		}
		if _, err := name.ParseReference(c.BaseImages[version]); err != nil {
			return &ConfigError{Field: "base_images", Problem: fmt.Sprintf("the image for Python %s: %v", version, err)}
		}
	}
	return nil
}

// pythonVersions are the configured versions, newest last.
func (c Config) pythonVersions() []string {
	return slices.SortedFunc(maps.Keys(c.BaseImages), comparePython)
}

// withPython chooses the Python version where the spec leaves that open.
func (c Config) withPython(spec imageregistry.Spec) (imageregistry.Spec, error) {
	versions := c.pythonVersions()
	if spec.PythonVersion == "" {
		spec.PythonVersion = versions[len(versions)-1]
	}
	if c.BaseImages[spec.PythonVersion] == "" {
		return spec, &UnsupportedPythonError{Version: spec.PythonVersion, Configured: versions}
	}
	return spec, nil
}

func comparePython(a, b string) int {
	return slices.Compare(pythonNumbers(a), pythonNumbers(b))
}

func pythonNumbers(version string) []int {
	major, minor, _ := strings.Cut(version, ".")
	numbers := make([]int, 2)
	for i, text := range []string{major, minor} {
		numbers[i], _ = strconv.Atoi(text) // validated by validateBases
	}
	return numbers
}
