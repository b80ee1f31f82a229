package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/providervalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// Schema implements provider.Provider.
func (p *rimeProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerSchema()
	guardProviderObjects(resp.Schema.Attributes)
}

// providerSchema is the schema without slips, as the models have it.
func providerSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Container images that hold exactly the dependencies of a machine-learning model, as code. " +
			"With `endpoint`, a RIME platform builds and keeps them. Without it, the embedded registry builds them with BuildKit and keeps them in any OCI registry; " +
			"there is no server and no database. With `primehub`, a PrimeHub platform builds and keeps the images of its groups, and its system images.\n\n" +
			"Where several registries are described, `endpoint` has precedence over `embedded_registry`, and this configuration over the environment: " +
			"`endpoint`, then `embedded_registry`, then `RIME_ENDPOINT`, then `RIME_EMBEDDED_REGISTRY_URL`.\n\n" +
			"Nothing is contacted until a resource or data source needs it.",
		Attributes: map[string]schema.Attribute{
			"endpoint": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Web address of a RIME platform, such as `https://rime.example.com`; without a scheme it is `https`. With it, managed images are " +
					"those of the platform, and `embedded_registry` is not used. Defaults to the environment variable `RIME_ENDPOINT`, unless `embedded_registry` is configured.",
				Validators: []validator.String{endpointCheck},
			},
			"api_key": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
				MarkdownDescription: "API token for the RIME platform, made in its Settings under API Access Tokens. Every user may create images; " +
					"only an Organization Administrator may delete them. Defaults to the environment variable `RIME_API_KEY`.",
				Validators: []validator.String{notEmpty("the environment variable " + envAPIKey)},
			},
			"primehub":          primehubAttribute(),
			"aws":               awsAttribute(),
			"embedded_registry": embeddedRegistryAttribute(),
			"http":              httpAttribute(),
		},
	}
}

// ConfigValidators implements provider.ProviderWithConfigValidators.
func (p *rimeProvider) ConfigValidators(context.Context) []provider.ConfigValidator {
	buildkit := path.MatchRoot("embedded_registry").AtName("buildkit")
	return []provider.ConfigValidator{
		providervalidator.RequiredTogether(buildkit.AtName("cert_file"), buildkit.AtName("key_file")),
	}
}

func primehubAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "The PrimeHub platform of group images. What is not set is taken from the environment, and what is not there either from `~/.primehub/config.json`, " +
			"which PrimeHub's SDK writes (`endpoint`, `api-token`, `group.name`).",
		Attributes: map[string]schema.Attribute{
			"endpoint": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Address of PrimeHub's API, such as `https://primehub.example.com/api/graphql`; a host alone will do. " +
					"Defaults to the environment variable `PRIMEHUB_API_ENDPOINT`.",
				Validators: []validator.String{primehubEndpointCheck},
			},
			"api_token": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
				MarkdownDescription: "API token, requested in PrimeHub's User Portal under API Token; a new one revokes the one before. A group's administrator may manage its images, " +
					"a platform administrator all. Defaults to the environment variable `PRIMEHUB_API_TOKEN`.",
				Validators: []validator.String{notEmpty("the environment variable " + primehub.EnvAPIToken)},
			},
			"group": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Name of the group that is meant where a resource or data source names none. Defaults to the environment variable `PRIMEHUB_GROUP`, " +
					"else to no group.",
				Validators: []validator.String{notEmpty("")},
			},
		},
	}
}

func embeddedRegistryAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "The registry of managed images that runs inside the provider: an OCI registry keeps the images and a small record about each, " +
			"BuildKit builds them. Used when `endpoint` is not configured; then `RIME_ENDPOINT` is not used either. `{}` will do on ECR. The registry's credentials are those that `docker login` stored, or those of Docker's credential helpers; for ECR, those of AWS's chain.",
		Attributes: map[string]schema.Attribute{
			"url": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Host and port of the OCI registry, such as `registry.example.com:5000`, without a scheme. Defaults to the environment variable " +
					"`RIME_EMBEDDED_REGISTRY_URL`, else to the ECR registry of the AWS account of `aws`, in its region. For a registry of ECR, credentials come from AWS's chain; in that of the caller's own account, repositories are made as needed.",
				Validators: []validator.String{registryHostCheck},
			},
			"repository_prefix": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Path under which every image has its own repository: the image `sklearn` is kept in `<url>/<repository_prefix>/sklearn`. " +
					"Repositories outside of it are never touched. Defaults to the environment variable `RIME_EMBEDDED_REGISTRY_REPOSITORY_PREFIX`, else to no prefix.",
				Validators: []validator.String{repositoryPrefixCheck},
			},
			"insecure": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether to speak plain HTTP to the registry. Defaults to `false`; loopback addresses are always spoken to in plain HTTP.",
			},
			"repository_settings": repositorySettingsAttribute(),
			"base_images": schema.MapAttribute{
				Optional:    true,
				ElementType: types.StringType,
				MarkdownDescription: "The image to build on for each Python version `X.Y`, by tag or digest, such as `{ \"3.11\" = \"python:3.11-slim-bookworm\" }`. It must have that Python and pip. " +
					"Python versions that are not in the map cannot be asked for. Defaults to `python:X.Y-slim-" + debianSuite + "` for " + defaultPythonVersions[0] + " to " + defaultPythonVersions[len(defaultPythonVersions)-1] + ".",
				Validators: []validator.Map{
					mapvalidator.SizeAtLeast(1),
					mapvalidator.KeysAre(pythonVersionCheck),
					mapvalidator.ValueStringsAre(imageReferenceCheck),
				},
			},
			"allow_external_custom_images": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether base images may come from other registries. With `false`, a plan fails for `base_images` outside of the registry. " +
					"Goes with the attribute of that name of `rime_image_registry_config`. Defaults to `true`.",
			},
			"buildkit": buildkitAttribute(),
			"platforms": schema.ListAttribute{
				Optional:            true,
				ElementType:         types.StringType,
				MarkdownDescription: "Platforms to build for, such as `linux/amd64`. With more than one, the image is an index. A change counts from the next build of an image on. Defaults to the platform of the builder.",
				Validators: []validator.List{
					listvalidator.UniqueValues(), listvalidator.SizeAtLeast(1), listvalidator.ValueStringsAre(platformCheck),
				},
			},
			"pip":   pipAttribute(),
			"cache": cacheAttribute(),
			"compression": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Compression of the layers that a build adds: `gzip`, `zstd`, `estargz` or `uncompressed`. The layers of the base image stay as they are, and a layer that a build finds in its cache keeps its compression. Defaults to BuildKit's own choice.",
				Validators:          []validator.String{oneOf("gzip", "zstd", "estargz", "uncompressed")},
			},
			"max_parallel_builds": schema.Int64Attribute{
				CustomType:          wholeNumberType{},
				Optional:            true,
				MarkdownDescription: "How many builds this provider runs at one time; more wait for their turn. Defaults to `2`.",
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
		},
	}
}

func repositorySettingsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "How repositories are made in the ECR registry of the AWS account, before the first push of an image. Those that exist keep their settings. " +
			"A repository that was made so is deleted with its image, unless it holds something else.",
		Attributes: map[string]schema.Attribute{
			"tag_mutability": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "`MUTABLE`, or `IMMUTABLE` so that no tag of an image can be moved; tags that begin with `rime-` are always excluded, as records are kept under them. Defaults to `MUTABLE`.",
				Validators:          []validator.String{oneOf(mutableTags, immutableTags)},
			},
			"scan_on_push": schema.BoolAttribute{
				Optional: true, MarkdownDescription: "Whether ECR scans images for vulnerabilities when they arrive. Defaults to what the account does.",
			},
			"encryption": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Encryption of the repositories. Defaults to ECR's own, `AES256`.",
				Attributes: map[string]schema.Attribute{
					"type": schema.StringAttribute{
						Required: true, MarkdownDescription: "Kind of encryption: `AES256`, `KMS` or `KMS_DSSE`.",
						Validators: []validator.String{oneOf("AES256", "KMS", "KMS_DSSE")},
					},
					"kms_key": schema.StringAttribute{
						Optional: true, MarkdownDescription: "ARN of the key of AWS KMS; not with `AES256`. Defaults to AWS's own key for ECR.",
						Validators: []validator.String{notEmpty("")},
					},
				},
			},
			"lifecycle_policy_json": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Lifecycle policy of the repositories, as ECR's JSON. One that could expire the record of an image (`rime-record`) or an image in use is refused; " +
					"rules for untagged images are always safe. Defaults to none.",
				Validators: []validator.String{lifecyclePolicyCheck{}, harmlessPolicyCheck},
			},
			"tags": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Tags of the repositories, by name, besides `aws.default_tags`.",
				Validators:          []validator.Map{mapvalidator.NoNullValues()},
			},
		},
	}
}

