package provider

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

// The environment variables that stand in for attributes.
const (
	envEndpoint         = "RIME_ENDPOINT"
	envAPIKey           = "RIME_API_KEY"
	envURL              = "RIME_EMBEDDED_REGISTRY_URL"
	envRepositoryPrefix = "RIME_EMBEDDED_REGISTRY_REPOSITORY_PREFIX"
	envBuildkitAddress  = "BUILDKIT_HOST"
	envNetrc            = "NETRC" // where pip and curl find it as well
)

// The defaults of attributes.
const (
	defaultCacheMode      = "max"
	defaultRequestTimeout = time.Minute
	defaultMaxRetries     = 4
)

// The values of tag_mutability of repositories that the embedded registry makes.
const (
	mutableTags   = "MUTABLE"
	immutableTags = "IMMUTABLE"
)

// defaultPythonVersions are the Python versions that have a base image unless the configuration names others: those that
// the official image has with this suite.
var defaultPythonVersions = []string{"3.10", "3.11", "3.12", "3.13", "3.14"}

// debianSuite is the release of Debian that the default base images have. The tags without one changed it overnight, in
// August 2025, and packages of the system with it.
const debianSuite = "bookworm"

func defaultBaseImages() map[string]string {
	images := make(map[string]string, len(defaultPythonVersions))
	for _, version := range defaultPythonVersions {
		images[version] = "python:" + version + "-slim-" + debianSuite
	}
	return images
}

// providerModel is the provider's configuration. It is decoded only when every value is known.
type providerModel struct {
	Endpoint         types.String           `tfsdk:"endpoint"`
	APIKey           types.String           `tfsdk:"api_key"`
	PrimeHub         *primehubModel         `tfsdk:"primehub"`
	AWS              *awsModel              `tfsdk:"aws"`
	EmbeddedRegistry *embeddedRegistryModel `tfsdk:"embedded_registry"`
	HTTP             *httpModel             `tfsdk:"http"`
}

type primehubModel struct {
	Endpoint types.String `tfsdk:"endpoint"`
	APIToken types.String `tfsdk:"api_token"`
	Group    types.String `tfsdk:"group"`
}

type embeddedRegistryModel struct {
	URL                       types.String             `tfsdk:"url"`
	RepositoryPrefix          types.String             `tfsdk:"repository_prefix"`
	Insecure                  types.Bool               `tfsdk:"insecure"`
	RepositorySettings        *repositorySettingsModel `tfsdk:"repository_settings"`
	BaseImages                map[string]string        `tfsdk:"base_images"`
	AllowExternalCustomImages types.Bool               `tfsdk:"allow_external_custom_images"`
	Buildkit                  *buildkitModel           `tfsdk:"buildkit"`
	Platforms                 []string                 `tfsdk:"platforms"`
	Pip                       *pipModel                `tfsdk:"pip"`
	Cache                     *cacheModel              `tfsdk:"cache"`
	Compression               types.String             `tfsdk:"compression"`
	MaxParallelBuilds         wholeNumber              `tfsdk:"max_parallel_builds"`
	// urlFrom is what the registry's address comes from, for messages.
	urlFrom string
}

// refusesExternal tells that base images must be in the registry itself.
func (m *embeddedRegistryModel) refusesExternal() bool {
	return !m.AllowExternalCustomImages.IsNull() && !m.AllowExternalCustomImages.ValueBool()
}

// repositorySettingsModel is how the embedded registry makes repositories in ECR.
type repositorySettingsModel struct {
	TagMutability       types.String      `tfsdk:"tag_mutability"`
	ScanOnPush          types.Bool        `tfsdk:"scan_on_push"`
	Encryption          *encryptionModel  `tfsdk:"encryption"`
	LifecyclePolicyJSON types.String      `tfsdk:"lifecycle_policy_json"`
	Tags                map[string]string `tfsdk:"tags"`
}

// settings are those of new repositories. It may be called on nil.
func (m *repositorySettingsModel) settings() awsregistry.RepositorySettings {
	if m == nil {
		return awsregistry.RepositorySettings{}
	}
	settings := awsregistry.RepositorySettings{
		TagMutability: m.TagMutability.ValueString(), ScanOnPush: m.ScanOnPush.ValueBoolPointer(),
		LifecyclePolicy: awsregistry.CanonicalLifecyclePolicy(m.LifecyclePolicyJSON.ValueString()), Tags: m.Tags,
	}
	if settings.TagMutability == immutableTags {
		settings.TagMutability, settings.Exclusions = awsregistry.ImmutableExceptRecords()
	}
	if e := m.Encryption; e != nil {
		settings.Encryption = &awsregistry.Encryption{Type: e.Type.ValueString(), KMSKey: e.KMSKey.ValueString()}
	}
	return settings
}

