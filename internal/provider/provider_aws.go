package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// awsModel is the attribute `aws` of the provider.
type awsModel struct {
	Region      types.String            `tfsdk:"region"`
	Profile     types.String            `tfsdk:"profile"`
	AssumeRole  *assumeRoleModel        `tfsdk:"assume_role"`
	Endpoints   map[string]types.String `tfsdk:"endpoints"`
	DefaultTags map[string]string       `tfsdk:"default_tags"`
}

type assumeRoleModel struct {
	RoleARN     types.String `tfsdk:"role_arn"`
	SessionName types.String `tfsdk:"session_name"`
	ExternalID  types.String `tfsdk:"external_id"`
}

// The services of AWS whose address can be configured.
const (
	serviceECR = "ecr"
	serviceIAM = "iam"
	serviceSTS = "sts"
)

// awsClient prepares the client of AWS, from the attributes that it needs: other values of the configuration may well be known only after an apply, such as
// the address of a platform that is installed with the roles made here.
func (p *rimeProvider) awsClient(ctx context.Context, config tfsdk.Config) func() (*awsregistry.Client, error) {
	var account, connection types.Object
	d := config.GetAttribute(ctx, path.Root("aws"), &account)
	d.Append(config.GetAttribute(ctx, path.Root("http"), &connection)...)
	if d.HasError() {
		return always[*awsregistry.Client](nil, diags.ErrNotConfigured)
	}
	if !wholeValue(ctx, account) || !wholeValue(ctx, connection) {
		return always[*awsregistry.Client](nil, diags.ErrNotKnownYet)
	}
	var m *awsModel
	var h *httpModel
	d.Append(config.GetAttribute(ctx, path.Root("aws"), &m)...)
	d.Append(config.GetAttribute(ctx, path.Root("http"), &h)...)
	if d.HasError() {
		return always[*awsregistry.Client](nil, diags.ErrNotConfigured)
	}
	return once(func() (*awsregistry.Client, error) {
		options := p.awsOptions
		options.Lifelines = p.lifelines()
		client, err := newAWSClient(m, h.withDefaults(), p.version, options)
		if err == nil {
			p.end.add(client.Settle)
		}
		return client, err
	})
}

// in is this configuration for another region.
func (m *awsModel) in(region string) *awsModel {
	var regional awsModel
	if m != nil {
		regional = *m
	}
	regional.Region = types.StringValue(region)
	return &regional
}

// newAWSClient makes the client; it contacts nothing yet. What is not configured is left to AWS's standard chain.
func newAWSClient(m *awsModel, h *httpModel, version string, options awsregistry.Options) (*awsregistry.Client, error) {
	c, err := newConnection(h)
	if err != nil {
		return nil, err
	}
	return awsregistry.New(awsConfig(m, c, version, options))
}

// newIndexTokens makes the source of tokens for package indexes of AWS; it contacts nothing yet.
func newIndexTokens(m *awsModel, c connection, version string, options awsregistry.Options) *awsregistry.CodeArtifact {
	return awsregistry.NewCodeArtifact(awsConfig(m, c, version, options))
}

// awsConfig is what the attribute `aws` says.
func awsConfig(m *awsModel, c connection, version string, options awsregistry.Options) awsregistry.Config {
	options.RequestTimeout, options.Retries = c.timeout, c.retries
	config := awsregistry.Config{
		Transport: c.transport, UserAgent: "terraform-provider-rime/" + version, Observe: logAWSExchange, Options: options,
	}
	if m != nil {
		config.Region, config.Profile, config.DefaultTags = m.Region.ValueString(), m.Profile.ValueString(), m.DefaultTags
		config.Endpoints = awsregistry.Endpoints{ECR: m.Endpoints[serviceECR].ValueString(), IAM: m.Endpoints[serviceIAM].ValueString(), STS: m.Endpoints[serviceSTS].ValueString()}
		if a := m.AssumeRole; a != nil {
			config.AssumeRole = &awsregistry.AssumeRole{
				RoleARN: a.RoleARN.ValueString(), SessionName: a.SessionName.ValueString(), ExternalID: a.ExternalID.ValueString(),
			}
		}
	}
	return config
}

// logAWSExchange leaves a trace of every request in Terraform's log, at the level DEBUG. Nothing secret is in it.
func logAWSExchange(ctx context.Context, e httpx.Exchange) {
	fields := map[string]any{"method": e.Method, "url": e.URL, "status": e.Status, "elapsed_ms": e.Elapsed.Milliseconds()}
	if e.Err != nil {
		fields["error"] = redact.Text(e.Err.Error())
	}
	tflog.Debug(ctx, "request to AWS", fields)
}

// WithAWSOptions tunes the client of AWS.
func WithAWSOptions(options awsregistry.Options) Option {
	return func(p *rimeProvider) { p.awsOptions = options }
}

func awsAttribute() schema.Attribute {
	optional := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: []validator.String{notEmpty("")}}
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "The AWS account of `rime_image_registry_config` and its kin, and of the embedded registry where that is in ECR. Everything may be left out: then it comes from AWS's standard chain " +
			"(environment variables such as `AWS_PROFILE` and `AWS_REGION`, shared configuration files, the role of the machine or pod).",
		Attributes: map[string]schema.Attribute{
			"region":  optional("Region of the ECR registry, such as `eu-central-1`. Images in an ECR registry that `embedded_registry.url` names are in the region of that name."),
			"profile": optional("Profile of AWS's shared configuration files."),
			"assume_role": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "A role to take on with the credentials of the chain.",
				Attributes: map[string]schema.Attribute{
					"role_arn": schema.StringAttribute{
						Required:            true,
						MarkdownDescription: "ARN of the role, such as `arn:aws:iam::123456789012:role/registry-admin`.",
						Validators:          []validator.String{notEmpty("")},
					},
					"session_name": optional("Name of the session, as it shows in AWS CloudTrail. Defaults to `terraform-provider-rime`."),
					"external_id":  optional("External id that the owner of the role asks for."),
				},
			},
			"endpoints": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Addresses that replace AWS's own, for VPC endpoints and for tests, with their scheme, such as `http://127.0.0.1:4566`. The keys are `ecr`, `iam` and `sts`. " +
					"Defaults to the environment variables `AWS_ENDPOINT_URL_ECR`, `AWS_ENDPOINT_URL_IAM`, `AWS_ENDPOINT_URL_STS` and `AWS_ENDPOINT_URL`, else to AWS's own.",
				Validators: []validator.Map{keysCheck{"endpoints", []string{serviceECR, serviceIAM, serviceSTS}}, mapvalidator.ValueStringsAre(awsEndpointCheck)},
			},
			"default_tags": schema.MapAttribute{
				Optional:            true,
				ElementType:         types.StringType,
				MarkdownDescription: "Tags for everything that is made on AWS, by name. Tags of a resource win over them.",
				Validators:          []validator.Map{mapvalidator.NoNullValues(), tagsCheck{}},
			},
		},
	}
}

// wholeValue tells whether all of a value is known.
func wholeValue(ctx context.Context, value types.Object) bool {
	raw, err := value.ToTerraformValue(ctx)
	return err == nil && raw.IsFullyKnown()
}
