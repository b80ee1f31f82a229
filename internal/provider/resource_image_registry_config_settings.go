package provider

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// checkSettings refuses settings of repositories, and of the template that makes them, that ECR would refuse.
func (m *imageRegistryConfigModel) checkSettings(ctx context.Context) diag.Diagnostics {
	var d diag.Diagnostics
	known := func(value attr.Value) bool {
		raw, err := value.ToTerraformValue(ctx)
		return err == nil && raw.IsFullyKnown()
	}
	if known(m.TagMutability) && known(m.TagMutabilityExclusions) && known(m.Encryption) {
		if refused := m.repositorySettings(ctx).Check(); refused != nil {
			d.Append(diags.InvalidInput(inputPath(refused), refused))
		}
	}
	if m.CreationTemplate.IsNull() || !known(m.CreationTemplate) || !known(m.Encryption) {
		return d
	}
	if refused := m.template(ctx).Check(m.repositorySettings(ctx)); refused != nil {
		at := path.Root("creation_template").AtName(string(refused.Field))
		if refused.Field == awsregistry.FieldEncryption {
			at = path.Root("encryption").AtName("kms_key")
		}
		d.Append(diags.InvalidInput(at, refused))
	}
	return d
}

// foresee warns of what a plan that changes something does besides what it shows.
func (r *imageRegistryConfigResource) foresee(ctx context.Context, plan, state imageRegistryConfigModel) diag.Diagnostics {
	client, err := r.account()
	if err != nil || !plan.Enable.ValueBool() || !plan.whole(ctx) {
		return nil // Without an account there is nothing to foresee.
	}
	var d diag.Diagnostics
	defaults := client.MergedTags(nil)
	if spec := plan.spec(ctx); spec.Template != nil && spec.Template.CustomRoleARN == "" && len(defaults) > 0 {
		d.Append(diags.TemplateWithoutTags(path.Root("creation_template").AtName("custom_role_arn"), slices.Sorted(maps.Keys(defaults))))
	}
	if state.Enable.ValueBool() && state.EffectiveRepositoryPrefix.Equal(plan.EffectiveRepositoryPrefix) {
		return d // The repositories are this registry's already.
	}
	if names := repositoriesUnder(ctx, client, plan.prefix()); len(names) > 0 {
		d.Append(diags.RepositoriesExist(path.Root("repository_prefix"), plan.prefix(), names, plan.replacedSettings()))
	}
	return d
}

// repositoriesUnder are the names of the repositories under a prefix. That nobody can tell is no reason not to plan.
func repositoriesUnder(ctx context.Context, client *awsregistry.Client, prefix string) []string {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	var names []string
	for repository, err := range client.Repositories(ctx, prefix) {
		if err != nil {
			tflog.Debug(ctx, "repositories under the prefix could not be listed", map[string]any{"prefix": prefix, "error": redact.Text(err.Error())})
			return nil
		}
		names = append(names, repository.Name)
	}
	return names
}

// replacedSettings are the attributes whose values replace those of repositories that exist.
func (m *imageRegistryConfigModel) replacedSettings() []string {
	var names []string
	for _, setting := range []struct {
		name  string
		value attr.Value
	}{
		{"lifecycle_rules", m.LifecycleRules}, {"lifecycle_policy_json", m.LifecyclePolicyJSON}, {"tag_mutability", m.TagMutability}, {"scan_on_push", m.ScanOnPush},
	} {
		if !setting.value.IsNull() {
			names = append(names, setting.name)
		}
	}
	return names
}
