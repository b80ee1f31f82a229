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

// foresee tells of what a plan that changes something does besides what it shows, and of what would stop its apply.
func (r *imageRegistryConfigResource) foresee(ctx context.Context, private privateState, plan, state imageRegistryConfigModel) diag.Diagnostics {
	client, err := r.account()
	if err != nil || !plan.Enable.ValueBool() || !plan.whole(ctx) {
		return nil // Without an account there is nothing to foresee.
	}
	var d diag.Diagnostics
	defaults := client.MergedTags(nil)
	spec := plan.spec(ctx)
	if spec.Template != nil && spec.Template.CustomRoleARN == "" && len(defaults) > 0 {
		d.Append(diags.TemplateWithoutTags(path.Root("creation_template").AtName("custom_role_arn"), slices.Sorted(maps.Keys(defaults))))
	}
	prior, _ := specs(ctx, private, state)
	spec.Owner, spec.Known, spec.Adopted = prior.Owner, prior.Known, prior.Adopted
	look, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	theirs, err := client.Foreign(look, spec)
	unforeseen(ctx, err)
	d.Append(diags.TakenNames(theirs)...)
	if state.Enable.ValueBool() {
		d.Append(warnOfOthers(look, client, spec)...)
	}
	if state.Enable.ValueBool() && state.EffectiveRepositoryPrefix.Equal(plan.EffectiveRepositoryPrefix) {
		return d // The repositories are this registry's already.
	}
	overlapping, err := client.Overlapping(look, spec)
	unforeseen(ctx, err)
	overlapping = slices.DeleteFunc(overlapping, func(other awsregistry.Neighbour) bool { return other.Is(prior) })
	if len(overlapping) > 0 {
		d.Append(diags.OverlappingPrefixes(path.Root("repository_prefix"), plan.prefix(), overlapping))
	}
	if names := repositoriesUnder(look, client, plan.prefix()); len(names) > 0 {
		d.Append(diags.RepositoriesExist(path.Root("repository_prefix"), plan.prefix(), names, plan.replacedSettings()))
	}
	return d
}

// unforeseen notes that something could not be foreseen, which is no reason not to plan.
func unforeseen(ctx context.Context, err error) {
	if err != nil {
		tflog.Debug(ctx, "AWS could not be looked at while planning", map[string]any{"error": redact.Text(err.Error())})
	}
}

// warnOfOthers warns of policies of others on roles that stay, and says what becomes of them.
func warnOfOthers(ctx context.Context, client *awsregistry.Client, spec awsregistry.RegistrySpec) diag.Diagnostics {
	others, err := client.OtherPolicies(ctx, spec, false)
	unforeseen(ctx, err)
	var d diag.Diagnostics
	for _, role := range others {
		unwanted := slices.DeleteFunc(role.Policies, func(policy string) bool { return slices.Contains(spec.AllowedPolicies, policy) })
		if len(unwanted) > 0 {
			role.Policies = unwanted
			d.Append(diags.OtherPolicies(path.Root("force_detach_policies"), role, spec.ForceDetach))
		}
	}
	return d
}

// foreseeRemoval warns of policies of others on roles that the plan deletes: they go with their role, or stop its deletion. The plan of a destroy is empty.
func (r *imageRegistryConfigResource) foreseeRemoval(ctx context.Context, plan, state imageRegistryConfigModel) diag.Diagnostics {
	client, err := r.account()
	if err != nil || !state.Enable.ValueBool() || plan.Enable.IsUnknown() || !plan.known() {
		return nil
	}
	force, destroyed := plan.ForceDetachPolicies.ValueBool(), plan.Enable.IsNull()
	if destroyed {
		force = state.ForceDetachPolicies.ValueBool()
	}
	kept := plan.names()
	if destroyed || !plan.Enable.ValueBool() || !plan.RolePath.Equal(state.RolePath) {
		kept = awsregistry.Names{}
	}
	if kept == state.names() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	others, err := client.OtherPolicies(ctx, state.spec(ctx), true)
	unforeseen(ctx, err)
	var d diag.Diagnostics
	for _, role := range others {
		if role.Role != kept.ServerRole && role.Role != kept.BuilderRole {
			d.Append(diags.OtherPoliciesGo(role, force))
		}
	}
	return d
}

// repositoriesUnder are the names of the repositories under a prefix. That nobody can tell is no reason not to plan.
func repositoriesUnder(ctx context.Context, client *awsregistry.Client, prefix string) []string {
	var names []string
	for repository, err := range client.Repositories(ctx, prefix) {
		if err != nil {
			unforeseen(ctx, err)
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
