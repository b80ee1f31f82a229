package provider

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/sync/errgroup"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

var _ datasource.DataSourceWithConfigure = (*imageRegistryDataSource)(nil)

// maxLooks is how many repositories are looked at at a time; the client keeps to AWS's quotas besides.
const maxLooks = 8

func newImageRegistryDataSource() datasource.DataSource { return &imageRegistryDataSource{} }

// imageRegistryDataSource is the data source rime_image_registry.
type imageRegistryDataSource struct{ dataSourceBase }

// Metadata implements datasource.DataSource.
func (d *imageRegistryDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image_registry"
}

// Schema implements datasource.DataSource.
func (d *imageRegistryDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	number := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The ECR repositories under a prefix, with their lifecycle policies and what is in them. It takes one request for each 1,000 repositories of the account, and two for each repository under the prefix.",
		Attributes: map[string]schema.Attribute{
			"repository_prefix": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Prefix of the repositories, such as the `effective_repository_prefix` of a `rime_image_registry_config`: `ml` covers `ml/x`, and not `ml-other/x`. " +
					"Empty covers every repository of the account in its region.",
				Validators: []validator.String{managedPrefixCheck},
			},
			"registry_id":  text("Number of the AWS account."),
			"registry_url": text("Host name of the account's ECR registry in its region."),
			"repositories": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The repositories, by name.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name":                  text("Name of the repository."),
					"arn":                   text("ARN of the repository."),
					"uri":                   text("What the references of its images begin with."),
					"created_at":            text("When it was made, as RFC 3339 in UTC."),
					"tag_mutability":        text("Whether tags may be moved: `MUTABLE`, `IMMUTABLE`, or one of them with `_WITH_EXCLUSION`."),
					"scan_on_push":          schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether ECR scans images when they arrive."},
					"encryption_type":       text("Kind of encryption: `AES256`, `KMS` or `KMS_DSSE`."),
					"lifecycle_policy_json": text("The lifecycle policy as JSON, null if there is none."),
					"image_count":           number("Number of manifests: those of an index count for themselves."),
					"size_bytes":            number("Size of all images in bytes, as ECR counts it: layers that images share count for each."),
				}},
			},
		},
	}
}

// imageRegistryDataModel is the state of the data source rime_image_registry.
type imageRegistryDataModel struct {
	RepositoryPrefix types.String      `tfsdk:"repository_prefix"`
	RegistryID       types.String      `tfsdk:"registry_id"`
	RegistryURL      types.String      `tfsdk:"registry_url"`
	Repositories     []repositoryModel `tfsdk:"repositories"`
}

// repositoryModel is one repository.
type repositoryModel struct {
	Name                types.String `tfsdk:"name"`
	ARN                 types.String `tfsdk:"arn"`
	URI                 types.String `tfsdk:"uri"`
	CreatedAt           types.String `tfsdk:"created_at"`
	TagMutability       types.String `tfsdk:"tag_mutability"`
	ScanOnPush          types.Bool   `tfsdk:"scan_on_push"`
	EncryptionType      types.String `tfsdk:"encryption_type"`
	LifecyclePolicyJSON types.String `tfsdk:"lifecycle_policy_json"`
	ImageCount          types.Int64  `tfsdk:"image_count"`
	SizeBytes           types.Int64  `tfsdk:"size_bytes"`
}

// Read implements datasource.DataSource.
func (d *imageRegistryDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model imageRegistryDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	client, err := d.account()
	if err == nil {
		err = model.read(ctx, client)
	}
	if err != nil {
		resp.Diagnostics.Append(diags.FromAWS(diags.ListRepositories, "the repositories under \""+model.RepositoryPrefix.ValueString()+"\"", err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (m *imageRegistryDataModel) read(ctx context.Context, client *awsregistry.Client) error {
	account, err := client.Account(ctx)
	if err != nil {
		return err
	}
	m.RegistryID, m.RegistryURL = types.StringValue(account.ID), types.StringValue(account.RegistryURL())
	m.Repositories = []repositoryModel{}
	for repository, err := range client.Repositories(ctx, m.RepositoryPrefix.ValueString()) {
		if err != nil {
			return err
		}
		m.Repositories = append(m.Repositories, repositoryModel{
			Name: types.StringValue(repository.Name), ARN: types.StringValue(repository.ARN), URI: types.StringValue(repository.URI),
			CreatedAt: textValue(repository.CreatedAt.UTC().Format(time.RFC3339)), TagMutability: types.StringValue(repository.TagMutability),
			ScanOnPush: types.BoolValue(repository.ScanOnPush), EncryptionType: types.StringValue(repository.Encryption.Type),
		})
	}
	slices.SortFunc(m.Repositories, func(a, b repositoryModel) int { return cmp.Compare(a.Name.ValueString(), b.Name.ValueString()) })
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxLooks)
	for i := range m.Repositories {
		group.Go(func() error { return m.Repositories[i].look(ctx, client) })
	}
	return group.Wait()
}

// look completes a repository. One that goes away meanwhile has nothing in it.
func (m *repositoryModel) look(ctx context.Context, client *awsregistry.Client) error {
	policy, err := client.LifecyclePolicy(ctx, m.Name.ValueString())
	if err != nil && !errors.Is(err, awsregistry.ErrNotFound) {
		return err
	}
	contents, err := client.Contents(ctx, m.Name.ValueString())
	m.LifecyclePolicyJSON = textValue(policy)
	m.ImageCount, m.SizeBytes = types.Int64Value(int64(contents.Images)), types.Int64Value(contents.Size)
	return err
}
