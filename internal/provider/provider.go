// Package provider is everything Terraform calls, and nothing else: schemas, models, plans and verbs. What they do to
// images is asked of an [imageregistry.Registry].
package provider

import (
	"context"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/planmemory"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

var (
	_ provider.Provider                       = (*rimeProvider)(nil)
	_ provider.ProviderWithConfigValidators   = (*rimeProvider)(nil)
	_ provider.ProviderWithEphemeralResources = (*rimeProvider)(nil)
	_ provider.ProviderWithFunctions          = (*rimeProvider)(nil)
)

// New returns the constructor of the provider, in that version.
func New(version string, options ...Option) func() provider.Provider {
	return func() provider.Provider {
		p := &rimeProvider{version: version}
		for _, option := range options {
			option(p)
		}
		return p
	}
}

// Option changes a provider for a test.
type Option func(*rimeProvider)

// WithRegistry makes managed images live in that registry, whatever the configuration says.
func WithRegistry(registry imageregistry.Registry) Option {
	return func(p *rimeProvider) { p.registry = registry }
}

// WithPrimeHubTiming is how long a PrimeHub platform is waited for that does things in its own time.
func WithPrimeHubTiming(timing primehub.Timing) Option {
	return func(p *rimeProvider) { p.primehubTiming = timing }
}

// WithEnd makes the provider leave there what is to be done when Terraform ends it.
func WithEnd(end *End) Option {
	return func(p *rimeProvider) { p.end = end }
}

// WithMemory makes plans leave there what they found out, for the apply.
func WithMemory(memory planmemory.Memory) Option {
	return func(p *rimeProvider) { p.memory = memory }
}

// End is what is to be done when Terraform ends the provider in good order, which it does after it has saved its state. The zero value is ready.
type End struct {
	mu   sync.Mutex
	todo []func()
}

func (e *End) add(do func()) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.todo = append(e.todo, do)
}

// Come does it. Terraform waits no longer than two seconds.
func (e *End) Come() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, do := range e.todo {
		do()
	}
	e.todo = nil
}

type rimeProvider struct {
	version  string
	registry imageregistry.Registry
	end      *End
	memory   planmemory.Memory
	// primehubTiming is how long a PrimeHub platform is waited for. Zero fields take the defaults.
	primehubTiming primehub.Timing
	// awsOptions tune the client of AWS in tests.
	awsOptions awsregistry.Options
}

// Metadata implements provider.Provider.
func (p *rimeProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "rime"
	resp.Version = p.version
}

// Configure implements provider.Provider. It contacts nothing: clients are made when they are first used.
func (p *rimeProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	clients, d := p.clients(ctx, withoutSlips(ctx, req.Config))
	clients.memory = p.memory
	resp.Diagnostics.Append(d...)
	resp.ResourceData = clients
	resp.DataSourceData = clients
	resp.EphemeralResourceData = clients
	resp.ActionData = clients
	resp.ListResourceData = clients
}

// Resources implements provider.Provider.
func (p *rimeProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newManagedImageResource, newGroupImageResource, newImageRegistryConfigResource}
}

// DataSources implements provider.Provider.
func (p *rimeProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newManagedImageDataSource, newManagedImagesDataSource, newImageBuildDataSource, newPipResolutionDataSource,
		newGroupImageDataSource, newGroupImagesDataSource, newGroupDataSource, newImagePullSecretsDataSource,
		newImageRegistryDataSource, newPolicyDocumentsDataSource, newLifecyclePolicyPreviewDataSource,
	}
}

// EphemeralResources implements provider.ProviderWithEphemeralResources.
func (p *rimeProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newRegistryCredentialsEphemeral}
}

// Functions implements provider.ProviderWithFunctions.
func (p *rimeProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newParsePipRequirementsFunction, newReadPipFileFunction, newParseCondaSpecFunction, newRepositoryNameFunction}
}