type buildkitModel struct {
	Address    types.String `tfsdk:"address"`
	CAFile     types.String `tfsdk:"ca_file"`
	CertFile   types.String `tfsdk:"cert_file"`
	KeyFile    types.String `tfsdk:"key_file"`
	ServerName types.String `tfsdk:"server_name"`
}

type pipModel struct {
	IndexURL       types.String             `tfsdk:"index_url"`
	ExtraIndexURLs []string                 `tfsdk:"extra_index_urls"`
	Indexes        map[string]pipIndexModel `tfsdk:"indexes"`
	Config         types.String             `tfsdk:"config"`
	ExcludeNewer   types.String             `tfsdk:"exclude_newer"`
}

type pipIndexModel struct {
	URL      string   `tfsdk:"url"`
	Packages []string `tfsdk:"packages"`
}

type cacheModel struct {
	Ref  types.String `tfsdk:"ref"`
	Mode types.String `tfsdk:"mode"`
}

type httpModel struct {
	RequestTimeout     types.String `tfsdk:"request_timeout"`
	MaxRetries         wholeNumber  `tfsdk:"max_retries"`
	CAFile             types.String `tfsdk:"ca_file"`
	InsecureSkipVerify types.Bool   `tfsdk:"insecure_skip_verify"`
}

// readConfig decodes a configuration whose values are all known and fills in the environment and the defaults.
// It describes one registry at most: Endpoint is null when it is not a RIME platform, EmbeddedRegistry nil when it is not the embedded one. An endpoint has
// precedence over an embedded registry, and the configuration over the environment.
func readConfig(ctx context.Context, config tfsdk.Config) (providerModel, diag.Diagnostics) {
	var model providerModel
	d := config.Get(ctx, &model)
	if d.HasError() {
		return model, d
	}
	model.HTTP = model.HTTP.withDefaults()
	switch {
	case !model.Endpoint.IsNull(), model.EmbeddedRegistry == nil && os.Getenv(envEndpoint) != "":
		d.Append(model.fillPlatform()...)
	case model.EmbeddedRegistry != nil:
		d.Append(model.EmbeddedRegistry.fill()...)
	case !model.APIKey.IsNull():
		d.Append(diags.MissingValue(path.Root("endpoint"), envEndpoint))
	case os.Getenv(envURL) != "":
		model.EmbeddedRegistry = &embeddedRegistryModel{}
		d.Append(model.EmbeddedRegistry.fill()...)
	}
	return model, d
}

// fillPlatform completes the configuration of a RIME platform from the environment.
func (m *providerModel) fillPlatform() diag.Diagnostics {
	var d diag.Diagnostics
	m.EmbeddedRegistry = nil
	m.Endpoint = fromEnvironment(m.Endpoint, envEndpoint, endpointCheck, path.Root("endpoint"), &d)
	if key := os.Getenv(envAPIKey); m.APIKey.IsNull() && key != "" {
		m.APIKey = types.StringValue(key)
	}
	if m.APIKey.ValueString() == "" {
		d.Append(diags.MissingValue(path.Root("api_key"), envAPIKey))
	}
	return d
}

// fill completes the configuration of the embedded registry from the environment, which is checked like the configuration.
func (m *embeddedRegistryModel) fill() diag.Diagnostics {
	var d diag.Diagnostics
	at := path.Root("embedded_registry")
	m.urlFrom = "embedded_registry.url"
	if m.URL.IsNull() {
		m.urlFrom = "the environment variable " + envURL
	}
	m.URL = fromEnvironment(m.URL, envURL, registryHostCheck, at.AtName("url"), &d)
	m.RepositoryPrefix = fromEnvironment(m.RepositoryPrefix, envRepositoryPrefix, repositoryPrefixCheck, at.AtName("repository_prefix"), &d)
	if refused := m.RepositorySettings.settings().Check(); refused != nil {
		d.Append(diags.InvalidInput(at.AtName("repository_settings").AtName(string(refused.Field)), refused))
	}
	if len(m.BaseImages) == 0 {
		m.BaseImages = defaultBaseImages()
	}
	if m.Buildkit == nil {
		m.Buildkit = &buildkitModel{}
	}
	m.Buildkit.Address = fromEnvironment(m.Buildkit.Address, envBuildkitAddress, buildkitAddressCheck, at.AtName("buildkit").AtName("address"), &d)
	if m.Pip == nil {
		m.Pip = &pipModel{}
	}
	if m.Cache == nil {
		m.Cache = &cacheModel{}
	}
	m.Cache.Mode = types.StringValue(cmp.Or(m.Cache.Mode.ValueString(), defaultCacheMode))
	return d
}

