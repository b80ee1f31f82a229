package rime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/lifeline"
)

var (
	_ imageregistry.Registry  = (*Registry)(nil)
	_ imageregistry.Refresher = (*Registry)(nil)
	_ imageregistry.Locator   = (*Registry)(nil)
)

// Config is what a [Registry] needs. Zero values take the defaults.
type Config struct {
	// Endpoint is the platform's web address, in any spelling that [ParseEndpoint] takes. Required.
	Endpoint string
	// APIKey is the token that says who asks. Required. It is sent to the endpoint and nowhere else.
	APIKey string
	// Transport makes the requests. Nil: one with the system's certificate authorities and the proxies of the environment.
	Transport http.RoundTripper
	// UserAgent says who we are. Default "terraform-provider-rime".
	UserAgent string
	// RequestTimeout bounds each question to the platform, repetitions included. A request that can be repeated may take half of it. Default 60 s.
	RequestTimeout time.Duration
	// Retries is how often a request is repeated that failed in passing. Default 4; negative: never.
	Retries int
	// RetryDelay is the wait before the first repetition; see [httpx.Retry]. Default 250 ms.
	RetryDelay time.Duration
	// Timing is how long things are waited for that the platform does in its own time.
	Timing Timing
	// Workspace identifies the machine and directory of this run of Terraform. Default: [lifeline.Workspace].
	Workspace string
	// Lifelines is a directory where the processes of this machine show each other that they live, so that an image whose creator died can be taken
	// over. Empty: they do not.
	Lifelines string
	// Observe is told of every request. Nil: nobody is.
	Observe func(context.Context, httpx.Exchange)
}

func (c Config) withDefaults() (Config, error) {
	if c.Transport == nil {
		transport, err := httpx.NewTransport(httpx.Trust{})
		if err != nil {
			return c, err
		}
		c.Transport = transport
	}
	c.UserAgent = cmp.Or(c.UserAgent, "terraform-provider-rime")
	c.RequestTimeout = cmp.Or(c.RequestTimeout, time.Minute)
	c.Retries = cmp.Or(c.Retries, 4)
	c.Workspace = cmp.Or(c.Workspace, lifeline.Workspace())
	c.RetryDelay = cmp.Or(c.RetryDelay, 250*time.Millisecond)
	c.Timing = c.Timing.withDefaults()
	return c, nil
}

// Registry is the Managed Image Registry of a RIME platform. It is safe for concurrent use.
//
// It can create and delete images. The API changes none, and rebuilds them only by itself, when the platform's own version changes.
type Registry struct {
	client *client
	jobs   jobs
	shared shared
	timing Timing
	// enabled is set once the registry's own API has answered: only then does its "not found" mean an image.
	enabled atomic.Bool
	// builds are the builds that this process has asked for, by image: the platform tells a build's id once, in its answer to the create.
	builds sync.Map // string → string
	// creations are the images that this process has created, and workspace is where.
	creations lifeline.Creations
	workspace string
	// interrupted is set when a build was told to end.
	interrupted atomic.Bool
}

// New returns a Registry. It contacts nothing; a configuration that cannot work is a [*ConfigError].
func New(config Config) (*Registry, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	c, err := newClient(config)
	if err != nil {
		return nil, err
	}
	return &Registry{
		client: c, jobs: jobs{client: c}, timing: config.Timing,
		creations: lifeline.Creations{Lines: lifeline.Lines{Directory: config.Lifelines}}, workspace: config.Workspace,
	}, nil
}

// imageName is the platform's rule for names (CONTRACT §2.12).
var imageName = regexp.MustCompile(`\A[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*\z`)

// imagePath is where the image of that name is. A text that is no name is refused here: an empty one would address the list of all images.
func imagePath(name string) (string, error) {
	if !imageName.MatchString(name) {
		return "", &NameError{Name: name}
	}
	return imagesPath + "/" + url.PathEscape(name), nil
}

const imagesPath = "/v1/images"

// Get implements [imageregistry.Registry]. It always asks the platform.
func (r *Registry) Get(ctx context.Context, name string) (imageregistry.Image, error) {
	path, err := imagePath(name)
	if err != nil {
		return imageregistry.Image{}, err
	}
	got, err := r.client.do(ctx, call{method: http.MethodGet, path: path})
	if err != nil {
		return imageregistry.Image{}, r.absence(ctx, name, err)
	}
	image, err := r.image(got.object.object("image"))
	if err == nil && image.Name != name {
		err = fmt.Errorf("the answer is about image %q", image.Name)
	}
	if err != nil {
		return imageregistry.Image{}, r.client.nonsense(http.MethodGet, path, err)
	}
	r.enabled.Store(true)
	return image, nil
}

// image reads an image of an answer, and adds what this process knows about it.
func (r *Registry) image(o object) (imageregistry.Image, error) {
	image, err := decodeImage(o)
	if id, ok := r.builds.Load(image.Name); ok {
		image.BuildID, _ = id.(string)
	}
	image.Unclaimed = r.creations.Lines.Cut(r.creationOf(image.Name))
	return image, err
}

// absence gives the error of a request about one image its meaning. The API says "not found", in so many words, both for an image that is not there and
// for a route that is not there, as on a platform whose registry has been switched off (CONTRACT §2.1, §2.11). Taking one for the other
// would make Terraform forget every image, so a first absence is believed only when the registry answers a list.
func (r *Registry) absence(ctx context.Context, name string, err error) error {
	if !hasStatus(err, http.StatusNotFound) {
		return err
	}
	if !r.enabled.Load() {
		if _, probeErr := r.page(ctx, listRequest{PageSize: 1}); probeErr != nil {
			if _, disabled := errors.AsType[*NotEnabledError](probeErr); disabled {
				return &NotEnabledError{Endpoint: r.client.endpoint, Err: err}
			}
			return probeErr
		}
	}
	if saysNotFound(err) {
		return fmt.Errorf("image %q: %w: %w", name, imageregistry.ErrNotFound, err)
	}
	return err
}
