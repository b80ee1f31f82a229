package pythonindex

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// PyPI is the address of the public index.
const PyPI = "https://pypi.org/simple/"

const (
	// requests is how many requests are under way at one time.
	requests = 32
	// maxRedirects bounds the redirects of a request, as pip does.
	maxRedirects = 20
)

// Index is a package index.
type Index struct {
	// Name is what messages call it. Empty is its host.
	Name string
	// URL is its address, as pip's index-url has it; a user and a password in it are its credentials.
	URL string
	// Packages are the distributions that come from here and from nowhere else. Empty is all that no other index names.
	Packages []string
}

// Options configures a [Client].
type Options struct {
	// Indexes are where distributions are looked for. Of several that have one, pip's rules decide by version.
	Indexes []Index
	// Transport sends the requests. Nil is one of package httpx, with the proxies and authorities of this machine. Of an
	// [*http.Transport] a client has a clone, with connections of its own.
	Transport http.RoundTripper
	// UserAgent says who asks.
	UserAgent string
	// Credentials knows the user and the password for a host whose address has none. Nil knows none.
	Credentials Credentials
	// Patience is how long one answer may take, from the request to its last byte. Zero is a minute.
	Patience time.Duration
	// Retries is how often a request is repeated that failed for a passing reason; Pause is the wait before the first
	// repetition, which doubles each time. A zero Pause is a second.
	Retries int
	Pause   time.Duration
}

// Credentials knows the user and the password for an address. It is not ok where it knows none; an error is that there must be
// some, and could not be had: it says what to do.
type Credentials func(ctx context.Context, address *url.URL) (user, password string, ok bool, err error)

// FirstOf asks one source after the other, up to the first that knows.
func FirstOf(sources ...Credentials) Credentials {
	return func(ctx context.Context, address *url.URL) (user, password string, ok bool, err error) {
		for _, source := range sources {
			if user, password, ok, err = source(ctx, address); ok || err != nil {
				return user, password, ok, err
			}
		}
		return "", "", false, nil
	}
}

// Client reads package indexes, and remembers for its lifetime what they said. Its methods may be called at one time.
type Client struct {
	options Options
	indexes []*index
	http    *http.Client
	slots   *semaphore.Weighted
	pages   wait.Memory[[]*page]
	kinds   kinds
	details wait.Memory[detail]
	// requirements are those of all metadata.
	requirements requirements
	// archives are what was found at the addresses of requirements.
	archives wait.Memory[looked]
	limits   limits
}

// index is an [Index] with its address taken apart.
type index struct {
	name     string
	url      *url.URL
	user     *url.Userinfo
	packages map[string]bool
}

// ConfigError is an index whose address cannot be used.
type ConfigError struct {
	// Index is the place of the index in [Options].
	Index int
	// Problem says what is wrong, without the address.
	Problem string
}

// Error implements error.
func (e *ConfigError) Error() string { return fmt.Sprintf("index %d: %s", e.Index+1, e.Problem) }

// New makes a client. An error joins a [*ConfigError] for each index whose address cannot be used.
func New(options Options) (*Client, error) {
	if options.Transport == nil {
		transport, err := httpx.NewTransport(httpx.Trust{})
		if err != nil {
			return nil, err
		}
		options.Transport = transport
	}
	if options.Patience == 0 {
		options.Patience = time.Minute
	}
	if options.Pause == 0 {
		options.Pause = time.Second
	}
	if transport, ok := options.Transport.(*http.Transport); ok {
		options.Transport = withSmallBuffers(transport)
	}
	c := &Client{options: options, slots: semaphore.NewWeighted(requests), limits: pageLimits}
	c.http = &http.Client{Transport: options.Transport, CheckRedirect: checkRedirect}
	var errs []error
	for i, configured := range options.Indexes {
		parsed, problem := parseIndex(configured)
		if problem != "" {
			errs = append(errs, &ConfigError{i, problem})
		}
		c.indexes = append(c.indexes, parsed)
	}
	return c, errors.Join(errs...)
}

// receiveBuffer is how many bytes of an answer wait to be read, at most. Thirty pages arrive at one time, and faster than they
// are read: with the usual four megabytes each they are what takes the most memory.
const receiveBuffer = 512 << 10

func withSmallBuffers(transport *http.Transport) *http.Transport {
	clone := transport.Clone()
	var config http.HTTP2Config
	if clone.HTTP2 != nil {
		config = *clone.HTTP2
	}
	if config.MaxReceiveBufferPerStream == 0 {
		config.MaxReceiveBufferPerStream = receiveBuffer
	}
	clone.HTTP2 = &config
	return clone
}

// parseIndex takes the address of an index apart, or says what is wrong with it.
func parseIndex(configured Index) (*index, string) {
	parsed, err := url.Parse(strings.TrimSpace(configured.URL))
	switch {
	case err != nil:
		return nil, "its address cannot be read"
	case parsed.Scheme != "https" && parsed.Scheme != "http":
		return nil, "its address does not begin with https:// or http://"
	case parsed.Host == "":
		return nil, "its address has no host"
	}
	x := &index{name: configured.Name, user: parsed.User, url: parsed, packages: map[string]bool{}}
	if x.name == "" {
		x.name = redact.Origin(parsed)
	}
	parsed.User, parsed.Fragment = nil, ""
	parsed.Path = strings.TrimRight(parsed.Path, "/") + "/"
	parsed.RawPath = "" // it is made anew
	for _, name := range configured.Packages {
		x.packages[pep508.NormalizeName(name)] = true
	}
	return x, ""
}

// serving are the indexes that a distribution comes from: those that name it, or else all that name none.
func (c *Client) serving(name string) []*index {
	naming := slices.DeleteFunc(slices.Clone(c.indexes), func(x *index) bool { return !x.packages[name] })
	if len(naming) > 0 {
		return naming
	}
	return slices.DeleteFunc(slices.Clone(c.indexes), func(x *index) bool { return len(x.packages) > 0 })
}

// Own are the names of the indexes that a distribution comes from because they name it; none where it may come from any.
func (c *Client) Own(name string) []string {
	var names []string
	for _, x := range c.indexes {
		if x.packages[name] {
			names = append(names, x.name)
		}
	}
	return names
}

// Files are the files of a distribution on all indexes that serve it, in the order of the indexes. There are none where no
// index knows it. Wheels that no CPython 3 on Linux can run are left out. Name is normalised. An error is an [*Error].
func (c *Client) Files(ctx context.Context, name string) ([]*File, error) {
	pages, err := c.pagesOf(ctx, name)
	var files []*File
	for _, p := range pages {
		files = p.files(files)
	}
	return files, err
}

// Fitting are the files that have one of the tags, and all source distributions, in the order of [Client.Files]. Others is how
// many wheels there are besides, those for other systems as well.
func (c *Client) Fitting(ctx context.Context, name string, tags *pep425.Tags) (files []Listed, others int, err error) {
	pages, err := c.pagesOf(ctx, name)
	for _, p := range pages {
		var more int
		files, more = p.fitting(files, tags)
		others += more
	}
	return files, others, err
}

// pagesOf are the pages of a distribution on all indexes that serve it.
func (c *Client) pagesOf(ctx context.Context, name string) ([]*page, error) {
	return c.pages.Get(ctx, name, func(ctx context.Context) ([]*page, error) {
		serving := c.serving(name)
		found := make([]*page, len(serving))
		group, ctx := errgroup.WithContext(ctx)
		for i, x := range serving {
			group.Go(func() (err error) {
				found[i], err = c.page(ctx, x, name)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		return found, nil
	})
}
