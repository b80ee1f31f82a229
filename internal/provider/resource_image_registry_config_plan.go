package provider

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// ValidateConfig implements resource.ResourceWithValidateConfig: everything that AWS would refuse and that no attribute can tell by itself.
func (r *imageRegistryConfigResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config imageRegistryConfigModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(checkLifecycle(ctx, config.LifecycleRules)...)
	resp.Diagnostics.Append(config.checkPrefix()...)
	if config.Enable.IsNull() || config.Enable.ValueBool() {
		resp.Diagnostics.Append(config.checkTrust()...)
	}
	resp.Diagnostics.Append(config.checkNames()...)
	resp.Diagnostics.Append(config.checkSettings(ctx)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(warnOfLifecycle(ctx, config.LifecycleRules, config.LifecyclePolicyJSON)...)
	}
}

// checkPrefix refuses an effective prefix that covers everything, unless that is asked for, and warns of it then.
func (m *imageRegistryConfigModel) checkPrefix() diag.Diagnostics {
	at := path.Root("repository_prefix")
	switch {
	case m.RepositoryPrefix.IsNull() || !m.known() || m.AllowEmptyPrefix.IsUnknown() || m.prefix() != "":
		return nil
	case m.AllowEmptyPrefix.ValueBool():
		return diag.Diagnostics{diags.EmptyPrefixAllowed(at)}
	}
	return diag.Diagnostics{diags.EmptyPrefix(at)}
}

// checkTrust refuses a trust that nobody, or anybody, could use.
func (m *imageRegistryConfigModel) checkTrust() diag.Diagnostics {
	var d diag.Diagnostics
	trust := m.registryTrust
	if trust.OIDCProviderARN.IsUnknown() || trust.OIDCProviderURL.IsUnknown() || trust.PodIdentity.IsUnknown() || trust.OIDCAudience.IsUnknown() {
		return d
	}
	if !trust.OIDCProviderURL.IsNull() && awsregistry.CheckOIDCProviderURL(trust.OIDCProviderURL.ValueString()) != nil ||
		!trust.OIDCProviderARN.IsNull() && awsregistry.CheckOIDCProviderARN(trust.OIDCProviderARN.ValueString()) != nil {
		return d // The attribute's own check has told it.
	}
	server, builder := trust.defaultAccounts(m.registryScope)
	for _, role := range []struct {
		attribute            string
		configured, fallback types.Set
	}{
		{"registry_server_service_accounts", trust.RegistryServerServiceAccounts, server},
		{"image_builder_service_accounts", trust.ImageBuilderServiceAccounts, builder},
	} {
		accounts := role.configured
		if accounts.IsNull() {
			accounts = role.fallback
		}
		if _, whole := texts(accounts); !whole {
			continue
		}
		// The two names of an identity provider are given one by one: together they are one too many.
		spec := trust.trust(accounts)
		if !trust.OIDCProviderARN.IsNull() {
			spec.OIDCProviderURL = trust.OIDCProviderURL.ValueString()
		}
		refused := spec.Check()
		if refused == nil {
			continue
		}
		at := path.Root(string(refused.Field))
		if refused.Field == awsregistry.FieldServiceAccounts {
			if at = path.Root(role.attribute); refused.Text != "" {
				continue // The attribute's own check has told it.
			}
		}
		d.Append(diags.InvalidInput(at, refused))
		return d // The same is wrong about the other role.
	}
	return d
}

// checkNames refuses names that IAM would refuse, and one name for two.
func (m *imageRegistryConfigModel) checkNames() diag.Diagnostics {
	for _, name := range []types.String{
		m.ResourceNameSuffix, m.Namespace, m.RegistryServerRoleName, m.RegistryServerPolicyName, m.ImageBuilderRoleName, m.ImageBuilderPolicyName,
	} {
		if name.IsUnknown() {
			return nil
		}
	}
	refused := awsregistry.CheckNames(m.names())
	if refused == nil {
		return nil
	}
	at := path.Root("resource_name_suffix")
	for _, name := range []struct {
		attribute  string
		field      awsregistry.Field
		configured types.String
	}{
		{"registry_server_role_name", awsregistry.FieldRoleName, m.RegistryServerRoleName},
		{"registry_server_policy_name", awsregistry.FieldPolicyName, m.RegistryServerPolicyName},
		{"image_builder_role_name", awsregistry.FieldRoleName, m.ImageBuilderRoleName},
		{"image_builder_policy_name", awsregistry.FieldPolicyName, m.ImageBuilderPolicyName},
	} {
		if name.field == refused.Field && strings.EqualFold(name.configured.ValueString(), refused.Text) {
			at = path.Root(name.attribute)
		}
	}
	return diag.Diagnostics{diags.InvalidInput(at, refused)}
}

