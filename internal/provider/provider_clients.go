package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/planmemory"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
)

// clients is what the provider hands to its resources and data sources.
type clients struct {
	// images is the registry of managed images. It is made when it is first asked for, once. Its errors are those of package diags.
	images func(context.Context) (imageregistry.Registry, error)
	// aws is the client of AWS. It is made when it is first asked for, once. Its errors are those of package diags.
	aws func() (*awsregistry.Client, error)
	// pythonVersions are the Python versions that images can have, sorted. Nil when there is no telling.
	pythonVersions []string
	// externalBases are the base images of an embedded registry in the account's ECR registry that are kept elsewhere, and the host of that registry. Nil without an
	// embedded registry.
	externalBases func(context.Context) (host string, external []string)
	// rockyLinuxOnly tells that images hold packages of Rocky Linux and of no other kind.
	rockyLinuxOnly bool
	// created are the images that this run of Terraform has created, or taken over.
	created createdImages
	// memory is what plans found out, for the apply.
	memory planmemory.Memory
	// planned are the images that this walk of Terraform has planned.
	planned plannedNames
	// primehub is the PrimeHub platform.
	primehub primehubAccess
}

// createdImages remembers the names of the images that a run has created, or taken over. With create_before_destroy, that may be the name of the image that is
// replaced; the delete that follows must not take the new one for the old. What a run creates, it does not delete.
type createdImages struct{ names sync.Map }

func (c *createdImages) note(name string) { c.names.Store(name, true) }

func (c *createdImages) has(name string) bool {
	_, found := c.names.Load(name)
	return found
}

// clients reads the configuration. It contacts nothing.
func (p *rimeProvider) clients(ctx context.Context, config tfsdk.Config) (*clients, diag.Diagnostics) {
	account := p.awsClient(ctx, config)
	all, d := p.imageClients(ctx, config, account)
	hub, more := p.primehubPlatform(ctx, config)
	all.primehub, all.aws = hub, account
	d.Append(more...)
	return all, d
}

// imageClients reads what concerns managed images.
func (p *rimeProvider) imageClients(ctx context.Context, config tfsdk.Config, account func() (*awsregistry.Client, error)) (*clients, diag.Diagnostics) {
	none := func(err error) *clients {
		return &clients{images: withoutContext(always[imageregistry.Registry](nil, err))}
	}
	if p.registry != nil {
		return &clients{images: withoutContext(always(p.registry, nil))}, nil
	}
	if !config.Raw.IsFullyKnown() {
		return none(diags.ErrNotKnownYet), nil
	}
	model, d := readConfig(ctx, config)
	switch {
	case d.HasError():
		return none(diags.ErrNoRegistry), d
	case !model.Endpoint.IsNull():
		// A platform does not tell which Python versions it has.
		return &clients{rockyLinuxOnly: true, images: withoutContext(once(func() (imageregistry.Registry, error) {
			registry, err := p.newPlatformRegistry(model)
			if err == nil {
				p.end.add(registry.Settle)
			}
			return registry, err
		}))}, d
	case model.EmbeddedRegistry != nil:
		locate := p.locator(model, account)
		return &clients{
			images:         p.embeddedRegistry(model, locate),
			externalBases:  func(ctx context.Context) (string, []string) { return externalBases(ctx, model, locate) },
			pythonVersions: slices.Sorted(maps.Keys(model.EmbeddedRegistry.BaseImages)),
		}, d
	default:
		return none(diags.ErrNoRegistry), d
	}
}

// once makes a client when it is first asked for.
func once[T any](construct func() (T, error)) func() (T, error) {
	return sync.OnceValues(func() (T, error) {
		client, err := construct()
		if err != nil {
			var none T
			return none, &diags.ConfigurationError{Err: err}
		}
		return client, nil
	})
}

func always[T any](client T, err error) func() (T, error) {
	return func() (T, error) { return client, err }
}

// withoutContext is a client that is made without asking anybody.
func withoutContext[T any](client func() (T, error)) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { return client() }
}

// lifelines is where the providers of this machine show each other that they live. It is for one that learns of its end: without that, each end would look like a death.
func (p *rimeProvider) lifelines() string {
	if p.end == nil {
		return ""
	}
	return os.TempDir()
}

// connection is what the attribute `http` describes.
type connection struct {
	transport http.RoundTripper
	timeout   time.Duration
	// retries is negative for none: zero would mean the default where it is going to.
	retries int
}

func newConnection(m *httpModel) (connection, error) {
	transport, err := httpx.NewTransport(httpx.Trust{CAFile: m.CAFile.ValueString(), InsecureSkipVerify: m.InsecureSkipVerify.ValueBool()})
	if err != nil {
		return connection{}, fmt.Errorf("http.ca_file: %w", err)
	}
	timeout, err := time.ParseDuration(m.RequestTimeout.ValueString())
	if err != nil {
		return connection{}, fmt.Errorf("http.request_timeout: %w", err)
	}
	return connection{transport: transport, timeout: timeout, retries: cmp.Or(int(m.MaxRetries.ValueInt64()), -1)}, nil
}

// newPlatformRegistry makes the registry of a RIME platform; it contacts nothing yet.
func (p *rimeProvider) newPlatformRegistry(model providerModel) (*rime.Registry, error) {
	c, err := newConnection(model.HTTP)
	if err != nil {
		return nil, err
	}
	return rime.New(rime.Config{
		Endpoint:       model.Endpoint.ValueString(),
		APIKey:         model.APIKey.ValueString(),
		Transport:      c.transport,
		UserAgent:      "terraform-provider-rime/" + p.version,
		RequestTimeout: c.timeout,
		Retries:        c.retries,
		Lifelines:      p.lifelines(),
		Observe:        logExchange("request to the RIME platform"),
	})
}

// logExchange leaves a trace of every request in Terraform's log, at the level DEBUG. Nothing secret is in it.
func logExchange(message string) func(context.Context, httpx.Exchange) {
	return func(ctx context.Context, e httpx.Exchange) {
		fields := map[string]any{"method": e.Method, "url": e.URL, "status": e.Status, "elapsed_ms": e.Elapsed.Milliseconds()}
		if e.Err != nil {
			fields["error"] = redact.Text(e.Err.Error())
		}
		tflog.Debug(ctx, message, fields)
	}
}