// readNetrc reads the file that holds the user's credentials for hosts, where pip finds it.
func readNetrc() pythonindex.Netrc {
	file := os.Getenv(envNetrc)
	if home, err := os.UserHomeDir(); file == "" && err == nil {
		file = filepath.Join(home, ".netrc")
	}
	text, err := os.ReadFile(file) // none is as good as an empty one
	if err != nil {
		return pythonindex.Netrc{}
	}
	return pythonindex.ParseNetrc(string(text))
}

// fromEnvironment is the configured value, or else what the environment variable has, if it passes.
func fromEnvironment(configured types.String, variable string, c check, at path.Path, d *diag.Diagnostics) types.String {
	value := os.Getenv(variable)
	if !configured.IsNull() || value == "" {
		return configured
	}
	if problem := c.find(value); problem != nil {
		d.Append(diags.InvalidEnvironment(c.summary, at, variable, value, problem))
	}
	return types.StringValue(value)
}

// withDefaults fills in the defaults; it may be called on nil.
func (m *httpModel) withDefaults() *httpModel {
	if m == nil {
		m = &httpModel{}
	}
	if m.RequestTimeout.IsNull() {
		m.RequestTimeout = types.StringValue(defaultRequestTimeout.String())
	}
	if m.MaxRetries.IsNull() {
		m.MaxRetries = wholeNumber{Int64Value: types.Int64Value(defaultMaxRetries)}
	}
	return m
}

// known tells whether all of these attributes are known, with everything in them.
func known(ctx context.Context, config tfsdk.Config, attributes ...string) bool {
	for _, attribute := range attributes {
		var object types.Object
		if config.GetAttribute(ctx, path.Root(attribute), &object).HasError() {
			return false
		}
		if value, err := object.ToTerraformValue(ctx); err != nil || !value.IsFullyKnown() {
			return false
		}
	}
	return true
}

// readPrimeHub puts together which PrimeHub platform is meant, from a configuration whose values are known, the environment and the settings file of PrimeHub's SDK,
// in this order of precedence. The error is that of the file; what is configured or in the environment may do without it.
func readPrimeHub(ctx context.Context, config tfsdk.Config) (settings primehub.Settings, d diag.Diagnostics, fileErr error) {
	var model *primehubModel
	if d = config.GetAttribute(ctx, path.Root("primehub"), &model); d.HasError() {
		return settings, d, nil
	}
	var explicit primehub.Settings
	if model != nil {
		explicit = primehub.Settings{Endpoint: model.Endpoint.ValueString(), APIToken: model.APIToken.ValueString(), Group: model.Group.ValueString()}
	}
	file, fileErr := primehubFile()
	settings = primehub.ResolveSettings(file, os.Getenv, explicit)
	if model != nil && fileErr == nil {
		at := path.Root("primehub")
		if settings.Endpoint == "" {
			d.Append(diags.MissingValue(at.AtName("endpoint"), primehub.EnvEndpoint))
		}
		if settings.APIToken == "" {
			d.Append(diags.MissingValue(at.AtName("api_token"), primehub.EnvAPIToken))
		}
	}
	if settings.Endpoint != "" && settings.APIToken != "" {
		fileErr = nil
	}
	return settings, d, fileErr
}

// primehubFile reads the settings file of PrimeHub's SDK. Where there is none, nothing is set.
func primehubFile() (primehub.Settings, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return primehub.Settings{}, nil //nolint:nilerr // somebody without a home has no settings there
	}
	text, err := os.ReadFile(filepath.Join(home, filepath.FromSlash(primehub.SettingsFile)))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		return primehub.Settings{}, nil
	case err != nil:
		return primehub.Settings{}, err
	}
	return primehub.ParseSettings(text)
}