// ModifyPlan implements resource.ResourceWithModifyPlan. It gives all computed values at once: what AWS will have follows from the inputs and the account, so that the
// plan shows whole policies. Only the repositories are counted by the apply.
func (r *imageRegistryConfigResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var plan, config, state imageRegistryConfigModel
	if req.Plan.Raw.IsNull() {
		if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); !resp.Diagnostics.HasError() {
			resp.Diagnostics.Append(r.foreseeRemoval(ctx, imageRegistryConfigModel{}, state)...)
		}
		return
	}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	plan.forgetDerived(config)
	account, err := r.plannedAccount(ctx, plan, state)
	if err != nil {
		resp.Diagnostics.Append(diags.FromAWS(diags.PlanRegistryConfig, "the image registry configuration", err))
		return
	}
	resp.Diagnostics.Append(r.checkBaseImages(ctx, plan)...)
	plan.complete(account)
	resp.Diagnostics.Append(plan.expect(ctx, account, state)...)
	// Repositories come and go without being a change; any other difference is a reason to count them again.
	if plan.Enable.ValueBool() { // While that is not known, neither is anything that follows from it.
		if !state.Repositories.IsNull() {
			plan.Repositories = state.Repositories
		}
		plan.OwnershipTag = state.OwnershipTag
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	if resp.Plan.Raw.Equal(req.State.Raw) {
		return
	}
	resp.Diagnostics.Append(r.foreseeRemoval(ctx, plan, state)...)
	if plan.Enable.ValueBool() {
		plan.Repositories = types.ObjectUnknown(repositoriesType.AttrTypes)
		if plan.OwnershipTag.IsNull() {
			plan.OwnershipTag = types.StringUnknown()
		}
		resp.Diagnostics.Append(r.foresee(ctx, req.Private, plan, state)...)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	}
}

// checkBaseImages refuses images from outside the registry to the provider's own embedded registry, too, where they are to be refused.
func (r *imageRegistryConfigResource) checkBaseImages(ctx context.Context, plan imageRegistryConfigModel) diag.Diagnostics {
	allowed := plan.AllowExternalCustomImages.IsUnknown() || plan.AllowExternalCustomImages.ValueBool()
	if r.clients == nil || r.externalBases == nil || allowed || !plan.Enable.ValueBool() {
		return nil
	}
	host, external := r.externalBases(ctx)
	if len(external) == 0 {
		return nil
	}
	return diag.Diagnostics{diags.ExternalBaseImages(path.Root("allow_external_custom_images"), host, external)}
}

// forgetDerived leaves in the plan only those values of optional attributes that are configured: the others follow from them anew.
func (m *imageRegistryConfigModel) forgetDerived(config imageRegistryConfigModel) {
	if config.OIDCProviderARN.IsNull() {
		m.OIDCProviderARN = types.StringNull()
	}
	if config.OIDCProviderURL.IsNull() {
		m.OIDCProviderURL = types.StringNull()
	}
	if config.RegistryServerServiceAccounts.IsNull() {
		m.RegistryServerServiceAccounts = types.SetNull(types.StringType)
	}
	if config.ImageBuilderServiceAccounts.IsNull() {
		m.ImageBuilderServiceAccounts = types.SetNull(types.StringType)
	}
}

// plannedAccount is where the registry is, or will be: nil while that is not known, and for one that is not enabled, of which nobody is asked.
func (r *imageRegistryConfigResource) plannedAccount(ctx context.Context, plan, state imageRegistryConfigModel) (*awsregistry.Account, error) {
	if !plan.Enable.ValueBool() {
		return nil, nil //nolint:nilnil // Nil is an account that is not known.
	}
	client, err := r.account()
	if errors.Is(err, diags.ErrNotKnownYet) {
		return nil, nil //nolint:nilnil // Nil is an account that is not known.
	}
	if err != nil {
		return nil, err
	}
	account, err := accountOf(ctx, client, state)
	return &account, err
}

// accountOf is where the client is, which has to be where the state's registry is.
func accountOf(ctx context.Context, client *awsregistry.Client, state imageRegistryConfigModel) (awsregistry.Account, error) {
	account, err := client.Account(ctx)
	if err != nil {
		return account, err
	}
	if was := state.RegistryURL.ValueString(); was != "" && was != account.RegistryURL() {
		return account, &diags.OtherAccountError{Want: was, Got: account.RegistryURL()}
	}
	return account, nil
}

// expect plans what AWS will have.
func (m *imageRegistryConfigModel) expect(ctx context.Context, account *awsregistry.Account, state imageRegistryConfigModel) diag.Diagnostics {
	switch {
	case m.Enable.IsUnknown():
		m.registryFacts = unknownRegistryFacts()
		return nil
	case !m.Enable.ValueBool():
		m.registryFacts = disabledRegistryFacts(m.prefix())
		if !m.known() {
			m.EffectiveRepositoryPrefix = types.StringUnknown()
		}
		return nil
	}
	m.registryFacts = unknownRegistryFacts()
	if m.known() {
		m.EffectiveRepositoryPrefix = types.StringValue(m.prefix())
	}
	if account == nil || !m.whole(ctx) {
		return nil
	}
	spec := m.spec(ctx)
	spec.Server.Trust = spec.Server.Trust.Keeping(trustJSON(state.RegistryServer))
	spec.Builder.Trust = spec.Builder.Trust.Keeping(trustJSON(state.ImageBuilder))
	return m.set(ctx, spec, wished(*account, spec), state.registryFacts)
}
