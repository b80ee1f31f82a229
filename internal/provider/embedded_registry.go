package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/buildkit"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/embedded"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// embeddedRegistry makes the embedded registry when it is first asked for, once it is known where that is.
func (p *rimeProvider) embeddedRegistry(model providerModel, locate func(context.Context) (home, error)) func(context.Context) (imageregistry.Registry, error) {
	made := wait.NewLazy[imageregistry.Registry]()
	return func(ctx context.Context) (imageregistry.Registry, error) {
		return made.Get(ctx, wait.Always, func(ctx context.Context) (imageregistry.Registry, error) {
			where, err := locate(ctx)
			if err != nil {
				return nil, err
			}
			registry, err := p.newEmbeddedRegistry(model, where)
			if err != nil {
				return nil, &diags.ConfigurationError{Err: err}
			}
			return registry, nil
		})
	}
}

// home is where the embedded registry keeps its images.
type home struct {
	// host is the registry's host[:port].
	host string
	// ecr is the client of AWS for a registry of ECR; nil for any other.
	ecr *awsregistry.Client
	// own tells that the registry is that of the caller's account, whose repositories can be made and listed.
	own bool
}

// locator finds out where the embedded registry is: where the configuration says, or else in ECR.
func (p *rimeProvider) locator(model providerModel, account func() (*awsregistry.Client, error)) func(context.Context) (home, error) {
	host := model.EmbeddedRegistry.URL.ValueString()
	registry, isECR := awsregistry.ParseRegistryURL(host)
	switch {
	case host == "":
		return func(ctx context.Context) (home, error) { return accountRegistry(ctx, account) }
	case !isECR:
		return func(context.Context) (home, error) { return home{host: host}, nil }
	}
	regional := account
	if model.AWS == nil || model.AWS.Region.ValueString() != registry.Region {
		regional = once(func() (*awsregistry.Client, error) {
			return newAWSClient(model.AWS.in(registry.Region), model.HTTP, p.version, p.awsOptions)
		})
	}
	return func(ctx context.Context) (home, error) {
		h, err := namedRegistry(ctx, host, registry, regional)
		if model.AWS == nil && model.EmbeddedRegistry.RepositorySettings == nil && errors.Is(err, awsregistry.ErrCredentialsMissing) && loggedIn(ctx, host) {
			return home{host: host}, nil // Whoever has no credentials of AWS has logged in to it like to any other.
		}
		return h, err
	}
}

// loggedIn tells whether Docker has credentials for the registry.
func loggedIn(ctx context.Context, host string) bool {
	registry, err := name.NewRegistry(host)
	if err != nil {
		return false
	}
	authenticator, err := authn.Resolve(ctx, authn.DefaultKeychain, registry)
	return err == nil && authenticator != authn.Anonymous
}

// accountRegistry is the ECR registry of the account, as AWS names it.
func accountRegistry(ctx context.Context, account func() (*awsregistry.Client, error)) (home, error) {
	client, err := account()
	if err != nil {
		return home{}, err
	}
	credentials, err := client.Credentials(ctx)
	if err != nil {
		return home{}, &diags.RegistryNotFoundError{Err: err}
	}
	return home{host: credentials.Host(), ecr: client, own: true}, nil
}

// namedRegistry is an ECR registry that the configuration names.
func namedRegistry(ctx context.Context, host string, registry awsregistry.Account, regional func() (*awsregistry.Client, error)) (home, error) {
	client, err := regional()
	if err != nil {
		return home{}, err
	}
	caller, err := client.Account(ctx)
	if err != nil {
		return home{}, &diags.RegistryNotFoundError{Err: err}
	}
	return home{host: host, ecr: client, own: caller.ID == registry.ID}, nil
}

// keychain has the credentials of the registry, and of those that base images come from.
func (h home) keychain() authn.Keychain {
	if h.ecr == nil {
		return authn.DefaultKeychain
	}
	return authn.NewMultiKeychain(h.ecr.Keychain(h.host), authn.DefaultKeychain)
}

// transport makes the requests to the registry.
func (h home) transport(next http.RoundTripper) http.RoundTripper {
	if h.ecr == nil {
		return next
	}
	return h.ecr.Limiter().Transport(h.host, next)
}

// repositories takes care of repositories; nil where the registry makes them on the first push.
func (h home) repositories(settings awsregistry.RepositorySettings) embedded.RepositoryManager {
	if !h.own {
		return nil
	}
	return &awsregistry.RepositoryManager{Client: h.ecr, Settings: settings}
}

// externalBases are the base images that are kept in another registry, by Python version.
func (h home) externalBases(images map[string]string) []string {
	var external []string
	for _, version := range slices.Sorted(maps.Keys(images)) {
		reference, err := name.ParseReference(images[version])
		if err == nil && !sameRegistry(reference.Context().RegistryStr(), h.host) {
			external = append(external, fmt.Sprintf("%q = %q", version, images[version]))
		}
	}
	return external
}