func buildkitAttribute() schema.Attribute {
	file := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: description,
			Validators:          []validator.String{notEmpty("")},
		}
	}
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The BuildKit daemon that builds.",
		Attributes: map[string]schema.Attribute{
			"address": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Address of the daemon, as BuildKit's own client takes it: `unix:///path`, `tcp://host:port`, `docker-container://name`, `kube-pod://name` or `ssh://host`. " +
					"Defaults to the environment variable `BUILDKIT_HOST`, else to the sockets of a daemon on this machine: " +
					"`unix:///run/buildkit/buildkitd.sock`, then the user's own rootless one.",
				Validators: []validator.String{buildkitAddressCheck},
			},
			"ca_file":   file("Path of a PEM file with the authority that signed the daemon's certificate."),
			"cert_file": file("Path of a PEM file with the certificate to show to the daemon; needs `key_file`."),
			"key_file":  file("Path of a PEM file with the key of the certificate; needs `cert_file`."),
			"server_name": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Name that the daemon's certificate must have. Defaults to the host of the address.",
			},
		},
	}
}

func pipAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Where Python packages come from: plans look their versions up there, and builds install them from there. All of it reaches a build as a secret: it is in no layer, no build history and no provenance, " +
			"and changing credentials changes no image. Credentials stand in the URLs, or in the `.netrc` file of the one who runs Terraform. Indexes of AWS CodeArtifact get their tokens with the credentials of `aws`.",
		Attributes: map[string]schema.Attribute{
			"index_url": schema.StringAttribute{
				Optional:            true,
				Sensitive:           true,
				MarkdownDescription: "URL of the package index, with credentials where it needs them. Defaults to what `config` says, else to the public index.",
				Validators:          []validator.String{indexURLCheck},
			},
			"extra_index_urls": schema.ListAttribute{
				Optional:            true,
				Sensitive:           true,
				ElementType:         types.StringType,
				MarkdownDescription: "URLs of further package indexes. pip treats all indexes alike and takes the best version from any of them.",
				Validators:          []validator.List{listvalidator.ValueStringsAre(indexURLCheck)},
			},
			"indexes": schema.MapAttribute{
				Optional:    true,
				Sensitive:   true,
				ElementType: types.ObjectType{AttrTypes: map[string]attr.Type{"url": types.StringType, "packages": types.SetType{ElemType: types.StringType}}},
				MarkdownDescription: "Package indexes for certain packages, by names of your choice: `{ pytorch = { url = \"https://download.pytorch.org/whl/cpu\", packages = [\"torch\", \"torchvision\"] } }`. " +
					"`url` is an index, with credentials where it needs them. `packages` are what comes from there and from nowhere else, named in `pip_requirements` or not; the index is asked for nothing else.",
				Validators: []validator.Map{packageIndexesCheck{}},
			},
			"config": schema.StringAttribute{
				Optional:            true,
				Sensitive:           true,
				MarkdownDescription: "Text of a whole `pip.conf`, for what the other attributes cannot say. Of indexes, `index-url` and `extra-index-url` count for plans as well.",
			},
			"exclude_newer": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Takes no file that came to its index later: a time as RFC 3339 (`2026-11-01T00:00:00Z`), or an age such as `7d` or `12h`, counted back from the plan. " +
					"An age keeps releases out that nobody has looked at yet. It needs an index that tells when files came to it, as the public one does. Defaults to taking everything.",
				Validators: []validator.String{excludeNewerCheck},
			},
		},
	}
}

func cacheAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "A build cache kept in a registry, for builders that start empty. The daemon's own cache is always used.",
		Attributes: map[string]schema.Attribute{
			"ref": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Image reference of the cache, such as `registry.example.com/cache:ml-images`. Each image writes to a tag of its own, this one with the path of the image's repository added (`ml-images-ml-model`), and reads from that and from the reference itself.",
				Validators:          []validator.String{imageReferenceCheck},
			},
			"mode": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "What to write: `min` for the layers of the result, `max` for those of all steps. Defaults to `max`.",
				Validators:          []validator.String{oneOf("min", "max")},
			},
		},
	}
}

func httpAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "How the provider speaks HTTP to registries. Proxies are taken from the usual environment variables.",
		Attributes: map[string]schema.Attribute{
			"request_timeout": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Longest time for one question to a registry, repetitions included, such as `60s`. Defaults to `60s`.",
				Validators:          []validator.String{durationCheck},
			},
			"max_retries": schema.Int64Attribute{
				CustomType: wholeNumberType{},
				Optional:   true,
				MarkdownDescription: "How often a request is repeated that met a lost connection, a server that was busy (429) or one that was not available (502, 503, 504). " +
					"Only requests that can be repeated without harm are. Defaults to `4`; `0` switches repeating off.",
				Validators: []validator.Int64{int64validator.Between(0, 20)},
			},
			"ca_file": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Path of a PEM file with certificate authorities to trust in addition to the system's. " +
					"Downloads inside builds trust them as well.",
				Validators: []validator.String{notEmpty("")},
			},
			"insecure_skip_verify": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether to accept any certificate of the registry. For experiments only. Defaults to `false`.",
			},
		},
	}
}
