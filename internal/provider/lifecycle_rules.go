package provider

import (
	"context"

	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// lifecycleRuleModel is one of the lifecycle_rules.
type lifecycleRuleModel struct {
	Priority           wholeNumber  `tfsdk:"priority"`
	Description        types.String `tfsdk:"description"`
	TagStatus          types.String `tfsdk:"tag_status"`
	TagPrefixes        types.Set    `tfsdk:"tag_prefixes"`
	TagPatterns        types.Set    `tfsdk:"tag_patterns"`
	CountType          types.String `tfsdk:"count_type"`
	CountNumber        wholeNumber  `tfsdk:"count_number"`
	CountUnit          types.String `tfsdk:"count_unit"`
	StorageClass       types.String `tfsdk:"storage_class"`
	Action             types.String `tfsdk:"action"`
	TargetStorageClass types.String `tfsdk:"target_storage_class"`
}

// lifecyclePolicy is the policy of these rules, and whether all of them are known.
func lifecyclePolicy(ctx context.Context, rules types.List) (policy awsregistry.LifecyclePolicy, whole bool) {
	raw, err := rules.ToTerraformValue(ctx)
	if err != nil || !raw.IsFullyKnown() {
		return awsregistry.LifecyclePolicy{}, false
	}
	for _, element := range rules.Elements() {
		object, _ := element.(types.Object)
		m, ok := asModel[lifecycleRuleModel](ctx, object)
		if !ok {
			return awsregistry.LifecyclePolicy{}, false
		}
		prefixes, _ := texts(m.TagPrefixes)
		patterns, _ := texts(m.TagPatterns)
		policy.Rules = append(policy.Rules, awsregistry.LifecycleRule{
			Priority: int(m.Priority.ValueInt64()), Description: m.Description.ValueString(),
			TagStatus: awsregistry.TagStatus(m.TagStatus.ValueString()), TagPrefixes: prefixes, TagPatterns: patterns,
			StorageClass: awsregistry.StorageClass(m.StorageClass.ValueString()), CountType: awsregistry.CountType(m.CountType.ValueString()),
			CountUnit: m.CountUnit.ValueString(), CountNumber: int(m.CountNumber.ValueInt64()),
			Action: awsregistry.ActionType(m.Action.ValueString()), TargetStorageClass: awsregistry.StorageClass(m.TargetStorageClass.ValueString()),
		})
	}
	return policy, true
}

// checkLifecycle judges the rules that are known, each problem at the attribute at fault.
func checkLifecycle(ctx context.Context, rules types.List) diag.Diagnostics {
	var d diag.Diagnostics
	policy, whole := lifecyclePolicy(ctx, rules)
	if rules.IsNull() || !whole {
		return d
	}
	for _, refused := range policy.Check() {
		d.Append(diags.InvalidInput(inputPath(refused), refused))
	}
	if d.HasError() {
		return d
	}
	for _, useless := range policy.Useless() {
		d.Append(diags.UselessRule(inputPath(useless), useless))
	}
	return d
}

// warnOfLifecycle warns of rules, known and accepted by ECR, that can take away what the embedded registry needs.
func warnOfLifecycle(ctx context.Context, rules types.List, policyJSON types.String) diag.Diagnostics {
	var d diag.Diagnostics
	at := func(rule int) path.Path { return path.Root(string(awsregistry.FieldLifecycleRules)).AtListIndex(rule) }
	policy, whole := lifecyclePolicy(ctx, rules)
	if rules.IsNull() {
		at = func(int) path.Path { return path.Root(string(awsregistry.FieldLifecyclePolicy)) }
		var err error
		policy, err = awsregistry.ParseLifecyclePolicy(policyJSON.ValueString())
		whole = err == nil && !policyJSON.IsNull() && !policyJSON.IsUnknown()
	}
	if !whole || len(policy.Check()) > 0 {
		return d
	}
	for _, hazard := range policy.Hazards() {
		d.Append(diags.HazardousRule(at(hazard.Rule), hazard))
	}
	return d
}

// texts are the elements of a set of strings, and whether all of them are known.
func texts(set types.Set) (values []string, whole bool) {
	whole = !set.IsUnknown()
	for _, element := range set.Elements() {
		text, ok := element.(types.String)
		if !ok || text.IsNull() || text.IsUnknown() {
			whole = false
			continue
		}
		values = append(values, text.ValueString())
	}
	return values, whole
}

// inputsOfDataSource derives a data source's inputs from those of the resource, so that both say the same.
func inputsOfDataSource(attributes map[string]schema.Attribute) map[string]dsschema.Attribute {
	derived := make(map[string]dsschema.Attribute, len(attributes))
	for name, attribute := range attributes {
		text := attribute.GetMarkdownDescription()
		switch a := attribute.(type) {
		case schema.StringAttribute:
			derived[name] = dsschema.StringAttribute{
				Required: a.Required, Optional: a.Optional, CustomType: a.CustomType, MarkdownDescription: text,
				DeprecationMessage: a.DeprecationMessage, Validators: a.Validators,
			}
		case schema.Int64Attribute:
			derived[name] = dsschema.Int64Attribute{
				Required: a.Required, Optional: a.Optional, CustomType: a.CustomType, MarkdownDescription: text, Validators: a.Validators,
			}
		case schema.SetAttribute:
			derived[name] = dsschema.SetAttribute{
				Required: a.Required, Optional: a.Optional, CustomType: a.CustomType, ElementType: a.ElementType, MarkdownDescription: text,
				DeprecationMessage: a.DeprecationMessage, Validators: a.Validators,
			}
		}
	}
	return derived
}