// sameRegistry tells whether two hosts are one registry: ECR's have a twin for FIPS.
func sameRegistry(a, b string) bool {
	one, isECR := awsregistry.ParseRegistryURL(a)
	other, alike := awsregistry.ParseRegistryURL(b)
	return a == b || isECR && alike && one == other
}

// externalBases are the base images of an embedded registry in ECR that are kept elsewhere, and where it is; none where it is not in ECR, or that cannot be told.
func externalBases(ctx context.Context, model providerModel, locate func(context.Context) (home, error)) (host string, external []string) {
	h, err := locate(ctx)
	if err != nil || !h.own {
		return "", nil
	}
	return h.host, h.externalBases(model.EmbeddedRegistry.BaseImages)
}

// check refuses what does not go together with where the registry is.
func (h home) check(m *embeddedRegistryModel) error {
	if m.RepositorySettings != nil && !h.own {
		return fmt.Errorf("embedded_registry.repository_settings is for repositories in the ECR registry of the AWS account, and %s is %s: remove one of them", m.urlFrom, h.host)
	}
	if external := h.externalBases(m.BaseImages); m.refusesExternal() && len(external) > 0 {
		return fmt.Errorf("embedded_registry.allow_external_custom_images is false, and these base images are not in the registry %s: %s; "+
			"push them there and give their new references in embedded_registry.base_images", h.host, strings.Join(external, ", "))
	}
	return nil
}

// newEmbeddedRegistry makes the embedded registry and its builder; neither contacts anything yet.
func (p *rimeProvider) newEmbeddedRegistry(model providerModel, h home) (*embedded.Registry, error) {
	m := model.EmbeddedRegistry
	if err := h.check(m); err != nil {
		return nil, err
	}
	c, err := newConnection(model.HTTP)
	if err != nil {
		return nil, err
	}
	builder, err := newBuilder(model, h, p.version)
	if err != nil {
		return nil, err
	}
	index, err := newPackageIndex(m.Pip, c, p.version, newIndexTokens(model.AWS, c, p.version, p.awsOptions).Credentials)
	if err != nil {
		return nil, err
	}
	newest, err := m.Pip.newest()
	if err != nil {
		return nil, err
	}
	registry, err := embedded.New(embedded.Config{
		URL:              h.host,
		RepositoryPrefix: m.RepositoryPrefix.ValueString(),
		Insecure:         m.Insecure.ValueBool(),
		BaseImages:       m.BaseImages,
		Keychain:         h.keychain(),
		Transport:        h.transport(c.transport),
		Builder:          builder,
		Platforms:        m.Platforms,
		Index:            index,
		ExcludeNewer:     newest,
		BuildDecides:     m.Pip.buildDecides(),
		OnlyLocked:       len(m.Pip.Indexes) > 0,
		Repositories:     h.repositories(m.RepositorySettings.settings()),
		Version:          p.version,
		Options: embedded.Options{
			RequestTimeout: c.timeout,
			Retries:        c.retries,
			Lifelines:      p.lifelines(),
		},
	})
	if err != nil {
		return nil, err
	}
	p.end.add(func() {
		registry.Settle()
		registry.Close()
		_ = builder.Close() // nothing goes on any more
	})
	return registry, nil
}

// newBuilder makes the builder; it contacts nothing.
func newBuilder(model providerModel, h home, version string) (*buildkit.Builder, error) {
	m := model.EmbeddedRegistry
	insecureHost := ""
	if m.Insecure.ValueBool() {
		insecureHost = h.host
	}
	return buildkit.New(buildkit.Options{
		Address: m.Buildkit.Address.ValueString(),
		TLS: buildkit.TLSOptions{
			CACert:     m.Buildkit.CAFile.ValueString(),
			Cert:       m.Buildkit.CertFile.ValueString(),
			Key:        m.Buildkit.KeyFile.ValueString(),
			ServerName: m.Buildkit.ServerName.ValueString(),
		},
		Keychain:  h.keychain(),
		Insecure:  func(host string) bool { return host == insecureHost },
		Platforms: m.Platforms,
		Pip: buildkit.PipOptions{
			IndexURL:       m.Pip.IndexURL.ValueString(),
			ExtraIndexURLs: m.Pip.allExtraIndexes(),
			Config:         m.Pip.Config.ValueString(),
		},
		CAFile:      model.HTTP.CAFile.ValueString(),
		Cache:       buildkit.CacheOptions{Ref: m.Cache.Ref.ValueString(), Mode: m.Cache.Mode.ValueString()},
		Compression: m.Compression.ValueString(),
		MaxParallel: int(m.MaxParallelBuilds.ValueInt64()),
		Version:     version,
	})
}
