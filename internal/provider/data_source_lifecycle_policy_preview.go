package provider

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

var (
	_ datasource.DataSourceWithConfigure        = (*lifecyclePolicyPreviewDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*lifecyclePolicyPreviewDataSource)(nil)
	_ datasource.DataSourceWithValidateConfig   = (*lifecyclePolicyPreviewDataSource)(nil)
)

// previewTimeout bounds how long ECR may take for a preview.
const previewTimeout = 10 * time.Minute

func newLifecyclePolicyPreviewDataSource() datasource.DataSource {
	return &lifecyclePolicyPreviewDataSource{}
}

// lifecyclePolicyPreviewDataSource is the data source rime_lifecycle_policy_preview.
type lifecyclePolicyPreviewDataSource struct{ dataSourceBase }

// Metadata implements datasource.DataSource.
func (d *lifecyclePolicyPreviewDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_lifecycle_policy_preview"
}

// Schema implements datasource.DataSource.
func (d *lifecyclePolicyPreviewDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "What a lifecycle policy would do to an ECR repository right now, as ECR itself tells; nothing is deleted. ECR runs one preview at a time for each repository, " +
			"which may take minutes for many images.",
		Attributes: map[string]schema.Attribute{
			"repository": schema.StringAttribute{
				Required: true, MarkdownDescription: "Name of the repository, such as `rime-managed-images/prod/rime/churn`.",
				Validators: []validator.String{stringvalidator.LengthBetween(2, 256)},
			},
			"lifecycle_rules": schema.ListNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Rules to try, as in `rime_image_registry_config`. Without these and without `lifecycle_policy_json`, the repository's own policy is tried.",
				NestedObject:        schema.NestedAttributeObject{Attributes: inputsOfDataSource(lifecycleRuleAttributes())},
			},
			"lifecycle_policy_json": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The policy to try as ECR's own JSON, instead of `lifecycle_rules`.",
				Validators: []validator.String{lifecyclePolicyCheck{}},
			},
			"policy_json":    text("The policy that was tried, as JSON."),
			"expiring_count": schema.Int64Attribute{Computed: true, MarkdownDescription: "Number of images that would be deleted."},
			"images": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The images that the policy would act on, as ECR lists them.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"digest":    text("Digest of the image."),
					"tags":      schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Tags of the image."},
					"pushed_at": text("When it was pushed, as RFC 3339 in UTC."),
					"priority":  schema.Int64Attribute{Computed: true, MarkdownDescription: "Priority of the rule that applies."},
					"action":    text("What would be done: `expire` or `transition`."),
				}},
			},
		},
	}
}

// ConfigValidators implements datasource.DataSourceWithConfigValidators.
func (d *lifecyclePolicyPreviewDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{
		datasourcevalidator.Conflicting(path.MatchRoot("lifecycle_rules"), path.MatchRoot("lifecycle_policy_json")),
	}
}

// ValidateConfig implements datasource.DataSourceWithValidateConfig.
func (d *lifecyclePolicyPreviewDataSource) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var rules types.List
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("lifecycle_rules"), &rules)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(checkLifecycle(ctx, rules)...)
	}
}

// lifecyclePolicyPreviewModel is the state of the data source rime_lifecycle_policy_preview.
type lifecyclePolicyPreviewModel struct {
	Repository          types.String          `tfsdk:"repository"`
	LifecycleRules      types.List            `tfsdk:"lifecycle_rules"`
	LifecyclePolicyJSON types.String          `tfsdk:"lifecycle_policy_json"`
	PolicyJSON          types.String          `tfsdk:"policy_json"`
	ExpiringCount       types.Int64           `tfsdk:"expiring_count"`
	Images              []previewedImageModel `tfsdk:"images"`
}

// previewedImageModel is one image that the policy would act on.
type previewedImageModel struct {
	Digest   types.String `tfsdk:"digest"`
	Tags     []string     `tfsdk:"tags"`
	PushedAt types.String `tfsdk:"pushed_at"`
	Priority types.Int64  `tfsdk:"priority"`
	Action   types.String `tfsdk:"action"`
}

// Read implements datasource.DataSource.
func (d *lifecyclePolicyPreviewDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model lifecyclePolicyPreviewModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, previewTimeout, &diags.TimeoutError{Setting: "the preview's time", After: previewTimeout})
	defer cancel()
	tried := awsregistry.CanonicalLifecyclePolicy(model.LifecyclePolicyJSON.ValueString())
	if !model.LifecycleRules.IsNull() {
		policy, _ := lifecyclePolicy(ctx, model.LifecycleRules)
		tried = policy.JSON()
	}
	var preview awsregistry.Preview
	client, err := d.account()
	if err == nil {
		preview, err = client.PreviewLifecyclePolicy(ctx, model.Repository.ValueString(), tried)
	}
	if err != nil {
		resp.Diagnostics.Append(diags.FromAWS(diags.PreviewLifecycle, "the lifecycle policy of the repository \""+model.Repository.ValueString()+"\"", err))
		return
	}
	model.set(preview)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (m *lifecyclePolicyPreviewModel) set(preview awsregistry.Preview) {
	m.PolicyJSON = types.StringValue(preview.Policy)
	m.Images = []previewedImageModel{}
	expiring := 0
	for _, image := range preview.Images {
		action := strings.ToLower(image.Action)
		if action == string(awsregistry.ActionExpire) {
			expiring++
		}
		m.Images = append(m.Images, previewedImageModel{
			Digest: types.StringValue(image.Digest), Tags: append([]string{}, image.Tags...), PushedAt: types.StringValue(image.PushedAt.UTC().Format(time.RFC3339)),
			Priority: types.Int64Value(int64(image.Priority)), Action: types.StringValue(action),
		})
	}
	m.ExpiringCount = types.Int64Value(int64(expiring))
}
